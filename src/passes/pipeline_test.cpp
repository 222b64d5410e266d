// SPDX-License-Identifier: Apache-2.0
// The whole list on nets of the kinds that models are made of: what they compute stays, wherever the list is stopped or
// whichever pass is left out; and what is left of them is what kernels take.
#include "graph/text.h"
#include "ops/op.h"
#include "ops/testing.h"
#include "passes/testing.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace tercet::testing {
namespace {

struct Net {
    const char* name;
    const char* text;
    std::size_t nodes;  // that are left
};

const Net nets[] = {
    {"image classifier, channels last", R"((f32[N,8,8,3] image) => (f32[N,4] p) {
        s = Sub(image, random[3]) d = Div(s, positive[3]) t = Transpose<perm = [0, 3, 1, 2]>(d)
        c1 = Conv<pads = [1, 1, 1, 1]>(t, random[6,3,3,3])
            n1 = BatchNormalization(c1, random[6], random[6], random[6], positive[6]) r1 = Relu(n1)
        m = MaxPool<kernel_shape = [2, 2], strides = [2, 2]>(r1) o = Dropout(m) f = Flatten(o)
        g1 = Gemm<transB = 1>(f, random[5,96], random[5]) r2 = Relu(g1) g2 = Gemm(r2, random[5,4], random[4])
            p = Softmax(g2) })", 7},
    {"residual blocks and a global mean", R"((f32[N,3,9,9] image) => (f32[N,4] y) {
        c0 = Conv<pads = [1, 1, 1, 1], strides = [2, 2]>(image, random[8,3,3,3], random[8]) r0 = Relu(c0)
        c1 = Conv<pads = [1, 1, 1, 1]>(r0, random[8,8,3,3])
            n1 = BatchNormalization(c1, random[8], random[8], random[8], positive[8]) r1 = Relu(n1)
        c2 = Conv<pads = [1, 1, 1, 1]>(r1, random[8,8,3,3])
            n2 = BatchNormalization(c2, random[8], random[8], random[8], positive[8])
        a1 = Add(n2, r0) r2 = Relu(a1)
        c3 = Conv<strides = [2, 2]>(r2, random[16,8,1,1], random[16])
            c4 = Conv<pads = [1, 1, 1, 1], strides = [2, 2]>(r2, random[16,8,3,3], random[16])
        a2 = Add(c4, c3) r3 = Relu(a2) m = ReduceMean<keepdims = 0>(r3, i64[2]{2, 3})
            y = Gemm(m, random[16,4], random[4]) })", 9},
    {"squeeze and excite, hard swish", R"((f32[N,3,7,7] x) => (f32[N,8,7,7] y) {
        c = Conv<pads = [1, 1, 1, 1]>(x, random[8,3,3,3], random[8]) h = HardSwish(c)
        g = GlobalAveragePool(h) c1 = Conv(g, random[2,8,1,1], random[2]) r = Relu(c1) c2 = Conv(r, random[8,2,1,1], random[8])
            s = HardSigmoid(c2)
        m = Mul(h, s) y = Conv<group = 8, pads = [1, 1, 1, 1]>(m, random[8,1,3,3]) })", 8},
    {"excited by a matrix product", R"((f32[N,3,7,7] x) => (f32[N,8,7,7] y) {
        c = Conv<pads = [1, 1, 1, 1]>(x, random[8,3,3,3], random[8]) g = ReduceMean<keepdims = 0>(c, i64[2]{2, 3})
        d = Gemm(g, random[8,8], random[8]) s = Sigmoid(d) u = Unsqueeze(s, i64[2]{2, 3}) m = Mul(c, u) y = Relu(m) })", 8},
    {"down and up again", R"((f32[N,2,8,8] x) => (f32[N,1,8,8] y) {
        a = Conv<pads = [1, 1, 1, 1]>(x, random[4,2,3,3], random[4]) ra = Relu(a)
            p = MaxPool<kernel_shape = [2, 2], strides = [2, 2]>(ra)
        b = Conv<pads = [1, 1, 1, 1]>(p, random[8,4,3,3], random[8]) rb = LeakyRelu(b)
            u = Resize<mode = "nearest">(rb, _, f32[4]{1, 1, 2, 2})
        j = Concat<axis = 1>(u, ra) c = Conv<pads = [1, 1, 1, 1]>(j, random[4,12,3,3], random[4]) rc = Relu(c)
            d = Conv(rc, random[1,4,1,1]) y = Sigmoid(d) })", 9},
    {"a sequence", R"((f32[N,3,T] x) => (f32[N,2] y) {
        c1 = Conv<auto_pad = "SAME_UPPER">(x, random[4,3,5], random[4])
            n = BatchNormalization(c1, random[4], random[4], random[4], positive[4]) t = Tanh(n)
        p = AveragePool<kernel_shape = [2]>(t) c2 = Conv(p, random[6,4,3]) g = GlobalMaxPool(c2) f = Flatten(g)
            m = MatMul(f, random[6,2]) y = Add(m, random[2]) })", 7},
    {"a volume", R"((f32[N,1,5,6,7] x) => (f32[N,2] y) {
        c = Conv<pads = [1, 1, 1, 1, 1, 1]>(x, random[3,1,3,3,3], random[3]) r = Relu(c)
            p = MaxPool<kernel_shape = [2, 2, 2], strides = [2, 2, 2]>(r)
        f = Flatten(p) y = Gemm(f, random[54,2], random[2]) })", 5},
    {"attention", R"((f32[N,5,8] x) => (f32[N,5,8] y) {
        l = LayerNormalization(x, random[8], random[8]) m = MatMul(l, random[8,24]) b = Add(random[24], m) q, k,
            v = Split<axis = -1, num_outputs = 3>(b)
        s = Shape(x) n = Gather(s, i64[1]{0}) h = Concat<axis = 0>(n, i64[3]{5, 2, 4})
        q1 = Reshape(q, h) k1 = Reshape(k, h) v1 = Reshape(v, h)
        qt = Transpose<perm = [0, 2, 1, 3]>(q1) kt = Transpose<perm = [0, 2, 3, 1]>(k1) vt = Transpose<perm = [0, 2, 1, 3]>(v1)
        a = MatMul(qt, kt) d = Div(a, f32{2}) w = Softmax(d) z = MatMul(w, vt) zt = Transpose<perm = [0, 2, 1, 3]>(z)
            e = Reshape(zt, i64[3]{0, 0, 8})
        o = MatMul(e, random[8,8]) ob = Add(o, random[8]) r = Add(x, ob)
        f = MatMul(r, random[8,16]) fb = Add(f, random[16]) i = Div(fb, f32{1.4142135}) er = Erf(i) e1 = Add(er, f32{1})
            g = Mul(fb, e1) gh = Mul(g, f32{0.5})
        f2 = MatMul(gh, random[16,8]) f2b = Add(f2, random[8]) y = Add(r, f2b) })", 7},
    {"an encoder layer, norms and masks written out", R"((f32[N,S,8] x, i64[N,S] seen) => (f32[N,S,8] y) {
        u = Unsqueeze(seen, i64[2]{1, 2}) uf = Cast<to = 1>(u) inv = Sub(f32{1}, uf) mask = Mul(inv, f32{-3})
        qm = MatMul(x, random[8,8]) qb = Add(random[8], qm) km = MatMul(x, random[8,8]) kb = Add(random[8], km) vm = MatMul(x, random[8,8]) vb = Add(random[8], vm)
        s = Shape(x) b = Gather(s, i64[1]{0}) t = Gather(s, i64[1]{1}) h = Concat<axis = 0>(b, t, i64[2]{2, 4}) j = Concat<axis = 0>(b, t, i64[1]{8})
        k1 = Reshape(kb, h) v1 = Reshape(vb, h) vt = Transpose<perm = [0, 2, 1, 3]>(v1) q1 = Reshape(qb, h) qt = Transpose<perm = [0, 2, 1, 3]>(q1)
            kt = Transpose<perm = [0, 2, 3, 1]>(k1) a = MatMul(qt, kt) d = Div(a, f32{2}) am = Add(d, mask) w = Softmax(am) z = MatMul(w, vt)
            zt = Transpose<perm = [0, 2, 1, 3]>(z) e = Reshape(zt, j)
        om = MatMul(e, random[8,8]) ob = Add(random[8], om) r = Add(ob, x)
        m = ReduceMean(r, i64[1]{-1}) c = Sub(r, m) c2 = Sub(r, m) sq = Pow(c2, f32{2}) va = ReduceMean(sq, i64[1]{-1}) ve = Add(va, f32{1e-12}) sd = Sqrt(ve)
            n = Div(c, sd) g = Mul(n, random[8]) y = Add(g, random[8]) })", 8},
    {"torch's attention, tokens outermost", R"((f32[N,5,8] x) => (f32[N,5,8] y) {
        x1 = Transpose<perm = [1, 0, 2]>(x) p = MatMul(x1, random[8,24]) b = Add(random[24], p)
        r = Reshape(b, i64[4]{5, -1, 3, 8}) u = Unsqueeze(r, i64[1]{0}) t = Transpose<perm = [3, 1, 2, 0, 4]>(u) s = Squeeze(t, i64[1]{3})
        q = Gather<axis = 0>(s, i64{0}) k = Gather<axis = 0>(s, i64{1}) v = Gather<axis = 0>(s, i64{2})
        q1 = Reshape(q, i64[3]{5, -1, 4}) q2 = Transpose<perm = [1, 0, 2]>(q1) k1 = Reshape(k, i64[3]{5, -1, 4}) k2 = Transpose<perm = [1, 0, 2]>(k1)
            v1 = Reshape(v, i64[3]{5, -1, 4}) v2 = Transpose<perm = [1, 0, 2]>(v1)
        qs = Div(q2, f32{2}) kt = Transpose<perm = [0, 2, 1]>(k2) a = MatMul(qs, kt) w = Softmax(a) z = MatMul(w, v2) zt = Transpose<perm = [1, 0, 2]>(z)
        e = Reshape(zt, i64[2]{-1, 8}) o = Gemm<transB = 1>(e, random[8,8], random[8]) o1 = Reshape(o, i64[3]{5, -1, 8}) y = Transpose<perm = [1, 0, 2]>(o1) })", 15},
    {"causal text, all heads in the batch", R"((f32[N,3,8] x) => (f32[N,3,8] y) {
        qm = MatMul(x, random[8,8]) qb = Add(random[8], qm) qs = Mul(qb, f32{0.5}) km = MatMul(x, random[8,8]) kb = Add(random[8], km) vm = MatMul(x, random[8,8]) vb = Add(random[8], vm)
        s = Shape(x) n = Gather(s, i64[1]{0}) h = Concat<axis = 0>(n, i64[3]{3, 2, 4}) i = Concat<axis = 0>(n, i64[3]{2, 3, 3})
        q1 = Reshape(qs, h) q2 = Transpose<perm = [0, 2, 1, 3]>(q1) q3 = Reshape(q2, i64[3]{-1, 3, 4}) k1 = Reshape(kb, h) k2 = Transpose<perm = [0, 2, 1, 3]>(k1) k3 = Reshape(k2, i64[3]{-1, 3, 4})
            v1 = Reshape(vb, h) v2 = Transpose<perm = [0, 2, 1, 3]>(v1) v3 = Reshape(v2, i64[3]{-1, 3, 4})
        kt = Transpose<perm = [0, 2, 1]>(k3) a = MatMul(q3, kt) a4 = Reshape(a, i) am = Add(a4, f32[1,1,3,3]{0, -1e30, -1e30, 0, 0, -1e30, 0, 0, 0}) a3 = Reshape(am, i64[3]{-1, 3, 3})
        w = Softmax(a3) z = MatMul(w, v3) hz = Concat<axis = 0>(n, i64[3]{2, 3, 4}) z4 = Reshape(z, hz) zt = Transpose<perm = [0, 2, 1, 3]>(z4) e = Reshape(zt, i64[3]{-1, 3, 8})
        om = MatMul(e, random[8,8]) ob = Add(random[8], om) y = Add(x, ob) })", 4},
    {"keys without a bias, queries scaled", R"((f32[N,5,8] x) => (f32[N,5,8] y) {
        qm = MatMul(x, random[8,8]) qb = Add(random[8], qm) qs = Mul(qb, f32{0.7071}) km = MatMul(x, random[8,8]) ks = Mul(km, f32{0.7071}) vm = MatMul(x, random[8,8]) vb = Add(random[8], vm)
        q1 = Reshape(qs, i64[4]{0, 5, 2, 4}) k1 = Reshape(ks, i64[4]{0, 5, 2, 4}) v1 = Reshape(vb, i64[4]{0, 5, 2, 4})
        q2 = Transpose<perm = [0, 2, 1, 3]>(q1) k2 = Transpose<perm = [0, 2, 3, 1]>(k1) v2 = Transpose<perm = [0, 2, 1, 3]>(v1)
        a = MatMul(q2, k2) w = Softmax(a) z = MatMul(w, v2) zt = Transpose<perm = [0, 2, 1, 3]>(z) e = Reshape(zt, i64[3]{0, 0, 8}) o = MatMul(e, random[8,8]) y = Add(o, x) })", 4},
    {"patches in a row", R"((f32[N,8,8,1] image) => (f32[N,16,6] y) {
        t = Transpose<perm = [0, 3, 1, 2]>(image) c = Conv<strides = [2, 2]>(t, random[6,1,2,2], random[6]) s = Shape(c)
            h = Slice(s, i64[1]{0}, i64[1]{2})
        k = Concat<axis = 0>(h, i64[1]{-1}) r = Reshape(c, k) u = Transpose<perm = [0, 2, 1]>(r)
            y = Add(u, random[1,16,6]) })", 3},
    {"norms, channels last between", R"((f32[N,4,6,6] x) => (f32[N,4,6,6] y) {
        c = Conv<group = 4, pads = [1, 1, 1, 1]>(x, random[4,1,3,3], random[4]) t = Transpose<perm = [0, 2, 3, 1]>(c)
            l = LayerNormalization(t, random[4], random[4])
        m = MatMul(l, random[4,8]) a = Add(m, random[8]) g = Gelu(a) m2 = MatMul(g, random[8,4]) a2 = Add(m2, random[4])
            z = Mul(a2, random[4])
        b = Transpose<perm = [0, 3, 1, 2]>(z) y = Add(b, x) })", 7},
    {"segments of channels", R"((f32[N,4,6,5] x) => (i64[N,6,5] y) {
        c = Conv(x, random[8,4,1,1]) a, b = Split<axis = 1>(c) s = Sigmoid(b) m = Mul(a, s)
            n = InstanceNormalization(m, random[4], random[4])
        p = Pad(n, i64[8]{0, 0, 1, 1, 0, 0, 1, 1}) q = Conv(p, random[3,4,3,3], random[3])
            y = ArgMax<axis = 1, keepdims = 0>(q) })", 8},
    {"inputs that are outputs, and the same twice", R"((f32[N,2,3,3] x) => (f32[N,2,3,3] y, f32[N,2,3,3] z, f32[N,2,3,3] w) {
        y = Identity(x) z = Conv(x, random[2,2,1,1]) w = Conv(x, random[2,2,1,1]) })", 5},
};

void PrintTo(const Net& net, std::ostream* out) { *out << net.name; }

class Pipeline : public ::testing::TestWithParam<Net> {};

TEST_P(Pipeline, KeepsResultsAndLayers) {
    const Graph before = typed_graph(GetParam().text);
    Graph after = before;
    std::string log;
    optimize(after, {.verify = true, .log = [&](const std::string& line) { log += line + "\n"; }});
    expect_sound(after);
    expect_same_results(after, before, 1e-4);
    EXPECT_EQ(after.order().size(), GetParam().nodes) << print_text(after) << log;
    std::set<std::string> layers;
    for (NodeId id : after.order())
        for (const std::string& l : after.layers(id)) layers.insert(l);
    for (NodeId id : before.order()) {
        const bool computes = before.is(id, "Conv") || before.is(id, "Gemm") || before.is(id, "BatchNormalization") || before.is(id, "Relu");
        EXPECT_TRUE(!computes || layers.contains(before.label(id))) << before.label(id) << " is computed nowhere in\n" << print_text(after);
    }
    Graph twice = after;
    optimize(twice);
    EXPECT_EQ(print_text(twice), print_text(after)) << "a second time changes something";
}

TEST_P(Pipeline, MayBeStoppedAfterEachRewrite) {
    const Graph before = typed_graph(GetParam().text);
    for (int stop = 0;; ++stop) {
        Graph g = before;
        int made = 0;
        const auto count = [&](const std::string& line) { made += std::stoi(line.substr(line.rfind(' '))); };
        optimize(g, {.stop_after = stop, .verify = true, .log = count});
        ASSERT_LE(made, stop);
        SCOPED_TRACE("stopped after " + std::to_string(stop));
        expect_same_results(g, before, 1e-4);
        if (made < stop || HasFailure()) break;
    }
}

TEST_P(Pipeline, NeedsNoPass) {
    const Graph before = typed_graph(GetParam().text);
    std::set<std::string> names{"all"};
    for (const Pass& p : pipeline()) names.emplace(p.name);
    for (const std::string& name : names) {
        SCOPED_TRACE("without " + name);
        Graph g = before;
        optimize(g, {.disabled = {name}, .verify = true});
        expect_same_results(g, before, 1e-4);
    }
}

std::string name_of_case(const ::testing::TestParamInfo<Net>& info) {
    std::string name = info.param.name;
    std::ranges::replace_if(name, [](unsigned char c) { return !std::isalnum(c); }, '_');
    return name;
}

INSTANTIATE_TEST_SUITE_P(Nets, Pipeline, ::testing::ValuesIn(nets), name_of_case);

TEST(Optimize, MakesWhatKernelsTake) {
    Graph g = typed_graph(nets[0].text);
    optimize(g);
    EXPECT_EQ(print_text(g, {.elide_floats = true}), R"t((f32[N,8,8,3] image) => (f32[N,4] p) {
    d_shifted = "tercet":Pointwise<expr = "add(x0, x1)">(image, const[3])
    r1_nhwc = Conv<layout = "NHWC", pads = [1, 1, 1, 1], tail = "relu(x0)">(d_shifted, const[6,3,3,3], const[6])
    m_nhwc = MaxPool<kernel_shape = [2, 2], layout = "NHWC", strides = [2, 2]>(r1_nhwc)
    f = Flatten(m_nhwc)
    r2 = Gemm<tail = "relu(x0)", transB = 1>(f, const[5,96], const[5])
    g2 = Gemm(r2, const[5,4], const[4])
    p = Softmax(g2)
}
)t");
}

TEST(Optimize, NamesThePassesItDoesNotKnow) {
    Graph g = typed_graph("(f32[N] x) => (f32[N] y) { y = Relu(x) }");
    try {
        optimize(g, {.disabled = {"fold_everything"}});
        FAIL() << "no error";
    } catch (const Error& e) {
        EXPECT_NE(std::string_view(e.what()).find("no pass 'fold_everything'; it is one of all, fold_constants, "), std::string::npos)
            << e.what();
    }
}

}  // namespace
}  // namespace tercet::testing
