// SPDX-License-Identifier: Apache-2.0
#include "graph/text.h"
#include "ops/testing.h"

#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

TEST(MaxUnpool, PutsElementsBack) {
    expect_values("(f32[1,1,2,2] x, i64[1,1,2,2] i) => (f32[1,1,4,4] y) { y = MaxUnpool<kernel_shape = [2, 2], strides = [2, 2]>(x, i) }",
                  {"f32[1,1,2,2]{1,2,3,4}", "i64[1,1,2,2]{5,7,13,15}"}, {"f32[1,1,4,4]{0,0,0,0,0,1,0,2,0,0,0,0,0,3,0,4}"});
    expect_values("(f16[1,2,2] x, i64[1,2,2] i) => (f16[1,2,2] y) { y = MaxUnpool<kernel_shape = [3], pads = [1, 1]>(x, i) }",
                  {"f16[1,2,2]{1,2,3,4}", "i64[1,2,2]{1,0,3,2}"}, {"f16[1,2,2]{2,1,4,3}"});
}

TEST(MaxUnpool, UndoesMaxPool) {
    expect_values("(f32[1,2,4] x) => (f32[1,2,4] y) { p, i = MaxPool<kernel_shape = [2], strides = [2]>(x) y = MaxUnpool<kernel_shape = [2], strides = [2]>(p, i) }",
                  {"f32[1,2,4]{1,2,4,3,6,5,7,8}"}, {"f32[1,2,4]{0,2,4,0,6,0,0,8}"});
}

TEST(MaxUnpool, StandsInTheCornerOfALargerOutput) {
    expect_values("(f32[1,1,2,2] x, i64[1,1,2,2] i) => (f32[1,1,5,4] y) { y = MaxUnpool<kernel_shape = [1, 1], strides = [1, 1]>(x, i, i64[4]{1,1,5,4}) }",
                  {"f32[1,1,2,2]{1,2,3,4}", "i64[1,1,2,2]{0,1,2,3}"}, {"f32[1,1,5,4]{1,2,0,0,3,4,0,0,0,0,0,0,0,0,0,0,0,0,0,0}"});
    typed_graph("(f32[N,C,H,W] x, i64[N,C,H,W] i) => (f32[N,C,2*H,2*W] y) { y = MaxUnpool<kernel_shape = [2, 2], strides = [2, 2]>(x, i) }");
}

TEST(MaxUnpool, RefusesWhatDoesNotFit) {
    struct { const char *text, *part; } cases[] = {
        {"(f32[1,1,2] x, i64[1,1,3] i) => (f32[1] y) { y = MaxUnpool<kernel_shape = [2]>(x, i) }", "the indices (input 1) has the shape [1,1,3]"},
        {"(f32[1,1,2] x, i32[1,1,2] i) => (f32[1] y) { y = MaxUnpool<kernel_shape = [2]>(x, i) }", "are of type i32"},
        {"(f32[1,1,2] x, i64[1,1,2] i) => (f32[1] y) { y = MaxUnpool<kernel_shape = [2, 2]>(x, i) }", "'kernel_shape' has 2 elements"},
        {"(f32[1,1,2] x, i64[1,1,2] i) => (f32[1] y) { y = MaxUnpool<kernel_shape = [2], strides = [0]>(x, i) }", "'strides' is [0]"},
        {"(f32[1,1,2] x, i64[1,1,2] i) => (f32[1] y) { y = MaxUnpool<kernel_shape = [2], pads = [2, 2]>(x, i) }", "would have the shape [1,1,-1]"},
        {"(f32[1,1,2] x, i64[1,1,2] i) => (f32[1] y) { y = MaxUnpool<kernel_shape = [2]>(x, i, i64[3]{1,1,2}) }", "an output of shape [1,1,2] for an unpooled value of shape [1,1,3]"},
    };
    for (const auto& c : cases) expect_infer_error(c.text, c.part);
    const Graph g = typed_graph("(f32[1,1,1] x, i64[1,1,1] i) => (f32[1,1,2] y) { y = MaxUnpool<kernel_shape = [2]>(x, i) }");
    for (const char* index : {"i64[1,1,1]{2}", "i64[1,1,1]{-1}"}) {
        const std::vector in{parse_tensor("f32[1,1,1]{1}"), parse_tensor(index)};
        EXPECT_THROW(evaluate(g, in), Error) << index;
    }
}

}  // namespace
}  // namespace tercet::testing
