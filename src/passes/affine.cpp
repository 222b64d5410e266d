// SPDX-License-Identifier: Apache-2.0
#include "passes/affine.h"

#include "ops/op.h"

#include <algorithm>
#include <cmath>

namespace tercet {
namespace {

constexpr std::int64_t most_channels = 1 << 20;  // a file of a few bytes can claim any number, of values without elements

}  // namespace

ChannelAffine ChannelAffine::identity(std::int64_t channels) {
    const auto n = static_cast<std::size_t>(channels);
    return {std::vector<double>(n, 1), std::vector<double>(n, 0)};
}

bool ChannelAffine::scales() const {
    return std::ranges::any_of(scale, [](double s) { return s != 1; });
}

bool ChannelAffine::shifts() const {
    return std::ranges::any_of(shift, [](double s) { return s != 0; });
}

ChannelAffine ChannelAffine::then(const ChannelAffine& next) const {
    ChannelAffine r = *this;
    for (std::size_t c = 0; c < scale.size(); ++c) {
        r.scale[c] = next.scale[c] * scale[c];
        r.shift[c] = next.scale[c] * shift[c] + next.shift[c];
    }
    return r;
}

std::optional<std::vector<double>> per_channel(const Tensor& t, int rank, int axis, std::int64_t channels) {
    const int missing = rank - t.shape().size();
    if (missing < 0 || !is_float(t.dtype())) return std::nullopt;
    std::int64_t along = 1;
    for (int i = 0; i < t.shape().size(); ++i) {
        if (i + missing == axis) along = t.shape()[i];
        else if (t.shape()[i] != 1) return std::nullopt;
    }
    if (along != 1 && along != channels) return std::nullopt;
    std::vector<double> v;
    for (std::int64_t c = 0; c < channels; ++c) v.push_back(t.get(along == 1 ? 0 : c));
    return v;
}

namespace {

std::optional<ChannelAffine> batch_normalization(const Graph& g, NodeId id, std::int64_t channels) {
    const Tensor *gamma = g.constant(id, 1), *beta = g.constant(id, 2), *mean = g.constant(id, 3), *variance = g.constant(id, 4);
    if (!gamma || !beta || !mean || !variance) return std::nullopt;
    for (std::size_t i = 1; i < g.node(id).outputs.size(); ++i)
        if (const ValueId v = g.output(id, i); v != ValueId::none && g.uses(v) > 0) return std::nullopt;
    for (const Tensor* t : {gamma, beta, mean, variance})
        if (t->shape() != Dims{channels}) return std::nullopt;
    const double epsilon = g.node(id).attributes.real("epsilon", 1e-5f);
    ChannelAffine a;
    for (std::int64_t c = 0; c < channels; ++c) {
        a.scale.push_back(gamma->get(c) / std::sqrt(variance->get(c) + epsilon));
        a.shift.push_back(beta->get(c) - mean->get(c) * a.scale.back());
    }
    return a;
}

}  // namespace

std::optional<ChannelAffine> affine_of(const Graph& g, NodeId id, ValueId x, int axis) {
    const Type& type = g.value(x).type;
    const Node& node = g.node(id);
    const auto rank = static_cast<int>(type.shape.size());
    if (!node.domain.empty() || node.attributes.has("tail") || axis >= rank || !is_float(type.dtype)) return std::nullopt;
    const auto channels = type.shape[static_cast<std::size_t>(axis)].constant();
    if (!channels || *channels > most_channels || g.value(g.output(id)).type != type) return std::nullopt;
    if (g.is(id, "BatchNormalization")) {
        if (node.attributes.integer("training_mode", 0) != 0) return std::nullopt;  // it follows from the data
        const int own = node.attributes.text("layout", "NCHW") == "NHWC" ? rank - 1 : 1;
        return axis == own && g.input(id, 0) == x ? batch_normalization(g, id, *channels) : std::nullopt;
    }
    ChannelAffine a = ChannelAffine::identity(*channels);
    if (g.is(id, "Neg")) {
        std::ranges::fill(a.scale, -1);
        return a;
    }
    const bool mul = g.is(id, "Mul"), div = g.is(id, "Div"), add = g.is(id, "Add"), sub = g.is(id, "Sub");
    if (!mul && !div && !add && !sub) return std::nullopt;
    const bool x_first = g.input(id, 0) == x;
    const Tensor* t = g.constant(id, x_first ? 1 : 0);
    const auto c = t ? per_channel(*t, rank, axis, *channels) : std::nullopt;
    if (!c || (div && !x_first)) return std::nullopt;
    for (std::size_t i = 0; i < c->size(); ++i) {
        const double v = (*c)[i];
        if (mul) a.scale[i] = v;
        else if (div) a.scale[i] = 1 / v;
        else a.shift[i] = sub && x_first ? -v : v;
        if (sub && !x_first) a.scale[i] = -1;
    }
    const auto finite = [](double v) { return std::isfinite(v); };
    if (!std::ranges::all_of(a.scale, finite) || !std::ranges::all_of(a.shift, finite)) return std::nullopt;
    return a;
}

int column_axis(const Graph& g, NodeId product) {
    const auto rank = static_cast<int>(g.value(g.output(product)).type.shape.size());
    return g.is(product, "Conv") && g.node(product).attributes.text("layout", "NCHW") != "NHWC" ? 1 : rank - 1;
}

std::optional<Tensor> scaled(const Tensor& t, int axis, const std::vector<double>& scale) {
    Tensor r = Tensor::zeros(t.dtype(), t.shape());
    const View from = t.view(), to = r.writable();
    const std::int64_t inner = count_of(t.shape().part(axis + 1)), n = t.shape()[axis];
    bool finite = true;
    with_type(t.dtype(), [&]<class T>(TypeTag<T>) {
        for (std::int64_t i = 0; i < t.count(); ++i) {
            const double v = static_cast<double>(load<T>(from.address(i))) * scale[static_cast<std::size_t>(i / inner % n)];
            const T rounded = to_element<T>(v);
            finite = finite && std::isfinite(static_cast<double>(rounded));
            store<T>(to.address(i), rounded);
        }
    });
    return finite ? std::optional(r) : std::nullopt;
}

std::optional<Tensor> vector_of(DType dtype, const std::vector<double>& values) {
    Tensor t = Tensor::zeros(dtype, {static_cast<std::int64_t>(values.size())});
    for (std::size_t i = 0; i < values.size(); ++i) {
        t.writable().set_at(static_cast<std::int64_t>(i), values[i]);
        if (!std::isfinite(t.get(static_cast<std::int64_t>(i)))) return std::nullopt;
    }
    return t;
}

bool fold_into_product(Graph& g, NodeId id, const ChannelAffine& affine) {
    const bool conv = g.is(id, "Conv"), gemm = g.is(id, "Gemm"), matmul = g.is(id, "MatMul");
    if ((!conv && !gemm && !matmul) || g.node(id).attributes.has("tail")) return false;
    const Tensor* w = g.constant(id, 1);
    if (!w || !is_float(w->dtype())) return false;
    const auto n = static_cast<std::int64_t>(affine.scale.size());
    const bool transposed = gemm && g.node(id).attributes.integer("transB", 0) != 0;
    const int rank = w->shape().size(), axis = conv || transposed ? 0 : rank - 1;
    if (matmul && rank < 2) return false;
    if (matmul && affine.shifts() && (rank != 2 || g.value(g.input(id, 0)).type.shape.size() != 2)) return false;
    if (w->shape()[axis] != n) return false;
    if (gemm && g.node(id).attributes.real("beta", 1) != 1) return false;  // would scale the new bias
    std::vector<double> bias(affine.scale.size(), 0);
    const ValueId old_bias = matmul ? ValueId::none : g.input(id, 2);
    if (old_bias != ValueId::none) {
        const Tensor* b = g.constant(old_bias);
        if (!b) return false;
        const auto columns = per_channel(*b, 2, 1, n);
        if (!columns) return false;
        bias = *columns;
    }
    for (std::size_t c = 0; c < bias.size(); ++c) bias[c] = bias[c] * affine.scale[c] + affine.shift[c];
    const auto weights = affine.scales() ? scaled(*w, axis, affine.scale) : *w;
    const auto biases = vector_of(w->dtype(), bias);
    if (!weights || !biases) return false;
    if (affine.scales()) g.set_input(id, 1, g.add_constant(g.value(g.input(id, 1)).name, *weights));
    if (old_bias == ValueId::none && !affine.shifts()) return true;
    if (matmul) {
        g.set_op(id, "Gemm");
        g.set_input(id, 2, ValueId::none);
    }
    g.set_input(id, 2, g.add_constant(old_bias != ValueId::none ? g.value(old_bias).name : g.label(id) + "_bias", *biases));
    return true;
}

}  // namespace tercet
