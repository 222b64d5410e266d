// SPDX-License-Identifier: Apache-2.0
#include "graph/text.h"
#include "ops/testing.h"

#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

const std::string signal = "f32[1,5,1]{1,2,3,5,7}";

TEST(STFT, TransformsFrames) {
    // Frames {1,2} {2,3} {3,5} {5,7}: the sum and the difference of each.
    expect_values("(f32[1,5,1] x) => (f32[1,4,2,2] y) { y = STFT(x, i64{1}, _, i64{2}) }", {signal}, {"f32[1,4,2,2]{3,0,-1,0,5,0,-1,0,8,0,-2,0,12,0,-2,0}"});
    expect_values("(f32[1,5,1] x) => (f32[1,2,3,2] y) { y = STFT<onesided = 0>(x, i64{2}, f32[3]{1,0,2}) }", {signal},
                  {"f32[1,2,3,2]{7,0,-2,5.1961524,-2,-5.1961524,17,0,-4,12.124356,-4,-12.124356}"});
    expect_values("(f32[1,2,2] x) => (f32[1,1,2,2] y) { y = STFT(x, i64{7}) }", {"f32[1,2,2]{1,2,3,-4}"}, {"f32[1,1,2,2]{4,-2,-2,6}"});
}

TEST(STFT, TakesSizesFromData) {
    expect_values("(f32[1,5,1] x, i64[] s, i64[] n) => (f32[?] y) { y = STFT(x, s, _, n) }", {signal, "i64{3}", "i64{2}"}, {"f32[1,2,2,2]{3,0,-1,0,12,0,-2,0}"});
    expect_values("(f32[1,5,1] x, i64[] s, f32[2] w) => (f32[?] y) { y = STFT(x, s, w) }", {signal, "i64{3}", "f32[2]{1,2}"}, {"f32[1,2,2,2]{5,0,-3,0,19,0,-9,0}"});
    typed_graph("(f32[B,L,1] x, f32[16] w) => (f32[B,floor((L)/(8)) - 1,9,2] y) { y = STFT(x, i64{8}, w) }");
}

TEST(STFT, RefusesWhatDoesNotFit) {
    struct { const char *text, *part; } cases[] = {
        {"(f32[1,5] x) => (f32[1] y) { y = STFT(x, i64{1}) }", "it must have 3 axes"},
        {"(f32[1,5,3] x) => (f32[1] y) { y = STFT(x, i64{1}) }", "a signal of shape [1,5,3]"},
        {"(f32[1,5,1] x) => (f32[1] y) { y = STFT(x, i64{0}) }", "frame_step is 0"},
        {"(f32[1,5,1] x) => (f32[1] y) { y = STFT(x, i64{1}, f32[2]{1,2}, i64{3}) }", "frame_length and the window's length differ: 2 and 3"},
        {"(f32[1,5,1] x) => (f32[1] y) { y = STFT(x, i64{1}, _, i64{0}) }", "frames of 0 elements"},
        {"(f32[1,5,1] x) => (f32[1] y) { y = STFT(x, i64{1}, _, i64{9}) }", "would have the shape [1,-3,5,2]"},
        {"(f32[1,5,1] x) => (f32[1] y) { y = STFT(x, i64{1}, f64[2]{1,2}) }", "input 2 is f64, input 0 is f32"},
    };
    for (const auto& c : cases) expect_infer_error(c.text, c.part);
    const Graph g = typed_graph("(f32[1,5,1] x, i64[] s) => (f32[?,?,?,?] y) { y = STFT(x, s, _, i64{2}) }");
    const std::vector in{parse_tensor(signal), parse_tensor("i64{-1}")};
    EXPECT_THROW(evaluate(g, in), Error);
}

}  // namespace
}  // namespace tercet::testing
