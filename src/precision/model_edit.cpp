// SPDX-License-Identifier: Apache-2.0
#include "precision/model_edit.h"

#include <fmt/format.h>

#include <algorithm>

namespace tercet {

using namespace onnx;

namespace {

constexpr std::int64_t ir_with_hidden_initializers = 4;  // before, every initializer is an input, too

bool has_name(const std::vector<TreeValue>& values, const std::string& name) {
    return std::ranges::find(values, name, &TreeValue::name) != values.end();
}

}  // namespace

ModelEdit::ModelEdit(ModelTree& tree, const Graph& model) : tree_(tree), used_(all_names(tree)) {
    sort_nodes(tree_.graph);
    index();
    const TreeGraph& g = tree_.graph;
    for (const auto* values : {&g.inputs, &g.outputs, &g.values})
        for (const TreeValue& v : *values)
            if (const DType t = declared_type(v); t != DType::undefined) types_.emplace(v.name, t);
    for (std::size_t v = 0; v < model.value_count(); ++v) {
        const Value& value = model.value(static_cast<ValueId>(v));
        if (value.type) types_.insert_or_assign(value.name, value.type.dtype);
    }
    for (const GraphOutput& o : model.outputs()) types_.insert_or_assign(o.name, model.value(o.value).type.dtype);
    for (const auto& [name, place] : constants_)
        if (const Tensor t = place.is_node ? constant_of(g.nodes[place.index], tree_.source) : elements_of(g.initializers[place.index], tree_.source)) {
            types_.insert_or_assign(name, t.dtype());
            elements_.emplace(name, t);
        }
    // What subgraphs give, where the import put other values in their place.
    for (const TreeNode& n : g.nodes)
        for (const TreeAttribute& a : n.attributes)
            if (a.body) {
                const std::size_t first = n.op == "Loop" ? 1 : 0;  // a Loop's body tells first whether it goes on
                for (std::size_t i = 0; i < n.outputs.size() && first + i < a.body->outputs.size(); ++i)
                    if (const DType t = declared_type(a.body->outputs[first + i]); t != DType::undefined) types_.emplace(n.outputs[i], t);
            }
}

void ModelEdit::index() {
    producers_.clear();
    readers_.clear();
    captured_.clear();
    constants_.clear();
    const auto& g = tree_.graph;
    for (std::size_t i = 0; i < g.initializers.size(); ++i) constants_[g.initializers[i].name] = {i, false};
    for (std::size_t i = 0; i < g.nodes.size(); ++i) {
        for (const std::string& o : g.nodes[i].outputs)
            if (!o.empty()) producers_[o] = i;
        if (is_constant(g.nodes[i])) constants_[g.nodes[i].outputs[0]] = {i, true};
        const auto& inputs = g.nodes[i].inputs;
        for (const std::string& name : std::set<std::string>(inputs.begin(), inputs.end())) readers_[name].push_back(i);
        captured_.merge(captured_names(g.nodes[i]));
    }
}

DType ModelEdit::type_of(const std::string& value) const {
    const auto t = types_.find(value);
    return t != types_.end() ? t->second : DType::undefined;
}

const Tensor* ModelEdit::constant(const std::string& value) {
    const auto c = elements_.find(value);
    return c != elements_.end() && is_float(c->second.dtype()) ? &c->second : nullptr;
}

void ModelEdit::change_constant(const std::string& value, Tensor elements) {
    const Place place = constants_.at(value);
    if (place.is_node) tree_.graph.nodes[place.index].attributes = {attribute_of("value", elements)};
    else tree_.graph.initializers[place.index].changed = elements;
    for (TreeValue& input : tree_.graph.inputs)  // old models list constants among the inputs
        if (input.name == value) input = with_type(input, elements.dtype());
    types_[value] = elements.dtype();
    elements_[value] = std::move(elements);
}

std::string ModelEdit::add_constant(const std::string& wish, Tensor elements) {
    const std::string name = unused(wish);
    tree_.ir_version = std::max(tree_.ir_version, ir_with_hidden_initializers);
    constants_[name] = {tree_.graph.initializers.size(), false};
    types_[name] = elements.dtype();
    elements_[name] = elements;
    tree_.graph.initializers.push_back({.name = name, .changed = std::move(elements)});
    return name;
}

void ModelEdit::drop_constant(const std::string& value) { dropped_.insert(value); }

std::string ModelEdit::unused(const std::string& wish) {
    std::string name = wish;
    for (int i = 2; !used_.insert(name).second; ++i) name = fmt::format("{}_{}", wish, i);
    return name;
}

std::optional<std::size_t> ModelEdit::producer(const std::string& value) const {
    const auto p = producers_.find(value);
    return p != producers_.end() ? std::optional(p->second) : std::nullopt;
}

std::vector<std::size_t> ModelEdit::readers(const std::string& value) const {
    const auto r = readers_.find(value);
    return r != readers_.end() ? r->second : std::vector<std::size_t>{};
}

bool ModelEdit::is_input(const std::string& value) const { return has_name(tree_.graph.inputs, value) && !constants_.contains(value); }

bool ModelEdit::is_output(const std::string& value) const { return has_name(tree_.graph.outputs, value); }

void ModelEdit::add_behind(const std::string& value, TreeNode added) {
    const auto p = producer(value);
    (p ? behind_[*p] : first_).push_back(std::move(added));
}

void ModelEdit::finish() {
    TreeGraph& g = tree_.graph;
    std::vector<TreeNode> nodes = std::move(first_);
    for (std::size_t i = 0; i < g.nodes.size(); ++i) {
        for (TreeNode& n : before_[i]) nodes.push_back(std::move(n));
        if (!is_constant(g.nodes[i]) || !dropped_.contains(g.nodes[i].outputs[0])) nodes.push_back(std::move(g.nodes[i]));
        for (TreeNode& n : behind_[i]) nodes.push_back(std::move(n));
    }
    g.nodes = std::move(nodes);
    for (auto* values : {&g.inputs, &g.values}) std::erase_if(*values, [&](const TreeValue& v) { return dropped_.contains(v.name); });
    std::erase_if(g.initializers, [&](const TreeTensor& t) { return dropped_.contains(t.name); });
    for (const std::string& name : dropped_) elements_.erase(name);
    first_.clear();
    before_.clear();
    behind_.clear();
    dropped_.clear();
    index();
}

}  // namespace tercet
