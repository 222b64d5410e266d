// SPDX-License-Identifier: Apache-2.0
#include "api/channel_means.h"

#include <algorithm>

namespace tercet {

ChannelMeans::ChannelMeans(const Graph& g, std::span<const ValueId> activations) {
    for (NodeId id : g.order()) {
        const bool conv = g.is(id, "Conv");
        if (!conv && !g.is(id, "Gemm") && !g.is(id, "MatMul")) continue;
        const auto at = std::ranges::find(activations, g.input(id, 0));
        if (at == activations.end()) continue;
        const auto activation = static_cast<std::size_t>(at - activations.begin());
        const Shape& shape = g.value(*at).type.shape;
        if (shape.size() < 2 || std::ranges::any_of(tensors_, [&](const Tensor& t) { return t.activation == activation; })) continue;
        const auto channels = (conv ? shape[1] : shape.back()).constant();
        if (!channels || *channels < 1) continue;
        tensors_.push_back({.activation = activation, .channels = *channels, .last = !conv, .sums = std::vector<double>(static_cast<std::size_t>(*channels))});
    }
}

void ChannelMeans::add(const std::vector<Activations::Seen>& seen, std::size_t samples, ThreadPool& pool) {
    struct Part {
        Tensor* tensor;
        std::span<const float> values;
        bool last;
        std::vector<double> sums;
    };
    std::vector<Part> parts;
    for (Tensor& t : tensors_) {
        const Activations::Seen& s = seen[t.activation];
        // Where samples do not lie one after the other, channels of matrices still do.
        if (s.order == Activations::Order::other || (t.last && s.order != Activations::Order::as_read) || (!t.last && !s.by_sample)) continue;
        const std::size_t count = s.by_sample ? samples : 1, each = s.values.size() / count;
        if (each % static_cast<std::size_t>(t.channels) != 0) continue;
        for (std::size_t i = 0; i < count; ++i)
            parts.push_back({&t, s.values.subspan(i * each, each), t.last || s.order == Activations::Order::channels_last, std::vector<double>(static_cast<std::size_t>(t.channels))});
    }
    pool.share(parts.size(), [&](std::size_t i) {
        Part& p = parts[i];
        const auto channels = p.sums.size(), inner = p.values.size() / channels;
        if (p.last)
            for (std::size_t k = 0; k < p.values.size(); k += channels)
                for (std::size_t c = 0; c < channels; ++c) p.sums[c] += static_cast<double>(p.values[k + c]);
        else
            for (std::size_t c = 0; c < channels; ++c)
                for (std::size_t k = 0; k < inner; ++k) p.sums[c] += static_cast<double>(p.values[c * inner + k]);
    });
    for (const Part& p : parts) {
        p.tensor->count += static_cast<double>(p.values.size() / p.sums.size());
        for (std::size_t c = 0; c < p.sums.size(); ++c) p.tensor->sums[c] += p.sums[c];
    }
}

std::map<std::string, std::vector<float>, std::less<>> ChannelMeans::means(const Graph& g, std::span<const ValueId> activations) const {
    std::map<std::string, std::vector<float>, std::less<>> all;
    for (const Tensor& t : tensors_) {
        if (t.count == 0) continue;
        auto& means = all[g.value(activations[t.activation]).name];
        for (double sum : t.sums) means.push_back(static_cast<float>(sum / t.count));
    }
    return all;
}

}  // namespace tercet
