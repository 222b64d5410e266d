// SPDX-License-Identifier: Apache-2.0
// What all nodes have in common, and operators. Every value of a graph gets its name before its first node is added, since
// upgrades make up others.
#include "onnx/import_nodes.h"

#include "onnx/declared.h"
#include "onnx/sort_nodes.h"
#include "onnx/upgrade.h"
#include "ops/op.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace tercet::onnx {
namespace {

constexpr std::string_view our_domain = "tercet";  // of operators that only passes and this folder make
constexpr const char* check = "check the model with onnx.checker";

// Functions that call functions twice, and loops in loops, grow fast.
constexpr std::size_t most_nodes = 30'000, most_bytes = std::size_t{256} << 20;
constexpr std::size_t bytes_per_name = 64;

std::size_t size_of(const Attributes& attributes) {
    std::size_t bytes = 0;
    for (const auto& [name, value] : attributes) {
        bytes += bytes_per_name + name.size();
        std::visit([&]<class T>(const T& v) {
            if constexpr (std::is_same_v<T, std::string>) bytes += v.size();
            else if constexpr (std::is_same_v<T, std::vector<std::string>>) for (const std::string& s : v) bytes += s.size() + bytes_per_name;
            else if constexpr (!std::is_arithmetic_v<T> && !std::is_same_v<T, Tensor>) bytes += v.size() * 8;
        }, value);
    }
    return bytes;
}

bool is_operator(const FileNode& n, std::string_view op) { return n.domain.empty() && n.op == op; }

}  // namespace

bool is_replaced(std::string_view op, std::string_view domain) {
    constexpr std::array<std::string_view, 6> replaced{"Constant", "If", "Loop", "Scan", "OptionalHasElement", "OptionalGetElement"};
    return domain.empty() && std::ranges::find(replaced, op) != replaced.end();
}

std::string join(std::string_view outer, std::string_view inner) {
    if (outer.empty()) return std::string(inner);
    return fmt::format("{}{}{}", outer, inner.starts_with('/') ? "" : "/", inner);
}

std::string label(const FileNode& n, const Scope& scope) { return join(scope.label, n.label()); }

std::string where(const FileNode& n, const Scope& scope) { return scope.sets->where(label(n, scope), n.op, n.domain); }

const FileBody& body_of(const FileNode& n, const std::string& attribute) {
    const auto body = n.bodies.find(attribute);
    if (body == n.bodies.end()) throw Error({.what = fmt::format("attribute '{}' is no subgraph", attribute), .fix = check});
    return *body->second;
}

std::optional<ValueId> Scope::find(std::string_view name) const {
    for (const Scope* s = this; s; s = s->outer)
        if (const auto it = s->names.find(name); it != s->names.end()) return it->second;
    return std::nullopt;
}

void Importer::run(std::span<const FileNode> nodes, Scope& scope) {
    for (const FileNode& n : nodes) {
        at([&] { return where(n, scope); }, [&] {
            if (!scope.label.empty()) {
                std::size_t names = n.inputs.size() + n.outputs.size();
                for (const auto& [name, body] : n.bodies) names += body->captured.size();
                spend(1, names * bytes_per_name + (1 + n.outputs.size()) * scope.label.size());
            }
            declare(n, scope);
        });
    }
    for (std::size_t i : sort_nodes(nodes)) import(nodes[i], scope);
}

void Importer::spend(std::size_t nodes, std::size_t bytes) {
    nodes_ += nodes;
    bytes_ += bytes;
    if (nodes_ > most_nodes || bytes_ > most_bytes)
        throw Error({.what = fmt::format("unsupported: its functions and subgraphs come to more than {}",
                                         nodes_ > most_nodes ? fmt::format("{} nodes", most_nodes)
                                                             : fmt::format("{} MiB of names and attributes", most_bytes >> 20)),
                     .fix = "export the model without control flow, for fixed arguments"});
}

// Names of what the node gives. A constant is there at once.
void Importer::declare(const FileNode& n, Scope& scope) {
    const bool is_constant = is_operator(n, "Constant");
    std::optional<Tensor> constant;
    if (is_constant) constant = constant_of(n, scope);
    for (const std::string& o : n.outputs) {
        if (o.empty()) continue;
        const auto [name, is_new] = scope.names.try_emplace(o, ValueId::none);
        if (!is_new) throw Error({.what = fmt::format("the value '{}' is defined twice", o), .fix = check});
        if (constant) name->second = graph_.add_constant(join(scope.label, o), *constant);
        else if (const auto w = scope.wanted.find(o); w != scope.wanted.end()) name->second = w->second;
        else name->second = graph_.add_value(join(scope.label, o));
    }
}

Tensor Importer::constant_of(const FileNode& n, const Scope& scope) {
    const Attributes attributes = attributes_of(n, scope);
    if (n.outputs.size() != 1 || !n.inputs.empty() || std::distance(attributes.begin(), attributes.end()) != 1)
        throw Error({.what = "has to have one output, one attribute and no inputs", .fix = check});
    const auto& [name, value] = *attributes.begin();
    if (const auto* tensor = std::get_if<Tensor>(&value); tensor && name == "value") return *tensor;
    if (const auto* i = std::get_if<std::int64_t>(&value); i && name == "value_int") return Tensor::of<std::int64_t>(DType::i64, {}, {i, 1});
    if (const auto* f = std::get_if<float>(&value); f && name == "value_float") return Tensor::of<float>(DType::f32, {}, {f, 1});
    if (const auto* is = std::get_if<std::vector<std::int64_t>>(&value); is && name == "value_ints")
        return is->empty() ? Tensor::zeros(DType::i64, {0}) : Tensor::ints(*is);
    if (const auto* fs = std::get_if<std::vector<float>>(&value); fs && name == "value_floats")
        return fs->empty() ? Tensor::zeros(DType::f32, {0}) : Tensor::of<float>(DType::f32, {static_cast<std::int64_t>(fs->size())}, *fs);
    if (std::holds_alternative<std::string>(value) && name == "value_string") return Tensor(DType::string, {}, nullptr, nullptr);
    if (const auto* texts = std::get_if<std::vector<std::string>>(&value); texts && name == "value_strings")
        return Tensor(DType::string, {static_cast<std::int64_t>(texts->size())}, nullptr, nullptr);
    throw Error({.what = fmt::format("its attribute '{}' holds no constant", name), .fix = check});
}

void Importer::import(const FileNode& n, Scope& scope) {
    if (is_operator(n, "Constant")) return;
    const Function* function = at([&] { return where(n, scope); }, [&] { return functions_.find(n, source_, sets_); });
    if (function) call(n, *function, scope);
    else if (is_operator(n, "If")) import_if(n, scope);
    else if (is_operator(n, "Loop")) import_loop(n, scope);
    else if (is_operator(n, "Scan")) import_scan(n, scope);
    else
        at([&] { return where(n, scope); }, [&] {
            const bool is_optional = is_operator(n, "OptionalHasElement") || is_operator(n, "OptionalGetElement");
            is_optional ? import_optional(n, scope) : add_operator(n, scope);
        });
}

ValueId Importer::resolve(std::string_view name, const Scope& scope) const {
    if (name.empty()) return ValueId::none;
    if (const auto v = scope.find(name)) return *v;
    throw Error({.what = fmt::format("reads '{}', which is no input, constant or output of a node", name), .fix = check});
}

// With those that refer to attributes of the function around it; one that the call leaves out is left out here, too.
Attributes Importer::attributes_of(const FileNode& n, const Scope& scope) {
    Attributes all = n.attributes;
    for (const auto& [name, reference] : n.references) {
        if (!scope.attributes) throw Error({.what = fmt::format("attribute '{}' refers to a function's", name), .fix = check});
        if (const Attribute* a = scope.attributes->find(reference)) all.set(name, *a);
    }
    if (!scope.label.empty()) spend(0, size_of(all));
    return all;
}

void Importer::add_operator(const FileNode& n, const Scope& scope) {
    if (n.domain == our_domain)
        throw Error({.what = fmt::format("unsupported operator {} of domain '{}'", n.op, n.domain), .fix = "export the model without it"});
    Node node{.op = n.op, .inputs = {}, .outputs = outputs_of(n, scope), .attributes = attributes_of(n, scope),
              .name = scope.label.empty() ? n.name : label(n, scope), .domain = n.domain};
    for (const std::string& i : n.inputs) node.inputs.push_back(resolve(i, scope));
    while (!node.inputs.empty() && node.inputs.back() == ValueId::none) node.inputs.pop_back();
    op_of(node);
    if (!n.bodies.empty())
        throw Error({.what = fmt::format("unsupported: subgraph attribute '{}'", n.bodies.begin()->first), .fix = "export the model without it"});
    for (ValueId v : node.inputs) {
        if (v == ValueId::none) continue;
        const Value& x = graph_.value(v);
        if (!computes(x.type.dtype))
            throw Error({.what = fmt::format("unsupported: reads '{}' of type {}", x.name, name_of(x.type.dtype)),
                         .fix = "export the model with f32, f16, bf16 or integer values there"});
    }
    const NodeId id = graph_.add_node(std::move(node));
    upgrade(graph_, id, scope.sets->version(n.domain));
    if (graph_.is_alive(id)) infer(id);  // else others took its place
    for (ValueId v : graph_.node(id).outputs) {
        if (v == ValueId::none) continue;
        const Value& y = graph_.value(v);
        check_size(y.type.shape);
        if (!computes(y.type.dtype))
            throw Error({.what = fmt::format("unsupported: gives '{}' of type {}", y.name, name_of(y.type.dtype)),
                         .fix = "export the model with f32, f16, bf16 or integer values there"});
    }
}

// Inputs that follow from constants become constants; false if there are none.
bool Importer::fold_inputs(NodeId id) {
    bool folded = false;
    for (ValueId v : std::vector(graph_.node(id).inputs)) {
        const NodeId producer = graph_.producer(v);
        if (producer == NodeId::none || graph_.node(producer).outputs.size() != 1) continue;  // of several, some may be read later
        if (auto t = known_.find(v)) {
            graph_.set_constant(v, std::move(*t));
            folded = true;
        }
    }
    return folded;
}

// Functions compute axes, sizes and bounds from their attributes: where inference fails for want of a constant, or leaves an
// extent to the data, it may get on with what can be computed by now.
void Importer::infer(NodeId id) {
    try {
        infer_types(graph_, id);
    } catch (const Error&) {
        if (!fold_inputs(id)) throw;
        return infer_types(graph_, id);
    }
    const auto is_open = [&](ValueId v) {
        std::vector<std::string> symbols;
        if (v != ValueId::none)
            for (const Dim& d : graph_.value(v).type.shape) d.collect_symbols(symbols);
        return std::ranges::any_of(symbols, [](const std::string& s) { return s.find('?') != std::string::npos; });
    };
    if (std::ranges::any_of(graph_.node(id).outputs, is_open) && fold_inputs(id)) infer_types(graph_, id);
}

// Optional values are known while importing: tensors, or what a function's call left out.
void Importer::import_optional(const FileNode& n, Scope& scope) {
    if (n.inputs.size() > 1 || n.outputs.size() != 1) throw Error({.what = "has to have one input and one output", .fix = check});
    const ValueId x = n.inputs.empty() ? ValueId::none : resolve(n.inputs[0], scope);
    if (n.op == "OptionalHasElement") {
        const ValueId has = graph_.add_constant(join(scope.label, n.outputs[0]), Tensor::scalar(DType::boolean, x == ValueId::none ? 0 : 1));
        give(n, scope, std::array{has});
    } else if (x == ValueId::none) {
        throw Error({.what = "reads an optional value that is left out", .fix = check});
    } else {
        give(n, scope, std::array{x});
    }
}

// One of ours, in the newest form.
void Importer::add_node(Node node) {
    const NodeId id = graph_.add_node(std::move(node));
    infer_types(graph_, id);
    for (ValueId v : graph_.node(id).outputs) check_size(graph_.value(v).type.shape);
}

// What stands inside of a node, as `part` of it.
Scope Importer::inside(const FileNode& n, const Scope& scope, std::string_view part) const {
    if (scope.depth == deepest_nesting)
        throw Error({.what = fmt::format("unsupported: functions and subgraphs stand in each other more than {} deep", deepest_nesting),
                     .fix = "export the model without control flow, for fixed arguments"});
    return {.sets = scope.sets, .outer = &scope, .attributes = scope.attributes,
            .label = part.empty() ? label(n, scope) : join(label(n, scope), part), .depth = scope.depth + 1};
}

// Adds the nodes and gives what `outputs` are called in the graph: where possible the values `wanted`, one for each of the first.
std::vector<ValueId> Importer::expand(std::span<const FileNode> nodes, std::span<const std::string> outputs, std::span<const ValueId> wanted, Scope& scope) {
    for (std::size_t i = 0; i < wanted.size(); ++i)
        if (wanted[i] != ValueId::none) scope.wanted.emplace(outputs[i], wanted[i]);
    run(nodes, scope);
    std::vector<ValueId> results;
    for (const std::string& o : outputs) {
        const auto v = scope.find(o);
        if (!v)
            throw Error({.what = fmt::format("nothing computes the output '{}' of its function or subgraph", o), .where = scope.label, .fix = check});
        results.push_back(*v);
    }
    return results;
}

std::vector<ValueId> Importer::expand(const FileBody& body, std::span<const ValueId> inputs, std::span<const ValueId> wanted, Scope scope) {
    for (std::size_t i = 0; i < inputs.size(); ++i) scope.names.try_emplace(body.inputs[i], inputs[i]);
    spend(0, (body.inputs.size() + body.outputs.size() + body.initializers.size()) * bytes_per_name + body.initializers.size() * scope.label.size());
    for (const NamedTensor& t : body.initializers)
        if (const auto [name, is_new] = scope.names.try_emplace(t.name, ValueId::none); is_new)
            name->second = graph_.add_constant(join(scope.label, t.name), t.tensor);
    return expand(body.nodes, body.outputs, wanted, scope);
}

// Values that the node's outputs were declared as; none where it leaves one out.
std::vector<ValueId> Importer::outputs_of(const FileNode& n, const Scope& scope) const {
    std::vector<ValueId> values;
    for (const std::string& o : n.outputs) values.push_back(o.empty() ? ValueId::none : scope.names.find(o)->second);
    return values;
}

// From here on, the node's outputs are these values.
void Importer::give(const FileNode& n, Scope& scope, std::span<const ValueId> results) {
    for (std::size_t i = 0; i < n.outputs.size(); ++i)
        if (!n.outputs[i].empty()) scope.names[n.outputs[i]] = results[i];
}

}  // namespace tercet::onnx
