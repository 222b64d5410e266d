// SPDX-License-Identifier: Apache-2.0
// A tactic is one way to run a step: a value made of functions. It refuses with a reason, offers variants without a
// favourite, packs weights, and compiles a kernel for the step's exact shapes. The tuner times; the runtime runs.
//
// One file of a target's folder registers one tactic. A shared test (src/cpu/tactic_test.cpp) holds every tactic and every
// variant to its numeric promise at every ISA level that the machine has.
#pragma once

#include "ops/op.h"
#include "target/isa.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace tercet {

/// One operator with concrete shapes: what a tactic is asked to run.
struct Step {
    struct Operand {
        DType dtype = DType::undefined;  // undefined: an optional input left out
        Dims shape{};
        const Tensor* constant = nullptr;
        explicit operator bool() const { return dtype != DType::undefined; }
    };
    const Node* node = nullptr;
    std::vector<Operand> inputs, outputs;

    bool is(std::string_view op) const { return node->op == op; }
    const Attributes& attributes() const { return node->attributes; }
    bool has(std::size_t i) const { return i < inputs.size() && static_cast<bool>(inputs[i]); }

    /// Everything that decides how long it takes, and no names: the timing cache's key.
    std::string signature() const;
};

/// A point of a tactic's search space; what the numbers mean is the tactic's own affair. 0: not used.
struct Variant {
    int rows = 0;   // of the register tile
    int cols = 0;   // of the register tile
    int depth = 0;  // of the block along the reduction
    int tile = 0;   // of the block around the register tile
    std::string text() const;  // "rows 6, cols 16"
    friend auto operator<=>(const Variant&, const Variant&) = default;
};

/// Addresses for one run. All of a kernel's workers get the same.
struct Buffers {
    std::span<const void* const> inputs;  // null: left out
    std::span<void* const> outputs;
    std::byte* workspace = nullptr;       // Kernel::workspace_bytes, shared by the workers, 64-byte aligned
    std::byte* worker = nullptr;          // Kernel::worker_bytes of this worker's own, 64-byte aligned
};

/// A part of a kernel whose units may run at the same time on any worker, in any order.
struct Phase {
    std::int64_t units = 1;
    std::function<void(const Buffers&, std::int64_t first, std::int64_t last)> run;  // units [first, last); never allocates; only references throw (Error)
};

struct Kernel {
    std::vector<Phase> phases;  // one after the other
    std::size_t workspace_bytes = 0;
    std::size_t worker_bytes = 0;
};

/// exact: the reference's bits. reordered_sum: the reference's terms, added in another order.
/// approximate: other arithmetic (Winograd, polynomials for exp), within bounds that tests hold; off under --strict.
enum class Numerics { exact, reordered_sum, approximate };

struct Refusal {
    std::string reason;  // empty: the tactic can run the step
    Refusal() = default;
    Refusal(const char* why) : reason(why) {}
    Refusal(std::string why) : reason(std::move(why)) {}
    explicit operator bool() const { return !reason.empty(); }
};

struct Tactic {
    std::string_view name;     // "cpu/conv_igemm_f32"
    Isa::Level most = Isa::Level::reference;  // the highest level whose instructions it knows to use
    Numerics (*numerics)(const Step&) = nullptr;
    Refusal (*refuse)(const Step&, const Isa&) = nullptr;
    std::vector<Variant> (*variants)(const Step&, const Isa&) = nullptr;
    Kernel (*compile)(const Step&, const Variant&, const Isa&) = nullptr;
    /// Rough arithmetic cost in arbitrary units, comparable between tactics: what `--tune none` minimises, and the order
    /// in which candidates are timed.
    double (*cost)(const Step&, const Variant&, const Isa&) = nullptr;
    /// Whether the step has the same bits at every level from AVX2 on, and by every tactic that says so, though it may not be exact: sums
    /// are canonical ones (of products the bias, then taps and channels in their order, each added by one FMA; of rows as in
    /// src/cpu/simd/loops.h), functions have their canonical form. Null: it has not.
    bool (*canonical)(const Step&, const Isa&) = nullptr;
    bool stores = false;  // takes steps with `stored` (op.h), and says of which types

    /// `refuse`, and what every tactic refuses unless it says otherwise.
    Refusal refuses(const Step&, const Isa&) const;

    // Packing of constant input 1. Null: it is used as it is. Kernels of equal `packing` share one packed tensor.
    std::string (*packing)(const Step&, const Variant&) = nullptr;
    Tensor (*pack)(const Step&, const Variant&) = nullptr;                  // [n], of the weights' type, deterministic
    std::int64_t (*packed_count)(const Step&, const Variant&) = nullptr;    // n
    bool packs_floats = false;                                              // as f32, whatever the weights' type

    // A form of the weights that is larger than they are (Winograd's) is no part of an engine: it is made from the packed
    // ones when the engine is loaded, once for all contexts, and the kernel gets it in place of input 1. Null, or an empty
    // key: none. Equal keys of one step stand for equal tensors.
    std::string (*expansion)(const Step&, const Variant&) = nullptr;
    Tensor (*expand)(const Step&, const Variant&, const void* packed, const Isa&) = nullptr;  // f32 [n]
};

class RegisteredTactic {
public:
    explicit RegisteredTactic(Tactic tactic);
};

std::vector<const Tactic*> all_tactics();         // sorted by name
const Tactic* find_tactic(std::string_view name); // null if there is none

}  // namespace tercet
