// SPDX-License-Identifier: Apache-2.0
// load_array and save_array of tercet/data.h.
#include "data/file.h"
#include "data/idx.h"
#include "data/inflate.h"
#include "data/npy.h"
#include "tercet/data.h"
#include "tercet/error.h"

#include <fmt/format.h>

namespace tercet {

Array load_array(const std::filesystem::path& path) {
    const DataFile f = open_data(path);
    return at([&] { return path.string(); }, [&]() -> Array {
        if (f.format != DataFormat::npy && f.format != DataFormat::idx)
            throw Error({.what = "this is no single array", .fix = "give an NPY file"});
        const Tensor t = f.format == DataFormat::npy ? parse_npy(f.file) : parse_idx(f.file);
        return {.dtype = t.dtype(), .shape = {t.shape().begin(), t.shape().end()}, .data = {t.data(), t.data() + t.bytes()}};
    });
}

void save_array(const std::filesystem::path& path, DType dtype, std::span<const std::int64_t> shape, std::span<const std::byte> data) {
    const auto refuse = [&](std::string what) { throw Error({.what = std::move(what), .where = path.string(),
                                                             .fix = "give an array as load_array returns it"}); };
    if (!computes(dtype)) refuse(fmt::format("an array of {} cannot be written", name_of(dtype)));
    if (shape.size() > max_rank) refuse(fmt::format("the array has {} axes", shape.size()));
    if (bytes_within(dtype, Dims(shape), data.size()) != data.size())
        refuse(fmt::format("{} bytes are no {} [{}]", data.size(), name_of(dtype), fmt::join(shape, ", ")));
    write_npy(path, Tensor(dtype, Dims(shape), nullptr, data.data()));
}

}  // namespace tercet
