// SPDX-License-Identifier: Apache-2.0
// How Python hears of a long call that runs without the global lock, and ends it.
#pragma once

#include "tercet/progress.h"

#include <pybind11/pybind11.h>

#include <functional>
#include <string>
#include <utility>

namespace tercet::python {

/// f(), while other threads of Python's run.
template <class F>
auto without_lock(F&& f) {
    const pybind11::gil_scoped_release released;
    return std::forward<F>(f)();
}

/// Functions of Python's (or None) as functions of C++, which refer to this object and must not outlive it. They take the global
/// lock, let signals be handled, so that Ctrl-C ends the call, and pass on what the function raises.
class Callbacks {
public:
    explicit Callbacks(pybind11::object progress, pybind11::object log = pybind11::none()) : progress_(std::move(progress)), log_(std::move(log)) {}
    Callbacks(const Callbacks&) = delete;
    Callbacks& operator=(const Callbacks&) = delete;

    std::function<void(const Progress&)> progress() {
        return [this](const Progress& p) { tell(progress_, p.what, p.done, p.total); };
    }
    std::function<void(const std::string&)> log() {
        return [this](const std::string& line) { tell(log_, line); };
    }

private:
    template <class... Told>
    static void tell(const pybind11::object& function, const Told&... told) {
        const pybind11::gil_scoped_acquire lock;
        if (PyErr_CheckSignals() != 0) throw pybind11::error_already_set();
        if (!function.is_none()) function(told...);
    }

    pybind11::object progress_, log_;
};

}  // namespace tercet::python
