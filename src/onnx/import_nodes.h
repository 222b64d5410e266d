// SPDX-License-Identifier: Apache-2.0
// Nodes by name become nodes of a graph, each of the newest form, with types. A node that calls a function of the model, or
// that holds subgraphs (If, Loop, Scan), becomes the nodes that it stands for. What these nodes are called begins with the
// caller's label: "caller/inner".
#pragma once

#include "onnx/functions.h"
#include "onnx/known_values.h"

#include <span>

namespace tercet::onnx {

/// What the nodes of one graph (the model's, a subgraph, a function's) see.
struct Scope {
    const OperatorSets* sets;                             // by which they are read
    const Scope* outer = nullptr;                         // of a subgraph: whose names it sees, too
    const Attributes* attributes = nullptr;               // of the function's call that it belongs to; null: to none
    std::string label{};                                  // of the node that it is part of; empty: the model's own graph
    int depth = 0;
    std::map<std::string, ValueId, std::less<>> names{};  // none: an optional input of a function that the call leaves out
    std::map<std::string, ValueId, std::less<>> wanted{}; // values of the graph that outputs of nodes are to become

    /// Empty if there is no such name.
    std::optional<ValueId> find(std::string_view name) const;
};

class Importer {
public:
    Importer(Graph& graph, Functions functions, Source& source, const OperatorSets& sets)
        : graph_(graph), functions_(std::move(functions)), source_(source), sets_(sets), known_(graph) {}

    /// Adds the nodes, sorted. Names that they define are then in scope. Error, naming the node, if that fails.
    void run(std::span<const FileNode> nodes, Scope& scope);

private:
    struct Iterations;

    // import_nodes.cpp
    void declare(const FileNode&, Scope&);
    void import(const FileNode&, Scope&);
    void add_operator(const FileNode&, const Scope&);
    void infer(NodeId);
    bool fold_inputs(NodeId);
    void import_optional(const FileNode&, Scope&);
    void add_node(Node);
    ValueId resolve(std::string_view name, const Scope&) const;
    Attributes attributes_of(const FileNode&, const Scope&);
    Tensor constant_of(const FileNode&, const Scope&);
    void spend(std::size_t nodes, std::size_t bytes);
    Scope inside(const FileNode&, const Scope&, std::string_view part) const;
    std::vector<ValueId> expand(std::span<const FileNode>, std::span<const std::string> outputs, std::span<const ValueId> wanted, Scope&);
    std::vector<ValueId> expand(const FileBody&, std::span<const ValueId> inputs, std::span<const ValueId> wanted, Scope);
    std::vector<ValueId> outputs_of(const FileNode&, const Scope&) const;
    static void give(const FileNode&, Scope&, std::span<const ValueId> results);

    // import_call.cpp
    void call(const FileNode&, const Function&, Scope&);

    // import_if.cpp
    void import_if(const FileNode&, Scope&);
    void import_both(const FileNode&, ValueId condition, Scope&);
    std::optional<bool> known_condition(ValueId);

    // import_loop.cpp
    void import_loop(const FileNode&, Scope&);
    void import_scan(const FileNode&, Scope&);
    void iterate(const FileNode&, const FileBody&, std::int64_t i, std::span<const ValueId> inputs, Iterations&, const Scope&);
    void stack(const FileNode&, const Iterations&, std::size_t scan_output, std::int64_t axis, bool reversed, Scope&);

    Graph& graph_;
    Functions functions_;
    Source& source_;
    const OperatorSets& sets_;             // the model's
    KnownValues known_;
    std::vector<const Function*> calling_; // from the outside in
    std::size_t nodes_ = 0, bytes_ = 0;    // spent on functions and subgraphs
};

/// Whether nodes of the operator never get into a graph, since the import puts something else in their place.
bool is_replaced(std::string_view op, std::string_view domain);

/// "loop1 (Loop, opset 17)", for errors.
std::string where(const FileNode&, const Scope&);
/// The label that users see: its own behind that of the node that it is part of.
std::string label(const FileNode&, const Scope&);
std::string join(std::string_view outer, std::string_view inner);

/// The subgraph of a node. Error if it has none of this name.
const FileBody& body_of(const FileNode&, const std::string& attribute);

}  // namespace tercet::onnx
