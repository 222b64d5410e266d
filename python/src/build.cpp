// SPDX-License-Identifier: Apache-2.0
#include "tercet/build.h"

#include "callbacks.h"
#include "module.h"
#include "options.h"
#include "results.h"
#include "tercet/export.h"
#include "tercet/tensorrt.h"

#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include <map>
#include <string>
#include <vector>

namespace py = pybind11;

namespace tercet::python {
namespace {

using Path = std::filesystem::path;

BuildSettings settings_of(const Path& output, const py::dict& options, Callbacks& callbacks) {
    BuildSettings s{.output = output};
    set_build_options(s, options);
    s.progress = s.calibration.progress = callbacks.progress();
    s.log = callbacks.log();
    s.tensorrt.message = [log = s.log](char severity, const std::string& text) { log(std::string(1, severity) + ": " + text); };
    return s;
}

py::object build_one(const Path& model, const Path& output, const std::string& precision, const py::dict& options, const py::object& progress, const py::object& log) {
    Callbacks callbacks(progress, log);
    BuildSettings settings = settings_of(output, options, callbacks);
    settings.precision = precision;
    return to_python(without_lock([&] { return build(model, settings); }));
}

py::list build_several(const Path& model, const Path& folder, const std::vector<std::string>& precisions, const py::dict& options, const py::object& progress, const py::object& log) {
    Callbacks callbacks(progress, log);
    const BuildSettings settings = settings_of(folder, options, callbacks);
    py::list results;
    for (const BuildResult& r : without_lock([&] { return build_all(model, settings, precisions); })) results.append(to_python(r));
    return results;
}

py::object write_job(const Path& model, const Path& folder, const std::vector<std::string>& precisions, const py::dict& options, const py::object& progress, const py::object& log) {
    Callbacks callbacks(progress, log);
    const BuildSettings settings = settings_of({}, options, callbacks);
    return to_python(without_lock([&] { return write_tensorrt_job(model, settings, precisions, folder); }));
}

py::object calibrate_model(const Path& model, const Path& data, const py::dict& options, const py::object& progress) {
    Callbacks callbacks(progress);
    CalibrationSettings settings{.data = data};
    set_calibration_options(settings, options);
    settings.progress = callbacks.progress();
    std::vector<std::string> warnings;
    settings.warn = [&](const std::string& line) { warnings.push_back(line); };
    Calibration c = without_lock([&] { return calibrate(model, settings); });
    if (c.header.empty()) c.header = calibration_cache_header("TRT-8503");
    return to_python(c, warnings);
}

void write_cache(const Path& file, const std::map<std::string, float>& scales, const std::string& format) {
    without_lock([&] { write_calibration_cache(file, {.header = calibration_cache_header(format), .scales = {scales.begin(), scales.end()}}); });
}

py::object read_cache(const Path& file) {
    return to_python(without_lock([&] { return read_calibration_cache(file); }), {});
}

py::object write_precision(const Path& model, const py::dict& options, const std::map<std::string, float>& scales) {
    using S = ExportSettings;
    static const Setters<S> setters{
        {"output", member(&S::output)}, {"precision", member(&S::precision)}, {"plan", member(&S::plan)}, {"layer_precisions", member(&S::layer_precisions)},
        {"written_plan", member(&S::written_plan)}, {"keep_io_types", member(&S::keep_io_types)}, {"fallback_precision", member(&S::fallback_precision)},
        {"fallback", member(&S::fallback)}, {"newest_opset", member(&S::newest_opset)},
    };
    S settings{.scales = {scales.begin(), scales.end()}};
    set_all(settings, options, setters);
    return to_python(without_lock([&] { return export_model(model, settings); }));
}

}  // namespace

void define_build(py::module_& module) {
    module.def("build", &build_one);
    module.def("build_all", &build_several);
    module.def("write_tensorrt_job", &write_job);
    module.def("find_tensorrt", [](const std::string& python) { return to_python(without_lock([&] { return find_tensorrt(python); })); });
    module.def("calibrate", &calibrate_model);
    module.def("write_calibration_cache", &write_cache);
    module.def("read_calibration_cache", &read_cache);
    module.def("export", &write_precision);
}

}  // namespace tercet::python
