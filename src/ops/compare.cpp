// SPDX-License-Identifier: Apache-2.0
// Comparisons and logic: inputs broadcast together, y is bool. Where: y = condition ? a : b, of any type.
#include "ops/elementwise.h"
#include "ops/extents.h"
#include "ops/old_forms.h"

#include <cmath>
#include <functional>

namespace tercet {
namespace {

bool is_element(DType t) { return computes(t); }

// Whether two sizes, not negative, are equal, where that can be told.
std::optional<Dim> equal(const Dim& a, const Dim& b) {
    const Dim d = a - b;
    if (const auto c = d.constant()) return Dim(*c == 0);
    return at_least(d, 1) || at_least(Dim(0) - d, 1) ? std::optional(Dim(0)) : std::nullopt;
}

void infer_compare(Inference& c) {
    check_dtype(c, 0, is_number);
    common_dtype(c);
    set_broadcast(c, DType::boolean);
}

// The exporters' way to fill in -1 of a shape is Where(Equal(shape, -1), ...), so equality is followed.
void infer_equal(Inference& c) {
    check_dtype(c, 0, is_element);
    common_dtype(c);
    set_broadcast(c, DType::boolean);
    if (c.out[0].shape.size() > 1) return;
    const auto a = known_elements(c, 0), b = known_elements(c, 1);
    if (!a || !b || a->empty() || b->empty()) return;
    std::vector<std::optional<Dim>> result;
    for (std::size_t i = 0; i < std::max(a->size(), b->size()); ++i) {
        try {
            result.push_back(equal((*a)[a->size() == 1 ? 0 : i], (*b)[b->size() == 1 ? 0 : i]));
        } catch (const Error&) {
            result.emplace_back();  // the difference is beyond 64 bits
        }
    }
    set_elements(c, result);
}

template <class F>
void compare(const Call& c) {
    test_elements(std::array{c.in[0], c.in[1]}, c.out[0], F{});
}

void infer_logic(Inference& c) {
    check_dtype(c, 0, is_boolean);
    common_dtype(c);
    set_broadcast(c, DType::boolean);
}

template <class F>
void logic(const Call& c) {
    test_elements(std::array{c.in[0], c.in[1]}, c.out[0], [](auto a, auto b) { return F{}(a != 0, b != 0); });
}

void logical_not(const Call& c) {
    test_elements(std::array{c.in[0]}, c.out[0], [](auto a) { return a == 0; });
}

void infer_where(Inference& c) {
    check_dtype(c, 0, is_boolean);
    check_dtype(c, 1, is_element);
    set_broadcast(c, common_dtype(c, 1));
    if (!is_integer(c.dtype(1)) || c.out[0].shape.size() > 1) return;
    const std::optional<std::vector<Dim>> in[] = {known_elements(c, 0), known_elements(c, 1), known_elements(c, 2)};
    std::size_t n = 1;
    for (const auto& x : in) {
        if (!x || x->empty()) return;
        n = std::max(n, x->size());
    }
    std::vector<std::optional<Dim>> result;
    for (std::size_t i = 0; i < n; ++i) {
        const auto at = [&](const std::vector<Dim>& x) { return x[x.size() == 1 ? 0 : i]; };
        const auto chosen = at(*in[0]).constant();
        const Dim a = at(*in[1]), b = at(*in[2]);
        result.push_back(chosen ? std::optional(*chosen != 0 ? a : b) : a == b ? std::optional(a) : std::nullopt);
    }
    set_elements(c, result);
}

void where(const Call& c) {
    const View &condition = c.in[0], &a = c.in[1], &b = c.in[2], &y = c.out[0];
    const std::size_t bytes = y.element_bytes();
    for_each_offset(y.shape, std::array{condition, a, b, y}, [&](const std::array<std::int64_t, 4>& o) {
        const bool first = load<std::uint8_t>(condition.address(o[0])) != 0;
        std::memcpy(y.address(o[3]), first ? a.address(o[1]) : b.address(o[2]), bytes);
    });
}

void infer_float_test(Inference& c) {
    check_dtype(c, 0, is_float);
    c.set(0, DType::boolean, c.shape(0));
}

void is_nan(const Call& c) {
    test_elements(std::array{c.in[0]}, c.out[0], [](auto a) { return a != a; });
}

void is_inf(const Call& c) {
    const bool negative = c.attributes().integer("detect_negative", 1) != 0, positive = c.attributes().integer("detect_positive", 1) != 0;
    test_elements(std::array{c.in[0]}, c.out[0], [&](auto a) {
        const auto x = static_cast<double>(a);
        return std::isinf(x) && (x > 0 ? positive : negative);
    });
}

const RegisteredOp equal_op{{.name = "Equal", .versions = {{1}, {7, align_second_input}, {11}, {13}, {19}}, .inputs = {2, 2}, .infer = infer_equal,
                             .reference = compare<std::equal_to<>>}};
const RegisteredOp less_op{{.name = "Less", .versions = {{1}, {7, align_second_input}, {9}, {13}}, .inputs = {2, 2}, .infer = infer_compare,
                            .reference = compare<std::less<>>}};
const RegisteredOp less_equal_op{{.name = "LessOrEqual", .versions = {{12}, {16}}, .inputs = {2, 2}, .infer = infer_compare,
                                  .reference = compare<std::less_equal<>>}};
const RegisteredOp greater_op{{.name = "Greater", .versions = {{1}, {7, align_second_input}, {9}, {13}}, .inputs = {2, 2}, .infer = infer_compare,
                               .reference = compare<std::greater<>>}};
const RegisteredOp greater_equal_op{{.name = "GreaterOrEqual", .versions = {{12}, {16}}, .inputs = {2, 2}, .infer = infer_compare,
                                     .reference = compare<std::greater_equal<>>}};
const RegisteredOp and_op{{.name = "And", .versions = {{1}, {7, align_second_input}}, .inputs = {2, 2}, .infer = infer_logic,
                           .reference = logic<std::logical_and<>>}};
const RegisteredOp or_op{{.name = "Or", .versions = {{1}, {7, align_second_input}}, .inputs = {2, 2}, .infer = infer_logic,
                           .reference = logic<std::logical_or<>>}};
const RegisteredOp xor_op{{.name = "Xor", .versions = {{1}, {7, align_second_input}}, .inputs = {2, 2}, .infer = infer_logic,
                           .reference = logic<std::not_equal_to<>>}};
const RegisteredOp not_op{{.name = "Not", .versions = {{1}}, .infer = infer_logic, .reference = logical_not}};
const RegisteredOp where_op{{.name = "Where", .versions = {{9}, {16}}, .inputs = {3, 3}, .infer = infer_where, .reference = where}};
const RegisteredOp is_nan_op{{.name = "IsNaN", .versions = {{9}, {13}, {20}}, .infer = infer_float_test, .reference = is_nan}};
const RegisteredOp is_inf_op{{.name = "IsInf", .versions = {{10}, {20}},
                              .attributes = {{"detect_negative", AttributeKind::integer}, {"detect_positive", AttributeKind::integer}},
                              .infer = infer_float_test, .reference = is_inf}};

}  // namespace
}  // namespace tercet
