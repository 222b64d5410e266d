// SPDX-License-Identifier: Apache-2.0
#include "plan/kernel_timer.h"

#include "system/caches.h"
#include "system/thread_pool.h"

#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <ctime>
#include <exception>
#include <numeric>
#include <random>

namespace tercet {
namespace {

// Constants of such types are sizes, axes and indices; others are weights.
bool is_index(DType t) { return t == DType::i64 || t == DType::i32; }


using clock = std::chrono::steady_clock;

double us_since(clock::time_point start) { return std::chrono::duration<double, std::micro>(clock::now() - start).count(); }

constexpr std::size_t cache_line = 64;

// Where a worker's share of so many bytes begins; that of the one behind the last is where all end.
std::size_t share_begin(std::size_t bytes, std::size_t worker, std::size_t workers) {
    return worker == workers ? bytes : bytes * worker / workers / cache_line * cache_line;
}

// Writes a worker's share of an input without changing it, so that it is in that worker's cache and in no other: as the step
// before leaves it, whose units are handed out by rows as well.
void write_share(const void* data, std::size_t bytes, std::size_t worker, std::size_t workers) {
    auto* p = static_cast<volatile std::byte*>(const_cast<void*>(data));
    for (std::size_t at = share_begin(bytes, worker, workers), end = share_begin(bytes, worker + 1, workers); at < end; at += cache_line) p[at] = p[at];
}

// Reads a worker's share of an output, as the step behind will: what another worker wrote of it has to come over.
void read_share(const void* data, std::size_t bytes, std::size_t worker, std::size_t workers) {
    const auto* p = static_cast<const volatile std::byte*>(data);
    for (std::size_t at = share_begin(bytes, worker, workers), end = share_begin(bytes, worker + 1, workers); at < end; at += cache_line) static_cast<void>(p[at]);
}

double cpu_us() {
    timespec t{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) * 1e6 + static_cast<double>(t.tv_nsec) * 1e-3;
}

// How often the system took a processor away from one of this process's threads.
long interruptions() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_nivcsw;
}

bool exceeds_caches(std::size_t program_bytes) { return program_bytes > cache_bytes(3); }

std::size_t aligned(std::size_t n) { return (n + 63) / 64 * 64; }

std::size_t copies_of(std::size_t bytes, std::size_t rotated_bytes, std::size_t most) {
    return std::clamp<std::size_t>((rotated_bytes + bytes) / std::max<std::size_t>(bytes, 1), 1, most);
}

}  // namespace

WeightForms::Form& WeightForms::form(const std::string& key) {
    const std::lock_guard lock(mutex_);
    return forms_[key];
}

const Tensor& WeightForms::get(const Step& step, const Candidate& c, const Isa& isa) {
    const Tensor* weights = step.inputs[1].constant;
    if (!c.packing.empty()) {
        Form& packed = form("packed " + c.packing);
        std::call_once(packed.once, [&] { packed.tensor = c.tactic->pack(step, c.choice.variant); });
        weights = &packed.tensor;
    }
    if (!c.expansion.empty()) {
        Form& expanded = form("expanded " + c.choice.tactic + " " + c.packing + " " + c.expansion);
        std::call_once(expanded.once, [&] { expanded.tensor = c.tactic->expand(step, c.choice.variant, weights->data(), isa); });
        weights = &expanded.tensor;
    }
    return *weights;
}

std::string_view KernelTimer::surroundings(std::size_t program_bytes) { return exceeds_caches(program_bytes) ? "from memory" : ""; }

KernelTimer::KernelTimer(const Step& step, const std::vector<Candidate>& candidates, WeightForms& weights, std::size_t program_bytes, ThreadPool& pool, const Isa& isa)
    : step_(step), candidates_(candidates), weights_(weights), from_memory_(exceeds_caches(program_bytes)),
      rotated_bytes_(std::min(program_bytes, 2 * cache_bytes(2))), pool_(pool), isa_(isa) {
    std::size_t bytes = 0;
    for (const auto* list : {&step.inputs, &step.outputs})
        for (const auto& o : *list)
            if (o && !o.constant) bytes += bytes_of(o.dtype, count_of(o.shape));
    for (std::size_t copy = copies_of(bytes, rotated_bytes_, 4); copy > 0; --copy) {
        operands_.emplace_back(), results_.emplace_back();
        for (const auto& in : step.inputs) operands_.back().push_back(in.constant ? *in.constant : in ? filled(in) : Tensor());
        for (const auto& out : step.outputs) results_.back().push_back(out ? Tensor::zeros(out.dtype, out.shape) : Tensor());
    }
}

// Floats around 0, in a pattern that repeats itself. Integers stay 0: valid as indices and as contents.
Tensor KernelTimer::filled(const Step::Operand& o) {
    Tensor t = Tensor::zeros(o.dtype, o.shape);
    if (o.dtype == DType::i8 || o.dtype == DType::u8)
        for (std::int64_t i = 0; i < t.count(); ++i) t.writable().data[i] = static_cast<std::byte>(i * 37 % 127);
    if (o.dtype != DType::f32) return t;
    std::vector<float> pattern(4093);
    std::mt19937 random(1);
    for (float& x : pattern) x = static_cast<float>(random() >> 8) * 0x1p-24f - 0.5f;
    const auto period = static_cast<std::int64_t>(pattern.size());
    for (std::int64_t i = 0; i < t.count(); i += period)
        std::memcpy(t.writable().address(i), pattern.data(), static_cast<std::size_t>(std::min(period, t.count() - i)) * sizeof(float));
    return t;
}

double KernelTimer::prepare(std::span<const std::size_t> candidates) {
    const auto start = clock::now();
    for (std::size_t i : candidates) ready_[i];
    pool_.share(candidates.size(), [&](std::size_t i) {
        const Candidate& c = candidates_[candidates[i]];
        Ready& r = ready_.find(candidates[i])->second;
        r.kernel = c.tactic->compile(step_, c.choice.variant, isa_);
        if (step_.inputs.size() < 2 || !step_.inputs[1].constant || is_index(step_.inputs[1].dtype)) return;
        r.weights = &weights_.get(step_, c, isa_);
        if (from_memory_ || r.weights->bytes() == 0) return;
        for (std::size_t n = copies_of(r.weights->bytes(), rotated_bytes_, 64); n > 1; --n)
            r.copies.push_back(Tensor::of(r.weights->dtype(), r.weights->shape(), std::span(r.weights->data(), r.weights->bytes())));
    });
    for (std::size_t i : candidates) {
        const Kernel& k = ready_.find(i)->second.kernel;
        const std::size_t need = aligned(k.workspace_bytes) + static_cast<std::size_t>(pool_.threads()) * aligned(k.worker_bytes);
        if (!scratch_ || scratch_.bytes() < need) scratch_ = Tensor::zeros(DType::u8, {static_cast<std::int64_t>(need)});
    }
    return us_since(start);
}

Sample KernelTimer::run(std::size_t candidate, double part) {
    const auto called = clock::now();
    const Ready& r = ready_.find(candidate)->second;
    ++turn_;
    std::vector<const void*> in;
    std::vector<void*> out;
    for (const Tensor& t : operands_[turn_ % operands_.size()]) in.push_back(t ? t.data() : nullptr);
    for (Tensor& t : results_[turn_ % results_.size()]) out.push_back(t ? t.writable().data : nullptr);
    if (r.weights) {
        const std::size_t copy = turn_ % (r.copies.size() + 1);
        in[1] = copy == 0 ? r.weights->data() : r.copies[copy - 1].data();
    }
    // Some of the units, where there are many, and no phase behind that would read what they leave out. A fixed cost of the
    // weights would count too much then: they are left where they are.
    PhaseList list;
    double scale = 1;
    const auto& phases = r.kernel.phases;
    if (part < 1 && phases.size() == 1 && static_cast<double>(phases[0].units) * part >= 16.0 * pool_.threads()) {
        const auto units = static_cast<std::int64_t>(static_cast<double>(phases[0].units) * part);
        scale = static_cast<double>(phases[0].units) / static_cast<double>(units);
        list.add(units);
    } else {
        for (const Phase& p : phases) list.add(p.units);
    }
    std::byte* scratch = scratch_.writable().data;
    std::byte* workers = scratch + aligned(r.kernel.workspace_bytes);
    // From the first worker's beginning to the first one's return, which is when all is done: others may have been held up.
    const auto threads = static_cast<std::size_t>(pool_.threads());
    std::vector<clock::time_point> began(threads), ended(threads);
    std::vector<double> cpu(threads);
    std::exception_ptr failure;
    std::atomic<bool> failed = false;
    phases_.start(list, pool_.threads());
    const long before = interruptions();
    pool_.run([&](int worker) {
        if (from_memory_ && r.weights && scale == 1) {
            const std::size_t share = r.weights->bytes() / threads + 1, first = std::min(r.weights->bytes(), share * static_cast<std::size_t>(worker));
            flush_from_caches(r.weights->data() + first, std::min(share, r.weights->bytes() - first));
        }
        for (std::size_t i = 0; i < in.size(); ++i)
            if (step_.inputs[i] && !step_.inputs[i].constant) write_share(in[i], bytes_of(step_.inputs[i].dtype, count_of(step_.inputs[i].shape)), static_cast<std::size_t>(worker), threads);
        pool_.barrier();
        const double cpu_before = cpu_us();
        began[static_cast<std::size_t>(worker)] = clock::now();
        const Buffers buffers{in, out, scratch, workers + static_cast<std::size_t>(worker) * aligned(r.kernel.worker_bytes)};
        phases_.work(worker, [&](std::size_t phase, std::int64_t first, std::int64_t last) {
            try {
                phases[phase].run(buffers, first, last);
            } catch (...) {  // a reference implementation found contents that do not fit
                if (!failed.exchange(true)) failure = std::current_exception();
            }
        });
        for (std::size_t i = 0; i < out.size() && threads > 1; ++i)
            if (out[i]) read_share(out[i], bytes_of(step_.outputs[i].dtype, count_of(step_.outputs[i].shape)), static_cast<std::size_t>(worker), threads);
        ended[static_cast<std::size_t>(worker)] = clock::now();
        cpu[static_cast<std::size_t>(worker)] = cpu_us() - cpu_before;
    });
    if (failed) std::rethrow_exception(failure);
    double us = std::chrono::duration<double, std::micro>(std::ranges::min(ended) - std::ranges::min(began)).count();
    const bool disturbed = interruptions() != before;
    // Where a worker was held up, what they worked and waited for each other tells more: as long as all are there, that is the
    // time that passes. Not where units are few: another may have done some that it cannot do at the same time.
    const bool many_units = std::ranges::all_of(phases, [&](const Phase& p) { return p.units >= 8 * pool_.threads(); });
    if (disturbed && many_units) us = std::min(us, std::accumulate(cpu.begin(), cpu.end(), 0.0) / static_cast<double>(threads));
    return {.us = us * scale, .disturbed = disturbed, .spent_us = us_since(called)};
}

}  // namespace tercet
