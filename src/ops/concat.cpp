// SPDX-License-Identifier: Apache-2.0
// y = the inputs one behind the other along `axis`; all other extents are equal.
#include "ops/extents.h"
#include "ops/moves.h"
#include "ops/require.h"

#include <fmt/format.h>

namespace tercet {
namespace {

void infer(Inference& c) {
    Shape y = c.shape(0);
    const auto axis = static_cast<std::size_t>(checked_axis(c.attributes().integer("axis", 0), c.rank(0)));
    std::optional<std::vector<Dim>> content = small_content(c, 0);
    for (std::size_t k = 1; k < c.in.size(); ++k) {
        if (!c.has(k)) throw Error({.what = fmt::format("input {} is left out", k), .fix = "check the model with onnx.checker"});
        const Shape& x = c.shape(k);
        if (x.size() != y.size() || c.dtype(k) != c.dtype(0))
            throw Error({.what = fmt::format("inputs 0 and {} are {} and {}", k, text_of(c.in[0].type), text_of(c.in[k].type)),
                         .fix = "they must have the same type and rank"});
        for (std::size_t i = 0; i < x.size(); ++i) {
            if (i == axis) y[i] = y[i] + x[i];
            else unify(y[i], x[i], fmt::format("inputs 0 and {} differ in axis {}", k, i));
        }
        const auto more = small_content(c, k);
        if (content && more) content->insert(content->end(), more->begin(), more->end());
        else content.reset();
    }
    give(c, 0, c.dtype(0), y);
    note_content(c, 0, std::move(content));
}

void reference(const Call& call) {
    const View& y = call.out[0];
    const int axis = checked_axis(call.attributes().integer("axis", 0), y.rank());
    std::int64_t first = 0;
    for (const View& x : call.in) {
        View part = y;
        part.shape[axis] = x.shape[axis];
        require_at_run(x.shape == part.shape && first + x.shape[axis] <= y.shape[axis], "the inputs' shapes do not fit together");
        part.data = y.address(first * y.strides[axis]);
        copy_view(x, part);
        first += part.shape[axis];
    }
}

void upgrade_4(Graph& g, NodeId id) {  // where the axis became a required attribute
    if (!g.attributes(id).has("axis")) g.attributes(id).set("axis", std::int64_t{1});
}

const RegisteredOp concat{{.name = "Concat", .versions = {{1}, {4, upgrade_4}, {11}, {13}}, .inputs = {1, unlimited},
                           .attributes = {{"axis", AttributeKind::integer, true}}, .infer = infer, .reference = reference}};

}  // namespace
}  // namespace tercet
