// SPDX-License-Identifier: Apache-2.0
#include "passes/testing.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

std::string graph(std::string_view body, std::string_view shape = "N,5,8") {
    return fmt::format("(f32[{0}] x) => (f32[{0}] y) {{ {1} }}", shape, body);
}
constexpr const char* root = "m = ReduceMean(x, i64[1]{-1}) d = Sub(x, m) s = Pow(d, f32{2}) v = ReduceMean(s, i64[1]{2}) e = Add(v, f32{0.25}) r = Sqrt(e) ";
const std::string whole = graph("y = LayerNormalization<axis = -1, epsilon = 0.25>(x, random[8], random[8])");

TEST(RecognizeLayerNorm, AsExportersWriteIt) {
    expect_rewrite(recognize_layer_norm, graph(std::string(root) + "n = Div(d, r) g = Mul(n, random[8]) y = Add(g, random[8])"), whole);
    expect_rewrite(recognize_layer_norm, graph(std::string(root) + "n = Div(d, r) g = Mul(random[1,1,8], n) y = Add(random[8], g)"), whole);
    for (const char* inverse : {"i = Reciprocal(r)", "i = Div(f32{1}, r)", "i = Pow(e, f32{-0.5})"}) {
        expect_rewrite(recognize_layer_norm, graph(std::string(root) + inverse + " n = Mul(d, i) g = Mul(n, random[8]) y = Add(g, random[8])"), whole);
        expect_rewrite(recognize_layer_norm, graph(std::string(root) + inverse + " g = Mul(i, random[8]) a = Mul(x, g) b = Mul(m, g) c = Sub(random[8], b) y = Add(a, c)"), whole);
    }
}

TEST(RecognizeLayerNorm, OverSeveralAxes) {
    expect_rewrite(recognize_layer_norm, graph(R"(m = ReduceMean(x, i64[2]{2, 1}) d = Sub(x, m) s = Mul(d, d) v = ReduceMean(s, i64[2]{-2, -1}) e = Add(f32{0.25}, v) r = Pow(e, f32{0.5})
        n = Div(d, r) g = Mul(n, random[5,8]) y = Add(g, random[8]))"), graph("y = LayerNormalization<axis = -2, epsilon = 0.25>(x, random[5,8], const[5,8])"));
}

TEST(RecognizeLayerNorm, WithoutScaleOrBias) {
    expect_rewrite(recognize_layer_norm, graph(std::string(root) + "y = Div(d, r)"), graph("y = LayerNormalization<axis = -1, epsilon = 0.25>(x, const[8])"));
    expect_rewrite(recognize_layer_norm, graph(std::string(root) + "n = Div(d, r) y = Mul(n, random[5,1])"),
                   graph("n = LayerNormalization<axis = -1, epsilon = 0.25>(x, const[8]) y = Mul(n, random[5,1])"));
}

TEST(RecognizeLayerNorm, WithoutMean) {
    const std::string mean_square = "s = Pow(x, f32{2}) v = ReduceMean(s, i64[1]{-1}) e = Add(v, f32{0.25}) r = Sqrt(e) ", norm = graph("y = RMSNormalization<axis = -1, epsilon = 0.25>(x, random[8])");
    expect_rewrite(recognize_layer_norm, graph(mean_square + "n = Div(x, r) y = Mul(random[8], n)"), norm);
    expect_rewrite(recognize_layer_norm, graph(mean_square + "i = Reciprocal(r) n = Mul(x, i) y = Mul(n, random[8])"), norm);
}

TEST(RecognizeLayerNorm, LeavesAlone) {
    expect_unchanged(recognize_layer_norm, {
        {"another axis", graph("m = ReduceMean(x, i64[1]{1}) d = Sub(x, m) s = Mul(d, d) v = ReduceMean(s, i64[1]{1}) e = Add(v, f32{0.25}) r = Sqrt(e) y = Div(d, r)")},
        {"a mean over other axes", graph("m = ReduceMean(x, i64[1]{1}) d = Sub(x, m) s = Mul(d, d) v = ReduceMean(s, i64[2]{1, 2}) e = Add(v, f32{0.25}) r = Sqrt(e) n = Add(x, r) y = Div(d, n)")},
        {"something else is divided", graph(std::string(root) + "y = Div(x, r)")},
        {"no square", graph("m = ReduceMean(x, i64[1]{-1}) d = Sub(x, m) s = Pow(d, f32{3}) v = ReduceMean(s, i64[1]{-1}) e = Add(v, f32{0.25}) r = Sqrt(e) y = Div(d, r)")},
        {"a symbol's number of elements", graph("m = ReduceMean(x, i64[1]{-1}) d = Sub(x, m) s = Mul(d, d) v = ReduceMean(s, i64[1]{-1}) e = Add(v, f32{0.25}) r = Sqrt(e) y = Div(d, r)", "N,5,C")},
    });
}

}  // namespace
}  // namespace tercet::testing
