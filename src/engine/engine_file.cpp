// SPDX-License-Identifier: Apache-2.0
#include "engine/engine_file.h"

#include "engine/program_json.h"
#include "system/output_file.h"
#include "tensorrt_runtime/plan_file.h"

#include <fmt/format.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <bit>

namespace tercet {
namespace {

static_assert(std::endian::native == std::endian::little, "engine files are little-endian and used in place");

struct Header {
    std::array<char, 8> magic;
    std::uint32_t version, sections;
    std::uint64_t file_bytes, checksum;
};
static_assert(sizeof(Header) == 32);

struct Section {
    std::array<char, 8> name;
    std::uint64_t offset, bytes, checksum;
};
static_assert(sizeof(Section) == 32);

constexpr std::uint64_t alignment = 4096;
constexpr std::uint64_t aligned(std::uint64_t n) { return (n + alignment - 1) / alignment * alignment; }

constexpr std::array<char, 8> name_of_section(std::string_view s) {
    std::array<char, 8> name{};
    std::ranges::copy(s, name.begin());
    return name;
}

// Of what precedes the checksum, and of the table.
std::uint64_t header_checksum(const Header& h, std::span<const Section> table) {
    XXH3_state_t state;
    XXH3_64bits_reset(&state);
    XXH3_64bits_update(&state, &h, offsetof(Header, checksum));
    XXH3_64bits_update(&state, table.data(), table.size_bytes());
    return XXH3_64bits_digest(&state);
}

template <class T>
std::span<const std::byte> bytes_of_object(const T& v) { return std::as_bytes(std::span(&v, 1)); }

void pad_to(OutputFile& out, std::uint64_t offset) {
    static constexpr std::array<std::byte, alignment> zeros{};
    while (out.position() < offset) out.write(std::span(zeros).first(std::min<std::uint64_t>(offset - out.position(), zeros.size())));
}

[[noreturn]] void damaged(std::string_view what) {
    throw Error({.what = fmt::format("the engine is damaged: {}", what), .fix = "copy it again or build it again"});
}

}  // namespace

std::uint64_t write_engine(const std::filesystem::path& file, const Program& program) {
    WeightsWriter weights;
    const std::vector<std::uint8_t> cbor = nlohmann::json::to_cbor(program_to_json(program, weights));

    XXH3_state_t state;
    XXH3_64bits_reset(&state);
    static constexpr std::array<std::byte, 64> zeros{};
    const auto padding = [](const Tensor& t) { return (64 - t.bytes() % 64) % 64; };
    for (const auto& [offset, t] : weights.blobs()) {
        XXH3_64bits_update(&state, t.data(), t.bytes());
        XXH3_64bits_update(&state, zeros.data(), padding(t));
    }
    std::array<Section, 2> table{};
    table[0] = {name_of_section("program"), alignment, cbor.size(), XXH3_64bits(cbor.data(), cbor.size())};
    table[1] = {name_of_section("weights"), aligned(table[0].offset + table[0].bytes), weights.bytes(), XXH3_64bits_digest(&state)};
    Header header{{}, engine_version, static_cast<std::uint32_t>(table.size()), table[1].offset + table[1].bytes, 0};
    std::ranges::copy(engine_magic, header.magic.begin());
    header.checksum = header_checksum(header, table);

    OutputFile out(file);
    out.write(bytes_of_object(header));
    out.write(std::as_bytes(std::span(table)));
    pad_to(out, table[0].offset);
    out.write(std::as_bytes(std::span(cbor)));
    pad_to(out, table[1].offset);
    for (const auto& [offset, t] : weights.blobs()) {
        out.write({t.data(), t.bytes()});
        out.write(std::span(zeros).first(padding(t)));
    }
    out.commit();
    return header.file_bytes;
}

Program read_engine(const FileBytes& file) {
    const auto bytes = file.bytes;
    Header header;
    if (bytes.size() < engine_magic.size() || std::memcmp(bytes.data(), engine_magic.data(), engine_magic.size()) != 0)
        throw Error({.what = read_plan_file(bytes) ? "an engine of TensorRT, not of Tercet" : "not an engine file", .fix = "make one with `tercet build MODEL.onnx`"});
    if (bytes.size() < sizeof header) damaged("it is cut off");
    std::memcpy(&header, bytes.data(), sizeof header);
    if (header.version != engine_version)
        throw Error({.what = fmt::format("engine of format version {}, this program reads {}", header.version, engine_version), .fix = "build it again with this version"});
    if (header.file_bytes != bytes.size()) damaged(fmt::format("it has {} bytes, should have {}", bytes.size(), header.file_bytes));
    if (header.sections != 2 || bytes.size() < sizeof header + 2 * sizeof(Section)) damaged("its section table");
    std::array<Section, 2> table;
    std::memcpy(table.data(), bytes.data() + sizeof header, sizeof table);
    if (header_checksum(header, table) != header.checksum) damaged("the checksum of its header");
    std::uint64_t end = sizeof header + sizeof table;
    std::array<std::span<const std::byte>, 2> sections;
    for (std::size_t i = 0; i < table.size(); ++i) {
        const Section& s = table[i];
        const std::string_view name = i == 0 ? "program" : "weights";
        if (s.name != name_of_section(name) || s.offset < end || s.offset % alignment != 0 || s.offset > bytes.size() || s.bytes > bytes.size() - s.offset)
            damaged("its section table");
        for (std::uint64_t p = end; p < s.offset; ++p)
            if (bytes[p] != std::byte{0}) damaged("bytes between its sections");
        sections[i] = bytes.subspan(s.offset, s.bytes);
        if (XXH3_64bits(sections[i].data(), sections[i].size()) != s.checksum) damaged(fmt::format("the checksum of its {}", name));
        end = s.offset + s.bytes;
    }
    if (end != bytes.size()) damaged("bytes behind its end");
    Program program = program_from_json(json_from_cbor(sections[0]), sections[1], file.owner);
    check_program(program);
    return program;
}

}  // namespace tercet
