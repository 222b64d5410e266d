// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "graph/attributes.h"
#include "onnx/read_tensor.h"

#include <map>
#include <set>

namespace tercet::onnx {

struct FileBody;

/// A node as it stands in the file: values by name, an empty name where an optional one is left out.
struct FileNode {
    std::string name, op, domain, overload;  // ONNX's own domain is empty, however the file writes it
    std::vector<std::string> inputs, outputs;
    Attributes attributes{};
    std::map<std::string, std::string> references{};                      // attribute -> the function's attribute that it takes
    std::map<std::string, std::shared_ptr<const FileBody>> bodies{};      // subgraphs, by attribute

    /// Its name, else its first output's, else its operator.
    const std::string& label() const;
};

/// A subgraph (GraphProto) as it stands in the file. Types that it declares of its inputs and outputs follow from its use.
struct FileBody {
    std::vector<FileNode> nodes;
    std::vector<NamedTensor> initializers;
    std::vector<std::string> inputs, outputs;
    std::set<std::string> captured;  // names that it, or a subgraph in it, reads from outside
};

/// Functions and subgraphs may stand in each other this deep.
inline constexpr int deepest_nesting = 64;

/// The versions of the domains that a model imports.
struct OperatorSets {
    std::map<std::string, std::int64_t, std::less<>> versions{};

    /// The version of a domain; without a limit for one that is not imported: then its operators are in their newest form.
    std::int64_t version(std::string_view domain) const;
    /// "conv1 (Conv, opset 11)", for errors.
    std::string where(std::string_view label, std::string_view op, std::string_view domain) const;
};

/// A NodeProto with its attributes and subgraphs. `depth`: of the subgraphs in which it stands. Error, with the node in front,
/// for what cannot be represented (lists of tensors, types, ...).
FileNode read_node(Message, Source&, const OperatorSets&, int depth = 0);

/// Reads an AttributeProto that stands for itself: no subgraph and no reference to a function's attribute.
std::pair<std::string, Attribute> read_default_value(Message, Source&);

/// "ai.onnx" and "" are one domain.
std::string_view domain_name(std::string_view in_file);

}  // namespace tercet::onnx
