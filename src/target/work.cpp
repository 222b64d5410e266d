// SPDX-License-Identifier: Apache-2.0
#include "target/work.h"

#include "ops/pointwise.h"

#include <algorithm>

namespace tercet {
namespace {

double count(const Step::Operand& o) { return o ? static_cast<double>(count_of(o.shape)) : 0; }
double bytes(const Step::Operand& o) { return o ? static_cast<double>(bytes_of(o.dtype, count_of(o.shape))) : 0; }

double multiply_adds(const Step& s) {
    const auto per = [](double n, std::int64_t d) { return n / static_cast<double>(std::max<std::int64_t>(d, 1)); };
    if (!s.has(0) || !s.has(1)) return 0;
    const Dims &a = s.inputs[0].shape, &b = s.inputs[1].shape;
    if (s.is("Conv") || s.is("QuantizedConv")) return count(s.outputs[0]) * per(count(s.inputs[1]), b[0]);            // w [M, C/group, kernel...]
    if (s.is("ConvTranspose")) return count(s.inputs[0]) * per(count(s.inputs[1]), b[0]);    // w [C, M/group, kernel...]
    if (s.is("MatMul") || s.is("QuantizedMatMul")) return count(s.outputs[0]) * static_cast<double>(a.back());
    if (s.is("Gemm")) return count(s.outputs[0]) * static_cast<double>(a[s.attributes().integer("transA", 0) != 0 ? 0 : 1]);
    return 0;
}

struct PerElement {
    std::string_view op;
    double operations;  // per element of input 0
};

constexpr PerElement reductions[]{
    {"ArgMax", 1}, {"ArgMin", 1}, {"CumSum", 1}, {"GlobalAveragePool", 1}, {"GlobalMaxPool", 1}, {"GlobalLpPool", 1},
    {"ReduceL1", 1}, {"ReduceL2", 2}, {"ReduceLogSum", 1}, {"ReduceLogSumExp", 3}, {"ReduceMax", 1}, {"ReduceMean", 1},
    {"ReduceMin", 1}, {"ReduceProd", 1}, {"ReduceSum", 1}, {"ReduceSumSquare", 2},
    {"Softmax", 5}, {"LogSoftmax", 5},                                                          // max, subtract, exp, add; divide
    {"LayerNormalization", 7}, {"GroupNormalization", 7}, {"InstanceNormalization", 7},         // add; subtract, multiply, add; three of the affine map
};

double element_operations(const Step& s) {
    for (std::string_view pool : {"MaxPool", "AveragePool", "LpPool"})
        if (s.is(pool)) return count(s.outputs[0]) * static_cast<double>(count_of(s.attributes().integers("kernel_shape")));
    for (const PerElement& r : reductions)
        if (s.is(r.op)) return r.operations * count(s.inputs[0]);
    std::vector<const Tensor*> constants;
    for (const Step::Operand& in : s.inputs) constants.push_back(in.constant);
    const auto expr = expr_of(*s.node, constants);
    return expr ? static_cast<double>(expr->instructions().size()) * count(s.outputs[0]) : 0;
}

bool picks(const Step& s) {
    for (std::string_view op : {"Gather", "GatherElements", "GatherND", "Slice"})
        if (s.is(op)) return true;
    return false;
}

}  // namespace

Work work_of(const Step& s) {
    Work w;
    w.multiply_adds = multiply_adds(s);
    if (w.multiply_adds == 0) w.element_operations = element_operations(s);
    for (const Step::Operand& out : s.outputs) w.bytes += bytes(out);
    const double written = w.bytes;
    if (s.is("Shape") || s.is("Size")) return w;  // read no element
    for (std::size_t i = 0; i < s.inputs.size(); ++i) {
        const auto& ids = s.node->inputs;
        if (std::find(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(i), ids[i]) != ids.begin() + static_cast<std::ptrdiff_t>(i)) continue;  // read before
        w.bytes += i == 0 && picks(s) ? std::min(bytes(s.inputs[0]), written) : bytes(s.inputs[i]);
    }
    return w;
}

}  // namespace tercet
