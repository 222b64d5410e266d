// SPDX-License-Identifier: Apache-2.0
// Operators on f16 and bf16 compute in f32, for which there are kernels; their results are rounded to what they were stored as:
//     y = Conv(x, w)  =>  y = Cast<to = f16>("tercet":Pointwise<expr = "round_f16(x0)">(Conv(Cast<to = f32>(x), f32 w)))
// An operator behind it reads the rounded f32 value instead of the cast one, so that casts are left at the graph's borders, and the
// roundings become part of tails and element-wise chains. What only moves elements, or chooses among them, rounds nothing.
//
// A reference rounds once what it computed in double, and f32 lies between: results differ by one number of 16 bits at most, where
// they fall close to the middle of two.
#include "ops/pointwise_table.h"
#include "passes/passes.h"
#include "passes/rewrite.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

namespace tercet {
namespace {

bool is_half(DType t) { return t == DType::f16 || t == DType::bf16; }
bool is_half(const Graph& g, ValueId v) { return v != ValueId::none && is_half(g.value(v).type.dtype); }

// Every float that comes out is one that went in, or its like with another sign, or a whole number below it; or no float comes out.
constexpr std::array<std::string_view, 50> exact_ops{
    "Abs", "ArgMax", "ArgMin", "Ceil", "CenterCropPad", "Clip", "Concat", "DepthToSpace", "Dropout", "Equal", "Expand", "Flatten", "Floor", "Gather", "GatherElements",
    "GatherND", "GlobalMaxPool", "Greater", "GreaterOrEqual", "Hardmax", "Identity", "IsInf", "IsNaN", "Less", "LessOrEqual", "Max", "MaxPool", "Min", "Neg", "Pad",
    "ReduceMax", "ReduceMin", "Relu", "Reshape", "ReverseSequence", "Round", "Shape", "Sign", "Size", "Slice", "SpaceToDepth", "Split", "Squeeze", "Tile", "TopK", "Transpose",
    "Trilu", "Unsqueeze", "Where", "tercet.Select"};
static_assert(std::ranges::is_sorted(exact_ops));

// Computed in double by the reference and rounded once. Beside these the element-wise ones.
constexpr std::array<std::string_view, 36> rounded_ops{
    "Attention", "AveragePool", "BatchNormalization", "Conv", "ConvTranspose", "CumSum", "Einsum", "Gelu", "Gemm", "GlobalAveragePool", "GlobalLpPool", "GridSample",
    "GroupNormalization", "InstanceNormalization", "LRN", "LayerNormalization", "LogSoftmax", "LpNormalization", "LpPool", "MatMul", "Mean", "MeanVarianceNormalization", "Pow",
    "RMSNormalization", "ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMean", "ReduceProd", "ReduceSum", "ReduceSumSquare", "Resize", "RotaryEmbedding",
    "Softmax", "Swish"};
static_assert(std::ranges::is_sorted(rounded_ops));

enum class Kind { unknown, exact, rounded };

Kind kind_of(const Node& n) {
    const std::string name = n.domain.empty() ? n.op : n.domain + "." + n.op;
    if (n.attributes.has("tail") || n.attributes.has("stored")) return Kind::unknown;
    if (n.op == "Resize" && n.domain.empty() && n.attributes.text("mode", "nearest") == "nearest" && n.attributes.text("coordinate_transformation_mode", "") != "tf_crop_and_resize") return Kind::exact;
    if (std::ranges::binary_search(exact_ops, std::string_view(name))) return Kind::exact;
    if (std::ranges::binary_search(rounded_ops, std::string_view(name)) || (n.domain.empty() && find_pointwise_op(n.op))) return Kind::rounded;
    return Kind::unknown;
}

// An element-wise operator's parameters are numbers of the type that it computes in.
void round_parameters(Node& n, DType half) {
    const PointwiseOp* op = n.domain.empty() ? find_pointwise_op(n.op) : nullptr;
    if (!op) return;
    for (const auto& [attribute, missing] : op->parameters)
        n.attributes.set(attribute, static_cast<float>(Tensor::scalar(half, decimal(n.attributes.real(attribute, missing))).get(0)));
}

class Widening {
public:
    explicit Widening(Graph& g) : g_(g) {}

    bool rewrite(NodeId id) { return g_.is(id, "Cast") || g_.is(id, "CastLike") ? cast(id) : compute(id); }

private:
    // Whether all elements of an f32 value are numbers of that type already.
    bool holds(ValueId v, DType half, int depth = 0) {
        if (v == ValueId::none || depth > 64) return false;
        const std::pair key{v, half};
        if (const auto known = holds_.find(key); known != holds_.end()) return known->second;
        return holds_[key] = tell(v, half, depth);
    }

    bool tell(ValueId v, DType half, int depth) {
        if (g_.value(v).type.dtype != DType::f32) return false;
        if (const Tensor* t = g_.constant(v)) return *t == converted(converted(*t, half), DType::f32);
        const NodeId id = g_.producer(v);
        if (id == NodeId::none) return false;
        const Node& n = g_.node(id);
        if (n.domain == "tercet" && n.op == "Pointwise") return n.attributes.text("expr", "") == rounding(half) && !n.attributes.has("tail");
        if (g_.is(id, "Cast")) {
            const DType from = g_.value(g_.input(id, 0)).type.dtype;
            return from == half || from == DType::boolean || from == DType::i8 || from == DType::u8;  // 8 digits at least
        }
        if (kind_of(n) != Kind::exact) return false;
        const bool first_alone = n.op == "Resize" || n.op == "Dropout";  // whose other floats say how
        for (std::size_t i = 0; i < (first_alone ? 1 : n.inputs.size()); ++i)
            if (const ValueId x = n.inputs[i]; x != ValueId::none && g_.value(x).type.dtype == DType::f32 && !holds(x, half, depth + 1)) return false;
        return true;
    }

    static Tensor converted(const Tensor& t, DType to) {
        Tensor r = Tensor::zeros(to, t.shape());
        const View from = t.view(), v = r.writable();
        for (std::int64_t i = 0; i < t.count(); ++i) v.set_at(i, from.get_at(i));
        return r;
    }

    static std::string rounding(DType half) { return fmt::format("round_{}(x0)", name_of(half)); }

    // A 16-bit value as f32, where that costs nothing.
    ValueId known_wide(ValueId v) {
        if (const auto known = wide_.find(v); known != wide_.end()) return known->second;
        if (const Tensor* t = g_.constant(v)) return wide_[v] = g_.add_constant(g_.value(v).name + "_f32", converted(*t, DType::f32));
        const NodeId p = g_.producer(v);
        if (!g_.is(p, "Cast") || !holds(g_.input(p, 0), g_.value(v).type.dtype)) return ValueId::none;
        return g_.input(p, 0);
    }

    ValueId wide(ValueId v, NodeId before) {
        if (const ValueId known = known_wide(v); known != ValueId::none) return known;
        return wide_[v] = emit_cast(v, DType::f32, before, {});
    }

    ValueId emit_cast(ValueId x, DType to, NodeId before, std::vector<std::string> layers) {
        return emit(g_, {.op = "Cast", .inputs = {x}, .outputs = {}, .attributes = {{"to", static_cast<std::int64_t>(to)}}, .layers = std::move(layers)},
                    fmt::format("{}_{}", g_.value(x).name, name_of(to)), before);
    }

    // r, rounded if need be, takes the place of output y of `id`: by a cast, behind which the readers of y may look. What was made
    // for that (`fresh`) gets the name of y: it is by the f32 value's name that scales are found.
    void put(NodeId id, ValueId y, ValueId r, bool fresh) {
        const DType half = g_.value(y).type.dtype;
        const std::string name = g_.value(y).name;
        if (!holds(r, half)) {
            fresh = true;
            r = emit(g_, {.op = "Pointwise", .inputs = {r}, .outputs = {}, .attributes = {{"expr", rounding(half)}}, .domain = "tercet", .layers = g_.layers(id)}, name + "_rounded", id);
        }
        const ValueId y16 = emit_cast(r, half, id, g_.layers(id));
        g_.replace(y, y16);
        if (!fresh || g_.value(y16).name == name) return;  // the graph's output keeps its own
        g_.rename(y, name + ".old");
        g_.rename(r, name);
    }

    bool is_read(ValueId v) const { return v != ValueId::none && g_.uses(v) > 0; }

    bool compute(NodeId id) {
        const Kind kind = kind_of(g_.node(id));
        const auto half = [&](ValueId v) { return is_half(g_, v); };
        if (kind == Kind::unknown || std::ranges::none_of(g_.node(id).inputs, half) || std::ranges::none_of(g_.node(id).outputs, [&](ValueId v) { return is_read(v); })) return false;
        if (decides(g_, id)) return false;  // its symbols are its own
        if (op_of(g_.node(id)).pure_view && known_wide(g_.input(id, 0)) == ValueId::none) return false;  // costs nothing as it is
        Node node = g_.node(id);
        node.layers = g_.layers(id);
        for (ValueId v : node.inputs)
            if (half(v)) round_parameters(node, g_.value(v).type.dtype);
        for (ValueId& v : node.inputs)
            if (half(v)) v = wide(v, id);
        const NodeId by = emit_like(g_, id, std::move(node), "_wide");
        for (std::size_t i = 0; i < g_.node(id).outputs.size(); ++i) {
            const ValueId y = g_.output(id, i);
            if (!is_read(y)) continue;
            const ValueId r = g_.output(by, i);
            if (!half(y)) {
                supersede_output(y, r);
            } else {
                if (kind == Kind::exact) holds_[{r, g_.value(y).type.dtype}] = true;
                put(id, y, r, true);
            }
        }
        if (g_.is_alive(id)) g_.remove(id);
        return true;
    }

    void supersede_output(ValueId y, ValueId by) {
        const std::string name = g_.value(y).name;
        g_.replace(y, by);
        if (g_.value(by).name == name) return;
        g_.rename(y, name + ".old");
        g_.rename(by, name);
    }

    bool cast(NodeId id) {
        const ValueId x = g_.input(id, 0), y = g_.output(id);
        const DType from = g_.value(x).type.dtype, to = g_.value(y).type.dtype;
        if (!is_read(y) || from == to) return false;
        if (is_half(from) && to == DType::f32) {
            const ValueId known = known_wide(x);
            if (known == ValueId::none) return wide_[x] = y, false;
            if (const NodeId p = g_.producer(known); p != NodeId::none) g_.add_layers(p, g_.layers(id));
            g_.replace(y, known);
            g_.remove(id);
            return true;
        }
        if (is_half(from) && !is_half(to)) {
            const ValueId known = known_wide(x);
            if (known == ValueId::none) return false;
            g_.set_input(id, 0, known);
            return true;
        }
        const bool narrows = from == DType::f32 || is_half(from) || bits_of(from) <= 16 || (to == DType::f16 && from != DType::f64);  // else f32 would round, too
        if (!is_half(to) || !narrows || g_.value(y).users.empty() || (g_.is(id, "Cast") && holds(x, to))) return false;
        put(id, y, from == DType::f32 ? x : is_half(from) ? wide(x, id) : emit_cast(x, DType::f32, id, g_.layers(id)), from != DType::f32 && !is_half(from));
        g_.remove(id);
        return true;
    }

    Graph& g_;
    std::map<ValueId, ValueId> wide_;  // 16 bits -> f32
    std::map<std::pair<ValueId, DType>, bool> holds_;
};

}  // namespace

int widen_halves(Graph& g, int limit) {
    Widening w(g);
    return rewrite_each(g, limit, [&](Graph& graph, NodeId id) { return graph.is_alive(id) && w.rewrite(id); });
}

}  // namespace tercet
