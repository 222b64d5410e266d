// SPDX-License-Identifier: Apache-2.0
#include "ops/testing.h"

#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

// The expected numbers come from scattering x[i]*w[k] to i*stride - pad + k*dilation, the other way round than the reference.
TEST(ConvTranspose, OverOneToThreeAxes) {
    expect_values("(f32[1,2,2,3] x, f32[2,1,2,2] w) => (f32[1,1,4,3] y) { y = ConvTranspose<pads = [0, 1, 0, 0], strides = [2, 1]>(x, w) }",
                  {"f32[1,2,2,3]{2,0,1,-3,-2,0,2,-3,-3,-2,1,2}", "f32[2,1,2,2]{1,3,-2,-1,1,3,2,-1}"}, {"f32[1,1,4,3]{9,-11,-6,-10,-5,2,-16,-1,6,11,5,-2}"});
    expect_values("(f32[1,4,3] x, f32[4,2,2] w, f32[4] b) => (f32[1,4,9] y) { y = ConvTranspose<dilations = [2], group = 2, output_padding = [1], pads = [1, 0], strides = [3]>(x, w, b) }",
                  {"f32[1,4,3]{1,0,1,-1,1,2,3,-1,1,-2,-2,3}", "f32[4,2,2]{-3,3,2,-2,-2,2,3,-2,-2,-3,1,-2,-3,-3,2,0}", "f32[4]{-1,-2,-3,3}"},
                  {"f32[1,4,9]{-1,0,-3,-1,1,-8,-1,6,-1,-2,-2,1,-2,-4,6,-2,-8,-2,-3,-6,5,-3,6,-14,-3,-15,-3,3,-3,-2,3,5,10,3,1,3}"});
    expect_values("(f32[2,1,1,2,2] x, f32[1,1,2,1,2] w) => (f32[2,1,2,3,3] y) { y = ConvTranspose<strides = [1, 2, 1]>(x, w) }",
                  {"f32[2,1,1,2,2]{0,3,2,-2,-2,0,1,-3}", "f32[1,1,2,1,2]{-2,0,1,-1}"},
                  {"f32[2,1,2,3,3]{0,-6,0,0,0,0,-4,4,0,0,3,-3,0,0,0,2,-4,2,4,0,0,0,0,0,-2,6,0,-2,2,0,0,0,0,1,-4,3}"});
}

TEST(ConvTranspose, PadsAsAutoPadOrTheOutputsShapeSays) {
    // Without padding: 1 1+2 2+2.. of reach 3 and stride 2, that is {1,1,3,2,2}; in*stride leaves out one.
    const std::vector<std::string> in{"f32[1,1,2]{1,2}", "f32[1,1,3]{1,1,1}"};
    expect_values("(f32[1,1,2] x, f32[1,1,3] w) => (f32[1,1,5] y) { y = ConvTranspose<strides = [2]>(x, w) }", in, {"f32[1,1,5]{1,1,3,2,2}"});
    expect_values(R"((f32[1,1,2] x, f32[1,1,3] w) => (f32[1,1,4] y) { y = ConvTranspose<auto_pad = "SAME_UPPER", strides = [2]>(x, w) })", in, {"f32[1,1,4]{1,1,3,2}"});
    expect_values(R"((f32[1,1,2] x, f32[1,1,3] w) => (f32[1,1,4] y) { y = ConvTranspose<auto_pad = "SAME_LOWER", strides = [2]>(x, w) })", in, {"f32[1,1,4]{1,3,2,2}"});
    expect_values(R"((f32[1,1,2] x, f32[1,1,3] w) => (f32[1,1,5] y) { y = ConvTranspose<auto_pad = "VALID", pads = [1, 1], strides = [2]>(x, w) })", in, {"f32[1,1,5]{1,1,3,2,2}"});
    expect_values("(f32[1,1,2] x, f32[1,1,3] w) => (f32[1,1,4] y) { y = ConvTranspose<output_shape = [4], pads = [7, 7], strides = [2]>(x, w) }", in, {"f32[1,1,4]{1,3,2,2}"});
    expect_values("(f32[1,1,2] x, f32[1,1,3] w) => (f32[1,1,4] y) { y = ConvTranspose<output_shape = [4], output_padding = [1], strides = [2]>(x, w) }", in, {"f32[1,1,4]{1,3,2,2}"});
    // What no window reaches has the bias alone.
    expect_values("(f32[1,1,2] x, f32[1,1,3] w) => (f32[1,1,7] y) { y = ConvTranspose<output_shape = [7], strides = [2]>(x, w, f32[1]{9}) }", in, {"f32[1,1,7]{10,10,12,11,11,9,9}"});
    expect_values(R"((f32[1,1,2] x, f32[1,1,1] w) => (f32[1,1,6] y) { y = ConvTranspose<auto_pad = "SAME_UPPER", strides = [3]>(x, w) })",
                  {"f32[1,1,2]{1,2}", "f32[1,1,1]{1}"}, {"f32[1,1,6]{1,0,0,2,0,0}"});
}

TEST(ConvTranspose, RoundsOnceToItsOwnType) {
    expect_values("(f16[1,3,1] x) => (f16[1,1,1] y) { y = ConvTranspose(x, f16[3,1,1]{1,1,1}) }", {"f16[1,3,1]{2048,1,1}"}, {"f16[1,1,1]{2050}"}, 0);
}

TEST(ConvTranspose, ChannelsLastIsTheSame) {
    expect_values(R"((f32[1,2,1,2] x) => (f32[1,3,1,1] y) { y = ConvTranspose<layout = "NHWC">(x, f32[2,1,2,1]{1,2,10,20}) })",
                  {"f32[1,2,1,2]{1,2,3,4}"}, {"f32[1,3,1,1]{21,85,86}"});
    typed_graph(R"((f32[N,H,W,3] x) => (f32[N,2*H,2*W,8] y) { y = ConvTranspose<layout = "NHWC", strides = [2, 2]>(x, random[3,8,2,2]) })");
}

TEST(ConvTranspose, KeepsSymbols) {
    typed_graph("(f32[N,3,H,W] x) => (f32[N,8,2*H + 1,W + 1] y) { y = ConvTranspose<strides = [2, 1], pads = [0, 1, 0, 0]>(x, random[3,8,3,3]) }");
    typed_graph(R"((f32[N,3,H] x) => (f32[N,8,3*H] y) { y = ConvTranspose<strides = [3], group = 1, auto_pad = "SAME_LOWER">(x, random[3,8,5]) })");
    typed_graph("(f32[N,3,H] x) => (f32[N,8,20] y) { y = ConvTranspose<strides = [3], output_shape = [20]>(x, random[3,8,5]) }");
    expect_values("(f32[0,1,4] x) => (f32[0,2,5] y) { y = ConvTranspose(x, random[1,2,2]) }", {"f32[0,1,4]{}"}, {"f32[0,2,5]{}"});
}

TEST(ConvTranspose, RefusesWhatDoesNotFit) {
    struct { const char *text, *part; } cases[] = {
        {"(f32[1,3,5,5] x) => (f32[1] y) { y = ConvTranspose(x, random[4,4,3,3]) }", "input has 3 channels, weights read 4"},
        {"(f32[1,3,5] x) => (f32[1] y) { y = ConvTranspose<group = 2>(x, random[3,2,3]) }", "3 input channels cannot be shared out among 2 groups"},
        {"(f32[1,4,5] x) => (f32[1] y) { y = ConvTranspose<group = 0>(x, random[4,2,3]) }", "'group' is 0"},
        {"(f32[1,4] x) => (f32[1] y) { y = ConvTranspose(x, random[3,4]) }", "must have 3 to 5 axes"},
        {"(f32[1,4,5] x) => (f32[1] y) { y = ConvTranspose<group = 2>(x, random[4,2,3], random[2]) }", "the bias (input 2) has the shape [2] instead of [4]"},
        {"(f32[1,1,5] x) => (f32[1] y) { y = ConvTranspose<kernel_shape = [2]>(x, random[1,3,3]) }", "'kernel_shape' differs"},
        {"(f32[1,1,5] x, f32[1,3,K] w) => (f32[1] y) { y = ConvTranspose(x, w) }", "extent K is only known while the model runs"},
        {"(f32[1,1,2] x) => (f32[1] y) { y = ConvTranspose<pads = [2, 2]>(x, random[1,3,3]) }", "0 elements would remain along spatial axis 0"},
        {"(f32[1,1,2] x) => (f32[1] y) { y = ConvTranspose<output_shape = [1, 3, 4]>(x, random[1,3,3]) }", "'output_shape' has 3 elements, should have 1"},
        {"(f32[1,1,2] x) => (f32[1] y) { y = ConvTranspose<strides = [0]>(x, random[1,3,3]) }", "'strides' has the element 0"},
        {R"((f32[1,1,2] x) => (f32[1] y) { y = ConvTranspose<auto_pad = "SAME">(x, random[1,3,3]) })", "unknown auto_pad 'SAME'"},
        {"(f16[1,1,5] x) => (f32[1] y) { y = ConvTranspose(x, random[1,3,3]) }", "input 1 is f32, input 0 is f16"},
    };
    for (const auto& c : cases) expect_infer_error(c.text, c.part);
}

}  // namespace
}  // namespace tercet::testing
