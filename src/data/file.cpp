// SPDX-License-Identifier: Apache-2.0
#include "data/file.h"

#include "data/idx.h"
#include "data/image.h"
#include "data/inflate.h"
#include "data/npy.h"
#include "tercet/error.h"

#include <algorithm>

namespace tercet {
namespace {

DataFormat recognise(std::span<const std::byte> head) {
    if (is_npy(head)) return DataFormat::npy;
    if (is_zip(head)) return DataFormat::npz;
    if (is_jpeg(head) || is_png(head)) return DataFormat::image;
    if (is_idx(head)) return DataFormat::idx;
    if (head.empty()) throw Error({.what = "the file is empty", .fix = "give a file with samples"});
    const auto first = head.first(std::min<std::size_t>(head.size(), 4096));
    if (std::ranges::find(first, std::byte{0}) == first.end()) return DataFormat::text;
    throw Error({.what = "the file's format is not known",
                 .fix = "give JPEG, PNG, NPY, NPZ, IDX or CSV, or a folder of pictures"});
}

std::uint64_t promised_bytes(std::span<const std::byte> head) {
    switch (recognise(head)) {
        case DataFormat::npy: return npy_bytes(head);
        case DataFormat::idx: return idx_bytes(head);
        default: return max_inflated_bytes;
    }
}

}  // namespace

DataFile open_data(const std::filesystem::path& path) {
    FileBytes file = map_file(path);
    return at([&] { return path.string(); }, [&]() -> DataFile {
        if (is_gzip(file.bytes)) {
            auto whole = std::make_shared<std::vector<std::byte>>(gunzip(file.bytes, promised_bytes));
            file = {.owner = whole, .bytes = *whole};
        }
        return {.file = file, .format = recognise(file.bytes)};
    });
}

}  // namespace tercet
