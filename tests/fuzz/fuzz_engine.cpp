// SPDX-License-Identifier: Apache-2.0
// Any program in an engine file whose checksums hold (see engine_parts.h), or any bytes that begin as such a file does: an
// Error, or an engine, which is run on zeros if it is small.
#include "engine/engine_file.h"
#include "engine_parts.h"
#include "runtime/engine_data.h"

#include <numeric>

namespace {

using namespace tercet;

constexpr std::int64_t most_bytes = 1 << 16;  // of memory, and of all inputs together: running takes no long time

// Bytes of all inputs at the profile's minimum, and nothing if that is more than runs.
std::optional<std::int64_t> input_bytes(const Engine& engine) {
    std::int64_t sum = 0;
    for (const TensorInfo& in : engine.inputs()) {
        std::int64_t count = 8;  // bytes of the largest element
        for (std::int64_t d : in.min_shape)
            if (__builtin_mul_overflow(count, d, &count) || count > most_bytes) return std::nullopt;
        sum += count;
        if (sum > most_bytes) return std::nullopt;
    }
    return sum;
}

void run(const Engine& engine) {
    const auto bytes = input_bytes(engine);
    if (!bytes || engine.data()->program.arena_bytes > most_bytes) return;
    const std::vector<std::uint64_t> zeros(static_cast<std::size_t>(*bytes / 8 + 1));
    std::vector<InputView> inputs;
    for (const TensorInfo& in : engine.inputs()) inputs.push_back({in.dtype, in.min_shape, zeros.data()});
    Context(engine, 1).run(inputs);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::span input(data, size);
    const auto starts = std::as_bytes(std::span(engine_magic));
    const bool whole = size >= starts.size() && std::memcmp(data, starts.data(), starts.size()) == 0;
    const auto all = std::as_bytes(input);
    const auto file = std::make_shared<std::vector<std::byte>>(whole ? std::vector(all.begin(), all.end()) : engine_file_of(input));
    try {
        run(open_engine({file, *file}));
    } catch (const Error&) {
    }
    return 0;
}
