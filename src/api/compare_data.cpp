// SPDX-License-Identifier: Apache-2.0
#include "api/compare_data.h"

#include "tensor/tensor.h"
#include "tercet/inputs.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>

namespace tercet {
namespace {

std::string text_of(const TensorInfo& input) { return fmt::format("{} {} [{}]", input.name, name_of(input.dtype), fmt::join(input.shape, ", ")); }

std::size_t bytes_per_sample(const Array& a) { return a.data.size() / static_cast<std::size_t>(a.shape[0]); }

bool has_batch_axis(const Array& samples, const TensorInfo& input) { return samples.shape.size() == input.shape.size(); }

// Whether samples [n, ...] can be an input whose extents, without the batch, fit(axis, extent).
template <class Fits>
void check_shape(const Array& samples, const std::filesystem::path& file, const TensorInfo& input, Fits fits) {
    const std::size_t rank = input.shape.size(), skipped = has_batch_axis(samples, input) ? 0 : 1;
    bool good = samples.shape.size() == rank + skipped;
    for (std::size_t d = 1; d < samples.shape.size() && good; ++d) good = fits(d - skipped, samples.shape[d]);
    if (!good)
        throw Error({.what = fmt::format("samples are [{}], but the input is {}", fmt::join(std::span(samples.shape).subspan(1), ", "), text_of(input)), .where = file.string(),
                     .fix = "give samples of its shape; for pictures, see --layout, --resize and --color"});
}

// `count` of n, spread evenly: what load_samples does with max_samples, for samples whose labels come by order.
void take_evenly(Samples& s, std::int64_t count) {
    const std::int64_t n = s.count();
    if (count <= 0 || count >= n) return;
    const std::size_t bytes = bytes_per_sample(s.values);
    for (std::int64_t i = 0; i < count; ++i) {
        const auto from = static_cast<std::size_t>(static_cast<double>(i) * static_cast<double>(n) / static_cast<double>(count)), to = static_cast<std::size_t>(i);
        std::memmove(s.values.data.data() + to * bytes, s.values.data.data() + from * bytes, bytes);
        s.ids[to] = s.ids[from];
        if (!s.labels.empty()) s.labels[to] = s.labels[from];
    }
    s.values.shape[0] = count;
    s.values.data.resize(static_cast<std::size_t>(count) * bytes);
    s.ids.resize(static_cast<std::size_t>(count));
    if (!s.labels.empty()) s.labels.resize(static_cast<std::size_t>(count));
}

// Files without types of their own (CSV) give floats; an index must be a whole number then.
Array converted(Array a, DType to) {
    if (a.dtype == to) return a;
    Array c{to, a.shape, std::vector<std::byte>(bytes_of(to, count_of(a.shape)))};
    const Dims flat{count_of(a.shape)};
    const View from(a.dtype, flat, a.data.data()), elements(to, flat, c.data.data());
    for (std::int64_t i = 0; i < flat[0]; ++i) {
        elements.set_at(i, from.get_at(i));
        if (!is_float(to) && elements.get_at(i) != from.get_at(i))
            throw Error({.what = fmt::format("{} is no {}", from.get_at(i), name_of(to)), .fix = "give what the model's input holds"});
    }
    return c;
}

void check_values(const Array& a, const std::vector<std::string>& ids) {
    if (!is_float(a.dtype)) return;
    const View elements(a.dtype, Dims{count_of(a.shape)}, a.data.data());
    const std::int64_t per_sample = elements.count() / a.shape[0];
    for (std::int64_t i = 0; i < elements.count(); ++i)
        if (const double v = elements.get_at(i); !std::isfinite(v))
            throw Error({.what = fmt::format("sample '{}' holds {}", ids[static_cast<std::size_t>(i / per_sample)], std::isnan(v) ? "NaN" : "an infinity"),
                         .fix = "leave it out, or mend the file"});
}

const std::filesystem::path& file_for(const TensorInfo& input, std::span<const TensorInfo> inputs, const CompareSettings& settings) {
    auto found = settings.data.find(input.name);
    if (found == settings.data.end() && inputs.size() == 1) found = settings.data.find("");
    if (found == settings.data.end())
        throw Error({.what = fmt::format("input '{}' has no data", input.name), .fix = fmt::format("give some for every input, as --data {}=FILE", input.name)});
    return found->second;
}

void check_names(std::span<const TensorInfo> inputs, const CompareSettings& settings) {
    std::vector<std::string> names;
    for (const TensorInfo& i : inputs) names.push_back(i.name);
    for (const auto& [name, file] : settings.data)
        if (std::ranges::find(names, name) == names.end() && !(name.empty() && inputs.size() == 1))
            throw Error({.what = name.empty() ? fmt::format("the model has {} inputs", inputs.size()) : fmt::format("there is no input '{}'", name), .where = file.string(),
                         .fix = fmt::format("say which it is for, as --data NAME=FILE; the inputs are: {}", fmt::join(names, ", "))});
}

}  // namespace

CompareData load_compare_data(std::span<const TensorInfo> inputs, const CompareSettings& settings) {
    check_names(inputs, settings);
    CompareData data;
    for (const TensorInfo& input : inputs) {
        const std::filesystem::path& file = file_for(input, inputs, settings);
        std::error_code ignored;
        const bool labels_come_by_order = !settings.labels.empty() && !std::filesystem::is_directory(file, ignored);
        Samples s = load_samples(file, preprocess_for(input, settings.preprocess), labels_come_by_order ? 0 : settings.samples);
        if (data.inputs.empty() && !settings.labels.empty()) s.labels = load_labels(settings.labels, s.ids, s.class_names).labels;
        if (labels_come_by_order) take_evenly(s, settings.samples);
        at([&] { return file.string(); }, [&] {
            if (data.inputs.empty()) {
                data.ids = std::move(s.ids);
                data.labels = std::move(s.labels);
                data.class_names = std::move(s.class_names);
            } else if (s.count() != data.count()) {
                throw Error({.what = fmt::format("{} samples for input '{}', {} for '{}'", s.count(), input.name, data.count(), inputs[0].name), .fix = "give as many for every input"});
            }
            check_shape(s.values, {}, input, [&](std::size_t axis, std::int64_t extent) {
                std::int64_t size = 0;  // of a symbol: what its profile says
                const std::string& dim = input.shape[axis];
                const auto [end, error] = std::from_chars(dim.data(), dim.data() + dim.size(), size);
                return error != std::errc() || end != dim.data() + dim.size() || size == extent;
            });
            data.files.push_back(file);
            data.inputs.push_back(converted(std::move(s.values), input.dtype));
            check_values(data.inputs.back(), data.ids);
        });
    }
    if (data.inputs.empty()) throw Error({.what = "the model has no inputs, so that there is nothing to run it on", .fix = "compare a model with inputs"});
    return data;
}

Batches::Batches(const CompareData& data, std::span<const Engine> engines, bool together) : data_(data), filled_(data.inputs.size()) {
    for (std::size_t i = 0; i < data.inputs.size(); ++i) {
        const TensorInfo& input = engines[0].inputs()[i];
        for (const Engine& engine : engines) {
            const TensorInfo& profile = engine.inputs()[i];
            check_shape(data.inputs[i], data.files[i], input, [&](std::size_t axis, std::int64_t extent) { return extent >= profile.min_shape[axis] && extent <= profile.max_shape[axis]; });
        }
        has_batch_axis_.push_back(has_batch_axis(data.inputs[i], input));
        if (!has_batch_axis_[i]) together = false;
        for (const Engine& engine : engines)
            if (has_batch_axis_[i]) {
                least_ = std::max(least_, engine.inputs()[i].min_shape[0]);
                most_ = std::min(most_, engine.inputs()[i].max_shape[0]);
            }
    }
    if (!together) most_ = std::min<std::int64_t>(most_, 1);
    together_ = together;
    if (least_ > most_)
        throw Error({.what = together ? fmt::format("no batch suits all engines: one wants {} or more, another {} or fewer", least_, most_)
                                      : fmt::format("samples have to run one by one, and the least batch is {}", least_),
                     .fix = "build with a batch of 1 in --min-shapes"});
    most_ = std::min(most_, std::max<std::int64_t>(least_, 32));  // more at once win nothing, and their outputs take memory
}

bool Batches::next() {
    first_ += count_;
    count_ = std::min(most_, data_.count() - first_);
    if (count_ <= 0) return false;
    size_ = std::max(count_, least_);
    shapes_.clear();
    views_.clear();
    for (const Array& a : data_.inputs) shapes_.push_back(a.shape);
    for (std::size_t i = 0; i < shapes_.size(); ++i) {
        const Array& a = data_.inputs[i];
        const std::size_t bytes = bytes_per_sample(a);
        const std::byte* values = a.data.data() + static_cast<std::size_t>(first_) * bytes;
        if (size_ > count_) {
            filled_[i].assign(values, values + static_cast<std::size_t>(count_) * bytes);
            while (filled_[i].size() < static_cast<std::size_t>(size_) * bytes) filled_[i].insert(filled_[i].end(), values, values + bytes);
            values = filled_[i].data();
        }
        if (has_batch_axis_[i]) shapes_[i][0] = size_;
        else shapes_[i].erase(shapes_[i].begin());
        views_.push_back({a.dtype, shapes_[i], values});
    }
    return true;
}

}  // namespace tercet
