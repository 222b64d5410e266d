// SPDX-License-Identifier: Apache-2.0
#include "ops/testing.h"

#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

TEST(BitCast, KeepsTheBits) {
    expect_values("(f32[2] x) => (i32[2] y) { y = BitCast<to = 6>(x) }", {"f32[2]{1,-0}"}, {"i32[2]{1065353216,-2147483648}"});
    expect_values("(u16[1] x) => (bf16[1] y) { y = BitCast<to = 16>(x) }", {"u16[1]{16256}"}, {"bf16[1]{1}"});
    expect_values("(i64[] x) => (f64[] y) { y = BitCast<to = 11>(x) }", {"i64{4607182418800017408}"}, {"f64{1}"});
    expect_values("(i8[2] x) => (u8[2] y) { y = BitCast<to = 2>(x) }", {"i8[2]{-1,5}"}, {"u8[2]{255,5}"});
    expect_values("(u8[3] x) => (u8[3] y) { b = BitCast<to = 9>(x) y = BitCast<to = 2>(b) }", {"u8[3]{0,1,254}"}, {"u8[3]{0,1,1}"});
    typed_graph("(f16[N,3] x) => (i16[N,3] y) { y = BitCast<to = 5>(x) }");
}

TEST(BitCast, RefusesTypesOfAnotherSize) {
    expect_infer_error("(f32[2] x) => (f32[2] y) { y = BitCast<to = 7>(x) }", "elements of type f32 cannot be read as i64");
    expect_infer_error("(f32[2] x) => (f32[2] y) { y = BitCast<to = 99>(x) }", "no known type");
    expect_infer_error("(u8[2] x) => (f32[2] y) { y = BitCast<to = 21>(x) }", "cannot be read as u4");
}

}  // namespace
}  // namespace tercet::testing
