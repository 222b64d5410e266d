// SPDX-License-Identifier: Apache-2.0
#include "graph/text.h"
#include "ops/testing.h"
#include "ops/upgrade_testing.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace tercet::testing {
namespace {

TEST(Resize, AlongOneAxis) {
    struct { const char *attributes, *scales_or_sizes, *x, *y; } cases[] = {  // @: coordinate_transformation_mode
        {R"(@ = "half_pixel", mode = "linear")", "_, f32[3]{1,1,2}", "f32[1,1,4]{1,2,3,4}", "f32[1,1,8]{1,1.25,1.75,2.25,2.75,3.25,3.75,4}"},
        {R"(@ = "half_pixel", mode = "linear")", "_, f32[3]{1,1,0.6}", "f32[1,1,4]{1,2,3,4}", "f32[1,1,2]{1.333333,3}"},
        {R"(@ = "half_pixel", mode = "linear")", "_, _, i64[3]{1,1,3}", "f32[1,1,4]{1,2,3,4}", "f32[1,1,3]{1.166667,2.5,3.833333}"},
        {R"(@ = "half_pixel", mode = "linear")", "_, _, i64[3]{1,1,1}", "f32[1,1,4]{1,2,3,4}", "f32[1,1,1]{2.5}"},
        {R"(@ = "half_pixel", mode = "cubic")", "_, f32[3]{1,1,2}", "f32[1,1,4]{1,2,3,4}", "f32[1,1,8]{0.8945312,1.191406,1.667969,2.296875,2.703125,3.332031,3.808594,4.105469}"},
        {R"(@ = "half_pixel", mode = "nearest")", "_, _, i64[3]{1,1,7}", "f32[1,1,4]{1,2,3,4}", "f32[1,1,7]{1,1,2,2,3,4,4}"},
        {R"(@ = "align_corners", mode = "linear")", "_, f32[3]{1,1,2}", "f32[1,1,4]{1,2,3,4}", "f32[1,1,8]{1,1.428571,1.857143,2.285714,2.714285,3.142857,3.571429,4}"},
        {R"(@ = "align_corners", mode = "linear")", "_, f32[3]{1,1,0.6}", "f32[1,1,4]{1,2,3,4}", "f32[1,1,2]{1,3.142857}"},
        {R"(@ = "align_corners", mode = "linear")", "_, _, i64[3]{1,1,3}", "f32[1,1,4]{1,2,3,4}", "f32[1,1,3]{1,2.5,4}"},
        {R"(@ = "align_corners", mode = "linear")", "_, _, i64[3]{1,1,1}", "f32[1,1,4]{1,2,3,4}", "f32[1,1,1]{1}"},
        {R"(@ = "align_corners", mode = "cubic")", "_, f32[3]{1,1,2}", "f32[1,1,4]{1,2,3,4}", "f32[1,1,8]{1,1.341108,1.800292,2.329448,2.670553,3.199709,3.658892,4}"},
        {R"(@ = "align_corners", mode = "nearest")", "_, _, i64[3]{1,1,7}", "f32[1,1,4]{1,2,3,4}", "f32[1,1,7]{1,1,2,2,3,3,4}"},
        {R"(@ = "asymmetric", mode = "linear")", "_, f32[3]{1,1,2}", "f32[1,1,4]{1,2,3,4}", "f32[1,1,8]{1,1.5,2,2.5,3,3.5,4,4}"},
        {R"(@ = "asymmetric", mode = "linear")", "_, f32[3]{1,1,0.6}", "f32[1,1,4]{1,2,3,4}", "f32[1,1,2]{1,2.666667}"},
        {R"(@ = "asymmetric", mode = "linear")", "_, _, i64[3]{1,1,3}", "f32[1,1,4]{1,2,3,4}", "f32[1,1,3]{1,2.333333,3.666667}"},
        {R"(@ = "asymmetric", mode = "linear")", "_, _, i64[3]{1,1,1}", "f32[1,1,4]{1,2,3,4}", "f32[1,1,1]{1}"},
        {R"(@ = "asymmetric", mode = "cubic")", "_, f32[3]{1,1,2}", "f32[1,1,4]{1,2,3,4}", "f32[1,1,8]{1,1.40625,2,2.5,3,3.59375,4,4.09375}"},
        {R"(@ = "asymmetric", mode = "nearest")", "_, _, i64[3]{1,1,7}", "f32[1,1,4]{1,2,3,4}", "f32[1,1,7]{1,2,2,3,3,4,4}"},
        {R"(@ = "pytorch_half_pixel", mode = "linear")", "_, f32[3]{1,1,0.6}", "f32[1,1,4]{1,2,3,4}", "f32[1,1,2]{1.333333,3}"},
        {R"(@ = "pytorch_half_pixel", mode = "linear")", "_, _, i64[3]{1,1,1}", "f32[1,1,4]{1,2,3,4}", "f32[1,1,1]{1}"},
        {R"(@ = "half_pixel_symmetric", mode = "linear")", "_, f32[3]{1,1,0.6}", "f32[1,1,4]{1,2,3,4}", "f32[1,1,2]{1.666667,3.333333}"},
        {R"(@ = "half_pixel_symmetric", mode = "linear")", "_, _, i64[3]{1,1,1}", "f32[1,1,4]{1,2,3,4}", "f32[1,1,1]{2.5}"},
        {R"(@ = "half_pixel", mode = "nearest", nearest_mode = "round_prefer_floor")", "_, _, i64[3]{1,1,3}", "f32[1,1,5]{1,2,3,4,5}", "f32[1,1,3]{1,3,5}"},
        {R"(@ = "asymmetric", mode = "nearest", nearest_mode = "round_prefer_floor")", "_, _, i64[3]{1,1,8}", "f32[1,1,5]{1,2,3,4,5}", "f32[1,1,8]{1,2,2,3,3,4,5,5}"},
        {R"(@ = "asymmetric", mode = "nearest", nearest_mode = "round_prefer_floor")", "_, f32[3]{1,1,0.6}", "f32[1,1,5]{1,2,3,4,5}", "f32[1,1,3]{1,3,4}"},
        {R"(@ = "half_pixel", mode = "nearest", nearest_mode = "round_prefer_ceil")", "_, _, i64[3]{1,1,3}", "f32[1,1,5]{1,2,3,4,5}", "f32[1,1,3]{1,3,5}"},
        {R"(@ = "asymmetric", mode = "nearest", nearest_mode = "round_prefer_ceil")", "_, _, i64[3]{1,1,8}", "f32[1,1,5]{1,2,3,4,5}", "f32[1,1,8]{1,2,2,3,4,4,5,5}"},
        {R"(@ = "asymmetric", mode = "nearest", nearest_mode = "round_prefer_ceil")", "_, f32[3]{1,1,0.6}", "f32[1,1,5]{1,2,3,4,5}", "f32[1,1,3]{1,3,4}"},
        {R"(@ = "half_pixel", mode = "nearest", nearest_mode = "floor")", "_, _, i64[3]{1,1,3}", "f32[1,1,5]{1,2,3,4,5}", "f32[1,1,3]{1,3,4}"},
        {R"(@ = "asymmetric", mode = "nearest", nearest_mode = "floor")", "_, _, i64[3]{1,1,8}", "f32[1,1,5]{1,2,3,4,5}", "f32[1,1,8]{1,1,2,2,3,4,4,5}"},
        {R"(@ = "asymmetric", mode = "nearest", nearest_mode = "floor")", "_, f32[3]{1,1,0.6}", "f32[1,1,5]{1,2,3,4,5}", "f32[1,1,3]{1,2,4}"},
        {R"(@ = "half_pixel", mode = "nearest", nearest_mode = "ceil")", "_, _, i64[3]{1,1,3}", "f32[1,1,5]{1,2,3,4,5}", "f32[1,1,3]{2,3,5}"},
        {R"(@ = "asymmetric", mode = "nearest", nearest_mode = "ceil")", "_, _, i64[3]{1,1,8}", "f32[1,1,5]{1,2,3,4,5}", "f32[1,1,8]{1,2,3,3,4,5,5,5}"},
        {R"(@ = "asymmetric", mode = "nearest", nearest_mode = "ceil")", "_, f32[3]{1,1,0.6}", "f32[1,1,5]{1,2,3,4,5}", "f32[1,1,3]{1,3,5}"},
    };
    for (const auto& c : cases) {
        std::string attributes = c.attributes;
        if (const auto at = attributes.find('@'); at != std::string::npos) attributes.replace(at, 1, "coordinate_transformation_mode");
        const auto type = [](std::string_view literal) { return std::string(literal.substr(0, literal.find('{'))); };
        expect_values("(" + type(c.x) + " x) => (" + type(c.y) + " y) { y = Resize<" + attributes + ">(x, " + c.scales_or_sizes + ") }", {c.x}, {c.y});
    }
}

TEST(Resize, AlongSeveralAxes) {
    expect_values(R"((f32[1,1,2,2] x) => (f32[1,1,4,3] y) { y = Resize<mode = "linear">(x, _, f32[4]{1,1,2,1.5}) })",
                  {"f32[1,1,2,2]{1,2,3,4}"},
                  {"f32[1,1,4,3]{1,1.5,2,1.5,2,2.5,2.5,3,3.5,3,3.5,4}"});
    expect_values(R"((f32[1,1,3,3] x) => (f32[1,1,2,4] y) { y = Resize<cubic_coeff_a = -0.5, exclude_outside = 1, mode = "cubic">(x, _, _, i64[4]{1,1,2,4}) })",
                  {"f32[1,1,3,3]{1,2,3,4,5,6,7,8,9}"},
                  {"f32[1,1,2,4]{1.451411,2.060244,2.947054,3.555888,6.444112,7.052946,7.939755,8.548589}"});
    expect_values(R"((f32[1,1,2,2] x) => (f32[1,1,3,1] y) { y = Resize<axes = [2, -1], mode = "linear">(x, _, _, i64[2]{3,1}) })",
                  {"f32[1,1,2,2]{1,2,3,4}"},
                  {"f32[1,1,3,1]{1.5,2.5,3.5}"});
    expect_values(R"((f32[1,1,3,3] x) => (f32[1,1,7,7] y) { y = Resize<axes = [2, 3], keep_aspect_ratio_policy = "not_larger", mode = "nearest">(x, _, _, i64[2]{7,8}) })",
                  {"f32[1,1,3,3]{1,2,3,4,5,6,7,8,9}"},
                  {"f32[1,1,7,7]{1,1,2,2,2,3,3,1,1,2,2,2,3,3,4,4,5,5,5,6,6,4,4,5,5,5,6,6,4,4,5,5,5,6,6,7,7,8,8,8,9,9,7,7,8,8,8,9,9}"});
    expect_values(R"((f32[1,1,2,3] x) => (f32[1,1,3,5] y) { y = Resize<axes = [2, 3], keep_aspect_ratio_policy = "not_smaller", mode = "linear">(x, _, _, i64[2]{3,3}) })",
                  {"f32[1,1,2,3]{1,2,3,4,5,6}"},
                  {"f32[1,1,3,5]{1,1.5,2.166667,2.833333,3,2.5,3,3.666667,4.333333,4.5,4,4.5,5.166667,5.833333,6}"});
    expect_values(R"((f32[1,1,3,3] x) => (f32[1,1,2,3] y) { y = Resize<coordinate_transformation_mode = "tf_crop_and_resize", extrapolation_value = 10.0, mode = "linear">(x, f32[8]{0,0,0.4,-0.5,1,1,0.6,1}, _, i64[4]{1,1,2,3}) })",
                  {"f32[1,1,3,3]{1,2,3,4,5,6,7,8,9}"},
                  {"f32[1,1,2,3]{10,3.9,5.4,10,5.1,6.6}"});
    expect_values(R"((f32[1,1,3,3] x) => (f32[1,1,2,2] y) { y = Resize<coordinate_transformation_mode = "tf_crop_and_resize", extrapolation_value = 10.0, mode = "linear">(x, f32[8]{0,0,0.4,0.6,1,1,0.6,0.8}, _, i64[4]{1,1,2,2}) })",
                  {"f32[1,1,3,3]{1,2,3,4,5,6,7,8,9}"},
                  {"f32[1,1,2,2]{4.6,5,5.8,6.2}"});
}

TEST(Resize, WithoutAliasing) {
    expect_values(R"((f32[1,1,6] x) => (f32[1,1,3] y) { y = Resize<antialias = 1, mode = "linear">(x, _, _, i64[3]{1,1,3}) })",
                  {"f32[1,1,6]{1,2,3,4,5,6}"},
                  {"f32[1,1,3]{1.625,3.5,5.375}"});
    expect_values(R"((f32[1,1,6] x) => (f32[1,1,3] y) { y = Resize<antialias = 1, mode = "cubic">(x, _, f32[3]{1,1,0.6}) })",
                  {"f32[1,1,6]{1,4,9,16,25,36}"},
                  {"f32[1,1,3]{1.6506023,8.8190472,22.616866}"});
    expect_values(R"((f32[1,1,6] x) => (f32[1,1,3] y) { y = Resize<antialias = 1, exclude_outside = 1, mode = "cubic">(x, _, f32[3]{1,1,0.6}) })",
                  {"f32[1,1,6]{1,4,9,16,25,36}"},
                  {"f32[1,1,3]{1.6887754,8.7089198,23.434387}"});
}

TEST(Resize, OfIntegersRoundsOnce) {
    expect_values(R"((u8[1,1,4] x) => (u8[1,1,6] y) { y = Resize<mode = "linear">(x, _, f32[3]{1,1,1.5}) })",
                  {"u8[1,1,4]{50,100,150,200}"},
                  {"u8[1,1,6]{50,75,108,142,175,200}"});
    expect_values("(i64[1,1,2] x) => (i64[1,1,4] y) { y = Resize(x, _, f32[3]{1,1,2}) }", {"i64[1,1,2]{9007199254740993,-9223372036854775807}"},
                  {"i64[1,1,4]{9007199254740993,9007199254740993,-9223372036854775807,-9223372036854775807}"});
    expect_values("(bool[2] x) => (bool[4] y) { y = Resize(x, _, f32[1]{2}) }", {"bool[2]{1,0}"}, {"bool[4]{1,1,0,0}"});
}

TEST(Resize, ReadsChannelsLast) {
    expect_values(R"((f32[1,2,2] x) => (f32[1,4,2] y) { y = Resize<layout = "NHWC">(x, _, f32[3]{1,1,2}) })", {"f32[1,2,2]{1,10,2,20}"},
                  {"f32[1,4,2]{1,10,1,10,2,20,2,20}"});
}

TEST(Resize, KeepsSymbols) {
    typed_graph("(f32[N,3,H,W] x) => (f32[N,3,2*H,floor((W)/(3))] y) { y = Resize(x, _, f32[4]{1,1,2,0.33333334}) }");
    typed_graph("(f32[N,3,H,W] x) => (f32[N,3,7,9] y) { y = Resize<axes = [2, 3]>(x, _, _, i64[2]{7,9}) }");
    typed_graph("(f32[N,3,H,W] x) => (f32[N,3,2*H,2*W] y) { y = Resize<axes = [-2, -1]>(x, f32[0]{}, f32[2]{2,2}, i64[0]{}) }");
    expect_values("(f32[0,1,2] x) => (f32[0,1,3] y) { y = Resize(x, _, f32[3]{1,1,1.5}) }", {"f32[0,1,2]{}"}, {"f32[0,1,3]{}"});
}

TEST(Resize, ExtentsAreRoundedInFloat) {
    typed_graph("(f32[1,1,10] x) => (f32[1,1,7] y) { y = Resize(x, _, f32[3]{1,1,0.7}) }");   // 10*0.7f < 7 in double
    typed_graph("(f32[1,1,49] x) => (f32[1,1,1] y) { y = Resize(x, _, f32[3]{1,1,0.020408163}) }");
}

TEST(Resize, OfOperatorSet10) {
    struct { const char *text, *x, *y; } cases[] = {
        {"(f32[1,1,2,4] x) => (f32[1,1,1,2] y) { y = Resize(x, f32[4]{1,1,0.6,0.6}) }", "f32[1,1,2,4]{1,2,3,4,5,6,7,8}", "f32[1,1,1,2]{1,3}"},
        {"(f32[1,2] x) => (f32[1,5] y) { y = Resize(x, f32[2]{1,2.5}) }", "f32[1,2]{1,2}", "f32[1,5]{1,1,1,2,2}"},
        {R"((f32[1,2] x) => (f32[1,4] y) { y = Resize<mode = "linear">(x, f32[2]{1,2}) })", "f32[1,2]{1,2}", "f32[1,4]{1,1.5,2,2}"},
    };
    for (const auto& c : cases) {
        const Tensor x = parse_tensor(c.x);
        expect_close(evaluate(upgraded(c.text, 10), {&x, 1})[0], parse_tensor(c.y), 1e-6, c.text);
    }
    EXPECT_THROW(upgraded("(f32[2,2] x) => (f32[4,1] y) { y = Resize(x, f32[2]{2,0.5}) }", 10), Error);
}

TEST(Upsample, BecomesResize) {
    const Tensor x = parse_tensor("f32[1,2]{1,2}");
    for (const auto& [text, opset] : {std::pair("(f32[1,2] x) => (f32[2,4] y) { y = Upsample<scales = f[2, 2]>(x) }", 7),
                                      std::pair("(f32[1,2] x) => (f32[2,4] y) { y = Upsample(x, f32[2]{2,2}) }", 9)}) {
        const Graph g = upgraded(text, opset);
        EXPECT_EQ(g.nodes("Resize").size(), 1u);
        expect_close(evaluate(g, {&x, 1})[0], parse_tensor("f32[2,4]{1,1,2,2,1,1,2,2}"), 0, text);
    }
    expect_infer_error("(f32[1,2] x) => (f32[2,4] y) { y = Upsample(x, f32[2]{2,2}) }", "ended with operator set 9");
}

TEST(Resize, RefusesWhatItCannotDo) {
    struct { const char *text, *part; } cases[] = {
        {"(f32[1,2] x) => (f32[1] y) { y = Resize(x) }", "neither scales nor sizes"},
        {"(f32[1,2] x) => (f32[1] y) { y = Resize(x, _, f32[2]{1,1}, i64[2]{1,1}) }", "both scales and sizes"},
        {"(f32[1,2] x) => (f32[1] y) { y = Resize(x, _, f32[3]{1,1,1}) }", "the scales (input 2) have the shape [3]"},
        {"(f32[1,H] x) => (f32[1] y) { y = Resize(x, _, f32[2]{1,1.5}) }", "the size H scaled by 1.5; give the input fixed sizes"},
        {"(f32[1,2] x) => (f32[1] y) { y = Resize(x, _, f32[2]{1,0}) }", "a scale of 0"},
        {"(f32[1,2] x) => (f32[1] y) { y = Resize(x, _, f32[2]{1,-2}) }", "a scale of -2"},
        {"(f32[1,2] x) => (f32[1] y) { y = Resize(x, _, f32[2]{1,1e30}) }", "a scale of 1e+30"},
        {"(f32[1,2] x) => (f32[1] y) { y = Resize(x, _, f32[2]{1,nan}) }", "a scale of nan"},
        {"(f32[1,0] x) => (f32[1] y) { y = Resize(x, _, _, i64[2]{1,3}) }", "axis 1 of 0 elements resized to 3"},
        {"(f32[1,2] x) => (f32[1] y) { y = Resize(x, _, _, i64[2]{1,-3}) }", "axis 1 of 2 elements resized to -3"},
        {"(f32[1,2] x) => (f32[1] y) { y = Resize<axes = [1, -1]>(x, _, _, i64[2]{1,3}) }", "named twice"},
        {R"((f32[1,H] x) => (f32[1] y) { y = Resize<keep_aspect_ratio_policy = "not_larger">(x, _, _, i64[2]{1,3}) })", "keep_aspect_ratio_policy"},
        {R"((f32[1,2] x) => (f32[1] y) { y = Resize<mode = "area">(x, _, f32[2]{1,1}) })", "mode = 'area'"},
        {R"((f32[1,2] x) => (f32[1] y) { y = Resize<coordinate_transformation_mode = "tf_crop_and_resize">(x, _, f32[2]{1,1}) })", "without a roi"},
        {R"((bool[1,2] x) => (f32[1] y) { y = Resize<mode = "linear">(x, _, f32[2]{1,1}) })", "resizing bool"},
        {"(f32[1,2] x) => (f32[1] y) { y = Resize<antialias = 1>(x, _, f32[2]{1,1}) }", "antialias = 1 with mode 'nearest'"},
    };
    for (const auto& c : cases) expect_infer_error(c.text, c.part);
}

}  // namespace
}  // namespace tercet::testing
