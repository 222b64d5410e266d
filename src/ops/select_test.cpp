// SPDX-License-Identifier: Apache-2.0
#include "ops/testing.h"

#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

constexpr const char* select_f32 = R"((bool c, f32[2] a, f32[2] b) => (f32[2] y) { y = "tercet":Select(c, a, b) })";

TEST(Select, GivesOneOfTwoValues) {
    expect_values(select_f32, {"bool{1}", "f32[2]{nan, 2}", "f32[2]{3, 4}"}, {"f32[2]{nan, 2}"});
    expect_values(select_f32, {"bool{0}", "f32[2]{nan, 2}", "f32[2]{3, -inf}"}, {"f32[2]{3, -inf}"});
    expect_values(R"((bool[1,1] c, i64[0,2] a) => (i64[0,2] y) { y = "tercet":Select(c, a, a) })", {"bool[1,1]{1}", "i64[0,2]{}"}, {"i64[0,2]{}"});
    expect_values(R"((bool c, i64 a, i64 b) => (i64[] y) { y = "tercet":Select(c, a, b) })", {"bool{0}", "i64{5}", "i64{9007199254740993}"}, {"i64{9007199254740993}"});
    typed_graph(R"((bool c, bf16[N,2*N,1] a, bf16[N,2*N,1] b) => (bf16[N,2*N,1] y) { y = "tercet":Select(c, a, b) })");
}

TEST(Select, RefusesWhatIsNotAlike) {
    const auto refused = [](const char* types, const char* part) {
        expect_infer_error(std::string("(") + types + R"() => (f32[2] y) { y = "tercet":Select(c, a, b) })", part);
    };
    refused("bool c, f32[2] a, f32[3] b", "what is chosen is f32[2] in one case and f32[3] in the other");
    refused("bool c, f32[N] a, f32[M] b", "what is chosen is f32[N] in one case and f32[M] in the other");
    refused("bool c, f32[2] a, f64[2] b", "f32[2] in one case and f64[2]");
    refused("bool c, f32[2] a, f32[1,2] b", "f32[2] in one case and f32[1,2]");
    refused("i64 c, f32[2] a, f32[2] b", "the condition is i64[], should be one bool");
    refused("bool[2] c, f32[2] a, f32[2] b", "the condition is bool[2], should be one bool");
    refused("bool[N] c, f32[2] a, f32[2] b", "the condition is bool[N], should be one bool");
}

TEST(Select, FollowsSizesThatAreEqualInBothCases) {
    const auto reshaped = [](const char* sizes) {
        return std::string("(f32[N,3] x, bool c) => (f32[N,3] y) { s = Shape(x) t = ") + sizes + " y = Reshape(x, t) }";
    };
    typed_graph(reshaped(R"("tercet":Select(c, s, s))"));
    typed_graph(reshaped(R"("tercet":Select(bool{1}, s, i64[2]{3, -1}))"));
    typed_graph(reshaped(R"("tercet":Select(bool{0}, i64[2]{3, -1}, s))"));
    typed_graph(reshaped(R"("tercet":Select(c, s, i64[2]{-1, 3}))"));  // N then follows from the other
    const Graph g = typed_graph("(f32[N,3] x, bool c) => (f32[?] y) { s = Shape(x) t = \"tercet\":Select(c, s, i64[2]{3, -1}) y = Reshape(x, t) }");
    EXPECT_EQ(evaluate(g, std::array{Tensor::zeros(DType::f32, {2, 3}), Tensor::scalar(DType::boolean, 0)})[0].shape(), (Dims{3, 2}));
}

}  // namespace
}  // namespace tercet::testing
