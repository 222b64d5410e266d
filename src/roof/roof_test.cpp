// SPDX-License-Identifier: Apache-2.0
#include "tercet/roof.h"

#include "roof/caches.h"
#include "roof/loops.h"
#include "system/temporary_folder.h"

#include <gtest/gtest.h>

#include <fstream>
#include <limits>
#include <numeric>

namespace tercet {
namespace {

constexpr double infinite = std::numeric_limits<double>::infinity();

Roof example() {  // 100 Gop/s in f32, 400 in int8; 200, 100 and 10 GB/s
    return {.threads = 2,
            .isa = "avx2",
            .peaks = {{DType::f32, "fma", {60e9, 100e9}}, {DType::i8, "exact", {150e9, 300e9}}, {DType::i8, "dot", {200e9, 400e9}}},
            .levels = {{"L1", 1000, 500, {1, 200e9}, {}}, {"L2", 1e6, 5e5, {1, 90e9}, {1, 100e9}}, {"memory", infinite, 1e8, {1, 10e9}, {}}}};
}

StepInfo step(DType type, double multiply_adds, double element_operations, double bytes) {
    StepInfo s;
    s.type = type;
    s.multiply_adds = multiply_adds;
    s.element_operations = element_operations;
    s.bytes = bytes;
    return s;
}

TEST(Roof, IsThePeakOrTheBandwidthWhicheverTakesLonger) {
    const Roof roof = example();
    EXPECT_DOUBLE_EQ(roof.least_microseconds(step(DType::f32, 1e6, 0, 1e4)), 20);        // 2 million operations at 100 per ns
    EXPECT_DOUBLE_EQ(roof.least_microseconds(step(DType::f32, 0, 1e6, 1e4)), 10);
    EXPECT_DOUBLE_EQ(roof.least_microseconds(step(DType::i8, 1e6, 0, 1e4)), 5);          // by the best instruction
    EXPECT_DOUBLE_EQ(roof.least_microseconds(step(DType::u8, 1e6, 0, 1e4)), 5);
    EXPECT_DOUBLE_EQ(roof.least_microseconds(step(DType::bf16, 1e6, 0, 1e4)), 20);       // none of its own
    EXPECT_DOUBLE_EQ(roof.least_microseconds(step(DType::f32, 1e6, 0, 1e7)), 1000);      // from memory
    EXPECT_DOUBLE_EQ(roof.least_microseconds(step(DType::f32, 0, 0, 0)), 0);
    EXPECT_DOUBLE_EQ(Roof().least_microseconds(step(DType::f32, 1e6, 0, 1e4)), 0);       // nothing was measured
}

TEST(Roof, BytesComeFromTheNearestLevelThatHoldsThem) {
    Roof roof = example();
    EXPECT_EQ(roof.bytes_per_s(1000), 200e9);
    EXPECT_EQ(roof.bytes_per_s(1001), 100e9);
    EXPECT_EQ(roof.bytes_per_s(1e6 + 1), 10e9);
    roof.levels[0].read.all_threads = 1e9;  // disturbed
    EXPECT_EQ(roof.bytes_per_s(1000), 100e9);
}

TEST(Caches, AreReadFromTheSystemsFolder) {
    const TemporaryFolder folder;
    const auto index = [&](int i, const char* level, const char* type, const char* size, const char* sharers) {
        const auto at = folder.path() / ("index" + std::to_string(i));
        std::filesystem::create_directory(at);
        std::ofstream(at / "level") << level << '\n';
        std::ofstream(at / "type") << type << '\n';
        std::ofstream(at / "size") << size << '\n';
        std::ofstream(at / "shared_cpu_list") << sharers << '\n';
    };
    EXPECT_TRUE(caches_in(folder.path()).empty());
    index(0, "1", "Data", "48K", "3");
    index(1, "1", "Instruction", "32K", "3");
    index(2, "2", "Unified", "2M", "3,67");
    index(3, "3", "Unified", "107520K", "0-31,64-95");
    EXPECT_EQ(caches_in(folder.path()), (std::vector<Cache>{{1, 48 << 10, 1}, {2, 2 << 20, 2}, {3, std::int64_t{107520} << 10, 64}}));
    index(3, "x", "Unified", "", "");
    EXPECT_EQ(caches_in(folder.path()).size(), 2u);
    EXPECT_FALSE(caches_of_this_processor().empty());
}

TEST(Loops, RunAtEveryLevelThatThisMachineHas) {
    for (auto name : isa_names()) {
        const Isa isa = *isa_named(name);
        if (!host_isa().has(isa.level)) continue;
        const auto loops = peak_loops(isa);
        ASSERT_FALSE(loops.empty());
        EXPECT_EQ(loops[0].type, DType::f32);
        for (const PeakLoop& loop : loops) {
            EXPECT_GT(loop.operations, 0) << name << " " << loop.instruction;
            loop.run(3);
        }
    }
}

TEST(Loops, CopyingCopies) {
    for (Isa::Level level : {Isa::Level::baseline, host_isa().level}) {
        constexpr std::size_t bytes = 3 * MemoryLoops::block;
        alignas(64) static std::byte from[bytes], to[bytes + 1];
        for (std::size_t i = 0; i < bytes; ++i) from[i] = static_cast<std::byte>(i * 7);
        std::ranges::fill(to, std::byte{0x55});
        const MemoryLoops loops = memory_loops({level});
        loops.read(from, bytes, 2);
        loops.copy(to, from, bytes, 2);
        EXPECT_TRUE(std::equal(from, from + bytes, to));
        EXPECT_EQ(to[bytes], std::byte{0x55});
    }
}

TEST(Roof, IsMeasured) {
    const Roof quick = measure_roof({.threads = 2, .quick = true});
    EXPECT_EQ(quick.threads, 2);
    EXPECT_GT(quick.operations_per_s(DType::f32), 0);
    ASSERT_GE(quick.levels.size(), 2u);
    EXPECT_EQ(quick.levels.back().name, "memory");
    for (const auto& l : quick.levels) EXPECT_GT(l.read.all_threads, 0) << l.name;
    const Roof whole = measure_roof({.threads = 1, .max_isa = "baseline"});
    EXPECT_EQ(whole.isa, "baseline");
    for (const auto& p : whole.peaks) EXPECT_GT(p.operations.one_thread, 0);
    for (const auto& l : whole.levels) EXPECT_GT(l.copy.one_thread, 0) << l.name;
    EXPECT_THROW(measure_roof({.max_isa = "mmx"}), Error);
}

}  // namespace
}  // namespace tercet
