// SPDX-License-Identifier: Apache-2.0
// Moving elements of any type, unchanged, as blocks of memory at regular distances: what Concat, Split and Slice come to.
#pragma once

#include "target/tactic.h"

#include <vector>

namespace tercet {

struct BlockCopy {
    std::size_t input = 0, output = 0;  // among the step's
    std::int64_t from = 0, to = 0;      // bytes: where the first block starts
    std::int64_t bytes = 0;             // of a block
    Dims shape{}, from_steps{}, to_steps{};  // how many blocks, and bytes between them, along each dimension; at least one

    /// Elements of a part of the input that become a part of the output; the steps are bytes. What lies densely on both
    /// sides becomes a block.
    static BlockCopy of(std::int64_t element_bytes, const Dims& shape, const Dims& from_steps, const Dims& to_steps);

    std::int64_t blocks() const { return count_of(shape); }
};

/// Strides of a dense value, in bytes.
Dims byte_steps(const Step::Operand& value);

/// Why a step's values are not to be moved by blocks: reference level, a tail, elements of less than a byte.
Refusal refuse_moves(const Step& step, const Isa& isa);

/// A tactic that moves elements, exactly, in one variant: its cost is in proportion to what is written.
Tactic move_tactic(std::string_view name, Refusal (*refuse)(const Step&, const Isa&), Kernel (*compile)(const Step&, const Variant&, const Isa&));

/// A phase that does all of these; no two write the same byte.
Phase copy_phase(std::vector<BlockCopy> copies);

/// n blocks, `from_step` apart at `from`, `to_step` apart at `to`.
void copy_blocks(std::byte* to, std::int64_t to_step, const std::byte* from, std::int64_t from_step, std::int64_t bytes, std::int64_t n) noexcept;
/// n blocks to a dense place, block i from places[i] bytes behind `from`.
void copy_listed(std::byte* to, const std::byte* from, const std::int64_t* places, std::int64_t bytes, std::int64_t n) noexcept;

}  // namespace tercet
