// SPDX-License-Identifier: Apache-2.0
#include "ops/testing.h"
#include "ops/upgrade_testing.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

TEST(Slice, TakesPartOfSomeAxes) {
    expect_values("(f32[3,4] x) => (f32[1,3] y) { y = Slice(x, i64[2]{1, 0}, i64[2]{2, 3}) }", {"f32[3,4]{0,1,2,3,4,5,6,7,8,9,10,11}"}, {"f32[1,3]{4,5,6}"});
    expect_values("(f32[2,3] x) => (f32[2,2] y) { y = Slice(x, i64[1]{-2}, i64[1]{9223372036854775807}, i64[1]{-1}) }", {"f32[2,3]{1,2,3,4,5,6}"}, {"f32[2,2]{2,3,5,6}"});
    expect_values("(f32[2,4] x) => (f32[2,2] y) { y = Slice(x, i64[1]{1}, i64[1]{100}, i64[1]{1}, i64[1]{2}) }", {"f32[2,4]{1,2,3,4,5,6,7,8}"}, {"f32[2,2]{2,4,6,8}"});
    expect_values("(bool[3,2] x) => (bool[3,2] y) { y = Slice(x, i64[2]{-1, -1}, i64[2]{-9223372036854775808, -100}, i64[2]{0, 1}, i64[2]{-1, -1}) }",
                  {"bool[3,2]{1,0,1,1,0,0}"}, {"bool[3,2]{0,0,1,1,0,1}"});
    expect_values("(f32[5] x) => (f32[0] y) { y = Slice(x, i64[1]{7}, i64[1]{9}) }", {"f32[5]{1,2,3,4,5}"}, {"f32[0]{}"});
    expect_values("(i16[5] x) => (i16[1] y) { y = Slice(x, i32[1]{4}, i32[1]{0}, _, i32[1]{-2147483648}) }", {"i16[5]{1,2,3,4,5}"}, {"i16[1]{5}"});
    expect_values("(f32[5] x) => (f32[1] y) { y = Slice(x, i64[1]{1}, i64[1]{5}, _, i64[1]{9223372036854775807}) }", {"f32[5]{1,2,3,4,5}"}, {"f32[1]{2}"});
    expect_values("(f32[5] x) => (f32[1] y) { y = Slice(x, i64[1]{1}, i64[1]{-9}, _, i64[1]{-9223372036854775808}) }", {"f32[5]{1,2,3,4,5}"}, {"f32[1]{2}"});
    expect_values("(f32[2] x) => (f32[2] y) { y = Slice(x, i64[0]{}, i64[0]{}) }", {"f32[2]{1,2}"}, {"f32[2]{1,2}"});
}

TEST(Slice, OfSymbolicExtents) {
    struct { const char *start, *end, *step, *extent; } cases[] = {
        {"0", "5", "1", "min(5, N)"},
        {"1", "9223372036854775807", "1", "N - min(1, N)"},
        {"1", "2147483647", "1", "N - min(1, N)"},
        {"0", "9223372036854775807", "1", "N"},
        {"-9223372036854775808", "9223372036854775807", "1", "N"},
        {"0", "-1", "1", "N - min(1, N)"},
        {"-3", "9223372036854775807", "1", "min(3, N)"},
        {"1", "-1", "1", "N - min(2, N)"},
        {"2", "1", "1", "0"},
        {"-1", "-2", "1", "0"},
        {"2", "5", "1", "-min(2, N) + min(5, N)"},
        {"-5", "-2", "1", "-min(2, N) + min(5, N)"},
        {"0", "9223372036854775807", "2", "floor((N + 1)/(2))"},
        {"-1", "-9223372036854775808", "-1", "N"},
        {"-1", "-9223372036854775808", "-2", "floor((N + 1)/(2))"},
        {"3", "-9223372036854775808", "-1", "min(4, N)"},
    };
    for (const auto& c : cases)
        typed_graph(fmt::format("(f32[N,3] x) => (f32[{},3] y) {{ y = Slice(x, i64[1]{{{}}}, i64[1]{{{}}}, i64[1]{{0}}, i64[1]{{{}}}) }}", c.extent, c.start, c.end, c.step));
    // What surely exists needs no min: N + 4 has 3 elements for every N.
    typed_graph("(f32[N + 4] x) => (f32[3] y) { y = Slice(x, i64[1]{0}, i64[1]{3}) }");
    typed_graph("(f32[N + 4] x) => (f32[N + 3] y) { y = Slice(x, i64[1]{1}, i64[1]{9223372036854775807}) }");
}

// Both parts of a roll have N elements together.
TEST(Slice, AndConcatOfARollKeepTheExtent) {
    expect_values(R"((f32[N,2] x) => (f32[N,2] y) {
                         a = Slice(x, i64[1]{2}, i64[1]{9223372036854775807}, i64[1]{0})
                         b = Slice(x, i64[1]{0}, i64[1]{2}, i64[1]{0})
                         y = Concat<axis = 0>(a, b) })",
                  {"f32[3,2]{1,2,3,4,5,6}"}, {"f32[3,2]{5,6,1,2,3,4}"});
}

// All starts, ends and steps on short axes: the constant extent, the symbolic one and the elements agree with a loop.
TEST(Slice, AgreesWithALoop) {
    for (std::int64_t n = 0; n <= 4; ++n)
        for (const std::int64_t start : {-100, -5, -4, -3, -1, 0, 1, 3, 4, 5, 100})
            for (const std::int64_t end : {-100, -5, -4, -2, -1, 0, 1, 3, 4, 5, 100})
                for (const std::int64_t step : {-3, -2, -1, 1, 2, 3}) {
                    std::vector<std::int64_t> expected;
                    const std::int64_t first = std::clamp<std::int64_t>(start < 0 ? start + n : start, 0, std::max<std::int64_t>(step < 0 ? n - 1 : n, 0));
                    const std::int64_t last = std::clamp<std::int64_t>(end < 0 ? end + n : end, step < 0 ? -1 : 0, step < 0 ? n - 1 : n);
                    for (std::int64_t i = first; (step > 0 ? i < last : i > last) && i < n; i += step) expected.push_back(10 + i);
                    std::vector<std::int64_t> x;
                    for (std::int64_t i = 0; i < n; ++i) x.push_back(10 + i);
                    Graph g = parse_text(fmt::format("(i64[N] x) => (i64[N] y) {{ y = Slice(x, i64[1]{{{}}}, i64[1]{{{}}}, i64[1]{{0}}, i64[1]{{{}}}) }}", start, end, step));
                    infer_types(g);
                    SCOPED_TRACE(fmt::format("n {} [{}:{}:{}] symbolic {}", n, start, end, step, text_of(g.value(g.outputs()[0].value).type)));
                    ASSERT_EQ(evaluate(g, std::vector{Tensor::ints(x)})[0].to_ints(), expected);
                    ASSERT_EQ(g.value(g.outputs()[0].value).type.shape[0].evaluate({{"N", n}}), static_cast<std::int64_t>(expected.size()));
                }
}

TEST(Slice, UpToASymbolicEnd) {
    typed_graph(R"((f32[B,L] ids, f32[1,512] positions) => (f32[1,min(512, L)] y) {
                       s = Shape<start = 1, end = 2>(ids)
                       y = Slice(positions, i64[1]{0}, s, i64[1]{1}) })");
    typed_graph(R"((f32[B,L] x) => (f32[B,L] y) { s = Shape<start = 1>(x)  y = Slice(x, i64[1]{0}, s, i64[1]{1}) })");
}

TEST(Slice, StaysInBoundsWhereTheStartWasNotKnown) {
    const Graph g = parse_text("(f32[3] x, i64[1] s, i64[1] e) => (f32[2] y) { y = Slice(x, s, e) }");
    const Tensor x = parse_tensor("f32[3]{1, 2, 3}");
    Tensor y = parse_tensor("f32[2]{7, 7}");
    for (const std::int64_t start : {INT64_MIN, std::int64_t{-1}, std::int64_t{2}, std::int64_t{3}, INT64_MAX}) {
        const Tensor s = Tensor::ints(std::vector{start});
        const std::vector in{x.view(), s.view(), s.view()}, out{y.writable()};
        if (start >= 2 || start == -1) EXPECT_THROW(run_reference({g.node(g.order()[0]), in, out}), Error) << start;
        else run_reference({g.node(g.order()[0]), in, out});
    }
    EXPECT_EQ(y, parse_tensor("f32[2]{1, 2}"));
}

TEST(Slice, Refuses) {
    expect_infer_error("(f32[5] x) => (f32[1] y) { y = Slice(x, i64[1]{0}, i64[1]{1}, i64[1]{1}) }", "axis 1 of a value of rank 1");
    expect_infer_error("(f32[5,5] x) => (f32[1] y) { y = Slice(x, i64[2]{0,0}, i64[2]{1,1}, i64[2]{1,-1}) }", "stands twice");
    expect_infer_error("(f32[5] x) => (f32[1] y) { y = Slice(x, i64[1]{0}, i64[1]{1}, i64[1]{0}, i64[1]{0}) }", "the step on axis 0 is 0");
    expect_infer_error("(f32[5] x) => (f32[1] y) { y = Slice(x, i64[1]{0}, i64[2]{1,1}) }", "has 1 starts, 2 ends");
    expect_infer_error("(f32[5] x) => (f32[1] y) { y = Slice(x, i64[2]{0,0}, i64[2]{1,1}) }", "axis 1 of a value of rank 1");
}

TEST(Slice, OfOperatorSet1HasAttributes) {
    const Graph g = upgraded("(f32[N,5] x) => (f32[N,2] y) { y = Slice<axes = [1], starts = [1], ends = [3]>(x) }", 9);
    EXPECT_EQ(text_of(g.value(g.outputs()[0].value).type), "f32[N,2]");
}

}  // namespace
}  // namespace tercet::testing
