// SPDX-License-Identifier: Apache-2.0
// The samples of a source, one after the other, into the array of the result.
#include "tercet/data.h"

#include "data/inflate.h"
#include "data/sample_source.h"
#include "tercet/error.h"

#include <fmt/format.h>

#include <algorithm>

namespace tercet {
namespace {

constexpr std::uint64_t max_array_bytes = std::uint64_t{1} << 40;

// Which of n samples are taken: all, or `max_samples` of them, spread evenly over the order.
std::vector<std::int64_t> picks(std::int64_t n, std::int64_t max_samples) {
    const std::int64_t count = max_samples > 0 ? std::min(n, max_samples) : n;
    std::vector<std::int64_t> picked(static_cast<std::size_t>(count));
    for (std::int64_t i = 0; i < count; ++i)
        picked[static_cast<std::size_t>(i)] = static_cast<std::int64_t>(static_cast<double>(i) * static_cast<double>(n) / static_cast<double>(count));
    return picked;
}

Array array_for(const Tensor& first, std::int64_t count) {
    if (!bytes_within(first.dtype(), first.shape(), max_array_bytes / static_cast<std::uint64_t>(count)))
        throw Error({.what = fmt::format("{} pictures of [{}] take over 1 TiB", count, fmt::join(first.shape(), ", ")),
                     .fix = "take fewer, or smaller ones"});
    Array a{.dtype = first.dtype(), .shape = {count}};
    a.shape.insert(a.shape.end(), first.shape().begin(), first.shape().end());
    a.data.resize(static_cast<std::size_t>(count) * first.bytes());
    return a;
}

}  // namespace

Samples load_samples(const std::filesystem::path& path, const Preprocess& preprocess, std::int64_t max_samples) {
    const SampleSource source = open_samples(path, preprocess);
    const auto which = picks(source.count(), max_samples);
    Samples s{.class_names = source.class_names};
    Dims first;
    for (std::size_t i = 0; i < which.size(); ++i) {
        const std::int64_t sample = which[i];
        const Tensor one = source.read(sample)[0];
        at([&] { return source.where(sample); }, [&] {
            if (i == 0) {
                s.values = array_for(one, static_cast<std::int64_t>(which.size()));
                first = one.shape();
            }
            if (one.shape() != first) {
                const int channels = preprocess.layout == Layout::nhwc ? 2 : 0;
                throw Error({.what = fmt::format("the picture gives [{}], the first one [{}]", fmt::join(one.shape(), ", "), fmt::join(first, ", ")),
                             .fix = one.shape()[channels] == first[channels] ? "set height and width" : "set the color"});
            }
            std::copy_n(one.data(), one.bytes(), s.values.data.begin() + static_cast<std::ptrdiff_t>(i * one.bytes()));
        });
        s.ids.push_back(source.ids[static_cast<std::size_t>(sample)]);
        if (!source.labels.empty()) s.labels.push_back(source.labels[static_cast<std::size_t>(sample)]);
    }
    return s;
}

}  // namespace tercet
