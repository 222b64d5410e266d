// SPDX-License-Identifier: Apache-2.0
// Outputs y, scale, zero_point, all from x, whose range is widened to contain 0; in float, rounded half to even:
//     scale = (max(x) - min(x)) / 255, or 1 where x is 0 everywhere
//     zero_point = round(-min(x) / scale)            y[i] = saturate(round(x[i] / scale) + zero_point)
#include "ops/elementwise.h"
#include "ops/quantized.h"

namespace tercet {
namespace {

void infer(Inference& c) {
    check_dtype(c, 0, [](DType t) { return t == DType::f32; });
    c.set(0, DType::u8, c.shape(0));
    c.set(1, DType::f32, {});
    c.set(2, DType::u8, {});
}

void reference(const Call& call) {
    const View& x = call.in[0];
    float low = 0, high = 0;
    for (const Dims& i : indices(x.shape)) {
        const auto v = static_cast<float>(x.get(i));
        low = std::min(low, v);
        high = std::max(high, v);
    }
    const float scale = high == low ? 1.0f : (high - low) / 255.0f;
    const std::int64_t zero_point = quantized(0 - low / scale, 0, DType::u8);
    for (const Dims& i : indices(x.shape)) call.out[0].set_int(i, quantized(static_cast<float>(x.get(i)) / scale, zero_point, DType::u8));
    if (call.wants(1)) call.out[1].set({}, scale);
    if (call.wants(2)) call.out[2].set_int({}, zero_point);
}

const RegisteredOp op{{.name = "DynamicQuantizeLinear", .versions = {{11}}, .outputs = {3, 3}, .infer = infer, .reference = reference}};

}  // namespace
}  // namespace tercet
