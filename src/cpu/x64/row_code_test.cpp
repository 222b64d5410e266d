// SPDX-License-Identifier: Apache-2.0
#include "cpu/x64/row_code.h"

#include "cpu/testing.h"
#include "graph/text.h"
#include "ops/testing.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>

namespace tercet::testing {
namespace {

TEST(RowCode, TilesCoverTheRow) {
    std::mt19937 random(1);
    const auto below = [&](unsigned n) { return static_cast<std::int64_t>(random() % n); };
    for (int i = 0; i < 2000; ++i) {
        WindowAxis a{.in = 1 + below(40), .kernel = 1 + below(7), .stride = 1 + below(3), .dilation = 1 + below(3), .pad_begin = below(8), .pad_end = below(8)};
        a.out = (a.in + a.pad_begin + a.pad_end - a.reach()) / a.stride + 1;
        if (a.in + a.pad_begin + a.pad_end < a.reach()) continue;
        const int most = static_cast<int>(1 + below(14));
        std::int64_t q = 0;
        for (const auto& run : x64::tile_runs(a, most)) {
            ASSERT_LE(run.tile.cols(), x64::tile_cols(a, most));
            for (std::int64_t k = 0; k < run.count; ++k)
                for (const auto& taps : run.tile.taps) ASSERT_EQ(taps, a.inside(q++)) << "pixel " << q - 1 << " of case " << i;
        }
        ASSERT_EQ(q, a.out) << "case " << i;
        ASSERT_LE(x64::tile_cols(a, most), most);
    }
}

// One node and what it runs on.
struct Subject {
    Graph graph;
    Step step;
    std::vector<Tensor> inputs;
    Tensor expected;

    explicit Subject(std::string_view text) : graph(typed_graph(text)) {
        const Node& node = graph.node(graph.order().at(0));
        const Tensor x = random_tensor(DType::f32, *constant_shape(graph.value(graph.inputs()[0]).type.shape), 1);
        step.node = &node;
        for (ValueId v : node.inputs) {
            inputs.push_back(graph.constant(v) ? *graph.constant(v) : x);
            step.inputs.push_back({inputs.back().dtype(), inputs.back().shape(), graph.constant(v)});
        }
        expected = evaluate(graph, std::vector{x}).at(0);
        step.outputs.push_back({expected.dtype(), expected.shape(), nullptr});
    }
};

// A variant is chosen at one size of a profile and runs at all of them.
TEST(RowCode, VariantsRunAtOtherSizes) {
    struct Case {
        std::string_view tactic, graph;  // with the size left open
    } cases[] = {
        {"cpu/depthwise_code_f32", R"((f32[1,{0},{0},256] x) => (f32[?] y) {{ y = Conv<layout = "NHWC", group = 256, pads = [2, 2, 2, 2]>(x, random[256,1,5,5]) }})"},
        {"cpu/pool_code_f32", R"((f32[1,{0},{0},40] x) => (f32[?] y) {{ y = MaxPool<layout = "NHWC", kernel_shape = [13, 13], pads = [6, 6, 6, 6]>(x) }})"},
        {"cpu/pool_code_f32", R"((f32[1,{0},{0},40] x) => (f32[?] y) {{ y = AveragePool<layout = "NHWC", kernel_shape = [3, 3], pads = [1, 1, 1, 1]>(x) }})"},
        {"cpu/pool_code_f32", R"((f32[1,{0},{0},40] x) => (f32[?] y) {{ y = GlobalAveragePool<layout = "NHWC">(x) }})"},
    };
    for (auto name : isa_names()) {
        const Isa isa = *isa_named(name);
        if (!isa.has(Isa::Level::avx2) || isa.level > Isa::Level::avx512 || !host_isa().has(isa.level)) continue;
        for (const Case& c : cases)
            for (int chosen_at : {1, 3, 33})
                for (int size : {2, 7, 17}) {
                    const Subject other(fmt::format(fmt::runtime(c.graph), chosen_at)), here(fmt::format(fmt::runtime(c.graph), size));
                    const Tactic& tactic = *find_tactic(c.tactic);
                    ASSERT_FALSE(tactic.refuse(here.step, isa)) << tactic.refuse(here.step, isa).reason;
                    for (const Variant& v : tactic.variants(other.step, isa)) {
                        const auto actual = run_kernel(tactic, here.step, v, isa, here.inputs, GuardedBuffer::Flush::end);
                        ASSERT_TRUE(expect_close(actual[0], here.expected, 1e-5, fmt::format("{} of {} at {} ({}), {}", c.tactic, chosen_at, size, v.text(), name)));
                    }
                }
    }
}

}  // namespace
}  // namespace tercet::testing
