// SPDX-License-Identifier: Apache-2.0
#include "tensorrt_runtime/profiles.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

using Shape = std::vector<std::int64_t>;

// Of a [?, 4] input.
TensorRtProfile batches(std::int64_t min, std::int64_t opt, std::int64_t max) { return {.inputs = {{.min_shape = {min, 4}, .opt_shape = {opt, 4}, .max_shape = {max, 4}}}}; }

const std::vector<TensorInfo> one_input = {{.name = "x", .dtype = DType::f32, .shape = {"?", "4"}}};
constexpr float data[1] = {};

std::size_t chosen(const std::vector<TensorRtProfile>& profiles, const Shape& shape) {
    const InputView in{DType::f32, shape, data};
    return choose_profile(one_input, profiles, {&in, 1});
}

std::string message(auto&& call) {
    try {
        call();
    } catch (const Error& e) {
        return e.what();
    }
    return {};
}

TEST(Profiles, TheOneThatHasTheShape) {
    const std::vector profiles = {batches(1, 8, 16), batches(17, 32, 64)};
    for (const auto& [batch, expected] : {std::pair{1, 0}, {16, 0}, {17, 1}, {64, 1}}) EXPECT_EQ(chosen(profiles, {batch, 4}), static_cast<std::size_t>(expected)) << batch;
}

TEST(Profiles, TheNearestOptimumOfSeveral) {
    const std::vector profiles = {batches(1, 32, 64), batches(1, 1, 64), batches(1, 8, 64), batches(1, 8, 64)};
    for (const auto& [batch, expected] : {std::pair{1, 1}, {2, 1}, {4, 2}, {8, 2}, {15, 2}, {17, 0}, {64, 0}}) EXPECT_EQ(chosen(profiles, {batch, 4}), static_cast<std::size_t>(expected)) << batch;
}

TEST(Profiles, NoneHasTheShape) {
    EXPECT_THAT(message([] { chosen({batches(1, 8, 16)}, {17, 4}); }), HasSubstr("input 'x' has the shape [17,4], the engine's profile is [1,4] to [16,4]; give"));
    EXPECT_THAT(message([] { chosen({batches(1, 8, 16), batches(32, 32, 32)}, {17, 4}); }), HasSubstr("profiles are [1,4] to [16,4] and [32,4];"));
}

TEST(Profiles, AllInputsHaveToBeInOne) {
    const std::vector<TensorInfo> infos = {one_input[0], {.name = "y", .dtype = DType::f32, .shape = {"?", "4"}}};
    const auto two = [](std::int64_t a, std::int64_t b) { return TensorRtProfile{.inputs = {batches(a, a, a).inputs[0], batches(b, b, b).inputs[0]}}; };
    const Shape one{1, 4}, eight{8, 4};
    const std::vector profiles = {two(1, 1), two(8, 8)};
    const auto choose = [&](const Shape& x, const Shape& y) {
        const InputView in[] = {{DType::f32, x, data}, {DType::f32, y, data}};
        return choose_profile(infos, profiles, in);
    };
    EXPECT_EQ(choose(eight, eight), 1U);
    EXPECT_THAT(message([&] { choose(one, eight); }), HasSubstr("no profile has all of them"));
}

TEST(Profiles, SizesAmongTheInputsHaveToBeWithinThem) {
    for (const DType dtype : {DType::i32, DType::i64}) {
        const std::vector<TensorInfo> infos = {{.name = "sizes", .dtype = dtype, .shape = {"2"}}};
        const auto values = [](std::int64_t low, std::int64_t high) {
            return TensorRtProfile{.inputs = {{.min_shape = {2}, .opt_shape = {2}, .max_shape = {2}, .min_values = {low, 1}, .opt_values = {low, 1}, .max_values = {high, 9}}}};
        };
        const std::vector profiles = {values(1, 4), values(5, 8)};
        const auto choose = [&](std::int64_t first, std::int64_t second) {
            const std::int64_t wide[] = {first, second};
            const std::int32_t narrow[] = {static_cast<std::int32_t>(first), static_cast<std::int32_t>(second)};
            const Shape shape{2};
            const InputView in{dtype, shape, dtype == DType::i64 ? static_cast<const void*>(wide) : narrow};
            return choose_profile(infos, profiles, {&in, 1});
        };
        EXPECT_EQ(choose(4, 9), 0U);
        EXPECT_EQ(choose(5, 1), 1U);
        EXPECT_THAT(message([&] { choose(9, 1); }), HasSubstr("values [1,1] to [4,9] and values [5,1] to [8,9]"));
        EXPECT_THAT(message([&] { choose(4, 0); }), HasSubstr("values"));
    }
}

TEST(Profiles, RangesOfAllTogether) {
    TensorInfo x = one_input[0];
    set_ranges(x, 0, std::vector{batches(8, 16, 32), batches(1, 2, 4), batches(33, 48, 64)});
    EXPECT_THAT(x.min_shape, ElementsAre(1, 4));
    EXPECT_THAT(x.opt_shape, ElementsAre(16, 4));
    EXPECT_THAT(x.max_shape, ElementsAre(64, 4));
}

TEST(Profiles, ExtentsAsText) { EXPECT_THAT(extents_of(Shape{-1, 3, 0}), ElementsAre("?", "3", "0")); }

TEST(Inputs, AreHeldAgainstTheEngine) {
    const auto check = [](DType dtype, const Shape& shape, const void* elements = data) {
        const InputView in{dtype, shape, elements};
        return message([&] { check_inputs(one_input, {&in, 1}); });
    };
    EXPECT_EQ(check(DType::f32, {7, 4}), "");
    EXPECT_EQ(check(DType::f32, {0, 4}, nullptr), "");
    EXPECT_THAT(check(DType::f16, {7, 4}), HasSubstr("input 'x' is f16, the engine takes f32"));
    for (const Shape& shape : {Shape{4}, Shape{7, 4, 1}, Shape{7, 5}, Shape{-1, 4}, Shape{}}) EXPECT_THAT(check(DType::f32, shape), HasSubstr("the engine takes [?,4]"));
    EXPECT_THAT(check(DType::f32, {1, 4}, nullptr), HasSubstr("no data"));
    EXPECT_THAT(message([] { check_inputs(one_input, {}); }), HasSubstr("0 inputs given, the engine has 1"));
}

}  // namespace
}  // namespace tercet::testing
