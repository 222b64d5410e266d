// SPDX-License-Identifier: Apache-2.0
#include "data/testing.h"

#include <gtest/gtest.h>
#include <png.h>
#include <unistd.h>
#include <zlib.h>

#include <array>
#include <cstdio>  // jpeglib.h needs it and does not say so
#include <cstdlib>
#include <cstring>
#include <fstream>

#include <jpeglib.h>

namespace tercet::testing {
namespace {

void put(Bytes& to, std::uint64_t value, int size) {
    for (int i = 0; i < size; ++i) to.push_back(static_cast<std::byte>(value >> 8 * i & 255));
}

Bytes deflated(const Bytes& bytes, int window_bits) {
    z_stream z{};
    deflateInit2(&z, Z_BEST_COMPRESSION, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY);
    Bytes out(deflateBound(&z, bytes.size()) + 32);
    z.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(bytes.data()));
    z.avail_in = static_cast<uInt>(bytes.size());
    z.next_out = reinterpret_cast<Bytef*>(out.data());
    z.avail_out = static_cast<uInt>(out.size());
    deflate(&z, Z_FINISH);
    out.resize(z.total_out);
    deflateEnd(&z);
    return out;
}

}  // namespace

Bytes bytes_of_text(std::string_view text) {
    const auto raw = std::as_bytes(std::span(text));
    return {raw.begin(), raw.end()};
}

FileBytes file_bytes(Bytes bytes) {
    auto owner = std::make_shared<Bytes>(std::move(bytes));
    return {.owner = owner, .bytes = *owner};
}

Pixels gradient(int width, int height, int channels) {
    Pixels p{width, height, channels, {}};
    for (int y = 0; y < height; ++y)
        for (int x = 0; x < width; ++x)
            for (int c = 0; c < channels; ++c) p.values.push_back(static_cast<std::uint8_t>((20 + 4 * x + 2 * y + 30 * c) % 256));
    return p;
}

Bytes jpeg(const Pixels& pixels, const JpegForm& form) {
    jpeg_compress_struct c{};
    jpeg_error_mgr errors{};
    c.err = jpeg_std_error(&errors);
    jpeg_create_compress(&c);
    unsigned char* memory = nullptr;
    unsigned long size = 0;
    jpeg_mem_dest(&c, &memory, &size);
    c.image_width = static_cast<JDIMENSION>(pixels.width);
    c.image_height = static_cast<JDIMENSION>(pixels.height);
    c.input_components = pixels.channels;
    c.in_color_space = pixels.channels == 1 ? JCS_GRAYSCALE : pixels.channels == 3 ? JCS_RGB : JCS_CMYK;
    jpeg_set_defaults(&c);
    jpeg_set_quality(&c, form.quality, TRUE);
    if (form.progressive) jpeg_simple_progression(&c);
    if (pixels.channels == 4) c.write_Adobe_marker = TRUE;
    jpeg_start_compress(&c, TRUE);
    while (c.next_scanline < c.image_height) {
        auto* row = const_cast<JSAMPLE*>(pixels.values.data() + c.next_scanline * static_cast<std::size_t>(pixels.width * pixels.channels));
        jpeg_write_scanlines(&c, &row, 1);
    }
    jpeg_finish_compress(&c);
    jpeg_destroy_compress(&c);
    const auto* first = reinterpret_cast<const std::byte*>(memory);
    Bytes out(first, first + size);
    std::free(memory);
    return out;
}

Bytes png(const Pixels& pixels, const PngForm& form) {
    constexpr std::array by_channels = {PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_GRAY_ALPHA, PNG_COLOR_TYPE_RGB, PNG_COLOR_TYPE_RGB_ALPHA};
    Bytes out;
    png_structp p = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
    png_infop info = png_create_info_struct(p);
    png_set_write_fn(p, &out, [](png_structp to, png_bytep data, std::size_t n) {
        const auto* first = reinterpret_cast<const std::byte*>(data);
        auto& all = *static_cast<Bytes*>(png_get_io_ptr(to));
        all.insert(all.end(), first, first + n);
    }, nullptr);
    png_set_IHDR(p, info, static_cast<png_uint_32>(pixels.width), static_cast<png_uint_32>(pixels.height), form.bit_depth,
                 form.color_type < 0 ? by_channels[static_cast<std::size_t>(pixels.channels)] : form.color_type,
                 form.interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    if (!form.palette.empty())
        png_set_PLTE(p, info, reinterpret_cast<png_const_colorp>(form.palette.data()), static_cast<int>(form.palette.size() / 3));
    png_write_info(p, info);
    std::vector<png_bytep> rows;
    for (int y = 0; y < pixels.height; ++y)
        rows.push_back(const_cast<png_bytep>(pixels.values.data() + static_cast<std::size_t>(y) * png_get_rowbytes(p, info)));
    png_write_image(p, rows.data());
    png_write_end(p, info);
    png_destroy_write_struct(&p, &info);
    return out;
}

Bytes gzip(const Bytes& bytes) { return deflated(bytes, 16 + MAX_WBITS); }

Bytes npy(std::string_view header, const Bytes& elements, int major) {
    Bytes out = bytes_of_text("\x93NUMPY");
    put(out, static_cast<std::uint64_t>(major), 2);
    put(out, header.size(), major == 1 ? 2 : 4);
    out += bytes_of_text(header);
    return out += elements;
}

Bytes idx(int type, const std::vector<std::uint32_t>& shape, const Bytes& elements) {
    Bytes out = {std::byte{0}, std::byte{0}, static_cast<std::byte>(type), static_cast<std::byte>(shape.size())};
    for (const std::uint32_t extent : shape)
        for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<std::byte>(extent >> shift & 255));
    return out += elements;
}

Bytes zip(const std::vector<std::pair<std::string, Bytes>>& members, bool compressed) {
    Bytes out, directory;
    for (const auto& [name, content] : members) {
        const Bytes data = compressed ? deflated(content, -MAX_WBITS) : content;
        const std::size_t offset = out.size();
        Bytes common;  // what the member's own header and the directory share
        put(common, 20, 2);
        put(common, 0, 2);
        put(common, compressed ? 8 : 0, 2);
        put(common, 0, 4);
        put(common, crc32_z(0, reinterpret_cast<const Bytef*>(content.data()), content.size()), 4);
        put(common, data.size(), 4);
        put(common, content.size(), 4);
        put(common, name.size(), 2);
        put(common, 0, 2);
        put(out, 0x04034b50, 4);
        out += common;
        out += bytes_of_text(name);
        out += data;
        put(directory, 0x02014b50, 4);
        put(directory, 20, 2);
        directory += common;
        put(directory, 0, 2);
        put(directory, 0, 8);
        put(directory, offset, 4);
        directory += bytes_of_text(name);
    }
    const std::size_t at = out.size();
    out += directory;
    put(out, 0x06054b50, 4);
    put(out, 0, 4);
    put(out, members.size(), 2);
    put(out, members.size(), 2);
    put(out, directory.size(), 4);
    put(out, at, 4);
    put(out, 0, 2);
    return out;
}

void expect_errors_only(const Bytes& file, const std::function<void(const Bytes&)>& read, std::size_t whole) {
    for (std::size_t size = 0; size < (whole ? whole : file.size()); ++size)
        EXPECT_NE(error_of([&] { read(Bytes(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size))); }),
                  "") << "cut to " << size << " bytes";
    for (std::size_t i = 0; i < file.size(); ++i)
        for (const unsigned change : {0x01U, 0x80U, 0x24U, 0xffU}) {
            Bytes damaged = file;
            damaged[i] ^= static_cast<std::byte>(change);
            try {
                read(damaged);
            } catch (const Error&) {
            } catch (const std::exception& e) {
                ADD_FAILURE() << "byte " << i << " changed by " << change << ": " << e.what();
            }
        }
}

}  // namespace tercet::testing
