// SPDX-License-Identifier: Apache-2.0
#include "runtime/engine_data.h"
#include "runtime/float_mode.h"
#include "runtime/prepared.h"
#include "system/thread_pool.h"
#include "tensor/zeroed.h"

#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <exception>
#include <list>

namespace tercet {
namespace {

using clock = std::chrono::steady_clock;

// Grows, never shrinks.
class Memory {
public:
    void reserve(std::size_t bytes) {
        if (bytes <= bytes_) return;
        try {
            data_ = zeroed_memory(bytes);
        } catch (const std::bad_alloc&) {
            throw Error({.what = fmt::format("no memory for {} MiB of buffers", bytes >> 20), .fix = "use a smaller batch"});
        }
        bytes_ = bytes;
    }
    std::byte* data() const { return data_.get(); }

private:
    std::shared_ptr<std::byte> data_;
    std::size_t bytes_ = 0;
};

constexpr std::size_t prepared_shapes_kept = 16;

// When a worker began a step and had no more to do in it.
struct Span {
    clock::time_point start, end;
};

struct alignas(64) Counter {
    std::atomic<std::int64_t> next{0};
};

}  // namespace

struct Context::State {
    State(Engine e, int threads)
        : engine(std::move(e)), program(engine.data()->program), pool(threads), job([this](int worker) { work(worker); }) {
        arena.reserve(static_cast<std::size_t>(program.arena_bytes));
        addresses.resize(program.values.size());
        results.resize(program.outputs.size());
        copies.resize(program.outputs.size());
        input_shapes.resize(program.inputs.size());
        for (std::size_t i = 0; i < program.values.size(); ++i) {
            const ProgramValue& v = program.values[i];
            if (v.place == ProgramValue::Place::constant) addresses[i] = const_cast<std::byte*>(v.constant.data());
        }
    }

    void check_inputs(std::span<const InputView> in) const {
        if (in.size() != program.inputs.size())
            throw Error({.what = fmt::format("{} inputs given, the engine has {}", in.size(), program.inputs.size()), .fix = "give one tensor per input, in the engine's order"});
        for (std::size_t i = 0; i < in.size(); ++i) {
            const ProgramValue& v = program.value(program.inputs[i]);
            if (in[i].dtype != v.type.dtype)
                throw Error({.what = fmt::format("input '{}' is {}, the engine takes {}", v.name, name_of(in[i].dtype), name_of(v.type.dtype)), .fix = "convert it first"});
            if (in[i].shape.size() > static_cast<std::size_t>(max_rank))
                throw Error({.what = fmt::format("input '{}' has rank {}", v.name, in[i].shape.size()), .fix = fmt::format("the engine takes {}", text_of(v.type))});
            if (!in[i].data && std::ranges::find(in[i].shape, 0) == in[i].shape.end()) throw Error({.what = fmt::format("input '{}' has no data", v.name), .fix = "give its address"});
        }
    }

    // The prepared program for these inputs; made at the first run at their shapes.
    Prepared& prepared_for(std::span<const InputView> in) {
        check_inputs(in);
        const auto same = [&](const std::vector<Dims>& shapes) {
            for (std::size_t i = 0; i < in.size(); ++i)
                if (!std::ranges::equal(shapes[i], in[i].shape)) return false;
            return true;
        };
        for (auto it = ready.begin(); it != ready.end(); ++it)
            if (same(it->first)) {
                ready.splice(ready.begin(), ready, it);
                return ready.front().second;
            }
        std::vector<Dims> shapes;
        for (const InputView& v : in) shapes.emplace_back(v.shape);
        Prepared p = prepare(program, bind_symbols(program, shapes), *engine.data()->expansions, pool);
        workspace.reserve(p.workspace_bytes + static_cast<std::size_t>(pool.threads()) * worker_stride(p));
        if (counters.size() < p.phases) counters = std::vector<Counter>(p.phases);
        ready.emplace_front(std::move(shapes), std::move(p));
        if (ready.size() > prepared_shapes_kept) ready.pop_back();
        return ready.front().second;
    }

    static std::size_t worker_stride(const Prepared& p) { return (p.worker_bytes + 63) / 64 * 64; }

    // Whether output i is to lie on an input, which may still be read when the output is written, or on an output before it.
    bool overlaps(const Prepared& p, std::size_t i, std::span<const InputView> in, std::span<const OutputView> out) const {
        const auto bytes = [&](ValueId v) { return bytes_of(program.value(v).type.dtype, count_of(p.shapes[static_cast<std::size_t>(v)])); };
        const auto begin = reinterpret_cast<std::uintptr_t>(out[i].data), end = begin + bytes(program.outputs[i].value);
        const auto meets = [&](const void* data, ValueId v) {
            const auto first = reinterpret_cast<std::uintptr_t>(data);
            return first < end && begin < first + bytes(v);
        };
        for (std::size_t k = 0; k < in.size(); ++k)
            if (meets(in[k].data, program.inputs[k])) return true;
        for (std::size_t k = 0; k < i; ++k)
            if (meets(out[k].data, program.outputs[k].value)) return true;
        return false;
    }

    // Sets every value's address for this run. `out` is empty where results stay in the context's memory.
    void place(Prepared& p, std::span<const InputView> in, std::span<const OutputView> out) {
        for (std::size_t i = 0; i < program.values.size(); ++i)
            if (program.values[i].place == ProgramValue::Place::arena) addresses[i] = arena.data() + program.values[i].offset;
        for (std::size_t i = 0; i < in.size(); ++i) addresses[static_cast<std::size_t>(program.inputs[i])] = static_cast<std::byte*>(const_cast<void*>(in[i].data));
        for (std::size_t i = 0; i < out.size(); ++i) {
            const auto v = static_cast<std::size_t>(program.outputs[i].value);
            const bool first = std::ranges::find(program.outputs, program.outputs[i].value, &GraphOutput::value) - program.outputs.begin() == static_cast<std::ptrdiff_t>(i);
            if (program.values[v].place == ProgramValue::Place::arena && first && !overlaps(p, i, in, out)) addresses[v] = static_cast<std::byte*>(out[i].data);
        }
        for (std::size_t i = 0; i < program.values.size(); ++i)
            if (program.values[i].place == ProgramValue::Place::view) addresses[i] = addresses[static_cast<std::size_t>(program.values[i].of)];
        for (PreparedStep& s : p.steps) {
            for (std::size_t i = 0; i < s.in.size(); ++i) s.in[i] = s.inputs[i] == ValueId::none ? nullptr : addresses[static_cast<std::size_t>(s.inputs[i])];
            if (s.expansion) s.in[1] = s.expansion.data();
            for (std::size_t i = 0; i < s.out.size(); ++i) s.out[i] = s.outputs[i] == ValueId::none ? nullptr : addresses[static_cast<std::size_t>(s.outputs[i])];
        }
    }

    void execute(Prepared& p, bool timed) {
        for (std::size_t i = 0; i < p.phases; ++i) counters[i].next.store(0, std::memory_order_relaxed);
        current = &p;
        timing = timed;
        failed = false;
        pool.run(job);
        if (failed) std::rethrow_exception(failure);
    }

    void work(int worker) {
        const FloatMode mode;
        Prepared& p = *current;
        std::byte* own = workspace.data() + p.workspace_bytes + static_cast<std::size_t>(worker) * worker_stride(p);
        for (std::size_t s = 0; s < p.steps.size(); ++s) {
            PreparedStep& step = p.steps[s];
            Span* span = timing ? &spans[s * static_cast<std::size_t>(pool.threads()) + static_cast<std::size_t>(worker)] : nullptr;
            if (span) span->start = clock::now();
            const Buffers buffers{step.in, step.out, workspace.data(), own};
            for (std::size_t i = 0; i < step.kernel.phases.size(); ++i) {
                const Phase& phase = step.kernel.phases[i];
                const std::int64_t share = std::max<std::int64_t>(1, phase.units / (pool.threads() * 8));
                std::atomic<std::int64_t>& next = counters[step.first_phase + i].next;
                try {
                    for (std::int64_t first; (first = next.fetch_add(share, std::memory_order_relaxed)) < phase.units;)
                        phase.run(buffers, first, std::min(phase.units, first + share));
                } catch (...) {  // a reference implementation found sizes that do not fit; the others wait at the barrier
                    if (!failed.exchange(true)) failure = std::current_exception();
                }
                if (span) span->end = clock::now();  // before waiting for the others
                pool.barrier();
            }
        }
    }

    void set_results(const Prepared& p, std::span<const OutputView> out) {
        for (std::size_t i = 0; i < results.size(); ++i) {
            const auto v = static_cast<std::size_t>(program.outputs[i].value);
            const Type& type = program.values[v].type;
            const Dims& shape = p.shapes[v];
            const std::size_t bytes = bytes_of(type.dtype, count_of(shape));
            const void* data = addresses[v];
            if (!out.empty()) {
                if (data != out[i].data && bytes > 0) std::memmove(out[i].data, data, bytes);  // they may overlap where an output is an input
                continue;
            }
            ValueId source = program.outputs[i].value;
            while (program.value(source).place == ProgramValue::Place::view) source = program.value(source).of;
            if (program.value(source).place == ProgramValue::Place::input) {  // the caller may change it at any time
                copies[i].reserve(bytes);
                if (bytes > 0) std::memcpy(copies[i].data(), data, bytes);
                data = copies[i].data();
            }
            results[i] = {type.dtype, shape, data};
        }
    }

    Engine engine;
    const Program& program;
    ThreadPool pool;
    std::function<void(int)> job;
    Memory arena, workspace;
    std::list<std::pair<std::vector<Dims>, Prepared>> ready;  // most recently used first
    std::vector<std::byte*> addresses;                        // of all values
    std::vector<Counter> counters;                            // units handed out, per phase
    std::vector<Dims> input_shapes;
    std::vector<ResultView> results;
    std::vector<Memory> copies;
    std::vector<Span> spans;                                  // per step and worker, of a profiled run
    std::atomic<bool> failed = false;                         // in this run, for the reason `failure`
    std::exception_ptr failure;
    Prepared* current = nullptr;
    bool timing = false;
};

Context::Context(Engine engine, int threads) : state_(std::make_unique<State>(std::move(engine), threads > 0 ? threads : usable_processors())) {}
Context::~Context() = default;
Context::Context(Context&&) noexcept = default;
Context& Context::operator=(Context&&) noexcept = default;

std::span<const ResultView> Context::run(std::span<const InputView> inputs) {
    Prepared& p = state_->prepared_for(inputs);
    state_->place(p, inputs, {});
    state_->execute(p, false);
    state_->set_results(p, {});
    return state_->results;
}

void Context::run(std::span<const InputView> inputs, std::span<const OutputView> outputs) {
    Prepared& p = state_->prepared_for(inputs);
    const Program& program = state_->program;
    if (outputs.size() != program.outputs.size())
        throw Error({.what = fmt::format("{} outputs given, the engine has {}", outputs.size(), program.outputs.size()), .fix = "give one tensor per output, in the engine's order"});
    for (std::size_t i = 0; i < outputs.size(); ++i) {
        const ValueId v = program.outputs[i].value;
        const Dims& shape = p.shapes[static_cast<std::size_t>(v)];
        if (outputs[i].dtype != program.value(v).type.dtype || !std::ranges::equal(outputs[i].shape, shape))
            throw Error({.what = fmt::format("output '{}' is {}[{}], comes out as {}[{}]", program.outputs[i].name, name_of(outputs[i].dtype), fmt::join(outputs[i].shape, ","),
                                             name_of(program.value(v).type.dtype), fmt::join(shape, ",")),
                         .fix = "ask output_shapes() first"});
        if (!outputs[i].data && count_of(shape) > 0) throw Error({.what = fmt::format("output '{}' has no memory", program.outputs[i].name), .fix = "give its address"});
    }
    state_->place(p, inputs, outputs);
    state_->execute(p, false);
    state_->set_results(p, outputs);
}

std::vector<std::vector<std::int64_t>> Context::output_shapes(std::span<const InputView> inputs) {
    state_->check_inputs(inputs);
    std::vector<Dims> shapes;
    for (const InputView& v : inputs) shapes.emplace_back(v.shape);
    const Symbols symbols = bind_symbols(state_->program, shapes);
    std::vector<std::vector<std::int64_t>> out;
    for (const GraphOutput& o : state_->program.outputs) {
        const Dims d = shape_at(state_->program.value(o.value).type, symbols);
        out.emplace_back(d.begin(), d.end());
    }
    return out;
}

std::vector<StepInfo> Context::profile(std::span<const InputView> inputs) {
    Prepared& p = state_->prepared_for(inputs);
    const auto workers = static_cast<std::size_t>(state_->pool.threads());
    state_->spans.assign(p.steps.size() * workers, {});
    state_->place(p, inputs, {});
    state_->execute(p, true);
    state_->set_results(p, {});
    std::vector<StepInfo> steps;
    for (std::size_t i = 0; i < p.steps.size(); ++i) {
        // From the first worker's start to the last one's end: a worker that wakes late counts for neither.
        const auto step = std::span(state_->spans).subspan(i * workers, workers);
        const auto took = std::ranges::max(step, {}, &Span::end).end - std::ranges::min(step, {}, &Span::start).start;
        const Node& node = state_->program.steps[i].node;
        StepInfo info{.name = node.layers.empty() ? node.name : fmt::format("{}", fmt::join(node.layers, " + ")), .op = node.op,
                      .tactic = p.steps[i].choice->tactic, .variant = p.steps[i].choice->variant.text(), .microseconds = std::chrono::duration<double, std::micro>(took).count()};
        for (ValueId v : node.outputs)
            if (v != ValueId::none && info.shape.empty())
                info.shape = fmt::format("{}[{}]", name_of(state_->program.value(v).type.dtype), fmt::join(p.shapes[static_cast<std::size_t>(v)], ","));
        steps.push_back(std::move(info));
    }
    return steps;
}

const Engine& Context::engine() const { return state_->engine; }
int Context::threads() const { return state_->pool.threads(); }

}  // namespace tercet
