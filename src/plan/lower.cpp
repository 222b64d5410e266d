// SPDX-License-Identifier: Apache-2.0
#include "plan/plan.h"

#include <fmt/format.h>

namespace tercet {
namespace {

using Place = ProgramValue::Place;

// Kernels that are timed read constants as arrays of their type, but in a model's file they may stand at any byte.
Tensor aligned(const Tensor& t) {
    if (reinterpret_cast<std::uintptr_t>(t.data()) % (static_cast<std::uintptr_t>(bits_of(t.dtype())) / 8) == 0) return t;
    Tensor copy = Tensor::zeros(t.dtype(), t.shape());
    std::memcpy(copy.writable().data, t.data(), t.bytes());
    return copy;
}

class Lowering {
public:
    Lowering(const Graph& g, const Profile& profile) : g_(g), ids_(g.value_count(), ValueId::none) {
        p_.model = g.name;
        p_.profile = profile;
    }

    Program run() {
        for (ValueId v : g_.inputs()) p_.inputs.push_back(add(v, {.place = Place::input}));
        for (NodeId id : g_.order()) at([&] { return g_.where(id); }, [&] { lower(id); });
        for (const GraphOutput& o : g_.outputs()) p_.outputs.push_back({o.name, value(o.value)});
        return std::move(p_);
    }

private:
    ValueId add(ValueId v, ProgramValue x) {
        const Value& from = g_.value(v);
        x.name = from.name;
        x.type = from.type;
        if (!computes(x.type.dtype))
            throw Error({.what = fmt::format("unsupported: '{}' has the type {}, in which nothing computes", x.name, name_of(x.type.dtype)), .fix = "convert the model to f32"});
        p_.values.push_back(std::move(x));
        return ids_[static_cast<std::size_t>(v)] = static_cast<ValueId>(p_.values.size() - 1);
    }

    ValueId value(ValueId v) {
        if (v == ValueId::none) return v;
        if (const ValueId known = ids_[static_cast<std::size_t>(v)]; known != ValueId::none) return known;
        return add(v, {.place = Place::constant, .constant = aligned(g_.value(v).constant)});
    }

    void lower(NodeId id) {
        const Node& node = g_.node(id);
        const OpDef& def = op_of(node);
        if (def.pure_view && !node.attributes.has("tail")) {
            const ValueId of = value(node.inputs[0]);
            add(node.outputs[0], {.place = Place::view, .of = of});
            return;
        }
        ProgramStep step;
        step.node = node;
        step.node.name = g_.label(id);
        step.node.layers = g_.layers(id);
        for (ValueId& v : step.node.inputs) v = value(v);
        for (ValueId& v : step.node.outputs)
            if (v != ValueId::none) v = add(v, {.place = Place::arena});
        p_.steps.push_back(std::move(step));
    }

    const Graph& g_;
    std::vector<ValueId> ids_;
    Program p_;
};

}  // namespace

Program lower(const Graph& graph, const Profile& profile) { return Lowering(graph, profile).run(); }

Program make_program(const Graph& graph, const PlanSettings& settings) {
    Program p = lower(graph, settings.profile);
    choose_tactics(p, settings);
    pack_weights(p);
    place_values(p);
    if (const std::uint64_t need = workspace_needed(p, settings.threads); need > settings.workspace_bytes)
        throw Error({.what = fmt::format("needs {} MiB for activations at the profile's maximum, the workspace has {} MiB", (need >> 20) + 1, settings.workspace_bytes >> 20),
                     .fix = fmt::format("give --workspace {}MiB, or smaller --max-shapes", (need >> 20) + 1)});
    return p;
}

std::uint64_t workspace_needed(const Program& program, int threads) {
    std::uint64_t scratch = 0;
    const Symbols maximum = symbols_at(program.profile, ProfilePoint::max);
    for (const ProgramStep& s : program.steps) {
        const Choice& c = s.choices[static_cast<std::size_t>(ProfilePoint::max)];
        const Kernel k = find_tactic(c.tactic)->compile(step_at(program, s, maximum), c.variant, program.isa);
        scratch = std::max<std::uint64_t>(scratch, k.workspace_bytes + k.worker_bytes * static_cast<std::uint64_t>(threads));
    }
    return static_cast<std::uint64_t>(program.arena_bytes) + scratch;
}

}  // namespace tercet
