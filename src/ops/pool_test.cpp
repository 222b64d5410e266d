// SPDX-License-Identifier: Apache-2.0
#include "ops/testing.h"

#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

TEST(MaxPool, TakesTheLargestOfEveryWindow) {
    expect_values("(f32[1,1,4,5] x) => (f32[1,1,2,5] y) { y = MaxPool<kernel_shape = [2, 3], pads = [0, 1, 0, 1], strides = [2, 1]>(x) }",
                  {"f32[1,1,4,5]{1,-6,-1,-9,1,2,0,1,-3,-9,3,-2,5,8,-7,-7,-8,-4,-1,5}"},
                  {"f32[1,1,2,5]{2,2,1,1,1,3,5,8,8,8}"});
    expect_values("(f32[1,1,4,4] x) => (f32[1,1,2,2] y) { y = MaxPool<ceil_mode = 1, kernel_shape = [3, 3], strides = [2, 2]>(x) }",
                  {"f32[1,1,4,4]{1,-6,-1,-9,1,2,0,1,-3,-9,3,-2,5,8,-7,-7}"},
                  {"f32[1,1,2,2]{3,3,8,3}"});
    expect_values("(f32[1,1,7] x) => (f32[1,1,3] y) { y = MaxPool<ceil_mode = 1, kernel_shape = [2], pads = [1, 1], strides = [3]>(x) }",
                  {"f32[1,1,7]{1,2,3,4,5,6,7}"},
                  {"f32[1,1,3]{1,4,7}"});
    expect_values("(f32[1,1,6] x) => (f32[1,1,2] y) { y = MaxPool<ceil_mode = 1, kernel_shape = [2], pads = [0, 1], strides = [3]>(x) }",
                  {"f32[1,1,6]{1,2,3,4,5,6}"},
                  {"f32[1,1,2]{2,5}"});
    expect_values(R"((u8[1,1,3,3] x) => (u8[1,1,3,3] y) { y = MaxPool<auto_pad = "SAME_UPPER", kernel_shape = [2, 2]>(x) })",
                  {"u8[1,1,3,3]{138,201,227,212,106,109,79,106,80}"},
                  {"u8[1,1,3,3]{212,227,227,212,109,109,106,106,80}"});
    expect_values(R"((i8[1,1,3,3] x) => (i8[1,1,2,2] y) { y = MaxPool<auto_pad = "SAME_LOWER", kernel_shape = [2, 2], strides = [2, 2]>(x) })",
                  {"i8[1,1,3,3]{10,73,99,84,-22,-19,-49,-22,-48}"},
                  {"i8[1,1,2,2]{10,99,84,-19}"});
}

TEST(MaxPool, SaysWhereItFoundThem) {
    expect_values("(f32[1,2,2,3] x) => (f32[1,2,1,1] y, i64[1,2,1,1] z) { y, z = MaxPool<dilations = [1, 2], kernel_shape = [2, 2]>(x) }",
                  {"f32[1,2,2,3]{5,-4,-8,-1,-1,9,0,-2,4,-1,-5,9}"},
                  {"f32[1,2,1,1]{9,9}", "i64[1,2,1,1]{5,11}"});
    expect_values("(f32[2,1,3,2] x) => (f32[2,1,2,2] y, i64[2,1,2,2] z) { y, z = MaxPool<kernel_shape = [2, 1]>(x) }",
                  {"f32[2,1,3,2]{-6,5,6,-3,7,0,-1,-5,-2,7,7,-2}"},
                  {"f32[2,1,2,2]{6,5,7,0,-1,7,7,7}", "i64[2,1,2,2]{2,1,4,5,6,9,10,9}"});
    expect_values("(f32[2,1,3,2] x) => (f32[2,1,2,2] y, i64[2,1,2,2] z) { y, z = MaxPool<kernel_shape = [2, 1], storage_order = 1>(x) }",
                  {"f32[2,1,3,2]{-6,5,6,-3,7,0,-1,-5,-2,7,7,-2}"},
                  {"f32[2,1,2,2]{6,5,7,0,-1,7,7,7}", "i64[2,1,2,2]{1,3,2,5,6,10,8,10}"});
    expect_values("(f32[1,1,2,2,2] x) => (f32[1,1,1,2,1] y, i64[1,1,1,2,1] z) { y, z = MaxPool<kernel_shape = [2, 1, 2], storage_order = 1, strides = [1, 1, 1]>(x) }",
                  {"f32[1,1,2,2,2]{1,0,-6,1,4,6,1,7}"},
                  {"f32[1,1,1,2,1]{6,7}", "i64[1,1,1,2,1]{5,7}"});
}

TEST(MaxPool, NanStaysAndPaddingIsNoElement) {
    expect_values("(f32[1,1,4] x) => (f32[1,1,3] y) { y = MaxPool<kernel_shape = [2]>(x) }", {"f32[1,1,4]{1,nan,3,4}"}, {"f32[1,1,3]{nan,nan,4}"});
    expect_values("(f32[1,1,2] x) => (f32[1,1,4] y) { y = MaxPool<kernel_shape = [1], pads = [1, 1]>(x) }", {"f32[1,1,2]{-5,-6}"},
                  {"f32[1,1,4]{-inf,-5,-6,-inf}"});
}

TEST(AveragePool, CountsPaddingOnlyIfTold) {
    expect_values("(f32[1,1,3,3] x) => (f32[1,1,2,2] y) { y = AveragePool<count_include_pad = 0, kernel_shape = [2, 2], pads = [1, 1, 1, 1], strides = [2, 2]>(x) }",
                  {"f32[1,1,3,3]{1,2,3,4,5,6,7,8,9}"},
                  {"f32[1,1,2,2]{1,2.5,5.5,7}"});
    expect_values("(f32[1,1,6] x) => (f32[1,1,2] y) { y = AveragePool<ceil_mode = 1, count_include_pad = 0, kernel_shape = [3], pads = [1, 1], strides = [4]>(x) }",
                  {"f32[1,1,6]{1,2,3,4,5,6}"},
                  {"f32[1,1,2]{1.5,5}"});
    expect_values("(f32[1,1,5] x) => (f32[1,1,2] y) { y = AveragePool<ceil_mode = 1, count_include_pad = 0, kernel_shape = [3], pads = [1, 0], strides = [3]>(x) }",
                  {"f32[1,1,5]{1,2,3,4,5}"},
                  {"f32[1,1,2]{1.5,4}"});
    expect_values("(f32[1,1,7] x) => (f32[1,1,3] y) { y = AveragePool<count_include_pad = 0, dilations = [3], kernel_shape = [2], pads = [1, 1], strides = [2]>(x) }",
                  {"f32[1,1,7]{1,2,3,4,5,6,7}"},
                  {"f32[1,1,3]{3,3.5,5.5}"});
    expect_values(R"((f32[1,1,3,4] x) => (f32[1,1,2,2] y) { y = AveragePool<auto_pad = "SAME_LOWER", count_include_pad = 0, kernel_shape = [2, 3], strides = [2, 3]>(x) })",
                  {"f32[1,1,3,4]{1,2,3,4,5,6,7,8,9,10,11,12}"},
                  {"f32[1,1,2,2]{1.5,3.5,7.5,9.5}"});
    expect_values("(f32[1,1,3,3] x) => (f32[1,1,2,2] y) { y = AveragePool<count_include_pad = 1, kernel_shape = [2, 2], pads = [1, 1, 1, 1], strides = [2, 2]>(x) }",
                  {"f32[1,1,3,3]{1,2,3,4,5,6,7,8,9}"},
                  {"f32[1,1,2,2]{0.25,1.25,2.75,7}"});
    expect_values("(f32[1,1,6] x) => (f32[1,1,2] y) { y = AveragePool<ceil_mode = 1, count_include_pad = 1, kernel_shape = [3], pads = [1, 1], strides = [4]>(x) }",
                  {"f32[1,1,6]{1,2,3,4,5,6}"},
                  {"f32[1,1,2]{1,5}"});
    expect_values("(f32[1,1,5] x) => (f32[1,1,2] y) { y = AveragePool<ceil_mode = 1, count_include_pad = 1, kernel_shape = [3], pads = [1, 0], strides = [3]>(x) }",
                  {"f32[1,1,5]{1,2,3,4,5}"},
                  {"f32[1,1,2]{1,4}"});
    expect_values("(f32[1,1,7] x) => (f32[1,1,3] y) { y = AveragePool<count_include_pad = 1, dilations = [3], kernel_shape = [2], pads = [1, 1], strides = [2]>(x) }",
                  {"f32[1,1,7]{1,2,3,4,5,6,7}"},
                  {"f32[1,1,3]{1.5,3.5,5.5}"});
    expect_values(R"((f32[1,1,3,4] x) => (f32[1,1,2,2] y) { y = AveragePool<auto_pad = "SAME_LOWER", count_include_pad = 1, kernel_shape = [2, 3], strides = [2, 3]>(x) })",
                  {"f32[1,1,3,4]{1,2,3,4,5,6,7,8,9,10,11,12}"},
                  {"f32[1,1,2,2]{0.5,1.166667,5,6.333333}"});
}

TEST(AveragePool, OfNothingButPaddingIsZero) {
    expect_values("(f32[1,1,1] x) => (f32[1,1,3] y) { y = AveragePool<kernel_shape = [1], pads = [1, 1]>(x) }", {"f32[1,1,1]{7}"}, {"f32[1,1,3]{0,7,0}"});
}

TEST(LpPool, IsTheNormOfEveryWindow) {
    expect_values("(f32[1,1,5] x) => (f32[1,1,3] y) { y = LpPool<kernel_shape = [2], pads = [1, 0], strides = [2]>(x) }",
                  {"f32[1,1,5]{6,-5,-6,-2,5}"},
                  {"f32[1,1,3]{6,7.81025,5.385165}"});
    expect_values("(f32[1,1,3,3] x) => (f32[1,1,2,2] y) { y = LpPool<kernel_shape = [2, 2], p = 3>(x) }",
                  {"f32[1,1,3,3]{6,-5,-6,-2,5,-1,5,1,-1}"},
                  {"f32[1,1,2,2]{7.796975,7.758403,6.374311,5.039684}"});
    expect_values("(f32[1,1,5] x) => (f32[1,1,2] y) { y = LpPool<ceil_mode = 1, dilations = [2], kernel_shape = [2], p = 1, strides = [3]>(x) }",
                  {"f32[1,1,5]{6,-5,-6,-2,5}"},
                  {"f32[1,1,2]{12,2}"});
}

TEST(GlobalPools, LeaveOneNumberPerChannel) {
    expect_values("(f32[1,2,3,2] x) => (f32[1,2,1,1] y) { y = GlobalAveragePool(x) }",
                  {"f32[1,2,3,2]{1,2,3,4,5,6,7,8,9,10,11,12}"},
                  {"f32[1,2,1,1]{3.5,9.5}"});
    expect_values("(f32[2,1,5] x) => (f32[2,1,1] y) { y = GlobalMaxPool(x) }",
                  {"f32[2,1,5]{-1,-6,-1,-1,-9,-4,-6,-4,-2,-3}"},
                  {"f32[2,1,1]{-1,-2}"});
    expect_values("(f32[1,2,2,1] x) => (f32[1,2,1,1] y) { y = GlobalLpPool(x) }", {"f32[1,2,2,1]{3,-4,5,12}"}, {"f32[1,2,1,1]{5,13}"});
    expect_values("(f32[1,2,3] x) => (f32[1,2,1] y) { y = GlobalLpPool<p = 1>(x) }", {"f32[1,2,3]{3,-4,5,1,2,3}"}, {"f32[1,2,1]{12,6}"});
    typed_graph("(f32[N,C,H,W] x) => (f32[N,C,1,1] y) { y = GlobalAveragePool(x) }");
    expect_values("(f32[0,2,3] x) => (f32[0,2,1] y) { y = GlobalMaxPool(x) }", {"f32[0,2,3]{}"}, {"f32[0,2,1]{}"});
}

TEST(Pools, ReadChannelsLast) {
    expect_values(R"((f32[1,2,2,2] x) => (f32[1,1,1,2] y) { y = MaxPool<kernel_shape = [2, 2], layout = "NHWC">(x) })", {"f32[1,2,2,2]{1,8,2,7,3,6,4,5}"},
                  {"f32[1,1,1,2]{4,8}"});
    expect_values(R"((f32[1,2,2,2] x) => (f32[1,1,1,2] y) { y = GlobalAveragePool<layout = "NHWC">(x) })", {"f32[1,2,2,2]{1,8,2,7,3,6,4,5}"},
                  {"f32[1,1,1,2]{2.5,6.5}"});
    expect_values(R"((f32[1,3,2] x) => (f32[1,2,2] y) { y = AveragePool<kernel_shape = [2], layout = "NHWC">(x) })", {"f32[1,3,2]{1,10,3,30,5,50}"},
                  {"f32[1,2,2]{2,20,4,40}"});
}

TEST(Pools, KeepSymbols) {
    typed_graph("(u8[N,C,H] x) => (u8[N,C,floor((H)/(2))] y) { y = MaxPool<kernel_shape = [2], strides = [2]>(x) }");
    typed_graph("(f16[N,C,H,W] x) => (f16[N,C,floor((H + 1)/(2)),floor((W)/(2))] y) { y = AveragePool<kernel_shape = [2, 3], strides = [2, 2], ceil_mode = 1>(x) }");
    expect_values("(f32[0,2,3] x) => (f32[0,2,2] y) { y = MaxPool<kernel_shape = [2]>(x) }", {"f32[0,2,3]{}"}, {"f32[0,2,2]{}"});
}

TEST(Pools, RefuseWhatDoesNotFit) {
    struct { const char *text, *part; } cases[] = {
        {"(f32[1,1,5,5] x) => (f32[1] y) { y = MaxPool<kernel_shape = [2]>(x) }", "1 elements, the input 2 spatial axes"},
        {"(f32[1,1] x) => (f32[1] y) { y = MaxPool<kernel_shape = []>(x) }", "input 0 has 2 axes"},
        {"(f32[1,1,5] x) => (f32[1] y) { y = AveragePool(x) }", "'kernel_shape' is missing"},
        {"(i32[1,1,5] x) => (f32[1] y) { y = MaxPool<kernel_shape = [2]>(x) }", "input 0 is i32"},
        {"(u8[1,1,5] x) => (f32[1] y) { y = AveragePool<kernel_shape = [2]>(x) }", "input 0 is u8"},
        {"(f32[1,1,5] x) => (f32[1] y) { y = LpPool<kernel_shape = [2], p = 0>(x) }", "'p' is 0"},
        {"(f32[1,1,5] x) => (f32[1] y) { y = MaxPool<kernel_shape = [2], storage_order = 2>(x) }", "'storage_order' is 2"},
        {"(f32[4] x) => (f32[1] y) { y = GlobalMaxPool(x) }", "has the shape [4]"},
    };
    for (const auto& c : cases) expect_infer_error(c.text, c.part);
}

}  // namespace
}  // namespace tercet::testing
