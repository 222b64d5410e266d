// SPDX-License-Identifier: Apache-2.0
// Element-wise f32 operators become Pointwise nodes, the form in which they fuse with each other and into tails. Constant
// numbers become part of the expression; an input read twice is listed once.
//     Div(x, f32{2})  =>  "tercet":Pointwise<expr = "div(x0, 2)">(x)
#include "ops/pointwise.h"
#include "ops/pointwise_table.h"
#include "passes/passes.h"
#include "passes/rewrite.h"

#include <algorithm>

namespace tercet {
namespace {

// Which inputs the expression reads.
std::vector<bool> inputs_read(const Expr& e, std::size_t count) {
    std::vector<bool> read(count, false);
    const auto note = [&](const Expr::Operand& o) {
        if (o.kind == Expr::Operand::Kind::input) read[static_cast<std::size_t>(o.index)] = true;
    };
    note(e.result());
    for (const Expr::Instruction& in : e.instructions())
        for (int i = 0; i < in.function->arity; ++i) note(in.operands[static_cast<std::size_t>(i)]);
    return read;
}

bool rewrite(Graph& g, NodeId id) {
    const Node& node = g.node(id);
    if (!node.domain.empty() || node.outputs.size() != 1) return false;
    if (node.inputs.size() > static_cast<std::size_t>(Expr::max_inputs)) return false;
    const ValueId y = g.output(id);
    const Type type = g.value(y).type;
    if (type.dtype != DType::f32) return false;
    std::vector<const Tensor*> constants;
    for (ValueId v : node.inputs) constants.push_back(g.constant(v));
    const auto expr = expr_of(node, constants);
    if (!expr || !expr->fits()) return false;
    const std::vector<bool> read = inputs_read(*expr, node.inputs.size());
    std::vector<Expr> by;
    std::vector<ValueId> inputs;
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
        const ValueId v = node.inputs[i];
        by.push_back(Expr::constant(0));
        if (!read[i]) continue;
        if (v == ValueId::none || g.value(v).type.dtype != DType::f32) return false;
        if (const Tensor* t = g.constant(v); t && t->count() == 1) {
            by[i] = Expr::constant(decimal(static_cast<float>(t->get(0))));
            continue;
        }
        const auto at = std::ranges::find(inputs, v) - inputs.begin();
        if (static_cast<std::size_t>(at) == inputs.size()) inputs.push_back(v);
        by[i] = Expr::input(static_cast<int>(at));
    }
    if (inputs.empty()) return false;
    Shape shape = g.value(inputs[0]).type.shape;
    for (ValueId v : inputs) shape = broadcast(shape, g.value(v).type.shape);
    if (shape != type.shape) return false;  // a constant of shape [1,1,1] gives the result more axes
    const std::string name = g.value(y).name;
    supersede(g, y, emit(g, {.op = "Pointwise", .inputs = inputs, .outputs = {},
                             .attributes = {{"expr", expr->substituted(by).text()}}, .name = node.name, .domain = "tercet",
                             .layers = g.layers(id)}, name, id));
    return true;
}

}  // namespace

int to_pointwise(Graph& g, int limit) { return rewrite_each(g, limit, rewrite); }

}  // namespace tercet
