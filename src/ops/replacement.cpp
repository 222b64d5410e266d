// SPDX-License-Identifier: Apache-2.0
#include "ops/replacement.h"

#include <fmt/format.h>

#include <utility>

namespace tercet {

Replacement::Replacement(Graph& graph, NodeId node) : g_(graph), id_(node), attributes_(graph.node(node).attributes) {
    check_schema(op_of(graph.node(node)), graph.node(node));
}

bool Replacement::wants(std::size_t output) const {
    const auto& outputs = g_.node(id_).outputs;
    return output < outputs.size() && outputs[output] != ValueId::none;
}

void Replacement::require(std::size_t input) const {
    if (!has(input)) throw Error({.what = fmt::format("input {} is required but left out", input), .fix = "check the model"});
}

void Replacement::refuse(std::string_view what, std::string_view fix) const {
    throw Error({.what = "unsupported: " + std::string(what), .fix = std::string(fix)});
}

ValueId Replacement::scalar(DType dtype, double value, std::string_view name) { return g_.add_constant(named(name), Tensor::scalar(dtype, value)); }

ValueId Replacement::ints(std::vector<std::int64_t> values, std::string_view name) { return g_.add_constant(named(name), Tensor::ints(values)); }

NodeId Replacement::insert(Node node) {
    while (!node.inputs.empty() && node.inputs.back() == ValueId::none) node.inputs.pop_back();
    const NodeId id = g_.insert_before(id_, std::move(node));
    infer_types(g_, id);
    return id;
}

ValueId Replacement::add(std::string_view op, std::vector<ValueId> inputs, std::string_view name, Attributes attributes) {
    return g_.output(insert({.op = std::string(op), .inputs = std::move(inputs), .outputs = {g_.add_value(named(name))}, .attributes = std::move(attributes),
                             .layers = g_.layers(id_)}));
}

std::vector<ValueId> Replacement::add_split(ValueId x, std::int64_t parts, std::string_view name) {
    Node split{.op = "Split", .inputs = {x}, .outputs = {}, .attributes = {{"axis", std::int64_t{-1}}, {"num_outputs", parts}}, .layers = g_.layers(id_)};
    for (std::int64_t i = 0; i < parts; ++i) split.outputs.push_back(g_.add_value(named(name)));
    return g_.node(insert(std::move(split))).outputs;
}

void Replacement::become(std::string_view op, std::vector<ValueId> inputs, Attributes attributes, std::vector<std::size_t> outputs) {
    Node node{.op = std::string(op), .inputs = std::move(inputs), .outputs = {}, .attributes = std::move(attributes), .name = g_.node(id_).name};
    for (std::size_t o : outputs) node.outputs.push_back(wants(o) ? g_.node(id_).outputs[o] : ValueId::none);
    while (node.outputs.size() > 1 && node.outputs.back() == ValueId::none) node.outputs.pop_back();
    insert(std::move(node));
}

Attributes picked(const Attributes& from, std::initializer_list<std::string_view> names) {
    Attributes r;
    for (std::string_view name : names)
        if (const Attribute* a = from.find(name)) r.set(name, *a);
    return r;
}

}  // namespace tercet
