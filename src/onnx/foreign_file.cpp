// SPDX-License-Identifier: Apache-2.0
#include "onnx/foreign_file.h"

#include <algorithm>

namespace tercet::onnx {
namespace {

struct Signature {
    std::size_t at;
    std::string_view bytes;
    std::string_view what, fix;  // an empty fix: how_to_export
};

using namespace std::string_view_literals;

constexpr Signature signatures[] = {
    {0, "TERCET\r\n"sv, "a Tercet engine", "run it with `tercet run`, or build from the ONNX model that it was made from"},
    {0, "ftrt"sv, "a TensorRT engine", "run it with `tercet run`, or build from the ONNX model that it was made from"},
    {0, "ptrt"sv, "a TensorRT engine", "run it with `tercet run`, or build from the ONNX model that it was made from"},
    {0, "vtrt"sv, "an engine of TensorRT for RTX", "run it with `tercet run`, or build from the ONNX model that it was made from"},
    {0, "PK\x03\x04"sv, "a zip archive", ""},
    {4, "ORTM"sv, "a model in ONNX Runtime's own format", "use the ONNX model that it was made from"},
    {0, "version https://git-lfs"sv, "a pointer of Git LFS, not the model itself", "git lfs pull"},
    {0, "\x89PNG"sv, "a PNG image", "give the model first, then its data"},
    {0, "\xff\xd8\xff"sv, "a JPEG image", "give the model first, then its data"},
    {0, "\x93NUMPY"sv, "a NumPy array", "give the model first, then its data"},
    {0, "\x1f\x8b"sv, "a gzip archive", "unpack it first: gunzip FILE"},
    {0, "\x7f""ELF"sv, "a program", ""},
};

bool is_text(std::string_view s) {
    return std::ranges::all_of(s.substr(0, 256), [](char c) {
        return (c >= 0x20 && c < 0x7f) || c == '\n' || c == '\r' || c == '\t';
    });
}

}  // namespace

std::string how_to_export() {
    return "make one of a Keras, TensorFlow, PyTorch or scikit-learn model by `tercet convert`, or by torch.onnx.export(model, sample, \"model.onnx\")";
}

Fault foreign_model(ModelFormat format, std::string_view name) {
    return {.what = "is " + std::string(description_of(format)) + ", not an ONNX model",
            .fix = is_convertible(format) ? "convert it: tercet convert " + std::string(name) : std::string(how_to_save_whole(format))};
}

std::optional<Fault> recognize_foreign(std::span<const std::byte> bytes, std::string_view name) {
    if (const ModelFormat format = model_format_of(bytes); format != ModelFormat::none) return foreign_model(format, name);
    const std::string_view s(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    const auto fault = [](std::string_view what, std::string_view fix) {
        return Fault{.what = "is not an ONNX model but " + std::string(what), .fix = fix.empty() ? how_to_export() : std::string(fix)};
    };
    for (const Signature& known : signatures)
        if (s.size() >= known.at && s.substr(known.at).starts_with(known.bytes)) return fault(known.what, known.fix);
    if (is_text(s)) return fault("a text file", "");
    return std::nullopt;
}

}  // namespace tercet::onnx
