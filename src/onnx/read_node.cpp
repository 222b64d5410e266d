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
        case attribute_type::graph:
        case attribute_type::graphs: return "subgraph";
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

std::pair<std::string, Attribute> read_attribute(Message m, Source& source) {
    std::string name, text;
    std::int64_t type = attribute_type::undefined, guess = type, integer = 0;
    float real = 0;
    std::vector<std::int64_t> integers;
    std::vector<float> reals;
    std::vector<std::string> texts;
    std::optional<Message> tensor;
    bool is_reference = false;
    while (m.next()) {
        if (const std::int64_t t = type_by_field(m.field()); t != attribute_type::undefined) guess = t;
        switch (m.field()) {
            case attribute_field::name: name = m.text(); break;
            case attribute_field::type: type = m.integer(); break;
            case attribute_field::f: real = m.real(); break;
            case attribute_field::i: integer = m.integer(); break;
            case attribute_field::s: text = m.bytes(); break;
            case attribute_field::t: tensor = m.message(); break;
            case attribute_field::floats: m.append(reals); break;
            case attribute_field::ints: m.append(integers); break;
            case attribute_field::strings: texts.emplace_back(m.bytes()); break;
            case attribute_field::ref_attr_name: is_reference = !m.bytes().empty(); break;
            default: m.skip();
        }
    }
    if (is_reference)
        throw Error({.what = fmt::format("attribute '{}' refers to a function's", name),
                     .fix = "check the model with onnx.checker"});
    switch (type == attribute_type::undefined ? guess : type) {
        case attribute_type::real: return {name, real};
        case attribute_type::integer: return {name, integer};
        case attribute_type::text: return {name, std::move(text)};
        case attribute_type::reals: return {name, std::move(reals)};
        case attribute_type::integers: return {name, std::move(integers)};
        case attribute_type::texts: return {name, std::move(texts)};
        case attribute_type::tensor:
            if (!tensor)
                throw Error({.what = fmt::format("attribute '{}' has no value", name),
                             .fix = "check the model with onnx.checker"});
            return {name, at([&] { return fmt::format("attribute '{}'", name); }, [&] { return read_tensor(*tensor, source).tensor; })};
        default: type = type == attribute_type::undefined ? guess : type;
    }
    throw Error({.what = fmt::format("unsupported: {} attribute '{}'", kind_of(type), name),
                 .fix = "export the model without control flow, for fixed arguments"});
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

FileNode read_node(Message m, Source& source, const OperatorSets& sets) {
    FileNode n;
    std::vector<Message> attributes;  // read last, when the node can be named
    while (m.next()) {
        switch (m.field()) {
            case node_field::input: n.inputs.emplace_back(m.text()); break;
            case node_field::output: n.outputs.emplace_back(m.text()); break;
            case node_field::name: n.name = m.text(); break;
            case node_field::op_type: n.op = m.text(); break;
            case node_field::domain: n.domain = domain_name(m.text()); break;
            case node_field::attribute: attributes.push_back(m.message()); break;
            default: m.skip();
        }
    }
    if (n.op.empty()) fail_damaged(fmt::format("node '{}' has no operator", n.label()));
    while (!n.inputs.empty() && n.inputs.back().empty()) n.inputs.pop_back();
    while (!n.outputs.empty() && n.outputs.back().empty()) n.outputs.pop_back();
    at([&] { return sets.where(n.label(), n.op, n.domain); }, [&] {
        for (const Message& a : attributes) {
            auto [name, value] = read_attribute(a, source);
            if (n.attributes.has(name))
                throw Error({.what = fmt::format("attribute '{}' is given twice", name),
                             .fix = "check the model with onnx.checker"});
            n.attributes.set(name, std::move(value));
        }
    });
    return n;
}

}  // namespace tercet::onnx
