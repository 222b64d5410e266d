// SPDX-License-Identifier: Apache-2.0
// Means per channel of what products read, over all samples. A sample's sums are added up in the order of its elements, samples in
// their order, in double: neither batches nor threads change the result.
#pragma once

#include "api/activations.h"
#include "system/thread_pool.h"

namespace tercet {

class ChannelMeans {
public:
    /// Of the inputs 0 of Conv, Gemm and MatMul nodes of the model as read, and of what such matrices are views of (the channels
    /// in front of a Flatten); `activations`: activations_of(graph). A tensor that is read along two axes has none.
    ChannelMeans(const Graph& graph, std::span<const ValueId> activations);

    void add(const std::vector<Activations::Seen>& seen, std::size_t samples, ThreadPool& pool);
    /// By tensor.
    std::map<std::string, std::vector<float>, std::less<>> means(const Graph& graph, std::span<const ValueId> activations) const;

private:
    struct Tensor {
        std::size_t activation = 0;
        std::int64_t channels = 0;
        bool last = false;          // channels are the last axis as the model has it
        std::vector<double> sums{};
        double count = 0;           // values per channel
    };
    std::vector<Tensor> tensors_;
};

}  // namespace tercet
