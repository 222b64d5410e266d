// SPDX-License-Identifier: Apache-2.0
#include "plan/plan.h"

#include "cpu/map_program.h"
#include "engine/placement.h"
#include "engine/samples.h"
#include "passes/rewrite.h"

#include <fmt/format.h>

#include <algorithm>

namespace tercet {
namespace {

using Place = ProgramValue::Place;

// What extents that only data tell, and that nothing bounds, are taken to be while tuning, by how many of them a step decides.
constexpr std::array<std::int64_t, 4> unbounded_extents{1024, 256, 64, 16};

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
        for (ValueId v : g_.inputs()) p_.inputs.push_back(add(v, g_.value(v).type, {.place = Place::input}));
        for (NodeId id : g_.order()) at([&] { return g_.where(id); }, [&] { lower(id); });
        for (const GraphOutput& o : g_.outputs()) p_.outputs.push_back({o.name, value(o.value)});
        return std::move(p_);
    }

private:
    ValueId add(ValueId v, Type type, ProgramValue x) {
        x.name = g_.value(v).name;
        x.type = std::move(type);
        if (!computes(x.type.dtype))
            throw Error({.what = fmt::format("unsupported: '{}' has the type {}, in which nothing computes", x.name, name_of(x.type.dtype)), .fix = "convert the model to f32"});
        p_.values.push_back(std::move(x));
        contents_.emplace_back();
        return ids_[static_cast<std::size_t>(v)] = static_cast<ValueId>(p_.values.size() - 1);
    }

    ValueId value(ValueId v) {
        if (v == ValueId::none) return v;
        if (const ValueId known = ids_[static_cast<std::size_t>(v)]; known != ValueId::none) return known;
        if (!g_.value(v).constant) throw std::logic_error(fmt::format("'{}' is read before it is computed", g_.value(v).name));
        return add(v, g_.value(v).type, {.place = Place::constant, .constant = aligned(g_.value(v).constant)});
    }

    // Extents that a node decides are named after its values, which have other numbers here than in the graph.
    Inference infer_again(const Node& node) const {
        std::vector<Inference::Known> in;
        for (ValueId v : node.inputs) {
            in.emplace_back();
            if (v == ValueId::none) continue;
            const ProgramValue& x = p_.value(v);
            const auto& content = contents_[static_cast<std::size_t>(p_.source(v))];
            in.back() = {x.type, x.place == Place::constant ? &x.constant : nullptr, content ? &*content : nullptr};
        }
        return infer(node, in);
    }

    // The sizes at which what follows is tuned: the most that there can be, lest anything take more memory than is planned.
    void note(const Unknown& u, std::int64_t unbounded_extent) {
        SymbolProfile& sizes = p_.profile[u.symbol];
        sizes = {unbounded_extent, unbounded_extent, unbounded_extent};
        if (!u.bound) return;
        const auto most = [&](ProfilePoint point) { return std::max<std::int64_t>(0, u.bound->evaluate(symbols_at(p_.profile, point))); };
        sizes.min = most(ProfilePoint::min);
        sizes.opt = std::max(sizes.min, most(ProfilePoint::opt));
        sizes.max = std::max(sizes.opt, most(ProfilePoint::max));
    }

    void lower(NodeId id) {
        const Node& node = g_.node(id);
        ProgramStep step;
        step.node = node;
        step.node.name = g_.label(id);
        step.node.layers = g_.layers(id);
        for (ValueId& v : step.node.inputs) v = value(v);
        std::size_t next = p_.values.size();
        for (ValueId& v : step.node.outputs)
            if (v != ValueId::none) v = static_cast<ValueId>(next++);
        Inference types = infer_again(step.node);
        step.decides = std::move(types.unknowns);
        const auto unbounded = std::ranges::count_if(step.decides, [](const Unknown& u) { return !u.bound; });
        const std::int64_t extent = unbounded_extents[static_cast<std::size_t>(std::clamp<std::int64_t>(unbounded - 1, 0, std::ssize(unbounded_extents) - 1))];
        for (const Unknown& u : step.decides) note(u, extent);
        const bool is_view = op_of(node).pure_view && !node.attributes.has("tail") && step.decides.empty();
        for (std::size_t i = 0; i < node.outputs.size(); ++i) {
            if (node.outputs[i] == ValueId::none) continue;
            add(node.outputs[i], std::move(types.out[i]), {.place = is_view ? Place::view : Place::arena, .of = is_view ? step.node.inputs[0] : ValueId::none});
            contents_.back() = std::move(types.contents[i]);
        }
        if (!is_view) p_.steps.push_back(std::move(step));
    }

    const Graph& g_;
    std::vector<ValueId> ids_;
    Contents contents_;  // by value of the program
    Program p_;
};

// Where kernels approximate what a tail computes (exp, tanh), strictness leaves the tail to a step of its own, so that the
// product before it keeps its kernels.
Graph without_approximate_tails(Graph g) {
    for (NodeId id : std::vector(g.order())) {
        const auto tail = g.node(id).attributes.text("tail", "");
        if (tail.empty() || MapProgram(Expr::parse(tail), simd::baseline::level()).exact()) continue;
        const ValueId y = g.output(id);
        const std::string name = g.value(y).name;
        Node product = g.node(id), rest{.op = "Pointwise", .inputs = {}, .outputs = {}, .attributes = {{"expr", std::string(tail)}}, .domain = "tercet", .layers = g.layers(id)};
        const auto own = std::min(product.inputs.size(), static_cast<std::size_t>(op_of(product).inputs.max));
        rest.inputs.assign(product.inputs.begin() + static_cast<std::ptrdiff_t>(own), product.inputs.end());
        product.inputs.resize(own);
        product.attributes.erase("tail");
        product.outputs.clear();
        rest.inputs.insert(rest.inputs.begin(), emit(g, std::move(product), name + "_product", id));
        supersede(g, y, emit(g, std::move(rest), name, id));
    }
    return g;
}

// Extents that inference takes to be equal have to be, at all points of the profile.
void check_profile(const Program& p) {
    constexpr std::array<std::string_view, profile_points> names{"minimum", "optimum", "maximum"};
    for (int point = 0; point < profile_points; ++point) {
        const Symbols symbols = symbols_at(p.profile, static_cast<ProfilePoint>(point));
        try {
            check_shapes(p, symbols);
        } catch (const Error& e) {
            std::string sizes;
            for (const auto& [name, size] : symbols) sizes += fmt::format("{}{} = {}", sizes.empty() ? "" : ", ", name, size);
            throw Error({.what = fmt::format("at the profile's {} ({}): {}", names[static_cast<std::size_t>(point)], sizes, e.fault().what), .where = e.fault().where,
                         .fix = "give sizes for which the model works by --min-shapes, --opt-shapes and --max-shapes"});
        }
    }
}

void check_workspace(std::uint64_t need, const PlanSettings& settings) {
    if (need <= settings.workspace_bytes) return;
    throw Error({.what = fmt::format("needs {} MiB for activations at the profile's maximum, the workspace has {} MiB", (need >> 20) + 1, settings.workspace_bytes >> 20),
                 .fix = fmt::format("give --workspace {}MiB, or smaller --max-shapes", (need >> 20) + 1)});
}

}  // namespace

Program lower(const Graph& graph, const Profile& profile) { return Lowering(graph, profile).run(); }

Program make_program(const Graph& graph, const PlanSettings& settings) {
    Program p = lower(settings.strict ? without_approximate_tails(graph) : graph, settings.profile);
    // Before anything is timed: kernels rely on shapes that fit together, and on there being memory for them.
    check_profile(p);
    for (StepRange stage : stages_of(p)) p.arena_bytes += place_values(p, ranges_of(p.profile), stage).bytes;
    check_workspace(static_cast<std::uint64_t>(p.arena_bytes), settings);
    p.slice = choose_slice(p);
    choose_tactics(p, settings);
    pack_weights(p);
    check_workspace(workspace_needed(p, settings.threads), settings);
    return p;
}

std::uint64_t workspace_needed(const Program& program, int threads) {
    std::uint64_t scratch = 0;
    const Symbols maximum = tuned_at(program, ProfilePoint::max);
    for (const ProgramStep& s : program.steps) {
        const Choice& c = s.choices[static_cast<std::size_t>(ProfilePoint::max)];
        const Kernel k = find_tactic(c.tactic)->compile(step_at(program, s, maximum), c.variant, program.isa);
        scratch = std::max<std::uint64_t>(scratch, k.workspace_bytes + k.worker_bytes * static_cast<std::uint64_t>(threads));
    }
    return static_cast<std::uint64_t>(program.arena_bytes) + scratch;
}

}  // namespace tercet
