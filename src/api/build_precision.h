// SPDX-License-Identifier: Apache-2.0
// What build() does for precisions: where wishes and scales come from, and what became of them.
#pragma once

#include "api/find_scales.h"
#include "graph/graph.h"
#include "precision/set_precision.h"
#include "target/isa.h"
#include "tercet/build.h"

#include <optional>

namespace tercet {

class BuildPrecision {
public:
    /// `read` is the model as read. Finds scales for INT8, by calibrating if need be. Error if there are none.
    BuildPrecision(const std::filesystem::path& model_file, const Graph& read, const BuildSettings& settings);

    /// For PassSettings::set_precision. Weights that the model has in 16 bits stay so where the level has kernels that read them.
    int set(Graph& fused, const Isa& isa);

    /// What the final graph runs, for the engine file; and what of it belongs into the result. Error if a layer fell back
    /// and may not.
    PrecisionPlan plan(const Graph& made, BuildResult& result) const;

    Precision precision() const { return precision_; }

private:
    Precision asked(const std::string& layer) const;

    const Graph& read_;
    const BuildSettings& settings_;
    Precision precision_, fallback_;  // what is asked for, and what takes its place where int8 cannot be
    std::optional<PrecisionPlan> given_;
    std::vector<std::pair<std::string, Precision>> wishes_;
    FoundScales scales_;
    Refusals refusals_;
    std::vector<NarrowWeights> narrow_;
};

}  // namespace tercet
