// SPDX-License-Identifier: Apache-2.0
// QLinearConv and QLinearMatMul become what they stand for, of which fuse_quantized makes steps on bytes that compute the same sums
// and factors, to the last bit:
//     QLinearConv(x, sx, zx, w, sw, zw, sy, zy, b)
//         =>  QuantizeLinear(Conv(DequantizeLinear(x, sx, zx), DequantizeLinear(w, sw, zw), DequantizeLinear(b, sx*sw)), sy, zy)
// Where the weights are computed, or w - zw takes more than a signed byte, the product is one of whole numbers in f32, exact as
// long as sums stay below 2^24 (256 products of any bytes), and scaled behind:
//     QLinearMatMul(a, sa, za, b, sb, zb, sy, zy)
//         =>  QuantizeLinear(Mul(MatMul(DequantizeLinear(a, 1, za), DequantizeLinear(b, 1, zb)), sa*sb/sy), 1, zy)
// Scales, zero points and bias are constants; where one is computed, or there is one per row of a, the operator stays.
#include "ops/quantized.h"
#include "passes/passes.h"
#include "passes/rewrite.h"

#include <algorithm>
#include <cmath>

namespace tercet {
namespace {

constexpr double greatest_bias = 1 << 23;  // whose product with a rounded scale still rounds to it

std::vector<double> values_of(const Tensor& t) {
    std::vector<double> values;
    for (std::int64_t i = 0; i < t.count(); ++i) values.push_back(t.get(i));
    return values;
}

// One element stands for all channels.
double at(const std::vector<double>& values, std::size_t channel) { return values[values.size() == 1 ? 0 : channel]; }

class QLinear {
public:
    QLinear(Graph& g, NodeId id) : g_(g), id_(id), conv_(g.is(id, "QLinearConv")) {}

    bool expand() {
        if (!read()) return false;
        const ValueId y = fits_bytes() ? of_bytes() : of_whole_numbers();
        supersede(g_, g_.output(id_), y);
        return true;
    }

private:
    // False unless all that has to be constant is.
    bool read() {
        const auto numbers = [&](std::size_t i, std::vector<double>& to) {
            const Tensor* t = g_.constant(id_, i);
            if (t) to = values_of(*t);
            return t != nullptr;
        };
        const auto scales = [&](std::size_t i, std::vector<double>& to) {
            return numbers(i, to) && g_.constant(id_, i)->dtype() == DType::f32 && std::ranges::all_of(to, [](double s) { return s > 0 && std::isfinite(s); });
        };
        if (!scales(1, x_scale_) || !numbers(2, x_zero_) || !scales(4, w_scale_) || !numbers(5, w_zero_) || !scales(6, y_scale_) || !numbers(7, y_zero_)) return false;
        for (const auto* one : {&x_scale_, &x_zero_, &y_scale_, &y_zero_})
            if (one->size() != 1) return false;
        const Shape& w = g_.value(g_.input(id_, 3)).type.shape;
        axis_ = conv_ ? 0 : static_cast<int>(w.size()) - 1;
        const bool is_matrix = conv_ || w.size() == 2;
        for (const auto* each : {&w_scale_, &w_zero_})
            if (each->size() != 1 && (!is_matrix || w[static_cast<std::size_t>(axis_)] != Dim(std::ssize(*each)))) return false;
        if (g_.input(id_, 8) == ValueId::none) return true;
        return numbers(8, bias_) && std::ranges::all_of(bias_, [](double b) { return std::fabs(b) < greatest_bias; });
    }

    bool fits_bytes() const {
        const Tensor* w = g_.constant(id_, 3);
        if (!w || w->count() == 0 || (!conv_ && w->shape().size() != 2) || w->count() / w->shape()[axis_] > longest_sum_of_bytes) return false;
        const std::int64_t inner = count_of(w->shape().part(axis_ + 1));
        for (std::int64_t i = 0; i < w->count(); ++i) {
            const double v = w->get(i) - at(w_zero_, static_cast<std::size_t>(i / inner % w->shape()[axis_]));
            if (v < -128 || v > 127) return false;
        }
        return true;
    }

    ValueId of_bytes() {
        std::vector<double> bias_scale;
        for (double s : w_scale_) bias_scale.push_back(x_scale_[0] * s);
        const ValueId x = dequantize(0, "input", x_scale_, x_zero_, 0);
        const ValueId w = dequantize(3, "weights", w_scale_, w_zero_, axis_);
        const ValueId b = bias_.empty() ? ValueId::none : dequantize(8, "bias", bias_scale, {}, 0);
        return quantize(product(x, w, b), y_scale_[0]);
    }

    ValueId of_whole_numbers() {
        const std::vector<double> one{1};
        const ValueId x = dequantize(0, "input", one, x_zero_, 0);
        const ValueId w = dequantize(3, "weights", one, w_zero_, axis_);
        const ValueId b = bias_.empty() ? ValueId::none : dequantize(8, "bias", one, {}, 0);
        const ValueId sums = product(x, w, b);
        std::vector<float> factors;
        for (double s : w_scale_) factors.push_back(static_cast<float>(x_scale_[0] * s / y_scale_[0]));
        Dims shape;
        if (factors.size() > 1) shape.push_back(std::ssize(factors));
        for (std::size_t i = 2; conv_ && factors.size() > 1 && i < g_.value(sums).type.shape.size(); ++i) shape.push_back(1);
        return quantize(add("Mul", {sums, g_.add_constant(named("factors"), Tensor::of<float>(DType::f32, shape, factors))}, named("scaled")), 1);
    }

    ValueId product(ValueId x, ValueId w, ValueId b) {
        Node node{.op = conv_ ? "Conv" : "MatMul", .inputs = {x, w}, .outputs = {}, .attributes = g_.node(id_).attributes, .name = g_.node(id_).name, .layers = g_.layers(id_)};
        if (b != ValueId::none) node.inputs.push_back(b);
        return emit(g_, std::move(node), named("product"), id_);
    }

    ValueId dequantize(std::size_t input, std::string_view what, std::vector<double> scale, std::vector<double> zero, int axis) {
        const ValueId q = g_.input(id_, input);
        const std::string name = named(what);
        const std::size_t count = std::max(scale.size(), zero.size());
        while (scale.size() < count) scale.push_back(scale[0]);
        while (!zero.empty() && zero.size() < count) zero.push_back(zero[0]);
        const Dims shape = count == 1 ? Dims{} : Dims{static_cast<std::int64_t>(count)};
        Tensor s = Tensor::zeros(DType::f32, shape), z = Tensor::zeros(g_.value(q).type.dtype, shape);
        for (std::size_t i = 0; i < count; ++i) {
            s.writable().set_at(static_cast<std::int64_t>(i), scale[i]);
            if (!zero.empty()) z.writable().set_int_at(static_cast<std::int64_t>(i), static_cast<std::int64_t>(zero[i]));
        }
        std::vector<ValueId> inputs{q, g_.add_constant(name + "_scale", std::move(s))};
        if (!zero.empty()) inputs.push_back(g_.add_constant(name + "_zero", std::move(z)));
        Attributes attributes;
        if (count > 1) attributes.set("axis", std::int64_t{axis});
        return add("DequantizeLinear", std::move(inputs), name, std::move(attributes));
    }

    ValueId quantize(ValueId v, double scale) {
        const ValueId s = g_.add_constant(named("scale"), Tensor::scalar(DType::f32, scale));
        const ValueId zero = g_.add_constant(named("zero"), Tensor::scalar(g_.value(g_.output(id_)).type.dtype, y_zero_[0]));
        return add("QuantizeLinear", {v, s, zero}, named("stored"));
    }

    ValueId add(std::string_view op, std::vector<ValueId> inputs, const std::string& name, Attributes attributes = {}) {
        return emit(g_, {.op = std::string(op), .inputs = std::move(inputs), .outputs = {}, .attributes = std::move(attributes), .layers = g_.layers(id_)}, name, id_);
    }

    std::string named(std::string_view what) const { return g_.value(g_.output(id_)).name + "_" + std::string(what); }

    Graph& g_;
    NodeId id_;
    bool conv_;
    int axis_ = 0;  // of the output channels in the weights
    std::vector<double> x_scale_, x_zero_, w_scale_, w_zero_, y_scale_, y_zero_, bias_;
};

}  // namespace

int expand_qlinear(Graph& g, int limit) {
    return rewrite_each(g, limit, [](Graph& graph, NodeId id) { return (graph.is(id, "QLinearConv") || graph.is(id, "QLinearMatMul")) && QLinear(graph, id).expand(); });
}

}  // namespace tercet
