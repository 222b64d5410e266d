// SPDX-License-Identifier: Apache-2.0
#include "api/channel_means.h"

#include "ops/op.h"

#include <algorithm>

namespace tercet {

ChannelMeans::ChannelMeans(const Graph& g, std::span<const ValueId> activations) {
    const auto add = [&](ValueId v, bool last) {
        const auto at = std::ranges::find(activations, v);
        if (at == activations.end()) return;
        const Shape& shape = g.value(v).type.shape;
        if (shape.size() < 2) return;
        if (shape.size() == 2) last = true;  // axis 1 is both
        const auto activation = static_cast<std::size_t>(at - activations.begin());
        if (const auto known = std::ranges::find(tensors_, activation, &Tensor::activation); known != tensors_.end()) {
            if (known->last != last) known->channels = 0;  // one name, two axes: neither
            return;
        }
        const auto channels = (last ? shape.back() : shape[1]).constant();
        if (channels && *channels > 0) tensors_.push_back({.activation = activation, .channels = *channels, .last = last, .sums = std::vector<double>(static_cast<std::size_t>(*channels))});
    };
    for (NodeId id : g.order()) {
        const bool conv = g.is(id, "Conv");
        if (!conv && !g.is(id, "Gemm") && !g.is(id, "MatMul")) continue;
        ValueId v = g.input(id, 0);
        add(v, !conv);
        for (NodeId p = g.producer(v); p != NodeId::none && op_of(g.node(p)).pure_view; p = g.producer(v)) v = g.input(p, 0);
        if (!conv && v != g.input(id, 0) && g.value(v).type.shape.size() > 2) add(v, false);
    }
    std::erase_if(tensors_, [](const Tensor& t) { return t.channels == 0; });
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
        const bool as_read = s.order == Activations::Order::as_read, channels_last = s.order == Activations::Order::channels_last;
        // Rows of a matrix can be added up all at once; in front of channels there must be one row only.
        const auto count = !t.last ? static_cast<std::size_t>(s.rows) : s.by_sample ? samples : std::size_t{1};
        if ((!as_read && (t.last || !channels_last)) || count == 0 || s.values.size() % (count * t.sums.size()) != 0) continue;
        const std::size_t each = s.values.size() / count;
        for (std::size_t i = 0; i < count; ++i)
            parts.push_back({&t, s.values.subspan(i * each, each), t.last || channels_last, std::vector<double>(t.sums.size())});
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
