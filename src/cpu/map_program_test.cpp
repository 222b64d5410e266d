// SPDX-License-Identifier: Apache-2.0
#include "cpu/map_program.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace tercet
