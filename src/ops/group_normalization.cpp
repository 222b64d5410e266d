// SPDX-License-Identifier: Apache-2.0
// y[n,c,...] = (x[n,c,...] - mean) / sqrt(variance + epsilon) * scale[c] + bias[c]
// mean and variance are those of sample n over the group of channels that c is in and all spatial axes.
// GroupNormalization has num_groups of them, InstanceNormalization one per channel.
#include "ops/old_forms.h"
#include "ops/op.h"
#include "ops/require.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace tercet {
namespace {

constexpr std::int64_t most_channels = 1 << 24;  // that the upgrade repeats scale and bias for: a shape in a file is a mere claim

void infer(Inference& c) {
    require_rank(c, 0, 2);
    require_float(c, 0);
    const Dim& channels = c.shape(0)[1];
    for (std::size_t i : {1, 2}) {
        require_same_type(c, i);
        require_shape(c, i, {channels}, i == 1 ? "scale" : "bias");
    }
    c.set(0, c.dtype(0), c.shape(0));
}

void infer_groups(Inference& c) {
    require_rank(c, 0, 2);
    const std::int64_t groups = c.attributes().integer("num_groups", 1);
    const auto channels = c.shape(0)[1].constant();
    if (groups < 1 || (channels && *channels % groups != 0))
        throw Error({.what = fmt::format("{} channels cannot be shared out among {} groups", c.shape(0)[1].text(), groups),
                     .fix = "compare 'num_groups' with the input's shape"});
    infer(c);
}

// Up to operator set 20, scale and bias have one element per group instead of one per channel.
void repeat_per_channel(Graph& g, NodeId id) {
    const std::int64_t groups = g.node(id).attributes.integer("num_groups", 0);
    const ValueId x = g.input(id, 0);
    const Shape shape = x == ValueId::none ? Shape{} : g.value(x).type.shape;
    const auto channels = shape.size() > 1 ? shape[1].constant() : std::nullopt;
    if (!channels || *channels > most_channels || groups < 1 || *channels % groups != 0)
        throw Error({.what = fmt::format("unsupported: {} groups of channels in an input of shape [{}]", groups, text_of(shape)),
                     .fix = "give the input a fixed number of channels, or export with operator set 21"});
    for (std::size_t input : {1, 2}) {
        const ValueId v = g.input(id, input);
        if (v == ValueId::none) continue;
        if (const Tensor* per_group = g.constant(v)) {
            if (per_group->count() != groups)
                throw Error({.what = fmt::format("input {} has {} elements for {} groups", input, per_group->count(), groups),
                             .fix = "check the model with onnx.checker"});
            Tensor t = Tensor::zeros(per_group->dtype(), {*channels});
            for (std::int64_t c = 0; c < *channels; ++c) t.writable().set_at(c, per_group->get(c / (*channels / groups)));
            g.set_input(id, input, g.add_constant(g.value(v).name, std::move(t)));
            continue;
        }
        std::vector<std::int64_t> group_of;
        for (std::int64_t c = 0; c < *channels; ++c) group_of.push_back(c / (*channels / groups));
        const ValueId index = g.add_constant("", Tensor::ints(group_of));
        g.set_input(id, input, emit(g, {.op = "Gather", .inputs = {v, index}}, g.value(v).name, id));
    }
}

void normalize(const Call& call, std::int64_t groups) {
    const View &x = call.in[0], &y = call.out[0];
    const double epsilon = call.attributes().real("epsilon", 1e-5f);
    const std::int64_t channels = x.shape[1];
    for (std::size_t i : {1, 2}) require_at_run(call.in[i].shape == Dims{channels}, "scale and bias do not fit the input's channels");
    require_at_run(channels % std::max<std::int64_t>(groups, 1) == 0, "the channels cannot be shared out among the groups");
    if (y.count() == 0) return;
    Dims within = x.shape.part(1);  // one group of one sample: [channels of the group, spatial...]
    within[0] = channels / groups;
    const auto for_group = [&](const Dims& group, auto&& f) {
        Dims at = x.shape;
        at[0] = group[0];
        for (const Dims& i : indices(within)) {
            at[1] = group[1] * within[0] + i[0];
            for (int k = 1; k < i.size(); ++k) at[k + 1] = i[k];
            f(at);
        }
    };
    const auto count = static_cast<double>(count_of(within));
    for (const Dims& group : indices(Dims{x.shape[0], groups})) {
        double sum = 0, squares = 0;
        for_group(group, [&](const Dims& at) { sum += x.get(at); });
        const double mean = sum / count;
        for_group(group, [&](const Dims& at) { squares += (x.get(at) - mean) * (x.get(at) - mean); });
        const double deviation = std::sqrt(squares / count + epsilon);
        for_group(group, [&](const Dims& at) {
            y.set(at, (x.get(at) - mean) / deviation * call.in[1].get({at[1]}) + call.in[2].get({at[1]}));
        });
    }
}

void reference_instance(const Call& call) { normalize(call, call.in[0].shape[1]); }
void reference_group(const Call& call) { normalize(call, call.attributes().integer("num_groups", 1)); }

const RegisteredOp instance{{.name = "InstanceNormalization", .versions = {{1}, {6, drop_consumed_inputs}, {22}}, .inputs = {3, 3},
                             .attributes = {{"epsilon", AttributeKind::real}}, .infer = infer, .reference = reference_instance, .channels = true}};

const RegisteredOp group{{.name = "GroupNormalization", .versions = {{18}, {21, repeat_per_channel}}, .inputs = {3, 3},
                          .attributes = {{"epsilon", AttributeKind::real}, {"num_groups", AttributeKind::integer, true}, {"stash_type", AttributeKind::integer}},
                          .infer = infer_groups, .reference = reference_group, .channels = true}};

}  // namespace
}  // namespace tercet
