// SPDX-License-Identifier: Apache-2.0
#include "engine/testing.h"

#include "engine/engine_file.h"
#include "engine/program_json.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <cstring>

namespace tercet::testing {
namespace {

constexpr std::size_t alignment = 4096;
constexpr std::size_t aligned(std::size_t n) { return (n + alignment - 1) / alignment * alignment; }

template <class T>
void put(std::vector<std::byte>& file, std::size_t at, const T& value) {
    std::memcpy(file.data() + at, &value, sizeof value);
}

}  // namespace

// engine_file.h says what stands where.
std::vector<std::byte> engine_bytes(std::span<const std::byte> program, std::span<const std::byte> weights) {
    const std::size_t weights_at = aligned(alignment + program.size());
    std::vector<std::byte> file(weights_at + weights.size());
    const auto section = [&](std::size_t entry, std::string_view name, std::size_t offset, std::span<const std::byte> bytes) {
        std::ranges::copy(bytes, file.begin() + static_cast<std::ptrdiff_t>(offset));
        std::ranges::copy(std::as_bytes(std::span(name)), file.begin() + static_cast<std::ptrdiff_t>(entry));
        put(file, entry + 8, std::uint64_t{offset});
        put(file, entry + 16, std::uint64_t{bytes.size()});
        put(file, entry + 24, std::uint64_t{XXH3_64bits(bytes.data(), bytes.size())});
    };
    section(32, "program", alignment, program);
    section(64, "weights", weights_at, weights);
    std::ranges::copy(std::as_bytes(std::span(engine_magic)), file.begin());
    put(file, 8, engine_version);
    put(file, 12, std::uint32_t{2});
    put(file, 16, std::uint64_t{file.size()});
    std::vector<std::byte> checked(file.begin(), file.begin() + 24);
    checked.insert(checked.end(), file.begin() + 32, file.begin() + 96);
    put(file, 24, std::uint64_t{XXH3_64bits(checked.data(), checked.size())});
    return file;
}

std::pair<std::vector<std::byte>, std::vector<std::byte>> engine_sections(const Program& program) {
    WeightsWriter writer;
    const std::vector<std::uint8_t> cbor = nlohmann::json::to_cbor(program_to_json(program, writer));
    const auto bytes = std::as_bytes(std::span(cbor));
    std::vector<std::byte> weights(writer.bytes());
    for (const auto& [offset, tensor] : writer.blobs()) std::copy_n(tensor.data(), tensor.bytes(), weights.begin() + static_cast<std::ptrdiff_t>(offset));
    return {{bytes.begin(), bytes.end()}, std::move(weights)};
}

}  // namespace tercet::testing
