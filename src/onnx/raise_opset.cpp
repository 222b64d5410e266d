// SPDX-License-Identifier: Apache-2.0
// How forms of operators changed is known to the operators (OpVersion::upgrade), which rewrite a Graph. So every node that a
// change concerns becomes a graph of its own, is upgraded there as far as wanted, and comes back as one or a few nodes.
#include "onnx/raise_opset.h"

#include "onnx/import_nodes.h"
#include "onnx/upgrade.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace tercet::onnx {
namespace {

// Names that a list of nodes sees.
struct Names {
    const Names* outer = nullptr;
    std::string label{};                              // of the node that the subgraph stands in, as the import names what is in it
    std::map<std::string, Tensor> constants{};
    std::map<std::string, DType> declared{};
};

const OpVersion* next_version(const OpDef& def, std::int64_t after, std::int64_t to) {
    const auto next = std::ranges::find_if(def.versions, [&](const OpVersion& v) { return v.since > after && v.since <= to; });
    return next != def.versions.end() ? &*next : nullptr;
}

class Raiser {
public:
    Raiser(ModelTree& tree, std::int64_t to, const Graph& graph) : tree_(tree), from_(tree.opset()), to_(to), graph_(graph), used_(all_names(tree)) {
        for (const auto& [domain, version] : tree.opsets) sets_.versions.emplace(domain, version);
    }

    void run() {
        raise(tree_.graph, {});
        for (TreeFunction& f : tree_.functions) {
            const auto own = std::ranges::find(f.opsets, std::string(), &std::pair<std::string, std::int64_t>::first);
            if (own == f.opsets.end() || own->second >= to_) continue;
            const std::int64_t model = std::exchange(from_, own->second);
            at([&] { return fmt::format("function '{}'", f.name); }, [&] { raise(f.nodes, {}); });
            from_ = model;
            own->second = to_;
        }
        for (auto& [domain, version] : tree_.opsets)
            if (domain.empty()) version = to_;
        tree_.ir_version = std::max(tree_.ir_version, ir_version_of(to_));
    }

private:
    void raise(TreeGraph& g, Names names) {
        for (const TreeTensor& t : g.initializers) names.constants.emplace(t.name, elements_of(t, tree_.source));
        for (const auto* values : {&g.inputs, &g.outputs, &g.values})
            for (const TreeValue& v : *values) names.declared.emplace(v.name, declared_type(v));
        raise(g.nodes, std::move(names));
    }

    void raise(std::vector<TreeNode>& nodes, Names names) {
        for (const TreeNode& n : nodes)
            if (is_constant(n))
                if (Tensor t = constant_of(n, tree_.source)) names.constants.emplace(n.outputs[0], std::move(t));
        std::vector<TreeNode> raised;
        for (TreeNode& n : nodes) {
            at([&] { return fmt::format("{} ({}, opset {})", n.label(), n.op, from_); }, [&] {
                for (TreeAttribute& a : n.attributes)
                    if (a.body) raise(*a.body, {.outer = &names, .label = join(names.label, n.label())});
                if (n.domain.empty() && n.op == "Scan" && from_ < 9 && to_ >= 9) refuse("Scan changed its form in opset 9");
                if (n.domain.empty() && changes(n)) convert(n, names, raised);
                else raised.push_back(std::move(n));
            });
        }
        nodes = std::move(raised);
    }

    [[noreturn]] void refuse(std::string_view why) const {
        throw Error({.what = fmt::format("cannot be written in opset {}: {}", to_, why), .fix = fmt::format("export the model with opset {}", to_)});
    }

    bool changes(const TreeNode& n) const {
        const OpDef* def = is_replaced(n.op, n.domain) ? nullptr : find_op(n.op);
        if (!def) return false;
        for (const OpVersion* v = next_version(*def, from_, to_); v; v = next_version(*def, v->since, to_))
            if (v->upgrade) return true;
        return false;
    }

    Type type_of(const std::string& name, const Names& names) const {
        for (const Names* n = &names; n; n = n->outer) {
            const ValueId v = graph_.find(join(n->label, name));
            if (v != ValueId::none && graph_.value(v).type) return graph_.value(v).type;
        }
        return {};
    }

    const Tensor* constant(const std::string& name, const Names& names) const {
        for (const Names* n = &names; n; n = n->outer)
            if (const auto c = n->constants.find(name); c != n->constants.end()) return &c->second;
        return nullptr;
    }

    bool is_declared_f32(const std::string& name, const Names& names) const {
        for (const Names* n = &names; n; n = n->outer)
            if (const auto d = n->declared.find(name); d != n->declared.end()) return d->second == DType::f32;
        return false;
    }

    void convert(const TreeNode& n, const Names& names, std::vector<TreeNode>& to) {
        const FileNode file = file_node_of(n, tree_.source, sets_);
        if (!file.references.empty()) refuse("an attribute is a function's");
        Graph g;
        std::map<std::string, ValueId> values;
        Node node{.op = n.op, .inputs = {}, .outputs = {}, .attributes = file.attributes, .name = n.name};
        for (const std::string& i : file.inputs) {
            if (!i.empty() && !values.contains(i)) {
                const Tensor* c = constant(i, names);
                values[i] = c ? g.add_constant(i, *c) : g.add_input(i, type_of(i, names));
            }
            node.inputs.push_back(i.empty() ? ValueId::none : values[i]);
        }
        for (const std::string& o : file.outputs) node.outputs.push_back(o.empty() ? ValueId::none : values[o] = g.add_value(o));
        // Clip's limits get the type of what is clipped; f32 is assumed of what nothing is known about.
        if (n.op == "Clip" && !file.inputs.empty() && !type_of(file.inputs[0], names) && !is_declared_f32(file.inputs[0], names)) refuse("nothing tells the type of its input");
        const NodeId id = g.add_node(std::move(node));
        const OpDef* def = find_op(n.op);
        check_form(*def, g.node(id));
        for (const OpVersion* v = next_version(*def, from_, to_); v;) {
            const int form = v->since;
            if (v->upgrade) {
                v->upgrade(g, id);
                def = &op_of(g.node(id));
            }
            v = next_version(*def, form, to_);
        }
        std::map<ValueId, std::string> written;
        for (const auto& [name, v] : values) written[v] = name;
        for (NodeId each : g.order()) write(g, each, n, each == id, file.attributes, written, to);
    }

    // The node that it was itself keeps its other fields and unchanged attributes; those that came to it are named after it.
    void write(const Graph& g, NodeId id, const TreeNode& original, bool itself, const Attributes& before, std::map<ValueId, std::string>& written,
               std::vector<TreeNode>& to) {
        const Node& node = g.node(id);
        TreeNode n = itself ? original : TreeNode{.op = {}, .inputs = {}, .outputs = {}, .name = unused(join(original.label(), node.op))};
        n.op = node.op;
        n.attributes.clear();
        if (itself)
            for (const TreeAttribute& a : original.attributes)
                if (const Attribute *now = node.attributes.find(a.name), *then = before.find(a.name); now && then && *now == *then) n.attributes.push_back(a);
        for (const auto& [name, value] : node.attributes)
            if (!n.find(name)) n.attributes.push_back(attribute_of(name, value));
        n.inputs.clear();
        for (ValueId v : node.inputs) n.inputs.push_back(name_of(g, v, g.label(id), written, to));
        n.outputs.clear();
        for (ValueId v : node.outputs) n.outputs.push_back(name_of(g, v, g.label(id), written, to));
        to.push_back(std::move(n));
    }

    // A constant that the upgrade made becomes a node: subgraphs and functions have no better place for it.
    std::string name_of(const Graph& g, ValueId v, const std::string& label, std::map<ValueId, std::string>& written, std::vector<TreeNode>& to) {
        if (v == ValueId::none) return {};
        if (const auto known = written.find(v); known != written.end()) return known->second;
        const std::string name = unused(g.value(v).name.empty() ? label + "_constant" : g.value(v).name);
        if (const Tensor* t = g.constant(v)) to.push_back({.op = "Constant", .inputs = {}, .outputs = {name}, .attributes = {attribute_of("value", *t)}});
        return written[v] = name;
    }

    std::string unused(const std::string& wish) {
        std::string name = wish;
        for (int i = 2; !used_.insert(name).second; ++i) name = fmt::format("{}_{}", wish, i);
        return name;
    }

    ModelTree& tree_;
    std::int64_t from_, to_;
    const Graph& graph_;
    OperatorSets sets_{};
    std::set<std::string, std::less<>> used_;
};

}  // namespace

std::int64_t ir_version_of(std::int64_t opset) {
    constexpr std::array<std::pair<int, int>, 11> since{{{9, 4}, {10, 5}, {11, 6}, {12, 7}, {15, 8}, {19, 9}, {21, 10}, {23, 11}, {24, 12}, {25, 13}, {28, 14}}};
    std::int64_t ir = 3;
    for (const auto& [first, version] : since)
        if (opset >= first) ir = version;
    return ir;
}

void raise_opset(ModelTree& tree, std::int64_t to, const Graph& graph) {
    if (tree.opset() < to) Raiser(tree, to, graph).run();
}

}  // namespace tercet::onnx
