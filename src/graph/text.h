// SPDX-License-Identifier: Apache-2.0
// The graph as text, near ONNX's own textual syntax (onnx/docs/Syntax.md), with symbolic extents and fused nodes:
//
//     (f32[N,2,5,5] x) => (f32[N,3,3,3] y) {
//         c = Conv<pads = [1, 1, 1, 1]>(x, random[3,2,3,3], f32[3]{0, 0.5, 1})
//         [act] y = Relu(c)
//     }
//
// A name that is no identifier stands in double quotes; `_` alone is an optional input or output left out. A graph output
// whose value has another name is written `f32[N] y = value`. Constants stand where they are used: `f32[2]{1, 2}`,
// `i64{3}`, `random[3,2]` (normal distribution), `random i8[3,2]` (of that type), `positive[3]` (0.5 to 1.5), both f32 and the same at every parse, and
// `const[3,2]`, for constants whose elements do not matter. `# ...` is a comment.
#pragma once

#include "graph/graph.h"

#include <string>
#include <string_view>

namespace tercet {

struct TextOptions {
    std::int64_t max_elements = 8;  // constants with more are written `const[...]`; negative: all are written out
    bool elide_floats = false;      // all floating constants as `const[...]`: what tests of rewrites compare
    bool types = false;             // every node's output types behind it, as a comment
};

std::string print_text(const Graph&, const TextOptions& = {});

/// Error that names line and column. The types of values that nodes compute are left undefined: see infer_types.
Graph parse_text(std::string_view text);

/// One tensor or type literal, as in the graph's text: "f32[2]{1, 2}", "f32[N,3]".
Tensor parse_tensor(std::string_view text);
Type parse_type(std::string_view text);

}  // namespace tercet
