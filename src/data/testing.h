// SPDX-License-Identifier: Apache-2.0
// For tests: data files made on the spot, and damaged.
#pragma once

#include "system/mapped_file.h"
#include "system/temporary_folder.h"
#include "tensor/testing.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tercet::testing {

using Bytes = std::vector<std::byte>;

Bytes bytes_of_text(std::string_view text);
inline Bytes& operator+=(Bytes& to, const Bytes& from) {
    to.insert(to.end(), from.begin(), from.end());
    return to;
}

/// The elements as they lie in memory.
template <class T>
Bytes bytes_of_values(const std::vector<T>& values) {
    const auto raw = std::as_bytes(std::span(values));
    return {raw.begin(), raw.end()};
}

FileBytes file_bytes(Bytes bytes);

struct Pixels {
    int width = 0, height = 0, channels = 0;
    std::vector<std::uint8_t> values{};  // [height, width, channels]
};

/// A picture that changes from pixel to pixel and from channel to channel, smoothly.
Pixels gradient(int width, int height, int channels);

struct JpegForm {
    int quality = 95;
    bool progressive = false;
};
Bytes jpeg(const Pixels& pixels, const JpegForm& form = {});  // 1, 3 or 4 (CMYK as Adobe writes it) channels

struct PngForm {
    int color_type = -1;  // libpng's; -1: by the channels
    int bit_depth = 8;    // `values` hold packed rows as they stand in the file
    bool interlaced = false;
    std::vector<std::uint8_t> palette{};  // RGB
};
Bytes png(const Pixels& pixels, const PngForm& form = {});

Bytes gzip(const Bytes& bytes);
Bytes npy(std::string_view header, const Bytes& elements, int major = 1);
Bytes idx(int type, const std::vector<std::uint32_t>& shape, const Bytes& elements);
Bytes zip(const std::vector<std::pair<std::string, Bytes>>& members, bool deflated);

/// Calls `read` with every truncation of `file` and with every byte changed in several ways. What it throws must be Error, and
/// for truncations (to less than `whole` bytes, 0: all) it must throw.
void expect_errors_only(const Bytes& file, const std::function<void(const Bytes&)>& read, std::size_t whole = 0);

}  // namespace tercet::testing
