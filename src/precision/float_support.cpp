// SPDX-License-Identifier: Apache-2.0
// From the operators' schemas (onnx.defs). An operator that is not listed takes FP16 in all its versions and BF16 from 13 on.
// MeanVarianceNormalization is FP32 since ONNX defines it by nodes with FP32 constants, which runtimes put in its place.
#include "precision/float_support.h"

#include <array>

namespace tercet {
namespace {

struct Row {
    std::string_view op;
    FloatSupport support;
};

constexpr std::int64_t never = FloatSupport::never;
constexpr FloatSupport fp32{never, never};  // also those whose result has a type that an attribute or a subgraph names
constexpr FloatSupport late{1, 22};         // BF16 came with operator set 22

constexpr std::array rows{
    Row{"Acos", late}, Row{"Acosh", late}, Row{"Asin", late}, Row{"Asinh", late}, Row{"Atan", late}, Row{"Atanh", late}, Row{"AveragePool", late},
    Row{"BatchNormalization", {1, 14}}, Row{"Bernoulli", fp32}, Row{"BlackmanWindow", fp32},
    Row{"Cast", {.any_inputs = 1}}, Row{"CastLike", {.any_inputs = 1}}, Row{"Celu", {28, 28}}, Row{"Compress", {1, 28}}, Row{"ConcatFromSequence", fp32},
    Row{"ConstantOfShape", fp32}, Row{"Conv", late}, Row{"ConvTranspose", late}, Row{"Cos", late}, Row{"Cosh", late}, Row{"CumSum", {14, 14}},
    Row{"DeformConv", late}, Row{"DepthToSpace", {1, 13}}, Row{"DequantizeLinear", fp32}, Row{"Det", late}, Row{"Dropout", {.fp32_inputs = 2}},
    Row{"DynamicQuantizeLinear", fp32}, Row{"Einsum", {1, 28}}, Row{"Elu", late}, Row{"EyeLike", fp32}, Row{"GRU", late},
    Row{"GlobalAveragePool", late}, Row{"GlobalLpPool", late}, Row{"GlobalMaxPool", late}, Row{"GreaterOrEqual", {12, 16}}, Row{"GridSample", late},
    Row{"GroupNormalization", {21, 21}}, Row{"HammingWindow", fp32}, Row{"HannWindow", fp32}, Row{"HardSigmoid", late}, Row{"HardSwish", late},
    Row{"If", fp32}, Row{"ImageDecoder", fp32}, Row{"InstanceNormalization", late}, Row{"IsInf", {20, 20}}, Row{"LSTM", late},
    Row{"LayerNormalization", {.fp32_outputs = 6}}, Row{"LeakyRelu", {1, 16}}, Row{"LessOrEqual", {12, 16}}, Row{"Loop", fp32}, Row{"LpNormalization", late}, Row{"LpPool", late},
    Row{"MaxPool", late}, Row{"MaxRoiPool", late}, Row{"MaxUnpool", late}, Row{"MeanVarianceNormalization", fp32}, Row{"MelWeightMatrix", fp32}, Row{"Mish", late}, Row{"Multinomial", fp32},
    Row{"NegativeLogLikelihoodLoss", late}, Row{"NonMaxSuppression", fp32}, Row{"OneHot", {.bf16 = 28, .fp32_inputs = 3}}, Row{"Optional", fp32},
    Row{"OptionalGetElement", fp32}, Row{"OptionalHasElement", fp32}, Row{"PRelu", {1, 16}}, Row{"Pow", {1, 15}}, Row{"QLinearConv", fp32},
    Row{"QLinearMatMul", fp32}, Row{"QuantizeLinear", fp32}, Row{"RNN", late}, Row{"RandomNormal", fp32}, Row{"RandomNormalLike", fp32},
    Row{"RandomUniform", fp32}, Row{"RandomUniformLike", fp32}, Row{"Range", fp32}, Row{"Resize", {.fp32_inputs = 6}}, Row{"ReverseSequence", {1, 28}},
    Row{"RoiAlign", late}, Row{"Round", late}, Row{"Scan", fp32}, Row{"Selu", late}, Row{"SequenceAt", fp32}, Row{"SequenceConstruct", fp32},
    Row{"SequenceEmpty", fp32}, Row{"SequenceErase", fp32}, Row{"SequenceInsert", fp32}, Row{"SequenceLength", fp32}, Row{"SequenceMap", fp32},
    Row{"Shape", {.any_inputs = 1}}, Row{"Shrink", {1, never}}, Row{"Sin", late}, Row{"Sinh", late}, Row{"Size", {.any_inputs = 1}}, Row{"Softplus", late},
    Row{"Softsign", late}, Row{"SplitToSequence", fp32}, Row{"Tan", late}, Row{"TfIdfVectorizer", fp32}, Row{"ThresholdedRelu", late}, Row{"TopK", {1, 24}},
    Row{"Unique", {1, 28}}, Row{"Upsample", {.bf16 = never, .fp32_inputs = 2}}, Row{"Where", {1, 16}},
};

}  // namespace

FloatSupport float_support(std::string_view op, std::string_view domain) {
    if (!domain.empty()) return fp32;
    for (const Row& r : rows)
        if (r.op == op) return r.support;
    return {};
}

}  // namespace tercet
