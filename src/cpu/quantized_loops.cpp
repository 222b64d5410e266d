// SPDX-License-Identifier: Apache-2.0
// Products of bytes in plain C++, for processors without generated code and for what that refuses (three spatial axes, tails
// that read rows). A unit is a block of rows: sums of one row at a time, its tail, its rounding.
//
//   packed weights  [groups][taps][depth][columns], bytes
#include "cpu/map_program.h"
#include "cpu/quantized.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace tercet {
namespace {

// The tail's further inputs at a row: as floats, in memory of the worker where they are bytes.
struct TailInput {
    enum class Kind { element, column, scalar } kind;
    DType type;
};

std::optional<std::vector<TailInput>> tail_inputs(const Step& s) {
    std::vector<TailInput> all;
    const Dims& y = s.outputs[0].shape;
    for (std::size_t i = static_cast<std::size_t>(op_of(*s.node).inputs.max); i < s.inputs.size(); ++i) {
        const auto& in = s.inputs[i];
        const std::int64_t n = count_of(in.shape);
        const bool bytes = in.dtype == DType::i8 || in.dtype == DType::u8, column = !in.shape.empty() && in.shape.back() == n && n == y.back();
        if (!in || (!bytes && in.dtype != DType::f32)) return std::nullopt;
        if (in.shape == y) all.push_back({TailInput::Kind::element, in.dtype});
        else if (!bytes && n == 1) all.push_back({TailInput::Kind::scalar, in.dtype});
        else if (!bytes && column) all.push_back({TailInput::Kind::column, in.dtype});
        else return std::nullopt;
    }
    return all;
}

Expr tail_of(const Step& s) {
    const auto text = s.attributes().text("tail", "");
    return text.empty() ? Expr::input(0) : Expr::parse(text);
}

Refusal refuse(const Step& s, const Isa& isa) {
    if (Refusal r = refuse_byte_product(s, isa)) return r;
    if (!MapProgram(tail_of(s), simd::baseline::level()).exact()) return "its tail has a function that vector loops compute in another way";
    return tail_inputs(s) ? Refusal() : "its tail reads a value that is broadcast across rows, or neither f32 nor bytes";
}

std::int64_t packed_count(const Step& s, const Variant&) {
    const ByteProduct p = byte_product(s);
    return p.groups * p.length() * p.columns;
}

Tensor pack(const Step& s, const Variant& v) {
    const ByteProduct p = byte_product(s);
    const auto* w = reinterpret_cast<const std::int8_t*>(s.inputs[1].constant->data());
    Tensor packed = Tensor::zeros(DType::i8, {packed_count(s, v)});
    auto* to = reinterpret_cast<std::int8_t*>(packed.writable().data);
    for (std::int64_t g = 0; g < p.groups; ++g)
        for (std::int64_t t = 0; t < p.taps; ++t)
            for (std::int64_t k = 0; k < p.depth; ++k)
                for (std::int64_t c = 0; c < p.columns; ++c) *to++ = w[p.weight(g * p.columns + c, t, k)];
    return packed;
}

struct Loops {
    ByteProduct p;
    std::vector<TailInput> tail;
    std::size_t first_tail;
    MapProgram program;
    std::vector<std::int32_t> bias;
    std::int64_t zero, y_zero, block;
    bool x_signed;
    DType y;

    std::int64_t width() const { return p.groups * p.columns; }
    std::size_t worker_bytes() const { return static_cast<std::size_t>(width()) * 4 * (2 + tail.size()) + 64; }

    void add(std::int32_t* sums, const std::int8_t* w, std::int32_t x) const noexcept {
        if (x == 0) return;
        for (std::int64_t c = 0; c < p.columns; ++c) sums[c] += x * w[c];
    }

    void sum_row(const Buffers& b, std::int64_t row, std::int32_t* sums) const noexcept {
        const auto* x = static_cast<const std::uint8_t*>(b.inputs[0]);
        const auto* w = static_cast<const std::int8_t*>(b.inputs[1]);
        std::copy(bias.begin(), bias.end(), sums);
        const auto tap = [&](std::int64_t t, std::int64_t from) {
            for (std::int64_t g = 0; g < p.groups; ++g)
                for (std::int64_t k = 0; k < p.depth; ++k) {
                    const std::uint8_t byte = x[from + g * p.depth + k];
                    add(sums + g * p.columns, w + (g * p.length() + t * p.depth + k) * p.columns, (x_signed ? static_cast<std::int8_t>(byte) : byte) - static_cast<std::int32_t>(zero));
                }
        };
        if (!p.is_conv) return tap(0, row * p.x_pixel);
        p.at.for_taps(row, [&](std::int64_t t, std::int64_t from) {
            if (from >= 0) tap(t, from);
        });
    }

    void store(const Buffers& b, std::int64_t row, const float* v) const noexcept {
        if (y == DType::f32) return static_cast<void>(std::memcpy(static_cast<float*>(b.outputs[0]) + row * width(), v, static_cast<std::size_t>(width()) * 4));
        const auto least = static_cast<float>((y == DType::i8 ? -128 : 0) - y_zero), greatest = static_cast<float>((y == DType::i8 ? 127 : 255) - y_zero);
        auto* to = static_cast<std::uint8_t*>(b.outputs[0]) + row * width();
        for (std::int64_t i = 0; i < width(); ++i) to[i] = static_cast<std::uint8_t>(static_cast<std::int64_t>(std::nearbyint(std::isnan(v[i]) ? 0.0f : std::clamp(v[i], least, greatest))) + y_zero);
    }

    void run(const Buffers& b, std::int64_t row) const noexcept {
        auto* sums = reinterpret_cast<std::int32_t*>(b.worker);
        auto* floats = reinterpret_cast<float*>(b.worker) + width();
        sum_row(b, row, sums);
        for (std::int64_t i = 0; i < width(); ++i) floats[i] = static_cast<float>(sums[i]);
        std::array<MapProgram::Input, Expr::max_inputs> in{};
        in[0] = {floats, false};
        for (std::size_t i = 0; i < tail.size(); ++i) {
            const void* from = b.inputs[first_tail + i];
            const std::int64_t element = tail[i].kind == TailInput::Kind::element ? row * width() : 0;
            in[i + 1] = {static_cast<const float*>(from) + (tail[i].type == DType::f32 ? element : 0), tail[i].kind == TailInput::Kind::scalar};
            if (tail[i].type == DType::f32) continue;
            float* real = floats + static_cast<std::int64_t>(i + 1) * width();
            for (std::int64_t k = 0; k < width(); ++k)
                real[k] = tail[i].type == DType::i8 ? static_cast<float>(static_cast<const std::int8_t*>(from)[element + k]) : static_cast<float>(static_cast<const std::uint8_t*>(from)[element + k]);
            in[i + 1] = {real, false};
        }
        program.run(floats, std::span(in).first(tail.size() + 1), width());
        store(b, row, floats);
    }
};

std::vector<Variant> variants(const Step&, const Isa&) { return {{.tile = 1}, {.tile = 16}}; }

Kernel compile(const Step& s, const Variant& v, const Isa& isa) {
    auto l = std::make_shared<Loops>(Loops{.p = byte_product(s), .tail = *tail_inputs(s), .first_tail = static_cast<std::size_t>(op_of(*s.node).inputs.max), .program = MapProgram(tail_of(s), *simd_level(isa)),
                                           .bias = {}, .zero = s.attributes().integer("x_zero", 0), .y_zero = s.attributes().integer("stored_zero", 0), .block = v.tile,
                                           .x_signed = s.inputs[0].dtype == DType::i8, .y = s.outputs[0].dtype});
    l->bias.resize(static_cast<std::size_t>(l->width()));
    for (std::int64_t i = 0; l->p.bias && i < l->width(); ++i) l->bias[static_cast<std::size_t>(i)] = static_cast<std::int32_t>(l->p.bias->view().get_int_at(i));
    l->p.bias = nullptr;  // the step's constants may go
    Kernel k;
    k.worker_bytes = l->worker_bytes();
    k.phases.push_back({.units = (l->p.rows + l->block - 1) / l->block, .run = [l](const Buffers& b, std::int64_t first, std::int64_t last) {
                            const std::int64_t end = std::min(l->p.rows, last * l->block);
                            for (std::int64_t row = first * l->block; row < end; ++row) l->run(b, row);
                        }});
    return k;
}

double cost(const Step& s, const Variant& v, const Isa&) {
    const ByteProduct p = byte_product(s);
    return static_cast<double>(p.rows) * static_cast<double>(p.groups * p.columns * p.length()) + v.tile;
}

const RegisteredTactic loops{{.name = "cpu/quantized_loops",
                              .most = Isa::Level::avx512,
                              .numerics = [](const Step&) { return Numerics::exact; },
                              .refuse = refuse,
                              .variants = variants,
                              .compile = compile,
                              .cost = cost,
                              .stores = true,
                              .packing = [](const Step&, const Variant&) { return std::string("bytes, columns last"); },
                              .pack = pack,
                              .packed_count = packed_count}};

}  // namespace
}  // namespace tercet
