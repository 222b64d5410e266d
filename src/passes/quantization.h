// SPDX-License-Identifier: Apache-2.0
// What a graph says about quantized values: a DequantizeLinear in front of an operator, a QuantizeLinear behind it.
#pragma once

#include "graph/graph.h"

#include <optional>
#include <vector>

namespace tercet {

/// Scale and zero point of a whole tensor of i8 or u8.
struct Quantization {
    float scale = 1;
    std::int64_t zero = 0;
    DType dtype = DType::i8;
    friend bool operator==(const Quantization&, const Quantization&) = default;
};

/// That of a QuantizeLinear or DequantizeLinear node; empty if it is another one, one per channel or block, or unusual.
std::optional<Quantization> quantization_of(const Graph& g, NodeId id, std::string_view op);

/// v = DequantizeLinear(q).
struct Dequantized {
    ValueId q;
    Quantization by;
};
std::optional<Dequantized> dequantized(const Graph& g, ValueId v);

/// The one QuantizeLinear that is all that reads v; none if there is more.
NodeId only_quantize(const Graph& g, ValueId v);

/// Whether an operator only moves elements of its first input (Concat: of all), or chooses among them: it works on bytes as well, and
/// rounding before or behind it is the same.
bool moves_elements(const Graph& g, NodeId id);

/// A constant matrix or filter as signed bytes: value = scale[channel] * values.
struct ByteWeights {
    Tensor values;              // i8
    std::vector<float> scales;  // one per index of `axis`
};
/// Of weights that are a DequantizeLinear of constants. Empty if they are not, or do not fit into signed bytes without zero point.
std::optional<ByteWeights> quantized_weights(const Graph& g, ValueId v, int axis);

}  // namespace tercet
