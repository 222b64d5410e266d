// SPDX-License-Identifier: Apache-2.0
// Element-wise operators and fused chains of them, f32, by vector loops. A unit is a piece of a row.
#include "cpu/pointwise_f32.h"

#include "cpu/map_program.h"
#include "ops/pointwise.h"

#include <algorithm>

namespace tercet {

std::optional<Expr> pointwise_expr(const Step& step) {
    std::vector<const Tensor*> constants;
    for (const auto& in : step.inputs) constants.push_back(in.constant);
    return expr_of(*step.node, constants);
}

Refusal refuse_pointwise(const Step& step) {
    if (step.attributes().has("tail")) return "has a tail";
    if (step.outputs.size() != 1 || step.outputs[0].dtype != DType::f32) return "not f32";
    for (const auto& in : step.inputs)
        if (in && in.dtype != DType::f32) return "not f32";
    return pointwise_expr(step) ? Refusal() : "no element-wise function";
}

namespace {

Numerics numerics(const Step& step) {
    const auto expr = pointwise_expr(step);
    return expr && MapProgram(*expr, simd::baseline::level()).exact() ? Numerics::exact : Numerics::approximate;
}

Refusal refuse(const Step& step, const Isa& isa) {
    if (isa.level == Isa::Level::reference) return "needs vector instructions";
    return refuse_pointwise(step);
}

Kernel compile(const Step& step, const Variant& variant, const Isa& isa) {
    const auto loops = BroadcastLoops::of(step);
    const int outer_dims = loops.shape.size() - 1;
    const std::int64_t row = loops.shape.back(), outer = count_of(loops.shape.part(0, outer_dims));
    const std::int64_t piece = std::max<std::int64_t>(1, variant.tile), pieces = (row + piece - 1) / piece;
    auto program = std::make_shared<MapProgram>(*pointwise_expr(step), *simd_level(isa));
    Kernel k;
    k.phases.push_back({.units = outer * pieces, .run = [=](const Buffers& b, std::int64_t first, std::int64_t last) {
        for (std::int64_t u = first; u < last; ++u) {
            const std::int64_t at = u % pieces * piece, n = std::min(piece, row - at);
            std::array<MapProgram::Input, Expr::max_inputs> in{};
            for (std::size_t i = 0; i < loops.strides.size(); ++i) {
                if (!b.inputs[i]) continue;  // left out, as a limit of Clip may be: the expression does not read it
                const std::int64_t step_in_row = loops.strides[i].back();
                in[i] = {static_cast<const float*>(b.inputs[i]) + loops.offset(i, u / pieces, outer_dims) + at * step_in_row, step_in_row == 0};
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
