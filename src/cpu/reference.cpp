// SPDX-License-Identifier: Apache-2.0
// Every operator's reference implementation as a tactic: everything runs on any processor.
#include "target/tactic.h"

#include <algorithm>

namespace tercet {
namespace {

std::vector<View> views_of(const std::vector<Step::Operand>& operands) {
    std::vector<View> views;
    for (const auto& o : operands) views.push_back(o ? View(o.dtype, o.shape, nullptr) : View());
    return views;
}

// The views with this run's addresses, in the worker's memory, since a kernel may run in several places at a time.
template <class Address>
std::span<View> placed(std::span<const View> views, std::span<const Address> addresses, std::byte* memory) {
    static_assert(std::is_trivially_copyable_v<View>);
    const std::span to(reinterpret_cast<View*>(memory), views.size());
    std::ranges::copy(views, to.begin());
    for (std::size_t i = 0; i < to.size(); ++i) to[i].data = static_cast<std::byte*>(const_cast<void*>(static_cast<const void*>(addresses[i])));
    return to;
}

Kernel compile(const Step& step, const Variant&, const Isa&) {
    std::vector<View> in = views_of(step.inputs), out = views_of(step.outputs);
    Kernel k;
    const std::size_t scratch = reference_scratch_bytes({*step.node, in, out, {}});
    k.workspace_bytes = scratch;
    k.worker_bytes = (in.size() + out.size()) * sizeof(View);
    k.phases.push_back({.units = 1, .run = [node = step.node, in = std::move(in), out = std::move(out), scratch](const Buffers& b, std::int64_t, std::int64_t) {
        const auto x = placed(std::span(in), b.inputs, b.worker), y = placed(std::span(out), b.outputs, b.worker + in.size() * sizeof(View));
        run_reference({*node, x, y, {b.workspace, scratch}});
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
                                  .cost = cost,
                                  .stores = true}};

}  // namespace
}  // namespace tercet
