// SPDX-License-Identifier: Apache-2.0
// Program: what an engine file holds and the runtime runs: steps in order, values with their places, the profile, and the
// tactics chosen. Made by src/plan, written and read by this folder.
#pragma once

#include "ops/op.h"
#include "target/tactic.h"

#include <array>
#include <string>
#include <vector>

namespace tercet {

/// The sizes that one symbol of the input shapes may have.
struct SymbolProfile {
    std::int64_t min = 1, opt = 1, max = 1;
    friend bool operator==(const SymbolProfile&, const SymbolProfile&) = default;
};
using Profile = std::map<std::string, SymbolProfile, std::less<>>;

enum class ProfilePoint { min, opt, max };
inline constexpr int profile_points = 3;
Symbols symbols_at(const Profile&, ProfilePoint);
SymbolRanges ranges_of(const Profile&);
SymbolRanges ranges_at(const Symbols&);  // of one size each

struct Choice {
    std::string tactic;
    Variant variant{};
    friend auto operator<=>(const Choice&, const Choice&) = default;
};

struct ProgramStep {
    Node node;                                   // its ids index Program::values
    std::array<Choice, profile_points> choices;  // all of one packing; made for the sizes of tuned_at (samples.h)
    std::string packing{};                       // of constant input 1; empty: as it is
    std::vector<Unknown> decides{};              // extents of its outputs that only its data tell; run by the reference then
};

/// What runs a step that no kernel does.
inline const Choice reference_choice{"reference", {}};

struct StepRange {
    std::size_t first = 0, last = 0;  // [first, last)
};

struct ProgramValue {
    enum class Place { input, constant, arena, view };
    std::string name;
    Type type;                // logical, whatever the packing
    Place place = Place::arena;
    Tensor constant{};        // place constant: the elements; packed ones are f32 [n]
    ValueId of = ValueId::none;  // place view: the same elements as this value
};

struct Program {
    std::string model;                     // for people: the graph's name or the file's stem
    Isa isa{};                             // the level that the chosen kernels need
    std::string precision = "fp32";
    std::string precision_plan{};          // what each layer of the model got, and why: JSON, as src/precision writes it
    Profile profile;                       // of the symbols in input shapes, and of those that steps decide
    std::vector<ProgramValue> values;
    std::vector<ProgramStep> steps;
    std::vector<ValueId> inputs;
    std::vector<GraphOutput> outputs;
    std::int64_t arena_bytes = 0;          // for values, at the profile's maximum
    std::int64_t slice = 0;                // samples that one worker takes at a time (samples.h); 0: batches are not sliced

    const ProgramValue& value(ValueId v) const { return values[static_cast<std::size_t>(v)]; }
    ValueId source(ValueId v) const {      // what a view shows; other values themselves
        while (value(v).place == ProgramValue::Place::view) v = value(v).of;
        return v;
    }
    StepRange all_steps() const { return {0, steps.size()}; }
};

/// The step with the shapes that the symbols give: what tactics are asked about. Refers to the program's nodes and constants.
Step step_at(const Program&, const ProgramStep&, const Symbols&);

/// The shape with these symbols. Error where it comes out negative or its elements cannot be addressed.
Dims shape_at(const Type&, const Symbols&);

/// Elements of values, as far as inference knows them; by value.
using Contents = std::vector<std::optional<std::vector<Dim>>>;

/// Inference over these steps at these sizes: shapes that symbols promise to be equal are. Error that names the step if not.
/// `contents` holds what is known from the steps before them, and takes what follows.
void check_shapes(const Program&, const Symbols&, StepRange steps, Contents& contents);
void check_shapes(const Program&, const Symbols&);  // all steps, all views
/// Error if a value that is a view would not have as many elements as what it shows. `v` may be none.
void check_view(const Program&, ValueId v, const Symbols&);

/// A program runs in stages: each but the first begins with a step that decides extents, and before it runs, sizes from there
/// on are not known. One stage, if no step does.
std::vector<StepRange> stages_of(const Program&);

/// Everything a reader cannot trust in a file: ids, order, types (by inference), places, sizes of packed weights, tactics
/// that would refuse. Error 'the engine is damaged' that names the step.
void check_program(const Program&);

}  // namespace tercet
