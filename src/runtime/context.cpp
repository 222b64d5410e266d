// SPDX-License-Identifier: Apache-2.0
#include "engine/samples.h"
#include "runtime/engine_data.h"
#include "runtime/float_mode.h"
#include "runtime/stages.h"
#include "system/thread_pool.h"
#include "target/work.h"

#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <exception>
#include <list>
#include <optional>

namespace tercet {
namespace {

using clock = std::chrono::steady_clock;

constexpr std::size_t prepared_shapes_kept = 16;

// What a worker did for a step: when it began its first units, ended its last, and how long it was at it.
struct Span {
    clock::time_point start{}, end{};
    clock::duration busy{};
    bool is_set() const { return end != clock::time_point{}; }
};

// One tensor of the caller's or of the context's, in samples.
struct Samples {
    std::byte* data = nullptr;
    std::size_t sample_bytes = 0;
    std::byte* at(std::int64_t sample) const { return data + static_cast<std::size_t>(sample) * sample_bytes; }
};

// A program made ready for the inputs' shapes.
struct Ready {
    std::vector<Dims> input_shapes, output_shapes;
    std::int64_t samples = 0, slice = 0;  // slice 0: the whole batch by all workers
    std::optional<Stages> whole;
    std::vector<Frame> slices, rest;      // by worker; the last slice may be smaller
};

}  // namespace

struct Context::State {
    State(Engine e, int threads)
        : engine(std::move(e)), program(engine.data()->program), pool(threads), whole_rooms(Stages::count(program)), worker_rooms(static_cast<std::size_t>(pool.threads())), results(program.outputs.size()),
          own_outputs(program.outputs.size()), targets(program.outputs.size()), sources(program.inputs.size()), pieces(worker_rooms.size()),
          whole_job([this](int worker) { work_on_whole(worker); }), slices_job([this](int worker) { work_on_slices(worker); }) {
        for (auto& p : pieces) p = {std::vector<const void*>(program.inputs.size()), std::vector<void*>(program.outputs.size())};
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
        }
    }

    void check_data(std::span<const InputView> in) const {
        for (std::size_t i = 0; i < in.size(); ++i)
            if (!in[i].data && std::ranges::find(in[i].shape, 0) == in[i].shape.end())
                throw Error({.what = fmt::format("input '{}' has no data", program.value(program.inputs[i]).name), .fix = "give its address"});
    }

    void check_outputs(const Ready& r, std::span<const OutputView> out) const {
        if (out.size() != program.outputs.size())
            throw Error({.what = fmt::format("{} outputs given, the engine has {}", out.size(), program.outputs.size()), .fix = "give one tensor per output, in the engine's order"});
        for (std::size_t i = 0; i < out.size(); ++i) {
            const DType dtype = program.value(program.outputs[i].value).type.dtype;
            const Dims& shape = r.output_shapes[i];
            if (out[i].dtype != dtype || !std::ranges::equal(out[i].shape, shape))
                throw Error({.what = fmt::format("output '{}' is {}[{}], comes out as {}[{}]", program.outputs[i].name, name_of(out[i].dtype), fmt::join(out[i].shape, ","), name_of(dtype), fmt::join(shape, ",")),
                             .fix = decides() ? "its shape depends on the data: run without outputs, and take the results" : "ask output_shapes() first"});
            if (!out[i].data && count_of(shape) > 0) throw Error({.what = fmt::format("output '{}' has no memory", program.outputs[i].name), .fix = "give its address"});
        }
    }

    // Made at the first run at their shapes.
    Ready& ready_for(std::span<const InputView> in) {
        check_inputs(in);
        check_data(in);
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
        Ready r;
        for (const InputView& v : in) r.input_shapes.emplace_back(v.shape);
        const Symbols symbols = bind_symbols(program, r.input_shapes);
        if (!decides()) set_output_shapes(r, symbols);
        if (program.slice > 0) r.samples = r.input_shapes[0][0], r.slice = slice_of(program, r.samples, pool.threads());
        if (r.slice == 0) {
            r.whole.emplace(program, symbols, *engine.data()->expansions, pool, whole_rooms);
        } else {
            r.slices = slice_frames(symbols, r.slice);
            if (const std::int64_t last = r.samples % r.slice) r.rest = slice_frames(symbols, last);
        }
        ready.push_front(std::move(r));
        if (ready.size() > prepared_shapes_kept) ready.pop_back();
        return ready.front();
    }

    std::vector<Frame> slice_frames(Symbols symbols, std::int64_t samples) {
        const std::string batch = program.value(program.inputs[0]).type.shape[0].text();
        symbols[batch] = samples;
        check_shapes(program, symbols);
        const Placement placement = place_values(program, ranges_at(symbols), program.all_steps());
        const Prepared prepared = prepare(program, program.all_steps(), symbols, ProfilePoint::opt, *engine.data()->expansions, pool);
        std::vector<Frame> frames;
        for (Room& room : worker_rooms) frames.emplace_back(program, prepared, placement, program.inputs, room, 1);
        return frames;
    }

    // Whether outputs' shapes, or sizes on the way to them, are known during a run only.
    bool decides() const { return whole_rooms.size() > 1; }

    void set_output_shapes(Ready& r, const Symbols& symbols) const {
        r.output_shapes.clear();
        for (const GraphOutput& o : program.outputs) {
            check_view(program, o.value, symbols);
            r.output_shapes.push_back(shape_at(program.value(o.value).type, symbols));
        }
    }

    std::size_t output_bytes(const Ready& r, std::size_t i) const { return bytes_of(program.value(program.outputs[i].value).type.dtype, count_of(r.output_shapes[i])); }

    // Whether output i is to lie on an input, which may still be read when the output is written, or on an output before it.
    bool overlaps(const Ready& r, std::size_t i, std::span<const InputView> in, std::span<const OutputView> out) const {
        const auto begin = reinterpret_cast<std::uintptr_t>(out[i].data), end = begin + output_bytes(r, i);
        const auto meets = [&](const void* data, std::size_t bytes) {
            const auto first = reinterpret_cast<std::uintptr_t>(data);
            return first < end && begin < first + bytes;
        };
        for (std::size_t k = 0; k < in.size(); ++k)
            if (meets(in[k].data, bytes_of(in[k].dtype, count_of(in[k].shape)))) return true;
        for (std::size_t k = 0; k < i; ++k)
            if (meets(out[k].data, output_bytes(r, k))) return true;
        return false;
    }

    // Runs; `out` is empty where results stay in the context's memory.
    void run(Ready& r, std::span<const InputView> in, std::span<const OutputView> out, bool timed) {
        timing = timed;
        failed = false;
        current = &r;
        if (r.slice > 0) run_slices(r, in, out);
        else run_whole(r, in, out);
        if (failed) std::rethrow_exception(failure);
        if (decides() && !out.empty()) check_outputs(r, out);
        for (std::size_t i = 0; i < results.size(); ++i) {
            std::byte* data = targets[i].data;
            if (!out.empty() && data != out[i].data) {
                if (const std::size_t bytes = output_bytes(r, i)) std::memmove(out[i].data, data, bytes);  // they may overlap where an output is an input
                data = static_cast<std::byte*>(out[i].data);
            }
            results[i] = {program.value(program.outputs[i].value).type.dtype, r.output_shapes[i], data};
        }
    }

    void run_whole(Ready& r, std::span<const InputView> in, std::span<const OutputView> out) {
        auto& [from, to] = pieces[0];
        for (std::size_t i = 0; i < in.size(); ++i) from[i] = in[i].data;
        for (std::size_t i = 0; i < to.size(); ++i) to[i] = !out.empty() && !decides() && !overlaps(r, i, in, out) ? out[i].data : nullptr;
        r.whole->begin(from, to);
        do {
            phases.start(r.whole->frame().prepared().list, pool.threads());
            pool.run(whole_job);
            if (failed) return;
        } while (r.whole->advance());
        if (decides()) set_output_shapes(r, r.whole->symbols());
        for (std::size_t i = 0; i < targets.size(); ++i) {
            const ValueId source = program.source(program.outputs[i].value);
            targets[i].data = static_cast<std::byte*>(r.whole->address(source));
            if (!out.empty() || program.value(source).place != ProgramValue::Place::input) continue;
            const std::size_t bytes = output_bytes(r, i);  // the caller may change an input at any time
            own_outputs[i].reserve(bytes);
            if (bytes > 0) std::memcpy(own_outputs[i].data(), targets[i].data, bytes);
            targets[i].data = own_outputs[i].data();
        }
    }

    void run_slices(Ready& r, std::span<const InputView> in, std::span<const OutputView> out) {
        const auto samples = static_cast<std::size_t>(r.samples);
        for (std::size_t i = 0; i < in.size(); ++i)
            sources[i] = {static_cast<std::byte*>(const_cast<void*>(in[i].data)), bytes_of(in[i].dtype, count_of(in[i].shape)) / samples};
        for (std::size_t i = 0; i < targets.size(); ++i) {
            const bool callers = !out.empty() && !overlaps(r, i, in, out);
            if (!callers) own_outputs[i].reserve(output_bytes(r, i));
            targets[i] = {callers ? static_cast<std::byte*>(out[i].data) : own_outputs[i].data(), output_bytes(r, i) / samples};
        }
        next_slice = 0;
        pool.run(slices_job);
    }

    void run_phase(const Frame& frame, std::size_t phase, int room, int worker, std::int64_t first, std::int64_t last) {
        const auto& [s, i] = frame.prepared().phases[phase];
        const PreparedStep& step = frame.prepared().steps[s];
        Span* span = timing ? &spans[(frame.prepared().range.first + s) * static_cast<std::size_t>(pool.threads()) + static_cast<std::size_t>(worker)] : nullptr;
        const auto start = span ? clock::now() : clock::time_point{};
        if (span && !span->is_set()) span->start = start;
        try {
            const auto where = [&] {
                const Node& node = program.steps[frame.prepared().range.first + s].node;
                return fmt::format("{} ({})", node.name, node.op);
            };
            at(where, [&] { step.kernel.phases[i].run(frame.buffers(step, room), first, last); });
        } catch (...) {  // a reference implementation found sizes that do not fit; what follows runs on what there is
            if (!failed.exchange(true)) failure = std::current_exception();
        }
        if (span) span->end = clock::now(), span->busy += span->end - start;
    }

    void work_on_whole(int worker) {
        const FloatMode mode;
        phases.work(worker, [&](std::size_t phase, std::int64_t first, std::int64_t last) { run_phase(current->whole->frame(), phase, worker, worker, first, last); });
    }

    void work_on_slices(int worker) {
        const FloatMode mode;
        const auto w = static_cast<std::size_t>(worker);
        auto& [from, to] = pieces[w];
        for (std::int64_t first; (first = next_slice.fetch_add(current->slice, std::memory_order_relaxed)) < current->samples;) {
            const std::int64_t count = std::min(current->slice, current->samples - first);
            Frame& frame = count == current->slice ? current->slices[w] : current->rest[w];
            for (std::size_t i = 0; i < from.size(); ++i) from[i] = sources[i].at(first);
            for (std::size_t i = 0; i < to.size(); ++i) to[i] = targets[i].at(first);
            frame.place(from, to);
            for (std::size_t p = 0; p < frame.prepared().phases.size(); ++p) {
                const auto& [s, i] = frame.prepared().phases[p];
                run_phase(frame, p, 0, worker, 0, frame.prepared().steps[s].kernel.phases[i].units);
            }
            for (std::size_t i = 0; i < to.size(); ++i)  // views, inputs, and values that are several outputs
                if (const void* at = frame.address(program.outputs[i].value); at != to[i]) std::memcpy(to[i], at, static_cast<std::size_t>(count) * targets[i].sample_bytes);
        }
    }

    Engine engine;
    const Program& program;
    ThreadPool pool;
    std::vector<Room> whole_rooms;      // by stage
    std::vector<Room> worker_rooms;
    std::list<Ready> ready;             // most recently used first; its frames lie in the rooms
    std::vector<ResultView> results;
    std::vector<Memory> own_outputs;    // where results lie that the caller has no memory for
    std::vector<Samples> targets, sources;
    std::vector<std::pair<std::vector<const void*>, std::vector<void*>>> pieces;  // by worker: addresses for Frame::place
    PhaseRun phases;
    std::atomic<std::int64_t> next_slice = 0;
    std::function<void(int)> whole_job, slices_job;
    std::vector<Span> spans;            // per step and worker, of a profiled run
    std::atomic<bool> failed = false;   // in this run, for the reason `failure`
    std::exception_ptr failure;
    Ready* current = nullptr;
    bool timing = false;
};

Context::Context(Engine engine, int threads) : state_(std::make_unique<State>(std::move(engine), threads > 0 ? threads : usable_processors())) {}
Context::~Context() = default;
Context::Context(Context&&) noexcept = default;
Context& Context::operator=(Context&&) noexcept = default;

std::span<const ResultView> Context::run(std::span<const InputView> inputs) {
    state_->run(state_->ready_for(inputs), inputs, {}, false);
    return state_->results;
}

void Context::run(std::span<const InputView> inputs, std::span<const OutputView> outputs) {
    Ready& r = state_->ready_for(inputs);
    if (!state_->decides()) state_->check_outputs(r, outputs);
    state_->run(r, inputs, outputs, false);
}

std::vector<std::vector<std::int64_t>> Context::output_shapes(std::span<const InputView> inputs) {
    state_->check_inputs(inputs);
    std::vector<Dims> shapes;
    for (const InputView& v : inputs) shapes.emplace_back(v.shape);
    const Symbols symbols = bind_symbols(state_->program, shapes);
    const auto is_known = [&](const Dim& d) {
        std::vector<std::string> names;
        d.collect_symbols(names);
        return std::ranges::all_of(names, [&](const std::string& n) { return symbols.contains(n); });
    };
    std::vector<std::vector<std::int64_t>> out;
    for (const GraphOutput& o : state_->program.outputs) {
        out.emplace_back();
        for (const Dim& d : state_->program.value(o.value).type.shape) out.back().push_back(is_known(d) ? d.evaluate(symbols) : -1);
    }
    return out;
}

std::vector<StepInfo> Context::profile(std::span<const InputView> inputs) {
    Ready& r = state_->ready_for(inputs);
    const Program& program = state_->program;
    const auto workers = static_cast<std::size_t>(state_->pool.threads());
    state_->spans.assign(program.steps.size() * workers, {});
    state_->run(r, inputs, {}, true);
    const Symbols symbols = r.slice > 0 ? bind_symbols(program, r.input_shapes) : r.whole->symbols();
    std::vector<const Choice*> choices(program.steps.size(), &reference_choice);
    const auto note_choices = [&](const Prepared& p) {
        for (std::size_t i = 0; i < p.steps.size(); ++i) choices[p.range.first + i] = p.steps[i].choice;
    };
    if (r.slice > 0) note_choices(r.slices[0].prepared());
    for (std::size_t k = 0; r.slice == 0 && k < r.whole->stages_run(); ++k) note_choices(r.whole->frame(k).prepared());
    std::vector<StepInfo> steps;
    for (std::size_t i = 0; i < program.steps.size(); ++i) {
        // Together: from the first worker's start to the last one's end; one that came late may have had no units. In slices:
        // what the workers spent on it, as a share of the run.
        Span step;
        clock::duration busy{};
        for (const Span& s : std::span(state_->spans).subspan(i * workers, workers)) {
            if (!s.is_set()) continue;
            busy += s.busy;
            if (!step.is_set() || s.start < step.start) step.start = s.start;
            step.end = std::max(step.end, s.end);
        }
        const bool decides = !program.steps[i].decides.empty();
        const auto took = decides ? r.whole->deciding_time(i) : r.slice > 0 ? busy / static_cast<int>(workers) : step.end - step.start;
        const Node& node = program.steps[i].node;
        const Step concrete = step_at(program, program.steps[i], symbols);
        const Work work = work_of(concrete);
        StepInfo info{.name = node.layers.empty() ? node.name : fmt::format("{}", fmt::join(node.layers, " + ")), .op = node.op,
                      .tactic = choices[i]->tactic, .variant = choices[i]->variant.text(),
                      .type = concrete.has(0) ? concrete.inputs[0].dtype : DType::undefined, .multiply_adds = work.multiply_adds,
                      .element_operations = work.element_operations, .bytes = work.bytes, .microseconds = std::chrono::duration<double, std::micro>(took).count()};
        if (!concrete.outputs.empty() && concrete.outputs[0]) info.shape = fmt::format("{}[{}]", name_of(concrete.outputs[0].dtype), fmt::join(concrete.outputs[0].shape, ","));
        steps.push_back(std::move(info));
    }
    return steps;
}

const Engine& Context::engine() const { return state_->engine; }
int Context::threads() const { return state_->pool.threads(); }

}  // namespace tercet
