// SPDX-License-Identifier: Apache-2.0
// Writes precisions into a fused graph: constant weights in 16 bits, or QuantizeLinear and DequantizeLinear around what is to
// work on bytes, which fuse_quantized then takes in. Every node of the graph is a step by now, every value one that lies in
// memory.
//
// INT8: symmetric, zero point 0. Weights per output channel, scale = greatest magnitude / 127. An activation is stored in bytes
// if a quantized product reads it, or what such a product, a pool or an element-wise chain in bytes reads; operators that only
// move elements keep the scale of what they move.
#pragma once

#include "graph/graph.h"
#include "precision/precision_plan.h"

#include <functional>
#include <map>
#include <string>

namespace tercet {

/// What is asked for, by the label of an ONNX node.
using AskedPrecision = std::function<Precision(const std::string& layer)>;

/// Why a step did not get what was asked, by the labels of its layers.
using Refusals = std::map<std::string, std::string, std::less<>>;

/// Means per input channel by tensor (Calibration::means).
using ChannelMeansByTensor = std::map<std::string, std::vector<float>, std::less<>>;

/// As int8 where asked and possible. Scales are looked up by values' names. Returns how many values and weights changed.
///
/// Where the means of a product's input are known, its bias takes up what rounding the weights shifts its results by on average
/// (Nagel et al., Data-Free Quantization through Weight Equalization and Bias Correction, 2019, section 4.2, with means of real
/// data): bias[m] -= sum over c and k of (quantized w - w)[m,c,k] * mean[c]. Taps on the padding are taken to read the mean, too.
int set_int8(Graph& g, const AskedPrecision& asked, const Scales& scales, Refusals& refusals, const ChannelMeansByTensor& means = {});

/// What f16 or bf16 makes of a model's weights.
struct NarrowWeights {
    std::string tensor;
    std::int64_t overflowing = 0, subnormal = 0, count = 0;  // subnormal: not 0, and below the least normal number
};

/// f16 or bf16 of a model's layers whose first output is of such a type, by their labels.
using HalfLayers = std::map<std::string, DType, std::less<>>;
HalfLayers half_layers(const Graph& read);

/// Weights of products and tables of Gather in 16 bits where asked (fp16, bf16) and possible, and where the model has them so and
/// nothing is lost, whatever is asked; computed in f32. `found` takes the weights with values that the type cannot hold well.
int set_half(Graph& g, const AskedPrecision& asked, const HalfLayers& own, Refusals& refusals, std::vector<NarrowWeights>& found);

/// The scale of a value: by its name, or that of the ONNX tensor whose elements it has in another order. 0: there is none.
float scale_of(const Scales& scales, std::string_view value);

/// The name in the ONNX model of the tensor whose elements a value has, where `known` says that there is such a tensor; empty if there is none.
std::string_view tensor_of(std::string_view value, const std::function<bool(std::string_view)>& known);

/// For every layer of the model as read what the final graph runs it in.
std::vector<LayerPlan> layers_of_precisions(const Graph& read, const Graph& made, const AskedPrecision& asked, const Refusals& refusals);

}  // namespace tercet
