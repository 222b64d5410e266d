// SPDX-License-Identifier: Apache-2.0
// What the operators on shapes and positions share: small integer values that are followed symbolically (the contents of
// Shape arithmetic), facts that hold for every value of the symbols, and checks of sizes that a model merely claims.
#pragma once

#include "ops/op.h"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tercet {

/// Elements of input i, if it is of the kind that is followed: i32 or i64, rank 0 (one element) or 1, at most 64 elements. Some may
/// be open (op.h).
std::optional<std::vector<Dim>> small_content(const Inference&, std::size_t i);

/// Notes the elements of output i, whose type is set, if it is of that kind. Nothing if `elements` is empty.
void note_content(Inference&, std::size_t i, std::optional<std::vector<Dim>> elements);

/// The element of a tensor that has one, if that is a whole number.
std::optional<std::int64_t> whole_number(const Tensor&);

/// Output 0 has input 0's elements, in their order.
void pass_content(Inference&);

/// Sizes that 1-D integer input i gives, symbolic, open or not. Where not even their number is known, `expected` open ones; without
/// that, Error of Inference::integers.
std::vector<Dim> sizes(const Inference&, std::size_t i, std::string_view what, std::optional<std::size_t> expected = {});

/// The one element of an integer input, as `sizes`.
Dim single(const Inference&, std::size_t i, std::string_view what);

/// Sets the type of output i. Error if its elements are not whole bytes, or if its constant extents alone do not fit
/// into 64 bits of bytes.
void give(Inference&, std::size_t i, DType, Shape);

Dim product(std::span<const Dim>);

/// What an extent of axis `axis` is called that only the data decides.
std::string axis_name(std::size_t axis);

/// `shape` has the extent `with` at `axis`, too: the more definite of the two stays. Error if they differ for sure.
void unify(Dim& extent, const Dim& with, std::string_view what);

/// d >= bound whatever the symbols are, from `symbol_min` on (0: an input may be empty); open ones may be negative. False also if
/// that is not clear.
bool at_least(const Dim& d, std::int64_t bound, std::int64_t symbol_min = 0);

/// min and max, spared where at_least tells the result.
Dim lesser(const Dim& a, const Dim& b);
Dim greater(const Dim& a, const Dim& b);

/// Error if a node in its newest form has an attribute that this form replaced by an input.
void refuse_old_attribute(const Inference&, std::string_view attribute);

/// For upgrades: an attribute of integers, if given, becomes a constant input.
void attribute_to_input(Graph&, NodeId, std::string_view attribute, std::size_t input);

/// Error if a constant index of input i lies outside [-n, n-1]; n may be symbolic, then nothing is checked.
void check_indices(const Inference&, std::size_t i, const Dim& n);

/// `index` counted from the end if negative; the nearest that exists if it lies outside [-n, n-1]. n > 0.
inline std::int64_t position(std::int64_t index, std::int64_t n) {
    return std::clamp<std::int64_t>(index < 0 ? index + n : index, 0, n - 1);
}

}  // namespace tercet
