// SPDX-License-Identifier: Apache-2.0
#include "onnx/model_fields.h"
#include "onnx/read_model.h"
#include "system/output_file.h"
#include "tercet/error.h"

#include <protozero/pbf_writer.hpp>

namespace tercet {

using namespace onnx;

void write_tensor(const std::filesystem::path& file, std::string_view name, const Tensor& tensor) {
    constexpr std::size_t protobuf_limit = std::size_t{1} << 31, room = 4096;
    if (bits_of(tensor.dtype()) == 0)
        throw Error({.what = "a tensor without numbers cannot be written", .where = file.string(),
                     .fix = "give numbers"});
    if (tensor.bytes() + name.size() > protobuf_limit - room)
        throw Error({.what = "a TensorProto cannot hold 2 GiB", .where = file.string(), .fix = "write an .npy file instead"});
    std::string text;
    protozero::pbf_writer w(text);
    for (std::int64_t d : tensor.shape()) w.add_int64(tensor_field::dims, d);
    w.add_int32(tensor_field::data_type, static_cast<std::int32_t>(tensor.dtype()));
    w.add_string(tensor_field::name, name.data(), name.size());
    w.add_bytes(tensor_field::raw_data, reinterpret_cast<const char*>(tensor.data()), tensor.bytes());
    OutputFile out(file);
    out.write(text);
    out.commit();
}

}  // namespace tercet
