// SPDX-License-Identifier: Apache-2.0
#include "runtime/stages.h"

#include "runtime/float_mode.h"
#include "system/thread_pool.h"

#include <fmt/format.h>

#include <algorithm>

namespace tercet {
namespace {

using Place = ProgramValue::Place;
using clock = std::chrono::steady_clock;

constexpr std::size_t decisions_kept = 16;  // per stage

}  // namespace

Stages::Stages(const Program& program, const Symbols& inputs, Expansions& expansions, ThreadPool& pool, std::span<Room> rooms)
    : program_(program), expansions_(expansions), pool_(pool), rooms_(rooms), ranges_(stages_of(program)), home_(program.values.size()), ready_(ranges_.size()), deciding_times_(ranges_.size()), inputs_(program.inputs.size()) {
    for (std::size_t k = 0; k < ranges_.size(); ++k)
        for (std::size_t s = ranges_[k].first; s < ranges_[k].last; ++s)
            for (ValueId v : program.steps[s].node.outputs)
                if (v != ValueId::none) home_[static_cast<std::size_t>(v)] = k;
    ready_[0].push_back(make(0, inputs, Contents(program.values.size())));
}

Stages::Ready Stages::make(std::size_t k, const Symbols& symbols, Contents contents) {
    const StepRange all = ranges_[k];
    StepRange steps = all;
    std::vector<ValueId> given = program_.inputs;
    if (k > 0) {
        ++steps.first;
        given.clear();
        for (std::size_t s = steps.first; s < steps.last; ++s)
            for (ValueId v : program_.steps[s].node.inputs) {
                if (v == ValueId::none) continue;
                const ValueId source = program_.source(v);
                const Place place = program_.value(source).place;
                const bool earlier = place == Place::input || (place == Place::arena && home_[static_cast<std::size_t>(source)] < k);
                if (earlier && std::ranges::find(given, source) == given.end()) given.push_back(source);
            }
    }
    check_shapes(program_, symbols, all, contents);
    Prepared prepared = prepare(program_, steps, symbols, std::nullopt, expansions_, pool_);
    const Placement placement = place_values(program_, ranges_at(symbols), all);
    return {symbols, std::move(contents), Frame(program_, std::move(prepared), placement, std::move(given), rooms_[k], pool_.threads())};
}

void Stages::begin(std::span<const void* const> inputs, std::span<void* const> outputs) {
    std::ranges::copy(inputs, inputs_.begin());
    now_.assign(1, &ready_[0].front());
    if (ranges_.size() == 1) return frame().place(inputs, outputs);
    const std::vector<void*> nowhere(outputs.size());
    frame().place(inputs, nowhere);
}

void* Stages::address(ValueId v) const {
    const ValueId source = program_.source(v);
    const ProgramValue& x = program_.value(source);
    if (x.place == Place::constant) return const_cast<std::byte*>(x.constant.data());
    if (x.place == Place::input) return const_cast<void*>(inputs_[static_cast<std::size_t>(std::ranges::find(program_.inputs, source) - program_.inputs.begin())]);
    return now_[home_[static_cast<std::size_t>(source)]]->frame.address(source);
}

// The extents that the stage's first step decides, and its inputs. What it found out on the way is in scratch_.
std::vector<std::int64_t> Stages::decide(std::size_t k, std::vector<View>& in) {
    const ProgramStep& step = program_.steps[ranges_[k].first];
    std::vector<Tensor> data;  // not owned
    std::vector<Inference::Known> known;
    data.reserve(step.node.inputs.size());
    for (ValueId v : step.node.inputs) {
        in.emplace_back();
        known.emplace_back();
        data.emplace_back();
        if (v == ValueId::none) continue;
        const Type& type = program_.value(v).type;
        const Dims shape = shape_at(type, symbols());
        data.back() = Tensor(type.dtype, shape, nullptr, static_cast<const std::byte*>(address(v)));
        in.back() = data.back().view();
        known.back() = {{type.dtype, Shape(shape.begin(), shape.end())}, &data.back(), nullptr};
    }
    Call call{step.node, in, {}, {}};
    scratch_bytes_ = reference_scratch_bytes(call);
    scratch_.reserve(scratch_bytes_);
    call.scratch = {scratch_.data(), scratch_bytes_};
    std::vector<Type> types;
    for (ValueId v : step.node.outputs) types.push_back(v == ValueId::none ? Type{} : program_.value(v).type);
    return measure(step.node, known, types, step.decides, call);
}

clock::duration Stages::deciding_time(std::size_t step) const {
    const auto stage = std::find_if(ranges_.begin() + 1, ranges_.end(), [&](const StepRange& r) { return r.first == step; });  // the first stage has none
    return deciding_times_[static_cast<std::size_t>(stage - ranges_.begin())];
}

bool Stages::advance() {
    const std::size_t k = now_.size();
    if (k == ranges_.size()) return false;
    const FloatMode mode;
    const ProgramStep& step = program_.steps[ranges_[k].first];
    at([&] { return fmt::format("{} ({})", step.node.name, step.node.op); }, [&] {
        std::vector<View> in, out;
        const auto start = clock::now();
        const std::vector<std::int64_t> extents = decide(k, in);
        const auto decided = clock::now();
        Symbols sizes = symbols();
        for (std::size_t i = 0; i < extents.size(); ++i) sizes[step.decides[i].symbol] = extents[i];
        auto& known = ready_[k];
        const auto same = std::ranges::find(known, sizes, &Ready::symbols);
        if (same != known.end()) {
            known.splice(known.begin(), known, same);
        } else {
            known.push_front(make(k, sizes, now_.back()->contents));
            if (known.size() > decisions_kept) known.pop_back();
        }
        Ready& ready = known.front();
        std::vector<const void*> given;
        for (ValueId v : ready.frame.given()) given.push_back(address(v));
        now_.push_back(&ready);
        const std::vector<void*> nowhere(program_.outputs.size());
        ready.frame.place(given, nowhere);
        for (ValueId v : step.node.outputs)
            out.push_back(v == ValueId::none ? View() : View(program_.value(v).type.dtype, shape_at(program_.value(v).type, sizes), static_cast<std::byte*>(ready.frame.address(v))));
        const auto ready_to_run = clock::now();
        run_reference({step.node, in, out, {scratch_.data(), scratch_bytes_}});
        deciding_times_[k] = decided - start + (clock::now() - ready_to_run);
    });
    return true;
}

}  // namespace tercet
