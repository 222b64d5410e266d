// SPDX-License-Identifier: Apache-2.0
// The extension module tercet._tercet: the C++ interface for the modules of the package, which give it names, types and words for people.
// What they do not check is checked here, so that no call from Python can crash.
#pragma once

#include <pybind11/pybind11.h>

namespace tercet::python {

void define_engine(pybind11::module_& module);   ///< Engine and Context
void define_build(pybind11::module_& module);    ///< build, build_all, calibrate, export, TensorRT
void define_measure(pybind11::module_& module);  ///< compare, bench
void define_files(pybind11::module_& module);    ///< inspect, samples, the machine

}  // namespace tercet::python
