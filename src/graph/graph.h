// SPDX-License-Identifier: Apache-2.0
// Graph: the model between import and plan. Nodes in topological order read and write values; every value has a dtype and
// a shape with symbolic extents. A graph is a value itself: copy it freely (constants share their elements).
//
// Ids stay valid while others are added and removed. Operators' meaning (types of outputs, execution) is in src/ops.
#pragma once

#include "graph/attributes.h"
#include "graph/dim.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tercet {

enum class ValueId : std::int32_t { none = -1 };
enum class NodeId : std::int32_t { none = -1 };

struct Type {
    DType dtype = DType::undefined;
    Shape shape{};
    explicit operator bool() const { return dtype != DType::undefined; }
    friend bool operator==(const Type&, const Type&) = default;
};

std::string text_of(const Type&);                  // "f32[N,3,224,224]"
std::optional<Dims> constant_shape(const Shape&);  // empty if an extent is symbolic

struct Node {
    std::string op;                 // in the newest version of its operator set
    std::vector<ValueId> inputs;    // none: an optional input left out
    std::vector<ValueId> outputs;   // none: an output nobody asked for
    Attributes attributes{};
    std::string name{};             // as in the model; may be empty
    std::string domain{};           // empty: ONNX's own
    std::vector<std::string> layers{};  // labels of the model's nodes that are computed here; empty: its own label
};

struct Value {
    std::string name;
    Type type{};
    Tensor constant{};                              // false unless the value is known
    std::optional<std::vector<Dim>> content{};      // elements of a small integer value, as far as they are known
    NodeId producer = NodeId::none;                 // none: an input or a constant
    std::vector<NodeId> users{};                    // once per use
};

struct GraphOutput {
    std::string name;
    ValueId value;
};

class Graph {
public:
    std::string name;

    // Building.
    ValueId add_input(std::string_view name, Type type);
    ValueId add_constant(std::string_view name, Tensor value);
    ValueId add_value(std::string_view name, Type type = {});  // the future output of a node; the name is made unique
    void add_output(std::string_view name, ValueId value) { outputs_.push_back({std::string(name), value}); }
    NodeId add_node(Node node);                                // at the end; its outputs were made by add_value
    NodeId insert_before(NodeId before, Node node);

    // Reading.
    const std::vector<ValueId>& inputs() const { return inputs_; }
    const std::vector<GraphOutput>& outputs() const { return outputs_; }
    const std::vector<NodeId>& order() const { return order_; }      // topological
    std::vector<NodeId> nodes(std::string_view op) const;            // those of one operator, in order
    const Node& node(NodeId id) const { return nodes_[static_cast<std::size_t>(id)]; }
    const Value& value(ValueId id) const { return values_[static_cast<std::size_t>(id)]; }
    std::size_t value_count() const { return values_.size(); }       // ids run from 0; some may be dead
    bool is(NodeId id, std::string_view op) const { return id != NodeId::none && node(id).op == op && node(id).domain.empty(); }
    bool is_alive(NodeId id) const { return alive_[static_cast<std::size_t>(id)]; }
    std::string label(NodeId id) const;                              // its name, else its first output's
    std::vector<std::string> layers(NodeId id) const;                // node.layers, else its label
    std::string where(NodeId id) const;                              // "conv1 (Conv)", for errors
    ValueId input(NodeId id, std::size_t i) const;                   // none if absent
    ValueId output(NodeId id, std::size_t i = 0) const { return node(id).outputs[i]; }
    NodeId producer(ValueId v) const { return v == ValueId::none ? NodeId::none : value(v).producer; }
    bool is_output(ValueId v) const;
    int uses(ValueId v) const;                                       // by nodes and as graph outputs
    NodeId only_user(ValueId v) const;                               // none unless exactly one node and no graph output reads it
    const Tensor* constant(ValueId v) const;                         // null unless known
    const Tensor* constant(NodeId id, std::size_t input) const { return constant(this->input(id, input)); }
    ValueId find(std::string_view value_name) const;                 // none if there is no such value

    // Rewriting. Types are the caller's to keep right: the verifier compares them with inference.
    Attributes& attributes(NodeId id) { return nodes_[static_cast<std::size_t>(id)].attributes; }
    void set_op(NodeId id, std::string_view op, std::string_view domain = {});
    void set_type(ValueId v, Type type) { values_[static_cast<std::size_t>(v)].type = std::move(type); }
    void set_content(ValueId v, std::vector<Dim> c) { values_[static_cast<std::size_t>(v)].content = std::move(c); }
    void set_constant(ValueId v, Tensor t);                          // v's producer is removed if it has no other output read
    void set_input(NodeId id, std::size_t i, ValueId v);             // absent inputs in front are added, at the end dropped
    void add_layers(NodeId id, const std::vector<std::string>& more);
    /// Every reader of `old` (nodes, graph outputs) reads `by` instead. Error if dtype or shape differ. Where `old` was a
    /// graph output and `by` is computed, `by` takes its name, so that dumps stay readable.
    void replace(ValueId old, ValueId by);
    void set_outputs(std::vector<GraphOutput> outputs) { outputs_ = std::move(outputs); }
    void remove(NodeId id);                                          // nothing reads its outputs any more
    void rename(ValueId v, std::string_view name);

    /// Puts the nodes in topological order, keeping the present order where possible; false if there is a cycle.
    bool sort();
    /// Removes nodes whose outputs nobody reads and forgets constants nobody reads; returns how many nodes went.
    int remove_dead();

private:
    std::string unique_name(std::string_view wish);
    Value& at(ValueId v) { return values_[static_cast<std::size_t>(v)]; }
    void link(NodeId id);
    void drop_user(ValueId v, NodeId user);

    std::vector<Value> values_;
    std::vector<Node> nodes_;
    std::vector<bool> alive_;
    std::vector<NodeId> order_;
    std::vector<ValueId> inputs_;
    std::vector<GraphOutput> outputs_;
    std::map<std::string, ValueId, std::less<>> names_;
    std::map<std::string, int> suffixes_;  // the last one given to each wished name
};

/// The structure holds: ids in range, one producer per value, order topological, users consistent, names unique.
/// A broken invariant is a bug of ours: throws std::logic_error that names it.
void verify(const Graph&);

}  // namespace tercet
