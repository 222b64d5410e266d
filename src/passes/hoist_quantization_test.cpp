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

TEST(HoistQuantization, FloatsAreMadeOfBytesBehindWhatMovesElements) {
    expect_rewrite(hoist_quantization, "(i8[N,2,6] x) => (f32[N,6,2] y) { d = DequantizeLinear(x, f32{0.1}, i8{3}) y = Transpose<perm = [0, 2, 1]>(d) }",
                   "(i8[N,2,6] x) => (f32[N,6,2] y) { y_quantized = Transpose<perm = [0, 2, 1]>(x) y = DequantizeLinear(y_quantized, const[], i8{3}) }");
    expect_rewrite(hoist_quantization, "(u8[N,2] a, u8[N,3] b) => (f32[N,5] y) { d = DequantizeLinear(a, f32{0.1}, u8{3}) e = DequantizeLinear(b, f32{0.1}, u8{3}) y = Concat<axis = 1>(d, e) }",
                   "(u8[N,2] a, u8[N,3] b) => (f32[N,5] y) { y_quantized = Concat<axis = 1>(a, b) y = DequantizeLinear(y_quantized, const[], u8{3}) }");
}

TEST(HoistQuantization, AScaleThatIsAListOfOneFitsAnyShape) {
    expect_rewrite(hoist_quantization, "(f32[N,1,6] x) => (i8[N,6,1] y) { t = Transpose<perm = [0, 2, 1]>(x) y = QuantizeLinear<axis = 2>(t, f32[1]{0.1}, i8[1]{3}) }",
                   "(f32[N,1,6] x) => (i8[N,6,1] y) { x_quantized = QuantizeLinear(x, const[], i8{3}) y = Transpose<perm = [0, 2, 1]>(x_quantized) }");
    expect_rewrite(hoist_quantization, "(i8[N,1,6] x) => (f32[N,6,1] y) { d = DequantizeLinear(x, f32[1]{0.1}, i8[1]{3}) y = Transpose<perm = [0, 2, 1]>(d) }",
                   "(i8[N,1,6] x) => (f32[N,6,1] y) { y_quantized = Transpose<perm = [0, 2, 1]>(x) y = DequantizeLinear(y_quantized, const[], i8{3}) }");
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
        {"parts of other scales", "(i8[N,5] x, i8[N,5] z) => (f32[N,10] y) { d = DequantizeLinear(x, f32{0.1}) e = DequantizeLinear(z, f32{0.2}) y = Concat<axis = 1>(d, e) }"},
        {"a part in floats", "(i8[N,5] x, f32[N,5] z) => (f32[N,10] y) { d = DequantizeLinear(x, f32{0.1}) y = Concat<axis = 1>(d, z) }"},
        {"floats of channels with scales of their own", "(i8[N,2] x) => (f32[2,N] y) { d = DequantizeLinear(x, f32[2]{0.1, 0.2}) y = Transpose(d) }"},
        {"other scales", "(i8[N,5] x) => (i8[N,5] y) { d = DequantizeLinear(x, f32{0.1}, i8{3}) y = QuantizeLinear(d, f32{0.2}, i8{3}) }"},
    });
}

}  // namespace
}  // namespace tercet::testing
