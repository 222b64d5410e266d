// SPDX-License-Identifier: Apache-2.0
// TensorProto -> Tensor. Where the elements are depends on the type (onnx.proto, TensorProto):
//     raw_data       as in memory, little-endian: any type but strings
//     external data  the same in another file, at an offset
//     float_data     f32, c64;  double_data: f64, c128: packed, that is as in memory, or one by one
//     int32_data     i32, what is smaller, and the bits of f16, bf16 and the types below; two or four per entry below 8 bits
//     int64_data     i64;  uint64_data: u32, u64
#include "onnx/read_tensor.h"

#include "tercet/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace tercet::onnx {
namespace {

struct Header {
    std::string name;
    std::vector<std::int64_t> dims;
    std::int64_t data_type = 0;
    std::optional<std::string_view> raw;
    std::vector<std::pair<std::string_view, std::string_view>> external;
    bool is_external = false, is_segment = false;
    std::int64_t strings = 0;
};

Header read_header(Message m) {
    Header h;
    while (m.next()) {
        switch (m.field()) {
            case tensor_field::name: h.name = m.text(); break;
            case tensor_field::dims: m.append(h.dims); break;
            case tensor_field::data_type: h.data_type = m.integer(); break;
            case tensor_field::raw_data: h.raw = m.bytes(); break;
            case tensor_field::data_location: h.is_external = m.integer() == 1; break;
            case tensor_field::segment: h.is_segment = true, m.skip(); break;
            case tensor_field::string_data: ++h.strings, m.skip(); break;
            case tensor_field::external_data: {
                std::pair<std::string_view, std::string_view> entry;
                for (Message e = m.message(); e.next();) {
                    if (e.field() == entry_field::key) entry.first = e.text();
                    else if (e.field() == entry_field::value) entry.second = e.text();
                    else e.skip();
                }
                h.external.push_back(entry);
                break;
            }
            default: m.skip();
        }
    }
    return h;
}

std::string shape_text(const Header& h) { return fmt::format("[{}]", fmt::join(h.dims, ",")); }

Dims checked_shape(const Header& h) {
    if (h.dims.size() > max_rank)
        throw Error({.what = fmt::format("unsupported: has rank {}, at most {} is supported", h.dims.size(), max_rank),
                     .fix = "reshape it in the export"});
    std::int64_t size = 1;  // an extent of 0 counts as 1, so that no stride overflows either
    for (std::int64_t d : h.dims)
        if (d < 0 || __builtin_mul_overflow(size, std::max<std::int64_t>(d, 1), &size) || size > max_elements)
            throw Error({.what = fmt::format("has the impossible shape {}", shape_text(h)), .fix = "export the model again"});
    return Dims(h.dims);
}

[[noreturn]] void fail_size(const Header& h, DType dtype, std::uint64_t held, std::uint64_t needed, std::string_view unit = "bytes") {
    throw Error({.what = fmt::format("holds {} {}, its shape {} of {} takes {}", held, unit, shape_text(h), name_of(dtype), needed),
                 .fix = "export the model again"});
}

// A byte of a bool is 0 or 1: kernels rely on it.
void check_bools(std::string_view bytes) {
    if (std::ranges::any_of(bytes, [](char c) { return static_cast<unsigned char>(c) > 1; }))
        throw Error({.what = "holds bools other than 0 and 1", .fix = "export the model again"});
}

Tensor in_place(DType dtype, const Dims& shape, const std::shared_ptr<const void>& owner, std::string_view bytes) {
    if (count_of(shape) == 0) return Tensor::zeros(dtype, shape);
    if (dtype == DType::boolean) check_bools(bytes);
    return Tensor(dtype, shape, owner, bytes.data());
}

std::uint64_t parse_size(std::string_view text, std::string_view key) {
    std::uint64_t v = 0;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), v);
    if (code != std::errc() || end != text.data() + text.size())
        throw Error({.what = fmt::format("its external data has the {} '{}'", key, text), .fix = "export the model again"});
    return v;
}

Tensor read_external(const Header& h, DType dtype, const Dims& shape, ExternalData& external) {
    const std::uint64_t needed = bytes_of(dtype, count_of(shape));
    std::string_view location;
    std::uint64_t offset = 0;
    for (const auto& [key, value] : h.external) {
        if (key == "location") location = value;
        else if (key == "offset") offset = parse_size(value, key);
        else if (key == "length" && parse_size(value, key) != needed) fail_size(h, dtype, parse_size(value, key), needed);
    }
    const FileBytes& file = external.file(location);
    if (offset > file.bytes.size() || needed > file.bytes.size() - offset)
        throw Error({.what = fmt::format("needs {} bytes at {} of external data '{}', which has {}", needed, offset, location,
                                         file.bytes.size()),
                     .fix = "copy the model again with all its files"});
    return in_place(dtype, shape, file.owner, {reinterpret_cast<const char*>(file.bytes.data()) + offset, needed});
}

struct IntegerRange {
    std::int64_t min, max;
};

// What an entry of int32_data may be.
IntegerRange entry_range(DType t) {
    switch (t) {
        case DType::boolean: return {0, 1};
        case DType::i8: return {-128, 127};
        case DType::i16: return {-32768, 32767};
        case DType::i32: return {INT32_MIN, INT32_MAX};
        case DType::u16:
        case DType::f16:
        case DType::bf16: return {0, 65535};
        default: return {0, 255};  // a byte: u8, 8-bit floats, or several smaller elements
    }
}

// Entries that are varints in the file, each `entry_bytes` in memory.
Tensor decode_integers(Message m, const Header& h, DType dtype, const Dims& shape, Field field) {
    const std::size_t entry_bytes = std::max(bits_of(dtype), 8) / 8u;
    const std::size_t needed = bytes_of(dtype, count_of(shape)) / entry_bytes;
    if (needed > m.size()) fail_size(h, dtype, m.size() * entry_bytes, needed * entry_bytes);  // each takes a byte or more
    Tensor t = Tensor::zeros(dtype, shape);
    std::byte* const to = t.writable().data;
    const IntegerRange range = entry_range(dtype);
    std::size_t held = 0;
    while (m.next()) {
        if (m.field() != field) {
            m.skip();
            continue;
        }
        m.each_integer([&](std::int64_t v) {
            if (field == tensor_field::int32_data) v = static_cast<std::int32_t>(v);  // some writers cut negative ones to 32 bits
            const bool fits = field == tensor_field::int32_data ? v >= range.min && v <= range.max
                                                                : dtype != DType::u32 || (v >= 0 && v <= UINT32_MAX);
            if (!fits)
                throw Error({.what = fmt::format("element {} is {}, which is no {}", held, v, name_of(dtype)),
                             .fix = "export the model again"});
            if (held < needed) std::memcpy(to + held * entry_bytes, &v, entry_bytes);
            ++held;
        });
    }
    if (held != needed) fail_size(h, dtype, held * entry_bytes, needed * entry_bytes);
    return t;
}

// Elements that stand in the file as in memory, in one piece (used in place) or in several.
Tensor read_fixed(Message m, const Header& h, DType dtype, const Dims& shape, Field field, std::size_t size, const Source& source) {
    const std::size_t needed = bytes_of(dtype, count_of(shape));
    if (needed > m.size()) fail_size(h, dtype, m.size(), needed);
    std::size_t held = 0;
    std::string_view piece;
    const auto pieces = [&](auto&& f) {
        for (Message again = m; again.next();) {
            if (again.field() == field) f(again.fixed(size));
            else again.skip();
        }
    };
    pieces([&](std::string_view p) { held += p.size(), piece = p; });
    if (held != needed) fail_size(h, dtype, held, needed);
    if (piece.size() == needed) return in_place(dtype, shape, source.owner, piece);
    Tensor t = Tensor::zeros(dtype, shape);
    std::byte* to = t.writable().data;
    pieces([&](std::string_view p) {
        if (!p.empty()) std::memcpy(to, p.data(), p.size());
        to += p.size();
    });
    return t;
}

Tensor read_elements(const Message& m, const Header& h, Source& source) {
    if (!is_dtype(h.data_type))
        throw Error({.what = h.data_type == 0 ? "has no element type" : fmt::format("has the unknown element type {}", h.data_type),
                     .fix = "export the model with another type"});
    if (h.is_segment) throw Error({.what = "unsupported: it comes in segments", .fix = "export it in one piece"});
    const auto dtype = static_cast<DType>(h.data_type);
    const Dims shape = checked_shape(h);
    if (dtype == DType::string) {
        const auto held = static_cast<std::uint64_t>(h.strings), needed = static_cast<std::uint64_t>(count_of(shape));
        if (held != needed) fail_size(h, dtype, held, needed, "elements");
        return Tensor(dtype, shape, nullptr, nullptr);
    }
    if (h.is_external) return read_external(h, dtype, shape, source.external);
    if (h.raw && !h.raw->empty()) {
        const std::size_t needed = bytes_of(dtype, count_of(shape));
        if (h.raw->size() != needed) fail_size(h, dtype, h.raw->size(), needed);
        return in_place(dtype, shape, source.owner, *h.raw);
    }
    switch (dtype) {
        case DType::f32:
        case DType::c64: return read_fixed(m, h, dtype, shape, tensor_field::float_data, 4, source);
        case DType::f64:
        case DType::c128: return read_fixed(m, h, dtype, shape, tensor_field::double_data, 8, source);
        case DType::i64: return decode_integers(m, h, dtype, shape, tensor_field::int64_data);
        case DType::u32:
        case DType::u64: return decode_integers(m, h, dtype, shape, tensor_field::uint64_data);
        default: return decode_integers(m, h, dtype, shape, tensor_field::int32_data);
    }
}

}  // namespace

NamedTensor read_tensor(Message m, Source& source) {
    Header h = read_header(m);
    return at([&] { return fmt::format("tensor '{}'", h.name); }, [&] {
        Tensor t = read_elements(m, h, source);
        return NamedTensor{std::move(h.name), std::move(t)};
    });
}

}  // namespace tercet::onnx
