// SPDX-License-Identifier: Apache-2.0
#include "tercet/data.h"
#include "tercet/inputs.h"
#include "tercet/inspect.h"
#include "tercet/machine.h"

#include "arrays.h"
#include "callbacks.h"
#include "module.h"
#include "options.h"
#include "results.h"

#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include <string>
#include <utility>
#include <vector>

namespace py = pybind11;

namespace tercet::python {
namespace {

using Path = std::filesystem::path;

py::object inspect(const Path& file) {
    switch (without_lock([&] { return recognize(file); })) {
        case FileKind::model: return to_python(without_lock([&] { return inspect_model(file); }));
        case FileKind::engine: return to_python(without_lock([&] { return inspect_engine(file); }));
        case FileKind::precision_plan: return to_python(without_lock([&] { return inspect_precision_plan(file); }));
        case FileKind::timing_cache: return to_python(without_lock([&] { return inspect_timing_cache(file); }));
        case FileKind::tensorrt_engine: return to_python(without_lock([&] { return inspect_tensorrt_engine(file); }));
        case FileKind::calibration_cache: return to_python(without_lock([&] { return read_calibration_cache(file); }), {});
    }
    return py::none();
}

py::object read_samples(const Path& path, const py::dict& preprocess, std::int64_t max_samples) {
    const Preprocess p = preprocess_of(preprocess);
    return to_python(without_lock([&] { return load_samples(path, p, max_samples); }));
}

py::tuple read_labels(const Path& path, const std::vector<std::string>& ids, const std::vector<std::string>& class_names) {
    const Labels labels = without_lock([&] { return load_labels(path, ids, class_names); });
    return py::make_tuple(labels.labels, labels.class_names);
}

py::array read_input(const Path& path, const Engine& engine, std::size_t index, const py::dict& preprocess) {
    if (index >= engine.inputs().size()) throw py::index_error("the engine has no such input");
    const TensorInfo& input = engine.inputs()[index];
    const Preprocess p = preprocess_for(input, preprocess_of(preprocess));
    return array_of(without_lock([&] { return load_input(path, input, p); }));
}

}  // namespace

void define_files(py::module_& module) {
    module.def("inspect", &inspect);
    module.def("load_samples", &read_samples);
    module.def("load_labels", &read_labels);
    module.def("load_input", &read_input);
    module.def("this_machine", [] { return to_python(this_machine()); });
    module.def("isa_levels", &isa_levels);
}

}  // namespace tercet::python
