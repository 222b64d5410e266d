// SPDX-License-Identifier: Apache-2.0
#include "engine/engine_file.h"
#include "precision/precision_plan.h"
#include "tercet/inspect.h"

#include <fmt/format.h>

#include <algorithm>

namespace tercet {
namespace {

std::vector<std::int64_t> sizes_at(const Type& type, const Profile& profile, ProfilePoint point) {
    const Dims d = shape_at(type, symbols_at(profile, point));
    return {d.begin(), d.end()};
}

// An extent that only the data decides has no size in the profile: then there is none to show.
TensorInfo info_of(const std::string& name, const Type& type, const Profile& profile) {
    TensorInfo info{.name = name, .dtype = type.dtype, .shape = {}, .min_shape = {}, .opt_shape = {}, .max_shape = {}};
    std::vector<std::string> symbols;
    for (const Dim& d : type.shape) {
        info.shape.push_back(d.text());
        d.collect_symbols(symbols);
    }
    if (std::ranges::any_of(symbols, [&](const std::string& s) { return !profile.contains(s); })) return info;
    info.min_shape = sizes_at(type, profile, ProfilePoint::min);
    info.opt_shape = sizes_at(type, profile, ProfilePoint::opt);
    info.max_shape = sizes_at(type, profile, ProfilePoint::max);
    return info;
}

std::string text_of_choice(const Choice& c) {
    const std::string variant = c.variant.text();
    return variant.empty() ? c.tactic : fmt::format("{} ({})", c.tactic, variant);
}

EngineInfo::Step step_info(const Program& p, const ProgramStep& step) {
    const Choice& at_opt = step.choices[static_cast<std::size_t>(ProfilePoint::opt)];
    EngineInfo::Step s;
    s.name = fmt::format("{}", fmt::join(step.node.layers.empty() ? std::vector{step.node.name} : step.node.layers, " + "));
    s.op = step.node.op;
    s.tactic = at_opt.tactic;
    s.variant = at_opt.variant.text();
    if (!step.node.outputs.empty() && step.node.outputs[0] != ValueId::none) {
        const Type& type = p.value(step.node.outputs[0]).type;
        const TensorInfo y = info_of("", type, p.profile);
        s.shape = y.opt_shape.empty() ? text_of(type) : text_of(Type{type.dtype, Shape(y.opt_shape.begin(), y.opt_shape.end())});
    }
    s.reference = at_opt.tactic == "reference";
    for (auto [point, name] : {std::pair(ProfilePoint::min, "min"), std::pair(ProfilePoint::max, "max")})
        if (const Choice& c = step.choices[static_cast<std::size_t>(point)]; c != at_opt) s.other.push_back(fmt::format("at {}: {}", name, text_of_choice(c)));
    return s;
}

PrecisionPlanInfo plan_info(std::string json) {
    PrecisionPlanInfo info;
    if (json.empty()) return info;
    const PrecisionPlan plan = parse_precision_plan(json);
    info = {.model = plan.model, .precision = std::string(name_of(plan.precision)), .calibrator = plan.calibrator, .scales = std::ssize(plan.scales), .layers = {}, .json = std::move(json)};
    for (const LayerPlan& l : plan.layers) info.layers.push_back({l.layer, l.op, std::string(name_of(l.asked)), std::string(name_of(l.chosen)), l.reason});
    return info;
}

}  // namespace

PrecisionPlanInfo inspect_precision_plan(const std::filesystem::path& file) {
    const FileBytes content = map_file(file);
    return at(file.string(), [&] { return plan_info({reinterpret_cast<const char*>(content.bytes.data()), content.bytes.size()}); });
}

EngineInfo inspect_engine(const std::filesystem::path& file) {
    const FileBytes content = map_file(file);
    const Program p = at(file.string(), [&] { return read_engine(content); });
    EngineInfo info{.model = p.model, .precision = p.precision, .isa = std::string(p.isa.name()), .inputs = {}, .outputs = {}, .profile = {}, .steps = {}};
    info.bytes = content.bytes.size();
    info.workspace_bytes = static_cast<std::uint64_t>(p.arena_bytes);
    info.slice = p.slice;
    info.plan = at(file.string(), [&] { return plan_info(p.precision_plan); });
    for (const ProgramValue& v : p.values)
        if (v.place == ProgramValue::Place::constant) info.weight_bytes += v.constant.bytes();
    for (ValueId v : p.inputs) info.inputs.push_back(info_of(p.value(v).name, p.value(v).type, p.profile));
    for (const GraphOutput& o : p.outputs) info.outputs.push_back(info_of(o.name, p.value(o.value).type, p.profile));
    for (const auto& [name, s] : p.profile) info.profile.push_back({name, s.min, s.opt, s.max});
    for (const ProgramStep& step : p.steps) {
        info.steps.push_back(step_info(p, step));
        info.reference_steps += info.steps.back().reference;
    }
    return info;
}

}  // namespace tercet
