// SPDX-License-Identifier: Apache-2.0
#include "graph/text.h"
#include "ops/testing.h"

#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

// Runs the only node on inputs that inference has not seen.
Tensor run_unseen(std::string_view text, const std::vector<std::string>& inputs, std::string_view output) {
    const Graph g = parse_text(text);
    std::vector<Tensor> tensors;
    std::vector<View> in;
    for (const std::string& s : inputs) tensors.push_back(parse_tensor(s));
    for (const Tensor& t : tensors) in.push_back(t.view());
    Tensor y = parse_tensor(output);
    const std::vector out{y.writable()};
    run_reference({g.node(g.order()[0]), in, out});
    return y;
}

TEST(Gather, PicksAlongAnAxis) {
    expect_values("(f32[3,2] x, i64[2] i) => (f32[2,2] y) { y = Gather(x, i) }", {"f32[3,2]{1,2,3,4,5,6}", "i64[2]{-1,0}"}, {"f32[2,2]{5,6,1,2}"});
    expect_values("(i8[2,3] x) => (i8[2,1,2] y) { y = Gather<axis = 1>(x, i32[1,2]{2, -3}) }", {"i8[2,3]{1,2,3,4,5,6}"}, {"i8[2,1,2]{3,1,6,4}"});
    expect_values("(bool[2,3] x) => (bool[2] y) { y = Gather<axis = -1>(x, i64{1}) }", {"bool[2,3]{1,0,1,0,1,1}"}, {"bool[2]{0,1}"});
    expect_values("(f32[3] x) => (f32[0] y) { y = Gather(x, i64[0]{}) }", {"f32[3]{1,2,3}"}, {"f32[0]{}"});
    expect_values("(f32[0,2] x) => (f32[0,2] y) { y = Gather(x, i64[0]{}) }", {"f32[0,2]{}"}, {"f32[0,2]{}"});
    typed_graph("(i64[B,L] i) => (f32[B,L,4] y) { y = Gather(random[9,4], i) }");
    typed_graph("(f32[N,3,H] x) => (f32[N,H] y) { y = Gather<axis = 1>(x, i64{0}) }");
}

TEST(Gather, Refuses) {
    expect_infer_error("(f32[3] x) => (f32[1] y) { y = Gather(x, i64[1]{3}) }", "index 3 on an axis of 3 elements");
    expect_infer_error("(f32[3] x) => (f32[1] y) { y = Gather(x, i64[1]{-4}) }", "index -4 on an axis of 3 elements");
    expect_infer_error("(f32[3] x, f32[1] i) => (f32[1] y) { y = Gather(x, i) }", "the indices (input 1) are of type f32");
    expect_infer_error("(f32[] x, i64[1] i) => (f32[1] y) { y = Gather(x, i) }", "axis 0 of a value of rank 0");
    expect_infer_error("(f32[1,1,1,1,1] x, i64[1,1,1,1,1] i) => (f32[1] y) { y = Gather(x, i) }", "rank 9");
}

TEST(Gather, ReadsTheNearestElementForAnIndexOutside) {
    EXPECT_EQ(run_unseen("(f32[3] x, i64[4] i) => (f32[4] y) { y = Gather(x, i) }", {"f32[3]{1,2,3}", "i64[4]{3,-4,9223372036854775807,-9223372036854775808}"}, "f32[4]{0,0,0,0}"),
              parse_tensor("f32[4]{3,1,3,1}"));
    EXPECT_EQ(run_unseen("(f32[0] x, i64[1] i) => (f32[1] y) { y = Gather(x, i) }", {"f32[0]{}", "i64[1]{0}"}, "f32[1]{9}"), parse_tensor("f32[1]{0}"));
}

TEST(GatherElements, PicksElementByElement) {
    expect_values("(f32[2,2] x, i64[2,2] i) => (f32[2,2] y) { y = GatherElements<axis = 1>(x, i) }", {"f32[2,2]{1,2,3,4}", "i64[2,2]{0,0,1,0}"}, {"f32[2,2]{1,1,4,3}"});
    expect_values("(u8[3,3] x, i32[2,3] i) => (u8[2,3] y) { y = GatherElements(x, i) }", {"u8[3,3]{1,2,3,4,5,6,7,8,9}", "i32[2,3]{-1,-2,0,-2,0,0}"},
                  {"u8[2,3]{7,5,3,4,2,3}"});
    typed_graph("(f32[N,9] x, i64[N,2] i) => (f32[N,2] y) { y = GatherElements<axis = -1>(x, i) }");
    EXPECT_EQ(run_unseen("(f32[2] x, i64[2] i) => (f32[2] y) { y = GatherElements(x, i) }", {"f32[2]{1,2}", "i64[2]{7,-7}"}, "f32[2]{0,0}"), parse_tensor("f32[2]{2,1}"));
}

TEST(GatherElements, Refuses) {
    expect_infer_error("(f32[2,2] x, i64[3,2] i) => (f32[1] y) { y = GatherElements<axis = 1>(x, i) }", "indices of shape [3,2] do not lie within data of shape [2,2]");
    expect_infer_error("(f32[2,2] x, i64[2] i) => (f32[1] y) { y = GatherElements(x, i) }", "do not lie within");
    expect_infer_error("(f32[2] x) => (f32[1] y) { y = GatherElements(x, i64[1]{2}) }", "index 2 on an axis of 2 elements");
}

TEST(GatherND, PicksBlocks) {
    expect_values("(i32[2,2] x, i64[2,2] i) => (i32[2] y) { y = GatherND(x, i) }", {"i32[2,2]{0,1,2,3}", "i64[2,2]{0,0,1,-1}"}, {"i32[2]{0,3}"});
    expect_values("(f32[2,2,2] x, i64[2,1,2] i) => (f32[2,1,2] y) { y = GatherND(x, i) }", {"f32[2,2,2]{0,1,2,3,4,5,6,7}", "i64[2,1,2]{0,1,1,0}"}, {"f32[2,1,2]{2,3,4,5}"});
    expect_values("(i32[2,2,2] x, i64[2,1] i) => (i32[2,2] y) { y = GatherND<batch_dims = 1>(x, i) }", {"i32[2,2,2]{0,1,2,3,4,5,6,7}", "i64[2,1]{1,0}"}, {"i32[2,2]{2,3,4,5}"});
    typed_graph("(f32[N,8,4] x, i64[N,3,1] i) => (f32[N,3,4] y) { y = GatherND<batch_dims = 1>(x, i) }");
    EXPECT_EQ(run_unseen("(f32[2] x, i64[2,1] i) => (f32[2] y) { y = GatherND(x, i) }", {"f32[2]{1,2}", "i64[2,1]{7,-7}"}, "f32[2]{0,0}"), parse_tensor("f32[2]{2,1}"));
}

TEST(GatherND, Refuses) {
    expect_infer_error("(f32[2,2] x, i64[2,3] i) => (f32[2] y) { y = GatherND(x, i) }", "indices of 3 numbers each");
    expect_infer_error("(f32[2,2] x, i64[2,0] i) => (f32[2] y) { y = GatherND(x, i) }", "indices of 0 numbers each");
    expect_infer_error("(f32[2,2] x, i64[2,K] i) => (f32[2] y) { y = GatherND(x, i) }", "the last extent of the indices [2,K]");
    expect_infer_error("(f32[2,2] x, i64[1] i) => (f32[2] y) { y = GatherND<batch_dims = 1>(x, i) }", "batch_dims 1");
    expect_infer_error("(f32[2,2] x, i64[] i) => (f32[2] y) { y = GatherND(x, i) }", "batch_dims 0 with data of rank 2 and indices of rank 0");
    expect_infer_error("(f32[2,2] x, i64[3,1] i) => (f32[2] y) { y = GatherND<batch_dims = 1>(x, i) }", "differ in batch axis 0: 3 and 2");
}

}  // namespace
}  // namespace tercet::testing
