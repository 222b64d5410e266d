// SPDX-License-Identifier: Apache-2.0
#include "passes/testing.h"

#include "graph/text.h"
#include "ops/testing.h"

#include <gtest/gtest.h>

#include <set>

namespace tercet::testing {
namespace {

// Awkward sizes; N is a batch, the others must be large enough for windows.
Symbols sizes_of(const Graph& g, int trial) {
    std::vector<std::string> names;
    for (ValueId v : g.inputs())
        for (const Dim& d : g.value(v).type.shape) d.collect_symbols(names);
    Symbols sizes;
    std::int64_t next = trial == 0 ? 7 : 12;
    for (const std::string& n : std::set(names.begin(), names.end())) sizes[n] = n == "N" ? (trial == 0 ? 1 : 3) : next++;
    return sizes;
}

std::string text_of(const Graph& g) { return print_text(g, {.elide_floats = true}); }

}  // namespace

void expect_same_results(const Graph& actual, const Graph& expected, double tolerance) {
    for (int trial = 0; trial < 2; ++trial) {
        const Symbols sizes = sizes_of(expected, trial);
        std::vector<Tensor> inputs;
        for (ValueId v : expected.inputs()) {
            Dims shape;
            for (const Dim& d : expected.value(v).type.shape) shape.push_back(d.evaluate(sizes));
            const auto seed = static_cast<unsigned>(17 * trial + 3) + static_cast<unsigned>(inputs.size());
            inputs.push_back(random_tensor(expected.value(v).type.dtype, shape, seed));
        }
        const auto a = evaluate(actual, inputs), e = evaluate(expected, inputs);
        ASSERT_EQ(a.size(), e.size());
        for (std::size_t i = 0; i < e.size(); ++i)
            if (!expect_close(a[i], e[i], tolerance, expected.outputs()[i].name))
                ADD_FAILURE() << text_of(expected) << "became\n" << text_of(actual);
    }
}

void expect_sound(const Graph& g) {
    EXPECT_NO_THROW(verify(g)) << text_of(g);
    Graph fresh = g;
    infer_types(fresh);
    for (NodeId id : g.order())
        for (ValueId v : g.node(id).outputs)
            if (v != ValueId::none) {
                EXPECT_EQ(tercet::text_of(g.value(v).type), tercet::text_of(fresh.value(v).type))
                    << g.value(v).name << " in\n" << text_of(g);
            }
}

void expect_rewrite(Rewrite rewrite, std::string_view before, std::string_view after, double tolerance) {
    SCOPED_TRACE(std::string(before));
    const Graph original = typed_graph(before);
    Graph g = original;
    EXPECT_GT(rewrite(g, no_limit), 0) << "nothing was rewritten";
    g.remove_dead();
    expect_sound(g);
    EXPECT_EQ(text_of(g), text_of(typed_graph(after)));
    expect_same_results(g, original, tolerance);

    Graph none = original, one = original;
    EXPECT_EQ(rewrite(none, 0), 0);
    EXPECT_EQ(text_of(none), text_of(original));
    EXPECT_EQ(rewrite(one, 1), 1);
    expect_sound(one);
    expect_same_results(one, original, tolerance);
}

void expect_unchanged(Rewrite rewrite, const std::vector<Unchanged>& cases) {
    for (const Unchanged& c : cases) {
        SCOPED_TRACE(c.why);
        const Graph original = typed_graph(c.graph);
        Graph g = original;
        EXPECT_EQ(rewrite(g, no_limit), 0);
        g.remove_dead();
        EXPECT_EQ(text_of(g), text_of(original));
    }
}

}  // namespace tercet::testing
