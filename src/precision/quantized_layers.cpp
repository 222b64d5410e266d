// SPDX-License-Identifier: Apache-2.0
#include "precision/quantized_layers.h"

#include "precision/write_precision.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace tercet {
namespace {

using namespace onnx;

bool is(const TreeNode& n, std::string_view op) { return n.domain.empty() && n.op == op; }

bool is_convolution(const TreeNode& n) { return is(n, "Conv") || is(n, "ConvTranspose"); }

std::string why_no_scale(ModelEdit& edit, const PrecisionPlan& plan, const std::string& v) {
    if (edit.type_of(v) != DType::f32) return fmt::format("tensor '{}' is not FP32", v);
    if (is_dequantized(edit, v)) return {};
    const auto scale = plan.scales.find(v);
    if (scale == plan.scales.end()) return fmt::format("no scale for tensor '{}'", v);
    if (!(scale->second > 0) || !std::isfinite(scale->second)) return fmt::format("the scale of tensor '{}' is {}", v, scale->second);
    return {};
}

// The convolution whose result a value is, a normalization in between included.
std::optional<std::size_t> quantized_convolution(ModelEdit& edit, const PrecisionPlan& plan, const std::string& v) {
    auto p = edit.producer(v);
    if (p && is(edit.nodes()[*p], "BatchNormalization")) p = edit.producer(edit.nodes()[*p].inputs.at(0));
    const bool is_one = p && is_convolution(edit.nodes()[*p]) && precision_of(plan, edit.nodes()[*p]) == Precision::int8 && why_not_int8(edit, plan, *p).empty();
    return is_one ? p : std::nullopt;
}

// Of two convolutions the later one takes the sum in: by then the other operand is there.
std::optional<std::size_t> residual_branch(ModelEdit& edit, const PrecisionPlan& plan, std::size_t node) {
    const TreeNode& n = edit.nodes()[node];
    if (!is(n, "Add") || n.inputs.size() != 2 || edit.type_of(n.outputs.at(0)) != DType::f32) return {};
    const auto a = quantized_convolution(edit, plan, n.inputs[0]), b = quantized_convolution(edit, plan, n.inputs[1]);
    if (!a && !b) return {};
    const std::size_t branch = a && (!b || *b < *a) ? 1 : 0;
    if (n.inputs[0] == n.inputs[1] || edit.constant(n.inputs[branch])) return {};
    return branch;
}

}  // namespace

bool is_matrix_layer(const TreeNode& n) {
    constexpr std::array<std::string_view, 4> ops{"Conv", "ConvTranspose", "MatMul", "Gemm"};
    return n.domain.empty() && std::ranges::find(ops, n.op) != ops.end();
}

bool has_int8_form(ModelEdit& edit, const PrecisionPlan& plan, std::size_t node) {
    return is_matrix_layer(edit.nodes()[node]) || residual_branch(edit, plan, node);
}

bool is_dequantized(ModelEdit& edit, const std::string& v) {
    const auto p = edit.producer(v);
    return p && is(edit.nodes()[*p], "DequantizeLinear");
}

std::string why_not_int8(ModelEdit& edit, const PrecisionPlan& plan, std::size_t node) {
    const TreeNode& n = edit.nodes()[node];
    if (!is_matrix_layer(n)) {
        const auto branch = residual_branch(edit, plan, node);
        return branch ? why_no_scale(edit, plan, n.inputs[*branch]) : "has no Q/DQ of its own";
    }
    if (n.inputs.size() < 2) return "has no weights";
    int constants = 0;
    for (std::size_t k : {0, 1}) {
        const Tensor* c = edit.constant(n.inputs[k]);
        if (c && c->dtype() == DType::f32) ++constants;
        else if (std::string why = why_no_scale(edit, plan, n.inputs[k]); !why.empty()) return why;
    }
    if (constants == 2) return "is constant";
    if (is_convolution(n) && !edit.constant(n.inputs[1]) && !is_dequantized(edit, n.inputs[1])) return fmt::format("its weights '{}' are computed", n.inputs[1]);
    return {};
}

std::vector<std::size_t> quantized_inputs(ModelEdit& edit, const PrecisionPlan& plan, std::size_t node) {
    if (is_matrix_layer(edit.nodes()[node])) return {0, 1};
    const auto branch = residual_branch(edit, plan, node);
    return branch ? std::vector{*branch} : std::vector<std::size_t>{};
}

std::optional<int> channel_axis(ModelEdit& edit, std::size_t node, std::size_t k) {
    const TreeNode& n = edit.nodes()[node];
    const int rank = edit.constant(n.inputs[k])->shape().size();
    if (k != 1 || rank < 2) return {};
    if (n.op == "Conv") return 0;
    if (n.op == "ConvTranspose") return 1;
    if (rank > 2) return {};
    if (n.op == "MatMul") return 1;
    const bool transposed = file_node_of(n, edit.tree().source, {}).attributes.integer("transB", 0) != 0;
    return transposed ? 0 : 1;
}

}  // namespace tercet
