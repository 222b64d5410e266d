// SPDX-License-Identifier: Apache-2.0
// Losses of a classification, x [N, C, d..], a class c = target[n, d..] in [0, C) per sample, one weight per class (1 if absent):
//     NegativeLogLikelihoodLoss  loss[n, d..] = -x[n, c, d..] * weight[c]
//     SoftmaxCrossEntropyLoss    the same with log_prob = LogSoftmax of x over C in x's place; log_prob is output 1
// 0 where the target is `ignore_index`. Output 0 by `reduction`: none: loss; sum: its sum; mean: the sum divided by the sum of
// the weights that were applied (the number of samples not ignored), NaN if that is 0.
#include "ops/extents.h"
#include "ops/require.h"

#include <fmt/format.h>

#include <cmath>

namespace tercet {
namespace {

enum class Scores { log_probabilities, logits };

void infer(Inference& c) {
    require_float(c, 0);
    require_rank(c, 0, 2);
    require_rank(c, 1, c.rank(0) - 1, c.rank(0) - 1);
    require_same_type(c, 2);
    if (c.dtype(1) != DType::i32 && c.dtype(1) != DType::i64)
        throw Error({.what = fmt::format("the targets (input 1) are of type {}, should be i64 or i32", name_of(c.dtype(1))),
                     .fix = "check the model with onnx.checker"});
    const std::string_view reduction = c.attributes().text("reduction", "mean");
    if (reduction != "none" && reduction != "sum" && reduction != "mean")
        throw Error({.what = fmt::format("unknown reduction '{}'", reduction), .fix = "none, sum and mean exist"});
    const Shape& x = c.shape(0);
    require_shape(c, 2, {x[1]}, "the weights");
    Shape samples = c.shape(1);
    for (std::size_t i = 0; i < samples.size(); ++i)
        unify(samples[i], x[i == 0 ? 0 : i + 1], fmt::format("scores and targets differ in axis {} of the targets", i));
    c.set(0, c.dtype(0), reduction == "none" ? samples : Shape{});
    c.set(1, c.dtype(0), x);
}

// The scores of one sample: C of them, `step` elements apart.
struct Classes {
    const View& x;
    std::int64_t first, step, count;
    double operator[](std::int64_t c) const { return x.get_at(first + c * step); }
};

struct Norm {  // exp(x - greatest - log_sum) sums to 1
    double greatest = 0, log_sum = 0;
    Norm() = default;
    explicit Norm(const Classes& x) : greatest(-HUGE_VAL) {
        double sum = 0;
        for (std::int64_t c = 0; c < x.count; ++c)
            if (const double v = x[c]; v > greatest || std::isnan(v)) greatest = v;
        for (std::int64_t c = 0; c < x.count; ++c) sum += std::exp(x[c] - greatest);
        log_sum = std::log(sum);
    }
    double operator()(double x) const { return x - greatest - log_sum; }
};

template <Scores scores>
void reference(const Call& call) {
    const View &x = call.in[0], &target = call.in[1];
    require_at_run(target.rank() == x.rank() - 1 && target.shape[0] == x.shape[0] && target.shape.part(1) == x.shape.part(2),
                   "scores and targets differ in shape");
    require_at_run(!call.has(2) || call.in[2].shape == Dims{x.shape[1]}, "the weights do not fit the scores");
    const Attributes& a = call.attributes();
    const std::string_view reduction = a.text("reduction", "mean");
    const bool ignores = a.has("ignore_index");
    const std::int64_t ignored = a.integer("ignore_index", 0), classes = x.shape[1], inner = count_of(x.shape.part(2));
    double total = 0, applied = 0;
    for (std::int64_t i = 0; i < x.shape[0] * inner; ++i) {  // samples: target is dense
        const Classes sample{x, i / inner * classes * inner + i % inner, inner, classes};
        const Norm log_prob = scores == Scores::logits ? Norm(sample) : Norm();
        if (call.wants(1))
            for (std::int64_t k = 0; k < classes; ++k) call.out[1].set_at(sample.first + k * inner, log_prob(sample[k]));
        const std::int64_t at = target.get_int_at(i);
        double loss = 0;
        if (!ignores || at != ignored) {
            if (at < 0 || at >= classes)
                throw Error({.what = fmt::format("target {} with {} classes", at, classes),
                             .fix = "targets lie in [0, C), or are equal to 'ignore_index'"});
            const double weight = call.has(2) ? call.in[2].get_at(at) : 1;
            loss = -log_prob(sample[at]) * weight;
            applied += weight;
        }
        total += loss;
        if (reduction == "none") call.out[0].set_at(i, loss);
    }
    if (reduction == "sum") call.out[0].set_at(0, total);
    if (reduction == "mean") call.out[0].set_at(0, total / applied);
}

template <Scores scores>
OpDef def(std::string_view name, std::vector<OpVersion> versions, int outputs) {
    return {.name = name, .versions = std::move(versions), .inputs = {2, 3}, .outputs = {1, outputs},
            .attributes = {{"ignore_index", AttributeKind::integer}, {"reduction", AttributeKind::text}},
            .infer = infer, .reference = reference<scores>};
}

const RegisteredOp negative_log_likelihood{def<Scores::log_probabilities>("NegativeLogLikelihoodLoss", {{12}, {13}, {22}}, 1)};
const RegisteredOp softmax_cross_entropy{def<Scores::logits>("SoftmaxCrossEntropyLoss", {{12}, {13}}, 2)};

}  // namespace
}  // namespace tercet
