// SPDX-License-Identifier: Apache-2.0
#include "passes/testing.h"

#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

TEST(HoistQuantization, MovesOverWhatMovesElementsOrChoosesAmongThem) {
    expect_rewrite(hoist_quantization, "(f32[N,2,6] x) => (i8[N,2,3] y) { m = MaxPool<kernel_shape = [2], strides = [2]>(x) y = QuantizeLinear(m, f32{0.1}, i8{0}) }",
                   "(f32[N,2,6] x) => (i8[N,2,3] y) { x_quantized = QuantizeLinear(x, const[], i8{0}) y = MaxPool<kernel_shape = [2], strides = [2]>(x_quantized) }");
    expect_rewrite(hoist_quantization, "(f32[N,2,3] a, f32[N,2,4] b) => (u8[N,2,7] y) { c = Concat<axis = 2>(a, b) y = QuantizeLinear(c, f32{0.1}, u8{7}) }",
                   "(f32[N,2,3] a, f32[N,2,4] b) => (u8[N,2,7] y) { a_quantized = QuantizeLinear(a, const[], u8{7}) b_quantized = QuantizeLinear(b, const[], u8{7}) y = Concat<axis = 2>(a_quantized, b_quantized) }");
}

TEST(HoistQuantization, APairOfEqualScaleIsNothing) {
    expect_rewrite(hoist_quantization, "(i8[N,5] x) => (i8[N,5] y) { d = DequantizeLinear(x, f32{0.1}, i8{3}) q = QuantizeLinear(d, f32{0.1}, i8{3}) y = Transpose<perm = [0, 1]>(q) }",
                   "(i8[N,5] x) => (i8[N,5] y) { y = Transpose<perm = [0, 1]>(x) }");
}

TEST(HoistQuantization, StaysWhereFloatsAreReadAsWellOrChannelsDiffer) {
    expect_unchanged(hoist_quantization, {
        {"the pool's floats are an output", "(f32[N,2,6] x) => (i8[N,2,3] y, f32[N,2,3] m) { m = MaxPool<kernel_shape = [2], strides = [2]>(x) y = QuantizeLinear(m, f32{0.1}, i8{0}) }"},
        {"a scale per channel", "(f32[N,2,6] x) => (i8[N,2,3] y) { m = MaxPool<kernel_shape = [2], strides = [2]>(x) y = QuantizeLinear<axis = 1>(m, f32[2]{0.1, 0.2}, i8[2]{0, 0}) }"},
        {"an average does not keep the order", "(f32[N,2,6] x) => (i8[N,2,3] y) { m = AveragePool<kernel_shape = [2], strides = [2]>(x) y = QuantizeLinear(m, f32{0.1}, i8{0}) }"},
        {"other scales", "(i8[N,5] x) => (i8[N,5] y) { d = DequantizeLinear(x, f32{0.1}, i8{3}) y = QuantizeLinear(d, f32{0.2}, i8{3}) }"},
    });
}

}  // namespace
}  // namespace tercet::testing
