// SPDX-License-Identifier: Apache-2.0
// ModelTree: an ONNX file taken apart as far as edits of its graph need, to be written again. What nobody edits is kept as it
// stands in the file, fields that this program does not know included; so is the order of nodes, tensors and values.
// Views point into the file's bytes, which `source.owner` keeps.
#pragma once

#include "onnx/read_node.h"

#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace tercet::onnx {

struct TreeGraph;

struct TreeAttribute {
    std::string name;
    std::string message;                      // AttributeProto; of a subgraph only what stands beside it
    std::shared_ptr<TreeGraph> body{};        // the subgraph, if it is one
};

struct TreeNode {
    std::string op;
    std::vector<std::string> inputs, outputs;
    std::vector<TreeAttribute> attributes{};
    std::string name{}, domain{};             // ONNX's own domain is empty
    std::string others{};                     // fields that are none of these

    std::string label() const;                // its name, else its first output's, else its operator
    const TreeAttribute* find(std::string_view attribute) const;
};

struct TreeTensor {
    std::string name;
    std::string_view message{};               // TensorProto, as in the file
    Tensor changed{};                         // what stands in its place, if true; `message` gives documentation only
};

struct TreeValue {                            // ValueInfoProto
    std::string name, message;
};

struct TreeGraph {
    std::vector<TreeNode> nodes;
    std::vector<TreeTensor> initializers;
    std::vector<TreeValue> inputs, outputs, values;
    std::string others{};
};

struct TreeFunction {
    std::vector<TreeNode> nodes;
    std::vector<std::pair<std::string, std::int64_t>> opsets;
    std::string name, others{};
};

struct ModelTree {
    std::int64_t ir_version = 0;
    std::vector<std::pair<std::string, std::int64_t>> opsets;  // domain (ONNX's own is empty), version
    TreeGraph graph;
    std::vector<TreeFunction> functions;
    std::string others{};
    Source source;

    std::int64_t opset() const;               // of ONNX's own domain
};

/// Reads a model. Error if it is no ONNX model or damaged. Elements in external files come along.
ModelTree read_tree(std::string_view bytes, Source source);

/// Elements of a tensor of the tree.
Tensor elements_of(const TreeTensor&, Source&);

/// Whether a node is a Constant, and the elements that it gives; false if they are no numbers.
bool is_constant(const TreeNode&);
Tensor constant_of(const TreeNode&, Source&);

/// Encoded fields of its message that say other things than its elements, type, shape and name.
std::string documentation_of(const TreeTensor&);

/// Attributes as the operators' schemas have them; subgraphs and references to a function's attributes are left out.
FileNode file_node_of(const TreeNode&, Source&, const OperatorSets&);

/// An AttributeProto.
TreeAttribute attribute_of(std::string_view name, const Attribute& value);

/// The element type that a ValueInfoProto declares; undefined if it is no tensor's. And the same with another one.
DType declared_type(const TreeValue&);
TreeValue with_type(const TreeValue&, DType);

/// Names that a node's subgraphs read from outside of them.
std::set<std::string> captured_names(const TreeNode&);

/// Every name of a value or node anywhere in the model.
std::set<std::string, std::less<>> all_names(const ModelTree&);

/// Nodes in topological order, otherwise as they stand. Error if there is a cycle.
void sort_nodes(TreeGraph&);

struct WriteSettings {
    /// A file that would be larger keeps its tensors in FILE.data beside it: protobuf holds less than 2 GiB.
    std::uint64_t most_bytes = (std::uint64_t{1} << 31) - (std::uint64_t{1} << 20);
};

/// Writes the model, whole or not at all.
void write_tree(const std::filesystem::path& file, ModelTree&, const WriteSettings& = {});

}  // namespace tercet::onnx
