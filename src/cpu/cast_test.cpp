// SPDX-License-Identifier: Apache-2.0
// Casts between f32 and the floats of 16 bits, bit by bit as the reference's, but for NaN, which is any.
#include "cpu/testing.h"
#include "ops/testing.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>

namespace tercet::testing {
namespace {

void expect_reference_bits(const char* graph, const Tensor& x) {
    Graph g = typed_graph(graph);
    const Tensor expected = evaluate(g, std::vector{x}).at(0);
    const Step step{.node = &g.node(g.order().at(0)), .inputs = {{x.dtype(), x.shape()}}, .outputs = {{expected.dtype(), expected.shape()}}};
    const Isa isa{Isa::Level::baseline};
    const Tactic& cast = *find_tactic("cpu/cast");
    ASSERT_FALSE(cast.refuse(step, isa));
    const Tensor y = run_kernel(cast, step, {.tile = 4096}, isa, std::vector{x}, GuardedBuffer::Flush::end).at(0);
    const std::size_t size = expected.bytes() / static_cast<std::size_t>(expected.count());
    for (std::int64_t i = 0; i < expected.count(); ++i) {
        const auto at = static_cast<std::size_t>(i) * size;
        if (std::isnan(y.get(i)) && std::isnan(expected.get(i))) continue;
        ASSERT_EQ(std::memcmp(y.data() + at, expected.data() + at, size), 0) << x.get(i) << " became " << y.get(i) << ", not " << expected.get(i);
    }
}

TEST(CastTactic, WidensEveryNumberOfSixteenBits) {
    for (const auto& [half, graph] : {std::pair{DType::f16, "(f16[65536] x) => (f32[65536] y) { y = Cast<to = 1>(x) }"}, {DType::bf16, "(bf16[65536] x) => (f32[65536] y) { y = Cast<to = 1>(x) }"}}) {
        std::vector<std::uint16_t> bits(65536);
        for (std::size_t i = 0; i < bits.size(); ++i) bits[i] = static_cast<std::uint16_t>(i);
        expect_reference_bits(graph, Tensor::of<std::uint16_t>(half, {65536}, bits));
    }
}

TEST(CastTactic, RoundsFloatsToSixteenBits) {
    std::vector<float> x;
    for (int bits = 0; bits < 65536; ++bits)
        for (DType half : {DType::f16, DType::bf16}) {
            const std::uint16_t h = static_cast<std::uint16_t>(bits), next = static_cast<std::uint16_t>(bits + 1);
            const double a = View(half, {}, &h).get_at(0), b = View(half, {}, &next).get_at(0);
            for (double v : {a, (a + b) / 2})
                for (float f : {std::nextafter(static_cast<float>(v), -HUGE_VALF), static_cast<float>(v), std::nextafter(static_cast<float>(v), HUGE_VALF)}) x.push_back(f);
        }
    for (float v : {65519.996f, 65520.0f, std::bit_cast<float>(0x7fffffffu), std::bit_cast<float>(0xff800001u)}) x.push_back(v);
    const auto n = std::ssize(x);
    for (const char* graph : {"(f32[N] x) => (f16[N] y) { y = Cast<to = 10>(x) }", "(f32[N] x) => (bf16[N] y) { y = Cast<to = 16>(x) }"}) expect_reference_bits(graph, Tensor::of<float>(DType::f32, {n}, x));
}

}  // namespace
}  // namespace tercet::testing
