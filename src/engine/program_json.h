// SPDX-License-Identifier: Apache-2.0
// A Program as JSON (CBOR in the file), its constants as places in the weights section.
#pragma once

#include "engine/program.h"

#include <nlohmann/json.hpp>

namespace tercet {

/// Where constants go; equal ones (by their bytes) are kept once.
class WeightsWriter {
public:
    std::uint64_t add(const Tensor& t);  // its offset
    std::span<const std::pair<std::uint64_t, Tensor>> blobs() const { return blobs_; }
    std::uint64_t bytes() const { return bytes_; }

private:
    std::vector<std::pair<std::uint64_t, Tensor>> blobs_;
    std::multimap<std::uint64_t, std::size_t> by_hash_;
    std::uint64_t bytes_ = 0;
};

nlohmann::json program_to_json(const Program& program, WeightsWriter& weights);

/// Error if it is no CBOR, or nested so deeply that no program is written so.
nlohmann::json json_from_cbor(std::span<const std::byte> bytes);

/// Error if anything is missing, of the wrong kind or out of range; check_program comes on top.
Program program_from_json(const nlohmann::json& json, std::span<const std::byte> weights, const std::shared_ptr<const void>& owner);

}  // namespace tercet
