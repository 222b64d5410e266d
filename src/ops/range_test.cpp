// SPDX-License-Identifier: Apache-2.0
#include "ops/testing.h"

#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

TEST(Range, Counts) {
    expect_values("() => (i64[2] y) { y = Range(i64{3}, i64{9}, i64{3}) }", {}, {"i64[2]{3,6}"});
    expect_values("() => (i32[3] y) { y = Range(i32{10}, i32{4}, i32{-2}) }", {}, {"i32[3]{10,8,6}"});
    expect_values("() => (i16[4] y) { y = Range(i16{0}, i16{10}, i16{3}) }", {}, {"i16[4]{0,3,6,9}"});
    expect_values("() => (i64[0] y) { y = Range(i64{3}, i64{3}, i64{1}) }", {}, {"i64[0]{}"});
    expect_values("() => (i64[0] y) { y = Range(i64{3}, i64{9}, i64{-1}) }", {}, {"i64[0]{}"});
    expect_values("() => (f32[4] y) { y = Range(f32{1}, f32{2.9}, f32{0.5}) }", {}, {"f32[4]{1,1.5,2,2.5}"});
    expect_values("() => (f16[3] y) { y = Range<stash_type = 1>(f16{2}, f16{0.5}, f16{-0.5}) }", {}, {"f16[3]{2,1.5,1}"});
}

TEST(Range, UpToASymbol) {
    typed_graph("(f32[N] x) => (i64[N] y) { s = Size(x)  y = Range(i64{0}, s, i64{1}) }");
    typed_graph("(f32[N] x) => (i64[floor((N + 1)/(2))] y) { s = Size(x)  y = Range(i64{0}, s, i64{2}) }");
    typed_graph("(f32[N] x) => (i64[N] y) { s = Size(x)  y = Range(s, i64{0}, i64{-1}) }");
    typed_graph("(f32[N] x) => (i64[max(0, N - 3)] y) { s = Size(x)  y = Range(i64{3}, s, i64{1}) }");
}

TEST(Range, OfFloatsUpToASymbol) {
    typed_graph("(f32[N] x) => (f32[N] y) { s = Size(x)  f = Cast<to = 1>(s)  y = Range(f32{0}, f, f32{1}) }");
    typed_graph("(f32[N] x) => (f32[2*N] y) { s = Size(x)  t = Mul(s, i64{2})  f = Cast<to = 1>(t)  y = Range(f32{0}, f, f32{1}) }");
    EXPECT_FALSE(typed_graph("(f32[N] x) => (f32[?] y) { s = Size(x)  f = Cast<to = 1>(s)  y = Range(f32{0}, f, f32{0.5}) }").order().empty());
    expect_values("(f32[N] x) => (f32[N] y) { s = Size(x)  f = Cast<to = 1>(s)  y = Range(f32{0}, f, f32{1}) }", {"f32[3]{7,8,9}"}, {"f32[3]{0,1,2}"});
}

TEST(Range, UpToWhatIsComputed) {
    expect_values("(i64[] n) => (i64[?] y) { y = Range(i64{1}, n, i64{2}) }", {"i64{6}"}, {"i64[3]{1,3,5}"});
    expect_values("(f32[] n) => (f32[?] y) { y = Range(f32{0}, n, f32{0.5}) }", {"f32{1.2}"}, {"f32[3]{0,0.5,1}"});
    const Graph g = typed_graph("(i64[] d) => (i64[?] y) { y = Range(i64{0}, i64{5}, d) }");
    const Tensor zero = Tensor::scalar(DType::i64, 0);
    EXPECT_THROW(evaluate(g, {&zero, 1}), Error);
}

TEST(Range, Refuses) {
    expect_infer_error("() => (i64[1] y) { y = Range(i64{3}, i64{9}, i64{0}) }", "delta is 0");
    expect_infer_error("() => (f32[1] y) { y = Range(f32{3}, f32{9}, f32{0}) }", "delta is 0");
    expect_infer_error("() => (f32[1] y) { y = Range(f32{3}, f32{inf}, f32{1}) }", "elements from 3 to inf");
    expect_infer_error("() => (f64[1] y) { y = Range(f64{0}, f64{1e30}, f64{1}) }", "elements from 0");
    expect_infer_error("() => (f32[1] y) { y = Range(f32{3}, f64{9}, f32{1}) }", "are of types f32, f64 and f32");
    expect_infer_error("() => (i64[1] y) { y = Range(i64{-9223372036854775808}, i64{9223372036854775807}, i64{1}) }", "64 bits");
    expect_infer_error("() => (i64[1] y) { y = Range(i64[2]{1, 2}, i64{9}, i64{1}) }", "has 2 elements, should have one");
    expect_infer_error("() => (f32[1] y) { y = Range(f32[2]{1, 2}, f32{9}, f32{1}) }", "(input 0) have 2 elements, should have one");
    typed_graph("() => (i64[1099511627776] y) { y = Range(i64{0}, i64{1099511627776}, i64{1}) }");  // only claimed, not allocated
}

}  // namespace
}  // namespace tercet::testing
