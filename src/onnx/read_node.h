// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "graph/attributes.h"
#include "onnx/read_tensor.h"

namespace tercet::onnx {

/// A node as it stands in the file: values by name, an empty name where an optional one is left out.
struct FileNode {
    std::string name, op, domain;  // ONNX's own domain is empty, however the file writes it
    std::vector<std::string> inputs, outputs;
    Attributes attributes{};

    /// Its name, else its first output's, else its operator.
    const std::string& label() const;
};

/// The versions of the domains that a model imports.
struct OperatorSets {
    std::map<std::string, std::int64_t, std::less<>> versions{};

    /// The version of a domain; without a limit for one that is not imported: then its operators are in their newest form.
    std::int64_t version(std::string_view domain) const;
    /// "conv1 (Conv, opset 11)", for errors.
    std::string where(std::string_view label, std::string_view op, std::string_view domain) const;
};

/// A NodeProto with its attributes. Error, with the node in front, for what cannot be represented (subgraphs).
FileNode read_node(Message, Source&, const OperatorSets&);

/// "ai.onnx" and "" are one domain.
std::string_view domain_name(std::string_view in_file);

}  // namespace tercet::onnx
