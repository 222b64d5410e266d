// SPDX-License-Identifier: Apache-2.0
// From names to a graph: inputs and constants first, then the nodes, then the outputs.
#include "onnx/build_graph.h"

#include "onnx/import_nodes.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace tercet::onnx {
namespace {

constexpr const char* check = "check the model with onnx.checker";

class Builder {
public:
    Builder(FileGraph file, Source& source, const std::map<std::string, Tensor>& fixed) : file_(std::move(file)), source_(source), fixed_(fixed) {
        graph_.name = file_.name;
    }

    Graph build() {
        add_inputs_and_constants();
        Importer(graph_, std::move(file_.functions), source_, file_.sets).run(file_.nodes, scope_);
        add_outputs();
        return std::move(graph_);
    }

private:
    void define(const std::string& name, ValueId v) {
        if (!scope_.names.emplace(name, v).second)
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
            if (const auto f = fixed_.find(d.name); f != fixed_.end()) {
                define(d.name, graph_.add_constant(d.name, f->second));
            } else if (const auto c = constants.find(d.name); c != constants.end()) {
                define(d.name, graph_.add_constant(d.name, *c->second));
            } else {
                if (bits_of(d.dtype) == 0)
                    throw Error({.what = d.dtype == DType::string ? fmt::format("unsupported: input '{}' is of strings", d.name)
                                                                  : fmt::format("input '{}' has no element type", d.name),
                                 .fix = "export the model with numbers as inputs"});
                define(d.name, graph_.add_input(d.name, {d.dtype, dims.shape_of(d)}));
            }
        }
        for (const NamedTensor& t : file_.initializers)
            if (!scope_.names.contains(t.name)) define(t.name, graph_.add_constant(t.name, t.tensor));
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

    void add_outputs() {
        if (file_.outputs.empty()) throw Error({.what = "the graph has no outputs", .fix = check});
        std::set<std::string_view> names;
        for (const Declared& d : file_.outputs) {
            if (!names.insert(d.name).second)
                throw Error({.what = fmt::format("the output '{}' is there twice", d.name), .fix = check});
            const ValueId v = scope_.find(d.name).value_or(ValueId::none);
            if (v == ValueId::none)
                throw Error({.what = fmt::format("nothing computes the output '{}'", d.name), .fix = check});
            if (graph_.value(v).type.dtype == DType::string)
                throw Error({.what = fmt::format("unsupported: output '{}' is of strings", d.name),
                             .fix = "export the model without it"});
            check_output(d, graph_.value(v).type);
            graph_.add_output(d.name, v);
        }
    }

    FileGraph file_;
    Source& source_;
    const std::map<std::string, Tensor>& fixed_;
    Graph graph_;
    Scope scope_{.sets = &file_.sets};
};

}  // namespace

Graph build_graph(FileGraph file, Source& source, const std::map<std::string, Tensor>& fixed_inputs) {
    return Builder(std::move(file), source, fixed_inputs).build();
}

}  // namespace tercet::onnx
