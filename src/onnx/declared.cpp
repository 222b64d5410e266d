// SPDX-License-Identifier: Apache-2.0
#include "onnx/declared.h"

#include "onnx/read_tensor.h"
#include "tercet/error.h"

#include <fmt/format.h>

#include <algorithm>

namespace tercet::onnx {
namespace {

DeclaredDim read_dim(Message m) {
    DeclaredDim d;
    while (m.next()) {
        if (m.field() == dim_field::value) {
            const std::int64_t size = m.integer();
            d = {size >= 0 ? std::optional(size) : std::nullopt, {}};
        } else if (m.field() == dim_field::param) {
            d = {std::nullopt, std::string(m.text())};
        } else {
            m.skip();
        }
    }
    return d;
}

void read_tensor_type(Message m, Declared& d) {
    while (m.next()) {
        if (m.field() == tensor_type_field::element) {
            const std::int64_t type = m.integer();
            if (type != 0 && !is_dtype(type))
                throw Error({.what = fmt::format("value '{}' has the unknown element type {}", d.name, type),
                             .fix = "export the model with another type"});
            d.dtype = static_cast<DType>(type);
        } else if (m.field() == tensor_type_field::shape) {
            d.shape.emplace();
            for (Message s = m.message(); s.next();) {
                if (s.field() == shape_field::dim) d.shape->push_back(read_dim(s.message()));
                else s.skip();
            }
        } else {
            m.skip();
        }
    }
}

std::string_view kind_of(Field type) {
    switch (type) {
        case type_field::sequence: return "a sequence";
        case type_field::map: return "a map";
        case type_field::opaque: return "opaque";
        case type_field::sparse_tensor: return "a sparse tensor";
        default: return "optional";
    }
}

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Longer names only make long formulas.
constexpr std::size_t longest_symbol = 64;

std::string identifier_of(std::string_view text) {
    std::string s(text.substr(0, longest_symbol));
    for (char& c : s)
        if (!is_letter(c) && !is_digit(c)) c = '_';
    return s.empty() || is_digit(s[0]) ? "_" + s : s;
}

// "?" and the like say no more than nothing.
bool says_nothing(std::string_view symbol) {
    return std::ranges::none_of(symbol, [](char c) {
        return (is_letter(c) && c != '_') || is_digit(c) || static_cast<unsigned char>(c) > 0x7f;
    });
}

std::string text_of(const std::vector<DeclaredDim>& dims) {
    std::string s;
    for (const DeclaredDim& d : dims) {
        s += s.empty() ? "" : ",";
        s += d.size ? fmt::format("{}", *d.size) : d.symbol.empty() ? "?" : d.symbol;
    }
    return s;
}

}  // namespace

Declared read_declared(Message m) {
    Declared d;
    std::optional<Message> type;
    while (m.next()) {
        if (m.field() == value_field::name) d.name = m.text();
        else if (m.field() == value_field::type) type = m.message();
        else m.skip();
    }
    while (type && type->next()) {
        switch (type->field()) {
            case type_field::tensor: read_tensor_type(type->message(), d); break;
            case type_field::sequence:
            case type_field::map:
            case type_field::opaque:
            case type_field::sparse_tensor:
            case type_field::optional:
                throw Error({.what = fmt::format("unsupported: '{}' is {}, not a tensor", d.name, kind_of(type->field())),
                             .fix = "export the model with tensors as inputs and outputs"});
            default: type->skip();
        }
    }
    return d;
}

InputDims::InputDims(const std::vector<Declared>& all) {
    for (const Declared& input : all)
        if (input.shape)
            for (const DeclaredDim& d : *input.shape)
                if (!says_nothing(d.symbol) && identifier_of(d.symbol) == d.symbol && taken_.insert(d.symbol).second)
                    names_[d.symbol] = d.symbol;
}

std::string InputDims::unused(std::string_view wish) {
    const std::string start = identifier_of(wish);
    std::string name = start;
    for (int i = 2; !taken_.insert(name).second; ++i) name = fmt::format("{}_{}", start, i);
    return name;
}

void check_size(const Shape& shape) {
    std::int64_t size = 1;  // an extent of 0 counts as 1, so that no stride overflows either
    for (const Dim& d : shape) {
        const std::int64_t extent = std::max<std::int64_t>(d.constant().value_or(1), 1);
        if (__builtin_mul_overflow(size, extent, &size) || size > max_elements)
            throw Error({.what = fmt::format("the shape [{}] is impossibly large", tercet::text_of(shape)),
                         .fix = "check the model's shapes"});
    }
}

Shape InputDims::shape_of(const Declared& input) {
    if (!input.shape)
        throw Error({.what = fmt::format("input '{}' does not even say how many axes it has", input.name),
                     .fix = "give its shape when you export the model"});
    if (input.shape->size() > max_rank)
        throw Error({.what = fmt::format("unsupported: input '{}' has rank {}, at most {} is supported", input.name, input.shape->size(), max_rank),
                     .fix = "reshape it in the export"});
    Shape shape;
    for (const DeclaredDim& d : *input.shape) {
        if (d.size) {
            shape.emplace_back(*d.size);
        } else if (says_nothing(d.symbol)) {
            const std::string_view start = std::string_view(input.name).substr(0, longest_symbol - 4);
            shape.push_back(Dim::symbol(unused(fmt::format("{}_{}", start, shape.size()))));
        } else if (const auto f = fixed_.find(d.symbol); f != fixed_.end()) {
            shape.emplace_back(f->second);
        } else {
            const auto [at, is_new] = names_.try_emplace(d.symbol);
            if (is_new) at->second = unused(d.symbol);
            shape.push_back(Dim::symbol(at->second));
        }
    }
    at([&] { return fmt::format("input '{}'", input.name); }, [&] { check_size(shape); });
    return shape;
}

void InputDims::fix(const Declared& input, const Dims& sizes) {
    const auto refuse = [&] {
        throw Error({.what = fmt::format("input '{}' has the shape [{}], its fixed value [{}]", input.name, text_of(*input.shape),
                                         tercet::text_of(Shape(sizes.begin(), sizes.end()))),
                     .fix = "give a value of the input's shape"});
    };
    if (!input.shape) return;
    if (input.shape->size() != static_cast<std::size_t>(sizes.size())) refuse();
    for (int i = 0; i < sizes.size(); ++i) {
        const DeclaredDim& d = (*input.shape)[static_cast<std::size_t>(i)];
        if (d.size && *d.size != sizes[i]) refuse();
        if (!d.size && !says_nothing(d.symbol) && fixed_.try_emplace(d.symbol, sizes[i]).first->second != sizes[i]) refuse();
    }
}

void check_output(const Declared& output, const Type& type) {
    const auto refuse = [&](std::string declared) {
        throw Error({.what = fmt::format("output '{}' is declared as {}, but is {}", output.name, declared, tercet::text_of(type)),
                     .fix = "check the model with onnx.shape_inference"});
    };
    if (output.dtype != DType::undefined && output.dtype != type.dtype) refuse(std::string(name_of(output.dtype)));
    if (!output.shape) return;
    bool fits = output.shape->size() == type.shape.size();
    for (std::size_t i = 0; fits && i < type.shape.size(); ++i) {
        const auto actual = type.shape[i].constant();
        fits = !actual || !(*output.shape)[i].size || *actual == *(*output.shape)[i].size;
    }
    if (!fits) refuse(fmt::format("[{}]", text_of(*output.shape)));
}

}  // namespace tercet::onnx
