// SPDX-License-Identifier: Apache-2.0
// IDX: two zero bytes, a byte for the type, a byte for the rank, one big-endian u32 per extent, the elements, big-endian.
#include "data/idx.h"

#include "data/inflate.h"
#include "tercet/error.h"

#include <fmt/format.h>

#include <algorithm>

namespace tercet {
namespace {

struct Header {
    DType dtype = DType::undefined;
    Dims shape{};
    std::size_t data_at = 0;
};

DType type_of(std::byte code) {
    switch (std::to_integer<int>(code)) {
        case 0x08: return DType::u8;
        case 0x09: return DType::i8;
        case 0x0b: return DType::i16;
        case 0x0c: return DType::i32;
        case 0x0d: return DType::f32;
        case 0x0e: return DType::f64;
        default: return DType::undefined;
    }
}

Header parse_header(std::span<const std::byte> bytes) {
    if (!is_idx(bytes)) throw Error({.what = "this is not an IDX file", .fix = "give a file as MNIST has them"});
    Header h{.dtype = type_of(bytes[2])};
    const auto rank = std::to_integer<std::size_t>(bytes[3]);
    h.data_at = 4 + 4 * rank;
    if (bytes.size() < h.data_at) throw Error({.what = "the IDX file ends within its header", .fix = "get the file again"});
    for (std::size_t i = 0; i < rank; ++i) {
        std::int64_t extent = 0;
        for (std::size_t b = 0; b < 4; ++b) extent = extent << 8 | std::to_integer<std::int64_t>(bytes[4 + 4 * i + b]);
        h.shape.push_back(extent);
    }
    return h;
}

}  // namespace

bool is_idx(std::span<const std::byte> bytes) noexcept {
    return bytes.size() >= 4 && bytes[0] == std::byte{0} && bytes[1] == std::byte{0} && type_of(bytes[2]) != DType::undefined &&
           bytes[3] >= std::byte{1} && bytes[3] <= std::byte{max_rank};
}

std::uint64_t idx_bytes(std::span<const std::byte> head) {
    const Header h = parse_header(head);
    const auto data = bytes_within(h.dtype, h.shape, max_inflated_bytes);
    if (!data)
        throw Error({.what = fmt::format("the array has more than {} bytes", max_inflated_bytes),
                     .fix = "unpack the file first"});
    return h.data_at + *data;
}

Tensor parse_idx(const FileBytes& file) {
    const Header h = parse_header(file.bytes);
    const std::uint64_t available = file.bytes.size() - h.data_at;
    const auto bytes = bytes_within(h.dtype, h.shape, available);
    if (!bytes || *bytes != available)
        throw Error({.what = fmt::format("the header says {} [{}], but {} bytes follow", name_of(h.dtype), fmt::join(h.shape, ", "), available),
                     .fix = "get the file again"});
    const std::byte* data = file.bytes.data() + h.data_at;
    const std::size_t size = static_cast<std::size_t>(bits_of(h.dtype)) / 8;
    if (size == 1) return Tensor(h.dtype, h.shape, file.owner, data);
    Tensor t = Tensor::zeros(h.dtype, h.shape);
    std::byte* to = t.writable().data;
    for (std::size_t i = 0; i < *bytes; i += size) std::reverse_copy(data + i, data + i + size, to + i);
    return t;
}

}  // namespace tercet
