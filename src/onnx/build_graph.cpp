// SPDX-License-Identifier: Apache-2.0
// From names to a graph: constants and inputs first, then all nodes with their values, then an order, and in this order each
// node's newest form and the types of its outputs. Every value gets its name before an upgrade can make up others.
#include "onnx/build_graph.h"

#include "onnx/upgrade.h"
#include "ops/op.h"

#include <fmt/format.h>

#include <algorithm>

namespace tercet::onnx {
namespace {

constexpr std::string_view our_domain = "tercet";  // of operators that only passes make
constexpr const char* check = "check the model with onnx.checker";

class Builder {
public:
    Builder(FileGraph file, const std::map<std::string, Tensor>& fixed) : file_(std::move(file)), fixed_(fixed) {
        graph_.name = file_.name;
    }

    Graph build() {
        add_inputs_and_constants();
        std::vector<FileNode> computed;
        for (FileNode& n : file_.nodes) {
            const bool is_constant = n.op == "Constant" && n.domain.empty();
            at([&] { return where(n); }, [&] {
                if (is_constant) return add_constant_node(n);
                for (const std::string& o : n.outputs)
                    if (!o.empty()) new_name(o), graph_.add_value(o);
            });
            if (!is_constant) computed.push_back(std::move(n));
        }
        for (FileNode& n : computed) at([&] { return where(n); }, [&] { add_node(n); });
        if (!graph_.sort())
            throw Error({.what = fmt::format("its nodes form a cycle, '{}' stands in it", label_in_cycle()), .fix = check});
        for (NodeId id : std::vector(graph_.order())) complete(id);
        add_outputs();
        return std::move(graph_);
    }

private:
    std::string where(const FileNode& n) const { return file_.sets.where(n.label(), n.op, n.domain); }

    void new_name(const std::string& name) const {
        if (graph_.find(name) != ValueId::none)
            throw Error({.what = fmt::format("the value '{}' is defined twice", name), .fix = check});
    }

    void add_inputs_and_constants() {
        std::map<std::string_view, const Tensor*> constants;
        for (const NamedTensor& t : file_.initializers) {
            if (t.name.empty()) throw Error({.what = "an initializer has no name", .fix = check});
            if (!constants.emplace(t.name, &t.tensor).second)
                throw Error({.what = fmt::format("the initializer '{}' is there twice", t.name), .fix = check});
        }
        InputDims dims(file_.inputs);
        for (const auto& [name, tensor] : fixed_) fix_input(name, tensor, dims);
        for (const Declared& d : file_.inputs) {
            if (d.name.empty()) throw Error({.what = "an input has no name", .fix = check});
            new_name(d.name);
            if (const auto f = fixed_.find(d.name); f != fixed_.end()) {
                graph_.add_constant(d.name, f->second);
            } else if (const auto c = constants.find(d.name); c != constants.end()) {
                graph_.add_constant(d.name, *c->second);
            } else {
                if (bits_of(d.dtype) == 0)
                    throw Error({.what = d.dtype == DType::string ? fmt::format("unsupported: input '{}' is of strings", d.name)
                                                                  : fmt::format("input '{}' has no element type", d.name),
                                 .fix = "export the model with numbers as inputs"});
                graph_.add_input(d.name, {d.dtype, dims.shape_of(d)});
            }
        }
        for (const NamedTensor& t : file_.initializers)
            if (graph_.find(t.name) == ValueId::none) graph_.add_constant(t.name, t.tensor);
    }

    void fix_input(const std::string& name, const Tensor& tensor, InputDims& dims) const {
        const auto d = std::ranges::find(file_.inputs, name, &Declared::name);
        if (d == file_.inputs.end()) {
            std::string names;
            for (const Declared& input : file_.inputs) names += (names.empty() ? "" : ", ") + input.name;
            throw Error({.what = fmt::format("there is no input '{}' to fix", name), .fix = fmt::format("its inputs are: {}", names)});
        }
        if (d->dtype != DType::undefined && d->dtype != tensor.dtype())
            throw Error({.what = fmt::format("input '{}' is {}, its fixed value {}", name, name_of(d->dtype), name_of(tensor.dtype())),
                         .fix = "give a value of the input's type"});
        dims.fix(*d, tensor.shape());
    }

    void add_constant_node(FileNode& n) {
        if (n.outputs.size() != 1 || !n.inputs.empty() || std::distance(n.attributes.begin(), n.attributes.end()) != 1)
            throw Error({.what = "has to have one output, one attribute and no inputs", .fix = check});
        const auto& [name, value] = *n.attributes.begin();
        Tensor t;
        if (const auto* tensor = std::get_if<Tensor>(&value); tensor && name == "value") {
            t = *tensor;
        } else if (const auto* i = std::get_if<std::int64_t>(&value); i && name == "value_int") {
            t = Tensor::of<std::int64_t>(DType::i64, {}, {i, 1});
        } else if (const auto* f = std::get_if<float>(&value); f && name == "value_float") {
            t = Tensor::of<float>(DType::f32, {}, {f, 1});
        } else if (const auto* is = std::get_if<std::vector<std::int64_t>>(&value); is && name == "value_ints") {
            t = is->empty() ? Tensor::zeros(DType::i64, {0}) : Tensor::ints(*is);
        } else if (const auto* fs = std::get_if<std::vector<float>>(&value); fs && name == "value_floats") {
            t = fs->empty() ? Tensor::zeros(DType::f32, {0})
                            : Tensor::of<float>(DType::f32, {static_cast<std::int64_t>(fs->size())}, *fs);
        } else if (std::holds_alternative<std::string>(value) && name == "value_string") {
            t = Tensor(DType::string, {}, nullptr, nullptr);
        } else if (const auto* texts = std::get_if<std::vector<std::string>>(&value); texts && name == "value_strings") {
            t = Tensor(DType::string, {static_cast<std::int64_t>(texts->size())}, nullptr, nullptr);
        } else {
            throw Error({.what = fmt::format("its attribute '{}' holds no constant", name), .fix = check});
        }
        new_name(n.outputs[0]);
        graph_.add_constant(n.outputs[0], std::move(t));
    }

    void add_node(FileNode& n) {
        if (n.domain == our_domain)
            throw Error({.what = fmt::format("unsupported operator {} of domain '{}'", n.op, n.domain),
                         .fix = "export the model without it"});
        if (file_.functions.contains({n.domain, n.op}))
            throw Error({.what = fmt::format("unsupported: {} is a function that the model defines", n.op),
                         .fix = "inline it: onnx.inliner.inline_local_functions(model)"});
        std::vector<ValueId> inputs, outputs;
        for (const std::string& i : n.inputs) {
            inputs.push_back(i.empty() ? ValueId::none : graph_.find(i));
            if (!i.empty() && inputs.back() == ValueId::none)
                throw Error({.what = fmt::format("reads '{}', which is no input, constant or output of a node", i), .fix = check});
        }
        for (const std::string& o : n.outputs) outputs.push_back(o.empty() ? ValueId::none : graph_.find(o));
        graph_.add_node({.op = std::move(n.op), .inputs = std::move(inputs), .outputs = std::move(outputs),
                         .attributes = std::move(n.attributes), .name = std::move(n.name), .domain = std::move(n.domain)});
    }

    void complete(NodeId id) {
        const std::string op = graph_.node(id).op, domain = graph_.node(id).domain;  // as in the file: an upgrade may change them
        at([&] { return file_.sets.where(graph_.label(id), op, domain); }, [&] {
            op_of(graph_.node(id));
            for (ValueId v : graph_.node(id).inputs) {
                if (v == ValueId::none) continue;
                const Value& x = graph_.value(v);
                if (!computes(x.type.dtype))
                    throw Error({.what = fmt::format("unsupported: reads '{}' of type {}", x.name, name_of(x.type.dtype)),
                                 .fix = "export the model with f32, f16, bf16 or integer values there"});
            }
            upgrade(graph_, id, file_.sets.version(domain));
            infer_types(graph_, id);
            for (ValueId v : graph_.node(id).outputs) {
                if (v == ValueId::none) continue;
                const Value& y = graph_.value(v);
                check_size(y.type.shape);
                if (!computes(y.type.dtype))
                    throw Error({.what = fmt::format("unsupported: gives '{}' of type {}", y.name, name_of(y.type.dtype)),
                                 .fix = "export the model with f32, f16, bf16 or integer values there"});
            }
        });
    }

    void add_outputs() {
        if (file_.outputs.empty()) throw Error({.what = "the graph has no outputs", .fix = check});
        std::set<std::string_view> names;
        for (const Declared& d : file_.outputs) {
            if (!names.insert(d.name).second)
                throw Error({.what = fmt::format("the output '{}' is there twice", d.name), .fix = check});
            const ValueId v = d.name.empty() ? ValueId::none : graph_.find(d.name);
            if (v == ValueId::none)
                throw Error({.what = fmt::format("nothing computes the output '{}'", d.name), .fix = check});
            if (graph_.value(v).type.dtype == DType::string)
                throw Error({.what = fmt::format("unsupported: output '{}' is of strings", d.name),
                             .fix = "export the model without it"});
            check_output(d, graph_.value(v).type);
            graph_.add_output(d.name, v);
        }
    }

    // Takes away the nodes that can be computed; from any of the rest a walk to producers among them ends in a circle.
    std::string label_in_cycle() const {
        std::map<NodeId, int> waits;
        std::vector<NodeId> ready;
        for (NodeId id : graph_.order()) {
            for (ValueId v : graph_.node(id).inputs) waits[id] += graph_.producer(v) != NodeId::none;
            if (waits[id] == 0) ready.push_back(id);
        }
        while (!ready.empty()) {
            const NodeId id = ready.back();
            ready.pop_back();
            waits.erase(id);
            for (ValueId v : graph_.node(id).outputs)
                if (v != ValueId::none)
                    for (NodeId user : graph_.value(v).users)
                        if (--waits[user] == 0) ready.push_back(user);
        }
        NodeId at = waits.begin()->first;
        for (std::set<NodeId> seen; seen.insert(at).second;)
            for (ValueId v : graph_.node(at).inputs)
                if (waits.contains(graph_.producer(v))) {
                    at = graph_.producer(v);
                    break;
                }
        return graph_.label(at);
    }

    FileGraph file_;
    const std::map<std::string, Tensor>& fixed_;
    Graph graph_;
};

}  // namespace

Graph build_graph(FileGraph file, const std::map<std::string, Tensor>& fixed_inputs) {
    return Builder(std::move(file), fixed_inputs).build();
}

}  // namespace tercet::onnx
