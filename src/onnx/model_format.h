// SPDX-License-Identifier: Apache-2.0
// Models of other frameworks, as far as their files can be told from others.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>

namespace tercet::onnx {

enum class ModelFormat {
    none,            // nothing of these
    keras,           // .keras: a zip archive
    hdf5,            // .h5 with layers and weights
    keras_weights,   // .h5 with weights only, or anything else
    saved_model,     // a folder
    tflite,
    torch_export,    // .pt2 of torch.export
    torch_script,
    torch_pickle,    // a module, saved by torch.save
    torch_tensors,   // a state_dict or checkpoint, saved by torch.save
    pickle,          // any other, plain or as joblib packs them
};

/// By what a file holds, not by its name.
ModelFormat model_format_of(std::span<const std::byte> bytes);

/// The same for a file, or for a folder. Error if there is none, or it cannot be read.
ModelFormat model_format_of(const std::filesystem::path& file);

/// "a Keras model"
std::string_view description_of(ModelFormat format);

/// What holds weights without the layers that they belong to cannot become a model.
bool is_convertible(ModelFormat format);

/// What makes a model of what is_convertible() refuses.
std::string_view how_to_save_whole(ModelFormat format);

}  // namespace tercet::onnx
