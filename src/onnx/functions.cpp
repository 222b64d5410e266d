// SPDX-License-Identifier: Apache-2.0
#include "onnx/functions.h"

#include "ops/op.h"
#include "tercet/error.h"

#include <fmt/format.h>

namespace tercet::onnx {
namespace {

constexpr const char* check = "check the model with onnx.checker";
constexpr std::int64_t oldest_opset = 1;

Functions::Key read_key(Message m) {
    std::string domain, name, overload;
    while (m.next()) {
        switch (m.field()) {
            case function_field::name: name = m.text(); break;
            case function_field::domain: domain = domain_name(m.text()); break;
            case function_field::overload: overload = m.text(); break;
            default: m.skip();
        }
    }
    return {std::move(domain), std::move(name), std::move(overload)};
}

OperatorSets read_sets(Message m, const OperatorSets& model) {
    OperatorSets own;
    while (m.next()) {
        if (m.field() == function_field::opset_import) read_opset(m.message(), own);
        else m.skip();
    }
    own.versions.insert(model.versions.begin(), model.versions.end());
    check_opset(own.version(""));
    return own;
}

Function read_function(const Message& message, Source& source, const OperatorSets& model) {
    Function f;
    f.sets = read_sets(message, model);  // which nodes need, wherever it stands
    for (Message m = message; m.next();) {
        switch (m.field()) {
            case function_field::input: f.inputs.emplace_back(m.text()); break;
            case function_field::output: f.outputs.emplace_back(m.text()); break;
            case function_field::attribute: f.attributes.emplace(m.text()); break;
            case function_field::default_value: {
                auto [name, value] = read_default_value(m.message(), source);
                f.attributes.insert(name);
                f.defaults.set(name, std::move(value));
                break;
            }
            case function_field::node: f.nodes.push_back(read_node(m.message(), source, f.sets)); break;
            default: m.skip();
        }
    }
    return f;
}

}  // namespace

void Functions::add(Message m) {
    const auto [entry, is_new] = entries_.try_emplace(read_key(m), Entry{m});
    if (!is_new)
        throw Error({.what = fmt::format("defines the function {} of domain '{}' twice", std::get<1>(entry->first), std::get<0>(entry->first)),
                     .fix = check});
}

const Function* Functions::find(const FileNode& n, Source& source, const OperatorSets& model) {
    const auto entry = entries_.find(Key(n.domain, n.op, n.overload));
    if (entry == entries_.end()) return nullptr;
    auto& [message, function] = entry->second;
    if (!function)
        function = at([&] { return fmt::format("function {}", n.op); }, [&] { return read_function(message, source, model); });
    return &*function;
}

void read_opset(Message m, OperatorSets& sets) {
    std::string domain;
    std::int64_t version = 0;
    while (m.next()) {
        if (m.field() == opset_field::domain) domain = domain_name(m.text());
        else if (m.field() == opset_field::version) version = m.integer();
        else m.skip();
    }
    const auto [known, is_new] = sets.versions.emplace(domain, version);
    if (!is_new && known->second != version)
        throw Error({.what = fmt::format("imports two operator sets, {} and {}, of the domain '{}'", known->second, version, domain), .fix = check});
}

void check_opset(std::int64_t version) {
    if (version < oldest_opset || version > newest_opset)
        throw Error({.what = fmt::format("uses operator set {}, supported are {} to {}", version, oldest_opset, newest_opset),
                     .fix = "convert it: onnx.version_converter.convert_version(model, 17)"});
}

}  // namespace tercet::onnx
