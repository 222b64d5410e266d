// SPDX-License-Identifier: Apache-2.0
#include "ops/testing.h"

#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

TEST(Constant, HasOneOfManyValues) {
    expect_values("() => (f32[2] y) { y = Constant<value = f32[2]{1, 2}>() }", {}, {"f32[2]{1,2}"});
    expect_values("() => (bool[1,2] y) { y = Constant<value = bool[1,2]{1, 0}>() }", {}, {"bool[1,2]{1,0}"});
    expect_values("() => (f64[0] y) { y = Constant<value = f64[0]{}>() }", {}, {"f64[0]{}"});
    expect_values("() => (i64[] y) { y = Constant<value_int = -7>() }", {}, {"i64{-7}"});
    expect_values("() => (i64[3] y) { y = Constant<value_ints = [1, 2, 3]>() }", {}, {"i64[3]{1,2,3}"});
    expect_values("() => (i64[0] y) { y = Constant<value_ints = []>() }", {}, {"i64[0]{}"});
    expect_values("() => (f32[] y) { y = Constant<value_float = 0.5>() }", {}, {"f32{0.5}"});
    expect_values("() => (f32[2] y) { y = Constant<value_floats = f[0.5, -1]>() }", {}, {"f32[2]{0.5,-1}"});
}

TEST(Constant, Refuses) {
    expect_infer_error(R"(() => (i64 y) { y = Constant<value_string = "a">() })", "unsupported: attribute 'value_string'");
    expect_infer_error(R"(() => (i64 y) { y = Constant<value_strings = s["a"]>() })", "unsupported: attribute 'value_strings'");
    expect_infer_error("() => (i64 y) { y = Constant<sparse_value = f32{0}>() }", "unsupported: attribute 'sparse_value'");
    expect_infer_error("() => (i64 y) { y = Constant() }", "has 0 values");
    expect_infer_error("() => (i64 y) { y = Constant<value_int = 1, value_float = 1.0>() }", "has 2 values");
}

TEST(ConstantOfShape, FillsAShape) {
    expect_values("() => (f32[2,1] y) { y = ConstantOfShape(i64[2]{2, 1}) }", {}, {"f32[2,1]{0,0}"});
    expect_values("() => (f16[3] y) { y = ConstantOfShape<value = f16[1]{1.5}>(i64[1]{3}) }", {}, {"f16[3]{1.5,1.5,1.5}"});
    expect_values("() => (i32[0] y) { y = ConstantOfShape<value = i32[1]{7}>(i64[1]{0}) }", {}, {"i32[0]{}"});
    expect_values("() => (i32[] y) { y = ConstantOfShape<value = i32[1]{7}>(i64[0]{}) }", {}, {"i32{7}"});
    typed_graph("(f32[N,3] x) => (bool[N,3] y) { s = Shape(x)  y = ConstantOfShape<value = bool[1]{1}>(s) }");
}

TEST(ConstantOfShape, Refuses) {
    expect_infer_error("() => (f32[1] y) { y = ConstantOfShape(i64[1]{-1}) }", "would have the shape [-1]");
    expect_infer_error("() => (f32[1] y) { y = ConstantOfShape<value = f32[2]{1, 2}>(i64[1]{1}) }", "'value' has 2 elements");
    expect_infer_error("() => (f32[1] y) { y = ConstantOfShape(i64[2]{4294967296, 4294967296}) }", "more than fits into 64 bits");
    expect_infer_error("(i64[n] s) => (f32[1] y) { y = ConstantOfShape(s) }", "the shape (input 0) is computed while the model runs");
    expect_infer_error("() => (f32[1] y) { y = ConstantOfShape(i64[9]{1,1,1,1,1,1,1,1,1}) }", "rank 9");
}

}  // namespace
}  // namespace tercet::testing
