// SPDX-License-Identifier: Apache-2.0
#include "passes/passes.h"

#include "ops/op.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <stdexcept>

namespace tercet {
namespace {

// clang-format off
constexpr std::array passes{
    // Arithmetic on shapes goes first: what it reads of activations would keep these from being rewritten.
    Pass{"fold_constants", fold_constants, 1, false},          // weights that are computed become constants, which all below look for
    Pass{"constant_shapes", constant_shapes, 1},               // then Reshape needs no arithmetic
    Pass{"remove_identities", remove_identities, 1},           // a Dropout between two nodes hides them from each other
    Pass{"straighten_transposes", straighten_transposes, 1},   // before views merge with those outside
    Pass{"merge_views", merge_views, 1},                       // shapes are constants now, so that one of two Reshapes is enough
    Pass{"merge_duplicates", merge_duplicates, 1},             // exporters repeat Shape, Gather, Unsqueeze
    Pass{"fold_selects", fold_selects, 1},                     // behind these two: conditions are constants, equal branches one value
    Pass{"remove_dead", remove_dead, 1, false},                // users that are dead must not count as users below

    Pass{"expand_qlinear", expand_qlinear},                    // as early as the Q/DQ of other models stands there
    // What exporters write out becomes operators again, before their parts are folded into neighbours.
    Pass{"select_before_transposes", select_before_transposes, 5},  // queries, keys and values chosen of one tensor: untransposed
    Pass{"simplify_transposes", simplify_transposes, 5},
    Pass{"recognize_normalization", recognize_normalization},
    Pass{"recognize_attention", recognize_attention},          // scales are still apart from the products
    Pass{"merge_views", merge_views},                          // heads were split up by Reshapes that meet now
    Pass{"remove_identities", remove_identities},
    Pass{"remove_dead", remove_dead, 0, false},                // a projection may have dead readers
    Pass{"merge_projections", merge_projections},              // last of these: needs attention with nothing between

    // From here on there are kernels for f32. Before the folds, which would skip a rounding.
    Pass{"widen_halves", widen_halves},
    Pass{"remove_dead", remove_dead, 0, false},                // casts back to 16 bits that nobody reads

    // Arithmetic with constants goes into weights while the operators are still what the model calls them.
    Pass{"normalize_gemm", normalize_gemm},                    // before the folds, which write no alpha and beta
    Pass{"fold_constants", fold_constants},                    // a constant left side of a Gemm was transposed
    Pass{"fold_batch_norm", fold_batch_norm, 2},               // a norm that follows no product leaves Mul and Add, which
    Pass{"fold_affine", fold_affine, 2},                       // go into the product before them, or
    Pass{"fold_input_affine", fold_input_affine},              // into the convolution behind them: last, since a product before is exact
    Pass{"recognize_global_pool", recognize_global_pool},      // before layout, while channels stand where ReduceMean's axes say
    Pass{"remove_dead", remove_dead, 0, false},                // no transposes for what nobody reads

    // Channels last. Seeds first, then transposes move down until they meet.
    Pass{"to_channels_last", to_channels_last},
    Pass{"simplify_transposes", simplify_transposes, 3},       // cancels what meets; first, so that only what is left moves on
    Pass{"sink_transposes", sink_transposes, 3},
    Pass{"flatten_weights", flatten_weights, 3},               // where a classifier stops them
    Pass{"remove_identities", remove_identities, 3},
    Pass{"remove_dead", remove_dead, 3, false},                // a dead reader keeps a transpose alive
    Pass{"transposes_to_views", transposes_to_views, 4},       // those left; not earlier, since nothing sinks through a Reshape
    Pass{"merge_views", merge_views, 4},
    Pass{"remove_identities", remove_identities, 4},
    Pass{"recognize_global_pool", recognize_global_pool},      // models that were channels last themselves show their pools now

    // Fusion comes last: nothing below looks into a fused node.
    Pass{"fold_constants", fold_constants, 0, false},          // constants that were transposed
    Pass{"merge_duplicates", merge_duplicates},                // one value, one input of an expression
    Pass{"to_pointwise", to_pointwise},
    Pass{"fuse_pointwise", fuse_pointwise},                    // before tails: a chain becomes a tail at once
    Pass{"recognize_gelu", recognize_gelu},                    // sees the whole of it only in one expression
    Pass{"fuse_tails", fuse_tails},
    Pass{"fuse_pointwise", fuse_pointwise},                    // what two products left over
    Pass{"remove_dead", remove_dead, 0, false},                // the plan runs every node there is

    // Precision. What is materialised is known by now; what chooses precisions puts casts and Q/DQ pairs there.
    Pass{"set_precision", nullptr, 0, false},
    Pass{"merge_duplicates", merge_duplicates},                // one value, quantized once
    Pass{"hoist_quantization", hoist_quantization, 6},
    Pass{"remove_dead", remove_dead, 6, false},                // a value that is read in bytes only is computed in bytes
    Pass{"fuse_quantized", fuse_quantized, 0, false},          // weights in bytes would be dequantized whenever the engine runs
    Pass{"remove_dead", remove_dead, 0, false},
};
// clang-format on

constexpr int most_rounds = 1000;  // of a group: each rewrite brings its end nearer, so this is a bound against our own slips

void check_types(const Graph& g, std::string_view pass) {
    verify(g);
    Graph fresh = g;
    infer_types(fresh);
    for (NodeId id : g.order())
        for (ValueId v : g.node(id).outputs)
            if (v != ValueId::none && fresh.value(v).type != g.value(v).type)
                throw std::logic_error(fmt::format("{}: '{}' is {}, should be {}", pass, g.value(v).name, text_of(g.value(v).type),
                                                   text_of(fresh.value(v).type)));
}

class Run {
public:
    Run(Graph& g, const PassSettings& s) : graph_(g), settings_(s), left_(s.stop_after < 0 ? no_limit : s.stop_after) {}

    int pass(const Pass& p) {
        if (is_disabled(p)) return 0;
        const int made = p.run ? p.run(graph_, left_) : settings_.set_precision ? settings_.set_precision(graph_) : 0;
        if (left_ != no_limit) left_ -= made;
        if (made == 0) return 0;
        if (settings_.verify) check_types(graph_, p.name);
        if (settings_.log) settings_.log(fmt::format("{}: {}", p.name, made));
        return made;
    }

private:
    bool is_disabled(const Pass& p) const {
        const auto names = [&](const std::string& d) { return d == p.name || (d == "all" && p.optional); };
        return std::ranges::any_of(settings_.disabled, names);
    }
    Graph& graph_;
    const PassSettings& settings_;
    int left_;
};

}  // namespace

std::span<const Pass> pipeline() { return passes; }

void optimize(Graph& g, const PassSettings& settings) {
    for (const std::string& name : settings.disabled) {
        if (name == "all" || std::ranges::find(passes, name, &Pass::name) != passes.end()) continue;
        std::vector<std::string_view> names{"all"};
        for (const Pass& p : passes)
            if (std::ranges::find(names, p.name) == names.end()) names.push_back(p.name);
        throw Error({.what = fmt::format("there is no pass '{}'", name), .fix = fmt::format("it is one of {}", fmt::join(names, ", "))});
    }
    Run run(g, settings);
    for (std::size_t first = 0; first < passes.size();) {
        std::size_t last = first + 1;
        while (last < passes.size() && passes[first].group != 0 && passes[last].group == passes[first].group) ++last;
        for (int round = 0, changed = 1; changed != 0 && round < most_rounds; ++round) {
            changed = 0;
            for (std::size_t i = first; i < last; ++i) changed += run.pass(passes[i]);
            if (last - first == 1) break;
        }
        first = last;
    }
}

}  // namespace tercet
