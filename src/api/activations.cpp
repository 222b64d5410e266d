// SPDX-License-Identifier: Apache-2.0
// Passes that make operators fast without changing values run before: channels last, shapes as constants. Nothing fuses, since
// every value is an output. A value that is transposed or reshaped only to be an output is taken as it was before: in a histogram
// the order of values does not matter.
#include "api/activations.h"

#include "passes/passes.h"
#include "passes/rewrite.h"
#include "plan/plan.h"
#include "runtime/engine_data.h"

#include <algorithm>
#include <array>

namespace tercet {
namespace {

constexpr std::array<std::string_view, 10> harmless_passes{"constant_shapes", "remove_identities", "merge_duplicates", "fold_batch_norm", "to_channels_last",
                                                           "simplify_transposes", "sink_transposes", "transposes_to_views", "to_pointwise", "fuse_pointwise"};

PassSettings harmless() {
    PassSettings s;
    for (const Pass& p : pipeline())
        if (p.optional && std::ranges::find(harmless_passes, p.name) == harmless_passes.end()) s.disabled.emplace_back(p.name);
    return s;
}

// How kernels are chosen for calibration.
PlanSettings plan_settings(const Profile& profile, const Isa& isa, int threads) {
    return {.profile = profile, .isa = isa, .threads = threads, .tune = Tune::none, .canonical = true, .workspace_bytes = std::uint64_t{1} << 40};
}

// The same elements, before they were moved; `order` says what that changes. A view changes nothing.
ValueId before_moves(const Graph& g, ValueId v, Activations::Order& order) {
    order = Activations::Order::as_read;
    bool viewed = false;
    for (NodeId p = g.producer(v); p != NodeId::none; p = g.producer(v)) {
        if (g.node(p).attributes.has("tail") || decides(g, p)) break;
        if (!g.is(p, "Transpose") && !op_of(g.node(p)).pure_view) break;
        if (g.value(g.input(p, 0)).type.dtype != DType::f32) break;
        if (g.is(p, "Transpose")) {
            const int rank = static_cast<int>(g.value(v).type.shape.size());
            const bool last = order == Activations::Order::as_read && !viewed && rank > 2 && transpose_order(g, p) == to_channels_first_order(rank);
            order = last ? Activations::Order::channels_last : Activations::Order::other;
        } else {
            viewed = true;
        }
        v = g.input(p, 0);
    }
    return v;
}

}  // namespace

std::vector<ValueId> activations_of(const Graph& g) {
    std::vector<ValueId> found;
    const auto add = [&](ValueId v) {
        if (v != ValueId::none && g.value(v).type.dtype == DType::f32 && !g.value(v).constant) found.push_back(v);
    };
    for (ValueId v : g.inputs()) add(v);
    for (NodeId id : g.order())
        for (ValueId v : g.node(id).outputs) add(v);
    return found;
}

Activations::Activations(Graph graph, const Profile& profile, const std::string& batch, const Isa& isa, int threads) {
    std::vector<GraphOutput> all;
    for (ValueId v : activations_of(graph)) all.push_back({graph.value(v).name, v});
    graph.set_outputs(std::move(all));
    optimize(graph, harmless());

    std::vector<GraphOutput> computed;
    for (const GraphOutput& o : graph.outputs()) {
        Order order;
        const ValueId v = before_moves(graph, o.value, order);
        const Value& value = graph.value(v);
        const auto input = std::ranges::find(graph.inputs(), v);
        Source s{.kind = Source::Kind::output};
        if (value.constant) {
            s = {.kind = Source::Kind::constant, .constant = value.constant};
        } else if (input != graph.inputs().end()) {
            s = {.kind = Source::Kind::input, .index = static_cast<std::size_t>(input - graph.inputs().begin())};
        } else if (const auto known = std::ranges::find(computed, v, &GraphOutput::value); known != computed.end()) {
            s.index = static_cast<std::size_t>(known - computed.begin());
        } else {
            s.index = computed.size();
            computed.push_back({o.name, v});
        }
        s.by_sample = !batch.empty() && !value.constant && !value.type.shape.empty() && value.type.shape[0].text() == batch;
        s.order = order;
        if (const Shape& shape = graph.value(o.value).type.shape; !shape.empty()) {
            s.rows = shape[0].constant().value_or(0);
            s.same_rows = s.rows == 0 && !value.type.shape.empty() && value.type.shape[0] == shape[0];
        }
        sources_.push_back(std::move(s));
    }
    graph.set_outputs(std::move(computed));
    graph.remove_dead();
    if (!graph.outputs().empty()) context_.emplace(engine_of(make_program(graph, plan_settings(profile, isa, threads))), threads);
}

const std::vector<Activations::Seen>& Activations::run(std::span<const InputView> inputs) {
    const std::span<const ResultView> results = context_ ? context_->run(inputs) : std::span<const ResultView>{};
    const auto floats = [](std::span<const std::int64_t> shape, const void* data) {
        return std::span(static_cast<const float*>(data), static_cast<std::size_t>(count_of(shape)));
    };
    seen_.clear();
    for (const Source& s : sources_) {
        Seen seen{.values = {}, .by_sample = s.by_sample, .order = s.order, .rows = s.rows};
        const auto take = [&](std::span<const std::int64_t> shape, const void* data) {
            seen.values = floats(shape, data);
            if (s.same_rows) seen.rows = shape[0];
        };
        switch (s.kind) {
            case Source::Kind::input: take(inputs[s.index].shape, inputs[s.index].data); break;
            case Source::Kind::output: take(results[s.index].shape, results[s.index].data); break;
            case Source::Kind::constant: take(s.constant.shape(), s.constant.data()); break;
        }
        seen_.push_back(seen);
    }
    return seen_;
}

}  // namespace tercet
