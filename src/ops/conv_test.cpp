// SPDX-License-Identifier: Apache-2.0
#include "ops/testing.h"

#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

// The expected numbers are those of other implementations, or worked by hand where the input is 1, 2, 3, ... and the weights 1.
TEST(Conv, OverOneToThreeAxes) {
    expect_values("(f32[1,2,3,4] x, f32[2,2,2,2] w) => (f32[1,2,2,3] y) { y = Conv(x, w) }",
                  {"f32[1,2,3,4]{1,2,-3,0,0,0,-2,0,2,-1,1,3,-3,-3,1,-1,-2,3,3,-3,-2,2,-2,2}", "f32[2,2,2,2]{2,0,1,-3,-2,0,2,-3,-3,-2,1,2,1,3,-2,-1}"},
                  {"f32[1,2,2,3]{-5,13,5,-1,0,-28,-18,-13,2,9,15,9}"});
    expect_values("(f32[1,1,5,3] x, f32[1,1,3,2] w, f32[1] b) => (f32[1,1,2,3] y) { y = Conv<dilations = [2, 1], pads = [1, 0, 2, 1], strides = [2, 1]>(x, w, b) }",
                  {"f32[1,1,5,3]{1,2,-3,0,0,0,-2,0,2,-1,1,3,-3,-3,1}", "f32[1,1,3,2]{2,0,1,-3,-2,0}", "f32[1]{-3}"},
                  {"f32[1,1,2,3]{-1,-5,-9,-7,-11,0}"});
    expect_values("(f32[1,4,5] x, f32[6,2,3] w, f32[6] b) => (f32[1,6,2] y) { y = Conv<group = 2, pads = [1, 1], strides = [3]>(x, w, b) }",
                  {"f32[1,4,5]{1,2,-3,0,0,0,-2,0,2,-1,1,3,-3,-3,1,-1,-2,3,3,-3}", "f32[6,2,3]{2,0,1,-3,-2,0,2,-3,-3,-2,1,2,1,3,-2,-1,1,3,2,-1,1,0,1,-1,1,2,3,-1,1,-2,-2,3,-3,3,2,-2}", "f32[6]{-3,2,-3,3,0,-1}"},
                  {"f32[1,6,2]{-1,-13,-11,-4,-10,-7,6,7,14,0,-5,14}"});
    expect_values("(f32[1,3,1,3] x, f32[3,1,1,2] w) => (f32[1,3,1,2] y) { y = Conv<group = 3>(x, w) }",
                  {"f32[1,3,1,3]{1,2,-3,0,0,0,-2,0,2}", "f32[3,1,1,2]{2,0,1,-3,-2,0}"},
                  {"f32[1,3,1,2]{2,4,0,0,4,0}"});
    expect_values("(f32[1,1,2,3,2] x, f32[1,1,2,2,1] w) => (f32[1,1,2,2,2] y) { y = Conv<pads = [1, 0, 0, 0, 1, 0], strides = [1, 2, 1]>(x, w) }",
                  {"f32[1,1,2,3,2]{1,2,-3,0,0,0,-2,0,2,-1,1,3}", "f32[1,1,2,2,1]{2,0,1,-3}"},
                  {"f32[1,1,2,2,2]{10,2,0,0,-6,7,1,3}"});
}

TEST(Conv, PadsAsAutoPadSays) {
    expect_values(R"((f32[1,1,4,5] x, f32[1,1,2,2] w) => (f32[1,1,2,3] y) { y = Conv<auto_pad = "SAME_UPPER", strides = [2, 2]>(x, w) })",
                  {"f32[1,1,4,5]{1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20}", "f32[1,1,2,2]{1,1,1,1}"},
                  {"f32[1,1,2,3]{16,24,15,56,64,35}"});
    expect_values(R"((f32[1,1,4,5] x, f32[1,1,2,2] w) => (f32[1,1,2,3] y) { y = Conv<auto_pad = "SAME_LOWER", strides = [2, 2]>(x, w) })",
                  {"f32[1,1,4,5]{1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20}", "f32[1,1,2,2]{1,1,1,1}"},
                  {"f32[1,1,2,3]{7,20,28,27,60,68}"});
    expect_values(R"((f32[1,1,3,5] x, f32[1,1,2,2] w) => (f32[1,1,2,2] y) { y = Conv<auto_pad = "VALID", strides = [1, 2]>(x, w) })",
                  {"f32[1,1,3,5]{1,2,3,4,5,6,7,8,9,10,11,12,13,14,15}", "f32[1,1,2,2]{1,1,1,1}"},
                  {"f32[1,1,2,2]{16,24,36,44}"});
    expect_values(R"((f32[1,1,5] x, f32[1,1,2] w) => (f32[1,1,5] y) { y = Conv<auto_pad = "SAME_UPPER", dilations = [3], strides = [1]>(x, w) })",
                  {"f32[1,1,5]{1,2,3,4,5}", "f32[1,1,2]{1,1}"},
                  {"f32[1,1,5]{3,5,7,3,4}"});
}

TEST(Conv, RoundsOnceToItsOwnType) {
    // 2048 + 1 + 1: a sum kept in f16 would stay at 2048.
    expect_values("(f16[1,3,1] x) => (f16[1,1,1] y) { y = Conv(x, f16[1,3,1]{1,1,1}) }", {"f16[1,3,1]{2048,1,1}"}, {"f16[1,1,1]{2050}"}, 0);
    expect_values("(bf16[1,2,1] x) => (bf16[1,1,1] y) { y = Conv(x, bf16[1,2,1]{1,1}) }", {"bf16[1,2,1]{256,1.5}"}, {"bf16[1,1,1]{258}"}, 0);
    expect_values("(f64[1,1,2] x) => (f64[1,1,2] y) { y = Conv(x, f64[1,1,1]{3}) }", {"f64[1,1,2]{1,1e300}"}, {"f64[1,1,2]{3,3e300}"}, 0);
}

TEST(Conv, ChannelsLastIsTheSameConvolution) {
    expect_values(R"((f32[1,2,3,2] x) => (f32[1,1,2,1] y) { y = Conv<layout = "NHWC">(x, f32[1,2,2,2]{1,2,3,4,10,20,30,40}) })",
                  {"f32[1,2,3,2]{1,1,2,0,3,0,4,0,5,0,6,-1}"}, {"f32[1,1,2,1]{47,7}"});
    typed_graph(R"((f32[N,H,W,3] x) => (f32[N,H,W,8] y) { y = Conv<layout = "NHWC", pads = [1, 1, 1, 1]>(x, random[8,3,3,3]) })");
}

TEST(Conv, KeepsSymbols) {
    typed_graph("(f32[N,3,H,W] x) => (f32[N,8,floor((H + 1)/(2)),W - 2] y) { y = Conv<strides = [2, 1], pads = [1, 0, 1, 0]>(x, random[8,3,3,3]) }");
    typed_graph(R"((f32[N,3,H] x) => (f32[N,8,floor((H + 2)/(3))] y) { y = Conv<strides = [3], auto_pad = "SAME_LOWER">(x, random[8,3,5]) })");
    typed_graph("(f32[N,C,4] x) => (f32[N,2,3] y) { y = Conv(x, random[2,3,2]) }");
    expect_values("(f32[0,1,4] x) => (f32[0,2,3] y) { y = Conv(x, random[2,1,2]) }", {"f32[0,1,4]{}"}, {"f32[0,2,3]{}"});
}

TEST(Conv, RefusesWhatDoesNotFit) {
    struct { const char *text, *part; } cases[] = {
        {"(f32[1,3,5,5] x) => (f32[1] y) { y = Conv(x, random[4,4,3,3]) }", "input has 3 channels, weights read 4"},
        {"(f32[1,4,5] x) => (f32[1] y) { y = Conv<group = 2>(x, random[3,2,3]) }", "3 output channels cannot be shared out among 2 groups"},
        {"(f32[1,4,5] x) => (f32[1] y) { y = Conv<group = 0>(x, random[3,2,3]) }", "'group' is 0"},
        {"(f32[1,4,5] x) => (f32[1] y) { y = Conv(x, random[3,4,3,3]) }", "must have 3 axes"},
        {"(f32[1,4] x) => (f32[1] y) { y = Conv(x, random[3,4]) }", "must have 3 to 5 axes"},
        {"(f32[1,1,5] x) => (f32[1] y) { y = Conv(x, random[3,1,3], random[2]) }", "the bias (input 2) has the shape [2] instead of [3]"},
        {"(f32[1,1,5] x) => (f32[1] y) { y = Conv<kernel_shape = [2]>(x, random[3,1,3]) }", "'kernel_shape' differs"},
        {"(f32[1,1,5] x, f32[3,1,K] w) => (f32[1] y) { y = Conv(x, w) }", "extent K is only known while the model runs"},
        {"(f16[1,1,5] x) => (f32[1] y) { y = Conv(x, random[3,1,3]) }", "input 1 is f32, input 0 is f16"},
        {"(i32[1,1,5] x, i32[1,1,1] w) => (f32[1] y) { y = Conv(x, w) }", "input 0 is i32"},
    };
    for (const auto& c : cases) expect_infer_error(c.text, c.part);
}

TEST(Conv, RefusesChannelsThatTurnOutNotToFit) {
    const Graph g = typed_graph("(f32[N,C,4] x) => (f32[N,2,3] y) { y = Conv(x, random[2,3,2]) }");
    const Tensor x = random_tensor(DType::f32, {1, 2, 4}, 1);
    EXPECT_THROW(evaluate(g, {&x, 1}), Error);
}

}  // namespace
}  // namespace tercet::testing
