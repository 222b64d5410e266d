// SPDX-License-Identifier: Apache-2.0
#include "cli/data_options.h"

#include "cli/options.h"

#include <fmt/format.h>

#include <cmath>
#include <map>
#include <string>
#include <utility>

namespace tercet::cli {
namespace {

// "0.00392" or "1/255".
double parse_factor(const std::string& option, const std::string& text) {
    const std::size_t slash = text.find('/');
    double number = 0, divisor = 1;
    if (!parse_number(std::string_view(text).substr(0, slash), number) ||
        (slash != std::string::npos && !parse_number(std::string_view(text).substr(slash + 1), divisor)) || !std::isfinite(number / divisor))
        throw CLI::ValidationError(option, fmt::format("'{}' is no number; write 1/255 or 0.5", text));
    return number / divisor;
}

// "224" or "224x320": height and width; the second is 0 if there is one number.
std::pair<std::int64_t, std::int64_t> parse_size(const std::string& option, const std::string& text) {
    const std::size_t by = text.find('x');
    std::int64_t height = 0, width = 0;
    const bool good = parse_number(std::string_view(text).substr(0, by), height) && height > 0 &&
                      (by == std::string::npos || (parse_number(std::string_view(text).substr(by + 1), width) && width > 0));
    if (!good) throw CLI::ValidationError(option, fmt::format("'{}' is no size; write 224, or height and width: 224x320", text));
    return {height, width};
}

void resize(Preprocess& p, const std::string& text) {
    const auto [height, width] = parse_size("--resize", text);
    p.fit = width ? Fit::stretch : Fit::crop;
    (width ? p.height : p.resize_shorter) = height;
    p.width = width;
}

void crop(Preprocess& p, const std::string& text) {
    if (p.height != 0) throw CLI::ValidationError("--crop", "together with it, --resize takes one number, the shorter side");
    const auto [height, width] = parse_size("--crop", text);
    p.fit = Fit::crop;
    p.height = height;
    p.width = width ? width : height;
}

}  // namespace

void add_data_options(CLI::App& verb, Preprocess& preprocess) {
    Preprocess* const p = &preprocess;
    const std::string group = "Pictures";
    // Options are taken in the order of their definition, wherever they stand: crop() sees what resize() did.
    verb.add_option_function<std::string>("--resize", [p](const std::string& text) { resize(*p, text); },
                                          "HxW: to this size; N: the shorter side to N, then cut from the middle (to the input's size)")->type_name("N|HxW")->group(group);
    verb.add_option_function<std::string>("--crop", [p](const std::string& text) { crop(*p, text); },
                                          "what is cut from the middle (the input's size)")->type_name("N|HxW")->group(group);
    verb.add_option_function<std::string>("--color", [p](const std::string& name) {
        p->color = std::map<std::string, Color>{{"rgb", Color::rgb}, {"bgr", Color::bgr}, {"gray", Color::gray}}.at(name);
    }, "rgb, bgr or gray (rgb, or gray for an input of one channel)")->check(quiet(CLI::IsMember({"rgb", "bgr", "gray"})))->type_name("ORDER")->group(group);
    verb.add_flag_callback("--bgr", [p] { p->color = Color::bgr; }, "the same as --color bgr")->group("");
    verb.add_option_function<std::string>("--layout", [p](const std::string& name) { p->layout = name == "nchw" ? Layout::nchw : Layout::nhwc; },
                                          "nchw or nhwc, where the channels are (as the input's shape tells)")
        ->check(quiet(CLI::IsMember({"nchw", "nhwc"})))->type_name("LAYOUT")->group(group);
    verb.add_option_function<std::string>("--scale", [p](const std::string& text) { p->scale = parse_factor("--scale", text); },
                                          "factor for pixels (1/255)")->type_name("X")->group(group);
    verb.add_option("--mean", p->mean, "subtracted from scaled pixels: one, or one per channel, 0.485,0.456,0.406")
        ->delimiter(',')->allow_extra_args(false)->type_name("X,...")->group(group);
    verb.add_option("--std,--deviation", p->deviation, "then divides them")->delimiter(',')->allow_extra_args(false)->type_name("X,...")->group(group);
}

void add_calibration_options(CLI::App& verb, CalibrationSettings& settings) {
    CalibrationSettings* const c = &settings;
    const std::string group = "Calibration";
    verb.add_option("--calib-data", c->data, "for int8, real samples: a folder of pictures (flat or a folder per class), of NPY, NPZ or ONNX tensor files; an NPY, NPZ, IDX or CSV file")
        ->type_name("DIR|FILE")->group(group);
    verb.add_option_function<std::string>("--calibrator", [c](const std::string& name) { c->calibrator = calibrator_named(name); }, "how scales are found: entropy, minmax, percentile or mse (entropy)")
        ->check(quiet(CLI::IsMember({"entropy", "minmax", "percentile", "mse"})))->type_name("NAME")->group(group);
    verb.add_option("--calib-samples", c->samples, "how many samples, at most (512)")->check(quiet(CLI::Range(std::int64_t{1}, std::int64_t{1} << 40)))->type_name("N")->group(group);
    verb.add_option("--calib-seed", c->seed, "which ones: another number draws others (1)")->type_name("N")->group(group);
    verb.add_option("--percentile", c->percentile, "for that calibrator (99.99)")->check(quiet(CLI::Range(0.001, 100.0)))->type_name("X")->group(group);
    add_data_options(verb, c->preprocess);
}

}  // namespace tercet::cli
