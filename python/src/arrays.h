// SPDX-License-Identifier: Apache-2.0
// NumPy arrays as the engine sees tensors, in place.
#pragma once

#include "tercet/data.h"
#include "tercet/engine.h"

#include <pybind11/numpy.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace tercet::python {

/// NumPy's type of the elements; of bf16 that of the package ml_dtypes where it is installed, else uint16, the bits. None for what
/// engines do not compute in.
pybind11::object numpy_type(DType dtype);

/// The array as an input, in place. Error, which names the input, unless its type is the input's (of bf16 also uint16), in the
/// machine's byte order, and its elements lie one behind the other, aligned.
InputView input_view(const pybind11::array& array, const TensorInfo& input);

/// The same for an output, which has to be writeable, too.
OutputView output_view(pybind11::array& array, const TensorInfo& output);

/// A new array, its elements not set.
pybind11::array new_array(const pybind11::dtype& type, std::span<const std::int64_t> shape);

/// An array that keeps the elements where they are.
pybind11::array array_of(Array&& array);

}  // namespace tercet::python
