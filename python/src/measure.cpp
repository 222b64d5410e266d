// SPDX-License-Identifier: Apache-2.0
#include "tercet/bench.h"
#include "tercet/compare.h"

#include "callbacks.h"
#include "module.h"
#include "options.h"
#include "results.h"

#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include <string>
#include <vector>

namespace py = pybind11;

namespace tercet::python {
namespace {

using Path = std::filesystem::path;

py::object compare_precisions(const Path& model, const py::dict& options, const py::dict& build_options, const py::object& progress) {
    using S = CompareSettings;
    static const Setters<S> setters{
        {"data", member(&S::data)}, {"labels", member(&S::labels)}, {"samples", member(&S::samples)}, {"output", member(&S::output)},
        {"precisions", member(&S::precisions)}, {"engines", member(&S::engines)}, {"seconds", member(&S::seconds)}, {"rounds", member(&S::rounds)},
        {"program", member(&S::program)}, {"max_isa", member(&S::max_isa)},
    };
    Callbacks callbacks(progress);
    S settings;
    set_all(settings, options, setters);
    set_build_options(settings.build, build_options);
    settings.preprocess = settings.build.calibration.preprocess;
    settings.progress = callbacks.progress();
    settings.build.log = callbacks.log();
    return to_python(without_lock([&] { return compare(model, settings); }));
}

py::object bench_engine(const Path& engine, const py::dict& options, const py::object& progress) {
    using S = BenchSettings;
    static const Setters<S> setters{
        {"batch", member(&S::batch)}, {"seconds", member(&S::seconds)}, {"threads", member(&S::threads)}, {"streams", member(&S::streams)},
        {"profile", member(&S::profile)}, {"max_isa", member(&S::max_isa)},
    };
    Callbacks callbacks(progress);
    S settings;
    set_all(settings, options, setters);
    settings.progress = callbacks.progress();
    return to_python(without_lock([&] { return bench(engine, settings); }));
}

}  // namespace

void define_measure(py::module_& module) {
    module.def("compare", &compare_precisions);
    module.def("bench", &bench_engine);
}

}  // namespace tercet::python
