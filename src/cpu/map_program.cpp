// SPDX-License-Identifier: Apache-2.0
#include "cpu/map_program.h"

#include <algorithm>
#include <cstring>

namespace tercet {

const simd::Level* simd_level(const Isa& isa) {
    if (isa.level == Isa::Level::reference) return nullptr;
#if defined(__x86_64__)
    if (isa.has(Isa::Level::avx512)) return &simd::avx512::level();
    if (isa.has(Isa::Level::avx2)) return &simd::avx2::level();
#endif
    return &simd::baseline::level();
}

MapProgram::MapProgram(const Expr& expr, const simd::Level& level) : result_(expr.result()) {
    const auto constant = [&](Expr::Operand o) {
        if (o.kind != Expr::Operand::Kind::constant) return o;
        constants_.emplace_back().fill(static_cast<float>(o.value));
        o.index = static_cast<std::int32_t>(constants_.size() - 1);
        return o;
    };
    for (const Expr::Instruction& in : expr.instructions()) {
        Instruction out{.scalar = in.function};
        for (int i = 0; i < in.function->arity; ++i) out.operands[static_cast<std::size_t>(i)] = constant(in.operands[static_cast<std::size_t>(i)]);
        const std::span maps(level.maps, static_cast<std::size_t>(level.map_count));
        const auto it = std::ranges::find(maps, in.function->name, [](const simd::MapEntry& e) { return std::string_view(e.name); });
        if (it != maps.end()) {
            out.map = it->run;
            exact_ = exact_ && it->exact;
        }
        code_.push_back(out);
    }
    result_ = constant(result_);
}

void MapProgram::run(float* out, std::span<const Input> inputs, std::int64_t n) const noexcept {
    alignas(64) std::array<std::array<float, block>, Expr::max_instructions> results;
    alignas(64) std::array<std::array<float, block>, Expr::max_inputs> scalars;
    for (std::size_t i = 0; i < inputs.size(); ++i)
        if (inputs[i].scalar) std::fill_n(scalars[i].begin(), std::min(n, block), inputs[i].data[0]);
    for (std::int64_t at = 0; at < n; at += block) {
        const std::int64_t count = std::min(block, n - at);
        const auto address = [&](const Expr::Operand& o) -> const float* {
            const auto index = static_cast<std::size_t>(o.index);
            switch (o.kind) {
                case Expr::Operand::Kind::input: return inputs[index].scalar ? scalars[index].data() : inputs[index].data + at;
                case Expr::Operand::Kind::instruction: return results[index].data();
                default: return constants_[index].data();
            }
        };
        for (std::size_t i = 0; i < code_.size(); ++i) {
            const Instruction& c = code_[i];
            const bool last = result_.kind == Expr::Operand::Kind::instruction && static_cast<std::size_t>(result_.index) == i && i + 1 == code_.size();
            float* to = last ? out + at : results[i].data();
            const float* a = address(c.operands[0]);
            const float* b = c.scalar->arity > 1 ? address(c.operands[1]) : a;
            const float* d = c.scalar->arity > 2 ? address(c.operands[2]) : a;
            if (c.map) {
                c.map(to, a, b, d, count);
            } else {
                for (std::int64_t k = 0; k < count; ++k) to[k] = static_cast<float>(c.scalar->value(a[k], b[k], d[k]));
            }
            if (last) goto next;
        }
        std::memmove(out + at, address(result_), static_cast<std::size_t>(count) * sizeof(float));
    next:;
    }
}

std::optional<std::vector<TailProgram::Kind>> TailProgram::kinds_of(const Step& step) {
    const auto own = static_cast<std::size_t>(op_of(*step.node).inputs.max);
    const Dims& y = step.outputs[0].shape;
    std::vector<Kind> kinds;
    for (std::size_t i = own; i < step.inputs.size(); ++i) {
        const Step::Operand& x = step.inputs[i];
        if (!x || x.dtype != DType::f32) return std::nullopt;
        const std::int64_t n = count_of(x.shape);
        if (x.shape == y && !y.empty()) kinds.push_back(Kind::element);
        else if (n == 1) kinds.push_back(Kind::scalar);
        else if (!x.shape.empty() && x.shape.back() == n && !y.empty() && y.back() == n) kinds.push_back(Kind::column);
        else return std::nullopt;
    }
    return kinds;
}

Refusal TailProgram::refuse(const Step& step) {
    if (step.attributes().has("tail") && !kinds_of(step)) return "its tail reads a value that is broadcast across rows";
    return {};
}

bool TailProgram::canonical(const Step& step, const Isa& isa) { return isa.has(Isa::Level::avx2) && exact(step, simd::baseline::level()); }

bool TailProgram::exact(const Step& step, const simd::Level& level) {
    const auto text = step.attributes().text("tail", "");
    return text.empty() || MapProgram(Expr::parse(text), level).exact();
}

std::optional<TailProgram> TailProgram::make(const Step& step, const simd::Level& level) {
    const auto text = step.attributes().text("tail", "");
    if (text.empty()) return std::nullopt;
    const Dims& y = step.outputs[0].shape;
    return TailProgram(MapProgram(Expr::parse(text), level), kinds_of(step).value(), static_cast<std::size_t>(op_of(*step.node).inputs.max),
                       y.empty() ? 1 : y.back());
}

void TailProgram::run(const Buffers& buffers, std::int64_t first_row, std::int64_t rows, std::int64_t first_col, std::int64_t cols) const noexcept {
    const bool by_column = std::ranges::find(kinds_, Kind::column) != kinds_.end();
    if (cols == columns_ && !by_column) return run_span(buffers, first_row * columns_, 0, rows * columns_);
    for (std::int64_t r = first_row; r < first_row + rows; ++r) run_span(buffers, r * columns_ + first_col, first_col, cols);
}

void TailProgram::run_span(const Buffers& buffers, std::int64_t offset, std::int64_t col, std::int64_t n) const noexcept {
    std::array<MapProgram::Input, Expr::max_inputs> in{};
    float* y = static_cast<float*>(buffers.outputs[0]) + offset;
    in[0] = {y, false};
    for (std::size_t i = 0; i < kinds_.size(); ++i) {
        const auto* x = static_cast<const float*>(buffers.inputs[first_input_ + i]);
        in[i + 1] = {x + (kinds_[i] == Kind::element ? offset : kinds_[i] == Kind::column ? col : 0), kinds_[i] == Kind::scalar};
    }
    program_.run(y, std::span(in).first(kinds_.size() + 1), n);
}

}  // namespace tercet
