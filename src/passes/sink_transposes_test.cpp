// SPDX-License-Identifier: Apache-2.0
#include "passes/testing.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

struct Case {
    const char* what;
    const char* y;       // type of the result
    const char* before;  // the node, reading t = Transpose<NHWC to NCHW>(x)
    const char* after;   // the node, reading x
    const char* order;   // of the Transpose behind it; "": there is none
};

// x: f32[N,5,7,3], t: f32[N,3,5,7]
constexpr Case cases[] = {
    {"one input", "f32[N,3,5,7]", "Relu(t)", "Relu(x)", "0, 3, 1, 2"},
    {"a constant per channel", "f32[N,3,5,7]", "Add(t, random[3,1,1])", "Add(x, const[3])", "0, 3, 1, 2"},
    {"a constant per pixel", "f32[N,3,5,7]", "Mul(random[5,7], t)", "Mul(const[5,7,1], x)", "0, 3, 1, 2"},
    {"numbers", "f32[N,3,5,7]", "Clip(t, f32{0}, f32{6})", "Clip(x, const[], const[])", "0, 3, 1, 2"},
    {"twice", "f32[N,3,5,7]", "Mul(t, t)", "Mul(x, x)", "0, 3, 1, 2"},
    {"three inputs", "f32[N,3,5,7]", "Where(bool[1,3,1,1]{1, 0, 1}, t, t)", "Where(bool[3]{1, 0, 1}, x, x)", "0, 3, 1, 2"},
    {"another type", "i64[N,3,5,7]", "Cast<to = 7>(t)", "Cast<to = 7>(x)", "0, 3, 1, 2"},
    {"a layout", "f32[N,3,1,1]", "GlobalAveragePool(t)", "GlobalAveragePool<layout = \"NHWC\">(x)", "0, 3, 1, 2"},
    {"a layout and parameters", "f32[N,3,5,7]", "InstanceNormalization(t, random[3], random[3])",
     "InstanceNormalization<layout = \"NHWC\">(x, const[3], const[3])", "0, 3, 1, 2"},
    {"Concat", "f32[N,6,5,7]", "Concat<axis = 1>(t, t)", "Concat<axis = 3>(x, x)", "0, 3, 1, 2"},
    {"Softmax", "f32[N,3,5,7]", "Softmax<axis = 1>(t)", "Softmax<axis = 3>(x)", "0, 3, 1, 2"},
    {"Slice", "f32[N,2,5,3]", "Slice(t, i64[2]{1, 0}, i64[2]{3, 9}, i64[2]{1, -1}, i64[2]{1, 3})",
     "Slice(x, i64[2]{1, 0}, i64[2]{3, 9}, i64[2]{3, 2}, i64[2]{1, 3})", "0, 3, 1, 2"},
    {"Slice of the first axes", "f32[N,2,5,7]", "Slice(t, i64[2]{0, 1}, i64[2]{9223372036854775807, 3})",
     "Slice(x, i64[2]{0, 1}, i64[2]{9223372036854775807, 3}, i64[2]{0, 3})", "0, 3, 1, 2"},
    {"Pad", "f32[N,4,5,9]", "Pad(t, i64[8]{0, 1, 0, 0, 0, 0, 0, 2}, f32{7})",
     "Pad(x, i64[8]{0, 1, 0, 0, 0, 0, 0, 2}, const[], i64[4]{0, 3, 1, 2})", "0, 3, 1, 2"},
    {"Pad on named axes", "f32[N,3,6,7]", "Pad<mode = \"edge\">(t, i64[2]{1, 0}, _, i64[1]{-2})",
     "Pad<mode = \"edge\">(x, i64[2]{1, 0}, _, i64[1]{1})", "0, 3, 1, 2"},
    {"Resize", "f32[N,3,10,14]", "Resize<mode = \"linear\">(t, _, f32[4]{1, 1, 2, 2})", "Resize<layout = \"NHWC\","
        " mode = \"linear\">(x, _, f32[4]{1, 1, 2, 2})", "0, 3, 1, 2"},
    {"a mean over the pixels", "f32[N,3,1,1]", "ReduceMean(t, i64[2]{2, 3})", "ReduceMean(x, i64[2]{1, 2})", "0, 3, 1, 2"},
    {"a mean over the pixels that leaves them out", "f32[N,3]", "ReduceMean<keepdims = 0>(t, i64[2]{2, 3})",
     "ReduceMean<keepdims = 0>(x, i64[2]{1, 2})", ""},
    {"a sum over the rows that leaves them out", "f32[N,3,7]", "ReduceSum<keepdims = 0>(t, i64[1]{2})",
     "ReduceSum<keepdims = 0>(x, i64[1]{1})", "0, 2, 1"},
    {"ArgMax over the channels", "i64[N,5,7]", "ArgMax<axis = 1, keepdims = 0>(t)", "ArgMax<axis = 3, keepdims = 0>(x)", ""},
    {"pixels in one row", "f32[N,3,35]", "Reshape(t, i64[3]{0, 0, -1})", "Reshape(x, i64[3]{0, 35, 3})", "0, 2, 1"},
};

TEST(SinkTransposes, MovesBehind) {
    for (const Case& c : cases) {
        SCOPED_TRACE(c.what);
        const std::string head = fmt::format("(f32[N,5,7,3] x) => ({} y)", c.y);
        const std::string after = *c.order ? fmt::format("{} {{ y_nhwc = {}"
            " y = Transpose<perm = [{}]>(y_nhwc) }}", head, c.after, c.order)
                                           : fmt::format("{} {{ y = {} }}", head, c.after);
        expect_rewrite(sink_transposes, fmt::format("{} {{"
            " t = Transpose<perm = [0, 3, 1, 2]>(x) y = {} }}", head, c.before), after);
    }
}

TEST(SinkTransposes, MovesBehindAllOutputs) {
    expect_rewrite(sink_transposes, R"((f32[N,7,4] x) => (f32[N,2,7] y, f32[N,2,7] z) { t = Transpose<perm = [0, 2, 1]>(x) y,
        z = Split<axis = 1>(t) })",
                                    R"((f32[N,7,4] x) => (f32[N,2,7] y, f32[N,2,7] z) { y_nhwc, z_nhwc = Split<axis = 2>(x)
                                           y = Transpose<perm = [0, 2, 1]>(y_nhwc) z = Transpose<perm = [0, 2, 1]>(z_nhwc) })");
}

TEST(SinkTransposes, MovesThroughAChain) {
    expect_rewrite(sink_transposes, R"((f32[N,4,5,3] x, f32[N,3,1,1] s) => (f32[N,3,4,5] y) {
        t = Transpose<perm = [0, 3, 1, 2]>(x) m = Mul(t, s) r = Relu(m)
                                           p = MaxPool<kernel_shape = [1, 1]>(r) y = Add(p, t) })",
                                    R"((f32[N,4,5,3] x, f32[N,3,1,1] s) => (f32[N,3,4,5] y) {
                                        s_nhwc = Transpose<perm = [0, 2, 3, 1]>(s) m_nhwc = Mul(x, s_nhwc) r_nhwc = Relu(m_nhwc)
                                           p_nhwc = MaxPool<kernel_shape = [1, 1], layout = "NHWC">(r_nhwc)
                                               y_nhwc = Add(p_nhwc, x) y = Transpose<perm = [0, 3, 1, 2]>(y_nhwc) })");
}

TEST(SinkTransposes, LeavesAlone) {
    const auto graph = [](std::string_view y, std::string_view node) {
        return fmt::format("(f32[N,5,7,3] x, f32[N,3,5,7] z) => ({} y) {{"
            " t = Transpose<perm = [0, 3, 1, 2]>(x) y = {} }}", y, node);
    };
    expect_unchanged(sink_transposes, {
        {"the other input would be transposed instead", graph("f32[N,3,5,7]", "Add(t, z)")},
        {"one of two", graph("f32[N,6,5,7]", "Concat<axis = 1>(t, z)")},
        {"the result has more axes", graph("f32[1,N,3,5,7]", "Add(t, random[1,1,1,1,1])")},
        {"along the last axis, which is contiguous", graph("f32[N,3,5,7]", "Softmax(t)")},
        {"channels and pixels are joined", graph("f32[N,105]", "Flatten(t)")},
        {"pixels are split", graph("f32[N,3,5,7,1]", "Reshape(t, i64[5]{0, 3, 5, 7, 1})")},
        {"indices count in the model's layout", "(f32[N,6,2] x) => (f32[N,2,3] y, i64[N,2,3] i) {"
            " t = Transpose<perm = [0, 2, 1]>(x) y, i = MaxPool<kernel_shape = [2], strides = [2]>(t) }"},
        {"another transpose", "(f32[N,5,7,3] x) => (f32[N,3,7,5] y) { t = Transpose<perm = [0, 3, 2, 1]>(x) y = Relu(t) }"},
        {"a matrix", "(f32[N,5] x) => (f32[5,N] y) { t = Transpose<perm = [1, 0]>(x) y = Relu(t) }"},
    });
}

}  // namespace
}  // namespace tercet::testing
