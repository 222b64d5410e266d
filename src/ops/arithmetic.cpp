// SPDX-License-Identifier: Apache-2.0
// Arithmetic that is no plain scalar function: Pow (the exponent has a type of its own), Mean, Mod, shifts and bits.
#include "ops/elementwise.h"
#include "ops/old_forms.h"

#include <fmt/format.h>

#include <cmath>
#include <functional>

namespace tercet {
namespace {

void infer_pow(Inference& c) {
    check_dtype(c, 0, is_number);
    check_dtype(c, 1, is_number);
    set_broadcast(c, c.dtype(0));
}

// a^n modulo 2^64; a negative power of an integer is a fraction, which is truncated.
template <class W>
W power(W a, std::uint64_t n, bool negative) {
    if (negative) {
        if (a == 1) return 1;
        return std::is_signed_v<W> && a == static_cast<W>(-1) ? (n % 2 ? a : W{1}) : W{0};
    }
    W r = 1;
    for (; n > 0; n >>= 1, a = wrap_mul(a, a))
        if (n & 1) r = wrap_mul(r, a);
    return r;
}

void pow(const Call& c) {
    const View &a = c.in[0], &b = c.in[1], &y = c.out[0];
    with_type(y.dtype, [&]<class T>(TypeTag<T>) {
        with_type(b.dtype, [&]<class E>(TypeTag<E>) {
            for_each_offset(y.shape, std::array{a, b, y}, [&](const std::array<std::int64_t, 3>& o) {
                const auto x = load_at<T>(a, o[0]);
                const auto e = load_at<E>(b, o[1]);
                if constexpr (!std::is_integral_v<T>) {
                    store_at<T>(y, o[2], std::pow(x, static_cast<double>(e)));
                } else if constexpr (std::is_integral_v<E>) {
                    const bool negative = std::is_signed_v<E> && e < 0;
                    store_at<T>(y, o[2], power(x, negative ? 0 - static_cast<std::uint64_t>(e) : static_cast<std::uint64_t>(e), negative));
                } else {
                    store<T>(y.address(o[2]), to_element<T>(std::pow(static_cast<double>(x), e)));
                }
            });
        });
    });
}

void infer_mean(Inference& c) {
    check_dtype(c, 0, is_float);
    set_broadcast(c, common_dtype(c));
}

void mean(const Call& c) {
    const Dims& shape = c.out[0].shape;
    for (const View& x : c.in) checked_broadcast(x, shape, "an input does not broadcast to the shape of the output");
    for (const Dims& index : indices(shape)) {
        double sum = 0;
        for (const View& x : c.in) sum += x.broadcast_to(shape).get(index);
        c.out[0].set(index, sum / static_cast<double>(c.in.size()));
    }
}

void infer_mod(Inference& c) {
    check_dtype(c, 0, is_number);
    set_broadcast(c, common_dtype(c));
    if (c.attributes().integer("fmod", 0) == 0)
        follow_contents(c, [](const Dim& a, const Dim& b) -> std::optional<Dim> {
            const auto divisor = b.constant();
            if ((divisor && *divisor <= 0) || is_open(b)) return std::nullopt;
            return a - floor_div(a, b) * b;
        });
}

// With the divisor's sign, as Python's %, or with the dividend's (fmod = 1).
void mod(const Call& c) {
    const bool truncated = c.attributes().integer("fmod", 0) != 0;
    map_elements(std::array{c.in[0], c.in[1]}, c.out[0], [&]<class W>(W a, W b) {
        if constexpr (std::is_integral_v<W>) {
            const W r = wrap_rem(a, b);
            return !truncated && r != 0 && (r < 0) != (b < 0) ? r + b : r;
        } else {
            const double r = std::fmod(a, b);
            if (truncated) return r;
            if (r == 0) return std::copysign(0.0, b);
            return (r < 0) != (b < 0) ? r + b : r;
        }
    });
}

void infer_bits(Inference& c) {
    check_dtype(c, 0, is_integer);
    set_broadcast(c, common_dtype(c));
}

void infer_shift(Inference& c) {
    if (const auto d = c.attributes().text("direction", ""); d != "LEFT" && d != "RIGHT")
        throw Error({.what = fmt::format("direction is '{}'", d), .fix = "it must be 'LEFT' or 'RIGHT'"});
    infer_bits(c);
}

// Right shifts keep the sign; an amount outside the type's bits leaves nothing but it.
void shift(const Call& c) {
    const bool left = c.attributes().text("direction", "") == "LEFT";
    const int bits = bits_of(c.out[0].dtype);
    map_elements(std::array{c.in[0], c.in[1]}, c.out[0], [&]<class W>(W a, W b) -> W {
        if constexpr (!std::is_integral_v<W>) {
            return a;
        } else {
            const bool beyond = b < 0 || b >= static_cast<W>(bits);
            if (left) return beyond ? W{0} : static_cast<W>(static_cast<std::uint64_t>(a) << b);
            if (!beyond) return static_cast<W>(a >> b);
            return std::is_signed_v<W> && a < 0 ? static_cast<W>(-1) : W{0};
        }
    });
}

template <class F>
void map_bits(const Call& c) {
    const auto f = []<class W>(W a, W b) {
        if constexpr (std::is_integral_v<W>) return static_cast<W>(F{}(a, b));
        else return a;
    };
    map_elements(std::array{c.in[0], c.in[1]}, c.out[0], f);
}

void bit_not(const Call& c) {
    map_elements(std::array{c.in[0]}, c.out[0], []<class W>(W a) {
        if constexpr (std::is_integral_v<W>) return static_cast<W>(~a);
        else return a;
    });
}

const RegisteredOp pow_op{{.name = "Pow", .versions = {{1}, {7, align_second_input}, {12}, {13}, {15}}, .inputs = {2, 2}, .infer = infer_pow,
                           .reference = pow}};
const RegisteredOp mean_op{{.name = "Mean", .versions = {{1}, {6, drop_consumed_inputs}, {8}, {13}}, .inputs = {1, unlimited}, .infer = infer_mean,
                            .reference = mean}};
const RegisteredOp mod_op{{.name = "Mod", .versions = {{10}, {13}, {28}}, .inputs = {2, 2}, .attributes = {{"fmod", AttributeKind::integer}},
                           .infer = infer_mod, .reference = mod}};
const RegisteredOp shift_op{{.name = "BitShift", .versions = {{11}, {28}}, .inputs = {2, 2},
                             .attributes = {{"direction", AttributeKind::text, true}}, .infer = infer_shift, .reference = shift}};
const RegisteredOp and_op{{.name = "BitwiseAnd", .versions = {{18}}, .inputs = {2, 2}, .infer = infer_bits, .reference = map_bits<std::bit_and<>>}};
const RegisteredOp or_op{{.name = "BitwiseOr", .versions = {{18}}, .inputs = {2, 2}, .infer = infer_bits, .reference = map_bits<std::bit_or<>>}};
const RegisteredOp xor_op{{.name = "BitwiseXor", .versions = {{18}}, .inputs = {2, 2}, .infer = infer_bits, .reference = map_bits<std::bit_xor<>>}};
const RegisteredOp not_op{{.name = "BitwiseNot", .versions = {{18}}, .infer = infer_bits, .reference = bit_not}};

}  // namespace
}  // namespace tercet
