// SPDX-License-Identifier: Apache-2.0
#include "data/image.h"

#include "tercet/error.h"

#include <array>
#include <cstring>

namespace tercet {
namespace {

template <std::size_t n>
bool starts_with(std::span<const std::byte> bytes, const std::array<unsigned char, n>& magic) {
    return bytes.size() >= n && std::memcmp(bytes.data(), magic.data(), n) == 0;
}

}  // namespace

bool is_jpeg(std::span<const std::byte> bytes) noexcept { return starts_with<3>(bytes, {0xff, 0xd8, 0xff}); }

bool is_png(std::span<const std::byte> bytes) noexcept { return starts_with<8>(bytes, {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'}); }

Tensor decode_image(std::span<const std::byte> bytes) {
    if (is_jpeg(bytes)) return decode_jpeg(bytes);
    if (is_png(bytes)) return decode_png(bytes);
    throw Error({.what = "this is neither a JPEG nor a PNG", .fix = "convert the picture, or remove the file"});
}

}  // namespace tercet
