// SPDX-License-Identifier: Apache-2.0
#include "passes/testing.h"

#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

TEST(ToChannelsLast, ConvolutionsAndPoolsBetweenTransposes) {
    expect_rewrite(to_channels_last, "(f32[N,2,7,5] x) => (f32[N,3,7,5] y) {"
        " y = Conv<pads = [1, 1, 1, 1]>(x, random[3,2,3,3], random[3]) }",
                                     R"((f32[N,2,7,5] x) => (f32[N,3,7,5] y) { x_to_nhwc = Transpose<perm = [0, 2, 3, 1]>(x)
                                            y_nhwc = Conv<layout = "NHWC", pads = [1, 1, 1, 1]>(x_to_nhwc, const[3,2,3,3], const[3])
                                            y = Transpose<perm = [0, 3, 1, 2]>(y_nhwc) })");
    expect_rewrite(to_channels_last, "(f32[N,2,H] x) => (f32[N,2,floor((H)/(2))] y) {"
        " y = MaxPool<kernel_shape = [2], strides = [2]>(x) }",
                                     R"((f32[N,2,H] x) => (f32[N,2,floor((H)/(2))] y) { x_to_nhwc = Transpose<perm = [0, 2, 1]>(x)
                                            y_nhwc = MaxPool<kernel_shape = [2], layout = "NHWC", strides = [2]>(x_to_nhwc)
                                            y = Transpose<perm = [0, 2, 1]>(y_nhwc) })");
    expect_rewrite(to_channels_last, "(f32[N,2,4,5,6] x) => (f32[N,2,3,4,5] y) { y = AveragePool<kernel_shape = [2, 2, 2]>(x) }",
                                     R"((f32[N,2,4,5,6] x) => (f32[N,2,3,4,5] y) {
                                         x_to_nhwc = Transpose<perm = [0, 2, 3, 4, 1]>(x)
                                            y_nhwc = AveragePool<kernel_shape = [2, 2, 2], layout = "NHWC">(x_to_nhwc)
                                            y = Transpose<perm = [0, 4, 1, 2, 3]>(y_nhwc) })");
}

TEST(ToChannelsLast, WeightsThatAreDequantizedFromConstants) {
    expect_rewrite(to_channels_last, "(f32[N,2,6] x) => (f32[N,3,6] y) { w = DequantizeLinear<axis = 0>(random i8[3,2,1], f32[3]{0.1, 0.2, 0.3}) y = Conv(x, w) }",
                                     R"((f32[N,2,6] x) => (f32[N,3,6] y) { w = DequantizeLinear<axis = 0>(random i8[3,2,1], const[3])
                                            x_to_nhwc = Transpose<perm = [0, 2, 1]>(x)
                                            y_nhwc = Conv<layout = "NHWC">(x_to_nhwc, w)
                                            y = Transpose<perm = [0, 2, 1]>(y_nhwc) })");
}

TEST(ToChannelsLast, LeavesAlone) {
    expect_unchanged(to_channels_last, {
        {"indices count in the model's layout", "(f32[N,2,6] x) => (f32[N,2,3] y, i64[N,2,3] i) { y,"
            " i = MaxPool<kernel_shape = [2], strides = [2]>(x) }"},
        {"no kernel for f64", "(f64[N,2,6] x) => (f64[N,2,5] y) { y = AveragePool<kernel_shape = [2]>(x) }"},
        {"the weights are computed", "(f32[N,2,6] x, f32[3,2,1] w) => (f32[N,3,6] y) { y = Conv(x, w) }"},
        {"the weights are computed in bytes", "(f32[N,2,6] x, i8[3,2,1] w) => (f32[N,3,6] y) { d = DequantizeLinear(w, f32{0.1}) y = Conv(x, d) }"},
        {"it is already", "(f32[N,6,2] x) => (f32[N,6,3] y) { y = Conv<layout = \"NHWC\">(x, random[3,2,1]) }"},
        {"no image operator with a kernel", "(f32[N,2,6,6] x) => (f32[N,2,6,6] y) { y = LRN<size = 3>(x) }"},
    });
}

}  // namespace
}  // namespace tercet::testing
