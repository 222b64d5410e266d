// SPDX-License-Identifier: Apache-2.0
#include "api/conversion_check.h"

#include "data/npy.h"
#include "system/mapped_file.h"
#include "tensor/tensor.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace tercet {
namespace {

constexpr double relative_bound = 1e-3;  // far above what the order of additions changes in FP32, far below what a wrong operator does

Tensor load(const std::filesystem::path& file) { return parse_npy(map_file(file)); }

// What the profile has to hold: every size of every sample.
void set_profile(BuildSettings& settings, const std::vector<ConversionSample>& samples) {
    for (const ConversionSample& sample : samples)
        for (const auto& [name, file] : sample.inputs) {
            const Tensor x = load(file);
            const std::vector<std::int64_t> shape(x.shape().begin(), x.shape().end());
            auto& least = settings.min_shapes.try_emplace(name, shape).first->second;
            auto& most = settings.max_shapes.try_emplace(name, shape).first->second;
            for (std::size_t i = 0; i < shape.size(); ++i) {
                least[i] = std::min(least[i], shape[i]);
                most[i] = std::max(most[i], shape[i]);
            }
        }
    settings.opt_shapes = settings.max_shapes;
}

double difference(double a, double b) {
    if (a == b || (std::isnan(a) && std::isnan(b))) return 0;
    return std::isfinite(a) && std::isfinite(b) ? std::abs(a - b) : std::numeric_limits<double>::infinity();
}

void compare(const Tensor& expected, const ResultView& y, double steps, ConversionError& error) {
    const std::vector<std::int64_t> shape(expected.shape().begin(), expected.shape().end());
    if (y.dtype != expected.dtype() || !std::ranges::equal(y.shape, shape))
        throw Error({.what = fmt::format("output '{}' is {} [{}], the original's is {} [{}]", error.name, name_of(y.dtype), fmt::join(y.shape, ", "), name_of(expected.dtype()), fmt::join(shape, ", "))});
    const Tensor actual(y.dtype, expected.shape(), nullptr, y.data);
    double greatest = 0;
    for (std::int64_t i = 0; i < expected.count(); ++i) {
        const double value = expected.get(i);
        if (std::isfinite(value)) greatest = std::max(greatest, std::abs(value));
        error.max_abs_error = std::max(error.max_abs_error, difference(value, actual.get(i)));
    }
    error.values += expected.count();
    error.bound = is_float(expected.dtype()) ? std::max(error.bound, relative_bound * greatest) : steps;
}

}  // namespace

std::vector<ConversionError> check_conversion(const std::filesystem::path& model, const std::vector<ConversionSample>& samples, const std::map<std::string, double>& steps,
                                              const std::filesystem::path& folder) {
    BuildSettings settings{.output = folder / "check.engine", .tune = Tune::none};
    set_profile(settings, samples);
    build(model, settings);
    const Engine engine = Engine::open(settings.output);
    Context context(engine);
    std::vector<ConversionError> errors;
    for (const TensorInfo& output : engine.outputs()) errors.push_back({.name = output.name});
    for (const ConversionSample& sample : samples) {
        std::vector<Tensor> tensors;
        std::vector<std::vector<std::int64_t>> shapes;
        std::vector<InputView> inputs;
        for (const TensorInfo& input : engine.inputs()) {
            tensors.push_back(load(sample.inputs.at(input.name)));
            shapes.emplace_back(tensors.back().shape().begin(), tensors.back().shape().end());
        }
        for (std::size_t i = 0; i < tensors.size(); ++i) inputs.push_back({tensors[i].dtype(), shapes[i], tensors[i].data()});
        const auto results = context.run(inputs);
        for (std::size_t i = 0; i < errors.size(); ++i) {
            const auto allowed = steps.find(errors[i].name);
            compare(load(sample.outputs.at(errors[i].name)), results[i], allowed != steps.end() ? allowed->second : 0, errors[i]);
        }
    }
    return errors;
}

}  // namespace tercet
