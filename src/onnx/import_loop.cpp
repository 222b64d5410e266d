// SPDX-License-Identifier: Apache-2.0
// Loop and Scan, where it is known how often they run: their body once per iteration.
#include "onnx/import_nodes.h"

#include "ops/op.h"
#include "tercet/error.h"

#include <fmt/format.h>

#include <algorithm>

namespace tercet::onnx {
namespace {

constexpr const char* check = "check the model with onnx.checker";
constexpr std::int64_t most_iterations = 64;

void check_iterations(std::int64_t iterations) {
    if (iterations > most_iterations)
        throw Error({.what = fmt::format("unsupported: it runs more than {} times", most_iterations), .fix = "export the model without the loop"});
}

void check_body(const FileBody& body, std::size_t inputs, std::size_t outputs) {
    if (body.inputs.size() != inputs)
        throw Error({.what = fmt::format("its body has {} inputs, should have {}", body.inputs.size(), inputs), .fix = check});
    if (body.outputs.size() < outputs)
        throw Error({.what = fmt::format("its body has {} outputs, should have {} or more", body.outputs.size(), outputs), .fix = check});
}

// One integer per scan input or output, 0 where the node gives none.
std::vector<std::int64_t> per_scan(const Attributes& attributes, std::string_view name, std::size_t count) {
    const auto given = attributes.integers(name);
    std::vector<std::int64_t> values(given.begin(), given.end());
    if (!values.empty() && values.size() != count)
        throw Error({.what = fmt::format("its attribute '{}' has {} elements, should have {}", name, values.size(), count), .fix = check});
    values.resize(count);
    return values;
}

}  // namespace

// What the iterations so far have given.
struct Importer::Iterations {
    std::vector<ValueId> carried;               // by the last one, or before the first
    std::vector<std::vector<ValueId>> scanned;  // per scan output, by all
    ValueId condition = ValueId::none;          // of a Loop: whether there is one more
};

// `inputs`: of the body. Its first outputs are a Loop's condition and what is carried, those behind are stacked.
void Importer::iterate(const FileNode& n, const FileBody& body, std::int64_t i, std::span<const ValueId> inputs, Iterations& state, const Scope& scope) {
    Scope inner = at([&] { return where(n, scope); }, [&] {
        for (ValueId v : inputs)
            if (v == ValueId::none) throw Error({.what = "one of the values that it carries is left out", .fix = check});
        spend(1 + inputs.size(), 0);
        return inside(n, scope, fmt::to_string(i));
    });
    const std::vector<ValueId> results = expand(body, inputs, {}, std::move(inner));
    auto next = results.begin();
    if (n.op == "Loop") state.condition = *next++;
    for (ValueId& v : state.carried) v = *next++;
    for (auto& values : state.scanned) values.push_back(*next++);
}

// The scan output: what it was in all iterations, along a new axis.
void Importer::stack(const FileNode& n, const Iterations& state, std::size_t scan_output, std::int64_t axis, bool reversed, Scope& scope) {
    const std::size_t i = state.carried.size() + scan_output;
    if (i >= n.outputs.size() || n.outputs[i].empty()) return;
    std::vector<ValueId> slices = state.scanned[scan_output];
    if (slices.empty())
        throw Error({.what = fmt::format("unsupported: it runs 0 times, which leaves the shape of its output '{}' open", n.outputs[i]),
                     .fix = "export the model without the loop"});
    const std::string name = label(n, scope);
    spend(slices.size(), slices.size() * name.size());
    for (ValueId& slice : slices) {
        if (slice == ValueId::none) throw Error({.what = fmt::format("its body leaves out output '{}'", n.outputs[i]), .fix = check});
        const int at = checked_axis(axis, static_cast<int>(graph_.value(slice).type.shape.size()) + 1);
        const std::vector<ValueId> in{slice, graph_.add_constant(name + "/axes", Tensor::ints(std::vector<std::int64_t>{at}))};
        slice = graph_.add_value(join(name, n.outputs[i]));
        add_node({.op = "Unsqueeze", .inputs = in, .outputs = {slice}, .name = name});
    }
    if (reversed) std::ranges::reverse(slices);
    add_node({.op = "Concat", .inputs = slices, .outputs = {scope.names.find(n.outputs[i])->second},
              .attributes = {{"axis", axis}}, .name = name});
}

void Importer::import_loop(const FileNode& n, Scope& scope) {
    Iterations state;
    std::optional<std::int64_t> trips;
    const FileBody* body = nullptr;
    bool more = true;
    const auto more_of = [&](ValueId condition) {
        const auto known = condition != ValueId::none ? known_condition(condition) : true;
        if (!known)
            throw Error({.what = "unsupported: whether it goes on is computed while the model runs",
                         .fix = "export the model without the loop, or fix the input that decides (--fix-input)"});
        return *known;
    };
    at([&] { return where(n, scope); }, [&] {
        body = &body_of(n, "body");
        if (const ValueId v = n.inputs.empty() ? ValueId::none : resolve(n.inputs[0], scope); v != ValueId::none) {
            const auto known = known_.find(v);
            if (!known)
                throw Error({.what = "unsupported: how often it runs is computed while the model runs",
                             .fix = "export the model without the loop, or fix the input that decides (--fix-input)"});
            if (!is_integer(known->dtype()) || known->count() != 1)
                throw Error({.what = fmt::format("its trip count is {}, should be one i64", text_of(graph_.value(v).type)), .fix = check});
            trips = known->view().get_int_at(0);
        }
        more = more_of(n.inputs.size() < 2 ? ValueId::none : resolve(n.inputs[1], scope));
        for (std::size_t i = 2; i < n.inputs.size(); ++i) state.carried.push_back(resolve(n.inputs[i], scope));
        check_body(*body, state.carried.size() + 2, std::max(state.carried.size(), n.outputs.size()) + 1);
        state.scanned.resize(body->outputs.size() - 1 - state.carried.size());
        if (more && trips) check_iterations(*trips);
    });
    for (std::int64_t i = 0; more && (!trips || i < *trips); ++i) {
        at([&] { return where(n, scope); }, [&] { check_iterations(i + 1); });
        std::vector<ValueId> inputs{graph_.add_constant(join(label(n, scope), body->inputs[0]), Tensor::scalar(DType::i64, static_cast<double>(i))),
                                    graph_.add_constant(join(label(n, scope), body->inputs[1]), Tensor::scalar(DType::boolean, 1))};
        inputs.insert(inputs.end(), state.carried.begin(), state.carried.end());
        iterate(n, *body, i, inputs, state, scope);
        more = at([&] { return where(n, scope); }, [&] { return more_of(state.condition); });
    }
    at([&] { return where(n, scope); }, [&] {
        for (std::size_t k = 0; k < state.scanned.size(); ++k) stack(n, state, k, 0, false, scope);
    });
    std::vector<ValueId> results = outputs_of(n, scope);
    std::copy_n(state.carried.begin(), std::min(results.size(), state.carried.size()), results.begin());
    give(n, scope, results);
}

void Importer::import_scan(const FileNode& n, Scope& scope) {
    Iterations state;
    std::vector<ValueId> scanned;
    std::vector<std::int64_t> in_axes, out_axes, in_reversed, out_reversed;
    const FileBody* body = nullptr;
    std::int64_t length = 0;
    at([&] { return where(n, scope); }, [&] {
        if (scope.sets->version("") < 9)
            throw Error({.what = "unsupported: Scan with a batch axis, as before operator set 9",
                         .fix = "convert it: onnx.version_converter.convert_version(model, 17)"});
        body = &body_of(n, "body");
        const Attributes attributes = attributes_of(n, scope);
        const std::int64_t count = attributes.integer("num_scan_inputs", 0);
        if (count < 1 || static_cast<std::uint64_t>(count) > n.inputs.size())
            throw Error({.what = fmt::format("has {} inputs, {} of them to be scanned", n.inputs.size(), count), .fix = check});
        for (const std::string& i : n.inputs) state.carried.push_back(resolve(i, scope));
        scanned.assign(state.carried.end() - count, state.carried.end());
        state.carried.resize(state.carried.size() - scanned.size());
        check_body(*body, n.inputs.size(), std::max(state.carried.size(), n.outputs.size()));
        state.scanned.resize(body->outputs.size() - state.carried.size());
        in_axes = per_scan(attributes, "scan_input_axes", scanned.size());
        in_reversed = per_scan(attributes, "scan_input_directions", scanned.size());
        out_axes = per_scan(attributes, "scan_output_axes", state.scanned.size());
        out_reversed = per_scan(attributes, "scan_output_directions", state.scanned.size());
        for (std::size_t k = 0; k < scanned.size(); ++k) {
            if (scanned[k] == ValueId::none) throw Error({.what = fmt::format("scan input {} is left out", k), .fix = check});
            const Shape& shape = graph_.value(scanned[k]).type.shape;
            in_axes[k] = checked_axis(in_axes[k], static_cast<int>(shape.size()));
            const auto extent = shape[static_cast<std::size_t>(in_axes[k])].constant();
            if (!extent)
                throw Error({.what = fmt::format("unsupported: it runs once per element of the dynamic extent {}", text_of(shape)),
                             .fix = "export the model for fixed sizes"});
            if (k > 0 && *extent != length)
                throw Error({.what = fmt::format("its scan inputs have {} and {} elements", length, *extent), .fix = check});
            length = *extent;
        }
        check_iterations(length);
    });
    for (std::int64_t i = 0; i < length; ++i) {
        std::vector<ValueId> inputs = state.carried;
        at([&] { return where(n, scope); }, [&] {
            for (std::size_t k = 0; k < scanned.size(); ++k) {
                const std::int64_t index = in_reversed[k] != 0 ? length - 1 - i : i;
                const std::string name = label(n, scope);
                const ValueId at = graph_.add_constant(name + "/index", Tensor::scalar(DType::i64, static_cast<double>(index)));
                inputs.push_back(graph_.add_value(join(name, body->inputs[inputs.size()])));
                add_node({.op = "Gather", .inputs = {scanned[k], at}, .outputs = {inputs.back()}, .attributes = {{"axis", in_axes[k]}}, .name = name});
            }
        });
        iterate(n, *body, i, inputs, state, scope);
    }
    at([&] { return where(n, scope); }, [&] {
        for (std::size_t k = 0; k < state.scanned.size(); ++k) stack(n, state, k, out_axes[k], out_reversed[k] != 0, scope);
    });
    std::vector<ValueId> results = outputs_of(n, scope);
    std::copy_n(state.carried.begin(), std::min(results.size(), state.carried.size()), results.begin());
    give(n, scope, results);
}

}  // namespace tercet::onnx
