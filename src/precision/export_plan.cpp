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

std::vector<LayerPrecision> parse_layer_precisions(std::string_view text) {
    std::vector<LayerPrecision> wishes;
    while (!text.empty()) {
        const std::string_view one = text.substr(0, text.find(','));
        text.remove_prefix(std::min(one.size() + 1, text.size()));
        const std::size_t colon = one.rfind(':');
        if (colon == std::string_view::npos || colon == 0)
            throw Error({.what = fmt::format("'{}' is no pattern with a precision", one), .fix = "write 'head/*:fp32,*Softmax*:fp32'"});
        wishes.push_back({std::string(one.substr(0, colon)), precision_named(one.substr(colon + 1))});
    }
    return wishes;
}

void apply(const std::vector<LayerPrecision>& wishes, PrecisionPlan& plan) {
    for (const LayerPrecision& w : wishes) {
        bool fits = false;
        for (LayerPlan& l : plan.layers) {
            if (!fits_pattern(w.pattern, l.layer)) continue;
            fits = true;
            l.asked = l.chosen = w.precision;
            l.reason = fmt::format("asked for by '{}'", w.pattern);
        }
        if (!fits) throw Error({.what = fmt::format("no layer fits '{}'", w.pattern), .fix = "`tercet export MODEL --write-plan FILE` lists the layers"});
    }
}

PrecisionPlan make_export_plan(ModelEdit& model, Precision precision, const Scales& scales, const std::vector<LayerPrecision>& wishes) {
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
        if (precision == Precision::int8 && !has_int8_form(model, plan, nodes[i])) l.asked = Precision::fp32;
    }
    return plan;
}

}  // namespace tercet
