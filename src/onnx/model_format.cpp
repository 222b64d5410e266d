// SPDX-License-Identifier: Apache-2.0
#include "onnx/model_format.h"

#include "system/mapped_file.h"
#include "system/zip_directory.h"

#include <algorithm>

namespace tercet::onnx {
namespace {

using namespace std::string_view_literals;

std::string_view view_of(std::span<const std::byte> bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

// A module's pickle holds its attributes by name; a state_dict's holds tensors, which have none of these.
bool holds_module(std::string_view pickle) { return pickle.find("_parameters"sv) != pickle.npos && pickle.find("_forward_hooks"sv) != pickle.npos; }

ModelFormat format_of_zip(std::span<const std::byte> bytes) {
    const auto members = read_zip_directory(bytes);
    if (!members) return ModelFormat::none;
    // PyTorch puts everything into a folder with the file's own name.
    const auto find = [&](std::string_view name) {
        return std::ranges::find_if(*members, [&](const ZipMember& m) { return m.name.substr(m.name.rfind('/') + 1) == name; });
    };
    const auto has = [&](std::string_view name) { return find(name) != members->end(); };
    if (has("config.json") && has("metadata.json")) return ModelFormat::keras;
    if (has("archive_format") || has("serialized_exported_program.json")) return ModelFormat::torch_export;
    const auto pickle = find("data.pkl");
    if (pickle == members->end()) return ModelFormat::none;
    if (has("constants.pkl")) return ModelFormat::torch_script;
    return holds_module(view_of(pickle->stored)) ? ModelFormat::torch_pickle : ModelFormat::torch_tensors;
}

bool is_pickle(std::string_view s) { return s.size() > 2 && s[0] == '\x80' && s[1] >= 2 && s[1] <= 5; }

// What joblib writes with compress=True.
bool is_zlib(std::string_view s) { return s.starts_with("x\x01"sv) || s.starts_with("x\x5e"sv) || s.starts_with("x\x9c"sv) || s.starts_with("x\xda"sv); }

}  // namespace

ModelFormat model_format_of(std::span<const std::byte> bytes) {
    const std::string_view s = view_of(bytes);
    if (s.starts_with("PK\x03\x04"sv)) return format_of_zip(bytes);
    if (s.starts_with("\x89HDF\r\n\x1a\n"sv)) return s.find("model_config"sv) != s.npos ? ModelFormat::hdf5 : ModelFormat::keras_weights;
    if (s.size() >= 8 && s.substr(4, 4) == "TFL3"sv) return ModelFormat::tflite;
    if (s.starts_with("\x80\x02\x8a\x0al\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."sv)) return holds_module(s) ? ModelFormat::torch_pickle : ModelFormat::torch_tensors;  // before 1.6
    return is_pickle(s) || is_zlib(s) ? ModelFormat::pickle : ModelFormat::none;
}

ModelFormat model_format_of(const std::filesystem::path& file) {
    std::error_code failed;
    if (std::filesystem::is_directory(file, failed)) return std::filesystem::exists(file / "saved_model.pb", failed) ? ModelFormat::saved_model : ModelFormat::none;
    return model_format_of(map_file(file).bytes);
}

std::string_view description_of(ModelFormat format) {
    switch (format) {
        case ModelFormat::none: return "no model of another framework";
        case ModelFormat::keras:
        case ModelFormat::hdf5: return "a Keras model";
        case ModelFormat::keras_weights: return "an HDF5 file without a model (Keras weights only)";
        case ModelFormat::saved_model: return "a TensorFlow SavedModel";
        case ModelFormat::tflite: return "a TensorFlow Lite model";
        case ModelFormat::torch_export: return "a PyTorch program (torch.export)";
        case ModelFormat::torch_script: return "a TorchScript model";
        case ModelFormat::torch_pickle: return "a pickled PyTorch module";
        case ModelFormat::torch_tensors: return "a PyTorch state_dict or checkpoint (weights without the model)";
        case ModelFormat::pickle: return "a Python pickle (scikit-learn model)";
    }
    return "";
}

bool is_convertible(ModelFormat format) {
    return format != ModelFormat::none && format != ModelFormat::keras_weights && format != ModelFormat::torch_tensors;
}

std::string_view how_to_save_whole(ModelFormat format) {
    return format == ModelFormat::keras_weights
               ? "save the model whole by model.save(\"model.keras\"), then: tercet convert model.keras"
               : "load it into its module and save that by torch.export.save(torch.export.export(module.eval(), (sample,)), \"model.pt2\"), then: tercet convert model.pt2";
}

}  // namespace tercet::onnx
