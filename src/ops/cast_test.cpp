// SPDX-License-Identifier: Apache-2.0
#include "graph/text.h"
#include "ops/testing.h"
#include "ops/upgrade_testing.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

TEST(Cast, TruncatesSaturatesWrapsAndRoundsOnce) {
    struct Case { const char *from, *x, *to, *y; };
    const Case cases[] = {
        {"f32", "2.9, -2.9, nan", "i32", "2, -2, 0"},
        {"f32", "1e30, -1e30, 300", "i32", "2147483647, -2147483648, 300"},
        {"f32", "inf, -5, 300", "u8", "255, 0, 255"},
        {"f64", "1e30, -1e30, -0.5", "i64", "9223372036854775807, -9223372036854775808, 0"},
        {"i32", "300, -1, 7", "u8", "44, 255, 7"},
        {"i64", "-1, 4294967296, 7", "u32", "4294967295, 0, 7"},
        {"u64", "18446744073709551615, 1, 2", "i64", "-1, 1, 2"},
        {"u64", "18446744073709551615, 1, 2", "f32", "18446744073709551616, 1, 2"},
        {"i64", "9007199791611905, 1, -2", "f32", "9007200328482816, 1, -2"},  // by way of double it would end in ...254740992
        {"f32", "0, -0.5, nan", "bool", "0, 1, 1"},
        {"i64", "0, 256, -1", "bool", "0, 1, 1"},
        {"bool", "0, 1, 1", "f16", "0, 1, 1"},
        {"bool", "0, 1, 1", "i64", "0, 1, 1"},
        {"f32", "65520, 2049, 1e-8", "f16", "inf, 2048, 0"},
        {"f64", "1.00390625001, 1.00390625, 1.01171875", "bf16", "1.0078125, 1, 1.015625"},
        {"i32", "-7, 0, 7", "i32", "-7, 0, 7"},
    };
    for (const Case& c : cases) {
        const auto in = fmt::format("{}[3]{{{}}}", c.from, c.x), out = fmt::format("{}[3]{{{}}}", c.to, c.y);
        expect_values(fmt::format("({}[3] x) => ({}[3] y) {{ y = Cast<to = {}>(x) }}", c.from, c.to, static_cast<int>(dtype_named(c.to).value())), {in}, {out}, 0);
        expect_values(fmt::format("({0}[3] x, {1}[1] t) => ({1}[3] y) {{ y = CastLike(x, t) }}", c.from, c.to), {in, fmt::format("{}[1]{{1}}", c.to)}, {out}, 0);
    }
}

TEST(Cast, PassesContentsOnThatFit) {
    const auto content = [](std::string_view body) {
        const Graph g = typed_graph(fmt::format("(f32[N,300] x) => (i64[?] y) {{ s = Shape(x) {} }}", body));
        const Value& y = g.value(g.outputs()[0].value);
        return y.content ? text_of(*y.content) : "unknown";
    };
    EXPECT_EQ(content("y = Cast<to = 6>(s)"), "N,300");
    EXPECT_EQ(content("y = Cast<to = 2>(s)"), "?2.0,?2.1");  // u8
    EXPECT_EQ(content("f = Cast<to = 1>(s) y = Cast<to = 7>(f)"), "N,300");
    EXPECT_EQ(content("f = Cast<to = 10>(s) y = Cast<to = 7>(f)"), "unknown");  // N may be beyond an f16
    EXPECT_EQ(content("a = Gather(s, i64{1}) f = Cast<to = 10>(a) y = Cast<to = 7>(f)"), "300");
    EXPECT_EQ(content("y = Identity(s)"), "N,300");
}

TEST(Cast, RefusesTypesItDoesNotCompute) {
    expect_infer_error("(f32[2] x) => (f32[2] y) { y = Cast<to = 8>(x) }", "unsupported: a cast from f32 to string");
    expect_infer_error("(i4[2] x) => (f32[2] y) { y = Cast<to = 1>(x) }", "unsupported: a cast from i4 to f32");
    expect_infer_error("(f32[2] x) => (f32[2] y) { y = Cast<to = 99>(x) }", "type 99");
    expect_infer_error("(f32[2] x) => (f32[2] y) { y = Cast(x) }", "attribute 'to' is missing");
}

TEST(Identity, GivesTheSameElements) {
    expect_values("(i64[2] x) => (i64[2] y) { y = Identity(x) }", {"i64[2]{9007199254740993, -1}"}, {"i64[2]{9007199254740993, -1}"});
    const Graph g = typed_graph("(u4[3] x) => (u4[3] y) { y = Identity(x) }");
    Tensor packed = Tensor::zeros(DType::u4, {3});
    packed.writable().data[0] = std::byte{0x21};
    packed.writable().data[1] = std::byte{0x03};
    const Tensor in[] = {packed};
    EXPECT_EQ(evaluate(g, in)[0], packed);
}

TEST(Dropout, IsTheIdentityOfATrainedModel) {
    expect_values("(f32[N] x) => (f32[N] y, bool[N] m) { y, m = Dropout(x, f32{0.5}) }", {"f32[2]{1, -2}"}, {"f32[2]{1, -2}", "bool[2]{1, 1}"});
    expect_values("(f32[2] x) => (f32[2] y) { y = Dropout<seed = 3>(x, f32{0.5}, bool{0}) }", {"f32[2]{1, -2}"}, {"f32[2]{1, -2}"});
    expect_values("(f32[2] x) => (f32[2] y, bool[2] m) { y, m = Dropout(x, f32{0}, bool{1}) }", {"f32[2]{1, -2}"}, {"f32[2]{1, -2}", "bool[2]{1, 1}"});
    expect_values("(f32[0] x) => (f32[0] y, bool[0] m) { y, m = Dropout(x) }", {"f32[0]{}"}, {"f32[0]{}", "bool[0]{}"});
}

TEST(Dropout, RefusesTraining) {
    expect_infer_error("(f32[2] x) => (f32[2] y) { y = Dropout(x, f32{0.5}, bool{1}) }", "unsupported: Dropout in training mode");
    expect_infer_error("(f32[2] x) => (f32[2] y) { y = Dropout(x, _, bool{1}) }", "unsupported: Dropout in training mode");
    expect_infer_error("(f32[2] x, bool t) => (f32[2] y) { y = Dropout(x, f32{0.5}, t) }", "whether Dropout is in training mode (input 2) is computed while the model runs");
    expect_infer_error("(f32[2] x, f32 r) => (f32[2] y) { y = Dropout(x, r, bool{1}) }", "the ratio of Dropout in training mode (input 1) is computed while the model runs");
}

TEST(Dropout, OfOperatorSet7GetsItsRatioAsAnInput) {
    const Graph g = upgraded("(f32[2] x) => (f32[2] y) { y = Dropout<ratio = 0.25>(x) }", 7);
    const NodeId id = g.order()[0];
    ASSERT_NE(g.constant(id, 1), nullptr);
    EXPECT_EQ(*g.constant(id, 1), parse_tensor("f32{0.25}"));
    EXPECT_TRUE(g.node(id).attributes.empty());

    EXPECT_THROW(upgraded("(f32[2] x) => (f32[2] y, f32[2] m) { y, m = Dropout(x) }", 7), Error);
}

}  // namespace
}  // namespace tercet::testing
