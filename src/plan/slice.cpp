// SPDX-License-Identifier: Apache-2.0
// How many samples a worker takes through the network at a time: so few that what one step writes is still in the cache when
// the next one reads it; so many that reading all weights once per slice costs little. Both are estimated as bytes from
// memory per sample; the count with the least is taken.
#include "engine/placement.h"
#include "engine/samples.h"
#include "plan/plan.h"

#include <algorithm>
#include <cmath>

namespace tercet {
namespace {

// What a worker may count on of the last-level cache. Not this machine's: an engine's bytes do not hang on where it was built.
constexpr double cache_bytes = 16 << 20;
constexpr std::int64_t most = 8;

double bytes_at(const Program& p, ValueId v, const Symbols& symbols) {
    const Type& type = p.value(v).type;
    return static_cast<double>(bytes_of(type.dtype, count_of(shape_at(type, symbols))));
}

}  // namespace

std::int64_t choose_slice(const Program& p) {
    const auto symbol = batch_symbol(p);
    if (!symbol) return 0;
    Symbols one = symbols_at(p.profile, ProfilePoint::max);
    const std::int64_t largest = std::min(most, one.at(*symbol));
    one.at(*symbol) = 1;
    double weights = 0, activations = 0;  // activations: read and written, per sample
    for (const ProgramStep& s : p.steps) {
        for (ValueId v : s.node.inputs)
            if (v != ValueId::none) (p.value(v).place == ProgramValue::Place::constant ? weights : activations) += bytes_at(p, v, one);
        for (ValueId v : s.node.outputs)
            if (v != ValueId::none) activations += bytes_at(p, v, one);
    }
    std::int64_t best = 1;
    double least = INFINITY;
    for (std::int64_t samples = 1; samples <= largest; samples *= 2) {
        SymbolRanges ranges = ranges_at(one);
        ranges[*symbol] = {samples, samples};
        const auto live = static_cast<double>(place_values(p, ranges, p.all_steps()).bytes);
        const double spilled = std::max(0.0, 1 - cache_bytes / std::max(1.0, live));
        const double bytes = weights / static_cast<double>(samples) + spilled * activations;
        if (bytes < least) least = bytes, best = samples;
    }
    return best;
}

}  // namespace tercet
