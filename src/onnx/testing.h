// SPDX-License-Identifier: Apache-2.0
// For tests: ONNX files made in memory. Each function gives one serialized message; a ModelFile puts them together.
#pragma once

#include "onnx/model_fields.h"
#include "onnx/read_model.h"
#include "system/temporary_folder.h"

#include <protozero/pbf_writer.hpp>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace tercet::testing {

using Fill = std::function<void(protozero::pbf_writer&)>;

/// Any message at all.
std::string message(const Fill& fill);

/// A TensorProto with its elements as raw data, or (the second) as `fill` writes them.
std::string tensor_message(std::string_view name, const Tensor& tensor);
std::string tensor_message(std::string_view name, std::int64_t type, std::vector<std::int64_t> dims, const Fill& fill);

/// A ValueInfoProto; extents are numbers, symbols, or empty for neither.
std::string value_message(std::string_view name, DType dtype, const std::vector<std::string>& shape);

std::string attribute_message(std::string_view name, std::int64_t type, const Fill& fill);
std::string integer_attribute(std::string_view name, std::int64_t value);
std::string tensor_attribute(std::string_view name, const std::string& tensor);

std::string node_message(std::string_view op, const std::vector<std::string>& inputs, const std::vector<std::string>& outputs,
                         const std::vector<std::string>& attributes = {}, std::string_view name = {}, std::string_view domain = {});

/// A reference to an attribute of the function in which the node stands.
std::string reference_attribute(std::string_view name, std::int64_t type, std::string_view to);

struct ModelFile {
    std::vector<std::string> inputs{}, outputs{}, initializers{}, nodes{};
    std::int64_t ir = 8, opset = 17;
    Fill more_graph{}, more_model{};

    std::string bytes() const;
};

/// The graph of `file` as an attribute: a subgraph. Its inputs and outputs need no types: give names by name_message.
std::string graph_attribute(std::string_view name, const ModelFile& file);
/// A ValueInfoProto of a name only.
std::string name_message(std::string_view name);

/// A FunctionProto.
struct FunctionFile {
    std::string name;
    std::vector<std::string> inputs{}, outputs{}, nodes{};
    std::vector<std::string> attributes{}, defaults{};  // names; messages
    std::string domain = "f", overload{};
    std::int64_t opset = 17;                            // 0: imports nothing

    std::string bytes() const;
};
/// The model with these functions.
ModelFile with_functions(ModelFile, const std::vector<FunctionFile>&);

/// The graph that a model becomes, which holds as far as `verify` sees, in one line.
std::string text_in_one_line(const ModelFile&, const ReadSettings& settings = {});

/// Read from memory that nobody else keeps.
Model read(std::string bytes, const ReadSettings& settings = {}, const std::filesystem::path& folder = {});
inline Model read(const ModelFile& file, const ReadSettings& settings = {}) { return read(file.bytes(), settings); }

/// f32 x of this shape -> Flatten "flat" -> y
ModelFile flatten_model(std::vector<std::string> shape = {"N", "3", "4"});

/// Reading throws Error, whose line has `part` and a fix.
void expect_read_error(const std::string& bytes, std::string_view part, const ReadSettings& settings = {});
inline void expect_read_error(const ModelFile& file, std::string_view part, const ReadSettings& settings = {}) {
    expect_read_error(file.bytes(), part, settings);
}

}  // namespace tercet::testing
