// SPDX-License-Identifier: Apache-2.0
// GELU and Mish written out, as models exported before they were operators have them, become one function within an expression;
// the cube in GELU by tanh becomes products:
//     0.5 * x * (1 + erf(x / sqrt(2)))  =>  gelu(x)       in whichever order the three factors are multiplied; a half may be a division
//     x * tanh(softplus(x))             =>  mish(x)
//     pow(x, 3)                         =>  x * (x * x)
#include "passes/passes.h"
#include "passes/rewrite.h"

#include "ops/expr.h"

#include <array>
#include <cmath>
#include <numbers>

namespace tercet {
namespace {

using Operand = Expr::Operand;
using Kind = Operand::Kind;

bool is_number(const Operand& o, double v) { return o.kind == Kind::constant && std::fabs(o.value - v) <= 1e-6; }

class Finder {
public:
    explicit Finder(const Expr& e) : code_(e.instructions()) {}

    // x, if the operand is gelu(x) written out.
    std::optional<Operand> gelu_of(const Operand& o) const {
        std::vector<Operand> factors;
        collect_factors(o, factors);
        if (factors.size() != 3) return std::nullopt;
        for (std::size_t half = 0; half < 3; ++half)
            for (std::size_t sum = 0; sum < 3; ++sum) {
                if (half == sum || !is_number(factors[half], 0.5)) continue;
                const Operand& x = factors[3 - half - sum];
                if (const auto inner = erf_argument(factors[sum]); inner && *inner == x) return x;
            }
        return std::nullopt;
    }

    // x, if the operand is mish(x) written out.
    std::optional<Operand> mish_of(const Operand& o) const {
        const auto* mul = call(o, "mul");
        for (std::size_t i = 0; mul && i < 2; ++i) {
            const auto* tanh = call(mul->operands[i], "tanh");
            const auto* softplus = tanh ? call(tanh->operands[0], "softplus") : nullptr;
            if (softplus && softplus->operands[0] == mul->operands[1 - i]) return mul->operands[1 - i];
        }
        return std::nullopt;
    }
    std::optional<Operand> cube_of(const Operand& o) const {
        const auto* pow = call(o, "pow");
        return pow && is_number(pow->operands[1], 3) ? std::optional(pow->operands[0]) : std::nullopt;
    }

private:
    const Expr::Instruction* call(const Operand& o, std::string_view function) const {
        if (o.kind != Kind::instruction) return nullptr;
        const auto& in = code_[static_cast<std::size_t>(o.index)];
        return in.function->name == function ? &in : nullptr;
    }
    void collect_factors(const Operand& o, std::vector<Operand>& factors) const {
        if (const auto* div = call(o, "div"); div && is_number(div->operands[1], 2)) {
            factors.push_back({.kind = Kind::constant, .value = 0.5});
            return collect_factors(div->operands[0], factors);
        }
        const auto* mul = factors.size() < 4 ? call(o, "mul") : nullptr;
        if (!mul || (mul->operands[0] == mul->operands[1])) return factors.push_back(o);
        collect_factors(mul->operands[0], factors);
        collect_factors(mul->operands[1], factors);
    }
    // x, if the operand is 1 + erf(x / sqrt(2)).
    std::optional<Operand> erf_argument(const Operand& o) const {
        const auto* add = call(o, "add");
        if (!add) return std::nullopt;
        const std::size_t one = is_number(add->operands[1], 1) ? 1 : 0;
        const auto* erf = call(add->operands[1 - one], "erf");
        if (!erf || !is_number(add->operands[one], 1)) return std::nullopt;
        if (const auto* div = call(erf->operands[0], "div"); div && is_number(div->operands[1], std::numbers::sqrt2))
            return div->operands[0];
        if (const auto* mul = call(erf->operands[0], "mul")) {
            if (is_number(mul->operands[1], 1 / std::numbers::sqrt2)) return mul->operands[0];
            if (is_number(mul->operands[0], 1 / std::numbers::sqrt2)) return mul->operands[1];
        }
        return std::nullopt;
    }
    std::span<const Expr::Instruction> code_;
};

Expr rebuilt(const Expr& e, bool& found) {
    const Finder finder(e);
    std::vector<Expr> values;
    const auto value = [&](const Operand& o) {
        if (o.kind == Kind::input) return Expr::input(o.index);
        return o.kind == Kind::constant ? Expr::constant(o.value) : values[static_cast<std::size_t>(o.index)];
    };
    for (const Expr::Instruction& in : e.instructions()) {
        const Operand here{.kind = Kind::instruction, .index = static_cast<std::int32_t>(values.size())};
        const auto gelu = finder.gelu_of(here), mish = finder.mish_of(here), cube = finder.cube_of(here);
        if (gelu || mish) {
            const Expr argument = value(gelu ? *gelu : *mish);
            values.push_back(Expr::apply(gelu ? "gelu" : "mish", std::span(&argument, 1)));
            found = true;
            continue;
        }
        if (cube) {
            const Expr x = value(*cube), square = Expr::apply("mul", std::array{x, x});
            const Expr product = Expr::apply("mul", std::array{x, square});
            values.push_back(product.fits() ? product : Expr::apply("pow", std::array{x, Expr::constant(3)}));
            found = found || product.fits();
            continue;
        }
        std::vector<Expr> args;
        for (int i = 0; i < in.function->arity; ++i) args.push_back(value(in.operands[static_cast<std::size_t>(i)]));
        values.push_back(Expr::apply(in.function->name, args));
    }
    return value(e.result());
}

}  // namespace

int recognize_gelu(Graph& g, int limit) {
    int made = 0;
    for (NodeId id : std::vector(g.order())) {
        if (made == limit) break;
        if (g.node(id).domain != "tercet" || g.node(id).op != "Pointwise") continue;
        bool found = false;
        const Expr simpler = rebuilt(Expr::parse(g.node(id).attributes.text("expr", "")), found);
        if (!found || !simpler.fits()) continue;
        g.attributes(id).set("expr", simpler.text());
        ++made;
    }
    return made;
}

}  // namespace tercet
