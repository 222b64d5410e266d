// SPDX-License-Identifier: Apache-2.0
// Expanded weights, from the planner to contexts, by a tactic of the test's own.
#include "engine/engine_file.h"
#include "ops/testing.h"
#include "plan/plan.h"
#include "plan/timing_cache.h"
#include "runtime/engine_data.h"
#include "system/temporary_folder.h"
#include "tensor/testing.h"
#include "tercet/engine.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <thread>

namespace tercet {
namespace {

using testing::typed_graph;

std::atomic<int> expanded = 0;  // calls of expand

// x [n,7] times w [7,7]. Packed: w transposed. Expanded: as many copies of that as the variant has `tile`, of which the last
// one is read; single samples have one, batches two.
const RegisteredTactic expanding{{
    .name = "test/expanding_matmul",
    .numerics = [](const Step&) { return Numerics::reordered_sum; },
    .refuse = [](const Step& s, const Isa&) -> Refusal {
        const bool fits = s.is("MatMul") && s.inputs[0].shape.size() == 2 && s.inputs[1].constant && s.inputs[1].shape == Dims{7, 7};
        return fits ? Refusal{} : "not the test's step";
    },
    .variants = [](const Step& s, const Isa&) { return std::vector<Variant>{{.tile = s.inputs[0].shape[0] > 1 ? 2 : 1}}; },
    .compile = [](const Step& s, const Variant& v, const Isa&) {
        Kernel k;
        k.phases.push_back({.units = s.inputs[0].shape[0], .run = [offset = 49 * (v.tile - 1)](const Buffers& b, std::int64_t first, std::int64_t last) {
            const auto *x = static_cast<const float*>(b.inputs[0]), *w = static_cast<const float*>(b.inputs[1]) + offset;
            for (std::int64_t row = first; row < last; ++row)
                for (int column = 0; column < 7; ++column) {
                    float sum = 0;
                    for (int i = 0; i < 7; ++i) sum += x[row * 7 + i] * w[column * 7 + i];
                    static_cast<float*>(b.outputs[0])[row * 7 + column] = sum;
                }
        }});
        return k;
    },
    .cost = [](const Step&, const Variant&, const Isa&) { return 1.0; },
    .packing = [](const Step&, const Variant&) -> std::string { return "transposed"; },
    .pack = [](const Step& s, const Variant&) {
        Tensor t = Tensor::zeros(DType::f32, {49});
        for (std::int64_t i = 0; i < 49; ++i) t.writable().set_at(i, s.inputs[1].constant->get(i % 7 * 7 + i / 7));
        return t;
    },
    .packed_count = [](const Step&, const Variant&) -> std::int64_t { return 49; },
    .expansion = [](const Step&, const Variant& v) { return fmt::format("{} copies", v.tile); },
    .expand = [](const Step&, const Variant& v, const void* packed, const Isa&) {
        ++expanded;
        Tensor t = Tensor::zeros(DType::f32, {49 * v.tile});
        std::memcpy(t.writable().address(49 * (v.tile - 1)), packed, 49 * sizeof(float));
        return t;
    },
}};

class Expansion : public ::testing::Test {
protected:
    Expansion() : graph_(typed_graph("(f32[N,7] x) => (f32[N,7] y) { a = MatMul(x, random[7,7])\n b = Relu(a)\n y = MatMul(b, random[7,7]) }")) {
        graph_.set_input(graph_.order().back(), 1, graph_.input(graph_.order().front(), 1));  // both read the same weights
    }
    Engine engine(PlanSettings settings = {.tune = Tune::none}) {
        settings.profile = {{"N", {1, 2, 9}}};
        settings.threads = 2;
        write_engine(folder_.path() / "a.engine", make_program(graph_, settings));
        return Engine::open(folder_.path() / "a.engine");
    }
    void expect_right(Context& context, std::int64_t batch) {
        const Tensor x = testing::random_tensor(DType::f32, {batch, 7}, static_cast<unsigned>(batch));
        const std::int64_t shape[] = {batch, 7};
        const InputView in{DType::f32, shape, x.data()};
        const ResultView y = context.run({&in, 1})[0];
        testing::expect_close(Tensor(DType::f32, Dims(y.shape), nullptr, y.data), evaluate(graph_, std::span(&x, 1))[0], 1e-5, fmt::format("batch {}", batch));
    }
    Graph graph_;
    TemporaryFolder folder_;
};

TEST_F(Expansion, IsMadeOnceForAllContextsShapesAndReadersOfTheWeights) {
    const Engine e = engine();
    for (const ProgramStep& s : e.data()->program.steps)
        EXPECT_EQ(s.choices[0].tactic == "test/expanding_matmul", s.node.op == "MatMul");
    expanded = 0;
    Context one(e, 1);
    EXPECT_EQ(expanded, 0);  // not before a shape needs it
    expect_right(one, 1);
    EXPECT_EQ(expanded, 1);
    expect_right(one, 9);
    EXPECT_EQ(expanded, 2);  // another form
    for (std::int64_t batch : {9, 2, 3, 8, 1, 4}) expect_right(one, batch);
    Context two(e, 2);
    for (std::int64_t batch : {1, 9}) expect_right(two, batch);
    EXPECT_EQ(expanded, 2);
}

TEST_F(Expansion, IsMadeOnceByContextsThatStartTogether) {
    const Engine e = engine();
    expanded = 0;
    {
        std::vector<std::jthread> callers;
        for (int i = 0; i < 4; ++i)
            callers.emplace_back([&] {
                Context context(e, 2);
                for (std::int64_t batch : {9, 1, 5}) expect_right(context, batch);
            });
    }
    EXPECT_EQ(expanded, 2);
}

TEST_F(Expansion, IsWhatTheTunerTimes) {
    TimingCache timings;
    expanded = 0;
    const Engine e = engine({.tune = Tune::full, .timings = &timings});  // times others, too: one candidate alone is not run
    EXPECT_GT(expanded, 0);
    Context context(e, 2);
    for (std::int64_t batch : {1, 9}) expect_right(context, batch);
}

}  // namespace
}  // namespace tercet
