// SPDX-License-Identifier: Apache-2.0
// onnxruntime's forms of GELU:
//     Gelu(x)             gelu(x)                  BiasGelu(x, b)   gelu(x + b)
//     FastGelu(x, b)      gelu(x + b) by tanh      QuickGelu(x)     x * sigmoid(alpha * x)
#include "ops/replacement.h"

namespace tercet {
namespace {

ValueId with_bias(Replacement& r) { return r.has(1) ? r.add("Add", {r.in(0), r.in(1)}, "biased") : r.in(0); }

void replace_gelu(Graph& g, NodeId id) {
    Replacement r(g, id);
    r.become("Gelu", {with_bias(r)});
    r.done();
}

void replace_fast_gelu(Graph& g, NodeId id) {
    Replacement r(g, id);
    r.become("Gelu", {with_bias(r)}, {{"approximate", std::string("tanh")}});
    r.done();
}

void replace_quick_gelu(Graph& g, NodeId id) {
    Replacement r(g, id);
    r.become("Swish", {r.in(0)}, {{"alpha", r.attributes().real("alpha", 1.702f)}});
    r.done();
}

const RegisteredOp gelu{{.name = "Gelu", .domain = onnxruntime_domain, .versions = {{1}}, .replace = replace_gelu}};
const RegisteredOp bias_gelu{{.name = "BiasGelu", .domain = onnxruntime_domain, .versions = {{1}}, .inputs = {2, 2}, .replace = replace_gelu}};
const RegisteredOp fast_gelu{{.name = "FastGelu", .domain = onnxruntime_domain, .versions = {{1}}, .inputs = {1, 2}, .replace = replace_fast_gelu}};
const RegisteredOp quick_gelu{{.name = "QuickGelu", .domain = onnxruntime_domain, .versions = {{1}}, .attributes = {{"alpha", AttributeKind::real}},
                               .replace = replace_quick_gelu}};

}  // namespace
}  // namespace tercet
