// SPDX-License-Identifier: Apache-2.0
#include "precision/export_plan.h"

#include "precision/quantized_layers.h"
#include "tensor/half.h"

#include <fmt/format.h>

#include <cmath>

namespace tercet {
namespace {

using namespace onnx;

// A constant that FP16 cannot hold makes its layer FP32.
std::string why_not_fp16(ModelEdit& model, const TreeNode& n) {
    for (const std::string& v : n.inputs) {
        const Tensor* c = model.constant(v);
        if (!c || c->dtype() != DType::f32) continue;
        double most = 0;
        for (std::int64_t i = 0; i < c->count(); ++i)
            if (const double x = std::fabs(c->get(i)); std::isfinite(x)) most = std::max(most, x);
        if (std::isinf(static_cast<double>(Float16(most)))) return fmt::format("|x| reaches {:.6g} in '{}', FP16 ends at 65504", most, v);
    }
    return {};
}

}  // namespace

void apply(const LayerPrecisions& wishes, PrecisionPlan& plan) {
    for (const auto& [pattern, name] : wishes) {
        const Precision precision = precision_named(name);
        bool fits = false;
        for (LayerPlan& l : plan.layers) {
            if (!fits_pattern(pattern, l.layer)) continue;
            fits = true;
            l.asked = l.chosen = precision;
            l.reason = fmt::format("asked for by '{}'", pattern);
        }
        if (!fits) throw Error({.what = fmt::format("no layer fits '{}'", pattern), .fix = "`tercet export MODEL --write-plan FILE` lists the layers"});
    }
}

PrecisionPlan make_export_plan(ModelEdit& model, Precision precision, const Scales& scales, const LayerPrecisions& wishes, Precision fallback) {
    PrecisionPlan plan{.precision = precision, .scales = scales};
    std::vector<std::size_t> nodes;
    std::set<std::string> seen;
    for (std::size_t i = 0; i < model.nodes().size(); ++i) {
        const TreeNode& n = model.nodes()[i];
        if (is_constant(n) || !seen.insert(n.label()).second) continue;
        plan.layers.push_back({.layer = n.label(), .op = n.op, .asked = precision, .chosen = precision});
        nodes.push_back(i);
    }
    apply(wishes, plan);
    for (std::size_t i = 0; i < nodes.size(); ++i) {
        LayerPlan& l = plan.layers[i];
        if (!l.reason.empty()) continue;  // wished for
        if (precision == Precision::fp16) l.reason = why_not_fp16(model, model.nodes()[nodes[i]]);
        if (precision == Precision::int8) l.reason = why_not_int8(model, plan, nodes[i]);
        if (l.reason.empty()) continue;
        l.chosen = Precision::fp32;
        if (precision != Precision::int8) continue;
        if (!has_int8_form(model, plan, nodes[i])) l.asked = Precision::fp32;
        else if (fallback != Precision::fp16 || why_not_fp16(model, model.nodes()[nodes[i]]).empty()) l.chosen = fallback;
        if (l.chosen != Precision::fp32) l.reason += fmt::format("; {} instead", name_of(fallback));
    }
    return plan;
}

}  // namespace tercet
