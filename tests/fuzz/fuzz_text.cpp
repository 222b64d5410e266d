// SPDX-License-Identifier: Apache-2.0
// Any text as a graph: parsed, typed and printed, or an Error.
#include "graph/text.h"
#include "ops/op.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace tercet;
    const std::string text(reinterpret_cast<const char*>(data), size);
    try {
        Graph g = parse_text(text);
        print_text(g);
        infer_types(g);
        print_text(g, {.max_elements = 64, .types = true});
    } catch (const Error&) {
    }
    return 0;
}
