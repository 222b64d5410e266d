// SPDX-License-Identifier: Apache-2.0
// NPY: "\x93NUMPY", version (major, minor), length of the header (u16 in version 1, u32 later), the header, the elements.
// The header is a Python dictionary: {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }
#include "data/npy.h"

#include "data/inflate.h"
#include "system/output_file.h"
#include "tercet/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

namespace tercet {
namespace {

constexpr std::string_view magic = "\x93NUMPY";
constexpr std::size_t max_header_bytes = 60000;

struct Named {
    std::string_view name;  // kind and bytes
    DType dtype;
};
constexpr std::array types = {
    Named{"f4", DType::f32}, Named{"f8", DType::f64}, Named{"f2", DType::f16}, Named{"V2", DType::bf16},
    Named{"u1", DType::u8},  Named{"u2", DType::u16}, Named{"u4", DType::u32}, Named{"u8", DType::u64},
    Named{"i1", DType::i8},  Named{"i2", DType::i16}, Named{"i4", DType::i32}, Named{"i8", DType::i64},
    Named{"b1", DType::boolean},
};

struct Header {
    DType dtype = DType::undefined;
    bool big_endian = false, fortran = false;
    Dims shape{};
    std::size_t data_at = 0;
};

[[noreturn]] void damaged(std::string what) {
    throw Error({.what = std::move(what), .fix = "save the array again with numpy.save"});
}

class HeaderText {
public:
    explicit HeaderText(std::string_view text) : text_(text) {}

    bool take(char c) {
        skip_spaces();
        if (text_.empty() || text_[0] != c) return false;
        text_.remove_prefix(1);
        return true;
    }
    void expect(char c) {
        if (!take(c)) damaged(fmt::format("the NPY header lacks a '{}'", c));
    }
    std::string_view quoted() {
        skip_spaces();
        const char mark = text_.empty() ? '\0' : text_[0];
        const std::size_t end = mark == '\'' || mark == '"' ? text_.find(mark, 1) : std::string_view::npos;
        if (end == std::string_view::npos) damaged("the NPY header lacks a quoted word");
        const std::string_view word = text_.substr(1, end - 1);
        text_.remove_prefix(end + 1);
        return word;
    }
    bool truth() {
        skip_spaces();
        for (const std::string_view word : {"True", "False"})
            if (text_.starts_with(word)) {
                text_.remove_prefix(word.size());
                return word == "True";
            }
        damaged("'fortran_order' in the NPY header is neither True nor False");
    }
    Dims extents() {
        Dims shape;
        expect('(');
        while (!take(')')) {
            std::int64_t extent = 0;
            skip_spaces();
            const auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), extent);
            if (error != std::errc{} || extent < 0) damaged("'shape' in the NPY header is not a tuple of sizes");
            if (shape.size() == max_rank)
                throw Error({.what = fmt::format("the array has more than {} axes", max_rank), .fix = "reshape it"});
            shape.push_back(extent);
            text_.remove_prefix(static_cast<std::size_t>(end - text_.data()));
            take('L');  // Python 2 wrote (2L, 3L)
            if (!take(',')) {
                expect(')');
                break;
            }
        }
        return shape;
    }
    bool at(char c) {
        skip_spaces();
        return !text_.empty() && text_[0] == c;
    }

private:
    void skip_spaces() { text_.remove_prefix(std::min(text_.find_first_not_of(" \t\n"), text_.size())); }
    std::string_view text_;
};

void set_type(Header& h, std::string_view descr) {
    const bool ordered = !descr.empty() && std::string_view("<>|=").find(descr[0]) != std::string_view::npos;
    const std::string_view name = descr.substr(ordered ? 1 : 0);
    const auto found = std::ranges::find(types, name, &Named::name);
    if (found == types.end())
        throw Error({.what = fmt::format("the array's type is '{}'", descr),
                     .fix = "save it as a number type, such as numpy.float32"});
    h.dtype = found->dtype;
    h.big_endian = descr[0] == '>' && bits_of(h.dtype) > 8;
}

Header parse_header(std::span<const std::byte> bytes) {
    const auto byte = [&](std::size_t i) { return std::to_integer<std::size_t>(bytes[i]); };
    if (bytes.size() < 12) damaged("the NPY file ends within its header");
    const std::size_t major = byte(6);
    if (major < 1 || major > 3)
        throw Error({.what = fmt::format("NPY version {} is not known", major),
                     .fix = "save it with numpy.save, which writes versions 1 to 3"});
    const std::size_t begin = major == 1 ? 10 : 12;
    const std::size_t length = major == 1 ? byte(8) | byte(9) << 8 : byte(8) | byte(9) << 8 | byte(10) << 16 | byte(11) << 24;
    if (length > max_header_bytes) damaged(fmt::format("the NPY header claims {} bytes", length));
    if (length > bytes.size() - begin) damaged("the NPY file ends within its header");

    HeaderText text({reinterpret_cast<const char*>(bytes.data()) + begin, length});
    Header h{.data_at = begin + length};
    bool order = false, shape = false;
    text.expect('{');
    while (!text.take('}')) {
        const std::string_view key = text.quoted();
        text.expect(':');
        if (key == "descr") {
            if (text.at('[')) throw Error({.what = "the array holds records", .fix = "save the fields as arrays of their own"});
            set_type(h, text.quoted());
        } else if (key == "fortran_order") {
            h.fortran = text.truth();
            order = true;
        } else if (key == "shape") {
            h.shape = text.extents();
            shape = true;
        } else {
            damaged("the NPY header has an unknown key");
        }
        if (!text.take(',')) {
            text.expect('}');
            break;
        }
    }
    if (h.dtype == DType::undefined || !order || !shape) damaged("the NPY header lacks 'descr', 'fortran_order' or 'shape'");
    return h;
}

// The elements in the machine's order: reversed bytes, and for Fortran's order (first index fastest) the axes turned around.
Tensor reordered(const Header& h, const std::byte* data) {
    Tensor t = Tensor::zeros(h.dtype, h.shape);
    Dims order, reversed;
    for (int i = h.shape.size() - 1; i >= 0; --i) {
        order.push_back(i);
        reversed.push_back(h.shape[i]);
    }
    const View from = h.fortran ? View(h.dtype, reversed, data).permuted(order) : View(h.dtype, h.shape, data);
    const std::size_t size = from.element_bytes();
    std::byte* to = t.writable().data;
    for (const Dims& i : indices(h.shape)) {
        std::memcpy(to, from.address(i), size);
        if (h.big_endian) std::reverse(to, to + size);
        to += size;
    }
    return t;
}

}  // namespace

bool is_npy(std::span<const std::byte> bytes) noexcept {
    return bytes.size() >= magic.size() && std::memcmp(bytes.data(), magic.data(), magic.size()) == 0;
}

std::uint64_t npy_bytes(std::span<const std::byte> head) {
    const Header h = parse_header(head);
    const auto data = bytes_within(h.dtype, h.shape, max_inflated_bytes);
    if (!data)
        throw Error({.what = fmt::format("the array has more than {} bytes", max_inflated_bytes),
                     .fix = "unpack the file first"});
    return h.data_at + *data;
}

Tensor parse_npy(const FileBytes& file) {
    if (!is_npy(file.bytes)) damaged("this is not an NPY file");
    const Header h = parse_header(file.bytes);
    const std::uint64_t available = file.bytes.size() - h.data_at;
    const auto bytes = bytes_within(h.dtype, h.shape, available);
    if (!bytes)
        damaged(fmt::format("the header says {} [{}], but only {} bytes follow", name_of(h.dtype), fmt::join(h.shape, ", "), available));
    if (*bytes != available)
        damaged(fmt::format("the header says {} [{}], but {} bytes follow", name_of(h.dtype), fmt::join(h.shape, ", "), available));

    const std::byte* data = file.bytes.data() + h.data_at;
    Tensor t = h.big_endian || (h.fortran && h.shape.size() > 1) ? reordered(h, data) : Tensor(h.dtype, h.shape, file.owner, data);
    if (h.dtype == DType::boolean && std::any_of(t.data(), t.data() + t.bytes(), [](std::byte b) { return b > std::byte{1}; })) {
        Tensor clean = Tensor::zeros(h.dtype, h.shape);
        std::transform(t.data(), t.data() + t.bytes(), clean.writable().data, [](std::byte b) { return std::byte{b != std::byte{0}}; });
        return clean;
    }
    return t;
}

void write_npy(const std::filesystem::path& file, const Tensor& tensor) {
    const auto type = std::ranges::find(types, tensor.dtype(), &Named::dtype);
    if (type == types.end())
        throw Error({.what = fmt::format("NPY has no type for {}", name_of(tensor.dtype())), .where = file.string(),
                     .fix = "cast the value to another type"});
    std::string header = fmt::format("{{'descr': '{}{}', 'fortran_order': False, 'shape': ({}{}), }}", bits_of(tensor.dtype()) > 8 ? '<' : '|',
                                     type->name, fmt::join(tensor.shape(), ", "), tensor.shape().size() == 1 ? "," : "");
    header.resize((magic.size() + 4 + header.size()) / 64 * 64 + 64 - magic.size() - 4, ' ');  // the elements start at a multiple of 64
    header.back() = '\n';

    OutputFile out(file);
    out.write(magic);
    const std::array<char, 4> lengths = {1, 0, static_cast<char>(header.size() & 255), static_cast<char>(header.size() >> 8)};
    out.write(std::string_view(lengths.data(), lengths.size()));
    out.write(header);
    out.write(std::span(tensor.data(), tensor.bytes()));
    out.commit();
}

}  // namespace tercet
