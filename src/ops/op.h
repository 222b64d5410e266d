// SPDX-License-Identifier: Apache-2.0
// What an operator is: its schema in all ONNX versions, the types of its outputs, and a plain reference implementation,
// which is the truth that every kernel is held to. One file per operator or family registers its OpDefs:
//
//     const RegisteredOp flatten{{.name = "Flatten", .versions = {{1}, {9}, {11}, {13}}, .inputs = {1, 1},
//                                 .attributes = {{"axis", AttributeKind::integer}}, .infer = infer, .reference = reference}};
//
// Attributes that are known to every operator and handled here, so that no operator has to know of them:
//   tail    an expression (src/ops/expr.h) that is applied to output 0 in place: x0 is the operator's own result, x1.. are
//           the inputs behind the operator's last possible one, broadcast to it
//   layout  "NHWC": input 0 and output 0 of an operator with `channels` have their channels last, whatever the rank
//   stored  the operator and its tail compute in f32, whatever their inputs are stored in (f16, bf16, i8 and u8 count as the numbers
//           that they hold), and output 0 is stored as this type: rounded once, half to even; integers saturate, NaN counts as 0;
//           functions have their canonical form (canonical.h)
//   stored_zero  what is added to an integer on the way, before it saturates
#pragma once

#include "graph/graph.h"
#include "tercet/error.h"

#include <initializer_list>
#include <limits>
#include <span>

namespace tercet {

inline constexpr int newest_opset = 28;
inline constexpr int unlimited = std::numeric_limits<int>::max();

/// An extent that only the data decides, e.g. how many elements are not zero: a symbol of its own.
struct Unknown {
    std::string symbol;
    std::optional<Dim> bound;  // it is at most this where anything bounds it, at least of a value that has elements
    friend bool operator==(const Unknown&, const Unknown&) = default;
};

/// What inference knows of a node's inputs, and where it puts what follows for the outputs.
class Inference {
public:
    struct Known {
        Type type;                                 // undefined: absent
        const Tensor* constant = nullptr;          // elements, where they are known
        const std::vector<Dim>* content = nullptr; // elements as far as they are known: all of a small value, or one that all are
    };

    const Node& node;
    std::span<const Known> in;
    std::vector<Type> out;                                  // one per output of the node, to be filled
    std::vector<std::optional<std::vector<Dim>>> contents;  // the same for their elements; optional
    std::vector<Unknown> unknowns;                          // extents that the node decides when it runs

    Inference(const Node& node, std::span<const Known> in);

    const Attributes& attributes() const { return node.attributes; }
    bool has(std::size_t i) const { return i < in.size() && static_cast<bool>(in[i].type); }
    const Shape& shape(std::size_t i) const { return in[i].type.shape; }
    DType dtype(std::size_t i) const { return in[i].type.dtype; }
    int rank(std::size_t i) const { return static_cast<int>(in[i].type.shape.size()); }

    /// Elements of an integer input: numbers, or expressions over sizes. In a list of at most 64, an element that only the run
    /// tells is open (is_open), a symbol of its own that may be any number. Empty if not even the number of elements is known.
    std::optional<std::vector<Dim>> content(std::size_t i) const;
    /// An element of input i, or of output i, that only the run tells.
    Dim open_input(std::size_t i, std::size_t element) const;
    Dim open_output(std::size_t i, std::size_t element) const;
    /// What every element of input i is, where that is one whole number, also of a float or bool.
    std::optional<Dim> uniform(std::size_t i) const;
    /// Elements of an integer input, if all of them are numbers by now.
    std::optional<std::vector<std::int64_t>> numbers(std::size_t i) const;
    /// Elements of an integer input that must be known while building, e.g. axes. Error that says so if they are not.
    std::vector<std::int64_t> integers(std::size_t i, std::string_view what) const;
    /// An extent that only the data decides, of at most `bound`: noted in `unknowns`. Inference with all inputs constant has
    /// none, unless the operator measures. `what` is unique within the node; the extent stands alone in some output's shape.
    Dim unknown(std::string_view what, std::optional<Dim> bound = {});
    /// Inputs whose elements only the run tells change nothing here, but may make no sense: the node is inferred once more, with
    /// them, when it runs. (An unknown extent that no output has.)
    void examine_when_run();

    /// Sets the type of output i, if the node has it. An extent that is open becomes an unknown one, equal ones the same.
    void set(std::size_t i, DType dtype, Shape shape);
    /// The elements of output i, whose type is set; a single one stands for all.
    void set_content(std::size_t i, std::vector<Dim> elements);

private:
    std::vector<std::pair<Dim, Dim>> closed_;  // open extents, and what they became
};

/// Whether a number that only the run tells stands in it. Such a number is no size: it may be negative.
bool is_open(const Dim&);

/// `axis` counted from the end if negative. Error if it lies outside [-rank, rank).
int checked_axis(std::int64_t axis, int rank);

/// numpy's broadcasting of two shapes. Error if they cannot fit. A symbol against an integer above 1 is taken to be equal.
Shape broadcast(const Shape& a, const Shape& b);

/// One execution: views of inputs (false: absent) and of outputs, whose shapes are what inference gave.
struct Call {
    const Node& node;
    std::span<const View> in;
    std::span<const View> out;
    std::span<std::byte> scratch{};  // OpDef::scratch_bytes, 64-byte aligned

    const Attributes& attributes() const { return node.attributes; }
    bool has(std::size_t i) const { return i < in.size() && static_cast<bool>(in[i]); }
    bool wants(std::size_t i) const { return i < out.size() && static_cast<bool>(out[i]); }
};

using Infer = void (*)(Inference&);
using Reference = void (*)(const Call&);  // never allocates: it may run inside an engine
using Upgrade = void (*)(Graph&, NodeId); // may change the node's attributes and inputs, add constants, insert nodes before it

struct Count {
    int min = 1, max = 1;
};

struct OpVersion {
    int since;                  // the operator set in which ONNX defined this form
    Upgrade upgrade = nullptr;  // makes a node of the form before this one into this form; null: such a node is one already
};

struct AttributeDef {
    std::string_view name;
    AttributeKind kind;
    bool required = false;
};

struct OpDef {
    std::string_view name;
    std::string_view domain{};
    std::vector<OpVersion> versions;          // ascending; graphs hold the newest form
    Count inputs{1, 1};
    Count outputs{1, 1};                      // from 0: any may be left out, the first, too
    std::vector<AttributeDef> attributes{};   // of all versions, as far as the newest form or an upgrade reads them; where the
                                              // kind of one changed, the newest form's comes first
    Infer infer = nullptr;
    Reference reference = nullptr;
    bool channels = false;                    // input 0 and output 0 are [N, C, spatial...]
    bool stores = false;                      // may be `stored`: its reference reads inputs of f32 in any type
    bool takes_bytes = false;                 // under `stored`, inputs of 8 bits are its own affair
    bool pure_view = false;                   // output 0 is input 0's elements under another shape
    std::size_t (*scratch_bytes)(const Call&) = nullptr;  // from shapes alone; null: none
    /// Of an operator whose extents come out of computing (NonZero): the unknown ones, in inference's order. `call.out` is empty,
    /// scratch_bytes sees the inputs only. `reference` runs behind it, with what it left in scratch, and never allocates either.
    void (*measure)(const Call&, std::span<std::int64_t> extents) = nullptr;
    /// Of an operator that only files have: while it is imported, other nodes, typed, take over its outputs, and the node goes.
    /// There is no infer and no reference then.
    Upgrade replace = nullptr;
};

class RegisteredOp {
public:
    explicit RegisteredOp(OpDef def);
};

const OpDef* find_op(std::string_view name, std::string_view domain = {});
/// Error 'unsupported operator' if there is none.
const OpDef& op_of(const Node&);
std::vector<const OpDef*> all_ops();  // sorted by name

/// The node's form fits its schema: numbers of inputs and outputs, attributes known and of the right kind. Error if not.
void check_schema(const OpDef&, const Node&);

/// Types (and contents) of a node's outputs from its inputs, `tail` and `layout` included. Error if they do not fit.
Inference infer(const Node&, std::span<const Inference::Known> in);
/// The same for a node of a graph, written to its output values.
void infer_types(Graph&, NodeId);
/// Infers every node in order; Errors name the node.
void infer_types(Graph&);

/// Whether data decide something when the node runs: it has unknowns.
bool decides(const Graph&, NodeId);

/// Adds a node with fresh output values, typed by inference, at the end or before `before`. Returns its first output.
ValueId emit(Graph&, Node node, std::string_view output_name, NodeId before = NodeId::none, std::size_t outputs = 1);

/// Runs a node's reference implementation, `tail` and `layout` included. Never allocates.
void run_reference(const Call&);
std::size_t reference_scratch_bytes(const Call&);
/// Extents that the node decides, in the order of `unknowns`: by the operator's `measure`, which leaves in call.scratch what
/// run_reference then reads, or by inference with the inputs' elements. `in` has concrete types and all elements; `out` and
/// `unknowns` are what inference gave before the data was there, an output that is left out being undefined. An extent that
/// no output has is 0. Error if the data gives impossible sizes.
std::vector<std::int64_t> measure(const Node&, std::span<const Inference::Known> in, std::span<const Type> out, std::span<const Unknown> unknowns, const Call&);

/// Runs a whole graph by reference implementations: one tensor per graph input, one per output. Error if shapes do not fit.
std::vector<Tensor> evaluate(const Graph&, std::span<const Tensor> inputs);

}  // namespace tercet
