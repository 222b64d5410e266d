// SPDX-License-Identifier: Apache-2.0
// A model whose every f32 activation can be looked at: each is an output of an engine in memory, by its name in the model.
#pragma once

#include "engine/program.h"
#include "graph/graph.h"
#include "tercet/engine.h"

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace tercet {

/// The model's f32 activations: its inputs, and every node's outputs, in the model's order.
std::vector<ValueId> activations_of(const Graph& graph);

class Activations {
public:
    /// For inputs whose sizes are within the profile, in which only `batch` (may be empty) is no single number. Kernels are
    /// chosen without timing and change no arithmetic.
    Activations(Graph graph, const Profile& profile, const std::string& batch, const Isa& isa, int threads);

    /// How the axes of an activation lie: as the model has them, its channels (axis 1) last, or otherwise.
    enum class Order { as_read, channels_last, other };
    /// Values of an activation; `by_sample`: those of each sample together, one sample after the other.
    struct Seen {
        std::span<const float> values;
        bool by_sample = false;
        Order order = Order::as_read;
        std::int64_t rows = 0;  // the extent of axis 0 as the model has it; 0: it is not known
    };
    /// Runs on inputs in the model's order; what comes back lives until the next run, and as long as the inputs. By place in
    /// activations_of(graph). Those that are the same values under several names share one memory.
    const std::vector<Seen>& run(std::span<const InputView> inputs);

private:
    struct Source {
        enum class Kind { input, output, constant } kind;
        std::size_t index = 0;  // of the input or output
        Tensor constant{};
        bool by_sample = false;
        Order order = Order::as_read;
        std::int64_t rows = 0;    // of the activation; 0: as its memory has them, if `same_rows`
        bool same_rows = false;
    };
    std::vector<Source> sources_;
    std::vector<Seen> seen_;
    std::optional<Context> context_;
};

}  // namespace tercet
