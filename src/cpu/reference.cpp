// SPDX-License-Identifier: Apache-2.0
// Every operator's reference implementation as a tactic: everything runs on any processor.
#include "target/tactic.h"

#include <algorithm>

namespace tercet {
namespace {

// A run's views; a kernel belongs to one context, so that filling in the addresses is safe.
struct Views {
    const Node* node;
    std::vector<View> in, out;
};

std::vector<View> views_of(const std::vector<Step::Operand>& operands) {
    std::vector<View> views;
    for (const auto& o : operands) views.push_back(o ? View(o.dtype, o.shape, nullptr) : View());
    return views;
}

Kernel compile(const Step& step, const Variant&, const Isa&) {
    auto views = std::make_shared<Views>(Views{step.node, views_of(step.inputs), views_of(step.outputs)});
    Kernel k;
    const Call shapes{*step.node, views->in, views->out, {}};
    const std::size_t scratch = reference_scratch_bytes(shapes);
    k.workspace_bytes = scratch;
    k.phases.push_back({.units = 1, .run = [views, scratch](const Buffers& b, std::int64_t, std::int64_t) {
        for (std::size_t i = 0; i < views->in.size(); ++i)
            views->in[i].data = static_cast<std::byte*>(const_cast<void*>(b.inputs[i]));
        for (std::size_t i = 0; i < views->out.size(); ++i) views->out[i].data = static_cast<std::byte*>(b.outputs[i]);
        run_reference({*views->node, views->in, views->out, {b.workspace, scratch}});
    }});
    return k;
}

double cost(const Step& step, const Variant&, const Isa&) {
    double elements = 0;
    for (const auto& o : step.outputs) elements += static_cast<double>(count_of(o.shape));
    // Each output of a convolution or product sums over the weights of its channel.
    if (step.has(1) && !step.outputs.empty() && step.inputs[1].shape.size() >= 2)
        elements *= 1 + static_cast<double>(count_of(step.inputs[1].shape)) / static_cast<double>(std::max<std::int64_t>(1, step.inputs[1].shape[0]));
    return 1000 * elements;
}

const RegisteredTactic reference{{.name = "reference",
                                  .numerics = [](const Step&) { return Numerics::exact; },
                                  .refuse = [](const Step&, const Isa&) { return Refusal(); },
                                  .variants = [](const Step&, const Isa&) { return std::vector{Variant{}}; },
                                  .compile = compile,
                                  .cost = cost}};

}  // namespace
}  // namespace tercet
