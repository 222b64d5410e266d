// SPDX-License-Identifier: Apache-2.0
#include "graph/text.h"
#include "ops/testing.h"
#include "ops/upgrade_testing.h"

#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

TEST(QuantizeLinear, RoundsHalfToEvenAndSaturates) {
    expect_values("(f32[6] x) => (u8[6] y) { y = QuantizeLinear(x, f32{2}, u8{128}) }", {"f32[6]{0, 2, 3, 1000, -254, -1000}"}, {"u8[6]{128, 129, 130, 255, 1, 0}"});
    expect_values("(f32[7] x) => (i8[7] y) { y = QuantizeLinear(x, f32[1]{2}, i8{1}) }", {"f32[7]{1, 3, 5, -1, -3, 300, -300}"}, {"i8[7]{1, 3, 3, 1, -1, 127, -128}"});
    expect_values("(f32[4] x) => (u8[4] y) { y = QuantizeLinear(x, f32{1}) }", {"f32[4]{nan, inf, -inf, 2.5}"}, {"u8[4]{0, 255, 0, 2}"});
    expect_values("(f32[3] x) => (u16[3] y) { y = QuantizeLinear(x, f32{1}, u16{32768}) }", {"f32[3]{-40000, 1, 40000}"}, {"u16[3]{0, 32769, 65535}"});
    expect_values("(f32[2] x) => (i16[2] y) { y = QuantizeLinear<output_dtype = 5>(x, f32{0.5}) }", {"f32[2]{-20000, 3}"}, {"i16[2]{-32768, 6}"});
    expect_values("(i32[2] x) => (i8[2] y) { y = QuantizeLinear(x, f32{3}, i8{0}) }", {"i32[2]{100, -5}"}, {"i8[2]{33, -2}"});
    expect_values("(f32[2,0] x) => (u8[2,0] y) { y = QuantizeLinear(x, f32{3}) }", {"f32[2,0]{}"}, {"u8[2,0]{}"});
    expect_values("(f32[] x) => (u8[] y) { y = QuantizeLinear(x, f32{0.5}) }", {"f32{3}"}, {"u8{6}"});
}

TEST(QuantizeLinear, ScalesPerAxisAndPerBlock) {
    expect_values("(f32[1,2,2] x) => (u8[1,2,2] y) { y = QuantizeLinear(x, f32[2]{1, 2}, u8[2]{0, 10}) }", {"f32[1,2,2]{1, 2, 4, 8}"}, {"u8[1,2,2]{1, 2, 12, 14}"});
    expect_values("(f32[2,2] x) => (i8[2,2] y) { y = QuantizeLinear<axis = -2>(x, f32[2]{1, 2}, i8[2]{0, 0}) }", {"f32[2,2]{1, 2, 4, 8}"}, {"i8[2,2]{1, 2, 2, 4}"});
    expect_values("(f32[1,5] x) => (u8[1,5] y) { y = QuantizeLinear<block_size = 2>(x, f32[1,3]{1, 2, 4}, u8[1,3]{0, 1, 2}) }", {"f32[1,5]{1, 2, 4, 8, 8}"}, {"u8[1,5]{1, 2, 3, 5, 4}"});
    expect_values("(f32[3,1] x) => (u8[3,1] y) { y = QuantizeLinear<axis = 0, block_size = 2>(x, f32[2,1]{1, 2}) }", {"f32[3,1]{1, 2, 4}"}, {"u8[3,1]{1, 2, 2}"});
    typed_graph("(f32[N,C,H] x, f32[C] s) => (u8[N,C,H] y) { y = QuantizeLinear(x, s) }");
    typed_graph("(f32[N,6] x, f32[N,3] s) => (u8[N,6] y) { y = QuantizeLinear<block_size = 2>(x, s) }");
}

TEST(QuantizeLinear, DividesInThePrecisionAskedFor) {
    // 2.5001 is 2.5 in f16 and bf16, and that is rounded to 2
    expect_values("(f32[1] x) => (u8[1] y) { y = QuantizeLinear(x, f32{1}) }", {"f32[1]{2.5001}"}, {"u8[1]{3}"});
    expect_values("(f32[1] x) => (u8[1] y) { y = QuantizeLinear<precision = 16>(x, f32{1}) }", {"f32[1]{2.5001}"}, {"u8[1]{2}"});
    expect_values("(f32[1] x) => (u8[1] y) { y = QuantizeLinear(x, f16{1}) }", {"f32[1]{2.5001}"}, {"u8[1]{2}"});
}

TEST(QuantizeLinear, Refuses) {
    expect_infer_error("(f32[2] x) => (u8[2] y) { y = QuantizeLinear(x, f32{1}, i32{0}) }", "unsupported: quantization to i32");
    expect_infer_error("(f32[2] x) => (u8[2] y) { y = QuantizeLinear<output_dtype = 17>(x, f32{1}) }", "unsupported: quantization to f8e4m3fn");
    expect_infer_error("(f32[2] x) => (u8[2] y) { y = QuantizeLinear<output_dtype = 3>(x, f32{1}, u8{0}) }", "output_dtype is i8, the zero point u8");
    expect_infer_error("(f32[2] x) => (u8[2] y) { y = QuantizeLinear<output_dtype = 99>(x, f32{1}) }", "attribute 'output_dtype' is 99");
    expect_infer_error("(f32[2] x) => (u8[2] y) { y = QuantizeLinear<precision = 3>(x, f32{1}) }", "unsupported: a precision of i8");
    expect_infer_error("(f32[2,3] x) => (u8[2,3] y) { y = QuantizeLinear(x, f32[2]{1, 2}) }", "the scale (input 1) has the shape [2] instead of [3]");
    expect_infer_error("(f32[2,3] x) => (u8[2,3] y) { y = QuantizeLinear(x, f32[3]{1, 2, 3}, u8{0}) }", "the zero point (input 2) has the shape [] instead of [3]");
    expect_infer_error("(f32[2] x) => (u8[2] y) { y = QuantizeLinear(x, f32[2]{1, 2}) }", "axis 1 of a value of rank 1");
    expect_infer_error("(f32[2,3] x) => (u8[2,3] y) { y = QuantizeLinear<block_size = 2>(x, f32[2,3]{1, 2, 3, 4, 5, 6}) }", "instead of [2,2]");
    expect_infer_error("(f32[2,3] x) => (u8[2,3] y) { y = QuantizeLinear<block_size = -1>(x, f32[3]{1, 2, 3}) }", "attribute 'block_size' is -1");
    expect_infer_error("(i8[2] x) => (u8[2] y) { y = QuantizeLinear(x, f32{1}) }", "unsupported: QuantizeLinear of i8 (input 0)");
}

TEST(DequantizeLinear, IsTheDifferenceScaled) {
    expect_values("(u8[4] x) => (f32[4] y) { y = DequantizeLinear(x, f32{2}, u8{128}) }", {"u8[4]{0, 3, 128, 255}"}, {"f32[4]{-256, -250, 0, 254}"});
    expect_values("(i8[2] x) => (f32[2] y) { y = DequantizeLinear(x, f32{0.5}) }", {"i8[2]{-128, 3}"}, {"f32[2]{-64, 1.5}"});
    expect_values("(i32[2] x) => (f32[2] y) { y = DequantizeLinear(x, f32{0.25}) }", {"i32[2]{-2147483648, 3}"}, {"f32[2]{-536870912, 0.75}"});
    expect_values("(u16[2] x) => (f32[2] y) { y = DequantizeLinear(x, f32{2}, u16{32767}) }", {"u16[2]{30000, 65535}"}, {"f32[2]{-5534, 65536}"});
    expect_values("(i16[1] x) => (f16[1] y) { y = DequantizeLinear(x, f16{2}) }", {"i16[1]{-300}"}, {"f16[1]{-600}"});
    expect_values("(i8[1] x) => (bf16[1] y) { y = DequantizeLinear<output_dtype = 16>(x, f32{2}) }", {"i8[1]{3}"}, {"bf16[1]{6}"});
    expect_values("(u8[1,2,2] x) => (f32[1,2,2] y) { y = DequantizeLinear(x, f32[2]{1, 2}, u8[2]{1, 10}) }", {"u8[1,2,2]{1, 2, 4, 8}"}, {"f32[1,2,2]{0, 1, -12, -4}"});
    expect_values("(u8[1,3] x) => (f32[1,3] y) { y = DequantizeLinear<block_size = 2>(x, f32[1,2]{1, 2}, u8[1,2]{0, 1}) }", {"u8[1,3]{1, 2, 4}"}, {"f32[1,3]{1, 2, 6}"});
}

TEST(DequantizeLinear, Refuses) {
    expect_infer_error("(u32[2] x) => (f32[2] y) { y = DequantizeLinear(x, f32{1}) }", "unsupported: DequantizeLinear of u32");
    expect_infer_error("(u8[2] x) => (f32[2] y) { y = DequantizeLinear(x, f32{1}, i8{1}) }", "input 2 is i8, input 0 is u8");
    expect_infer_error("(u8[2] x) => (f32[2] y) { y = DequantizeLinear<output_dtype = 3>(x, f32{1}) }", "unsupported: dequantization to i8");
}

TEST(QuantizeLinear, OfShapesThatDoNotFitAtRunIsAnError) {
    const Graph g = typed_graph("(f32[N,C] x, f32[S] s, u8[Z] z) => (u8[N,C] y) { y = QuantizeLinear(x, s, z) }");
    const auto run = [&](const char* s, const char* z) { return evaluate(g, std::vector{parse_tensor("f32[1,2]{1, 2}"), parse_tensor(s), parse_tensor(z)}); };
    EXPECT_EQ(run("f32[2]{1, 1}", "u8[2]{1, 2}")[0], parse_tensor("u8[1,2]{2, 4}"));
    EXPECT_THROW(run("f32[3]{1, 1, 1}", "u8[3]{0, 0, 0}"), Error);
    EXPECT_THROW(run("f32[2]{1, 1}", "u8[1]{0}"), Error);
    EXPECT_THROW(run("f32[0]{}", "u8[0]{}"), Error);
}

TEST(QuantizeLinear, OfOnnxruntimesDomainBecomesOnnxs) {
    const Graph g = upgraded(R"((f32[2] x) => (f32[2] y) { q = "com.microsoft":QuantizeLinear(x, f32{2}, u16{1}) y = "com.microsoft":DequantizeLinear(q, f32{2}, u16{1}) })", 1);
    for (NodeId id : g.order()) EXPECT_EQ(g.node(id).domain, "");
    const Tensor x[] = {parse_tensor("f32[2]{4, -1}")};
    expect_close(evaluate(g, x)[0], parse_tensor("f32[2]{4, 0}"), 0, "there and back");
}

TEST(DynamicQuantizeLinear, TakesItsScaleFromTheData) {
    const char* graph = "(f32[N] x) => (u8[N] y, f32[] s, u8[] z) { y, s, z = DynamicQuantizeLinear(x) }";
    expect_values(graph, {"f32[6]{0, 2, -3, -2.5, 1.34, 0.5}"}, {"u8[6]{153, 255, 0, 26, 221, 179}", "f32{0.019607844}", "u8{153}"});
    expect_values(graph, {"f32[3]{-1, -2.1, -1.3}"}, {"u8[3]{134, 0, 97}", "f32{0.0082352944}", "u8{255}"});
    expect_values(graph, {"f32[2]{0, 0}"}, {"u8[2]{0, 0}", "f32{1}", "u8{0}"});
    expect_values(graph, {"f32[0]{}"}, {"u8[0]{}", "f32{1}", "u8{0}"});
    expect_infer_error("(f16[2] x) => (u8[2] y, f32 s, u8 z) { y, s, z = DynamicQuantizeLinear(x) }", "unsupported: DynamicQuantizeLinear of f16");
}

}  // namespace
}  // namespace tercet::testing
