// SPDX-License-Identifier: Apache-2.0
// Functions that a model defines (FunctionProto). A node that names one stands for its nodes.
#pragma once

#include "onnx/read_node.h"

namespace tercet::onnx {

struct Function {
    std::vector<FileNode> nodes;
    std::vector<std::string> inputs, outputs;
    std::set<std::string> attributes;  // that a call may give, those with a default included
    Attributes defaults{};
    OperatorSets sets;                 // its own imports, and the model's of other domains
};

/// All functions of a model. Each is read when it is first called: exporters leave some behind that nothing calls.
class Functions {
public:
    using Key = std::tuple<std::string, std::string, std::string>;  // domain, name, overload

    /// Notes a FunctionProto. Error if it defines a function once more.
    void add(Message);

    /// The function that a node calls; null if it is an operator's. `model` is the imports of the model. Error, with the
    /// function in front, if it cannot be read.
    const Function* find(const FileNode&, Source&, const OperatorSets& model);

private:
    struct Entry {
        Message message;
        std::optional<Function> function{};
    };
    std::map<Key, Entry> entries_;
};

/// Notes an OperatorSetIdProto. Error if another version of its domain is imported, too.
void read_opset(Message, OperatorSets&);

/// Error unless it is a version of ONNX's own operators that can be read.
void check_opset(std::int64_t version);

}  // namespace tercet::onnx
