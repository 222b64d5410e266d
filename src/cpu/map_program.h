// SPDX-License-Identifier: Apache-2.0
// MapProgram: an Expr compiled to calls of vector loops over short blocks, so that the values between its instructions stay
// in the L1 cache. TailProgram: the same for a step's `tail`, applied in place to rows of outputs.
#pragma once

#include "cpu/simd/simd.h"
#include "ops/expr.h"
#include "target/tactic.h"

#include <array>
#include <optional>
#include <vector>

namespace tercet {

/// The vector loops of a level; null for Isa::reference.
const simd::Level* simd_level(const Isa& isa);

class MapProgram {
public:
    struct Input {
        const float* data = nullptr;
        bool scalar = false;  // one element for all
    };

    MapProgram(const Expr& expr, const simd::Level& level);

    /// Whether its results equal the reference's bits.
    bool exact() const { return exact_; }

    /// out[i] = f(inputs[0][i], ...) for i in [0, n); out may be one of the inputs.
    void run(float* out, std::span<const Input> inputs, std::int64_t n) const noexcept;

private:
    static constexpr std::int64_t block = 256;
    struct Instruction {
        simd::Map map = nullptr;                   // null: `scalar`, element by element
        const ScalarFunction* scalar = nullptr;
        std::array<Expr::Operand, 3> operands{};   // of kind constant: index into constants_
    };
    std::vector<Instruction> code_;
    Expr::Operand result_{};
    std::vector<std::array<float, block>> constants_;
    bool exact_ = true;
};

/// How a tail's further inputs lie against the output, whose last dimension is its row.
class TailProgram {
public:
    /// Says why a step's tail cannot be applied row by row: an input that varies neither per element, per column nor not at all.
    static Refusal refuse(const Step& step);
    /// Empty if the step has no tail.
    static std::optional<TailProgram> make(const Step& step, const simd::Level& level);
    static bool exact(const Step& step, const simd::Level& level);
    /// For Tactic::canonical of loops of src/cpu/simd that add in one order: whether level and tail keep the bits.
    static bool canonical(const Step& step, const Isa& isa);

    /// Rows [first_row, first_row + rows) of the output, columns [first_col, first_col + cols); y is the whole output.
    void run(const Buffers& buffers, std::int64_t first_row, std::int64_t rows, std::int64_t first_col, std::int64_t cols) const noexcept;

private:
    enum class Kind { element, column, scalar };
    TailProgram(MapProgram program, std::vector<Kind> kinds, std::size_t first_input, std::int64_t columns)
        : program_(std::move(program)), kinds_(std::move(kinds)), first_input_(first_input), columns_(columns) {}
    static std::optional<std::vector<Kind>> kinds_of(const Step& step);
    void run_span(const Buffers& buffers, std::int64_t offset, std::int64_t col, std::int64_t n) const noexcept;

    MapProgram program_;
    std::vector<Kind> kinds_;
    std::size_t first_input_;
    std::int64_t columns_;
};

}  // namespace tercet
