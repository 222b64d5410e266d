// SPDX-License-Identifier: Apache-2.0
// Every figure is the best of several bursts that are shorter than the time another program gets at once, and between two
// of one figure all others have theirs, in an order that changes, so that a disturbance hits few of any, whatever its rhythm.
#include "tercet/roof.h"

#include "roof/caches.h"
#include "roof/loops.h"
#include "system/thread_pool.h"
#include "target/isa.h"

#include <fmt/format.h>
#include <sched.h>
#include <sys/mman.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <optional>
#include <random>
#include <utility>

namespace tercet {
namespace {

using clock = std::chrono::steady_clock;

/// What one worker does again and again in a burst; gives how much it was.
using Chunk = std::function<double(int worker)>;

struct Effort {
    int rounds;
    std::chrono::microseconds warm_up, burst;
    std::chrono::milliseconds enough;  // no further round after so long, where others take the processor
};
constexpr Effort quick_effort{12, std::chrono::microseconds(500), std::chrono::microseconds(1500), std::chrono::milliseconds(250)};
constexpr Effort full_effort{20, std::chrono::microseconds(700), std::chrono::microseconds(2300), std::chrono::milliseconds(2500)};

// What all workers of a pool do per second together, from the first one's start to the last one's end.
double rate_of(ThreadPool& pool, const Effort& effort, const Chunk& chunk) {
    struct alignas(64) Part {
        clock::time_point start, end;
        double amount = 0;
    };
    std::vector<Part> parts(static_cast<std::size_t>(pool.threads()));
    pool.run([&](int worker) {
        const auto warm = clock::now();
        do chunk(worker);
        while (clock::now() - warm < effort.warm_up);
        pool.barrier();
        Part& p = parts[static_cast<std::size_t>(worker)];
        p.start = clock::now();
        do {
            p.amount += chunk(worker);
            p.end = clock::now();
        } while (p.end - p.start < effort.burst);
    });
    double amount = 0;
    for (const Part& p : parts) amount += p.amount;
    const std::chrono::duration<double> took = std::ranges::max(parts, {}, &Part::end).end - std::ranges::min(parts, {}, &Part::start).start;
    return amount / took.count();
}

// While it lives, a pool's workers each stay on a processor of their own: two that share one because others are busy would
// measure half a machine. The caller, worker 0, goes back to where it was allowed to run.
class Pinned {
public:
    explicit Pinned(ThreadPool& pool) {
        if (sched_getaffinity(0, sizeof allowed_, &allowed_) != 0) return;
        std::vector<int> processors;
        for (int i = 0; i < CPU_SETSIZE; ++i)
            if (CPU_ISSET(i, &allowed_)) processors.push_back(i);
        if (processors.empty()) return;
        restores_ = true;
        pool.run([&](int worker) {
            cpu_set_t own;
            CPU_ZERO(&own);
            CPU_SET(processors[static_cast<std::size_t>(worker) % processors.size()], &own);
            sched_setaffinity(0, sizeof own, &own);  // where that is refused, the system places it
        });
    }
    ~Pinned() {
        if (restores_) sched_setaffinity(0, sizeof allowed_, &allowed_);
    }
    Pinned(const Pinned&) = delete;
    Pinned& operator=(const Pinned&) = delete;

private:
    cpu_set_t allowed_{};
    bool restores_ = false;
};

// Memory whose pages are there, in large ones where the system has them. Zeros.
class Pages {
public:
    explicit Pages(std::size_t bytes) : bytes_(bytes) {
        void* p = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (p == MAP_FAILED) throw Error({.what = fmt::format("no memory for {} MiB to measure the bandwidth with", bytes >> 20), .fix = "close other programs"});
        data_ = static_cast<std::byte*>(p);
        madvise(data_, bytes_, MADV_HUGEPAGE);
    }
    ~Pages() { munmap(data_, bytes_); }
    Pages(const Pages&) = delete;
    Pages& operator=(const Pages&) = delete;
    std::byte* data() const { return data_; }

private:
    std::size_t bytes_;
    std::byte* data_ = nullptr;
};

// Instances of a cache that so many threads have among them.
double capacity_of(const Cache& c, int threads) { return static_cast<double>(c.bytes) * ((threads + c.sharers - 1) / c.sharers); }

constexpr double infinite = std::numeric_limits<double>::infinity();
constexpr double most_of_memory = 256 << 20, most_of_a_cache = 64 << 20;

std::vector<Roof::Level> levels_of(const std::vector<Cache>& caches, int threads) {
    std::vector<Roof::Level> levels;
    double last = 0;
    for (const Cache& c : caches) {
        levels.push_back({.name = fmt::format("L{}", c.level), .capacity_bytes = capacity_of(c, threads)});
        last = std::max(last, levels.back().capacity_bytes);
    }
    levels.push_back({.name = "memory", .capacity_bytes = infinite});
    for (Roof::Level& l : levels) l.measured_bytes = l.capacity_bytes == infinite ? std::min(4 * last, most_of_memory) : std::min(l.capacity_bytes / 2, most_of_a_cache);
    return levels;
}

// One worker's way through its part of a working set.
struct alignas(64) Walk {
    std::byte* data = nullptr;
    std::size_t bytes = 0, at = 0;
};

constexpr std::size_t chunk_bytes = 256 << 10;

// The set in equal parts; each worker goes round in its own.
std::vector<Walk> walks_over(std::byte* data, double bytes, int workers) {
    const std::size_t unit = 2 * MemoryLoops::block;
    const std::size_t part = std::max(unit, static_cast<std::size_t>(bytes) / static_cast<std::size_t>(workers) / unit * unit);
    std::vector<Walk> walks;
    for (int w = 0; w < workers; ++w) walks.push_back({data + static_cast<std::size_t>(w) * part, part});
    return walks;
}

// The next piece of a round of `bytes`: where, how long, and how many times.
struct Piece {
    std::size_t at, bytes;
    std::int64_t times;
};
Piece next_piece(Walk& w, std::size_t bytes) {
    if (bytes <= chunk_bytes) return {0, bytes, static_cast<std::int64_t>(chunk_bytes / bytes)};
    if (w.at >= bytes) w.at = 0;
    const Piece p{w.at, std::min(chunk_bytes, bytes - w.at), 1};
    w.at += p.bytes;
    return p;
}

Isa isa_for(const std::string& max_isa) {
    if (max_isa.empty()) return host_isa();
    const auto cap = isa_named(max_isa);
    if (!cap) throw Error({.what = fmt::format("unknown instruction set '{}'", max_isa), .fix = fmt::format("one of {}", fmt::join(isa_names(), ", "))});
    return lesser(host_isa(), *cap);
}

// The type of a peak for factors of this type.
DType peak_type(DType t) { return t == DType::u8 ? DType::i8 : t == DType::u16 ? DType::i16 : t; }

class Measurement {
public:
    Measurement(Roof& roof, const RoofSettings& settings, const Isa& isa)
        : effort_(settings.quick ? quick_effort : full_effort), quick_(settings.quick), one_(1), all_(roof.threads), pinned_(all_), memory_(memory_loops(isa)) {
        for (const PeakLoop& loop : peak_loops(isa)) {
            const auto wanted = [&](DType t) { return peak_type(t) == loop.type; };
            if (!quick_ || loop.type == DType::f32 || std::ranges::any_of(settings.types, wanted)) loops_.push_back(loop);
        }
        for (const PeakLoop& loop : loops_) roof.peaks.push_back({loop.type, loop.instruction, {}});
        for (std::size_t i = 0; i < loops_.size(); ++i) {
            const std::int64_t iterations = std::max<std::int64_t>(1, static_cast<std::int64_t>(20e6 / loops_[i].operations));
            add(roof.peaks[i].operations, [this, i, iterations](const ThreadPool&) {
                return Chunk([this, i, iterations](int) {
                    loops_[i].run(iterations);
                    return static_cast<double>(iterations) * loops_[i].operations;
                });
            });
        }
        const auto caches = caches_of_this_processor();
        roof.levels = levels_of(caches, roof.threads);
        const auto alone = levels_of(caches, 1);
        // What is measured in caches lies behind what is measured in memory, which they would hold in part otherwise.
        const double far = roof.levels.back().measured_bytes;
        double near = 0;
        for (std::size_t i = 0; i + 1 < roof.levels.size(); ++i) near = std::max(near, roof.levels[i].measured_bytes);
        const double slack = roof.threads * 2.0 * MemoryLoops::block;
        pages_.emplace(static_cast<std::size_t>(far + near + 2 * slack));
        std::byte* const behind = pages_->data() + static_cast<std::size_t>(far + slack) / 4096 * 4096;
        for (const auto& [data, bytes] : {std::pair(pages_->data(), far), std::pair(behind, near)})
            all_.run([walks = walks_over(data, bytes, roof.threads)](int worker) {  // each worker its part, which then lies near it
                const Walk& w = walks[static_cast<std::size_t>(worker)];
                std::fill(w.data, w.data + w.bytes, std::byte{1});
            });
        for (std::size_t i = 0; i < roof.levels.size(); ++i) {
            std::byte* const data = i + 1 < roof.levels.size() ? behind : pages_->data();
            const auto walks_for = [data, all = roof.levels[i].measured_bytes, one = alone[i].measured_bytes, threads = roof.threads](const ThreadPool& pool) {
                return walks_over(data, pool.threads() == threads ? all : one, pool.threads());
            };
            add(roof.levels[i].read, [this, walks_for](const ThreadPool& pool) { return reader(walks_for(pool)); });
            if (!quick_) add(roof.levels[i].copy, [this, walks_for](const ThreadPool& pool) { return copier(walks_for(pool)); });
        }
    }

    void run() {
        const auto start = clock::now();
        std::mt19937 random(1);
        for (int round = 0; round < effort_.rounds && (round < 2 || clock::now() - start < effort_.enough); ++round) {
            std::ranges::shuffle(figures_, random);
            for (Figure& f : figures_) {
                const double rate = rate_of(*f.pool, effort_, f.chunk);
                for (double* best : f.best) *best = std::max(*best, rate);
            }
        }
    }

private:
    struct Figure {
        std::vector<double*> best;
        ThreadPool* pool;
        Chunk chunk;
    };

    void add(Roof::Rate& rate, const std::function<Chunk(const ThreadPool&)>& chunk_for) {
        figures_.push_back({{&rate.all_threads}, &all_, chunk_for(all_)});
        if (all_.threads() == 1) figures_.back().best.push_back(&rate.one_thread);
        else if (!quick_) figures_.push_back({{&rate.one_thread}, &one_, chunk_for(one_)});
    }

    Chunk reader(std::vector<Walk> parts) const {
        return [this, walks = std::move(parts)](int worker) mutable {
            Walk& w = walks[static_cast<std::size_t>(worker)];
            const Piece p = next_piece(w, w.bytes);
            memory_.read(w.data + p.at, p.bytes, p.times);
            return static_cast<double>(p.bytes) * static_cast<double>(p.times);
        };
    }

    // From the second half of a worker's part to the first.
    Chunk copier(std::vector<Walk> parts) const {
        return [this, walks = std::move(parts)](int worker) mutable {
            Walk& w = walks[static_cast<std::size_t>(worker)];
            const Piece p = next_piece(w, w.bytes / 2);
            memory_.copy(w.data + p.at, w.data + w.bytes / 2 + p.at, p.bytes, p.times);
            return 2 * static_cast<double>(p.bytes) * static_cast<double>(p.times);
        };
    }

    const Effort effort_;
    const bool quick_;
    ThreadPool one_, all_;
    const Pinned pinned_;
    const MemoryLoops memory_;
    std::vector<PeakLoop> loops_;
    std::optional<Pages> pages_;
    std::vector<Figure> figures_;
};

}  // namespace

double Roof::operations_per_s(DType type) const {
    double best = 0, f32 = 0;
    for (const Peak& p : peaks) {
        if (p.type == peak_type(type)) best = std::max(best, p.operations.all_threads);
        if (p.type == DType::f32) f32 = std::max(f32, p.operations.all_threads);
    }
    return best > 0 ? best : f32;
}

double Roof::bytes_per_s(double bytes) const {
    double best = 0;
    for (const Level& l : levels)  // what is nearer is no slower than what is farther, whatever disturbed its measurement
        if (bytes <= l.capacity_bytes) best = std::max({best, l.read.all_threads, l.copy.all_threads});
    return best;
}

double Roof::least_microseconds(const StepInfo& step) const {
    const double operations = 2 * step.multiply_adds + step.element_operations, peak = operations_per_s(step.type), bandwidth = bytes_per_s(step.bytes);
    return 1e6 * std::max(peak > 0 ? operations / peak : 0, bandwidth > 0 ? step.bytes / bandwidth : 0);
}

Roof measure_roof(const RoofSettings& settings) {
    const Isa isa = isa_for(settings.max_isa);
    Roof roof{.threads = settings.threads > 0 ? settings.threads : usable_processors(), .isa = std::string(isa.name())};
    Measurement(roof, settings, isa).run();
    return roof;
}

}  // namespace tercet
