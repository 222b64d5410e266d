// SPDX-License-Identifier: Apache-2.0
// Elements that are known while a model is imported, whatever its inputs will be: they decide which branch of an If is
// taken and how often a Loop runs.
#pragma once

#include "graph/graph.h"

#include <map>
#include <optional>

namespace tercet::onnx {

class KnownValues {
public:
    explicit KnownValues(const Graph& graph) : graph_(graph) {}

    /// The value, if it is small and known: a constant, followed by inference (arithmetic on shapes), or computed from such
    /// values. Its producer has types.
    std::optional<Tensor> find(ValueId v) { return find(v, 0); }

private:
    std::optional<Tensor> find(ValueId v, int depth);
    std::optional<Tensor> compute(ValueId v, int depth);

    const Graph& graph_;
    std::map<ValueId, std::optional<Tensor>> found_;  // of values that nodes compute
};

}  // namespace tercet::onnx
