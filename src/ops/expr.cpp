// SPDX-License-Identifier: Apache-2.0
#include "ops/expr.h"

#include "ops/canonical.h"
#include "tercet/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numbers>

namespace tercet {
namespace {

constexpr double nan_v = std::numeric_limits<double>::quiet_NaN();

// Comparisons are written so that a NaN argument comes out as NaN, as numpy's maximum and minimum have it.
constexpr double greater(double a, double b) { return a != a || b != b ? nan_v : a > b ? a : b; }
constexpr double lesser(double a, double b) { return a != a || b != b ? nan_v : a < b ? a : b; }
double sigmoid(double x) { return x >= 0 ? 1 / (1 + std::exp(-x)) : std::exp(x) / (1 + std::exp(x)); }
double softplus(double x) { return greater(x, 0) + std::log1p(std::exp(-std::fabs(x))); }
double hard_sigmoid(double x, double alpha, double beta) { return greater(0, lesser(1, alpha * x + beta)); }

// clang-format off
constexpr std::array functions{
    ScalarFunction{"abs", 1, [](double x, double, double) { return std::fabs(x); }},
    ScalarFunction{"acos", 1, [](double x, double, double) { return std::acos(x); }},
    ScalarFunction{"acosh", 1, [](double x, double, double) { return std::acosh(x); }},
    ScalarFunction{"add", 2, [](double a, double b, double) { return a + b; }},
    ScalarFunction{"asin", 1, [](double x, double, double) { return std::asin(x); }},
    ScalarFunction{"asinh", 1, [](double x, double, double) { return std::asinh(x); }},
    ScalarFunction{"atan", 1, [](double x, double, double) { return std::atan(x); }},
    ScalarFunction{"atanh", 1, [](double x, double, double) { return std::atanh(x); }},
    ScalarFunction{"ceil", 1, [](double x, double, double) { return std::ceil(x); }},
    ScalarFunction{"celu", 2, [](double x, double a, double) { return greater(0, x) + lesser(0, a * std::expm1(x / a)); }, [](float x, float a, float) { return canonical::celu(x, a); }},
    ScalarFunction{"clip", 3, [](double x, double lo, double hi) { return lesser(greater(x, lo), hi); }},
    ScalarFunction{"cos", 1, [](double x, double, double) { return std::cos(x); }},
    ScalarFunction{"cosh", 1, [](double x, double, double) { return std::cosh(x); }},
    ScalarFunction{"div", 2, [](double a, double b, double) { return a / b; }},
    ScalarFunction{"elu", 2, [](double x, double a, double) { return x < 0 ? a * std::expm1(x) : x; }, [](float x, float a, float) { return canonical::elu(x, a); }},
    ScalarFunction{"erf", 1, [](double x, double, double) { return std::erf(x); }, [](float x, float, float) { return canonical::erf(x); }},
    ScalarFunction{"exp", 1, [](double x, double, double) { return std::exp(x); }, [](float x, float, float) { return canonical::exp(x); }},
    ScalarFunction{"floor", 1, [](double x, double, double) { return std::floor(x); }},
    ScalarFunction{"gelu", 1, [](double x, double, double) { return 0.5 * x * std::erfc(-x / std::numbers::sqrt2); }, [](float x, float, float) { return canonical::gelu(x); }},
    ScalarFunction{"hard_sigmoid", 3, [](double x, double a, double b) { return hard_sigmoid(x, a, b); }, [](float x, float a, float b) { return canonical::hard_sigmoid(x, a, b); }},
    ScalarFunction{"hard_swish", 1, [](double x, double, double) { return x * hard_sigmoid(x, 1.0 / 6, 0.5); }, [](float x, float, float) { return canonical::hard_swish(x); }},
    ScalarFunction{"leaky_relu", 2, [](double x, double a, double) { return x < 0 ? a * x : x; }},
    ScalarFunction{"log", 1, [](double x, double, double) { return std::log(x); }, [](float x, float, float) { return canonical::log(x); }},
    ScalarFunction{"max", 2, [](double a, double b, double) { return greater(a, b); }},
    ScalarFunction{"min", 2, [](double a, double b, double) { return lesser(a, b); }},
    ScalarFunction{"mish", 1, [](double x, double, double) { return x * std::tanh(softplus(x)); }, [](float x, float, float) { return canonical::mish(x); }},
    ScalarFunction{"mul", 2, [](double a, double b, double) { return a * b; }},
    ScalarFunction{"neg", 1, [](double x, double, double) { return -x; }},
    ScalarFunction{"pow", 2, [](double a, double b, double) { return std::pow(a, b); }},
    ScalarFunction{"reciprocal", 1, [](double x, double, double) { return 1 / x; }},
    ScalarFunction{"relu", 1, [](double x, double, double) { return x < 0 ? 0 : x; }},
    ScalarFunction{"round", 1, [](double x, double, double) { return std::nearbyint(x); }},
    ScalarFunction{"round_bf16", 1, [](double x, double, double) { return static_cast<double>(BFloat16(x)); }},
    ScalarFunction{"round_f16", 1, [](double x, double, double) { return static_cast<double>(Float16(x)); }},
    ScalarFunction{"selu", 3, [](double x, double a, double g) { return g * (x > 0 ? x : a * std::expm1(x)); }, [](float x, float a, float b) { return canonical::selu(x, a, b); }},
    ScalarFunction{"sigmoid", 1, [](double x, double, double) { return sigmoid(x); }, [](float x, float, float) { return canonical::sigmoid(x); }},
    ScalarFunction{"sign", 1, [](double x, double, double) { return x > 0 ? 1.0 : x < 0 ? -1.0 : x; }},
    ScalarFunction{"sin", 1, [](double x, double, double) { return std::sin(x); }},
    ScalarFunction{"sinh", 1, [](double x, double, double) { return std::sinh(x); }},
    ScalarFunction{"softplus", 1, [](double x, double, double) { return softplus(x); }, [](float x, float, float) { return canonical::softplus(x); }},
    ScalarFunction{"softsign", 1, [](double x, double, double) { return x / (1 + std::fabs(x)); }, [](float x, float, float) { return canonical::softsign(x); }},
    ScalarFunction{"sqrt", 1, [](double x, double, double) { return std::sqrt(x); }},
    ScalarFunction{"sub", 2, [](double a, double b, double) { return a - b; }},
    ScalarFunction{"tan", 1, [](double x, double, double) { return std::tan(x); }},
    ScalarFunction{"tanh", 1, [](double x, double, double) { return std::tanh(x); }, [](float x, float, float) { return canonical::tanh(x); }},
    ScalarFunction{"thresholded_relu", 2, [](double x, double a, double) { return x > a ? x : 0; }},
};
// clang-format on
static_assert(std::ranges::is_sorted(functions, {}, &ScalarFunction::name));

using Operand = Expr::Operand;

// expr := "x" digits | number | name "(" expr {"," expr} ")"
class Parser {
public:
    explicit Parser(std::string_view text) : text_(text) {}
    Operand operand(auto&& add_instruction, int depth = 0) {
        if (depth > Expr::max_instructions) fail("is nested too deeply");
        skip();
        const char c = peek();
        if (c == 'x' && at_ + 1 < text_.size() && text_[at_ + 1] >= '0' && text_[at_ + 1] <= '9') {
            const char digit = text_[at_ + 1];
            at_ += 2;
            if (digit - '0' >= Expr::max_inputs) fail("reads too many inputs");
            return {.kind = Operand::Kind::input, .index = digit - '0'};
        }
        double number = 0;
        if (const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), number); error == std::errc()) {
            at_ = static_cast<std::size_t>(end - text_.data());
            return {.kind = Operand::Kind::constant, .value = number};
        }
        const std::size_t start = at_;
        while ((peek() >= 'a' && peek() <= 'z') || peek() == '_' || (peek() >= '0' && peek() <= '9' && at_ > start)) ++at_;
        const ScalarFunction* f = find_scalar_function(text_.substr(start, at_ - start));
        if (!f) fail("names an unknown function");
        std::array<Operand, 3> operands{};
        for (int i = 0; i < f->arity; ++i) {
            want(i == 0 ? '(' : ',');
            operands[static_cast<std::size_t>(i)] = operand(add_instruction, depth + 1);
        }
        want(')');
        return add_instruction(*f, operands);
    }
    void end() {
        skip();
        if (at_ != text_.size()) fail("goes on after its end");
    }
    [[noreturn]] void fail(std::string_view why) const {
        throw Error({.what = fmt::format("the expression '{}' {}", text_, why), .fix = "write e.g. relu(add(x0, x1))"});
    }

private:
    char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
    void skip() {
        while (peek() == ' ') ++at_;
    }
    void want(char c) {
        skip();
        if (peek() != c) fail(c == ')' ? "lacks a ')'" : "has a wrong number of arguments");
        ++at_;
    }
    std::string_view text_;
    std::size_t at_ = 0;
};

}  // namespace

std::span<const ScalarFunction> scalar_functions() { return functions; }

const ScalarFunction* find_scalar_function(std::string_view name) {
    const auto it = std::ranges::lower_bound(functions, name, {}, &ScalarFunction::name);
    return it != functions.end() && it->name == name ? &*it : nullptr;
}

Expr Expr::input(int i) {
    Expr e;
    e.result_ = {.kind = Operand::Kind::input, .index = i};
    e.arity_ = i + 1;
    return e;
}

Expr Expr::constant(double value) {
    Expr e;
    e.result_ = {.kind = Operand::Kind::constant, .value = value};
    return e;
}

// Instructions that stand there already are shared: f(x0) used twice is computed once.
Expr::Operand Expr::add(const ScalarFunction& f, const std::array<Operand, 3>& operands) {
    const Instruction wanted{&f, operands};
    for (int i = 0; i < std::min(size_, max_instructions); ++i)
        if (code_[static_cast<std::size_t>(i)] == wanted) return {.kind = Operand::Kind::instruction, .index = i};
    if (size_ > max_instructions) return {.kind = Operand::Kind::instruction, .index = max_instructions};
    for (int i = 0; i < f.arity; ++i)
        if (const Operand& o = operands[static_cast<std::size_t>(i)]; o.kind == Operand::Kind::input) arity_ = std::max(arity_, o.index + 1);
    code_[static_cast<std::size_t>(size_)] = wanted;
    return {.kind = Operand::Kind::instruction, .index = size_++};
}

Expr Expr::parse(std::string_view text) {
    Expr e;
    Parser p(text);
    e.result_ = p.operand([&](const ScalarFunction& f, const std::array<Operand, 3>& o) {
        if (e.size_ == max_instructions) p.fail("is too long");
        return e.add(f, o);
    });
    p.end();
    if (e.result_.kind == Operand::Kind::input) e.arity_ = e.result_.index + 1;
    return e;
}

std::string Expr::text() const {
    const auto print = [&](auto& self, const Operand& o) -> std::string {
        if (o.kind == Operand::Kind::input) return fmt::format("x{}", o.index);
        if (o.kind == Operand::Kind::constant) return fmt::format("{}", o.value);
        const Instruction& in = code_[static_cast<std::size_t>(o.index)];
        std::string s = std::string(in.function->name) + "(";
        for (int i = 0; i < in.function->arity; ++i) s += (i ? ", " : "") + self(self, in.operands[static_cast<std::size_t>(i)]);
        return s + ")";
    };
    return print(print, result_);
}

Expr Expr::substituted(std::span<const Expr> by) const {
    Expr r;
    // Appends another expression's code to r's.
    const auto import = [&](const Expr& e) {
        std::array<Operand, max_instructions + 1> at{};
        const auto moved = [&](Operand o) { return o.kind == Operand::Kind::instruction ? at[static_cast<std::size_t>(o.index)] : o; };
        for (int i = 0; i < e.size_; ++i) {
            Instruction in = e.code_[static_cast<std::size_t>(i)];
            for (Operand& o : in.operands) o = moved(o);
            at[static_cast<std::size_t>(i)] = r.add(*in.function, in.operands);
        }
        if (e.result_.kind == Operand::Kind::input) r.arity_ = std::max(r.arity_, e.result_.index + 1);
        return moved(e.result_);
    };
    std::array<Operand, max_inputs> replaced{};
    for (std::size_t i = 0; i < by.size(); ++i) replaced[i] = import(by[i]);
    std::array<Operand, max_instructions + 1> at{};
    const auto moved = [&](Operand o) {
        if (o.kind == Operand::Kind::input) return replaced[static_cast<std::size_t>(o.index)];
        return o.kind == Operand::Kind::instruction ? at[static_cast<std::size_t>(o.index)] : o;
    };
    for (int i = 0; i < size_; ++i) {
        Instruction in = code_[static_cast<std::size_t>(i)];
        for (int k = 0; k < in.function->arity; ++k) in.operands[static_cast<std::size_t>(k)] = moved(in.operands[static_cast<std::size_t>(k)]);
        at[static_cast<std::size_t>(i)] = r.add(*in.function, in.operands);
    }
    r.result_ = moved(result_);
    return r;
}

Expr Expr::apply(std::string_view function, std::span<const Expr> args) {
    const ScalarFunction& f = *find_scalar_function(function);
    Expr call;
    std::array<Operand, 3> operands{};
    for (int i = 0; i < f.arity; ++i) operands[static_cast<std::size_t>(i)] = {.kind = Operand::Kind::input, .index = i};
    call.result_ = call.add(f, operands);
    return call.substituted(args);
}

void Expr::evaluate(std::span<const View> in, const View& out, bool canonical) const {
    std::array<View, max_inputs> x{};
    for (std::size_t i = 0; i < in.size(); ++i) x[i] = in[i].broadcast_to(out.shape);
    const auto rounded = [&](double v) {
        return out.dtype == DType::f64 ? v
               : with_type(out.dtype, [&]<class T>(TypeTag<T>) { return static_cast<double>(to_element<T>(v)); });
    };
    std::array<double, max_instructions> results{};
    for (const Dims& index : indices(out.shape)) {
        const auto value = [&](const Operand& o) {
            if (o.kind == Operand::Kind::input) return x[static_cast<std::size_t>(o.index)].get(index);
            return o.kind == Operand::Kind::constant ? rounded(o.value) : results[static_cast<std::size_t>(o.index)];
        };
        for (int i = 0; i < size_; ++i) {
            const Instruction& c = code_[static_cast<std::size_t>(i)];
            const int n = c.function->arity;
            const double a = value(c.operands[0]), b = n > 1 ? value(c.operands[1]) : 0, d = n > 2 ? value(c.operands[2]) : 0;
            results[static_cast<std::size_t>(i)] = canonical && c.function->canonical
                                                       ? static_cast<double>(c.function->canonical(static_cast<float>(a), static_cast<float>(b), static_cast<float>(d)))
                                                       : rounded(c.function->value(a, b, d));
        }
        out.set(index, value(result_));
    }
}

}  // namespace tercet
