// SPDX-License-Identifier: Apache-2.0
// RNN, GRU, LSTM. For every sequence of the batch and every direction, over its steps t, the last one first in reverse; with
// X_k(t) = x[t] W_k' + Wb_k, H_k = h R_k' + Rb_k, all vectors of hidden_size, products element by element:
//     RNN   h = f(X + H)
//     GRU   z = f(X_z + H_z)   r = f(X_r + H_r)   n = g(X_n + (r h) R_n' + Rb_n), or g(X_n + r H_n) with linear_before_reset
//           h = (1 - z) n + z h
//     LSTM  i = f(X_i + H_i + P_i c)   f = f(X_f + H_f + P_f c), or 1 - i with input_forget   n = g(X_n + H_n)
//           c = f c + i n   o = f(X_o + H_o + P_o c)   h = o h(c)
// `clip` bounds what every activation is applied to, LSTM's h too (its state c stays as it is). Behind the end of a sequence, y is 0.
// Inputs: x [T, N, I], w [D, gates*H, I], r [D, gates*H, H], b [D, 2*gates*H] (w's, then r's), sequence_lens [N],
// initial_h [D, N, H], of LSTM initial_c [D, N, H] and p [D, 3*H]; gates in the orders z r n and i o f n, p's: i o f.
// Outputs: y [T, D, N, H], the last h [D, N, H], of LSTM the last c. With layout = 1, N is the first axis of all but w, r, b, p.
#include "ops/old_forms.h"
#include "ops/op.h"
#include "ops/require.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

namespace tercet {
namespace {

enum class Cell { rnn, gru, lstm };

constexpr int gates_of(Cell cell) { return cell == Cell::rnn ? 1 : cell == Cell::gru ? 3 : 4; }
constexpr int functions_of(Cell cell) { return cell == Cell::rnn ? 1 : cell == Cell::gru ? 2 : 3; }

// ---- activations

struct ActivationDef {
    std::string_view name;
    double (*value)(double x, double alpha, double beta);
    std::optional<float> alpha{}, beta{};  // what stands in where the model gives none; empty: not read, or needed
    int parameters = 0;
};

constexpr ActivationDef activation_defs[] = {
    {"Affine", [](double x, double a, double b) { return a * x + b; }, 1.0f, 0.0f, 2},
    {"Elu", [](double x, double a, double) { return x >= 0 ? x : a * std::expm1(x); }, 1.0f, {}, 1},
    {"HardSigmoid", [](double x, double a, double b) { return std::clamp(a * x + b, 0.0, 1.0); }, 0.2f, 0.5f, 2},
    {"LeakyRelu", [](double x, double a, double) { return x >= 0 ? x : a * x; }, 0.01f, {}, 1},
    {"Relu", [](double x, double, double) { return x < 0 ? 0 : x; }},
    {"ScaledTanh", [](double x, double a, double b) { return a * std::tanh(b * x); }, {}, {}, 2},
    {"Sigmoid", [](double x, double, double) { return 1 / (1 + std::exp(-x)); }},
    {"Softplus", [](double x, double, double) { return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x)); }},
    {"Softsign", [](double x, double, double) { return x / (1 + std::fabs(x)); }},
    {"Tanh", [](double x, double, double) { return std::tanh(x); }},
    {"ThresholdedRelu", [](double x, double a, double) { return x > a ? x : 0; }, 1.0f, {}, 1},
};

struct Activation {
    double (*value)(double x, double alpha, double beta) = nullptr;
    double alpha = 0, beta = 0, clip = HUGE_VAL;
    double operator()(double x) const { return value(std::clamp(x, -clip, clip), alpha, beta); }
};

// f, g, h of the first direction, then of the second. The lists of alphas and betas hold one for every function that has one.
std::array<Activation, 6> activations_of(const Attributes& a, Cell cell, int directions) {
    constexpr std::string_view missing[] = {"Sigmoid", "Tanh", "Tanh"};
    const auto* names = a.has("activations") ? std::get_if<std::vector<std::string>>(a.find("activations")) : nullptr;
    const auto per_direction = static_cast<std::size_t>(functions_of(cell)), count = per_direction * static_cast<std::size_t>(directions);
    if (names && !names->empty() && names->size() != count)
        throw Error({.what = fmt::format("has {} activations, needs {}", names->size(), count), .fix = "check the model with onnx.checker"});
    auto alphas = a.reals("activation_alpha"), betas = a.reals("activation_beta");
    const auto next = [](std::span<const float>& list, std::optional<float> otherwise, std::string_view name) {
        if (list.empty()) {
            if (!otherwise)
                throw Error({.what = fmt::format("activation {} without an activation_alpha and an activation_beta", name), .fix = "check the model with onnx.checker"});
            return static_cast<double>(*otherwise);
        }
        const double first = list.front();
        list = list.subspan(1);
        return first;
    };
    std::array<Activation, 6> all{};
    for (std::size_t i = 0; i < count; ++i) {
        const std::string_view name = names && !names->empty() ? std::string_view((*names)[i]) : cell == Cell::rnn ? "Tanh" : missing[i % per_direction];
        const auto def = std::ranges::find(activation_defs, name, &ActivationDef::name);
        if (def == std::end(activation_defs))
            throw Error({.what = fmt::format("unknown activation '{}'", name), .fix = "check the model with onnx.checker"});
        all[i].value = def->value;
        if (def->parameters > 0) all[i].alpha = next(alphas, def->alpha, name);
        if (def->parameters > 1) all[i].beta = next(betas, def->beta, name);
        if (a.has("clip")) all[i].clip = a.real("clip", 0);
    }
    return all;
}

// ---- types

int directions_of(const Attributes& a) {
    const std::string_view direction = a.text("direction", "forward");
    if (direction == "bidirectional") return 2;
    if (direction == "forward" || direction == "reverse") return 1;
    throw Error({.what = fmt::format("direction is '{}'", direction), .fix = "it is forward, reverse or bidirectional"});
}

template <Cell cell>
void infer(Inference& c) {
    const Attributes& a = c.attributes();
    require_float(c, 0);
    for (std::size_t i : {1, 2, 3, 5, 6, 7})
        if (i < c.in.size()) require_same_type(c, i);
    for (std::size_t i : {0, 1, 2}) require_rank(c, i, 3, 3);
    const std::int64_t layout = a.integer("layout", 0), size = a.integer("hidden_size", 1);
    if (layout != 0 && layout != 1) throw Error({.what = fmt::format("attribute 'layout' is {}", layout), .fix = "it is 0 or 1"});
    if (size < 1) throw Error({.what = fmt::format("attribute 'hidden_size' is {}", size), .fix = "it must be positive"});
    if (const float clip = a.real("clip", 1); !(clip > 0)) throw Error({.what = fmt::format("attribute 'clip' is {}", clip), .fix = "it must be positive"});
    const int directions = directions_of(a);
    activations_of(a, cell, directions);
    const Shape& x = c.shape(0);
    const Dim d = directions, gates = gates_of(cell), h = a.has("hidden_size") ? Dim(size) : c.shape(2)[2];
    const Dim &steps = x[layout == 1 ? 1 : 0], &batch = x[layout == 1 ? 0 : 1];
    const Shape state = layout == 1 ? Shape{batch, d, h} : Shape{d, batch, h};
    require_shape(c, 1, {d, gates * h, x[2]}, "w");
    require_shape(c, 2, {d, gates * h, h}, "r");
    require_shape(c, 3, {d, gates * h * Dim(2)}, "the bias");
    if (c.has(4) && c.dtype(4) != DType::i32)
        throw Error({.what = fmt::format("sequence_lens (input 4) are {}", name_of(c.dtype(4))), .fix = "they must be i32"});
    require_shape(c, 4, {batch}, "sequence_lens");
    require_shape(c, 5, state, "the initial state");
    require_shape(c, 6, state, "the initial cell state");
    require_shape(c, 7, {d, h * Dim(3)}, "the peepholes");
    c.set(0, c.dtype(0), layout == 1 ? Shape{batch, steps, d, h} : Shape{steps, d, batch, h});
    for (std::size_t i : {1, 2}) c.set(i, c.dtype(0), state);
}

// ---- execution

template <Cell cell>
std::size_t scratch_bytes(const Call& call) {  // h, c or r*h, and the gates
    return static_cast<std::size_t>(call.in[2].shape[2] * (2 + gates_of(cell))) * sizeof(double);
}

// The views of a call with N behind T and D, whatever its layout.
struct Layout {
    explicit Layout(const Call& call) : batch_first(call.attributes().integer("layout", 0) == 1) {}
    View x(const View& v) const { return batch_first ? v.permuted({1, 0, 2}) : v; }      // [T, N, I]
    View state(const View& v) const { return batch_first ? v.permuted({1, 0, 2}) : v; }  // [D, N, H]
    View y(const View& v) const { return batch_first ? v.permuted({1, 2, 0, 3}) : v; }   // [T, D, N, H]
    bool batch_first;
};

void check_shapes(const Call& call, Cell cell, const Layout& layout) {
    const Dims x = layout.x(call.in[0]).shape;
    const std::int64_t d = directions_of(call.attributes()), h = call.in[2].shape[2], rows = gates_of(cell) * h;
    const auto require = [&](std::size_t i, const Dims& shape, bool is_state) {
        if (call.has(i)) require_at_run((is_state ? layout.state(call.in[i]) : call.in[i]).shape == shape, "weights or states do not fit the input");
    };
    require(1, {d, rows, x[2]}, false);
    require(2, {d, rows, h}, false);
    require(3, {d, 2 * rows}, false);
    require(4, {x[1]}, false);
    require(5, {d, x[1], h}, true);
    require(6, {d, x[1], h}, true);
    require(7, {d, 3 * h}, false);
    if (call.wants(0)) require_at_run(call.out[0].shape.back() == h, "weights or states do not fit the input");
}

// One direction.
struct Direction {
    const Call& call;
    std::int64_t d, hidden, inputs;
    std::int64_t gates;
    std::span<const Activation> functions;
    double *h, *c, *gate;  // scratch: the state, LSTM's cell state, the gates one behind the other
    double* reset_h = c;   // GRU has no cell state

    // Row k*H + j of x W' + Wb; `x` is the offset of its first element.
    double from_input(const View& from, std::int64_t x, std::int64_t k, std::int64_t j) const {
        const View& w = call.in[1];
        const std::int64_t row = k * hidden + j, first = w.offset({d, row, 0});
        double sum = call.has(3) ? call.in[3].get({d, row}) : 0;
        for (std::int64_t i = 0; i < inputs; ++i) sum += from.get_at(x + i * from.strides[2]) * w.get_at(first + i * w.strides[2]);
        return sum;
    }
    // The same of state R' + Rb.
    double from_state(const double* state, std::int64_t k, std::int64_t j) const {
        const View& r = call.in[2];
        const std::int64_t row = k * hidden + j, first = r.offset({d, row, 0});
        double sum = call.has(3) ? call.in[3].get({d, gates * hidden + row}) : 0;
        for (std::int64_t i = 0; i < hidden; ++i) sum += state[i] * r.get_at(first + i * r.strides[2]);
        return sum;
    }
    double peephole(std::int64_t k, std::int64_t j) const { return call.has(7) ? call.in[7].get({d, k * hidden + j}) * c[j] : 0; }
    double& at(std::int64_t k, std::int64_t j) const { return gate[k * hidden + j]; }
};

void step_rnn(const Direction& s, const View& x, std::int64_t at) {
    for (std::int64_t j = 0; j < s.hidden; ++j) s.at(0, j) = s.functions[0](s.from_input(x, at, 0, j) + s.from_state(s.h, 0, j));
    std::copy_n(s.gate, s.hidden, s.h);
}

void step_gru(const Direction& s, const View& x, std::int64_t at) {
    for (std::int64_t k = 0; k < 2; ++k)
        for (std::int64_t j = 0; j < s.hidden; ++j) s.at(k, j) = s.functions[0](s.from_input(x, at, k, j) + s.from_state(s.h, k, j));
    const bool linear = s.call.attributes().integer("linear_before_reset", 0) != 0;
    for (std::int64_t j = 0; j < s.hidden; ++j) s.reset_h[j] = s.at(1, j) * s.h[j];
    for (std::int64_t j = 0; j < s.hidden; ++j) {
        const double recurrent = linear ? s.at(1, j) * s.from_state(s.h, 2, j) : s.from_state(s.reset_h, 2, j);
        s.at(2, j) = s.functions[1](s.from_input(x, at, 2, j) + recurrent);
    }
    for (std::int64_t j = 0; j < s.hidden; ++j) s.h[j] = (1 - s.at(0, j)) * s.at(2, j) + s.at(0, j) * s.h[j];
}

void step_lstm(const Direction& s, const View& x, std::int64_t at) {
    enum { in, out, forget, fresh };
    for (std::int64_t k = 0; k < 4; ++k)
        for (std::int64_t j = 0; j < s.hidden; ++j) s.at(k, j) = s.from_input(x, at, k, j) + s.from_state(s.h, k, j);
    const bool coupled = s.call.attributes().integer("input_forget", 0) != 0;
    const Activation &f = s.functions[0], &g = s.functions[1], &h = s.functions[2];
    for (std::int64_t j = 0; j < s.hidden; ++j) {
        const double i = f(s.at(in, j) + s.peephole(0, j));
        const double kept = coupled ? 1 - i : f(s.at(forget, j) + s.peephole(2, j));
        s.c[j] = kept * s.c[j] + i * g(s.at(fresh, j));
        s.h[j] = f(s.at(out, j) + s.peephole(1, j)) * h(s.c[j]);
    }
}

template <Cell cell>
void reference(const Call& call) {
    const Layout layout(call);
    check_shapes(call, cell, layout);
    const std::string_view direction = call.attributes().text("direction", "forward");
    const int directions = directions_of(call.attributes());
    const auto functions = activations_of(call.attributes(), cell, directions);
    const View x = layout.x(call.in[0]);
    const std::int64_t steps = x.shape[0], hidden = call.in[2].shape[2];
    auto* scratch = reinterpret_cast<double*>(call.scratch.data());
    for (std::int64_t d = 0; d < directions; ++d) {
        const Direction s{.call = call, .d = d, .hidden = hidden, .inputs = x.shape[2], .gates = gates_of(cell),
                          .functions = std::span(functions).subspan(static_cast<std::size_t>(d * functions_of(cell))),
                          .h = scratch, .c = scratch + hidden, .gate = scratch + 2 * hidden};
        const bool backwards = direction == "reverse" || d == 1;
        for (std::int64_t n = 0; n < x.shape[1]; ++n) {
            for (std::int64_t j = 0; j < hidden; ++j) {
                s.h[j] = call.has(5) ? layout.state(call.in[5]).get({d, n, j}) : 0;
                s.c[j] = call.has(6) ? layout.state(call.in[6]).get({d, n, j}) : 0;
            }
            const std::int64_t length = call.has(4) ? call.in[4].get_int({n}) : steps;
            require_at_run(length >= 0 && length <= steps, "a sequence is longer than the input has steps");
            for (std::int64_t k = 0; k < steps; ++k) {
                const std::int64_t t = backwards && k < length ? length - 1 - k : k;
                if (k < length) {
                    if constexpr (cell == Cell::rnn) step_rnn(s, x, x.offset({t, n, 0}));
                    else if constexpr (cell == Cell::gru) step_gru(s, x, x.offset({t, n, 0}));
                    else step_lstm(s, x, x.offset({t, n, 0}));
                }
                if (call.wants(0))
                    for (std::int64_t j = 0; j < hidden; ++j) layout.y(call.out[0]).set({t, d, n, j}, k < length ? s.h[j] : 0);
            }
            for (std::int64_t j = 0; j < hidden; ++j) {
                if (call.wants(1)) layout.state(call.out[1]).set({d, n, j}, s.h[j]);
                if (call.wants(2)) layout.state(call.out[2]).set({d, n, j}, s.c[j]);
            }
        }
    }
}

// It said whether y was wanted; the output itself does.
void drop_output_sequence(Graph& g, NodeId id) { take_integer(g, id, "output_sequence"); }

template <Cell cell>
OpDef def(std::string_view name, std::vector<OpVersion> versions, Count inputs, Count outputs, AttributeDef own) {
    OpDef d{.name = name, .versions = std::move(versions), .inputs = inputs, .outputs = outputs,
            .attributes = {{"activation_alpha", AttributeKind::reals}, {"activation_beta", AttributeKind::reals}, {"activations", AttributeKind::texts},
                           {"clip", AttributeKind::real}, {"direction", AttributeKind::text}, {"hidden_size", AttributeKind::integer},
                           {"layout", AttributeKind::integer}},
            .infer = infer<cell>, .reference = reference<cell>, .scratch_bytes = scratch_bytes<cell>};
    if (!own.name.empty()) d.attributes.push_back(own);
    return d;
}

const OpVersion v7{7, drop_output_sequence};
const RegisteredOp rnn{def<Cell::rnn>("RNN", {{1}, v7, {14}, {22}}, {3, 6}, {0, 2}, {})};
const RegisteredOp gru{def<Cell::gru>("GRU", {{1}, {3}, v7, {14}, {22}}, {3, 6}, {0, 2}, {"linear_before_reset", AttributeKind::integer})};
const RegisteredOp lstm{def<Cell::lstm>("LSTM", {{1}, v7, {14}, {22}}, {3, 8}, {0, 3}, {"input_forget", AttributeKind::integer})};

}  // namespace
}  // namespace tercet
