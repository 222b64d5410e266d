// SPDX-License-Identifier: Apache-2.0
// What tactics leave to the reference, and why.
#include "cpu/testing.h"
#include "ops/testing.h"

#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

Step step_of(const Graph& g) {
    const Node& node = g.node(g.order().at(0));
    Step s{.node = &node, .inputs = {}, .outputs = {}};
    const auto operand = [&](ValueId v) {
        if (v == ValueId::none) return Step::Operand{};
        const Type& t = g.value(v).type;
        return Step::Operand{t.dtype, *constant_shape(t.shape), g.constant(v)};
    };
    for (ValueId v : node.inputs) s.inputs.push_back(operand(v));
    for (ValueId v : node.outputs) s.outputs.push_back(operand(v));
    return s;
}

TEST(Refusals, SayWhy) {
    struct Row {
        const char *tactic, *why, *graph;
    };
    const Row rows[] = {
        {"cpu/layer_normalization_f32", "differs between rows", "(f32[3,4] x, f32[3,1] s) => (f32[?] y) { y = LayerNormalization(x, s) }"},
        {"cpu/layer_normalization_f32", "broadcast along the row", "(f32[3,4] x, f32[1] s) => (f32[?] y) { y = RMSNormalization(x, s) }"},
        {"cpu/layer_normalization_f32", "not f32", "(f32[3,4] x, f32[4] s) => (f32[?] y, bf16[?] m) { y, m = LayerNormalization<stash_type = 16>(x, s) }"},
        {"cpu/layer_normalization_f32", "no row", "(f32[0,4] x, f32[4] s) => (f32[?] y) { y = LayerNormalization(x, s) }"},
        {"cpu/layer_normalization_f32", "its tail", "(f32[3,4] x, f32[4] s, f32[3,1] t) => (f32[?] y) { y = LayerNormalization<tail = \"add(x0, x1)\">(x, s, _, t) }"},
        {"cpu/group_normalization_f32", "no group", "(f32[0,4,5] x) => (f32[?] y) { y = InstanceNormalization(x, random[4], random[4]) }"},
        {"cpu/group_normalization_f32", "not f32", "(f64[2,4,5] x, f64[4] s) => (f64[?] y) { y = InstanceNormalization(x, s, s) }"},
        {"cpu/conv_transpose_f32", "channels are not last", "(f32[1,4,5] x) => (f32[?] y) { y = ConvTranspose(x, random[4,3,2]) }"},
        {"cpu/conv_transpose_f32", "weights are computed", "(f32[1,5,4] x, f32[4,3,2] w) => (f32[?] y) { y = ConvTranspose<layout = \"NHWC\">(x, w) }"},
        {"cpu/conv_transpose_f32", "too large", "(f32[1,2,4] x) => (f32[?] y) { y = ConvTranspose<layout = \"NHWC\", strides = [5000]>(x, random[4,3,2]) }"},
        {"cpu/reduce_f32", "no element", "(f32[3,0] x) => (f32[?] y) { y = ReduceSum(x, i64[1]{1}) }"},
        {"cpu/reduce_f32", "not a reduction", "(f32[3,4] x) => (f32[?] y) { y = ReduceProd(x, i64[1]{1}) }"},
        {"cpu/arg_max_f32", "not f32", "(i32[3,4] x) => (i64[?] y) { y = ArgMax(x) }"},
        {"cpu/softmax_f32", "not over the last axis", "(f32[3,4] x) => (f32[?] y) { y = Softmax<axis = 0>(x) }"},
        {"cpu/softmax_columns_f32", "over the last axis", "(f32[3,4] x) => (f32[?] y) { y = Softmax(x) }"},
        {"cpu/gather", "empty", "(f32[3,0] x) => (f32[?] y) { y = Gather(x, i64[1]{1}) }"},
        {"cpu/gather", "tail", "(f32[3,4] x) => (f32[?] y) { y = Gather<tail = \"relu(x0)\">(x, i64[1]{1}) }"},
        {"cpu/expand", "tail", "(f32[3,1] x) => (f32[?] y) { y = Expand<tail = \"relu(x0)\">(x, i64[2]{3, 4}) }"},
        {"cpu/transpose", "tail", "(f32[3,4] x) => (f32[?] y) { y = Transpose<tail = \"relu(x0)\">(x) }"},
        {"cpu/resize_blend_f32", "as they are", "(f32[1,1,4] x) => (f32[?] y) { y = Resize(x, _, f32[3]{1, 1, 2}) }"},
        {"cpu/resize_blend_f32", "too large", "(f32[1,64,64] x) => (f32[?] y) { y = Resize<mode = \"linear\", antialias = 1>(x, _, f32[3]{1, 0.1, 0.1}) }"},
        {"cpu/resize_blend_f32", "beside the input", "(f32[1,4] x) => (f32[?] y) { y = Resize<mode = \"linear\", coordinate_transformation_mode = \"tf_crop_and_resize\">(x, f32[4]{0, 0, 1, 1}, f32[2]{1, 2}) }"},
        {"cpu/resize_nearest", "interpolates", "(f32[1,4] x) => (f32[?] y) { y = Resize<mode = \"linear\">(x, _, f32[2]{1, 2}) }"},
    };
    for (const Row& row : rows) {
        const Graph g = typed_graph(row.graph);
        EXPECT_NE(find_tactic(row.tactic)->refuses(step_of(g), host_isa()).reason.find(row.why), std::string::npos)
            << row.graph << ": " << find_tactic(row.tactic)->refuses(step_of(g), host_isa()).reason;
    }
}

}  // namespace
}  // namespace tercet::testing
