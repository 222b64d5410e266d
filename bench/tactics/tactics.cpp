// SPDX-License-Identifier: Apache-2.0
// tactics 'GRAPH' [THREADS] [FILTER]   times every tactic and variant on a graph of one node, the fastest first:
//
//     tactics '(f32[1,56,56,64] x) => (f32[?] y) { y = Conv<layout = "NHWC", pads = [1, 1, 1, 1]>(x, random[64,64,3,3], random[64]) }' 2
//
// GFLOP/s count the multiply-adds of the direct algorithm twice, whatever the tactic does instead.
#include "graph/text.h"
#include "system/thread_pool.h"
#include "target/tactic.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <random>

namespace {

using namespace tercet;
using clock_type = std::chrono::steady_clock;

double microseconds(const Kernel& k, const Buffers& shared, std::byte* workers, std::size_t stride, ThreadPool& pool, int repeats) {
    std::vector<std::atomic<std::int64_t>> next(k.phases.size() * static_cast<std::size_t>(repeats));
    const auto start = clock_type::now();
    pool.run([&](int worker) {
        const Buffers b{shared.inputs, shared.outputs, shared.workspace, workers + static_cast<std::size_t>(worker) * stride};
        for (std::size_t i = 0; i < next.size(); ++i) {
            const Phase& phase = k.phases[i % k.phases.size()];
            for (std::int64_t u; (u = next[i].fetch_add(1, std::memory_order_relaxed)) < phase.units;) phase.run(b, u, u + 1);
            pool.barrier();
        }
    });
    return std::chrono::duration<double, std::micro>(clock_type::now() - start).count() / repeats;
}

Dims numbers(const Shape& shape) {
    if (const auto d = constant_shape(shape)) return *d;
    throw Error({.what = fmt::format("the shape [{}] is not of numbers alone", text_of(shape)), .fix = "write every extent as a number"});
}

void time_all(std::string_view graph, int threads, std::string_view filter) {
    Graph g = parse_text(graph);
    infer_types(g);
    if (g.order().size() != 1) throw Error({.what = fmt::format("{} nodes", g.order().size()), .fix = "give a graph of one"});
    const NodeId id = g.order()[0];
    Step step{.node = &g.node(id), .inputs = {}, .outputs = {}};
    std::mt19937 random(1);
    std::vector<Tensor> tensors;
    for (ValueId v : g.node(id).inputs) {
        if (v == ValueId::none) {
            step.inputs.emplace_back(), tensors.emplace_back();
            continue;
        }
        const Tensor* constant = g.constant(v) ? &g.value(v).constant : nullptr;
        Tensor t = constant ? *constant : Tensor::zeros(g.value(v).type.dtype, numbers(g.value(v).type.shape));
        if (!constant)
            for (std::int64_t i = 0; i < t.count(); ++i) reinterpret_cast<float*>(t.writable().data)[i] = static_cast<float>(random() >> 8) * 0x1p-24f - 0.5f;
        step.inputs.push_back({t.dtype(), t.shape(), constant});
        tensors.push_back(std::move(t));
    }
    const Type& type = g.value(g.node(id).outputs[0]).type;
    Tensor y = Tensor::zeros(type.dtype, numbers(type.shape));
    step.outputs.push_back({y.dtype(), y.shape(), nullptr});
    double multiply_adds = static_cast<double>(y.count());
    if (step.has(1) && step.inputs[1].shape.size() >= 2) multiply_adds *= static_cast<double>(count_of(step.inputs[1].shape)) / static_cast<double>(step.is("Conv") ? step.inputs[1].shape[0] : step.inputs[1].shape[1]);

    ThreadPool pool(std::max(1, threads));
    const Isa isa = std::getenv("TERCET_MAX_ISA") ? lesser(host_isa(), *isa_named(std::getenv("TERCET_MAX_ISA"))) : host_isa();
    std::vector<std::pair<double, std::string>> rows;
    for (const Tactic* t : all_tactics()) {
        if (t->name == "reference" || t->name.find(filter) == std::string_view::npos) continue;
        if (const Refusal r = t->refuse(step, isa)) continue;
        for (const Variant& v : t->variants(step, isa)) {
            const auto compiling = clock_type::now();
            const Kernel k = t->compile(step, v, isa);
            const double compile_us = std::chrono::duration<double, std::micro>(clock_type::now() - compiling).count();
            std::vector<const void*> in;
            for (const Tensor& x : tensors) in.push_back(x ? x.data() : nullptr);
            Tensor packed, expanded;
            if (t->packing && !t->packing(step, v).empty()) packed = t->pack(step, v), in[1] = packed.data();
            if (t->expansion && !t->expansion(step, v).empty()) expanded = t->expand(step, v, in[1], isa), in[1] = expanded.data();
            const std::size_t stride = (k.worker_bytes + 127) / 64 * 64;
            Tensor scratch = Tensor::zeros(DType::u8, {static_cast<std::int64_t>(k.workspace_bytes + 64 + stride * static_cast<std::size_t>(pool.threads()))});
            std::byte* workspace = scratch.writable().data;
            void* out[] = {y.writable().data};
            const Buffers b{in, out, workspace, nullptr};
            std::byte* workers = workspace + (k.workspace_bytes + 63) / 64 * 64;
            const double first = microseconds(k, b, workers, stride, pool, 1);
            const int repeats = std::clamp(static_cast<int>(3000 / first), 1, 1000);
            double best = INFINITY;
            for (int i = 0; i < 5; ++i) best = std::min(best, microseconds(k, b, workers, stride, pool, repeats));
            rows.emplace_back(best, fmt::format("{:<24} {:<44} {:>9.1f} us {:>7.1f} GFLOP/s  compiled in {:>6.0f} us, cost {:.3g}", t->name, v.text(), best, 2 * multiply_adds / best * 1e-3, compile_us, t->cost(step, v, isa)));
        }
    }
    std::ranges::sort(rows);
    for (const auto& [us, line] : rows) fmt::print("{}\n", line);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) {
        fmt::print(stderr, "usage: tactics 'GRAPH' [THREADS] [FILTER]\n");
        return 2;
    }
    try {
        time_all(argv[1], argc > 2 ? std::atoi(argv[2]) : 1, argc > 3 ? argv[3] : "");
    } catch (const Error& e) {
        fmt::print(stderr, "tactics: {}\n", e.what());
        return 1;
    }
}
