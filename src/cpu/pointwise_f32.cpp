// SPDX-License-Identifier: Apache-2.0
// Element-wise operators and fused chains of them, f32, by vector loops. Inputs are broadcast; neighbouring dimensions along
// which all inputs lie densely (or not at all) are joined first, so that most cases become one long row.
#include "cpu/map_program.h"
#include "ops/pointwise.h"

#include <algorithm>

namespace tercet {
namespace {

std::optional<Expr> expr_of_step(const Step& step) {
    std::vector<const Tensor*> constants;
    for (const auto& in : step.inputs) constants.push_back(in.constant);
    return expr_of(*step.node, constants);
}

struct Loops {
    Dims shape;                     // outer dimensions, then the row
    std::vector<Dims> strides;      // of each input; 0 where broadcast
};

Loops joined(const Step& step) {
    const Dims& y = step.outputs[0].shape;
    std::vector<Dims> strides;
    for (const auto& in : step.inputs) strides.push_back(in ? View(in.dtype, in.shape, nullptr).broadcast_to(y).strides : Dims::filled(y.size(), 0));
    Loops l;
    l.strides.resize(strides.size());
    for (int i = 0; i < y.size(); ++i) {
        if (y[i] == 1) continue;
        const auto joins = [&](std::size_t k) { return l.strides[k].back() == strides[k][i] * y[i]; };
        bool all = !l.shape.empty();
        for (std::size_t k = 0; all && k < strides.size(); ++k) all = joins(k);
        if (all) {
            l.shape[l.shape.size() - 1] *= y[i];
            for (std::size_t k = 0; k < strides.size(); ++k) l.strides[k][l.strides[k].size() - 1] = strides[k][i];
        } else {
            l.shape.push_back(y[i]);
            for (std::size_t k = 0; k < strides.size(); ++k) l.strides[k].push_back(strides[k][i]);
        }
    }
    if (l.shape.empty()) {
        l.shape.push_back(1);
        for (auto& s : l.strides) s.push_back(0);
    }
    return l;
}

Numerics numerics(const Step& step) {
    const auto expr = expr_of_step(step);
    return expr && MapProgram(*expr, simd::baseline::level()).exact() ? Numerics::exact : Numerics::approximate;
}

Refusal refuse(const Step& step, const Isa& isa) {
    if (isa.level == Isa::Level::reference) return "needs vector instructions";
    if (step.attributes().has("tail")) return "has a tail";
    if (step.outputs.size() != 1 || step.outputs[0].dtype != DType::f32) return "not f32";
    for (const auto& in : step.inputs)
        if (in && in.dtype != DType::f32) return "not f32";
    const auto expr = expr_of_step(step);
    return expr ? Refusal() : "no element-wise function";
}

Kernel compile(const Step& step, const Variant& variant, const Isa& isa) {
    const Loops loops = joined(step);
    const std::int64_t row = loops.shape.back();
    const std::int64_t outer = count_of(loops.shape.part(0, loops.shape.size() - 1));
    const std::int64_t piece = std::max<std::int64_t>(1, variant.tile), pieces = (row + piece - 1) / piece;
    auto program = std::make_shared<MapProgram>(*expr_of_step(step), *simd_level(isa));
    Kernel k;
    k.phases.push_back({.units = outer * pieces, .run = [=](const Buffers& b, std::int64_t first, std::int64_t last) {
        for (std::int64_t u = first; u < last; ++u) {
            const std::int64_t at = u % pieces * piece, n = std::min(piece, row - at);
            Dims index = loops.shape.part(0, loops.shape.size() - 1);
            std::int64_t rest = u / pieces;
            for (int i = index.size() - 1; i >= 0; --i) {
                const std::int64_t extent = index[i];
                index[i] = rest % extent;
                rest /= extent;
            }
            std::array<MapProgram::Input, Expr::max_inputs> in{};
            for (std::size_t i = 0; i < loops.strides.size(); ++i) {
                if (!b.inputs[i]) continue;  // left out, as a limit of Clip may be: the expression does not read it
                const Dims& s = loops.strides[i];
                std::int64_t offset = at * s.back();
                for (int d = 0; d < index.size(); ++d) offset += index[d] * s[d];
                in[i] = {static_cast<const float*>(b.inputs[i]) + offset, s.back() == 0};
            }
            program->run(static_cast<float*>(b.outputs[0]) + u / pieces * row + at, std::span(in).first(loops.strides.size()), n);
        }
    }});
    return k;
}

const RegisteredTactic pointwise{{.name = "cpu/pointwise_f32",
                                  .most = Isa::Level::avx512,
                                  .numerics = numerics,
                                  .refuse = refuse,
                                  .variants = [](const Step&, const Isa&) { return std::vector<Variant>{{.tile = 4096}, {.tile = 32768}}; },
                                  .compile = compile,
                                  .cost = [](const Step& s, const Variant& v, const Isa&) {
                                      return static_cast<double>(count_of(s.outputs[0].shape)) + v.tile * 1e-3;
                                  }}};

}  // namespace
}  // namespace tercet
