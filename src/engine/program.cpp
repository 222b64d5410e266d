// SPDX-License-Identifier: Apache-2.0
#include "engine/program.h"

#include "engine/samples.h"

#include <fmt/format.h>

#include <algorithm>

namespace tercet {
namespace {

[[noreturn]] void damaged(std::string what) { throw Error({.what = "the engine is damaged: " + std::move(what), .fix = "build it again"}); }

bool decided(const ProgramStep& step, const Dim& extent) {
    return std::ranges::any_of(step.decides, [&](const Unknown& u) { return extent == Dim::symbol(u.symbol); });
}

}  // namespace

Symbols symbols_at(const Profile& profile, ProfilePoint point) {
    Symbols s;
    for (const auto& [name, p] : profile) s[name] = point == ProfilePoint::min ? p.min : point == ProfilePoint::opt ? p.opt : p.max;
    return s;
}

SymbolRanges ranges_of(const Profile& profile) {
    SymbolRanges r;
    for (const auto& [name, p] : profile) r[name] = {p.min, p.max};
    return r;
}

SymbolRanges ranges_at(const Symbols& symbols) {
    SymbolRanges r;
    for (const auto& [name, size] : symbols) r[name] = {size, size};
    return r;
}

Dims shape_at(const Type& type, const Symbols& symbols) {
    constexpr std::int64_t limit = std::int64_t{1} << 48;
    Dims d;
    std::int64_t count = 1;
    for (const Dim& x : type.shape) {
        d.push_back(x.evaluate(symbols));
        if (d.back() < 0) throw Error({.what = fmt::format("a value would have the shape [{}] with a negative size", text_of(type.shape)), .fix = "give the inputs larger sizes"});
        if (__builtin_mul_overflow(count, std::max<std::int64_t>(d.back(), 1), &count) || count > limit)
            throw Error({.what = fmt::format("a value of shape [{}] is too large", text_of(type.shape)), .fix = "give the inputs smaller sizes"});
    }
    return d;
}

Step step_at(const Program& program, const ProgramStep& step, const Symbols& symbols) {
    Step s{.node = &step.node, .inputs = {}, .outputs = {}};
    const auto operand = [&](ValueId v) -> Step::Operand {
        if (v == ValueId::none) return {};
        const ProgramValue& x = program.value(v);
        return {x.type.dtype, shape_at(x.type, symbols), x.place == ProgramValue::Place::constant ? &x.constant : nullptr};
    };
    for (ValueId v : step.node.inputs) s.inputs.push_back(operand(v));
    for (ValueId v : step.node.outputs) s.outputs.push_back(operand(v));
    return s;
}

void check_view(const Program& program, ValueId v, const Symbols& symbols) {
    for (; v != ValueId::none && program.value(v).place == ProgramValue::Place::view; v = program.value(v).of) {
        const ProgramValue& of = program.value(program.value(v).of);
        const Dims shape = shape_at(program.value(v).type, symbols);
        if (count_of(shape) != count_of(shape_at(of.type, symbols)))
            throw Error({.what = fmt::format("'{}' cannot be given the shape [{}]", of.name, fmt::join(shape, ",")), .fix = "give inputs whose sizes belong together"});
    }
}

void check_shapes(const Program& p, const Symbols& symbols) {
    Contents contents(p.values.size());
    check_shapes(p, symbols, p.all_steps(), contents);
    for (std::size_t v = 0; v < p.values.size(); ++v) check_view(p, static_cast<ValueId>(v), symbols);
}

void check_shapes(const Program& p, const Symbols& symbols, StepRange steps, Contents& contents) {
    const auto type_of = [&](ValueId v) {
        const Dims d = shape_at(p.value(v).type, symbols);
        return Type{p.value(v).type.dtype, Shape(d.begin(), d.end())};
    };
    for (std::size_t s = steps.first; s < steps.last; ++s) {
        const ProgramStep& step = p.steps[s];
        at([&] { return fmt::format("{} ({})", step.node.name, step.node.op); }, [&] {
            std::vector<Inference::Known> in;
            for (std::size_t i = 0; i < step.node.inputs.size(); ++i) {
                const ValueId v = step.node.inputs[i];
                in.emplace_back();
                if (v == ValueId::none) continue;
                const bool readable = p.value(v).place == ProgramValue::Place::constant && !(i == 1 && !step.packing.empty());
                const auto& content = contents[static_cast<std::size_t>(p.source(v))];
                in.back() = {type_of(v), readable ? &p.value(v).constant : nullptr, content ? &*content : nullptr};
            }
            const Inference types = infer(step.node, in);
            for (std::size_t i = 0; i < step.node.outputs.size(); ++i) {
                const ValueId v = step.node.outputs[i];
                if (v == ValueId::none) continue;
                Dims inferred = shape_at(types.out[i], symbols);  // extents that it decides are symbols still
                const Type expected = type_of(v);
                // Or they follow from the sizes at hand already: when it runs, they are what it has decided.
                for (std::size_t d = 0; d < expected.shape.size() && !step.decides.empty() && inferred.size() == static_cast<int>(expected.shape.size()); ++d)
                    if (decided(step, p.value(v).type.shape[d])) inferred[static_cast<int>(d)] = *expected.shape[d].constant();
                if (const Type found{types.out[i].dtype, Shape(inferred.begin(), inferred.end())}; found != expected)
                    throw Error({.what = fmt::format("sizes do not fit: its output is {}, should be {}", text_of(found), text_of(expected)),
                                 .fix = "give inputs whose sizes belong together"});
                contents[static_cast<std::size_t>(v)] = types.contents[i];
            }
        });
    }
}

std::vector<StepRange> stages_of(const Program& p) {
    std::vector<StepRange> stages{{0, 0}};
    for (std::size_t s = 0; s < p.steps.size(); ++s) {
        if (!p.steps[s].decides.empty()) stages.push_back({s, s});
        stages.back().last = s + 1;
    }
    return stages;
}

void check_program(const Program& p) {
    using Place = ProgramValue::Place;
    const auto in_range = [&](ValueId v) { return static_cast<std::size_t>(v) < p.values.size(); };
    std::vector<bool> known(p.values.size());
    const auto maximum = symbols_at(p.profile, ProfilePoint::max);
    if (p.arena_bytes < 0) damaged("size of the arena");
    for (const auto& [name, s] : p.profile)
        if (s.min < 0 || s.min > s.opt || s.opt > s.max) damaged(fmt::format("profile of '{}'", name));
    for (std::size_t i = 0; i < p.values.size(); ++i) {
        const ProgramValue& v = p.values[i];
        if (!computes(v.type.dtype)) damaged(fmt::format("type of '{}'", v.name));
        shape_at(v.type, maximum);  // its size can be addressed
        if (v.place == Place::constant) {
            known[i] = true;
            if (!constant_shape(v.type.shape)) damaged(fmt::format("shape of constant '{}'", v.name));
        }
        if (v.place == Place::view) {
            if (!in_range(v.of) || static_cast<std::size_t>(v.of) >= i) damaged(fmt::format("place of '{}'", v.name));
            const ProgramValue& of = p.value(v.of);
            if (of.type.dtype != v.type.dtype) damaged(fmt::format("type of '{}'", v.name));
            for (auto point : {ProfilePoint::min, ProfilePoint::opt, ProfilePoint::max})
                if (count_of(shape_at(of.type, symbols_at(p.profile, point))) != count_of(shape_at(v.type, symbols_at(p.profile, point))))
                    damaged(fmt::format("size of '{}'", v.name));
        }
    }
    for (ValueId v : p.inputs) {
        if (!in_range(v) || p.value(v).place != Place::input) damaged("its inputs");
        known[static_cast<std::size_t>(v)] = true;
    }
    const auto is_known = [&](ValueId v) { return in_range(v) && known[static_cast<std::size_t>(p.source(v))]; };
    Contents contents(p.values.size());  // inferred anew: kernels address by them
    std::vector<std::int64_t> packed(p.values.size(), -1);  // elements of constants as the steps that read them packed expect
    for (const ProgramStep& step : p.steps) {
        at(fmt::format("{} ({})", step.node.name, step.node.op), [&] {
            std::vector<Inference::Known> in;
            for (std::size_t i = 0; i < step.node.inputs.size(); ++i) {
                const ValueId v = step.node.inputs[i];
                in.emplace_back();
                if (v == ValueId::none) continue;
                if (!is_known(v)) damaged(fmt::format("input {}", i));
                const ProgramValue& x = p.value(v);
                const bool is_packed = i == 1 && !step.packing.empty();
                in.back().type = x.type;
                in.back().constant = x.place == Place::constant && !is_packed ? &x.constant : nullptr;
                if (const auto& known_content = contents[static_cast<std::size_t>(p.source(v))]) in.back().content = &*known_content;
            }
            for (ValueId v : step.node.outputs) {
                if (v == ValueId::none) continue;
                if (!in_range(v) || p.value(v).place != Place::arena || known[static_cast<std::size_t>(v)]) damaged("an output");
                known[static_cast<std::size_t>(v)] = true;
            }
            const Inference types = infer(step.node, in);
            if (types.unknowns != step.decides) damaged("the extents that it decides");
            for (const Unknown& u : step.decides)
                if (!p.profile.contains(u.symbol) || step.choices != std::array{reference_choice, reference_choice, reference_choice}) damaged("the extents that it decides");
            for (std::size_t i = 0; i < step.node.outputs.size(); ++i) {
                const ValueId v = step.node.outputs[i];
                if (v == ValueId::none) continue;
                if (types.out[i] != p.value(v).type) damaged(fmt::format("type of output {}", i));
                contents[static_cast<std::size_t>(v)] = types.contents[i];
            }
        });
    }
    for (const GraphOutput& o : p.outputs)
        if (!in_range(o.value)) damaged(fmt::format("output '{}'", o.name));
    if (p.slice < 0 || (p.slice > 0 && !batch_symbol(p))) damaged("its slices");
    // Extents that were symbols above must fit together, too, before a tactic is asked about them.
    for (auto point : {ProfilePoint::min, ProfilePoint::opt, ProfilePoint::max}) check_shapes(p, tuned_at(p, point)), check_shapes(p, symbols_at(p.profile, point));
    for (const ProgramStep& step : p.steps) {
        at([&] { return fmt::format("{} ({})", step.node.name, step.node.op); }, [&] {
            const Tactic* first = find_tactic(step.choices[0].tactic);
            for (int point = 0; point < profile_points; ++point) {
                const Choice& c = step.choices[static_cast<std::size_t>(point)];
                const Tactic* t = find_tactic(c.tactic);
                if (!t || !first) throw Error({.what = fmt::format("unknown tactic '{}'", c.tactic), .fix = "build the engine with this version"});
                const Step s = step_at(p, step, tuned_at(p, static_cast<ProfilePoint>(point)));
                if (const Refusal r = t->refuses(s, p.isa)) damaged(fmt::format("tactic {} refuses the step: {}", c.tactic, r.reason));
                const auto variants = t->variants(s, p.isa);
                if (std::ranges::find(variants, c.variant) == variants.end()) damaged(fmt::format("variant '{}' of {}", c.variant.text(), c.tactic));
                const std::string packing = t->packing ? t->packing(s, c.variant) : "";
                if (packing != step.packing) damaged(fmt::format("packing '{}'", step.packing));
                if (packing.empty()) continue;
                const auto w = static_cast<std::size_t>(step.node.inputs[1]);
                const std::int64_t count = t->packed_count(s, c.variant);
                const ProgramValue& weights = p.values[w];
                if (weights.place != Place::constant || weights.constant.dtype() != (t->packs_floats ? DType::f32 : weights.type.dtype) || weights.constant.count() != count)
                    damaged("size of the packed weights");
                packed[w] = count;
            }
        });
    }
    for (const ProgramStep& step : p.steps)
        for (std::size_t i = 0; i < step.node.inputs.size(); ++i) {
            const ValueId v = step.node.inputs[i];
            if (v == ValueId::none || packed[static_cast<std::size_t>(p.source(v))] < 0) continue;
            if (i != 1 || step.packing.empty() || p.source(v) != v) damaged(fmt::format("{}: packed weights are read unpacked", step.node.name));
        }
    for (std::size_t i = 0; i < p.values.size(); ++i) {
        const ProgramValue& v = p.values[i];
        if (v.place == Place::constant && packed[i] < 0 && (v.constant.dtype() != v.type.dtype || v.constant.shape() != *constant_shape(v.type.shape)))
            damaged(fmt::format("elements of '{}'", v.name));
    }
    for (const GraphOutput& o : p.outputs)
        if (!is_known(o.value) || packed[static_cast<std::size_t>(p.source(o.value))] >= 0) damaged(fmt::format("output '{}'", o.name));
}

}  // namespace tercet
