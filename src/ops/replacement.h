// SPDX-License-Identifier: Apache-2.0
// For OpDef::replace: the nodes that take the place of one that is imported. What onnxruntime writes into models it has
// optimized, and what its exporters write, are operators of its domain; it has one version.
#pragma once

#include "ops/op.h"

#include <string>
#include <string_view>
#include <vector>

namespace tercet {

inline constexpr std::string_view onnxruntime_domain = "com.microsoft";

class Replacement {
public:
    /// Error if the node does not fit the schema of its operator.
    Replacement(Graph& graph, NodeId node);

    const Attributes& attributes() const { return attributes_; }
    bool has(std::size_t i) const { return in(i) != ValueId::none; }
    ValueId in(std::size_t i) const { return g_.input(id_, i); }
    void require(std::size_t input) const;  // Error if it is left out
    int rank(ValueId v) const { return static_cast<int>(g_.value(v).type.shape.size()); }
    DType dtype(ValueId v) const { return g_.value(v).type.dtype; }
    bool wants(std::size_t output) const;
    /// Error: this cannot be done.
    [[noreturn]] void refuse(std::string_view what, std::string_view fix) const;

    ValueId scalar(DType, double value, std::string_view name);
    ValueId ints(std::vector<std::int64_t> values, std::string_view name);
    /// Adds a node in its newest form. Returns its first output; those behind it are named alike.
    ValueId add(std::string_view op, std::vector<ValueId> inputs, std::string_view name, Attributes attributes = {});
    std::vector<ValueId> add_split(ValueId x, std::int64_t parts, std::string_view name);
    /// The same, and its outputs are the given ones of the replaced node, where that has them.
    void become(std::string_view op, std::vector<ValueId> inputs, Attributes attributes = {}, std::vector<std::size_t> outputs = {0});
    /// The replaced node goes. All of its outputs have producers by now.
    void done() { g_.remove(id_); }

private:
    std::string named(std::string_view name) const { return g_.label(id_) + "_" + std::string(name); }
    NodeId insert(Node node);
    Graph& g_;
    NodeId id_;
    Attributes attributes_;  // a copy: a graph that grows moves its nodes
};

/// The attributes of that name, if the node has them.
Attributes picked(const Attributes& from, std::initializer_list<std::string_view> names);

}  // namespace tercet
