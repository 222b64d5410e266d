// SPDX-License-Identifier: Apache-2.0
// What a model declares of its inputs and outputs (ValueInfoProto), and how its symbolic extents become Dims.
#pragma once

#include "graph/graph.h"
#include "onnx/message.h"

#include <map>
#include <set>

namespace tercet::onnx {

struct DeclaredDim {
    std::optional<std::int64_t> size;  // a negative one means nothing and is left out
    std::string symbol;                // empty if not given
};

struct Declared {
    std::string name;
    DType dtype = DType::undefined;                 // undefined: not given
    std::optional<std::vector<DeclaredDim>> shape;  // empty: not even the rank is given
};

/// Error if the value is no tensor (a sequence, a map, ...) or of an unknown element type.
Declared read_declared(Message);

/// Dims of a model's inputs. A symbol that is an identifier keeps its name; characters that may not stand in one become '_'.
/// An extent without size and symbol becomes a symbol of its own, `<input>_<axis>`.
class InputDims {
public:
    /// `all`: every input, so that a made-up name does not take one that the model uses.
    explicit InputDims(const std::vector<Declared>& all);

    /// Error if the shape is not given, has too many axes, or is impossibly large.
    Shape shape_of(const Declared& input);

    /// From here on the symbols of this input's shape are these sizes. Error if they contradict what it declares.
    void fix(const Declared& input, const Dims& sizes);

private:
    std::string unused(std::string_view wish);

    std::set<std::string, std::less<>> taken_;
    std::map<std::string, std::string, std::less<>> names_;  // symbol in the file -> name
    std::map<std::string, std::int64_t, std::less<>> fixed_; // symbol in the file -> size
};

/// Error if a shape's constant extents multiply to more than max_elements.
void check_size(const Shape&);

/// Error if a declared type, size or rank of an output is another than the one that follows from the graph.
void check_output(const Declared& output, const Type& type);

}  // namespace tercet::onnx
