// SPDX-License-Identifier: Apache-2.0
#include "graph/text.h"
#include "ops/testing.h"

#include <gtest/gtest.h>

#include <cmath>

namespace tercet::testing {
namespace {

// The example of ONNX's documentation.
const std::vector<std::string> scores_and_targets = {"f32[2,3,2]{1,2,2,2,3,2,0,1,2,2,1,2}", "i64[2,2]{2,1,0,2}"};

TEST(NegativeLogLikelihoodLoss, ReducesAsAsked) {
    expect_values(R"((f32[2,3,2] x, i64[2,2] t) => (f32[2,2] y) { y = NegativeLogLikelihoodLoss<reduction = "none">(x, t) })", scores_and_targets, {"f32[2,2]{-3,-2,0,-2}"});
    expect_values(R"((f32[2,3,2] x, i64[2,2] t) => (f32[] y) { y = NegativeLogLikelihoodLoss<reduction = "sum">(x, t) })", scores_and_targets, {"f32{-7}"});
    expect_values("(f32[2,3,2] x, i64[2,2] t) => (f32[] y) { y = NegativeLogLikelihoodLoss(x, t) }", scores_and_targets, {"f32{-1.75}"});
}

TEST(NegativeLogLikelihoodLoss, WeighsClasses) {
    expect_values(R"((f32[2,3,2] x, i64[2,2] t) => (f32[] y) { y = NegativeLogLikelihoodLoss<reduction = "sum">(x, t, f32[3]{0.2, 0.3, 0.1}) })", scores_and_targets, {"f32{-1.1}"});
    expect_values("(f32[2,3,2] x, i64[2,2] t) => (f32[] y) { y = NegativeLogLikelihoodLoss(x, t, f32[3]{0.2, 0.3, 0.1}) }", scores_and_targets, {"f32{-1.5714286}"});
}

TEST(NegativeLogLikelihoodLoss, LeavesOutWhatIsIgnored) {
    // Without weights, too, the mean is over the samples that count.
    expect_values("(f32[3,2] x, i32[3] t) => (f32[] y) { y = NegativeLogLikelihoodLoss<ignore_index = -1>(x, t) }", {"f32[3,2]{1,2,3,4,5,6}", "i32[3]{-1,0,1}"}, {"f32{-4.5}"});
    expect_values(R"((f32[3,2] x, i32[3] t) => (f32[3] y) { y = NegativeLogLikelihoodLoss<ignore_index = 1, reduction = "none">(x, t, f32[2]{2, 9}) })",
                  {"f32[3,2]{1,2,3,4,5,6}", "i32[3]{1,0,1}"}, {"f32[3]{0,-6,0}"});
    expect_values("(f32[1,2] x, i64[1] t) => (f32[] y) { y = NegativeLogLikelihoodLoss<ignore_index = 5>(x, t) }", {"f32[1,2]{1,2}", "i64[1]{5}"}, {"f32{nan}"});
    expect_values(R"((f32[0,2] x, i64[0] t) => (f32[] y) { y = NegativeLogLikelihoodLoss<reduction = "sum">(x, t) })", {"f32[0,2]{}", "i64[0]{}"}, {"f32{0}"});
}

TEST(SoftmaxCrossEntropyLoss, TakesTheLogSoftmax) {
    expect_values(R"((f64[2,2] x, i64[2] t) => (f64[2] y, f64[2,2] p) { y, p = SoftmaxCrossEntropyLoss<reduction = "none">(x, t) })",
                  {"f64[2,2]{0,0,1000,1001}", "i64[2]{1,0}"},
                  {"f64[2]{0.69314718055994529,1.3132616875182228}", "f64[2,2]{-0.69314718055994529,-0.69314718055994529,-1.3132616875182228,-0.31326168751822281}"}, 1e-14);
    expect_values("(f32[1,3,2] x, i64[1,2] t) => (f32[] y) { y = SoftmaxCrossEntropyLoss<ignore_index = 9>(x, t, f32[3]{1, 2, 4}) }",
                  {"f32[1,3,2]{0,5,0,5,0,5}", "i64[1,2]{2,9}"}, {"f32{1.0986123}"});
}

TEST(SoftmaxCrossEntropyLoss, RoundsOnce) {
    expect_values(R"((bf16[2,2] x, i64[2] t) => (bf16[] y) { y = SoftmaxCrossEntropyLoss<reduction = "sum">(x, t) })", {"bf16[2,2]{0,0,0,0}", "i64[2]{0,1}"}, {"bf16{1.3828125}"}, 0);
}

TEST(Losses, KeepSymbols) {
    typed_graph(R"((f32[N,C,H,W] x, i64[N,H,W] t) => (f32[N,H,W] y) { y = NegativeLogLikelihoodLoss<reduction = "none">(x, t) })");
    typed_graph("(f16[N,C,3] x, i64[N,3] t) => (f16[] y, f16[N,C,3] p) { y, p = SoftmaxCrossEntropyLoss(x, t) }");
}

TEST(Losses, RefuseWhatDoesNotFit) {
    struct { const char *text, *part; } cases[] = {
        {"(f32[2,3,4] x, i64[2,5] t) => (f32[] y) { y = NegativeLogLikelihoodLoss(x, t) }", "differ in axis 1 of the targets"},
        {"(f32[2,3] x, i64[2,1] t) => (f32[] y) { y = NegativeLogLikelihoodLoss(x, t) }", "it must have 1 axes"},
        {"(f32[3] x, i64[3] t) => (f32[] y) { y = SoftmaxCrossEntropyLoss(x, t) }", "input 0 has the shape [3]"},
        {"(f32[2,3] x, f32[2] t) => (f32[] y) { y = SoftmaxCrossEntropyLoss(x, t) }", "the targets (input 1) are of type f32"},
        {"(f32[2,3] x, i64[2] t) => (f32[] y) { y = SoftmaxCrossEntropyLoss(x, t, f32[2]{1, 2}) }", "the weights (input 2) has the shape [2] instead of [3]"},
        {R"((f32[2,3] x, i64[2] t) => (f32[] y) { y = SoftmaxCrossEntropyLoss<reduction = "max">(x, t) })", "unknown reduction 'max'"},
        {"(i32[2,3] x, i64[2] t) => (f32[] y) { y = SoftmaxCrossEntropyLoss(x, t) }", "input 0 is i32"},
    };
    for (const auto& c : cases) expect_infer_error(c.text, c.part);
}

TEST(Losses, RefuseATargetOutsideTheClasses) {
    const Graph g = typed_graph("(f32[1,3] x, i64[1] t) => (f32[] y) { y = NegativeLogLikelihoodLoss<ignore_index = -100>(x, t) }");
    for (const char* target : {"i64[1]{3}", "i64[1]{-1}"}) {
        const std::vector in{parse_tensor("f32[1,3]{1,2,3}"), parse_tensor(target)};
        EXPECT_THROW(evaluate(g, in), Error) << target;
    }
}

}  // namespace
}  // namespace tercet::testing
