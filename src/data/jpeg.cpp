// SPDX-License-Identifier: Apache-2.0
// JPEG by libjpeg. Its errors come back by longjmp, so the functions between setjmp and the library's calls hold nothing that
// has a destructor, and what has one lives in the caller.
#include "data/image.h"
#include "tercet/error.h"

#include <fmt/format.h>

#include <array>
#include <csetjmp>
#include <cstdio>  // jpeglib.h needs it and does not say so
#include <vector>

#include <jpeglib.h>

#include <jerror.h>

namespace tercet {
namespace {

// More pixels than a byte can code with Huffman's one bit per 8x8 block, by far: who claims more is damaged or hostile.
constexpr std::uint64_t max_pixels_per_byte = 4096;
constexpr int max_scans = 200;  // of a progressive image; each costs a pass over all its pixels

struct Decoder {
    jpeg_decompress_struct jpeg{};
    jpeg_error_mgr errors{};
    jpeg_progress_mgr progress{};
    std::jmp_buf back{};
    std::array<char, JMSG_LENGTH_MAX> message{};

    Decoder() {
        jpeg.err = jpeg_std_error(&errors);
        errors.error_exit = [](j_common_ptr c) { fail(c); };
        errors.emit_message = [](j_common_ptr c, int level) {
            if (level < 0 && !harmless(c->err->msg_code)) fail(c);
        };
        progress.progress_monitor = [](j_common_ptr c) {
            if (c->is_decompressor && reinterpret_cast<j_decompress_ptr>(c)->input_scan_number > max_scans) {
                c->err->msg_code = JERR_BAD_PROGRESSION;
                fail(c);
            }
        };
        jpeg.client_data = this;
    }
    ~Decoder() { jpeg_destroy_decompress(&jpeg); }
    Decoder(const Decoder&) = delete;
    Decoder& operator=(const Decoder&) = delete;

    static bool harmless(int code) {
        return code == JWRN_EXTRANEOUS_DATA || code == JWRN_BOGUS_PROGRESSION || code == JWRN_ADOBE_XFORM || code == JWRN_JFIF_MAJOR ||
               code == JWRN_BOGUS_ICC;
    }
    [[noreturn]] static void fail(j_common_ptr c) {
        auto* self = static_cast<Decoder*>(c->client_data);
        c->err->format_message(c, self->message.data());
        std::longjmp(self->back, 1);
    }
};

bool read_header(Decoder& d, std::span<const std::byte> bytes) {
    if (setjmp(d.back)) return false;
    jpeg_create_decompress(&d.jpeg);
    d.jpeg.client_data = &d;  // creating clears the struct but for these and err
    d.jpeg.progress = &d.progress;
    jpeg_mem_src(&d.jpeg, reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<unsigned long>(bytes.size()));
    jpeg_read_header(&d.jpeg, TRUE);
    switch (d.jpeg.jpeg_color_space) {
        case JCS_GRAYSCALE: d.jpeg.out_color_space = JCS_GRAYSCALE; break;
        case JCS_CMYK:
        case JCS_YCCK: d.jpeg.out_color_space = JCS_CMYK; break;
        default: d.jpeg.out_color_space = JCS_RGB;
    }
    d.jpeg.dct_method = JDCT_ISLOW;
    return true;
}

// c, m, y and k count ink, or, as Adobe writes them, its absence.
void cmyk_to_rgb(const unsigned char* row, std::int64_t width, bool inverted, unsigned char* out) {
    for (std::int64_t x = 0; x < width; ++x, row += 4, out += 3)
        for (int c = 0; c < 3; ++c) {
            const int light = inverted ? row[c] : 255 - row[c], black = inverted ? row[3] : 255 - row[3];
            out[c] = static_cast<unsigned char>((light * black + 127) / 255);
        }
}

// `scratch` takes a row of CMYK.
bool read_rows(Decoder& d, unsigned char* pixels, std::size_t row_bytes, unsigned char* scratch) {
    if (setjmp(d.back)) return false;
    jpeg_start_decompress(&d.jpeg);
    while (d.jpeg.output_scanline < d.jpeg.output_height) {
        unsigned char* out = pixels + d.jpeg.output_scanline * row_bytes;
        JSAMPROW row = d.jpeg.out_color_space == JCS_CMYK ? scratch : out;
        jpeg_read_scanlines(&d.jpeg, &row, 1);
        if (row == scratch) cmyk_to_rgb(scratch, d.jpeg.output_width, d.jpeg.saw_Adobe_marker, out);
    }
    jpeg_finish_decompress(&d.jpeg);
    return true;
}

}  // namespace

Tensor decode_jpeg(std::span<const std::byte> bytes) {
    Decoder d;
    const auto check = [&](bool done) {
        if (!done)
            throw Error({.what = fmt::format("the JPEG cannot be read ({})", d.message.data()),
                         .fix = "replace the file"});
    };
    check(read_header(d, bytes));
    const std::uint64_t height = d.jpeg.image_height, width = d.jpeg.image_width;
    if (height * width > max_pixels || height * width / max_pixels_per_byte > bytes.size())
        throw Error({.what = fmt::format("the JPEG claims {} x {} pixels in {} bytes", width, height, bytes.size()),
                     .fix = "replace the file"});
    const std::int64_t channels = d.jpeg.out_color_space == JCS_GRAYSCALE ? 1 : 3;
    Tensor picture = Tensor::zeros(DType::u8, {static_cast<std::int64_t>(height), static_cast<std::int64_t>(width), channels});
    std::vector<unsigned char> scratch(width * 4);
    check(read_rows(d, reinterpret_cast<unsigned char*>(picture.writable().data), width * static_cast<std::size_t>(channels), scratch.data()));
    return picture;
}

}  // namespace tercet
