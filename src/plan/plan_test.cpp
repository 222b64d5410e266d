// SPDX-License-Identifier: Apache-2.0
#include "engine/placement.h"
#include "plan/plan.h"

#include "ops/testing.h"
#include "plan/profile.h"
#include "plan/timing_cache.h"
#include "tensor/testing.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <random>

namespace tercet {
namespace {

using testing::error_of;
using testing::typed_graph;

TEST(Profile, DynamicBatchGetsADefaultAndShapesOverrideIt) {
    const Graph g = typed_graph("(f32[N,3] x) => (f32[N,3] y) { y = Relu(x) }");
    EXPECT_EQ(make_profile(g, {}, {}, {}).at("N"), (SymbolProfile{1, 16, 32}));
    EXPECT_EQ(make_profile(g, {{"x", {2, 3}}}, {{"x", {4, 3}}}, {{"x", {8, 3}}}).at("N"), (SymbolProfile{2, 4, 8}));
    EXPECT_EQ(make_profile(g, {}, {{"x", {4, 3}}}, {}).at("N"), (SymbolProfile{4, 4, 4}));
    EXPECT_TRUE(make_profile(typed_graph("(f32[2,3] x) => (f32[2,3] y) { y = Relu(x) }"), {}, {}, {}).empty());
}

TEST(Profile, ErrorsNameTheOptionToGive) {
    const Graph g = typed_graph("(f32[N,3,H] x) => (f32[N,3,H] y) { y = Relu(x) }");
    EXPECT_NE(error_of([&] { make_profile(g, {}, {}, {}); }).find("--min-shapes x:<N>x3x<H>"), std::string::npos);
    EXPECT_NE(error_of([&] { make_profile(g, {{"z", {1}}}, {}, {}); }).find("no input 'z'; its inputs: x"), std::string::npos);
    EXPECT_NE(error_of([&] { make_profile(g, {}, {{"x", {1, 3}}}, {}); }).find("has 3 dimensions, 2 are given"), std::string::npos);
    EXPECT_NE(error_of([&] { make_profile(g, {}, {{"x", {1, 4, 5}}}, {}); }).find("fixed to 3, 4 is given"), std::string::npos);
    EXPECT_NE(error_of([&] { make_profile(g, {{"x", {9, 3, 5}}}, {{"x", {1, 3, 5}}}, {}); }).find("do not rise"), std::string::npos);
}

TEST(Memory, ValuesAliveTogetherNeverOverlap) {
    // A random program of small nodes: each value read by a few later ones.
    std::mt19937 random(3);
    for (int round = 0; round < 20; ++round) {
        std::string text = "(f32[N,16] v0) => (f32[N,16] out = v40) {\n";
        for (int i = 1; i <= 40; ++i) text += "v" + std::to_string(i) + " = Add(v" + std::to_string(std::max(0, i - 1 - static_cast<int>(random() % 6))) + ", v" + std::to_string(i - 1) + ")\n";
        const Graph g = typed_graph(text + "}");
        Program p = lower(g, {{"N", {1, 3, 7}}});
        for (auto& s : p.steps) s.choices.fill({"reference", {}});
        const Placement placement = place_values(p, ranges_of(p.profile), p.all_steps());
        p.arena_bytes = placement.bytes;
        check_program(p);
        const auto bytes = [&](std::size_t) { return std::int64_t{7 * 16 * 4}; };
        std::vector<std::pair<int, int>> life(p.values.size(), {-1, -1});
        for (int s = 0; s < static_cast<int>(p.steps.size()); ++s) {
            for (ValueId v : p.steps[static_cast<std::size_t>(s)].node.inputs) life[static_cast<std::size_t>(v)].second = s;
            const auto o = static_cast<std::size_t>(p.steps[static_cast<std::size_t>(s)].node.outputs[0]);
            life[o] = {s, s};
        }
        life[static_cast<std::size_t>(p.outputs[0].value)].second = 1000;
        for (std::size_t a = 1; a < p.values.size(); ++a)
            for (std::size_t b = 1; b < a; ++b) {
                if (life[a].first > life[b].second || life[b].first > life[a].second) continue;
                EXPECT_TRUE(placement.offsets[a] >= placement.offsets[b] + bytes(b) || placement.offsets[b] >= placement.offsets[a] + bytes(a));
            }
        EXPECT_LT(p.arena_bytes, 15 * 512);  // forty values share the place of those alive at once
    }
}

TEST(Plan, TellsHowMuchWorkspaceItNeeds) {
    const Graph g = typed_graph("(f32[N,1000000] x) => (f32[N,1000000] y) { a = Sigmoid(x)\n y = Mul(a, x) }");
    PlanSettings settings{.profile = {{"N", {1, 1, 64}}}, .tune = Tune::none, .workspace_bytes = 64 << 20};
    EXPECT_NE(error_of([&] { make_program(g, settings); }).find("--workspace"), std::string::npos);
    settings.workspace_bytes = std::uint64_t{1} << 30;
    EXPECT_NO_THROW(make_program(g, settings));
}

TEST(Plan, StrictTakesNoTacticThatChangesTheArithmetic) {
    const Graph g = typed_graph("(f32[1,64] x) => (f32[1,64] y) { y = Sigmoid(x) }");
    PlanSettings settings{.tune = Tune::none};
    EXPECT_NE(make_program(g, settings).steps[0].choices[1].tactic, "reference");
    settings.strict = true;
    EXPECT_EQ(make_program(g, settings).steps[0].choices[1].tactic, "reference");
    const Program product = make_program(typed_graph("(f32[1,64] x, f32[1,9] r) => (f32[1,9] y) { y = Gemm<tail = \"add(x1, sigmoid(x0))\">(x, random[64,9], _, r) }"), settings);
    ASSERT_EQ(product.steps.size(), 2u);
    EXPECT_NE(product.steps[0].choices[1].tactic, "reference");
    EXPECT_EQ(product.steps[1].choices[1].tactic, "reference");
    check_program(product);
    const Program exact = make_program(typed_graph("(f32[1,64] x) => (f32[1,9] y) { y = Gemm<tail = \"relu(x0)\">(x, random[64,9]) }"), settings);
    ASSERT_EQ(exact.steps.size(), 1u);
    EXPECT_NE(exact.steps[0].choices[1].tactic, "reference");
}

TEST(Plan, ChoicesOfAStepShareOnePackingAndFollowFromTheCache) {
    const Graph g = typed_graph("(f32[N,64] x) => (f32[N,96] y) { y = MatMul(x, random[64,96]) }");
    TimingCache cache;
    PlanSettings settings{.profile = {{"N", {1, 8, 64}}}, .threads = 2, .timings = &cache};
    const Program first = make_program(g, settings);
    EXPECT_GT(cache.size(), 0u);
    const Program second = make_program(g, settings);
    EXPECT_EQ(first.steps[0].choices, second.steps[0].choices);
    EXPECT_FALSE(first.steps[0].packing.empty());
    check_program(first);
    // Times decide: the candidate that is made the fastest is taken at all three points of its packing.
    const TimingCache timed = cache;
    for (const auto& [machine, steps] : timed.entries())
        for (const auto& [signature, times] : steps) {
            auto changed = times;
            for (auto& [choice, us] : changed) us = choice.variant.rows == 1 ? 0.001 : 1000;
            cache.set(machine, signature, changed);
        }
    const Program third = make_program(g, settings);
    for (const Choice& c : third.steps[0].choices) EXPECT_EQ(c.variant.rows, 1);
}

// Steps that differ in their axes alone do not share their times; times of what is no candidate any more choose nothing.
TEST(Plan, TimesOfOtherCandidatesAreNotTaken) {
    const Graph g = typed_graph("(f32[8,8,8] x) => (f32[8,8,1] a, f32[8,1,8] b) { a = ReduceMean(x, i64[1]{2}) b = ReduceMean(x, i64[1]{1}) }");
    TimingCache cache;
    PlanSettings settings{.threads = 1, .timings = &cache};
    const Program p = make_program(g, settings);
    EXPECT_EQ(p.steps[0].choices[1].tactic, "cpu/reduce_f32");
    EXPECT_EQ(p.steps[1].choices[1].tactic, "cpu/reduce_f32");
    EXPECT_EQ(cache.size(), 2u);
    const TimingCache timed = cache;
    for (const auto& [machine, steps] : timed.entries())
        for (const auto& [signature, times] : steps) cache.set(machine, signature, {{{"cpu/of_an_older_version", {}}, 1}});
    const Program again = make_program(g, settings);
    EXPECT_EQ(again.steps[0].choices[1].tactic, "cpu/reduce_f32");
    EXPECT_EQ(again.steps[1].choices[1].tactic, "cpu/reduce_f32");
    settings.strict = true;  // has times of its own
    make_program(g, settings);
    EXPECT_EQ(cache.size(), 4u);
}

TEST(Plan, LogsWhatWasTimedOnceForStepsThatAreAlike) {
    const Graph g = typed_graph("(f32[N,64] x) => (f32[N,64] y) { a = MatMul(x, random[64,64])\n y = MatMul(a, random[64,64]) }");
    std::vector<std::string> lines;
    make_program(g, {.profile = {{"N", {1, 4, 4}}}, .isa = {Isa::Level::baseline}, .log = [&](const std::string& line) { lines.push_back(line); }});
    const auto having = [&](std::string_view part) { return std::ranges::count_if(lines, [&](const std::string& l) { return l.find(part) != std::string::npos; }); };
    EXPECT_EQ(having("a: cpu/matmul_f32"), 1);
    EXPECT_EQ(having("y: cpu/matmul_f32"), 1);
    EXPECT_EQ(having("    minimum: MatMul(f32[1,64]"), 1);
    EXPECT_EQ(having("    optimum: MatMul(f32[4,64]"), 1);
    EXPECT_EQ(having("    maximum:"), 0);  // the same as the optimum
    EXPECT_EQ(having("    * "), 2);
    EXPECT_GT(having(" us  cpu/matmul_f32 rows"), 10);
}

TEST(Plan, SizesOfTheProfileHaveToFitTogether) {
    const Graph conv = typed_graph("(f32[1,C,5,5] x) => (f32[1,4,3,3] y) { y = Conv(x, random[4,3,3,3]) }");
    EXPECT_NO_THROW(make_program(conv, {.profile = {{"C", {3, 3, 3}}}, .tune = Tune::none}));
    const std::string message = error_of([&] { make_program(conv, {.profile = {{"C", {3, 3, 8}}}, .tune = Tune::none}); });
    EXPECT_NE(message.find("y (Conv): at the profile's maximum (C = 8): input has 8 channels, weights read 3"), std::string::npos) << message;
    const Graph product = typed_graph("(f32[2,S] x) => (f32[2,4] y) { y = MatMul(x, random[9,4]) }");
    EXPECT_NE(error_of([&] { make_program(product, {.profile = {{"S", {5, 9, 9}}}, .tune = Tune::none}); }).find("at the profile's minimum (S = 5)"), std::string::npos);
    const Graph view = typed_graph("(f32[N,4] x) => (f32[2,6] y) { a = Relu(x) y = Reshape(a, i64[2]{2,6}) }");
    EXPECT_NO_THROW(make_program(view, {.profile = {{"N", {3, 3, 3}}}, .tune = Tune::none}));
    EXPECT_NE(error_of([&] { make_program(view, {.profile = {{"N", {1, 3, 3}}}, .tune = Tune::none}); }).find("'a' cannot be given the shape [2,6]"), std::string::npos);
}

TEST(Plan, NothingIsTimedThatDoesNotFitIntoTheWorkspace) {
    const Graph g = typed_graph("(f32[N,1000000000] x) => (f32[N,1000000000] y) { a = Sigmoid(x) y = Mul(a, x) }");
    EXPECT_NE(error_of([&] { make_program(g, {.profile = {{"N", {1000, 1000, 1000}}}}); }).find("--workspace"), std::string::npos);
}

TEST(TimingCache, ComesBackFromItsFileAndRefusesOthers) {
    const auto file = std::filesystem::temp_directory_path() / ("tercet_timing_cache_test_" + std::to_string(getpid()));
    TimingCache cache;
    cache.set("a machine", "a step", {{{"cpu/x", {.rows = 6, .cols = 16}}, 12.5}, {{"reference", {}}, 100}});
    cache.write(file);
    const TimingCache read = TimingCache::read(file);
    ASSERT_NE(read.find("a machine", "a step"), nullptr);
    EXPECT_EQ(*read.find("a machine", "a step"), *cache.find("a machine", "a step"));
    EXPECT_EQ(read.find("another machine", "a step"), nullptr);
    for (const char* text : {"", "{", "[]", "{\"format\":\"tercet timing cache\",\"version\":7,\"machines\":{}}", "{\"format\":\"tercet timing cache\",\"version\":1,\"machines\":{\"m\":{\"s\":[[1]]}}}"}) {
        std::ofstream(file) << text;
        EXPECT_NE(error_of([&] { TimingCache::read(file); }).find("timing cache"), std::string::npos) << text;
    }
    std::filesystem::remove(file);
    EXPECT_EQ(TimingCache::read(file).size(), 0u);
}

}  // namespace
}  // namespace tercet
