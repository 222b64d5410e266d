// SPDX-License-Identifier: Apache-2.0
#include "graph/text.h"
#include "ops/testing.h"
#include "ops/upgrade_testing.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

TEST(Softmax, GivesTheValuesWorkedByHand) {
    const std::vector<std::string> x{"f32[2,3]{0, 1, 2, 1000, 1000, -inf}"};
    expect_values("(f32[2,3] x) => (f32[2,3] y) { y = Softmax(x) }", x, {"f32[2,3]{0.09003057, 0.24472847, 0.66524096, 0.5, 0.5, 0}"});
    expect_values("(f32[2,3] x) => (f32[2,3] y) { y = LogSoftmax(x) }", x, {"f32[2,3]{-2.40760596, -1.40760596, -0.40760596, -0.69314718, -0.69314718, -inf}"});
    expect_values("(f32[2,3] x) => (f32[2,3] y) { y = Hardmax(x) }", x, {"f32[2,3]{0, 0, 1, 1, 0, 0}"});
}

TEST(Softmax, GoesAlongAnyAxis) {
    const std::vector<std::string> x{"f32[2,2,1]{1, 4, 1, 3}"};
    expect_values("(f32[2,2,1] x) => (f32[2,2,1] y) { y = Softmax<axis = 0>(x) }", x, {"f32[2,2,1]{0.5, 0.73105858, 0.5, 0.26894142}"});
    expect_values("(f32[2,2,1] x) => (f32[2,2,1] y) { y = Hardmax<axis = -2>(x) }", x, {"f32[2,2,1]{0, 1, 0, 1}"});
    expect_values("(f32[2,2,1] x) => (f32[2,2,1] y) { y = Softmax(x) }", x, {"f32[2,2,1]{1, 1, 1, 1}"});
    typed_graph("(f32[N,H,S,S] x) => (f32[N,H,S,S] y) { y = Softmax<axis = 3>(x) }");
}

TEST(Softmax, SurvivesEmptyAndNaN) {
    expect_values("(f32[2,0] x) => (f32[2,0] y) { y = Softmax(x) }", {"f32[2,0]{}"}, {"f32[2,0]{}"});
    expect_values("(f32[3] x) => (f32[3] y) { y = Softmax(x) }", {"f32[3]{1, nan, 3}"}, {"f32[3]{nan, nan, nan}"});
    expect_infer_error("(f32[2] x) => (f32[2] y) { y = Softmax<axis = 1>(x) }", "axis 1 of a value of rank 1");
    expect_infer_error("(i32[2] x) => (i32[2] y) { y = Softmax(x) }", "unsupported: Softmax of i32");
}

TEST(Softmax, OfOneAxisInOldOperatorSetsStaysOneNode) {
    struct Case { const char* shape; const char* axis; int found; };
    const Case cases[] = {{"N,10", "", 1}, {"N,10", "<axis = -1>", 1}, {"N,H,S,S", "<axis = 3>", 3}, {"N,10,1,1", "", 1}, {"N,1,7,1", "", 2}, {"N,1,1", "", 2}};
    for (const Case& c : cases) {
        const Graph g = upgraded(fmt::format("(f32[{0}] x) => (f32[{0}] y) {{ y = Softmax{1}(x) }}", c.shape, c.axis), 12);
        ASSERT_EQ(g.order().size(), 1u) << c.shape;
        EXPECT_EQ(g.node(g.order()[0]).attributes.integer("axis", 99), c.found) << c.shape;
    }
}

TEST(Softmax, OfSeveralAxesInOldOperatorSetsIsFlattened) {
    const Graph g = upgraded("(f32[N,2,2] x) => (f32[N,2,2] y) { y = Softmax(x) }", 12);
    EXPECT_EQ(text_of(g.value(g.outputs()[0].value).type), "f32[N,2,2]");
    EXPECT_EQ(g.nodes("Softmax").size(), 1u);
    const Tensor x[] = {parse_tensor("f32[1,2,2]{0, 0, 0, 0}")};
    expect_close(evaluate(g, x)[0], parse_tensor("f32[1,2,2]{0.25, 0.25, 0.25, 0.25}"), 1e-6, "softmax over 2x2");
    EXPECT_EQ(g.outputs()[0].name, "y");
}

}  // namespace
}  // namespace tercet::testing
