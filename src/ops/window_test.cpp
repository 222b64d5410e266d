// SPDX-License-Identifier: Apache-2.0
#include "ops/window.h"

#include <gtest/gtest.h>

#include <random>

namespace tercet::testing {
namespace {

Node pool(Attributes attributes) { return {.op = "MaxPool", .inputs = {}, .outputs = {}, .attributes = std::move(attributes)}; }

using Ints = std::vector<std::int64_t>;

TEST(Window, ExtentsAndPads) {
    struct Case {
        const char* name;
        Attributes attributes;
        std::int64_t in, kernel;
        WindowAxis expected;
    } cases[] = {
        {"defaults", {}, 7, 3, {.in = 7, .out = 5, .kernel = 3}},
        {"strided", {{"strides", Ints{2}}, {"pads", Ints{1, 0}}}, 7, 3, {.in = 7, .out = 3, .kernel = 3, .stride = 2, .pad_begin = 1}},
        {"dilated", {{"dilations", Ints{3}}}, 8, 3, {.in = 8, .out = 2, .kernel = 3, .dilation = 3}},
        {"ceil: the rest has its window", {{"strides", Ints{2}}, {"ceil_mode", 1}}, 8, 3, {.in = 8, .out = 4, .kernel = 3, .stride = 2}},
        {"ceil: none starts in the end padding", {{"strides", Ints{3}}, {"pads", Ints{0, 1}}, {"ceil_mode", 1}}, 6, 2,
         {.in = 6, .out = 2, .kernel = 2, .stride = 3, .pad_end = 1}},
        {"ceil: even with much of it", {{"strides", Ints{2}}, {"pads", Ints{0, 5}}, {"ceil_mode", 1}}, 4, 2,
         {.in = 4, .out = 2, .kernel = 2, .stride = 2, .pad_end = 5}},
        {"valid", {{"auto_pad", "VALID"}, {"pads", Ints{9, 9}}, {"strides", Ints{2}}, {"ceil_mode", 1}}, 8, 3,
         {.in = 8, .out = 3, .kernel = 3, .stride = 2}},
        {"same upper", {{"auto_pad", "SAME_UPPER"}, {"strides", Ints{2}}}, 8, 3, {.in = 8, .out = 4, .kernel = 3, .stride = 2, .pad_begin = 0, .pad_end = 1}},
        {"same lower", {{"auto_pad", "SAME_LOWER"}, {"strides", Ints{2}}}, 8, 3, {.in = 8, .out = 4, .kernel = 3, .stride = 2, .pad_begin = 1, .pad_end = 0}},
        {"same, nothing lacking", {{"auto_pad", "SAME_UPPER"}, {"strides", Ints{4}}}, 8, 2, {.in = 8, .out = 2, .kernel = 2, .stride = 4}},
        {"same, dilated", {{"auto_pad", "SAME_UPPER"}, {"dilations", Ints{3}}}, 5, 2,
         {.in = 5, .out = 5, .kernel = 2, .dilation = 3, .pad_begin = 1, .pad_end = 2}},
    };
    for (const Case& c : cases) {
        SCOPED_TRACE(c.name);
        const Node node = pool(c.attributes);
        const Window w = window_of(node, {2, 3, c.in}, {c.kernel});
        EXPECT_EQ(w.rank, 1);
        EXPECT_EQ(w.axes[0], c.expected);
        EXPECT_EQ(w.axes[1], WindowAxis{});
        EXPECT_EQ(infer_window(node, {2, 3, c.in}, {c.kernel}), Shape{c.expected.out});
        // The symbolic extent is the same function.
        const Shape symbolic = infer_window(node, {2, 3, Dim::symbol("H")}, {c.kernel});
        for (std::int64_t in = c.kernel * 3; in < c.kernel * 3 + 12; ++in)
            EXPECT_EQ(symbolic[0].evaluate({{"H", in}}), window_of(node, {2, 3, in}, {c.kernel}).axes[0].out) << in;
    }
}

TEST(Window, CeilHasOneFormWithoutMinima) {
    EXPECT_EQ(text_of(infer_window(pool({{"strides", Ints{2}}, {"ceil_mode", 1}}), {1, 1, Dim::symbol("H")}, {3})), "floor((H)/(2))");
    EXPECT_EQ(text_of(infer_window(pool({{"auto_pad", "SAME_UPPER"}, {"strides", Ints{2}}}), {1, 1, Dim::symbol("H") * 4}, {3})), "2*H");
}

TEST(Window, TapsInsideTheInput) {
    std::mt19937 random(1);
    const auto pick = [&](int lo, int hi) { return static_cast<std::int64_t>(random() % static_cast<unsigned>(hi - lo + 1)) + lo; };
    for (int round = 0; round < 2000; ++round) {
        WindowAxis a{.in = pick(1, 9), .kernel = pick(1, 5), .stride = pick(1, 4), .dilation = pick(1, 3), .pad_begin = pick(0, 6), .pad_end = pick(0, 6)};
        for (std::int64_t o = 0; o < 6; ++o) {
            const auto taps = a.inside(o);
            std::int64_t padded = 0;
            ASSERT_LE(taps.first, taps.last);
            for (std::int64_t k = 0; k < a.kernel; ++k) {
                const std::int64_t p = a.position(o, k);
                EXPECT_EQ(k >= taps.first && k < taps.last, p >= 0 && p < a.in);
                padded += p < a.in + a.pad_end;
            }
            EXPECT_EQ(a.padded_taps(o), padded);
        }
    }
}

TEST(Window, RefusesAttributesThatMakeNoSense) {
    struct { Attributes attributes; const char* part; } cases[] = {
        {{{"strides", Ints{0}}}, "'strides' has the element 0"},
        {{{"strides", Ints{1, 1}}}, "'strides' has 2 elements, should have 1"},
        {{{"dilations", Ints{-1}}}, "'dilations' has the element -1"},
        {{{"pads", Ints{1}}}, "'pads' has 1 elements, should have 2"},
        {{{"pads", Ints{-1, 0}}}, "'pads' has the element -1"},
        {{{"pads", Ints{std::int64_t{1} << 62, 0}}}, "'pads' has the element"},
        {{{"auto_pad", "SAME"}}, "unknown auto_pad 'SAME'"},
        {{{"dilations", Ints{3}}}, "reaches over 7 elements along spatial axis 0, the input has 5"},
    };
    for (const auto& c : cases) {
        try {
            infer_window(pool(c.attributes), {1, 1, 5}, {3});
            ADD_FAILURE() << "no error: " << c.part;
        } catch (const Error& e) {
            EXPECT_NE(std::string_view(e.what()).find(c.part), std::string_view::npos) << e.what();
        }
    }
    EXPECT_THROW(infer_window(pool({}), {1, 1, 5}, {0}), Error);
    EXPECT_THROW(infer_window(pool({}), {1, 1, 5}, {std::int64_t{1} << 40}), Error);
}

}  // namespace
}  // namespace tercet::testing
