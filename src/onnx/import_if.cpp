// SPDX-License-Identifier: Apache-2.0
// If: the branch that is taken, where that is known; otherwise both, and each output is chosen while the model runs.
#include "onnx/import_nodes.h"

#include "tercet/error.h"

#include <fmt/format.h>

namespace tercet::onnx {
namespace {

constexpr const char* check = "check the model with onnx.checker";

const FileBody& branch_of(const FileNode& n, const std::string& name) {
    const FileBody& body = body_of(n, name);
    if (!body.inputs.empty()) throw Error({.what = fmt::format("its {} has inputs", name), .fix = check});
    if (body.outputs.size() < n.outputs.size())
        throw Error({.what = fmt::format("its {} has {} outputs, the node {}", name, body.outputs.size(), n.outputs.size()), .fix = check});
    return body;
}

// `f` is done for both branches: an Error says that this is why it is done at all.
template <class F>
decltype(auto) for_both(std::string_view what, F&& f) {
    try {
        return std::forward<F>(f)();
    } catch (const Error& e) {
        const Fault& inner = e.fault();
        throw Error({.what = fmt::format("unsupported: its condition is computed while the model runs, so that both branches have to be; {}: {}{}{}",
                                         what, inner.where, inner.where.empty() ? "" : ": ", inner.what),
                     .fix = "export the model for fixed sizes, or fix the input that decides (--fix-input)"});
    }
}

}  // namespace

std::optional<bool> Importer::known_condition(ValueId v) {
    const Type& type = graph_.value(v).type;
    if (type.dtype != DType::boolean)
        throw Error({.what = fmt::format("its condition is {}, should be one bool", text_of(type)), .fix = check});
    const auto t = known_.find(v);
    if (!t) return std::nullopt;
    if (t->count() != 1) throw Error({.what = fmt::format("its condition is {}, should be one bool", text_of(type)), .fix = check});
    return t->view().get_int_at(0) != 0;
}

void Importer::import_if(const FileNode& n, Scope& scope) {
    ValueId condition = ValueId::none;
    const auto taken = at([&] { return where(n, scope); }, [&] {
        if (n.inputs.size() != 1 || n.inputs[0].empty()) throw Error({.what = "has to have one input, the condition", .fix = check});
        condition = resolve(n.inputs[0], scope);
        if (condition == ValueId::none) throw Error({.what = "its condition is left out", .fix = check});
        return known_condition(condition);
    });
    if (!taken) return import_both(n, condition, scope);
    const auto [body, inner] = at([&] { return where(n, scope); }, [&] {
        return std::pair(&branch_of(n, *taken ? "then_branch" : "else_branch"), inside(n, scope, {}));
    });
    give(n, scope, expand(*body, {}, outputs_of(n, scope), inner));
}

void Importer::import_both(const FileNode& n, ValueId condition, Scope& scope) {
    at([&] { return where(n, scope); }, [&] {
        const auto branch = [&](const std::string& name) {
            return for_both("its " + name, [&] { return expand(branch_of(n, name), {}, {}, inside(n, scope, name)); });
        };
        const std::vector<ValueId> a = branch("then_branch"), b = branch("else_branch");
        std::vector<ValueId> results = outputs_of(n, scope);
        for (std::size_t i = 0; i < results.size(); ++i) {
            if (a[i] == ValueId::none || b[i] == ValueId::none) throw Error({.what = fmt::format("a branch leaves out output {}", i), .fix = check});
            if (a[i] == b[i]) {
                results[i] = a[i];
            } else if (results[i] != ValueId::none) {
                for_both(fmt::format("output {}", i), [&] {
                    add_node({.op = "Select", .inputs = {condition, a[i], b[i]}, .outputs = {results[i]}, .name = label(n, scope), .domain = "tercet"});
                });
            }
        }
        give(n, scope, results);
    });
}

}  // namespace tercet::onnx
