// SPDX-License-Identifier: Apache-2.0
// onnxruntime's forms of attention and what belongs to it:
//     MultiHeadAttention(q, k, v, bias, key mask [B, keys], attention bias)     Attention of q + bias_q, k + bias_k, v + bias_v
//     Attention(x, w, bias, key mask [B, keys], ...)                            the same of x*w + bias, which is split in three
//     RotaryEmbedding(x, positions, cos, sin)                                   inputs in another order
//     FusedMatMul(a, b)                                                         alpha * a*b, either of them transposed before
#include "ops/replacement.h"

#include <fmt/format.h>

namespace tercet {
namespace {

// Where the key mask is 0, `mask_filter_value` is added to the scores; `bias` always is.
ValueId mask_of(Replacement& r, ValueId key_mask, ValueId bias, DType dtype) {
    if (key_mask == ValueId::none) return bias;
    if (r.rank(key_mask) != 2) r.refuse(fmt::format("a mask of {} axes", r.rank(key_mask)), "give it the shape [batch, keys]");
    const ValueId kept = r.add("Cast", {key_mask}, "kept", {{"to", std::int64_t{static_cast<int>(DType::boolean)}}});
    const ValueId broad = r.add("Unsqueeze", {kept, r.ints({1, 2}, "axes")}, "kept_keys");
    const ValueId filter = r.scalar(dtype, r.attributes().real("mask_filter_value", -10000), "filter");
    const ValueId mask = r.add("Where", {broad, r.scalar(dtype, 0, "zero"), filter}, "mask");
    return bias == ValueId::none ? mask : r.add("Add", {mask, bias}, "mask");
}

void attend(Replacement& r, std::vector<ValueId> qkv, ValueId mask) {
    const std::int64_t heads = r.attributes().integer("num_heads", 0);
    Attributes a{{"kv_num_heads", heads}, {"q_num_heads", heads}};
    if (r.attributes().integer("unidirectional", 0) != 0) a.set("is_causal", std::int64_t{1});
    if (const float scale = r.attributes().real("scale", 0); scale != 0) a.set("scale", scale);
    if (r.wants(1) || r.wants(2)) r.refuse("present keys and values are asked for", "export the model without a cache");
    if (mask != ValueId::none) qkv.push_back(mask);
    r.become("Attention", std::move(qkv), std::move(a));
}

void replace_multi_head(Graph& g, NodeId id) {
    enum Input : std::size_t { query, key, value, bias, key_mask, attention_bias, past_key };
    Replacement r(g, id);
    for (std::size_t i = past_key; i < g.node(id).inputs.size(); ++i)
        if (r.has(i)) r.refuse("past keys and values", "export the model without a cache");
    for (const std::size_t i : {key, value})
        if (!r.has(i) || r.rank(r.in(i)) != 3 || r.rank(r.in(query)) != 3)
            r.refuse("queries, keys and values in one tensor, or of other than 3 axes", "give them the shapes [batch, length, heads*size]");
    std::vector<ValueId> qkv{r.in(query), r.in(key), r.in(value)};
    if (r.has(bias)) {
        // One after the other in a single vector; keys are as wide as queries.
        const auto width = g.value(r.in(query)).type.shape[2].constant(), value_width = g.value(r.in(value)).type.shape[2].constant();
        if (!width || width != value_width) r.refuse("a bias for values whose width is not that of queries", "make the width the same, or leave out the bias");
        const auto parts = r.add_split(r.in(bias), 3, "bias");
        for (std::size_t i = 0; i < 3; ++i) qkv[i] = r.add("Add", {qkv[i], parts[i]}, i == 0 ? "q" : i == 1 ? "k" : "v");
    }
    attend(r, std::move(qkv), mask_of(r, r.in(key_mask), r.in(attention_bias), r.dtype(r.in(query))));
    r.done();
}

void replace_attention(Graph& g, NodeId id) {
    enum Input : std::size_t { x, weights, bias, key_mask, past, attention_bias, past_length };
    Replacement r(g, id);
    if (r.has(past) || r.has(past_length)) r.refuse("past keys and values", "export the model without a cache");
    if (r.attributes().integer("do_rotary", 0) != 0) r.refuse("do_rotary", "optimize the model without it");
    if (const auto widths = r.attributes().integers("qkv_hidden_sizes"); !widths.empty() && (widths.size() != 3 || widths[0] != widths[1] || widths[0] != widths[2]))
        r.refuse("queries, keys and values of different widths", "optimize the model without fusing attention");
    ValueId all = r.add("MatMul", {r.in(x), r.in(weights)}, "product");
    if (r.has(bias)) all = r.add("Add", {all, r.in(bias)}, "qkv");
    attend(r, r.add_split(all, 3, "part"), mask_of(r, r.in(key_mask), r.in(attention_bias), r.dtype(r.in(x))));
    r.done();
}

void replace_rotary(Graph& g, NodeId id) {
    Replacement r(g, id);
    if (r.rank(r.in(1)) != 2) r.refuse("positions given by the first one only", "give position_ids the shape [batch, length]");
    if (r.attributes().real("scale", 1) != 1 || r.attributes().integer("is_packed_batching", 0) != 0)
        r.refuse("a scale, or packed batches", "export the model without them");
    r.become("RotaryEmbedding", {r.in(0), r.in(2), r.in(3), r.in(1)}, picked(r.attributes(), {"interleaved", "num_heads", "rotary_embedding_dim"}));
    r.done();
}

ValueId transposed(Replacement& r, ValueId v, bool asked, std::string_view name) {
    if (!asked || r.rank(v) < 2) return v;
    std::vector<std::int64_t> order;
    for (int i = 0; i < r.rank(v); ++i) order.push_back(i);
    std::swap(order[order.size() - 1], order[order.size() - 2]);
    return r.add("Transpose", {v}, name, {{"perm", std::move(order)}});
}

void replace_fused_matmul(Graph& g, NodeId id) {
    Replacement r(g, id);
    const Attributes& a = r.attributes();
    if (a.integer("transBatchA", 0) != 0 || a.integer("transBatchB", 0) != 0) r.refuse("transBatchA or transBatchB", "optimize the model without them");
    const ValueId left = transposed(r, r.in(0), a.integer("transA", 0) != 0, "a"), right = transposed(r, r.in(1), a.integer("transB", 0) != 0, "b");
    const float alpha = a.real("alpha", 1);
    if (alpha == 1) r.become("MatMul", {left, right});
    else r.become("Mul", {r.add("MatMul", {left, right}, "product"), r.scalar(r.dtype(left), static_cast<double>(alpha), "alpha")});
    r.done();
}

const RegisteredOp multi_head{{.name = "MultiHeadAttention", .domain = onnxruntime_domain, .versions = {{1}}, .inputs = {1, 10}, .outputs = {1, 4},
                               .attributes = {{"mask_filter_value", AttributeKind::real}, {"num_heads", AttributeKind::integer, true},
                                              {"scale", AttributeKind::real}, {"unidirectional", AttributeKind::integer}},
                               .replace = replace_multi_head}};
const RegisteredOp attention{{.name = "Attention", .domain = onnxruntime_domain, .versions = {{1}}, .inputs = {2, 7}, .outputs = {1, 2},
                              .attributes = {{"do_rotary", AttributeKind::integer}, {"mask_filter_value", AttributeKind::real},
                                             {"num_heads", AttributeKind::integer, true}, {"past_present_share_buffer", AttributeKind::integer},
                                             {"qkv_hidden_sizes", AttributeKind::integers}, {"rotary_embedding_dim", AttributeKind::integer},
                                             {"scale", AttributeKind::real}, {"unidirectional", AttributeKind::integer}},
                              .replace = replace_attention}};
const RegisteredOp rotary{{.name = "RotaryEmbedding", .domain = onnxruntime_domain, .versions = {{1}}, .inputs = {4, 4},
                           .attributes = {{"interleaved", AttributeKind::integer}, {"is_packed_batching", AttributeKind::integer},
                                          {"num_heads", AttributeKind::integer}, {"rotary_embedding_dim", AttributeKind::integer}, {"scale", AttributeKind::real}},
                           .replace = replace_rotary}};
const RegisteredOp fused_matmul{{.name = "FusedMatMul", .domain = onnxruntime_domain, .versions = {{1}}, .inputs = {2, 2},
                                 .attributes = {{"alpha", AttributeKind::real}, {"transA", AttributeKind::integer}, {"transB", AttributeKind::integer},
                                                {"transBatchA", AttributeKind::integer}, {"transBatchB", AttributeKind::integer}},
                                 .replace = replace_fused_matmul}};

}  // namespace
}  // namespace tercet
