// SPDX-License-Identifier: Apache-2.0
#include "graph/text.h"
#include "ops/testing.h"

#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

TEST(DeformConv, ReadsWhereItsOffsetsSay) {
    // Taps at 0 and 1 of {1,2,4,8}, moved by {0,0} {0.5,0} {-1,1}; weights 1 and 10.
    expect_values("(f32[1,1,4] x, f32[1,1,2] w, f32[1,2,3] o) => (f32[1,1,3] y) { y = DeformConv(x, w, o) }",
                  {"f32[1,1,4]{1,2,4,8}", "f32[1,1,2]{1,10}", "f32[1,2,3]{0,0.5,-1,0,0,1}"}, {"f32[1,1,3]{21,43,2}"});
    expect_values("(f32[1,1,2,2] x, f32[1,1,1,1] w, f32[1,2,2,2] o, f32[1] b, f32[1,1,2,2] m) => (f32[1,1,2,2] y) { y = DeformConv(x, w, o, b, m) }",
                  {"f32[1,1,2,2]{1,2,3,4}", "f32[1,1,1,1]{2}", "f32[1,2,2,2]{0,1,-0.5,-1,0,0,0.5,nan}", "f32[1]{100}", "f32[1,1,2,2]{1,3,1,1}"}, {"f32[1,1,2,2]{102,124,105,100}"});
}

TEST(DeformConv, WithoutOffsetsIsAConvolution) {
    expect_values(R"((f32[2,4,5,6] x, f32[6,2,3,2] w, f32[2,24,3,3] o) => (f32[2,6,3,3] zero) {
                        y = DeformConv<group = 2, offset_group = 2, pads = [1, 0, 1, 1], strides = [2, 2]>(x, w, o)
                        z = Conv<group = 2, pads = [1, 0, 1, 1], strides = [2, 2]>(x, w) d = Sub(y, z) zero = Round(d) })",
                  {"f32[2,4,5,6]{" + [] { std::string s = "0"; for (int i = 1; i < 240; ++i) s += "," + std::to_string(i * 37 % 11); return s; }() + "}",
                   "f32[6,2,3,2]{" + [] { std::string s = "0"; for (int i = 1; i < 72; ++i) s += "," + std::to_string(i * 23 % 7); return s; }() + "}",
                   "f32[2,24,3,3]{" + [] { std::string s = "0"; for (int i = 1; i < 432; ++i) s += ",0"; return s; }() + "}"},
                  {"f32[2,6,3,3]{" + [] { std::string s = "0"; for (int i = 1; i < 108; ++i) s += ",0"; return s; }() + "}"});
}

TEST(DeformConv, HasOffsetsPerGroupOfChannels) {
    expect_values("(f32[1,2,2] x, f32[1,2,1] w, f32[1,2,2] o) => (f32[1,1,2] y) { y = DeformConv<offset_group = 2>(x, w, o) }",
                  {"f32[1,2,2]{1,2,10,20}", "f32[1,2,1]{1,1}", "f32[1,2,2]{1,0,0,-1}"}, {"f32[1,1,2]{12,12}"});
}

TEST(DeformConv, RefusesWhatDoesNotFit) {
    struct { const char *text, *part; } cases[] = {
        {"(f32[1,1,4] x) => (f32[1] y) { y = DeformConv(x, random[1,1,2], random[1,2,4]) }", "the offset (input 2) has the shape [1,2,4] instead of [1,2,3]"},
        {"(f32[1,1,4] x) => (f32[1] y) { y = DeformConv(x, random[1,1,2], random[1,2,3], _, random[1,1,3]) }", "the mask (input 4)"},
        {"(f32[1,1,4] x) => (f32[1] y) { y = DeformConv(x, random[1,1,2], random[1,2,3], random[2]) }", "the bias (input 3)"},
        {"(f32[1,3,4] x) => (f32[1] y) { y = DeformConv(x, random[1,1,2], random[1,2,3]) }", "input has 3 channels, weights read 1"},
        {"(f32[1,3,4] x) => (f32[1] y) { y = DeformConv<offset_group = 2>(x, random[1,3,2], random[1,4,3]) }", "3 channels cannot be shared out among 2 groups"},
        {"(f32[1,3,4] x) => (f32[1] y) { y = DeformConv<group = 0>(x, random[1,3,2], random[1,4,3]) }", "'group' is 0"},
    };
    for (const auto& c : cases) expect_infer_error(c.text, c.part);
    typed_graph("(f32[N,3,H,W] x, f32[N,18,H,W] o) => (f32[N,8,H,W] y) { y = DeformConv<pads = [1, 1, 1, 1]>(x, random[8,3,3,3], o) }");
}

}  // namespace
}  // namespace tercet::testing
