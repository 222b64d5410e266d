// SPDX-License-Identifier: Apache-2.0
#include "onnx/read_node.h"

#include "tercet/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace tercet::onnx {
namespace {

std::string_view kind_of(std::int64_t type) {
    switch (type) {
        case attribute_type::graphs: return "subgraph list";
        case attribute_type::tensors: return "tensor list";
        case attribute_type::sparse_tensor:
        case attribute_type::sparse_tensors: return "sparse tensor";
        case attribute_type::type:
        case attribute_type::types: return "type";
        default: return "unknown kind of";
    }
}

// The one type whose field is there, for files that leave the type out.
std::int64_t type_by_field(Field f) {
    switch (f) {
        case attribute_field::f: return attribute_type::real;
        case attribute_field::i: return attribute_type::integer;
        case attribute_field::s: return attribute_type::text;
        case attribute_field::t: return attribute_type::tensor;
        case attribute_field::g: return attribute_type::graph;
        case attribute_field::floats: return attribute_type::reals;
        case attribute_field::ints: return attribute_type::integers;
        case attribute_field::strings: return attribute_type::texts;
        default: return attribute_type::undefined;
    }
}

constexpr const char* check = "check the model with onnx.checker";

// An AttributeProto: one of a value, a reference to an attribute of the function around it, and a subgraph.
struct FileAttribute {
    std::string name, reference;
    Attribute value{};
    std::optional<Message> body{};
};

FileAttribute read_attribute(Message m, Source& source) {
    FileAttribute a;
    std::string text;
    std::int64_t type = attribute_type::undefined, guess = type, integer = 0;
    float real = 0;
    std::vector<std::int64_t> integers;
    std::vector<float> reals;
    std::vector<std::string> texts;
    std::optional<Message> tensor;
    while (m.next()) {
        if (const std::int64_t t = type_by_field(m.field()); t != attribute_type::undefined) guess = t;
        switch (m.field()) {
            case attribute_field::name: a.name = m.text(); break;
            case attribute_field::type: type = m.integer(); break;
            case attribute_field::f: real = m.real(); break;
            case attribute_field::i: integer = m.integer(); break;
            case attribute_field::s: text = m.bytes(); break;
            case attribute_field::t: tensor = m.message(); break;
            case attribute_field::g: a.body = m.message(); break;
            case attribute_field::floats: m.append(reals); break;
            case attribute_field::ints: m.append(integers); break;
            case attribute_field::strings: texts.emplace_back(m.bytes()); break;
            case attribute_field::ref_attr_name: a.reference = m.text(); break;
            default: m.skip();
        }
    }
    if (!a.reference.empty()) return a;
    if (type == attribute_type::undefined) type = guess;
    if (type != attribute_type::graph) a.body.reset();
    const bool has_value = (type != attribute_type::tensor || tensor) && (type != attribute_type::graph || a.body);
    if (!has_value) throw Error({.what = fmt::format("attribute '{}' has no value", a.name), .fix = check});
    switch (type) {
        case attribute_type::real: a.value = real; break;
        case attribute_type::integer: a.value = integer; break;
        case attribute_type::text: a.value = std::move(text); break;
        case attribute_type::reals: a.value = std::move(reals); break;
        case attribute_type::integers: a.value = std::move(integers); break;
        case attribute_type::texts: a.value = std::move(texts); break;
        case attribute_type::tensor:
            a.value = at([&] { return fmt::format("attribute '{}'", a.name); }, [&] { return read_tensor(*tensor, source).tensor; });
            break;
        case attribute_type::graph: break;
        default:
            throw Error({.what = fmt::format("unsupported: {} attribute '{}'", kind_of(type), a.name), .fix = "export the model without it"});
    }
    return a;
}

std::string read_value_name(Message m) {
    std::string name;
    while (m.next()) {
        if (m.field() == value_field::name) name = m.text();
        else m.skip();
    }
    return name;
}

// What the body reads and does not define itself.
std::set<std::string> captured_names(const FileBody& body) {
    std::set<std::string> read(body.outputs.begin(), body.outputs.end());
    for (const FileNode& n : body.nodes) {
        read.insert(n.inputs.begin(), n.inputs.end());
        for (const auto& [name, inner] : n.bodies) read.insert(inner->captured.begin(), inner->captured.end());
    }
    for (const FileNode& n : body.nodes)
        for (const std::string& o : n.outputs) read.erase(o);
    for (const std::string& i : body.inputs) read.erase(i);
    for (const NamedTensor& t : body.initializers) read.erase(t.name);
    read.erase("");
    return read;
}

FileBody read_body(Message m, Source& source, const OperatorSets& sets, int depth) {
    if (depth > deepest_nesting)
        throw Error({.what = fmt::format("unsupported: subgraphs stand in each other more than {} deep", deepest_nesting),
                     .fix = "export the model without control flow, for fixed arguments"});
    FileBody body;
    while (m.next()) {
        switch (m.field()) {
            case graph_field::node: body.nodes.push_back(read_node(m.message(), source, sets, depth)); break;
            case graph_field::initializer: body.initializers.push_back(read_tensor(m.message(), source)); break;
            case graph_field::input: body.inputs.push_back(read_value_name(m.message())); break;
            case graph_field::output: body.outputs.push_back(read_value_name(m.message())); break;
            case graph_field::sparse_initializer:
                throw Error({.what = "unsupported: it has sparse initializers", .fix = "export the model with dense weights"});
            default: m.skip();
        }
    }
    body.captured = captured_names(body);
    return body;
}

}  // namespace

std::string_view domain_name(std::string_view in_file) { return in_file == "ai.onnx" ? std::string_view() : in_file; }

const std::string& FileNode::label() const {
    if (!name.empty()) return name;
    const auto named = std::ranges::find_if(outputs, [](const std::string& o) { return !o.empty(); });
    return named != outputs.end() ? *named : op;
}

std::int64_t OperatorSets::version(std::string_view domain) const {
    const auto it = versions.find(domain);
    return it != versions.end() ? it->second : std::numeric_limits<std::int64_t>::max();
}

std::string OperatorSets::where(std::string_view label, std::string_view op, std::string_view domain) const {
    if (domain.empty()) return fmt::format("{} ({}, opset {})", label, op, version(domain));
    if (!versions.contains(domain)) return fmt::format("{} ({} of {})", label, op, domain);
    return fmt::format("{} ({} of {}, version {})", label, op, domain, version(domain));
}

FileNode read_node(Message m, Source& source, const OperatorSets& sets, int depth) {
    FileNode n;
    std::vector<Message> attributes;  // read last, when the node can be named
    while (m.next()) {
        switch (m.field()) {
            case node_field::input: n.inputs.emplace_back(m.text()); break;
            case node_field::output: n.outputs.emplace_back(m.text()); break;
            case node_field::name: n.name = m.text(); break;
            case node_field::op_type: n.op = m.text(); break;
            case node_field::domain: n.domain = domain_name(m.text()); break;
            case node_field::overload: n.overload = m.text(); break;
            case node_field::attribute: attributes.push_back(m.message()); break;
            default: m.skip();
        }
    }
    if (n.op.empty()) fail_damaged(fmt::format("node '{}' has no operator", n.label()));
    while (!n.inputs.empty() && n.inputs.back().empty()) n.inputs.pop_back();
    while (!n.outputs.empty() && n.outputs.back().empty()) n.outputs.pop_back();
    at([&] { return sets.where(n.label(), n.op, n.domain); }, [&] {
        for (const Message& message : attributes) {
            FileAttribute a = read_attribute(message, source);
            if (n.attributes.has(a.name) || n.references.contains(a.name) || n.bodies.contains(a.name))
                throw Error({.what = fmt::format("attribute '{}' is given twice", a.name), .fix = check});
            if (!a.reference.empty()) {
                n.references.emplace(std::move(a.name), std::move(a.reference));
            } else if (a.body) {
                auto body = at(a.name, [&] { return read_body(*a.body, source, sets, depth + 1); });
                n.bodies.emplace(std::move(a.name), std::make_shared<const FileBody>(std::move(body)));
            } else {
                n.attributes.set(a.name, std::move(a.value));
            }
        }
    });
    return n;
}

std::pair<std::string, Attribute> read_default_value(Message m, Source& source) {
    FileAttribute a = read_attribute(m, source);
    if (!a.reference.empty() || a.body)
        throw Error({.what = fmt::format("unsupported: the default of attribute '{}' is no value", a.name),
                     .fix = "inline it: onnx.inliner.inline_local_functions(model)"});
    return {std::move(a.name), std::move(a.value)};
}

}  // namespace tercet::onnx
