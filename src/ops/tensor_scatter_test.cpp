// SPDX-License-Identifier: Apache-2.0
#include "graph/text.h"
#include "ops/testing.h"

#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

TEST(TensorScatter, WritesOnInACache) {
    expect_values("(f32[2,3,1] p, f32[2,1,1] u, i64[2] w) => (f32[2,3,1] y) { y = TensorScatter(p, u, w) }", {"f32[2,3,1]{1,2,3,4,5,6}", "f32[2,1,1]{8,9}", "i64[2]{1,2}"},
                  {"f32[2,3,1]{1,8,3,4,5,9}"});
    expect_values("(f16[1,3,1] p, f16[1,2,1] u) => (f16[1,3,1] y) { y = TensorScatter(p, u) }", {"f16[1,3,1]{1,2,3}", "f16[1,2,1]{8,9}"}, {"f16[1,3,1]{8,9,3}"});
    expect_values("(i8[1,2,3] p, i8[1,2,1] u, i64[1] w) => (i8[1,2,3] y) { y = TensorScatter<axis = -1>(p, u, w) }", {"i8[1,2,3]{1,2,3,4,5,6}", "i8[1,2,1]{8,9}", "i64[1]{1}"},
                  {"i8[1,2,3]{1,8,3,4,9,6}"});
}

TEST(TensorScatter, GoesRound) {
    expect_values(R"((f32[3,3,1] p, f32[3,2,1] u, i64[3] w) => (f32[3,3,1] y) { y = TensorScatter<mode = "circular">(p, u, w) })",
                  {"f32[3,3,1]{1,2,3,4,5,6,7,8,9}", "f32[3,2,1]{-1,-2,-3,-4,-5,-6}", "i64[3]{2,4,-1}"}, {"f32[3,3,1]{-2,2,-1,4,-3,-4,-6,8,-5}"});
}

TEST(TensorScatter, RefusesWhatDoesNotFit) {
    struct { const char *text, *part; } cases[] = {
        {"(f32[1,3,1] p, f32[1,4,1] u) => (f32[1] y) { y = TensorScatter(p, u) }", "an update of shape [1,4,1] into a cache of shape [1,3,1]"},
        {"(f32[1,3,1] p, f32[1,2,2] u) => (f32[1] y) { y = TensorScatter(p, u) }", "an update of shape [1,2,2]"},
        {"(f32[1,3] p, f32[1,2] u) => (f32[1] y) { y = TensorScatter(p, u) }", "'axis' names the batch"},
        {"(f32[1,3,1] p, f16[1,2,1] u) => (f32[1] y) { y = TensorScatter(p, u) }", "input 1 is f16"},
        {"(f32[1,3,1] p, f32[1,2,1] u, i32[1] w) => (f32[1] y) { y = TensorScatter(p, u, w) }", "is of type i32"},
        {R"((f32[1,3,1] p, f32[1,2,1] u) => (f32[1] y) { y = TensorScatter<mode = "ring">(p, u) })", "unknown mode 'ring'"},
    };
    for (const auto& c : cases) expect_infer_error(c.text, c.part);
    const Graph g = typed_graph("(f32[1,3,1] p, f32[1,2,1] u, i64[1] w) => (f32[1,3,1] y) { y = TensorScatter(p, u, w) }");
    for (const char* start : {"i64[1]{2}", "i64[1]{-1}", "i64[1]{9223372036854775807}"}) {
        const std::vector in{parse_tensor("f32[1,3,1]{1,2,3}"), parse_tensor("f32[1,2,1]{8,9}"), parse_tensor(start)};
        EXPECT_THROW(evaluate(g, in), Error) << start;
    }
}

}  // namespace
}  // namespace tercet::testing
