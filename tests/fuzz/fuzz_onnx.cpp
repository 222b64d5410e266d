// SPDX-License-Identifier: Apache-2.0
// Any bytes as a model: read, rewritten and planned, they give a program or an Error.
#include "onnx/read_model.h"
#include "passes/pass.h"
#include "plan/plan.h"
#include "plan/profile.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace tercet;
    const auto bytes = std::make_shared<std::vector<std::uint8_t>>(data, data + size);
    try {
        Model model = read_model(std::as_bytes(std::span(*bytes)), bytes, {});
        const Profile profile = make_profile(model.graph, {}, {}, {});
        optimize(model.graph, {.verify = true});
        make_program(model.graph, {.profile = profile, .isa = {Isa::Level::baseline}, .tune = Tune::none, .workspace_bytes = std::uint64_t{64} << 20});
    } catch (const Error&) {
    }
    return 0;
}
