// SPDX-License-Identifier: Apache-2.0
#include "runtime/engine_data.h"
#include "runtime/float_mode.h"
#include "runtime/prepared.h"
#include "system/thread_pool.h"
#include "target/work.h"
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

// When a worker began its first units of a step and ended its last.
struct Span {
    clock::time_point start{}, end{};
};

struct Ready {
    std::vector<Dims> input_shapes;
    Prepared program;
    std::vector<std::size_t> moving;  // steps with operands that lie elsewhere in each run: in the caller's memory
};

}  // namespace

struct Context::State {
    State(Engine e, int threads)
        : engine(std::move(e)), program(engine.data()->program), pool(threads), job([this](int worker) { work(worker); }) {
        arena.reserve(static_cast<std::size_t>(program.arena_bytes));
        addresses.resize(program.values.size());
        moves.resize(program.values.size());
        results.resize(program.outputs.size());
        copies.resize(program.outputs.size());
        for (ValueId v : program.inputs) moves[static_cast<std::size_t>(v)] = true;
        for (const GraphOutput& o : program.outputs) moves[static_cast<std::size_t>(o.value)] = true;
        for (std::size_t i = 0; i < program.values.size(); ++i) {
            const ProgramValue& v = program.values[i];
            if (v.place == ProgramValue::Place::constant) addresses[i] = const_cast<std::byte*>(v.constant.data());
            if (v.place == ProgramValue::Place::arena) addresses[i] = arena.data() + v.offset;
            if (v.place != ProgramValue::Place::view) continue;
            addresses[i] = addresses[static_cast<std::size_t>(v.of)];
            moves[i] = moves[i] || moves[static_cast<std::size_t>(v.of)];
            if (moves[i]) moving_views.emplace_back(i, static_cast<std::size_t>(v.of));
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
    Ready& ready_for(std::span<const InputView> in) {
        check_inputs(in);
        const auto same = [&](const std::vector<Dims>& shapes) {
            for (std::size_t i = 0; i < in.size(); ++i)
                if (!std::ranges::equal(shapes[i], in[i].shape)) return false;
            return true;
        };
        for (auto it = ready.begin(); it != ready.end(); ++it)
            if (same(it->input_shapes)) {
                ready.splice(ready.begin(), ready, it);
                return ready.front();
            }
        std::vector<Dims> shapes;
        for (const InputView& v : in) shapes.emplace_back(v.shape);
        Prepared p = prepare(program, bind_symbols(program, shapes), *engine.data()->expansions, pool);
        workspace.reserve(p.workspace_bytes + static_cast<std::size_t>(pool.threads()) * worker_stride(p));
        std::vector<std::size_t> moving;
        const auto any_moves = [&](const std::vector<ValueId>& values) {
            return std::ranges::any_of(values, [&](ValueId v) { return v != ValueId::none && moves[static_cast<std::size_t>(v)]; });
        };
        for (std::size_t i = 0; i < p.steps.size(); ++i) {
            fill(p.steps[i]);
            if (any_moves(p.steps[i].inputs) || any_moves(p.steps[i].outputs)) moving.push_back(i);
        }
        ready.push_front({std::move(shapes), std::move(p), std::move(moving)});
        if (ready.size() > prepared_shapes_kept) ready.pop_back();
        return ready.front();
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

    void fill(PreparedStep& s) const {
        for (std::size_t i = 0; i < s.in.size(); ++i) s.in[i] = s.inputs[i] == ValueId::none ? nullptr : addresses[static_cast<std::size_t>(s.inputs[i])];
        if (s.expansion) s.in[1] = s.expansion.data();
        for (std::size_t i = 0; i < s.out.size(); ++i) s.out[i] = s.outputs[i] == ValueId::none ? nullptr : addresses[static_cast<std::size_t>(s.outputs[i])];
    }

    // Sets the addresses that are this run's own. `out` is empty where results stay in the context's memory.
    void place(Ready& r, std::span<const InputView> in, std::span<const OutputView> out) {
        for (std::size_t i = 0; i < in.size(); ++i) addresses[static_cast<std::size_t>(program.inputs[i])] = static_cast<std::byte*>(const_cast<void*>(in[i].data));
        for (std::size_t i = program.outputs.size(); i-- > 0;) {  // of outputs that are one value, the first one's memory is taken
            const ValueId id = program.outputs[i].value;
            const ProgramValue& v = program.value(id);
            if (v.place != ProgramValue::Place::arena) continue;
            const bool first = std::ranges::find(program.outputs, id, &GraphOutput::value) - program.outputs.begin() == static_cast<std::ptrdiff_t>(i);
            const bool callers = !out.empty() && first && !overlaps(r.program, i, in, out);
            addresses[static_cast<std::size_t>(id)] = callers ? static_cast<std::byte*>(out[i].data) : arena.data() + v.offset;
        }
        for (const auto& [view, of] : moving_views) addresses[view] = addresses[of];
        for (std::size_t s : r.moving) fill(r.program.steps[s]);
    }

    void execute(Prepared& p, bool timed) {
        current = &p;
        timing = timed;
        failed = false;
        phases.start(p.list, pool.threads());
        pool.run(job);
        if (failed) std::rethrow_exception(failure);
    }

    void work(int worker) {
        const FloatMode mode;
        Prepared& p = *current;
        std::byte* own = workspace.data() + p.workspace_bytes + static_cast<std::size_t>(worker) * worker_stride(p);
        phases.work(worker, [&](std::size_t phase, std::int64_t first, std::int64_t last) {
            const auto& [s, i] = p.phases[phase];
            const PreparedStep& step = p.steps[s];
            Span* span = timing ? &spans[s * static_cast<std::size_t>(pool.threads()) + static_cast<std::size_t>(worker)] : nullptr;
            if (span && span->end == clock::time_point{}) span->start = clock::now();
            try {
                step.kernel.phases[i].run({step.in, step.out, workspace.data(), own}, first, last);
            } catch (...) {  // a reference implementation found sizes that do not fit; what follows runs on what there is
                if (!failed.exchange(true)) failure = std::current_exception();
            }
            if (span) span->end = clock::now();
        });
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
    std::list<Ready> ready;             // most recently used first
    std::vector<std::byte*> addresses;  // of all values
    std::vector<bool> moves;            // of all values: whether its address is another in each run
    std::vector<std::pair<std::size_t, std::size_t>> moving_views;  // such a view and what it shows
    PhaseRun phases;
    std::vector<ResultView> results;
    std::vector<Memory> copies;
    std::vector<Span> spans;            // per step and worker, of a profiled run; not set: had no units
    std::atomic<bool> failed = false;   // in this run, for the reason `failure`
    std::exception_ptr failure;
    Prepared* current = nullptr;
    bool timing = false;
};

Context::Context(Engine engine, int threads) : state_(std::make_unique<State>(std::move(engine), threads > 0 ? threads : usable_processors())) {}
Context::~Context() = default;
Context::Context(Context&&) noexcept = default;
Context& Context::operator=(Context&&) noexcept = default;

std::span<const ResultView> Context::run(std::span<const InputView> inputs) {
    Ready& r = state_->ready_for(inputs);
    state_->place(r, inputs, {});
    state_->execute(r.program, false);
    state_->set_results(r.program, {});
    return state_->results;
}

void Context::run(std::span<const InputView> inputs, std::span<const OutputView> outputs) {
    Ready& r = state_->ready_for(inputs);
    const Program& program = state_->program;
    if (outputs.size() != program.outputs.size())
        throw Error({.what = fmt::format("{} outputs given, the engine has {}", outputs.size(), program.outputs.size()), .fix = "give one tensor per output, in the engine's order"});
    for (std::size_t i = 0; i < outputs.size(); ++i) {
        const ValueId v = program.outputs[i].value;
        const Dims& shape = r.program.shapes[static_cast<std::size_t>(v)];
        if (outputs[i].dtype != program.value(v).type.dtype || !std::ranges::equal(outputs[i].shape, shape))
            throw Error({.what = fmt::format("output '{}' is {}[{}], comes out as {}[{}]", program.outputs[i].name, name_of(outputs[i].dtype), fmt::join(outputs[i].shape, ","),
                                             name_of(program.value(v).type.dtype), fmt::join(shape, ",")),
                         .fix = "ask output_shapes() first"});
        if (!outputs[i].data && count_of(shape) > 0) throw Error({.what = fmt::format("output '{}' has no memory", program.outputs[i].name), .fix = "give its address"});
    }
    state_->place(r, inputs, outputs);
    state_->execute(r.program, false);
    state_->set_results(r.program, outputs);
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
    Ready& r = state_->ready_for(inputs);
    Prepared& p = r.program;
    const auto workers = static_cast<std::size_t>(state_->pool.threads());
    state_->spans.assign(p.steps.size() * workers, {});
    state_->place(r, inputs, {});
    state_->execute(p, true);
    state_->set_results(p, {});
    std::vector<Dims> shapes;
    for (const InputView& v : inputs) shapes.emplace_back(v.shape);
    const Symbols symbols = bind_symbols(state_->program, shapes);
    std::vector<StepInfo> steps;
    for (std::size_t i = 0; i < p.steps.size(); ++i) {
        // From the first worker's start to the last one's end; one that came late may have had no units.
        Span step;
        for (const Span& s : std::span(state_->spans).subspan(i * workers, workers)) {
            if (s.end == clock::time_point{}) continue;
            if (step.end == clock::time_point{} || s.start < step.start) step.start = s.start;
            step.end = std::max(step.end, s.end);
        }
        const auto took = step.end - step.start;
        const Node& node = state_->program.steps[i].node;
        const Step concrete = step_at(state_->program, state_->program.steps[i], symbols);
        const Work work = work_of(concrete);
        StepInfo info{.name = node.layers.empty() ? node.name : fmt::format("{}", fmt::join(node.layers, " + ")), .op = node.op,
                      .tactic = p.steps[i].choice->tactic, .variant = p.steps[i].choice->variant.text(),
                      .type = concrete.has(0) ? concrete.inputs[0].dtype : DType::undefined, .multiply_adds = work.multiply_adds,
                      .element_operations = work.element_operations, .bytes = work.bytes, .microseconds = std::chrono::duration<double, std::micro>(took).count()};
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
