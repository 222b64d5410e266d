// SPDX-License-Identifier: Apache-2.0
/// @file
/// Converting models of other frameworks to ONNX. The frameworks' own converters do it, in a virtual environment of Python that
/// install_converter() makes; nothing else here downloads anything.
#pragma once

#include "tercet/build.h"
#include "tercet/engine.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace [[gnu::visibility("default")]] tercet {

/// How convert() converts.
struct ConvertSettings {
    std::filesystem::path output;                  ///< empty: MODEL.onnx in the current folder
    bool fixed_batch = false;                      ///< the batch stays what it is in the original (1 if that leaves it open); otherwise it is N
    Shapes input_shapes;                           ///< of TorchScript and pickled modules, which do not say them; elsewhere of sizes left open. The only input's name may be empty
    std::map<std::string, std::string> input_types;  ///< of PyTorch's inputs that are not float32: "int64"
    std::string signature;                         ///< of a SavedModel; empty: serving_default
    std::int64_t opset = 0;                        ///< to write; 0: what the converter writes best
    bool check = true;                             ///< run the original and the result on random inputs and compare
    bool allow_code = false;                       ///< pickles and Lambda layers hold Python code, which runs when they are loaded
    std::vector<std::filesystem::path> python_path;  ///< folders with the classes that a pickle needs
    std::filesystem::path environment;             ///< a virtual environment with framework and converter; empty: converter_environment()
    bool verbose = false;                          ///< what the converter says goes to standard error
};

/// How far an output of the ONNX model, run by an engine in FP32 on this machine, is from the original's.
struct ConversionError {
    std::string name;
    std::int64_t values = 0;       ///< that were compared
    double max_abs_error = 0;
    double bound = 0;              ///< what it may be at most: 0.001 of the greatest magnitude; for whole numbers 0, or 2 in a quantized model
};

/// What convert() wrote.
struct Conversion {
    std::filesystem::path path;
    std::uint64_t bytes = 0;                 ///< of the file; tensors in FILE.data beside it are not counted
    std::string format;                      ///< what the original is: "a Keras model"
    std::string converter;                   ///< "tf2onnx 1.17.0"
    std::vector<TensorInfo> inputs, outputs; ///< as declared
    std::vector<std::string> notes;          ///< what is worth knowing, one line each
    std::vector<std::int64_t> batches;       ///< sizes of the random inputs; empty: not checked
    std::vector<ConversionError> outputs_checked;
};

/// Names of what install_converter() installs: "tensorflow", "pytorch", "scikit-learn".
std::vector<std::string> converter_frameworks();

/// Which of them the model needs. Error if it is missing, or is no model that convert() takes.
std::string framework_of(const std::filesystem::path& model);

/// Where the environment for a framework is unless another place is named: $XDG_DATA_HOME/tercet/convert-FRAMEWORK, by default in
/// ~/.local/share.
std::filesystem::path converter_environment(std::string_view framework);

/// Makes or renews a virtual environment with a framework and its converter, in the versions that this version of Tercet was tried
/// with, downloading them by pip. `environment` may be empty (converter_environment()); `python` is the program that makes it, of a
/// version that the packages exist for. What the programs say goes to standard error. Gives false, and does nothing, if it is complete already. Error if
/// there is another virtual environment or a folder with something else, or if a program fails.
bool install_converter(std::string_view framework, const std::filesystem::path& environment = {}, const std::string& python = "python3");

/// Converts a Keras file, a SavedModel folder, a TensorFlow Lite, PyTorch or scikit-learn file. Error, and no file, if the environment
/// is missing (names the command that installs it), if the original cannot be loaded or converted (with the reason), if it holds code
/// that was not allowed, or if the result does not compute what the original does.
Conversion convert(const std::filesystem::path& model, const ConvertSettings& settings = {});

}  // namespace tercet
