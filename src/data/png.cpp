// SPDX-License-Identifier: Apache-2.0
// PNG by libpng. As with JPEG, nothing that has a destructor lives between setjmp and the library's calls.
#include "data/image.h"
#include "data/inflate.h"
#include "tercet/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <csetjmp>
#include <cstring>
#include <new>
#include <png.h>

namespace tercet {
namespace {

struct Decoder {
    std::span<const std::byte> left;
    std::array<char, 160> message{};
    png_structp png = nullptr;
    png_infop info = nullptr;

    explicit Decoder(std::span<const std::byte> bytes) : left(bytes) {
        png = png_create_read_struct(PNG_LIBPNG_VER_STRING, this, fail, [](png_structp, png_const_charp) {});
        if (png) info = png_create_info_struct(png);
        if (!info) {
            png_destroy_read_struct(&png, nullptr, nullptr);
            throw std::bad_alloc();
        }
    }
    ~Decoder() { png_destroy_read_struct(&png, &info, nullptr); }
    Decoder(const Decoder&) = delete;
    Decoder& operator=(const Decoder&) = delete;

    [[noreturn]] static void fail(png_structp p, png_const_charp said) {
        auto& message = static_cast<Decoder*>(png_get_error_ptr(p))->message;
        std::strncpy(message.data(), said, message.size() - 1);
        png_longjmp(p, 1);
    }
    static void read(png_structp p, png_bytep out, std::size_t count) {
        auto& left = static_cast<Decoder*>(png_get_io_ptr(p))->left;
        if (count > left.size()) png_error(p, "it ends too early");
        std::memcpy(out, left.data(), count);
        left = left.subspan(count);
    }
};

bool read_header(Decoder& d) {
    if (setjmp(png_jmpbuf(d.png))) return false;
    png_set_read_fn(d.png, &d, Decoder::read);
    png_set_user_limits(d.png, 1 << 20, 1 << 20);
    png_set_chunk_malloc_max(d.png, 8 << 20);  // metadata are compressed, too
    png_set_keep_unknown_chunks(d.png, PNG_HANDLE_CHUNK_NEVER, nullptr, 0);
    png_read_info(d.png, d.info);
    return true;
}

bool set_conversions(Decoder& d) {
    if (setjmp(png_jmpbuf(d.png))) return false;
    const int color = png_get_color_type(d.png, d.info);
    if (color == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(d.png);
    else if (png_get_bit_depth(d.png, d.info) < 8) png_set_expand_gray_1_2_4_to_8(d.png);
    png_set_scale_16(d.png);
    png_set_strip_alpha(d.png);
    png_set_interlace_handling(d.png);
    png_read_update_info(d.png, d.info);
    return true;
}

bool read_rows(Decoder& d, png_bytep pixels, std::size_t row_bytes, std::size_t height) {
    if (setjmp(png_jmpbuf(d.png))) return false;
    const int passes = png_get_interlace_type(d.png, d.info) == PNG_INTERLACE_ADAM7 ? 7 : 1;
    for (int pass = 0; pass < passes; ++pass)
        for (std::size_t y = 0; y < height; ++y) png_read_row(d.png, pixels + y * row_bytes, nullptr);
    png_read_end(d.png, nullptr);
    return true;
}

}  // namespace

Tensor decode_png(std::span<const std::byte> bytes) {
    Decoder d(bytes);
    const auto check = [&](bool done) {
        if (!done) throw Error({.what = fmt::format("the PNG cannot be read ({})", d.message.data()), .fix = "replace the file"});
    };
    check(read_header(d));
    const std::uint64_t height = png_get_image_height(d.png, d.info), width = png_get_image_width(d.png, d.info);
    const std::uint64_t packed_bytes = png_get_rowbytes(d.png, d.info) * height;
    if (height * width > max_pixels || packed_bytes / max_deflate_ratio > bytes.size())
        throw Error({.what = fmt::format("the PNG claims {} x {} pixels in {} bytes", width, height, bytes.size()),
                     .fix = "replace the file"});
    check(set_conversions(d));

    const std::int64_t channels = png_get_channels(d.png, d.info);
    const std::size_t row_bytes = png_get_rowbytes(d.png, d.info);
    Tensor picture = Tensor::zeros(DType::u8, {static_cast<std::int64_t>(height), static_cast<std::int64_t>(width), channels});
    if (row_bytes * height != picture.bytes())
        throw Error({.what = "the PNG has an unknown form of pixels",
                     .fix = "save it as 8-bit RGB"});
    check(read_rows(d, reinterpret_cast<png_bytep>(picture.writable().data), row_bytes, height));
    return picture;
}

}  // namespace tercet
