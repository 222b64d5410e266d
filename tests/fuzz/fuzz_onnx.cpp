// SPDX-License-Identifier: Apache-2.0
// Any bytes as a model: read, rewritten and planned, they give a program or an Error.
#include "onnx/read_model.h"
#include "ops/op.h"
#include "passes/pass.h"
#include "plan/plan.h"
#include "plan/profile.h"
#include "protobuf_tree.h"

using namespace tercet;

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);

// Most mutations keep the file whole and the operators known.
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t most, unsigned seed) {
    static const std::vector<std::string> words = [] {
        std::vector<std::string> all{"", "x", "y", "N", "axis", "axes", "SAME_UPPER", "NOTSET", "VALID", "linear", "cubic", "nearest",
                                     "If", "Loop", "Scan", "then_branch", "else_branch", "body", "num_scan_inputs"};
        for (const OpDef* op : all_ops()) {
            all.emplace_back(op->name);
            for (const AttributeDef& a : op->attributes) all.emplace_back(a.name);
        }
        return all;
    }();
    auto message = seed % 8 == 0 ? std::nullopt : parse_protobuf({reinterpret_cast<const char*>(data), size});
    if (!message || message->empty()) return LLVMFuzzerMutate(data, size, most);
    std::minstd_rand random(seed);
    for (unsigned n = 0; n <= seed % 3; ++n) mutate(*message, random, words);
    const std::string mutated = text_of(*message);
    if (mutated.size() > most) return LLVMFuzzerMutate(data, size, most);
    std::ranges::copy(mutated, data);
    return mutated.size();
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
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
