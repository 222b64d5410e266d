// SPDX-License-Identifier: Apache-2.0
#include "options.h"

#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include <string>
#include <utility>
#include <vector>

namespace py = pybind11;

namespace tercet::python {
namespace {

// The same for a member of the calibration's settings in those of a build.
template <class T>
auto of_calibration(T CalibrationSettings::* to) {
    return [to](BuildSettings& s, py::handle value) { s.calibration.*to = value.cast<T>(); };
}

template <class T>
T named(const std::string& option, py::handle value, const std::vector<std::pair<std::string, T>>& names) {
    const auto given = value.cast<std::string>();
    std::string all;
    for (const auto& [name, is] : names) {
        if (name == given) return is;
        all += (all.empty() ? "" : ", ") + name;
    }
    throw Error({.what = "there is no " + option + " '" + given + "'", .fix = "use one of " + all});
}

void set_calibrator(CalibrationSettings& s, py::handle value) { s.calibrator = calibrator_named(value.cast<std::string>()); }
void set_preprocess(CalibrationSettings& s, py::handle value) { s.preprocess = preprocess_of(value.cast<py::dict>()); }

}  // namespace

void set_build_options(BuildSettings& settings, const py::dict& options) {
    using S = BuildSettings;
    using C = CalibrationSettings;
    static const Setters<S> setters{
        {"target", member(&S::target)},
        {"tensorrt_python", [](S& s, py::handle v) { s.tensorrt.python = v.cast<std::string>(); }},
        {"compute_capabilities", [](S& s, py::handle v) { s.tensorrt.compute_capabilities = v.cast<std::vector<std::string>>(); }},
        {"calibration_data", of_calibration(&C::data)},
        {"calibrator", [](S& s, py::handle v) { set_calibrator(s.calibration, v); }},
        {"calibration_samples", of_calibration(&C::samples)},
        {"calibration_seed", of_calibration(&C::seed)},
        {"percentile", of_calibration(&C::percentile)},
        {"preprocess", [](S& s, py::handle v) { set_preprocess(s.calibration, v); }},
        {"calibration_cache", member(&S::calibration_cache)},
        {"layer_precisions", member(&S::layer_precisions)},
        {"plan", member(&S::plan)},
        {"bias_correction", member(&S::bias_correction)},
        {"fallback_precision", member(&S::fallback_precision)},
        {"fallback", member(&S::fallback)},
        {"min_shapes", member(&S::min_shapes)},
        {"opt_shapes", member(&S::opt_shapes)},
        {"max_shapes", member(&S::max_shapes)},
        {"workspace_bytes", member(&S::workspace_bytes)},
        {"tune", [](S& s, py::handle v) { s.tune = named<Tune>("tuning", v, {{"none", Tune::none}, {"fast", Tune::fast}, {"full", Tune::full}}); }},
        {"timing_cache", member(&S::timing_cache)},
        {"isa", member(&S::isa)},
        {"threads", [](S& s, py::handle v) { s.threads = s.calibration.threads = v.cast<int>(); }},
        {"strict", member(&S::strict)},
        {"disabled_passes", member(&S::disabled_passes)},
        {"stop_after", member(&S::stop_after)},
        {"fixed_inputs", member(&S::fixed_inputs)},
    };
    set_all(settings, options, setters);
}

void set_calibration_options(CalibrationSettings& settings, const py::dict& options) {
    using S = CalibrationSettings;
    static const Setters<S> setters{
        {"calibrator", set_calibrator}, {"samples", member(&S::samples)}, {"seed", member(&S::seed)}, {"percentile", member(&S::percentile)},
        {"preprocess", set_preprocess}, {"threads", member(&S::threads)}, {"isa", member(&S::isa)},
    };
    set_all(settings, options, setters);
}

Preprocess preprocess_of(const py::dict& fields) {
    using S = Preprocess;
    static const Setters<S> setters{
        {"dtype", [](S& s, py::handle v) { s.dtype = named<DType>("type of pixels", v, {{"float32", DType::f32}, {"uint8", DType::u8}}); }},
        {"layout", [](S& s, py::handle v) { s.layout = named<Layout>("layout", v, {{"nchw", Layout::nchw}, {"nhwc", Layout::nhwc}}); }},
        {"color", [](S& s, py::handle v) { s.color = named<Color>("color", v, {{"rgb", Color::rgb}, {"bgr", Color::bgr}, {"gray", Color::gray}}); }},
        {"height", member(&S::height)},
        {"width", member(&S::width)},
        {"fit", [](S& s, py::handle v) { s.fit = named<Fit>("fit", v, {{"stretch", Fit::stretch}, {"crop", Fit::crop}}); }},
        {"resize_shorter", member(&S::resize_shorter)},
        {"scale", member(&S::scale)},
        {"mean", member(&S::mean)},
        {"deviation", member(&S::deviation)},
        {"row_shape", member(&S::row_shape)},
    };
    Preprocess p;
    set_all(p, fields, setters);
    return p;
}

}  // namespace tercet::python
