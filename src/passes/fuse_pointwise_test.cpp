// SPDX-License-Identifier: Apache-2.0
#include "graph/text.h"
#include "ops/op.h"
#include "passes/testing.h"

#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

TEST(FusePointwise, ChainsAndDiamonds) {
    expect_rewrite(fuse_pointwise, R"t((f32[N,3] x, f32[3] z) => (f32[N,3] y) {
        a = "tercet":Pointwise<expr = "add(x0, x1)">(x, z) b = "tercet":Pointwise<expr = "relu(x0)">(a)
                                          y = "tercet":Pointwise<expr = "mul(x1, x0)">(b, x) })t",
                                   R"t((f32[N,3] x, f32[3] z) => (f32[N,3] y) {
                                       y = "tercet":Pointwise<expr = "mul(x0, relu(add(x0, x1)))">(x, z) })t");
    // x * sigmoid(x), x computed: all that reads it is one node in the end
    expect_rewrite(fuse_pointwise, R"t((f32[N,3] x) => (f32[N,3] y) { a = "tercet":Pointwise<expr = "add(x0, 1)">(x)
        b = "tercet":Pointwise<expr = "sigmoid(x0)">(a)
                                          y = "tercet":Pointwise<expr = "mul(x0, x1)">(a, b) })t",
                                   R"t((f32[N,3] x) => (f32[N,3] y) {
                                       y = "tercet":Pointwise<expr = "mul(add(x0, 1), sigmoid(add(x0, 1)))">(x) })t");
}

TEST(FusePointwise, LeavesAlone) {
    std::string many = "(f32[N] a, f32[N] b, f32[N] c, f32[N] d, f32[N] e, f32[N] f, f32[N] g, f32[N] h, f32[N] i) => (f32[N] y) { ";
    many += R"t(s = "tercet":Pointwise<expr = "add(add(add(x0, x1), add(x2, x3)), x4)">(a, b, c, d, e)
        y = "tercet":Pointwise<expr = "add(add(add(x0, x1), add(x2, x3)), x4)">(s, f, g, h, i) })t";
    std::string chain = "x0";
    for (int i = 0; i < 20; ++i) chain = "exp(" + chain + ")";
    const std::string lengthy = R"t((f32[N] x) => (f32[N] y) { s = "tercet":Pointwise<expr = ")t" + chain + R"t(">(x)
        y = "tercet":Pointwise<expr = ")t" + chain + R"t(">(s) })t";
    expect_unchanged(fuse_pointwise, {
        {"a small value that is broadcast", R"t((f32[3] z, f32[N,3] x) => (f32[N,3] y) {
            a = "tercet":Pointwise<expr = "exp(x0)">(z) y = "tercet":Pointwise<expr = "mul(x0, x1)">(a, x) })t"},
        {"two readers", R"t((f32[N] x) => (f32[N] y, f32[N] z) { a = "tercet":Pointwise<expr = "exp(x0)">(x)
            y = "tercet":Pointwise<expr = "neg(x0)">(a) z = Identity(a) })t"},
        {"an output", R"t((f32[N] x) => (f32[N] y, f32[N] a) { a = "tercet":Pointwise<expr = "exp(x0)">(x)
            y = "tercet":Pointwise<expr = "neg(x0)">(a) })t"},
        {"nine inputs", many},
        {"forty instructions", lengthy},
    });
}

// Each step doubles the text of the expression, though not its instructions.
TEST(FusePointwise, TextThatWouldExplodeStaysApart) {
    std::string text = "(f32[N] x) => (f32[N] v29) { v0 = \"tercet\":Pointwise<expr = \"add(x0, 1)\">(x) ";
    for (int i = 1; i < 30; ++i)
        text += "v" + std::to_string(i) + " = \"tercet\":Pointwise<expr = \"mul(x0, add(x0, 1))\">(v" + std::to_string(i - 1) + ") ";
    Graph g = parse_text(text + "}");
    infer_types(g);
    fuse_pointwise(g);
    expect_sound(g);
    EXPECT_LT(g.order().size(), 10u);
    for (NodeId id : g.order()) EXPECT_LT(g.node(id).attributes.text("expr", "").size(), 10000u);
}

}  // namespace
}  // namespace tercet::testing
