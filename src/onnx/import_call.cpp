// SPDX-License-Identifier: Apache-2.0
// A call of a function of the model becomes the function's nodes, read by the operator sets that the function imports.
#include "onnx/import_nodes.h"

#include "tercet/error.h"

#include <fmt/format.h>

#include <algorithm>

namespace tercet::onnx {
namespace {

constexpr const char* check = "check the model with onnx.checker";

void check_call(const FileNode& n, const Function& f) {
    if (n.inputs.size() > f.inputs.size())
        throw Error({.what = fmt::format("has {} inputs, the function takes at most {}", n.inputs.size(), f.inputs.size()), .fix = check});
    if (n.outputs.size() > f.outputs.size())
        throw Error({.what = fmt::format("has {} outputs, the function gives at most {}", n.outputs.size(), f.outputs.size()), .fix = check});
    if (!n.bodies.empty())
        throw Error({.what = fmt::format("unsupported: subgraph attribute '{}' of a function", n.bodies.begin()->first),
                     .fix = "inline it: onnx.inliner.inline_local_functions(model)"});
}

}  // namespace

void Importer::call(const FileNode& n, const Function& f, Scope& scope) {
    Attributes attributes = f.defaults;
    Scope inner = at([&] { return where(n, scope); }, [&] {
        check_call(n, f);
        if (std::ranges::find(calling_, &f) != calling_.end())
            throw Error({.what = fmt::format("the function {} calls itself", n.op), .fix = check});
        for (const auto& [name, value] : attributes_of(n, scope)) {
            if (!f.attributes.contains(name)) throw Error({.what = fmt::format("unknown attribute '{}'", name), .fix = check});
            attributes.set(name, value);
        }
        Scope s = inside(n, scope, {});
        s.outer = nullptr;
        s.sets = &f.sets;
        s.attributes = &attributes;
        spend(0, (f.inputs.size() + f.outputs.size()) * 64);
        for (std::size_t i = 0; i < f.inputs.size(); ++i)
            if (!s.names.emplace(f.inputs[i], i < n.inputs.size() ? resolve(n.inputs[i], scope) : ValueId::none).second)
                throw Error({.what = fmt::format("the function's input '{}' is there twice", f.inputs[i]), .fix = check});
        return s;
    });
    calling_.push_back(&f);
    give(n, scope, expand(f.nodes, f.outputs, outputs_of(n, scope), inner));
    calling_.pop_back();
}

}  // namespace tercet::onnx
