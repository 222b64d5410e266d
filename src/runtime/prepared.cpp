// SPDX-License-Identifier: Apache-2.0
#include "runtime/prepared.h"

#include "engine/samples.h"
#include "runtime/expansions.h"
#include "runtime/float_mode.h"
#include "system/thread_pool.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace tercet {
namespace {

ProfilePoint nearest_point(const Program& program, const Symbols& symbols) {
    const auto volume = [&](const Symbols& s) {
        double v = 0;
        for (const auto& [name, p] : program.profile)
            if (const auto size = s.find(name); size != s.end()) v += std::log(std::max<double>(1, static_cast<double>(size->second)));
        return v;
    };
    const double wanted = volume(symbols);
    ProfilePoint best = ProfilePoint::opt;
    for (auto point : {ProfilePoint::min, ProfilePoint::max})
        if (std::fabs(volume(tuned_at(program, point)) - wanted) < std::fabs(volume(tuned_at(program, best)) - wanted)) best = point;
    return best;
}

// The choice at `point`, unless its tactic refuses these sizes, which lie between the points that it was asked about (an
// extent may be 0 there): then that of another point, or the reference, which reads no packed weights.
const Choice& choice_for(const ProgramStep& s, const Step& step, std::size_t point, const Isa& isa) {
    const auto runs = [&](const Choice& c) { return !find_tactic(c.tactic)->refuses(step, isa); };
    if (runs(s.choices[point])) return s.choices[point];
    for (const Choice& c : s.choices)
        if (runs(c)) return c;
    if (!s.packing.empty())
        throw Error({.what = fmt::format("{} ({}) cannot run at these sizes", s.node.name, s.node.op), .fix = "build the engine with them among --min-shapes, --opt-shapes, --max-shapes"});
    return reference_choice;
}

}  // namespace

Symbols bind_symbols(const Program& p, std::span<const Dims> shapes) {
    Symbols symbols;
    for (std::size_t i = 0; i < p.inputs.size(); ++i) {
        const ProgramValue& input = p.value(p.inputs[i]);
        const auto fail = [&](std::string_view why) {
            const Dims lo = shape_at(input.type, symbols_at(p.profile, ProfilePoint::min)), hi = shape_at(input.type, symbols_at(p.profile, ProfilePoint::max));
            throw Error({.what = fmt::format("input '{}' has the shape [{}], {} [{}]{}", input.name, fmt::join(shapes[i], ","), why, fmt::join(lo, ","),
                                             lo == hi ? "" : fmt::format(" to [{}]", fmt::join(hi, ","))),
                         .fix = lo == hi ? "give it that shape" : "give it a shape within these, or build the engine with other --min-shapes and --max-shapes"});
        };
        if (shapes[i].size() != static_cast<int>(input.type.shape.size())) fail("the engine takes");
        for (int d = 0; d < shapes[i].size(); ++d) {
            const Dim& dim = input.type.shape[static_cast<std::size_t>(d)];
            if (dim.is_constant()) {
                if (*dim.constant() != shapes[i][d]) fail("the engine takes");
                continue;
            }
            const auto name = dim.text();
            const auto range = p.profile.find(name);
            if (range == p.profile.end()) throw Error({.what = fmt::format("the engine is damaged: no profile for '{}'", name), .fix = "build it again"});
            if (shapes[i][d] < range->second.min || shapes[i][d] > range->second.max) fail("the engine's profile is");
            if (const auto [it, fresh] = symbols.emplace(name, shapes[i][d]); !fresh && it->second != shapes[i][d])
                throw Error({.what = fmt::format("input '{}' has the size {} where '{}' is {} in another input", input.name, shapes[i][d], name, it->second),
                             .fix = "give inputs whose sizes belong together"});
        }
    }
    return symbols;
}

Prepared prepare(const Program& program, StepRange range, const Symbols& symbols, std::optional<ProfilePoint> wanted_point, Expansions& expansions, ThreadPool& pool) {
    const auto point = static_cast<std::size_t>(wanted_point ? *wanted_point : nearest_point(program, symbols));
    Prepared p{.range = range};
    std::vector<Step> steps;
    std::vector<Expansions::Entry*> wanted(range.last - range.first);  // by step; null: none
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        const ProgramStep& s = program.steps[range.first + i];
        for (ValueId v : s.node.inputs) check_view(program, v, symbols);
        const Step& step = steps.emplace_back(step_at(program, s, symbols));
        const Choice& choice = choice_for(s, step, point, program.isa);
        p.steps.push_back({.inputs = s.node.inputs, .outputs = s.node.outputs, .choice = &choice});
        const Tactic& t = *find_tactic(choice.tactic);
        if (std::string key = t.expansion ? t.expansion(step, choice.variant) : ""; !key.empty())
            wanted[i] = &expansions.entry({s.node.inputs[1], choice.tactic, std::move(key), &s.node});
    }
    // Expansions first, the largest leading, so that no worker is left alone with a large one at the end.
    std::vector<std::size_t> expanding;
    for (std::size_t i = 0; i < wanted.size(); ++i)
        if (wanted[i]) expanding.push_back(i);
    std::ranges::stable_sort(expanding, std::greater(), [&](std::size_t i) { return steps[i].inputs[1].constant->count(); });
    pool.share(expanding.size() + steps.size(), [&](std::size_t task) {
        const FloatMode mode;
        const bool expands = task < expanding.size();
        const std::size_t i = expands ? expanding[task] : task - expanding.size();
        const Choice& choice = *p.steps[i].choice;
        const Tactic& t = *find_tactic(choice.tactic);
        if (expands) p.steps[i].expansion = wanted[i]->get([&] { return t.expand(steps[i], choice.variant, steps[i].inputs[1].constant->data(), program.isa); });
        else p.steps[i].kernel = t.compile(steps[i], choice.variant, program.isa);
    });
    for (std::size_t s = 0; s < p.steps.size(); ++s) {
        PreparedStep& step = p.steps[s];
        step.in.resize(step.inputs.size());
        step.out.resize(step.outputs.size());
        for (std::size_t i = 0; i < step.kernel.phases.size(); ++i) {
            p.phases.push_back({s, i});
            p.list.add(step.kernel.phases[i].units);
        }
        p.workspace_bytes = std::max(p.workspace_bytes, (step.kernel.workspace_bytes + 63) / 64 * 64);  // workers' memory follows, aligned
        p.worker_bytes = std::max(p.worker_bytes, step.kernel.worker_bytes);
    }
    return p;
}

}  // namespace tercet
