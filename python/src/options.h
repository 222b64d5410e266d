// SPDX-License-Identifier: Apache-2.0
// Settings of C++ from options by name, as Python's keyword arguments come.
#pragma once

#include "tercet/build.h"
#include "tercet/calibrate.h"
#include "tercet/data.h"

#include <pybind11/pybind11.h>

#include <functional>
#include <map>
#include <string>

namespace tercet::python {

/// How each option is set.
template <class Settings>
using Setters = std::map<std::string, std::function<void(Settings&, pybind11::handle)>>;

/// Sets a member to the value as C++ has it. Whoever calls it includes what pybind11 needs to convert it (stl.h, stl/filesystem.h).
template <class Settings, class T>
auto member(T Settings::* to) {
    return [to](Settings& s, pybind11::handle value) { s.*to = value.cast<T>(); };
}

/// Sets what `options` names. None stands for the default. TypeError if there is no such option or its value has not the option's type.
template <class Settings>
void set_all(Settings& settings, const pybind11::dict& options, const Setters<Settings>& setters) {
    for (const auto& [key, value] : options) {
        const auto name = pybind11::cast<std::string>(key);
        const auto setter = setters.find(name);
        if (setter == setters.end()) {
            std::string known;
            for (const auto& [other, set] : setters) known += (known.empty() ? "" : ", ") + other;
            throw pybind11::type_error("there is no option '" + name + "'; there are: " + known);
        }
        if (value.is_none()) continue;
        try {
            setter->second(settings, value);
        } catch (const pybind11::cast_error&) {
            throw pybind11::type_error("option '" + name + "' cannot be " + pybind11::cast<std::string>(pybind11::repr(value)));
        }
    }
}

/// Options of build(), but for precision, output and callbacks.
void set_build_options(BuildSettings& settings, const pybind11::dict& options);
/// Options of calibrate().
void set_calibration_options(CalibrationSettings& settings, const pybind11::dict& options);
/// The fields of a tercet.Preprocess.
Preprocess preprocess_of(const pybind11::dict& fields);

}  // namespace tercet::python
