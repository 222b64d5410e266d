// SPDX-License-Identifier: Apache-2.0
#include "graph/text.h"
#include "ops/testing.h"
#include "ops/upgrade_testing.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

TEST(DFT, TransformsRealAndComplexSignals) {
    expect_values("(f32[1,4,1] x) => (f32[1,4,2] y) { y = DFT(x) }", {"f32[1,4,1]{1,2,3,5}"}, {"f32[1,4,2]{11,0,-2,3,-3,0,-2,-3}"});
    expect_values("(f32[1,2,2] x) => (f32[1,2,2] y) { y = DFT(x) }", {"f32[1,2,2]{1,2,3,-4}"}, {"f32[1,2,2]{4,-2,-2,6}"});
    expect_values("(f64[3,1] x) => (f64[3,2] y) { y = DFT<inverse = 0>(x) }", {"f64[3,1]{1,0,0}"}, {"f64[3,2]{1,0,1,0,1,0}"}, 1e-15);
}

TEST(DFT, GoesAlongAnyAxis) {
    const char* x = "f32[2,3,1]{1,2,3,5,7,9}";
    for (const char* axis : {"0", "-3"})
        expect_values(fmt::format("(f32[2,3,1] x) => (f32[2,3,2] y) {{ y = DFT(x, _, i64{{{}}}) }}", axis), {x}, {"f32[2,3,2]{6,0,9,0,12,0,-4,0,-5,0,-6,0}"});
}

TEST(DFT, CutsAndPadsToItsLength) {
    expect_values("(f32[4,1] x) => (f32[2,2] y) { y = DFT(x, i64{2}) }", {"f32[4,1]{1,2,3,5}"}, {"f32[2,2]{3,0,-1,0}"});
    expect_values("(f32[2,1] x) => (f32[4,2] y) { y = DFT(x, i32[1]{4}) }", {"f32[2,1]{1,2}"}, {"f32[4,2]{3,0,1,-2,-1,0,1,2}"});
    expect_values("(f32[2,1] x, i64[] n) => (f32[?] y) { y = DFT(x, n) }", {"f32[2,1]{1,2}", "i64{4}"}, {"f32[4,2]{3,0,1,-2,-1,0,1,2}"});
}

TEST(DFT, GivesOneSideOfARealSignalsSpectrum) {
    expect_values("(f32[4,1] x) => (f32[3,2] y) { y = DFT<onesided = 1>(x) }", {"f32[4,1]{1,2,3,5}"}, {"f32[3,2]{11,0,-2,3,-3,0}"});
    expect_values("(f32[3,1] x) => (f32[2,2] y) { y = DFT<onesided = 1>(x) }", {"f32[3,1]{1,2,4}"}, {"f32[2,2]{7,0,-2,1.7320508}"});
}

TEST(DFT, IsUndoneByItsInverse) {
    expect_values("(f32[5,2] x) => (f32[5,2] y) { f = DFT(x) y = DFT<inverse = 1>(f) }", {"f32[5,2]{1,2,3,5,-1,0,7,1,2,2}"}, {"f32[5,2]{1,2,3,5,-1,0,7,1,2,2}"});
    expect_values("(f32[4,1] x) => (f32[4,1] y) { f = DFT<onesided = 1>(x) y = DFT<inverse = 1, onesided = 1>(f) }", {"f32[4,1]{1,2,3,5}"}, {"f32[4,1]{1,2,3,5}"});
    expect_values("(f32[5,1] x) => (f32[5,1] y) { f = DFT<onesided = 1>(x) y = DFT<inverse = 1, onesided = 1>(f, i64{5}) }", {"f32[5,1]{1,2,3,5,9}"}, {"f32[5,1]{1,2,3,5,9}"});
    // The imaginary parts of elements that are their own conjugates do not count.
    expect_values("(f32[2,2] x) => (f32[2,1] y) { y = DFT<inverse = 1, onesided = 1>(x) }", {"f32[2,2]{3,8,1,9}"}, {"f32[2,1]{2,1}"});
}

TEST(DFT, FollowsSymbols) {
    typed_graph("(f32[B,N,1] x) => (f32[B,floor((N)/(2)) + 1,2] y) { y = DFT<onesided = 1>(x) }");
    typed_graph("(f32[B,N,2] x) => (f32[B,2*N - 2,1] y) { y = DFT<onesided = 1, inverse = 1>(x) }");
    expect_values("(f32[0,4,1] x) => (f32[0,4,2] y) { y = DFT(x) }", {"f32[0,4,1]{}"}, {"f32[0,4,2]{}"});
}

TEST(DFT, TheAxisWasAnAttribute) {
    const Tensor x = parse_tensor("f32[2,2,1]{1,2,3,5}");
    for (const auto& [axis, y] : {std::pair{"", "f32[2,2,2]{3,0,-1,0,8,0,-2,0}"}, {"<axis = 0>", "f32[2,2,2]{4,0,7,0,-2,0,-3,0}"}}) {
        const Graph g = upgraded(fmt::format("(f32[2,2,1] x) => (f32[2,2,2] y) {{ y = DFT{}(x) }}", axis), 17);
        expect_close(evaluate(g, {&x, 1})[0], parse_tensor(y), 1e-6, "y");
    }
}

TEST(DFT, RefusesWhatDoesNotFit) {
    struct { const char *text, *part; } cases[] = {
        {"(f32[4,3] x) => (f32[1] y) { y = DFT(x) }", "a signal of shape [4,3]"},
        {"(f32[4,N] x) => (f32[1] y) { y = DFT(x) }", "a signal of shape [4,N]"},
        {"(f32[4,1] x) => (f32[1] y) { y = DFT(x, _, i64{1}) }", "axis 1 of a value of rank 2 holds the complex parts"},
        {"(f32[4,1] x) => (f32[1] y) { y = DFT(x, _, i64{2}) }", "axis 2 of a value of rank 2"},
        {"(f32[4,1] x) => (f32[1] y) { y = DFT(x, i64{0}) }", "a transform of 0 elements"},
        {"(f32[4,2] x) => (f32[1] y) { y = DFT<onesided = 1>(x) }", "it takes a real one"},
        {"(f32[4,1] x) => (f32[1] y) { y = DFT<onesided = 1, inverse = 1>(x) }", "it takes a complex one"},
        {"(i32[4,1] x) => (f32[1] y) { y = DFT(x) }", "input 0 is i32"},
    };
    for (const auto& c : cases) expect_infer_error(c.text, c.part);
}

}  // namespace
}  // namespace tercet::testing
