// SPDX-License-Identifier: Apache-2.0
#include "tensorrt_runtime/profiles.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

namespace tercet {
namespace {

using Shape = std::span<const std::int64_t>;

bool within(Shape x, Shape low, Shape high) {
    if (x.size() != low.size() || x.size() != high.size()) return false;
    for (std::size_t i = 0; i < x.size(); ++i)
        if (x[i] < low[i] || x[i] > high[i]) return false;
    return true;
}

// The elements of a tensor of sizes.
std::vector<std::int64_t> values_of(const InputView& input, std::size_t count) {
    std::vector<std::int64_t> values(count);
    for (std::size_t i = 0; i < count; ++i) {
        if (input.dtype == DType::i64) {
            std::memcpy(&values[i], static_cast<const std::byte*>(input.data) + 8 * i, 8);
        } else {
            std::int32_t v = 0;
            std::memcpy(&v, static_cast<const std::byte*>(input.data) + 4 * i, 4);
            values[i] = v;
        }
    }
    return values;
}

bool takes_values(const TensorRtProfile::Input& range, const InputView& input) {
    if (range.opt_values.empty() || (input.dtype != DType::i32 && input.dtype != DType::i64)) return true;
    std::int64_t count = 1;
    for (std::int64_t d : input.shape) count *= d;
    return count == static_cast<std::int64_t>(range.opt_values.size()) && within(values_of(input, range.opt_values.size()), range.min_values, range.max_values);
}

bool takes(const TensorRtProfile::Input& range, const InputView& input) { return within(input.shape, range.min_shape, range.max_shape) && takes_values(range, input); }

// How far apart two shapes are in size: |log of the ratio|.
double distance(Shape a, Shape b) {
    double d = 0;
    for (std::size_t i = 0; i < a.size(); ++i) d += std::log(static_cast<double>(std::max<std::int64_t>(1, a[i]))) - std::log(static_cast<double>(std::max<std::int64_t>(1, b[i])));
    return std::abs(d);
}

[[noreturn]] void fail_outside(std::string_view name, std::size_t i, std::span<const TensorRtProfile> profiles, const InputView& input) {
    std::vector<std::string> ranges;
    for (const TensorRtProfile& p : profiles) {
        const TensorRtProfile::Input& r = p.inputs[i];
        const bool fits = within(input.shape, r.min_shape, r.max_shape);  // then its elements do not
        const auto range = [](Shape low, Shape high) { return std::ranges::equal(low, high) ? fmt::format("[{}]", fmt::join(low, ",")) : fmt::format("[{}] to [{}]", fmt::join(low, ","), fmt::join(high, ",")); };
        ranges.push_back(fits && !r.opt_values.empty() ? "values " + range(r.min_values, r.max_values) : range(r.min_shape, r.max_shape));
    }
    std::ranges::sort(ranges);
    const auto repeated = std::ranges::unique(ranges);
    ranges.erase(repeated.begin(), repeated.end());
    throw Error({.what = fmt::format("input '{}' has the shape [{}], the engine's {} {}", name, fmt::join(input.shape, ","), ranges.size() == 1 ? "profile is" : "profiles are", fmt::join(ranges, " and ")),
                 .fix = "give it a shape within these, or build the engine with other --min-shapes and --max-shapes"});
}

}  // namespace

std::vector<std::string> extents_of(Shape shape) {
    std::vector<std::string> extents;
    for (std::int64_t d : shape) extents.push_back(d < 0 ? "?" : fmt::to_string(d));
    return extents;
}

void set_ranges(TensorInfo& input, std::size_t index, std::span<const TensorRtProfile> profiles) {
    const TensorRtProfile::Input& first = profiles[0].inputs[index];
    input.min_shape = first.min_shape;
    input.opt_shape = first.opt_shape;
    input.max_shape = first.max_shape;
    for (const TensorRtProfile& p : profiles.subspan(1))
        for (std::size_t d = 0; d < input.shape.size(); ++d) {
            input.min_shape[d] = std::min(input.min_shape[d], p.inputs[index].min_shape[d]);
            input.max_shape[d] = std::max(input.max_shape[d], p.inputs[index].max_shape[d]);
        }
}

void check_inputs(std::span<const TensorInfo> engine, std::span<const InputView> inputs) {
    if (inputs.size() != engine.size())
        throw Error({.what = fmt::format("{} inputs given, the engine has {}", inputs.size(), engine.size()), .fix = "give one tensor per input, in the engine's order"});
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        const TensorInfo& info = engine[i];
        const InputView& in = inputs[i];
        if (in.dtype != info.dtype)
            throw Error({.what = fmt::format("input '{}' is {}, the engine takes {}", info.name, name_of(in.dtype), name_of(info.dtype)), .fix = "convert it first"});
        bool fits = in.shape.size() == info.shape.size();
        for (std::size_t d = 0; fits && d < in.shape.size(); ++d) fits = in.shape[d] >= 0 && (info.shape[d] == "?" || info.shape[d] == fmt::to_string(in.shape[d]));
        if (!fits)
            throw Error({.what = fmt::format("input '{}' has the shape [{}], the engine takes [{}]", info.name, fmt::join(in.shape, ","), fmt::join(info.shape, ",")), .fix = "give it a shape that fits"});
        if (!in.data && std::ranges::find(in.shape, 0) == in.shape.end())
            throw Error({.what = fmt::format("input '{}' has no data", info.name), .fix = "give its address"});
    }
}

std::size_t choose_profile(std::span<const TensorInfo> engine, std::span<const TensorRtProfile> profiles, std::span<const InputView> inputs) {
    std::size_t best = profiles.size();
    double least = std::numeric_limits<double>::infinity();
    for (std::size_t p = 0; p < profiles.size(); ++p) {
        double sum = 0;
        bool fits = true;
        for (std::size_t i = 0; fits && i < inputs.size(); ++i) {
            fits = takes(profiles[p].inputs[i], inputs[i]);
            if (fits) sum += distance(inputs[i].shape, profiles[p].inputs[i].opt_shape);
        }
        if (fits && sum < least) {
            best = p;
            least = sum;
        }
    }
    if (best < profiles.size()) return best;
    for (std::size_t i = 0; i < inputs.size(); ++i)  // the input that no profile takes, else one that no profile takes beside the others
        if (std::ranges::none_of(profiles, [&](const TensorRtProfile& p) { return takes(p.inputs[i], inputs[i]); })) fail_outside(engine[i].name, i, profiles, inputs[i]);
    throw Error({.what = "every input's shape is in one of the engine's profiles, but no profile has all of them", .fix = "give inputs whose shapes belong together"});
}

}  // namespace tercet
