// SPDX-License-Identifier: Apache-2.0
#include "precision/float_support.h"
#include "precision/quantized_layers.h"
#include "precision/write_precision.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

namespace tercet {
namespace {

using namespace onnx;

constexpr std::int64_t opset_of_channels = 13;  // QuantizeLinear and DequantizeLinear with an axis
constexpr std::int64_t opset_of_bf16 = 13;      // Cast to BF16, and most operators
constexpr std::int64_t opset_of_fp16 = 6;       // Cast to a type by number

const LayerPlan* find(const PrecisionPlan& plan, std::string_view label) {
    for (;; label = label.substr(0, label.rfind('/'))) {
        if (const LayerPlan* l = plan.find(label)) return l;
        if (label.rfind('/') == std::string_view::npos) return nullptr;
    }
}

// Operators that are worth a newer operator set for BF16; the others compute in FP32 in between.
bool is_heavy(const TreeNode& n) {
    constexpr std::array<std::string_view, 5> recurrent{"DeformConv", "GRU", "LSTM", "RNN", "Gemm"};
    return is_matrix_layer(n) || (n.domain.empty() && std::ranges::find(recurrent, n.op) != recurrent.end());
}

bool computes_f32(ModelEdit& edit, const TreeNode& n) {
    const auto is_f32 = [&](const std::string& v) { return edit.type_of(v) == DType::f32; };
    return std::ranges::any_of(n.inputs, is_f32) || std::ranges::any_of(n.outputs, is_f32);
}

// Layers of the plan that the model has not. Those that stand in a node of it ("if1/conv" in "if1") are no fault.
void check_names(const PrecisionPlan& plan, const PrecisionPlan& model) {
    for (const LayerPlan& l : plan.layers)
        if (!find(model, l.layer))
            throw Error({.what = fmt::format("the plan names the layer '{}', which the model has not", l.layer), .fix = "make the plan from this model"});
}

std::int64_t opset_for(const PrecisionPlan& plan, ModelEdit& edit, std::int64_t newest) {
    const std::int64_t own = edit.tree().opset();
    std::int64_t needed = own;
    const auto want = [&](std::int64_t opset) {
        if (opset <= newest) needed = std::max(needed, opset);
    };
    for (std::size_t i = 0; i < edit.nodes().size(); ++i) {
        const TreeNode& n = edit.nodes()[i];
        const Precision p = precision_of(plan, n);
        if (p == Precision::int8 && is_matrix_layer(n) && why_not_int8(edit, plan, i).empty()) want(opset_of_channels);
        if (p == Precision::fp16) want(opset_of_fp16);
        if (p != Precision::bf16 || is_constant(n) || !computes_f32(edit, n)) continue;
        const std::int64_t since = float_support(n.op, n.domain).bf16;
        if (since == FloatSupport::never) continue;
        want(opset_of_bf16);
        if (is_heavy(n)) want(since);
    }
    return needed;
}

std::string why_not_float(ModelEdit& edit, const TreeNode& n, Precision p, std::int64_t opset) {
    for (const std::string& v : n.inputs)
        if (!v.empty() && edit.type_of(v) == DType::undefined) return fmt::format("nothing tells the type of '{}'", v);
    const std::int64_t since = float_support(n.op, n.domain).since(p);
    const std::string_view name = p == Precision::fp16 ? "FP16" : "BF16";
    if (since == FloatSupport::never) return fmt::format("{} takes no {}", n.op, name);
    if (p == Precision::bf16 && opset < opset_of_bf16) return fmt::format("BF16 is in opset {} and newer, this is {}", opset_of_bf16, opset);
    return since > opset ? fmt::format("{} takes {} in opset {} and newer, this is {}", n.op, name, since, opset) : std::string();
}

std::string why_not(ModelEdit& edit, const PrecisionPlan& plan, std::size_t i, Precision p, std::int64_t opset) {
    if (p == Precision::fp32) return {};
    if (p != Precision::int8) return why_not_float(edit, edit.nodes()[i], p, opset);
    if (opset < opset_of_channels) return fmt::format("per-channel scales are in opset {} and newer, this is {}", opset_of_channels, opset);
    return why_not_int8(edit, plan, i);
}

}  // namespace

Precision precision_of(const PrecisionPlan& plan, const TreeNode& n) {
    const LayerPlan* l = find(plan, n.label());
    return l ? l->chosen : plan.precision;
}

std::int64_t settle(PrecisionPlan& plan, ModelEdit& edit, std::int64_t newest) {
    PrecisionPlan model{.model = plan.model, .precision = plan.precision, .calibrator = plan.calibrator, .scales = plan.scales};
    std::vector<std::size_t> nodes;
    std::set<std::string> seen;
    for (std::size_t i = 0; i < edit.nodes().size(); ++i) {
        const TreeNode& n = edit.nodes()[i];
        if (is_constant(n) || !seen.insert(n.label()).second) continue;
        const LayerPlan* asked = find(plan, n.label());
        LayerPlan& l = model.layers.emplace_back(asked ? *asked : LayerPlan{.asked = plan.precision, .chosen = plan.precision});
        l.layer = n.label();
        l.op = n.op;
        nodes.push_back(i);
    }
    check_names(plan, model);
    const std::int64_t opset = opset_for(plan, edit, newest);
    for (std::size_t i = 0; i < nodes.size(); ++i) {
        LayerPlan& l = model.layers[i];
        if (!computes_f32(edit, edit.nodes()[nodes[i]])) {  // shapes and indices, which no precision is about
            l = {.layer = l.layer, .op = l.op, .reason = "has no FP32 values"};
            continue;
        }
        if (l.chosen == Precision::int8 && !has_int8_form(edit, plan, nodes[i])) {
            l = {.layer = l.layer, .op = l.op, .reason = why_not_int8(edit, plan, nodes[i])};
            continue;
        }
        if (std::string why = why_not(edit, plan, nodes[i], l.chosen, opset); !why.empty()) {
            l.chosen = Precision::fp32;
            l.reason = std::move(why);
        }
    }
    plan = std::move(model);
    return opset;
}

}  // namespace tercet
