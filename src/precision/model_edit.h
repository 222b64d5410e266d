// SPDX-License-Identifier: Apache-2.0
// ModelEdit: a model while precisions are written into it. Edits of the graph's nodes in place, and nodes to add before or behind
// others, which finish() puts in. Subgraphs stay as they are.
#pragma once

#include "onnx/model_tree.h"
#include "onnx/read_model.h"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace tercet {

class ModelEdit {
public:
    /// `model`: the same model as it was imported, which knows the types of values.
    ModelEdit(onnx::ModelTree& tree, const Graph& model);

    onnx::ModelTree& tree() { return tree_; }
    std::vector<onnx::TreeNode>& nodes() { return tree_.graph.nodes; }

    /// Element type of a value of the graph; undefined if nothing tells.
    DType type_of(const std::string& value) const;
    void set_type(const std::string& value, DType type) { types_[value] = type; }

    /// The elements of a floating initializer or Constant that no caller can change; null if the value is none.
    const Tensor* constant(const std::string& value);
    /// Puts other elements in its place.
    void change_constant(const std::string& value, Tensor elements);
    /// A new initializer, called as near to `wish` as possible. Returns its name.
    std::string add_constant(const std::string& wish, Tensor elements);
    /// Forgets a constant that nobody reads.
    void drop_constant(const std::string& value);

    /// A name that nothing has yet.
    std::string unused(const std::string& wish);

    std::optional<std::size_t> producer(const std::string& value) const;
    /// Nodes that read the value, once each.
    std::vector<std::size_t> readers(const std::string& value) const;
    bool is_input(const std::string& value) const;
    bool is_output(const std::string& value) const;
    /// Whether a subgraph reads it.
    bool is_captured(const std::string& value) const { return captured_.contains(value); }

    void add_before(std::size_t node, onnx::TreeNode added) { before_[node].push_back(std::move(added)); }
    /// Right behind the node that computes the value, or in front of all if it is an input or a constant.
    void add_behind(const std::string& value, onnx::TreeNode added);
    /// Puts the added nodes in; positions of nodes are new then.
    void finish();

private:
    struct Place {
        std::size_t index;
        bool is_node;  // a Constant; else an initializer
    };
    void index();

    onnx::ModelTree& tree_;
    std::map<std::string, DType> types_;
    std::map<std::string, std::size_t> producers_;
    std::map<std::string, std::vector<std::size_t>> readers_;
    std::set<std::string> captured_;
    std::set<std::string, std::less<>> used_;
    std::map<std::string, Place> constants_;
    std::map<std::string, Tensor> elements_;
    std::map<std::size_t, std::vector<onnx::TreeNode>> before_, behind_;
    std::vector<onnx::TreeNode> first_;
    std::set<std::string> dropped_;
};

}  // namespace tercet
