// SPDX-License-Identifier: Apache-2.0
#include "engine/samples.h"

#include "ops/pointwise_table.h"

#include <algorithm>
#include <array>

namespace tercet {
namespace {

using Place = ProgramValue::Place;

bool leads_with(const Type& t, const Dim& batch) { return !t.shape.empty() && t.shape[0] == batch; }

bool depends_on(const Dim& d, const std::string& symbol) {
    std::vector<std::string> names;
    d.collect_symbols(names);
    return std::ranges::find(names, symbol) != names.end();
}

bool is_constant(const Program& p, ValueId v) { return v == ValueId::none || p.value(v).place == Place::constant; }

// Whether constant input i lists axes, and the first one is not among them.
bool lists_other_axes(const Program& p, const Node& n, std::size_t i, int rank) {
    if (i >= n.inputs.size() || n.inputs[i] == ValueId::none || !is_constant(p, n.inputs[i])) return false;
    const std::vector<std::int64_t> axes = p.value(n.inputs[i]).constant.to_ints();
    return !axes.empty() && std::ranges::none_of(axes, [&](std::int64_t a) { return (a < 0 ? a + rank : a) == 0; });
}

bool off_first_axis(const Node& n, std::string_view attribute, std::int64_t missing, int rank) {
    const std::int64_t axis = n.attributes.integer(attribute, missing);
    return (axis < 0 ? axis + rank : axis) != 0;
}

// Whether the step keeps samples apart, its operands being as batch_symbol wants them.
bool keeps_samples_apart(const Program& p, const ProgramStep& step) {
    const Node& n = step.node;
    const int rank = static_cast<int>(p.value(n.inputs[0]).type.shape.size());
    const auto rest_is_constant = [&](std::size_t first) {
        return std::ranges::all_of(n.inputs.begin() + static_cast<std::ptrdiff_t>(std::min(first, n.inputs.size())), n.inputs.end(), [&](ValueId v) { return is_constant(p, v); });
    };
    const auto own = static_cast<std::size_t>(op_of(n).inputs.max);
    const auto own_is_constant = [&] {
        for (std::size_t i = 1; i < std::min(own, n.inputs.size()); ++i)
            if (!is_constant(p, n.inputs[i])) return false;
        return !is_constant(p, n.inputs[0]);
    };
    // Element by element, or a tail: what is computed has the output's rank, so that broadcasting meets sample with sample.
    const auto elements = [&](std::size_t first) {
        const std::size_t y_rank = p.value(n.outputs[0]).type.shape.size();
        for (std::size_t i = first; i < n.inputs.size(); ++i) {
            if (n.inputs[i] == ValueId::none) continue;
            const Shape& x = p.value(n.inputs[i]).type.shape;
            if (is_constant(p, n.inputs[i]) ? x.size() == y_rank && !x.empty() && x[0] != Dim(1) : x.size() != y_rank) return false;
        }
        return true;
    };
    if (n.domain == "tercet" && n.op == "QuantizedConv") return own_is_constant() && elements(own);
    if (n.domain == "tercet" && n.op == "QuantizedMatMul") return own_is_constant() && rank >= 2 && elements(own);
    if (n.domain == "tercet") return n.op == "Pointwise" && elements(0);
    if (!n.domain.empty()) return false;
    if (find_pointwise_op(n.op) || n.op == "Clip" || n.op == "Gelu" || n.op == "Cast") return elements(0);
    constexpr std::array<std::string_view, 10> windows{"Conv", "MaxPool", "AveragePool", "LpPool", "GlobalAveragePool", "GlobalMaxPool", "BatchNormalization", "LRN", "DepthToSpace", "SpaceToDepth"};
    if (n.op == "BatchNormalization" && n.attributes.integer("training_mode", 0) != 0) return false;
    if (std::ranges::find(windows, n.op) != windows.end()) return own_is_constant() && n.outputs.size() == 1 && elements(own);
    if (n.op == "Gemm") return own_is_constant() && n.attributes.integer("transA", 0) == 0 && (n.inputs.size() < 3 || n.inputs[2] == ValueId::none || p.value(n.inputs[2]).type.shape.size() < 2 || p.value(n.inputs[2]).type.shape[0] == Dim(1)) && elements(own);
    if (n.op == "MatMul") return own_is_constant() && rank >= 2 && static_cast<int>(p.value(n.outputs[0]).type.shape.size()) == rank && elements(own);
    if (n.op == "Transpose") {
        const auto order = n.attributes.integers("perm");
        return !order.empty() && order[0] == 0;
    }
    if (n.op == "Concat") return off_first_axis(n, "axis", 0, rank) && std::ranges::none_of(n.inputs, [&](ValueId v) { return is_constant(p, v); });
    if (n.op == "Softmax") return off_first_axis(n, "axis", -1, rank);
    if (n.op == "Split") return off_first_axis(n, "axis", 0, rank) && rest_is_constant(1);
    if (n.op == "Slice") return rest_is_constant(1) && lists_other_axes(p, n, 3, rank);
    if (n.op == "Pad" || n.op == "Resize") return rest_is_constant(1);  // an output whose batch is not the input's is no batch
    if (n.op == "ReduceMean" || n.op == "ReduceSum" || n.op == "ReduceMax") return rest_is_constant(1) && lists_other_axes(p, n, 1, rank) && !n.attributes.has("tail");
    return false;
}

}  // namespace

std::optional<std::string> batch_symbol(const Program& p) {
    if (p.inputs.empty() || p.value(p.inputs[0]).type.shape.empty()) return std::nullopt;
    const Dim batch = p.value(p.inputs[0]).type.shape[0];
    if (!batch.is_symbol()) return std::nullopt;
    const std::string symbol = batch.text();
    if (!p.profile.contains(symbol)) return std::nullopt;
    for (const ProgramValue& v : p.values) {
        if (v.place == Place::constant) continue;
        if (!leads_with(v.type, batch)) return std::nullopt;
        for (std::size_t i = 1; i < v.type.shape.size(); ++i)
            if (depends_on(v.type.shape[i], symbol)) return std::nullopt;
    }
    for (const GraphOutput& o : p.outputs)
        if (is_constant(p, o.value)) return std::nullopt;
    for (const ProgramStep& s : p.steps)
        if (s.node.inputs.empty() || s.node.inputs[0] == ValueId::none || s.node.outputs.empty() || s.node.outputs[0] == ValueId::none || !keeps_samples_apart(p, s)) return std::nullopt;
    return symbol;
}

Symbols tuned_at(const Program& p, ProfilePoint point) {
    Symbols s = symbols_at(p.profile, point);
    if (p.slice > 0 && point != ProfilePoint::min) {
        auto& batch = s.at(p.value(p.inputs[0]).type.shape[0].text());
        batch = std::min(batch, p.slice);
    }
    return s;
}

std::int64_t slice_of(const Program& p, std::int64_t batch, int workers) {
    if (p.slice <= 0 || batch < 2 || batch < workers) return 0;
    const std::int64_t slices = (batch + p.slice * workers - 1) / (p.slice * workers) * workers;  // as many for each worker
    return (batch + slices - 1) / slices;
}

}  // namespace tercet
