// SPDX-License-Identifier: Apache-2.0
#include "tensorrt_runtime/plan_file.h"

#include "tercet/tensorrt_engine.h"

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <fstream>

namespace tercet {
namespace {

constexpr std::size_t header_bytes = 28;

std::string_view text_of(std::span<const std::byte> bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

// Of kinds of files that are named .plan, too, or may be renamed to .trt by mistake.
bool is_known_otherwise(std::string_view bytes) {
    const std::size_t first = bytes.find_first_not_of(" \t\r\n");
    return bytes.starts_with("TERCET") || (first != std::string_view::npos && bytes[first] == '{');
}

}  // namespace

std::string PlanFile::name() const { return fmt::format("TensorRT{}{}{}", rtx ? "-RTX" : "", version.empty() ? "" : " ", version); }

std::optional<PlanFile> read_plan_file(std::span<const std::byte> bytes) {
    const std::string_view text = text_of(bytes.first(std::min(bytes.size(), header_bytes)));
    if (text.starts_with("ptrt")) return PlanFile{};
    if (!text.starts_with("ftrt") && !text.starts_with("vtrt")) return {};
    PlanFile plan{.rtx = text.starts_with("vtrt")};
    if (text.size() == header_bytes && text.substr(4, 4) == std::string_view("\0\0\0\0", 4)) {
        const auto number = [&](std::size_t at) { return std::to_integer<int>(bytes[at]); };
        plan.version = fmt::format("{}.{}.{}.{}", number(24), number(25), number(26), number(27));
    }
    return plan;
}

std::string version_of_number(int number) {
    const int major = number < 10000 ? 1000 : 10000;  // versions before 10 had three digits behind the first
    return fmt::format("{}.{}.{}", number / major, number % major / 100, number % 100);
}

bool is_tensorrt_engine(const std::filesystem::path& file) {
    std::error_code error;
    if (!std::filesystem::is_regular_file(file, error)) return false;
    std::array<char, header_bytes> head{};
    std::ifstream in(file, std::ios::binary);
    in.read(head.data(), head.size());
    const std::span bytes(head.data(), static_cast<std::size_t>(in.gcount()));
    if (read_plan_file(std::as_bytes(bytes))) return true;
    const auto ending = file.extension();
    return (ending == ".trt" || ending == ".plan") && !is_known_otherwise({bytes.data(), bytes.size()});
}

}  // namespace tercet
