// SPDX-License-Identifier: Apache-2.0
// Select  y = condition ? a : b   for one bool and two values of one type and shape: what an If gives whose condition only the
// run decides. Both are computed by then; Where, which chooses element by element, would read both.
#include "ops/extents.h"
#include "ops/moves.h"
#include "ops/require.h"

#include <fmt/format.h>

#include <algorithm>

namespace tercet {
namespace {

void infer(Inference& c) {
    const Type &condition = c.in[0].type, &a = c.in[1].type, &b = c.in[2].type;
    if (condition.dtype != DType::boolean || std::ranges::any_of(condition.shape, [](const Dim& d) { return d != Dim(1); }))
        throw Error({.what = fmt::format("the condition is {}, should be one bool", text_of(condition)), .fix = "check the model with onnx.checker"});
    if (!computes(a.dtype)) throw Error({.what = fmt::format("unsupported: a choice of {}", text_of(a)), .fix = "export the model with numbers there"});
    if (a != b)
        throw Error({.what = fmt::format("what is chosen is {} in one case and {} in the other, has to be of one type and shape", text_of(a), text_of(b)),
                     .fix = "make the shapes equal in the export"});
    c.set(0, a.dtype, a.shape);
    if (c.in[0].constant) {
        note_content(c, 0, small_content(c, c.in[0].constant->get(0) != 0 ? 1 : 2));
    } else if (const auto x = small_content(c, 1), y = small_content(c, 2); x && y) {
        std::vector<Dim> either;
        for (std::size_t k = 0; k < x->size(); ++k) either.push_back((*x)[k] == (*y)[k] ? (*x)[k] : c.open_output(0, k));
        note_content(c, 0, std::move(either));
    }
}

// Two values of one symbolic shape may still differ where a symbol was only assumed to be the same.
void reference(const Call& c) {
    const View& chosen = c.in[c.in[0].get_int_at(0) != 0 ? 1 : 2];
    require_at_run(std::ranges::equal(chosen.shape, c.out[0].shape), "what is chosen has another shape than expected");
    copy_view(chosen, c.out[0]);
}

const RegisteredOp select_op{{.name = "Select", .domain = "tercet", .versions = {{1}}, .inputs = {3, 3}, .infer = infer, .reference = reference}};

}  // namespace
}  // namespace tercet
