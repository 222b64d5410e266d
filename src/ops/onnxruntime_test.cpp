// SPDX-License-Identifier: Apache-2.0
// onnxruntime's operators become ONNX's when a model is imported.
#include "graph/text.h"
#include "ops/testing.h"
#include "ops/upgrade_testing.h"

#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

// Names of what is inserted do not matter: structure, types and values do.
void expect_becomes(std::string_view before, std::string_view after) {
    SCOPED_TRACE(std::string(before));
    const Graph g = upgraded(before, 1);
    const Graph e = typed_graph(after);
    ASSERT_EQ(g.order().size(), e.order().size()) << print_text(g);
    for (std::size_t i = 0; i < g.order().size(); ++i) {
        const Node &a = g.node(g.order()[i]), &b = e.node(e.order()[i]);
        EXPECT_EQ(a.op, b.op) << print_text(g);
        EXPECT_EQ(a.domain, "");
        EXPECT_EQ(a.attributes, b.attributes) << print_text(g);
    }
    ASSERT_EQ(g.outputs().size(), e.outputs().size());
    std::vector<Tensor> inputs;
    for (ValueId v : e.inputs()) {
        Dims shape;
        for (const Dim& d : e.value(v).type.shape) shape.push_back(d.evaluate({{"N", 2}, {"S", 3}}));
        inputs.push_back(random_tensor(e.value(v).type.dtype, shape, 7 + static_cast<unsigned>(inputs.size())));
        for (std::int64_t i = 0; is_integer(inputs.back().dtype()) && i < inputs.back().count(); ++i) inputs.back().writable().set_int_at(i, i % 2);
    }
    const auto actual = evaluate(g, inputs), expected = evaluate(e, inputs);
    for (std::size_t i = 0; i < expected.size(); ++i) {
        EXPECT_EQ(text_of(g.value(g.outputs()[i].value).type), text_of(e.value(e.outputs()[i].value).type));
        expect_close(actual[i], expected[i], 1e-6, e.outputs()[i].name);
    }
}

void expect_refused(std::string_view graph, std::string_view part) {
    try {
        upgraded(graph, 1);
        ADD_FAILURE() << "no error for " << graph;
    } catch (const Error& e) {
        EXPECT_NE(std::string_view(e.what()).find(part), std::string_view::npos) << e.what();
    }
}

TEST(OnnxRuntime, GeluInAllForms) {
    const auto one = [](std::string inputs, std::string call) { return "(" + inputs + ") => (f32[N,4] y) { " + call + " }"; };
    expect_becomes(one("f32[N,4] x", "y = \"com.microsoft\":Gelu(x)"), one("f32[N,4] x", "y = Gelu(x)"));
    expect_becomes(one("f32[N,4] x", "y = \"com.microsoft\":QuickGelu<alpha = 1.5>(x)"), one("f32[N,4] x", "y = Swish<alpha = 1.5>(x)"));
    expect_becomes(one("f32[N,4] x", "y = \"com.microsoft\":QuickGelu(x)"), one("f32[N,4] x", "y = Swish<alpha = 1.702>(x)"));
    expect_becomes(one("f32[N,4] x", "y = \"com.microsoft\":FastGelu(x)"), one("f32[N,4] x", "y = Gelu<approximate = \"tanh\">(x)"));
    expect_becomes(one("f32[N,4] x, f32[4] b", "y = \"com.microsoft\":FastGelu(x, b)"), one("f32[N,4] x, f32[4] b", "z = Add(x, b) y = Gelu<approximate = \"tanh\">(z)"));
    expect_becomes(one("f32[N,4] x, f32[4] b", "y = \"com.microsoft\":BiasGelu(x, b)"), one("f32[N,4] x, f32[4] b", "z = Add(x, b) y = Gelu(z)"));
}

TEST(OnnxRuntime, NormalizationOfSums) {
    expect_becomes(R"((f32[N,S,4] x, f32[N,S,4] s, f32[4] g, f32[4] b, f32[4] c) => (f32[N,S,4] y, f32[N,S,4] z) {
                       y, _, _, z = "com.microsoft":SkipLayerNormalization<epsilon = 0.5>(x, s, g, b, c) })",
                   R"((f32[N,S,4] x, f32[N,S,4] s, f32[4] g, f32[4] b, f32[4] c) => (f32[N,S,4] y, f32[N,S,4] z) {
                       t = Add(x, s) u = Add(t, c) z = Identity(u) y = LayerNormalization<epsilon = 0.5>(u, g, b) })");
    expect_becomes(R"((f32[N,S,4] x, f32[N,S,4] s, f32[4] g) => (f32[N,S,4] y) { y = "com.microsoft":SkipLayerNormalization(x, s, g) })",
                   R"((f32[N,S,4] x, f32[N,S,4] s, f32[4] g) => (f32[N,S,4] y) { u = Add(x, s) y = LayerNormalization<epsilon = 1e-12>(u, g) })");
    expect_becomes(R"((f32[N,S,4] x, f32[N,S,4] s, f32[4] g, f32[4] c) => (f32[N,S,4] y, f32[N,S,4] z) {
                       y, _, _, z = "com.microsoft":SkipSimplifiedLayerNormalization<epsilon = 0.5>(x, s, g, c) })",
                   R"((f32[N,S,4] x, f32[N,S,4] s, f32[4] g, f32[4] c) => (f32[N,S,4] y, f32[N,S,4] z) {
                       t = Add(x, s) u = Add(t, c) z = Identity(u) y = RMSNormalization<epsilon = 0.5>(u, g) })");
    expect_becomes("(f32[N,S,4] x, f32[4] g) => (f32[N,S,4] y) { y = SimplifiedLayerNormalization<axis = -1, epsilon = 0.5, stash_type = 1>(x, g) }",
                   "(f32[N,S,4] x, f32[4] g) => (f32[N,S,4] y) { y = RMSNormalization<axis = -1, epsilon = 0.5>(x, g) }");
    expect_refused("(f32[N,S,4] x, f32[4] g) => (f32[1] y, f32[1] i) { y, i = SimplifiedLayerNormalization(x, g) }", "inverse of the root mean square");
    expect_refused("(f32[N,S,4] x, f32[4] g) => (f32[1] y, f32[1] i) { y, i = \"com.microsoft\":SkipSimplifiedLayerNormalization(x, x, g) }", "mean and variance");
}

TEST(OnnxRuntime, EmbeddingsOfTokens) {
    expect_becomes(R"((i32[N,S] ids, i32[N,S] seg, f32[9,4] w, f32[5,4] p, f32[2,4] t, f32[4] g, f32[4] b, i32[N,S] mask) => (f32[N,S,4] y, i32[N] n, f32[N,S,4] z) {
                       y, n, z = "com.microsoft":EmbedLayerNormalization<epsilon = 0.5>(ids, seg, w, p, t, g, b, mask) })",
                   R"((i32[N,S] ids, i32[N,S] seg, f32[9,4] w, f32[5,4] p, f32[2,4] t, f32[4] g, f32[4] b, i32[N,S] mask) => (f32[N,S,4] y, i32[N] n, f32[N,S,4] z) {
                       a = Gather(w, ids) l = Shape<end = 2, start = 1>(ids) m = Squeeze(l) r = Range(i64{0}, m, i64{1}) c = Gather(p, r) d = Add(a, c)
                       e = Gather(t, seg) f = Add(d, e) n = ReduceSum<keepdims = 0>(mask, i64[1]{1}) z = Identity(f) y = LayerNormalization<epsilon = 0.5>(f, g, b) })");
    expect_becomes(R"((i32[N,S] ids, f32[9,4] w, f32[5,4] p, f32[4] g, f32[4] b, i32[N,S] at) => (f32[N,S,4] y) {
                       y = "com.microsoft":EmbedLayerNormalization(ids, _, w, p, _, g, b, _, at) })",
                   R"((i32[N,S] ids, f32[9,4] w, f32[5,4] p, f32[4] g, f32[4] b, i32[N,S] at) => (f32[N,S,4] y) {
                       a = Gather(w, ids) c = Gather(p, at) d = Add(a, c) y = LayerNormalization<epsilon = 1e-12>(d, g, b) })");
    expect_refused("(i32[N,S] ids, f32[9,4] w, f32[4] g) => (f32[1] y) { y = \"com.microsoft\":EmbedLayerNormalization(ids, _, w, _, _, g, g) }", "input 3 is required");
    expect_refused("(i32[N,S] ids, f32[9,4] w, f32[4] g) => (f32[1] y) { y = \"com.microsoft\":EmbedLayerNormalization(ids, ids, w, w, _, g, g) }", "segment ids without a table");
}

TEST(OnnxRuntime, AttentionOfProjectedValues) {
    expect_becomes(R"((f32[N,S,4] q, f32[N,S,4] k, f32[N,S,4] v) => (f32[N,S,4] y) {
                       y = "com.microsoft":MultiHeadAttention<num_heads = 2, scale = 0.25, unidirectional = 1>(q, k, v) })",
                   R"((f32[N,S,4] q, f32[N,S,4] k, f32[N,S,4] v) => (f32[N,S,4] y) {
                       y = Attention<is_causal = 1, kv_num_heads = 2, q_num_heads = 2, scale = 0.25>(q, k, v) })");
    expect_becomes(R"((f32[N,S,4] q, f32[N,S,4] k, f32[N,S,4] v, f32[12] b, i32[N,S] mask, f32[1,2,S,S] more) => (f32[N,S,4] y) {
                       y = "com.microsoft":MultiHeadAttention<num_heads = 2>(q, k, v, b, mask, more) })",
                   R"((f32[N,S,4] q, f32[N,S,4] k, f32[N,S,4] v, f32[12] b, i32[N,S] mask, f32[1,2,S,S] more) => (f32[N,S,4] y) {
                       bq, bk, bv = Split<axis = -1, num_outputs = 3>(b) q2 = Add(q, bq) k2 = Add(k, bk) v2 = Add(v, bv)
                       c = Cast<to = 9>(mask) u = Unsqueeze(c, i64[2]{1, 2}) w = Where(u, f32{0}, f32{-10000}) m = Add(w, more)
                       y = Attention<kv_num_heads = 2, q_num_heads = 2>(q2, k2, v2, m) })");
    expect_becomes(R"((f32[N,S,6] x, f32[6,12] w, f32[12] b) => (f32[N,S,4] y) { y = "com.microsoft":Attention<num_heads = 2>(x, w, b) })",
                   R"((f32[N,S,6] x, f32[6,12] w, f32[12] b) => (f32[N,S,4] y) {
                       p = MatMul(x, w) a = Add(p, b) q, k, v = Split<axis = -1, num_outputs = 3>(a) y = Attention<kv_num_heads = 2, q_num_heads = 2>(q, k, v) })");
    const auto refused = [](std::string call, std::string_view part) {
        expect_refused("(f32[N,S,4] q, f32[N,2,S,2] k, f32[4,12] w, i32[N] n) => (f32[N,S,4] y) { y = \"com.microsoft\":" + call + " }", part);
    };
    refused("MultiHeadAttention<num_heads = 2>(q, k, k)", "of other than 3 axes");
    refused("MultiHeadAttention<num_heads = 2>(q)", "in one tensor");
    refused("MultiHeadAttention<num_heads = 2>(q, q, q, _, n)", "a mask of 1 axes");
    refused("MultiHeadAttention<num_heads = 2>(q, q, q, _, _, _, k, k)", "past keys and values");
    refused("MultiHeadAttention(q, q, q)", "attribute 'num_heads' is missing");
    refused("Attention<num_heads = 2>(q, w, _, _, k)", "past keys and values");
    refused("Attention<num_heads = 2, qkv_hidden_sizes = [4, 4, 2]>(q, w)", "different widths");
}

TEST(OnnxRuntime, RotaryEmbeddingHasItsInputsInAnotherOrder) {
    expect_becomes(R"((f32[N,S,8] x, i64[N,S] p, f32[9,2] c, f32[9,2] s) => (f32[N,S,8] y) {
                       y = "com.microsoft":RotaryEmbedding<interleaved = 1, num_heads = 2>(x, p, c, s) })",
                   R"((f32[N,S,8] x, i64[N,S] p, f32[9,2] c, f32[9,2] s) => (f32[N,S,8] y) {
                       y = RotaryEmbedding<interleaved = 1, num_heads = 2>(x, c, s, p) })");
    expect_refused("(f32[N,S,8] x, i64[1] p, f32[9,2] c) => (f32[1] y) { y = \"com.microsoft\":RotaryEmbedding<num_heads = 2>(x, p, c, c) }", "the first one only");
}

TEST(OnnxRuntime, ProductsOfTransposedMatrices) {
    expect_becomes(R"((f32[N,4,S] a, f32[N,5,4] b) => (f32[N,S,5] y) { y = "com.microsoft":FusedMatMul<alpha = 0.5, transA = 1, transB = 1>(a, b) })",
                   R"((f32[N,4,S] a, f32[N,5,4] b) => (f32[N,S,5] y) {
                       c = Transpose<perm = [0, 2, 1]>(a) d = Transpose<perm = [0, 2, 1]>(b) p = MatMul(c, d) y = Mul(p, f32{0.5}) })");
    expect_becomes(R"((f32[4] a, f32[4,5] b) => (f32[5] y) { y = "com.microsoft":FusedMatMul<transA = 1>(a, b) })", "(f32[4] a, f32[4,5] b) => (f32[5] y) { y = MatMul(a, b) }");
    expect_refused("(f32[N,4,S] a) => (f32[1] y) { y = \"com.microsoft\":FusedMatMul<transBatchA = 1>(a, a) }", "transBatchA");
}

TEST(OnnxRuntime, OperatorsOnBytes) {
    const auto one = [](std::string x, std::string call, std::string inside, std::string more = "") {
        const std::string inputs = "(u8[N,2,4] x, f32 s, u8 z, u8[N,2,4] b" + more + ") => (u8[" + x + "] y) { ";
        expect_becomes(inputs + "y = \"com.microsoft\":" + call + " }", inputs + "d = DequantizeLinear(x, s, z) " + inside + " y = QuantizeLinear(r, s, z) }");
    };
    one("N,2,4", "QLinearAdd(x, s, z, b, s, z, s, z)", "e = DequantizeLinear(b, s, z) r = Add(d, e)");
    one("N,2,4", "QLinearMul(x, s, z, b, s, z, s, z)", "e = DequantizeLinear(b, s, z) r = Mul(d, e)");
    one("N,2,4", "QLinearSigmoid(x, s, z, s, z)", "r = Sigmoid(d)");
    one("N,2,4", "QLinearLeakyRelu<alpha = 0.5>(x, s, z, s, z)", "r = LeakyRelu<alpha = 0.5>(d)");
    one("N,2,1", "QLinearGlobalAveragePool<channels_last = 0>(x, s, z, s, z)", "r = GlobalAveragePool(d)");
    one("N,2,3", "QLinearAveragePool<kernel_shape = [2]>(x, s, z, s, z)", "r = AveragePool<kernel_shape = [2]>(d)");
    one("N,2,4", "QLinearSoftmax<axis = -1, opset = 11>(x, s, z, s, z)", "r = Softmax<axis = -1>(d)");
    one("N,2,4", "QLinearSoftmax<axis = 1, opset = 13>(x, s, z, s, z)", "r = Softmax<axis = 1>(d)");
    one("N,1,4", "QLinearReduceMean<axes = [1]>(x, s, z, s, z)", "r = ReduceMean(d, i64[1]{1})");
    one("N,2,8", "QLinearConcat<axis = 2>(s, z, x, s, z, b, s, z)", "e = DequantizeLinear(b, s, z) r = Concat<axis = 2>(d, e)");
    expect_becomes("(i8[N,4] x, f32 s) => (i8[N,4] y) { y = \"com.microsoft\":QLinearAdd(x, s, _, x, s, _, s) }",
                   "(i8[N,4] x, f32 s) => (i8[N,4] y) { d = DequantizeLinear(x, s) e = DequantizeLinear(x, s) r = Add(d, e) y = QuantizeLinear(r, s, i8{0}) }");
    expect_becomes("(bool[N,4] c, i8[N,4] x, f32 s, i8 z) => (i8[N,4] y) { y = \"com.microsoft\":QLinearWhere(c, x, s, z, x, s, z, s, z) }",
                   "(bool[N,4] c, i8[N,4] x, f32 s, i8 z) => (i8[N,4] y) { d = DequantizeLinear(x, s, z) e = DequantizeLinear(x, s, z) r = Where(c, d, e) y = QuantizeLinear(r, s, z) }");
    expect_refused("(u8[N,2,4] x, f32 s, u8 z) => (u8[1] y) { y = \"com.microsoft\":QLinearGlobalAveragePool<channels_last = 1>(x, s, z, s, z) }", "channels_last");
    expect_refused("(u8[N,2,4] x, f32 s, u8 z) => (u8[1] y) { y = \"com.microsoft\":QLinearSoftmax<axis = 1, opset = 11>(x, s, z, s, z) }", "several axes");
    expect_refused("(u8[N,2,4] x, f32 s, u8 z) => (u8[1] y) { y = \"com.microsoft\":QLinearConcat<axis = 1>(s, z, x, s, z, x) }", "6 inputs");
    expect_refused("(u8[N,2,4] x, f32 s, u8 z) => (u8[1] y) { y = \"com.microsoft\":QLinearAdd(x, s, z, x, _, z, s, z) }", "input 4 is required");
}

TEST(OnnxRuntime, AGemmOnBytes) {
    expect_becomes("(u8[N,3] x, f32 s, u8 z, i8[2,3] w, f32[2] t, i8[2] zw, i32[2] b, f32 r, u8 zr) => (u8[N,2] y) { y = \"com.microsoft\":QGemm<transB = 1>(x, s, z, w, t, zw, b, r, zr) }",
                   R"((u8[N,3] x, f32 s, u8 z, i8[2,3] w, f32[2] t, i8[2] zw, i32[2] b, f32 r, u8 zr) => (u8[N,2] y) {
                       d = DequantizeLinear(x, s, z) e = DequantizeLinear<axis = 0>(w, t, zw) u = Mul(s, t) c = DequantizeLinear<axis = 0>(b, u) g = Gemm<transB = 1>(d, e, c) y = QuantizeLinear(g, r, zr) })");
    expect_becomes("(u8[N,3] x, f32 s, u8 z, i8[3,2] w, f32 t, i8 zw, i32[1,2] b) => (f32[N,2] y) { y = \"com.microsoft\":QGemm<alpha = 0.5>(x, s, z, w, t, zw, b) }",
                   R"((u8[N,3] x, f32 s, u8 z, i8[3,2] w, f32 t, i8 zw, i32[1,2] b) => (f32[N,2] y) {
                       d = DequantizeLinear(x, s, z) e = DequantizeLinear<axis = 1>(w, t, zw) u = Mul(s, t) v = Mul(u, f32{0.5}) c = DequantizeLinear<axis = 1>(b, v) y = Gemm<alpha = 0.5>(d, e, c) })");
}

TEST(OnnxRuntime, OperatorsAreNoneOfAGraph) {
    expect_infer_error("(f32[4] x) => (f32[4] y) { y = \"com.microsoft\":Gelu(x) }", "for files only");
}

}  // namespace
}  // namespace tercet::testing
