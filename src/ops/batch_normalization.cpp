// SPDX-License-Identifier: Apache-2.0
// y[n,c,...] = (x[n,c,...] - mean[c]) / sqrt(var[c] + epsilon) * scale[c] + bias[c]
// With training_mode = 1, mean and var (divided by the number of elements) are those of x itself, and outputs 1 and 2 are the
// inputs mean and var moved towards them: running*momentum + own*(1 - momentum).
#include "ops/old_forms.h"
#include "ops/op.h"
#include "ops/pointwise_table.h"
#include "ops/require.h"

#include <fmt/format.h>

#include <cmath>

namespace tercet {
namespace {

// Outputs 1 to 4 hold statistics of the training batch. Exporters leave them declared; what counts is whether they are read.
void refuse_training(Graph& g, NodeId id) {
    for (std::size_t i = 1; i < g.node(id).outputs.size(); ++i)
        if (const ValueId v = g.output(id, i); v != ValueId::none && g.uses(v) > 0)
            throw Error({.what = fmt::format("unsupported: its output {} ('{}') is read, which makes it a training step", i, g.value(v).name),
                         .fix = "export the model in evaluation mode"});
}

// A step of training is one that says so and gives the statistics; without is_test, the number of outputs tells.
void drop_is_test(Graph& g, NodeId id) {
    if (take_integer(g, id, "is_test").value_or(0) == 0 && g.node(id).outputs.size() > 1)
        throw Error({.what = "unsupported: is_test = 0, a training step", .fix = "export the model in evaluation mode"});
}

void drop_spatial(Graph& g, NodeId id) {
    if (g.node(id).attributes.integer("spatial", 1) == 0)
        throw Error({.what = "unsupported: spatial = 0 (statistics per element)", .fix = "export with operator set 9 or newer"});
    g.attributes(id).erase("spatial");
}

void infer(Inference& c) {
    if (c.attributes().integer("training_mode", 0) != 0 && c.out.size() > 3)
        throw Error({.what = fmt::format("has {} outputs, gives at most 3 in training mode", c.out.size()), .fix = "check the model with onnx.checker"});
    require_rank(c, 0, 1);
    for (std::size_t i = 0; i < 5; ++i) require_float(c, i);
    const Dim channels = c.rank(0) > 1 ? c.shape(0)[1] : Dim(1);
    constexpr std::string_view names[] = {"", "scale", "bias", "mean", "variance"};
    for (std::size_t i = 1; i < 5; ++i) require_shape(c, i, {channels}, names[i]);
    c.set(0, c.dtype(0), c.shape(0));
    for (std::size_t i = 1; i < 5; ++i) c.set(i, c.dtype(i % 2 ? 3 : 4), {channels});
}

struct Statistics {
    double mean = 0, variance = 0;
};

// f(index) for all elements of channel c
template <class F>
void for_each_of_channel(const View& x, std::int64_t c, F&& f) {
    Dims others = x.shape;
    if (x.rank() > 1) others[1] = 1;
    for (Dims i : indices(others)) {
        if (x.rank() > 1) i[1] = c;
        f(i);
    }
}

Statistics statistics_of(const View& x, std::int64_t c) {
    Statistics s;
    const double count = static_cast<double>(x.count()) / static_cast<double>(x.rank() > 1 ? x.shape[1] : 1);
    for_each_of_channel(x, c, [&](const Dims& i) { s.mean += x.get(i) / count; });
    for_each_of_channel(x, c, [&](const Dims& i) { s.variance += (x.get(i) - s.mean) * (x.get(i) - s.mean) / count; });
    return s;
}

void train(const Call& call) {
    const View &x = call.in[0], &y = call.out[0];
    const double epsilon = call.attributes().real("epsilon", 1e-5f), momentum = decimal(call.attributes().real("momentum", 0.9f));
    for (std::int64_t c = 0; c < (x.rank() > 1 ? x.shape[1] : 1); ++c) {
        const Statistics own = statistics_of(x, c);
        const double deviation = std::sqrt(own.variance + epsilon), scale = call.in[1].get({c}), bias = call.in[2].get({c});
        for_each_of_channel(x, c, [&](const Dims& i) { y.set(i, (x.get(i) - own.mean) / deviation * scale + bias); });
        if (call.wants(1)) call.out[1].set({c}, call.in[3].get({c}) * momentum + own.mean * (1 - momentum));
        if (call.wants(2)) call.out[2].set({c}, call.in[4].get({c}) * momentum + own.variance * (1 - momentum));
    }
}

void reference(const Call& call) {
    const View &x = call.in[0], &y = call.out[0];
    const double epsilon = call.attributes().real("epsilon", 1e-5f);
    const Dims channels{x.rank() > 1 ? x.shape[1] : 1};
    for (std::size_t i = 1; i < 5; ++i) require_at_run(call.in[i].shape == channels, "the statistics do not fit the input's channels");
    if (call.attributes().integer("training_mode", 0) != 0) return train(call);
    for (const Dims& i : indices(y.shape)) {
        const Dims c{x.rank() > 1 ? i[1] : 0};
        y.set(i, (x.get(i) - call.in[3].get(c)) / std::sqrt(call.in[4].get(c) + epsilon) * call.in[1].get(c) + call.in[2].get(c));
    }
    for (std::size_t i = 1; i < call.out.size(); ++i)  // outside of training, the statistics stay what they are
        if (call.wants(i))
            for (const Dims& c : indices(channels)) call.out[i].set(c, call.in[i % 2 ? 3 : 4].get(c));
}

const RegisteredOp batch_normalization{{.name = "BatchNormalization",
                                        .versions = {{1}, {6, drop_consumed_inputs}, {7, drop_is_test}, {9, drop_spatial}, {14, refuse_training}, {15}},
                                        .inputs = {5, 5}, .outputs = {1, 5},
                                        .attributes = {{"epsilon", AttributeKind::real}, {"momentum", AttributeKind::real},
                                                       {"training_mode", AttributeKind::integer}},
                                        .infer = infer, .reference = reference, .channels = true}};

}  // namespace
}  // namespace tercet
