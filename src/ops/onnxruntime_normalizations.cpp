// SPDX-License-Identifier: Apache-2.0
// onnxruntime's forms of layer and RMS normalization, norm(s) * gamma + beta, s being
//     SkipLayerNormalization, SkipSimplifiedLayerNormalization    x + skip + bias, which is output 3, too
//     EmbedLayerNormalization     rows of tables: words[ids] + places[position] + segments[segment ids], which is output 2, too
//     SimplifiedLayerNormalization (in ONNX's own domain)         x
// "Simplified" is RMS normalization.
#include "ops/replacement.h"

namespace tercet {
namespace {

constexpr float ort_epsilon = 1e-12f;  // where the attribute is left out

ValueId sum(Replacement& r, ValueId a, std::size_t i, std::string_view name) { return r.has(i) ? r.add("Add", {a, r.in(i)}, name) : a; }

void normalize(Replacement& r, std::string_view op, ValueId x, ValueId gamma, ValueId beta, std::vector<std::size_t> outputs) {
    Attributes a = picked(r.attributes(), {"axis"});
    a.set("epsilon", r.attributes().real("epsilon", ort_epsilon));
    r.become(op, {x, gamma, beta}, std::move(a), std::move(outputs));
}

void replace_skip(Graph& g, NodeId id) {
    Replacement r(g, id);
    const bool simplified = g.node(id).op.starts_with("SkipSimplified");
    if (simplified && (r.wants(1) || r.wants(2))) r.refuse("mean and variance are asked for", "export the model without these outputs");
    const ValueId s = sum(r, r.add("Add", {r.in(0), r.in(1)}, "sum"), simplified ? 3 : 4, "sum");
    if (r.wants(3)) r.become("Identity", {s}, {}, {3});
    if (simplified) normalize(r, "RMSNormalization", s, r.in(2), ValueId::none, {0});
    else normalize(r, "LayerNormalization", s, r.in(2), r.in(3), {0, 1, 2});
    r.done();
}

void replace_simplified(Graph& g, NodeId id) {
    Replacement r(g, id);
    if (r.wants(1)) r.refuse("the inverse of the root mean square is asked for", "export the model without this output");
    Attributes a = picked(r.attributes(), {"axis", "epsilon"});
    r.become("RMSNormalization", {r.in(0), r.in(1)}, std::move(a));
    r.done();
}

void replace_embed(Graph& g, NodeId id) {
    enum Input : std::size_t { ids, segment_ids, words, places, segments, gamma, beta, mask, position_ids };
    Replacement r(g, id);
    for (const std::size_t i : {words, places, gamma, beta}) r.require(i);
    if (r.attributes().integer("mask_index_type", 0) > 1) r.refuse("mask_index_type is above 1", "optimize the model without it");
    if (r.has(segment_ids) != r.has(segments)) r.refuse("segment ids without a table, or a table without ids", "check the model");
    ValueId s = r.add("Gather", {r.in(words), r.in(ids)}, "words");
    if (r.has(position_ids)) {
        s = r.add("Add", {s, r.add("Gather", {r.in(places), r.in(position_ids)}, "places")}, "sum");
    } else {
        const ValueId length = r.add("Squeeze", {r.add("Shape", {r.in(ids)}, "length", {{"end", std::int64_t{2}}, {"start", std::int64_t{1}}})}, "length");
        const ValueId positions = r.add("Range", {r.scalar(DType::i64, 0, "zero"), length, r.scalar(DType::i64, 1, "one")}, "positions");
        s = r.add("Add", {s, r.add("Gather", {r.in(places), positions}, "places")}, "sum");
    }
    if (r.has(segments)) s = r.add("Add", {s, r.add("Gather", {r.in(segments), r.in(segment_ids)}, "segments")}, "sum");
    if (r.wants(1) && r.has(mask)) {  // how many positions count
        r.become("ReduceSum", {r.in(mask), r.ints({1}, "axes")}, {{"keepdims", std::int64_t{0}}}, {1});
    } else if (r.wants(1)) {
        const ValueId batch = r.add("Shape", {r.in(ids)}, "batch", {{"end", std::int64_t{1}}});
        r.become("ConstantOfShape", {batch}, {{"value", Tensor::zeros(DType::i32, {1})}}, {1});
    }
    if (r.wants(2)) r.become("Identity", {s}, {}, {2});
    normalize(r, "LayerNormalization", s, r.in(gamma), r.in(beta), {0});
    r.done();
}

const RegisteredOp skip{{.name = "SkipLayerNormalization", .domain = onnxruntime_domain, .versions = {{1}}, .inputs = {3, 5}, .outputs = {1, 4},
                         .attributes = {{"epsilon", AttributeKind::real}}, .replace = replace_skip}};
const RegisteredOp skip_simplified{{.name = "SkipSimplifiedLayerNormalization", .domain = onnxruntime_domain, .versions = {{1}}, .inputs = {3, 4},
                                    .outputs = {1, 4}, .attributes = {{"epsilon", AttributeKind::real}}, .replace = replace_skip}};
const RegisteredOp simplified{{.name = "SimplifiedLayerNormalization", .versions = {{1}}, .inputs = {2, 2}, .outputs = {1, 2},
                               .attributes = {{"axis", AttributeKind::integer}, {"epsilon", AttributeKind::real}, {"stash_type", AttributeKind::integer}},
                               .replace = replace_simplified}};
const RegisteredOp embed{{.name = "EmbedLayerNormalization", .domain = onnxruntime_domain, .versions = {{1}}, .inputs = {1, 9}, .outputs = {1, 3},
                          .attributes = {{"epsilon", AttributeKind::real}, {"mask_index_type", AttributeKind::integer}}, .replace = replace_embed}};

}  // namespace
}  // namespace tercet
