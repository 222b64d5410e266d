// SPDX-License-Identifier: Apache-2.0
#include "cpu/map_program.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>

namespace tercet {
namespace {

std::vector<Isa> levels() {
    std::vector<Isa> all;
    for (auto level : {Isa::Level::baseline, Isa::Level::avx2, Isa::Level::avx512})
        if (host_isa().has(level)) all.push_back({level});
    return all;
}

TEST(MapProgram, GeluKeepsItsRelativePrecisionBelowZero) {
    std::vector<float> x;
    for (int i = -1200; i <= 1200; ++i) x.push_back(static_cast<float>(i) * 0.01003f);
    for (float special : {-0.0f, 1e-45f, -1e-45f, 1e-30f, -1e-30f, -14.0f, -20.0f, 1e30f, -1e30f, HUGE_VALF, -HUGE_VALF, std::nanf("")}) x.push_back(special);
    for (const Isa& isa : levels()) {
        std::vector<float> y(x.size());
        const MapProgram::Input in{x.data(), false};
        MapProgram(Expr::parse("gelu(x0)"), *simd_level(isa)).run(y.data(), {&in, 1}, static_cast<std::int64_t>(x.size()));
        for (std::size_t i = 0; i < x.size(); ++i) {
            const auto expected = static_cast<float>(find_scalar_function("gelu")->value(x[i], 0, 0));
            const bool equal = y[i] == expected || (std::isnan(y[i]) && std::isnan(expected));
            EXPECT_TRUE(equal || std::fabs(y[i] - expected) <= 6e-7f * std::fabs(expected) + 1e-43f) << x[i] << " at " << isa.name() << ": " << y[i] << ", not " << expected;
            EXPECT_TRUE(std::isnan(expected) || std::signbit(y[i]) == std::signbit(expected)) << x[i] << " at " << isa.name();
        }
    }
}

// Every number of 16 bits, halfway to the next, and the floats beside both; and every float whose bits are a multiple of 16381.
TEST(MapProgram, RoundsToNumbersOfSixteenBitsAsTheReference) {
    for (const auto& [half, name] : {std::pair{DType::f16, "round_f16"}, {DType::bf16, "round_bf16"}}) {
        std::vector<float> x;
        for (int bits = 0; bits < 65536; ++bits) {
            const std::uint16_t h = static_cast<std::uint16_t>(bits), next = static_cast<std::uint16_t>(bits + 1);
            const double a = View(half, {}, &h).get_at(0), b = View(half, {}, &next).get_at(0);
            for (double v : {a, (a + b) / 2})
                for (float f : {std::nextafter(static_cast<float>(v), -HUGE_VALF), static_cast<float>(v), std::nextafter(static_cast<float>(v), HUGE_VALF)}) x.push_back(f);
        }
        for (std::uint64_t bits = 0; bits < std::uint64_t{1} << 32; bits += 16381) x.push_back(std::bit_cast<float>(static_cast<std::uint32_t>(bits)));
        for (float v : {65519.996f, 65520.0f, 65536.0f, std::bit_cast<float>(0x7fffffffu), std::bit_cast<float>(0xff800001u)}) x.push_back(v);
        const Expr expr = Expr::parse(std::string(name) + "(x0)");
        for (const Isa& isa : levels()) {
            std::vector<float> y(x.size());
            const MapProgram::Input in{x.data(), false};
            const MapProgram program(expr, *simd_level(isa));
            EXPECT_TRUE(program.exact());
            program.run(y.data(), {&in, 1}, static_cast<std::int64_t>(x.size()));
            for (std::size_t i = 0; i < x.size(); ++i) {
                const auto expected = static_cast<float>(find_scalar_function(name)->value(x[i], 0, 0));
                ASSERT_TRUE(std::isnan(expected) ? std::isnan(y[i]) : std::bit_cast<std::uint32_t>(y[i]) == std::bit_cast<std::uint32_t>(expected))
                    << name << '(' << x[i] << ") at " << isa.name() << ": " << y[i] << ", not " << expected;
            }
        }
    }
}

}  // namespace
}  // namespace tercet
