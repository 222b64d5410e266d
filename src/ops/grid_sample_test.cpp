// SPDX-License-Identifier: Apache-2.0
#include "graph/text.h"
#include "ops/testing.h"
#include "ops/upgrade_testing.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

// One line of 4 elements, sampled at these positions; the number g of position p is (2*p + 1)/4 - 1, 2*p/3 - 1 with align_corners.
void expect_samples(std::string_view attributes, const std::string& grid, const std::string& y, double tolerance = 1e-6) {
    const auto n = std::ranges::count(y, ',') + 1;
    expect_values(fmt::format("(f32[1,1,4] x, f32[1,{0},1] g) => (f32[1,1,{0}] y) {{ y = GridSample<{1}>(x, g) }}", n, attributes),
                  {"f32[1,1,4]{1,2,4,8}", fmt::format("f32[1,{},1]{{{}}}", n, grid)}, {fmt::format("f32[1,1,{}]{{{}}}", n, y)}, tolerance);
}

TEST(GridSample, InterpolatesBetweenElements) {
    expect_samples("", "-0.75,-0.5,0.125,0.75", "1,1.5,3.5,8");
    expect_samples("align_corners = 1", "-1,-0.5,0,1", "1,1.75,3,8");
    // cubic with a = -3/4: half way the weights are -3/32, 19/32, 19/32, -3/32
    expect_samples(R"(mode = "cubic", padding_mode = "border")", "-0.75,0,-0.5", "1,2.71875,1.3125");
}

TEST(GridSample, RoundsHalfToEven) {
    expect_samples(R"(mode = "nearest")", "-0.75,-0.5,0,0.5,0.13", "1,1,4,4,4");
}

TEST(GridSample, PadsAsAsked) {
    // positions -1/2, -1, 4.5, -3
    expect_samples("", "-1,-1.25,1.5,-2.25", "0.5,0,0,0");
    expect_samples(R"(padding_mode = "border")", "-1,-1.25,1.5,-2.25", "1,1,8,1");
    expect_samples(R"(padding_mode = "reflection")", "-1,-1.25,1.5,-2.25", "1,1,6,4");
    expect_samples(R"(padding_mode = "reflection", align_corners = 1)", "-1.3333333,1.6666666,-5,7", "1.5,4,1,1", 1e-5);  // -0.5, 4, -6, 12
    expect_samples(R"(padding_mode = "border", mode = "nearest")", "-1.5,9", "1,8");
    expect_samples(R"(padding_mode = "reflection", mode = "nearest")", "-1.75,1.25", "2,8");
}

TEST(GridSample, SurvivesAnyNumber) {
    for (const char* mode : {"nearest", "linear", "cubic"}) {
        expect_samples(fmt::format(R"(mode = "{}")", mode), "nan,inf,-inf,3e38", "0,0,0,0");
        expect_samples(fmt::format(R"(mode = "{}", padding_mode = "border")", mode), "nan,inf,-inf,3e38", "1,8,1,8");
    }
    const Graph g = typed_graph(R"((f32[1,1,1,3] x, f32[1,1,4,2] g) => (f32[1,1,1,4] y) { y = GridSample<padding_mode = "reflection", align_corners = 1>(x, g) })");
    const std::vector in{parse_tensor("f32[1,1,1,3]{5,5,5}"), parse_tensor("f32[1,1,4,2]{nan,inf,inf,nan,-inf,7,1e30,-1e30}")};
    expect_close(evaluate(g, in)[0], parse_tensor("f32[1,1,1,4]{5,5,5,5}"), 1e-6, "y");
}

TEST(GridSample, NamesTheLastAxisFirst) {
    expect_values("(f32[1,2,2,3] x, f32[1,1,2,2] g) => (f32[1,2,1,2] y) { y = GridSample<align_corners = 1>(x, g) }",
                  {"f32[1,2,2,3]{0,1,2,10,11,12,5,5,5,5,5,7}", "f32[1,1,2,2]{1,-1,0.5,0}"}, {"f32[1,2,1,2]{2,6.5,5,5.5}"});
    expect_values(R"((u8[1,1,2,1,2] x, f32[1,1,1,2,3] g) => (u8[1,1,1,1,2] y) { y = GridSample<mode = "nearest", align_corners = 1>(x, g) })",
                  {"u8[1,1,2,1,2]{1,2,3,4}", "f32[1,1,1,2,3]{1,0,-1,-1,0,1}"}, {"u8[1,1,1,1,2]{2,3}"});
}

TEST(GridSample, KeepsIntegersExactAndTruncatesMeans) {
    expect_values(R"((i64[1,1,2] x, f32[1,1,1] g) => (i64[1,1,1] y) { y = GridSample<mode = "nearest">(x, g) })", {"i64[1,1,2]{9007199254740993,1}", "f32[1,1,1]{-0.5}"}, {"i64[1,1,1]{9007199254740993}"});
    expect_values("(i8[1,1,2] x, f32[1,1,1] g) => (i8[1,1,1] y) { y = GridSample(x, g) }", {"i8[1,1,2]{-2,-1}", "f32[1,1,1]{0}"}, {"i8[1,1,1]{-1}"});
}

TEST(GridSample, HasNothingToReadInAnEmptyInput) {
    expect_values(R"((f32[1,1,0] x, f32[1,1,1] g) => (f32[1,1,1] y) { y = GridSample<padding_mode = "border">(x, g) })", {"f32[1,1,0]{}", "f32[1,1,1]{0}"}, {"f32[1,1,1]{0}"});
    typed_graph("(f32[N,C,H,W] x, f32[N,P,Q,2] g) => (f32[N,C,P,Q] y) { y = GridSample(x, g) }");
}

TEST(GridSample, ModesHadOtherNames) {
    for (const auto& [before, now] : {std::pair{"", "linear"}, {R"(<mode = "bilinear">)", "linear"}, {R"(<mode = "bicubic">)", "cubic"}, {R"(<mode = "nearest">)", "nearest"}}) {
        const Graph g = upgraded(fmt::format("(f32[1,1,2,2] x, f32[1,1,1,2] g) => (f32[1,1,1,1] y) {{ y = GridSample{}(x, g) }}", before), 16);
        EXPECT_EQ(g.node(g.order()[0]).attributes.text("mode", "linear"), now);
    }
}

TEST(GridSample, RefusesWhatDoesNotFit) {
    struct { const char *text, *part; } cases[] = {
        {"(f32[1,1,2,2] x, f32[1,1,1,3] g) => (f32[1] y) { y = GridSample(x, g) }", "a grid of shape [1,1,1,3]"},
        {"(f32[1,1,2,2] x, f32[2,1,1,2] g) => (f32[1] y) { y = GridSample(x, g) }", "a grid of shape [2,1,1,2]"},
        {"(f32[1,1,2,2] x, f32[1,1,2] g) => (f32[1] y) { y = GridSample(x, g) }", "it must have 4 axes"},
        {"(f32[1,1,2,2] x, i32[1,1,1,2] g) => (f32[1] y) { y = GridSample(x, g) }", "input 1 is i32"},
        {R"((f32[1,1,2,2] x, f32[1,1,1,2] g) => (f32[1] y) { y = GridSample<mode = "bilinear">(x, g) })", "unknown mode 'bilinear'"},
        {R"((f32[1,1,2,2] x, f32[1,1,1,2] g) => (f32[1] y) { y = GridSample<padding_mode = "wrap">(x, g) })", "unknown padding_mode 'wrap'"},
    };
    for (const auto& c : cases) expect_infer_error(c.text, c.part);
}

}  // namespace
}  // namespace tercet::testing
