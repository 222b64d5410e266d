// SPDX-License-Identifier: Apache-2.0
// x -> QuantizeLinear -> DequantizeLinear in front of a layer tells a runtime that the layer reads x in INT8; weights are INT8
// already, behind a DequantizeLinear of their own. A value has one pair, whoever reads it; biases stay FP32.
#include "precision/quantized_layers.h"
#include "precision/quantize_weights.h"
#include "precision/write_precision.h"

#include <algorithm>

namespace tercet {
namespace {

using namespace onnx;

class QuantizedWriter {
public:
    QuantizedWriter(ModelEdit& edit, const PrecisionPlan& plan) : edit_(edit), plan_(plan) {}

    void run() {
        std::vector<std::pair<std::size_t, std::size_t>> reads;  // all found before the first is changed
        for (std::size_t i = 0; i < edit_.nodes().size(); ++i)
            if (precision_of(plan_, edit_.nodes()[i]) == Precision::int8 && why_not_int8(edit_, plan_, i).empty())  // nodes may share a label
                for (std::size_t k : quantized_inputs(edit_, plan_, i)) reads.emplace_back(i, k);
        for (const auto& [i, k] : reads) {
            const std::string v = edit_.nodes()[i].inputs[k];
            std::string read = v;
            if (const Tensor* w = edit_.constant(v)) read = weights(v, *w, channel_axis(edit_, i, k), i);
            else if (!is_dequantized(edit_, v)) read = activation(v);
            edit_.nodes()[i].inputs[k] = read;
        }
        drop_unread_constants();
        edit_.finish();
    }

private:
    std::string activation(const std::string& v) {
        const auto [known, is_new] = activations_.try_emplace(v);
        if (!is_new) return known->second;
        const std::string scale = edit_.add_constant(v + "_scale", Tensor::scalar(DType::f32, plan_.scales.find(v)->second));
        const std::string zero = edit_.add_constant(v + "_zero_point", Tensor::scalar(DType::i8, 0));
        const std::string q = edit_.unused(v + "_quantized"), x = edit_.unused(v + "_dequantized");
        edit_.add_behind(v, {.op = "QuantizeLinear", .inputs = {v, scale, zero}, .outputs = {q}, .name = edit_.unused(v + "_QuantizeLinear")});
        edit_.add_behind(v, {.op = "DequantizeLinear", .inputs = {q, scale, zero}, .outputs = {x}, .name = edit_.unused(v + "_DequantizeLinear")});
        edit_.set_type(q, DType::i8);
        edit_.set_type(x, DType::f32);
        return known->second = x;
    }

    std::string weights(const std::string& v, const Tensor& w, std::optional<int> axis, std::size_t reader) {
        const auto [known, is_new] = weights_.try_emplace({v, axis});
        if (!is_new) return known->second;
        const QuantizedWeights quantized = at([&] { return edit_.nodes()[reader].label() + ": '" + v + "'"; }, [&] { return quantize_weights(w, axis); });
        const std::string q = edit_.add_constant(v + "_quantized", quantized.values);
        const std::string scale = edit_.add_constant(v + "_scale", quantized.scales);
        const std::string zero = edit_.add_constant(v + "_zero_point", Tensor::zeros(DType::i8, quantized.scales.shape()));
        const std::string x = edit_.unused(v + "_dequantized");
        TreeNode n{.op = "DequantizeLinear", .inputs = {q, scale, zero}, .outputs = {x}, .name = edit_.unused(v + "_DequantizeLinear")};
        if (axis) n.attributes.push_back(attribute_of("axis", std::int64_t{*axis}));
        edit_.add_before(reader, std::move(n));
        edit_.set_type(x, DType::f32);
        return known->second = x;
    }

    void drop_unread_constants() {
        for (const auto& [key, read] : weights_) {
            const std::string& v = key.first;
            const bool is_read = std::ranges::any_of(edit_.nodes(), [&](const TreeNode& n) { return std::ranges::find(n.inputs, v) != n.inputs.end(); });
            if (!is_read && !edit_.is_output(v) && !edit_.is_captured(v)) edit_.drop_constant(v);
        }
    }

    ModelEdit& edit_;
    const PrecisionPlan& plan_;
    std::map<std::string, std::string> activations_;                              // value -> its dequantized form
    std::map<std::pair<std::string, std::optional<int>>, std::string> weights_;   // by the axis of channels
};

}  // namespace

void write_quantized(ModelEdit& edit, const PrecisionPlan& plan) { QuantizedWriter(edit, plan).run(); }

}  // namespace tercet
