// SPDX-License-Identifier: Apache-2.0
#include "ops/elementwise.h"

#include "ops/extents.h"

#include <fmt/format.h>

namespace tercet {
namespace {

constexpr std::size_t most_followed = 64;

bool holds(DType t, const Dim& d) {
    const auto v = d.constant();
    return !v || with_type(t, [&]<class T>(TypeTag<T>) {
        if constexpr (std::is_integral_v<T>) return std::in_range<T>(*v);
        else return false;
    });
}

}  // namespace

bool is_number(DType t) { return is_float(t) || is_integer(t); }
bool is_boolean(DType t) { return t == DType::boolean; }

void check_dtype(const Inference& c, std::size_t i, bool (*allowed)(DType)) {
    if (!allowed(c.dtype(i)))
        throw Error({.what = fmt::format("unsupported: {} of {} (input {})", c.node.op, name_of(c.dtype(i)), i),
                     .fix = "cast it to another type in the export"});
}

DType common_dtype(const Inference& c, std::size_t first) {
    for (std::size_t i = first + 1; i < c.in.size(); ++i)
        if (c.dtype(i) != c.dtype(first))
            throw Error({.what = fmt::format("inputs {} and {} have different types, {} and {}", first, i, name_of(c.dtype(first)),
                                             name_of(c.dtype(i))),
                         .fix = "check the model with onnx.checker"});
    return c.dtype(first);
}

void set_broadcast(Inference& c, DType dtype) {
    Shape s = c.shape(0);
    for (std::size_t i = 1; i < c.in.size(); ++i) s = broadcast(s, c.shape(i));
    give(c, 0, dtype, std::move(s));
}

std::optional<std::vector<Dim>> known_elements(const Inference& c, std::size_t i) {
    const auto& known = c.in[i];
    if (known.content) return known.content->size() <= most_followed ? std::optional(*known.content) : std::nullopt;
    if (!known.constant) return c.content(i);
    if (known.constant->count() > static_cast<std::int64_t>(most_followed)) return std::nullopt;
    if (!is_integer(known.type.dtype) && !is_boolean(known.type.dtype)) return std::nullopt;
    std::vector<Dim> dims;
    for (std::int64_t v : known.constant->to_ints()) dims.emplace_back(v);
    return dims;
}

void set_elements(Inference& c, const std::vector<std::optional<Dim>>& elements) {
    std::vector<Dim> content;
    for (const auto& e : elements) content.push_back(e ? *e : c.open_output(0, content.size()));
    c.set_content(0, std::move(content));
}

void follow_contents(Inference& c, Follow f) {
    if (!is_integer(c.out[0].dtype) || c.out[0].shape.size() > 1) return;
    std::vector<std::optional<Dim>> result;  // empty: open
    for (std::size_t i = 0; i < c.in.size(); ++i) {
        const auto content = known_elements(c, i);
        if (!content || content->empty()) return;
        if (i == 0) {
            result.assign(content->begin(), content->end());
            continue;
        }
        if (result.size() == 1) result.resize(content->size(), result[0]);
        if (content->size() != 1 && content->size() != result.size()) return;
        for (std::size_t k = 0; k < result.size(); ++k) {
            if (!result[k]) continue;
            try {
                result[k] = f(*result[k], (*content)[content->size() == 1 ? 0 : k]);
            } catch (const Error&) {  // beyond 64 bits, or too long an expression: only a use as a size would make it a fault
                result[k].reset();
            }
            if (result[k] && !holds(c.out[0].dtype, *result[k])) result[k].reset();
        }
    }
    set_elements(c, result);
}

}  // namespace tercet
