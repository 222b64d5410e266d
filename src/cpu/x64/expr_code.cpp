// SPDX-License-Identifier: Apache-2.0
#include "cpu/x64/expr_code.h"

#include "cpu/x64/math_code.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <stdexcept>
#include <utility>

namespace tercet::x64 {
namespace {

using Operand = Expr::Operand;
constexpr std::uint32_t sign_bit = 0x80000000u, all_but_sign = 0x7fffffffu;

// An argument of a function: a register that must stay as it is, or a constant, which lies in memory.
struct Arg {
    Vec reg{};
    std::optional<float> constant{};
    Xbyak::Address memory{0};
    const Xbyak::Operand& operand() const { return constant ? static_cast<const Xbyak::Operand&>(memory) : reg; }
    bool is_number() const { return constant && !std::isnan(*constant); }
};

using Args = std::array<Arg, 3>;

class FunctionCode : public MathCode {
public:
    using MathCode::MathCode;
    void move(const Vec& to, const Arg& x) {
        if (x.constant) a.vmovups(to, x.memory);
        else if (x.reg.getIdx() != to.getIdx()) a.vmovaps(to, x.reg);
    }
    /// f(register that holds x)
    template <class F>
    void in_register(const Arg& x, F f) {
        if (!x.constant) return f(x.reg);
        Register t(pool);
        a.vmovups(t, x.memory);
        f(t);
    }
    /// v = greater(v, b) and lesser(v, b) of ScalarFunction: NaN of either comes out, of equal zeros the second.
    void max(const Vec& v, const Arg& b) { extreme(v, b, &Assembler::vmaxps, not_less_equal); }
    void min(const Vec& v, const Arg& b) { extreme(v, b, &Assembler::vminps, not_greater_equal); }
    /// v = v (comparison) y ? v : +0
    void keep_or_zero(const Vec& v, Comparison c, const Xbyak::Operand& y) {
        if (a.wide) return select_or_zero(v, c, v, y, v);
        Register mask(pool);
        a.vcmpps(mask, v, y, c);
        a.vandps(v, v, mask);
    }

private:
    using Instruction = void (Xbyak::CodeGenerator::*)(const Xbyak::Xmm&, const Xbyak::Operand&, const Xbyak::Operand&);
    // vmaxps and vminps give their second source where either is NaN or both are zeros: right but for NaN in v.
    void extreme(const Vec& v, const Arg& b, Instruction instruction, Comparison v_stays) {
        if (b.is_number() && *b.constant != 0) {  // the other way round then: only zeros would tell
            Register t(pool);
            a.vmovups(t, b.memory);
            (a.*instruction)(v, t, v);
        } else if (b.is_number() && !std::signbit(*b.constant)) {
            keep_or_zero(v, v_stays, b.memory);
        } else if (a.wide) {
            a.vcmpps(a.k2, v, v, ordered);
            (a.*instruction)(v | a.k2, v, b.operand());
        } else {
            Register nan(pool);
            a.vcmpps(nan, v, v, unordered);
            (a.*instruction)(v, v, b.operand());
            a.vorps(v, v, nan);
        }
    }
};

// d = f(x[0], x[1], x[2]). d may be the register of x[0], for functions with `any` of each argument.
using Emit = void (*)(FunctionCode& c, const Vec& d, const Args& x);

struct Function {
    std::string_view name;
    bool exact;  // the reference's bits; otherwise within 4 ulp
    bool any;
    Emit emit;
};

template <auto instruction, bool commutes>
void binary(FunctionCode& c, const Vec& d, const Args& x) {
    const bool swap = commutes && x[0].constant;
    c.in_register(x[swap ? 1 : 0], [&](const Vec& first) { instruction(c.a, d, first, x[swap ? 0 : 1].operand()); });
}

template <int mode>  // 0 half to even, 1 down, 2 up; 8: without an exception
void rounded(FunctionCode& c, const Vec& d, const Args& x) {
    if (c.a.wide) c.a.vrndscaleps(d, x[0].operand(), mode | 8);
    else c.a.vroundps(d, x[0].operand(), mode | 8);
}

template <void (MathCode::*function)(const Vec&)>
void in_place(FunctionCode& c, const Vec& v, const Args& x) {
    c.move(v, x[0]);
    MathCode& math = c;
    (math.*function)(v);
}

void absolute(FunctionCode& c, const Vec& d, const Args& x) {
    c.in_register(x[0], [&](const Vec& s) { c.a.vandps(d, s, c.a.all_bits(all_but_sign)); });
}

void negative(FunctionCode& c, const Vec& d, const Args& x) {
    c.in_register(x[0], [&](const Vec& s) { c.a.vxorps(d, s, c.a.all_bits(sign_bit)); });
}

void relu(FunctionCode& c, const Vec& d, const Args& x) {
    Register zero(c.pool);
    c.a.zero(zero);
    c.a.vmaxps(d, zero, x[0].operand());
}

void reciprocal(FunctionCode& c, const Vec& d, const Args& x) {
    Register one(c.pool);
    c.a.vmovups(one, c.a.all(1.0f));
    c.a.vdivps(d, one, x[0].operand());
}

void maximum(FunctionCode& c, const Vec& v, const Args& x) {
    c.move(v, x[0]);
    if (x[0].is_number()) c.a.vmaxps(v, v, x[1].operand());
    else c.max(v, x[1]);
}

void minimum(FunctionCode& c, const Vec& v, const Args& x) {
    c.move(v, x[0]);
    if (x[0].is_number()) c.a.vminps(v, v, x[1].operand());
    else c.min(v, x[1]);
}

void clip(FunctionCode& c, const Vec& v, const Args& x) {
    c.move(v, x[0]);
    c.max(v, x[1]);
    c.min(v, x[2]);
}

void leaky_relu(FunctionCode& c, const Vec& v, const Args& x) {
    c.move(v, x[0]);
    if (c.a.wide) {
        c.a.vcmpps(c.a.k2, v, c.a.all(0.0f), MathCode::less);
        return c.a.vmulps(v | c.a.k2, v, x[1].operand());
    }
    Register t(c.pool);
    if (!x[1].constant) {  // v * (v < 0 ? slope : 1)
        c.a.vcmpps(t, v, c.a.all(0.0f), MathCode::not_less);
        c.a.vblendvps(t, x[1].reg, c.a.all(1.0f), t);
        return c.a.vmulps(v, v, t);
    }
    c.a.vmulps(t, v, x[1].memory);
    const bool sign_decides = *x[1].constant > 0 && std::isfinite(*x[1].constant);  // -0 and NaN are the same in v and t
    if (sign_decides) c.a.vblendvps(v, v, t, v);
    else c.select(v, MathCode::less, v, c.a.all(0.0f), t);
}

void thresholded_relu(FunctionCode& c, const Vec& v, const Args& x) {
    c.move(v, x[0]);
    c.keep_or_zero(v, MathCode::greater, x[1].operand());
}

void sign(FunctionCode& c, const Vec& v, const Args& x) {
    c.move(v, x[0]);
    Register one(c.pool);
    c.a.vandps(one, v, c.a.all_bits(sign_bit));
    c.a.vorps(one, one, c.a.all(1.0f));
    c.select(v, MathCode::not_equal, v, c.a.all(0.0f), one);
}

void hard_sigmoid(FunctionCode& c, const Vec& v, const Args& x) {
    c.move(v, x[0]);
    c.in_register(x[1], [&](const Vec& slope) { c.a.vfmadd213ps(v, slope, x[2].operand()); });
    Register limit(c.pool);
    c.a.vmovups(limit, c.a.all(1.0f));
    c.a.vminps(v, limit, v);
    c.a.zero(limit);
    c.a.vmaxps(v, limit, v);
}

// v * (clip(v + 3, 0, 6) / 6): the sum is exact where it is small.
void hard_swish(FunctionCode& c, const Vec& v, const Args& x) {
    c.move(v, x[0]);
    Register t(c.pool);
    c.a.vaddps(t, v, c.a.all(3.0f));
    c.a.vmaxps(t, t, c.a.all(0.0f));
    c.a.vminps(t, t, c.a.all(6.0f));
    c.a.vmulps(t, t, c.a.all(1.0f / 6));
    c.a.vmulps(v, v, t);
}

void softsign(FunctionCode& c, const Vec& v, const Args& x) {
    c.move(v, x[0]);
    Register t(c.pool);
    c.a.vandps(t, v, c.a.all_bits(all_but_sign));
    c.a.vaddps(t, t, c.a.all(1.0f));
    c.a.vdivps(v, v, t);
}

void elu(FunctionCode& c, const Vec& v, const Args& x) {
    c.move(v, x[0]);
    Register e(c.pool);
    c.a.vmovaps(e, v);
    c.expm1(e);
    c.a.vmulps(e, e, x[1].operand());
    c.select(v, MathCode::less, v, c.a.all(0.0f), e);
}

void selu(FunctionCode& c, const Vec& v, const Args& x) {
    c.move(v, x[0]);
    Register e(c.pool);
    c.a.vmovaps(e, v);
    c.expm1(e);
    {
        Register zero(c.pool);  // with v's sign, as e has it everywhere else
        c.a.vandps(zero, v, c.a.all_bits(sign_bit));
        c.a.vorps(e, e, zero);
    }
    c.a.vmulps(e, e, x[1].operand());
    c.select(e, MathCode::greater, v, c.a.all(0.0f), v);
    c.a.vmulps(v, e, x[2].operand());
}

// max(0, v) + min(0, slope * expm1(v / slope)). With a slope below 0, v below 0 overflows where expm1 does.
void celu(FunctionCode& c, const Vec& v, const Args& x) {
    c.move(v, x[0]);
    Register e(c.pool);
    c.a.vdivps(e, v, x[1].operand());
    c.expm1(e);
    c.a.vmulps(e, e, x[1].operand());
    Register zero(c.pool);
    c.a.zero(zero);
    c.a.vminps(e, zero, e);
    c.a.vmaxps(zero, zero, v);
    c.a.vaddps(e, e, zero);
    c.a.vandps(v, v, c.a.all_bits(sign_bit));  // the result's, too
    c.a.vorps(v, e, v);
}

void round_f16(FunctionCode& c, const Vec& d, const Args& x) {
    c.in_register(x[0], [&](const Vec& s) {
        const int i = d.getIdx();
        if (c.a.wide) c.a.vcvtps2ph(Xbyak::Ymm(i), s, 0), c.a.vcvtph2ps(d, Xbyak::Ymm(i));
        else c.a.vcvtps2ph(Xbyak::Xmm(i), s, 0), c.a.vcvtph2ps(d, Xbyak::Xmm(i));
    });
}

// To the nearest multiple of the 16th bit: what vcvtneps2bf16 does, but for subnormals, which that takes for zeros.
void round_bf16(FunctionCode& c, const Vec& v, const Args& x) {
    c.move(v, x[0]);
    Register r(c.pool);
    c.a.vpsrld(r, v, 16);
    c.a.vandps(r, r, c.a.all_bits(1));
    c.a.vpaddd(r, r, v);
    c.a.vpaddd(r, r, c.a.all_bits(0x7fff));
    c.a.vandps(r, r, c.a.all_bits(0xffff0000u));
    c.select(v, MathCode::ordered, v, v, r);
}

constexpr auto sum = [](Assembler& a, const Vec& d, const Vec& x, const Xbyak::Operand& y) { a.vaddps(d, x, y); };
constexpr auto difference = [](Assembler& a, const Vec& d, const Vec& x, const Xbyak::Operand& y) { a.vsubps(d, x, y); };
constexpr auto product = [](Assembler& a, const Vec& d, const Vec& x, const Xbyak::Operand& y) { a.vmulps(d, x, y); };
constexpr auto quotient = [](Assembler& a, const Vec& d, const Vec& x, const Xbyak::Operand& y) { a.vdivps(d, x, y); };

// Sorted by name.
constexpr Function functions[]{
    {"abs", true, true, absolute},
    {"add", true, true, binary<sum, true>},
    {"ceil", true, true, rounded<2>},
    {"celu", false, false, celu},
    {"clip", true, false, clip},
    {"div", true, true, binary<quotient, false>},
    {"elu", false, false, elu},
    {"erf", false, false, in_place<&MathCode::erf>},
    {"exp", false, false, [](FunctionCode& c, const Vec& v, const Args& x) { c.move(v, x[0]), c.exp(v); }},
    {"floor", true, true, rounded<1>},
    {"gelu", false, false, in_place<&MathCode::gelu>},
    {"hard_sigmoid", false, false, hard_sigmoid},
    {"hard_swish", false, false, hard_swish},
    {"leaky_relu", true, false, leaky_relu},
    {"log", false, false, in_place<&MathCode::log>},
    {"max", true, false, maximum},
    {"min", true, false, minimum},
    {"mish", false, false, in_place<&MathCode::mish>},
    {"mul", true, true, binary<product, true>},
    {"neg", true, true, negative},
    {"reciprocal", true, true, reciprocal},
    {"relu", true, true, relu},
    {"round", true, true, rounded<0>},
    {"round_bf16", true, false, round_bf16},
    {"round_f16", true, true, round_f16},
    {"selu", false, false, selu},
    {"sigmoid", false, false, in_place<&MathCode::sigmoid>},
    {"sign", true, false, sign},
    {"softplus", false, false, in_place<&MathCode::softplus>},
    {"softsign", false, false, softsign},
    {"sqrt", true, true, [](FunctionCode& c, const Vec& d, const Args& x) { c.a.vsqrtps(d, x[0].operand()); }},
    {"sub", true, true, binary<difference, false>},
    {"tanh", false, false, in_place<&MathCode::tanh>},
    {"thresholded_relu", true, false, thresholded_relu},
};
static_assert(std::ranges::is_sorted(functions, {}, &Function::name));

const Function* find(std::string_view name) {
    const auto* it = std::ranges::lower_bound(functions, name, {}, &Function::name);
    return it != std::end(functions) && it->name == name ? it : nullptr;
}

// Walks an expression's instructions once, each value in a register from where it is computed to its last use.
class Emission {
public:
    using Load = std::function<void(int, const Vec&)>;
    Emission(Assembler& a, RegisterPool& pool, const Expr& expr, const Load& load) : a_(a), pool_(pool), code_(a, pool), expr_(expr), load_(load), y_(a.vec(0)) {}

    void run() {
        x0_.emplace(pool_);
        y_ = *x0_;
        find_last_uses();
        if (last_use_of_x0_ < 0) x0_.reset();  // y is as free as the others
        const auto instructions = expr_.instructions();
        for (int i = 0; i < static_cast<int>(instructions.size()); ++i)
            if (last_use_[static_cast<std::size_t>(i)] >= 0) instruction(i, instructions[static_cast<std::size_t>(i)]);
        const Operand& result = expr_.result();
        if (result.kind == Operand::Kind::constant) a_.vmovups(y_, a_.all(static_cast<float>(result.value)));
        else if (result.kind == Operand::Kind::instruction) code_.move(y_, {.reg = *values_[static_cast<std::size_t>(result.index)]});
        else if (result.index > 0) load_(result.index, y_);
    }

private:
    // An instruction nobody reads keeps -1.
    void find_last_uses() {
        const auto instructions = expr_.instructions();
        const int end = static_cast<int>(instructions.size());
        const auto use = [&](const Operand& o, int by) {
            int* last = o.kind == Operand::Kind::instruction ? &last_use_[static_cast<std::size_t>(o.index)]
                        : o.kind == Operand::Kind::input && o.index == 0 ? &last_use_of_x0_ : nullptr;
            if (last) *last = std::max(*last, by);
        };
        last_use_.fill(-1);
        use(expr_.result(), end);
        for (int i = end - 1; i >= 0; --i)
            if (last_use_[static_cast<std::size_t>(i)] >= 0)
                for (int k = 0; k < instructions[static_cast<std::size_t>(i)].function->arity; ++k)
                    use(instructions[static_cast<std::size_t>(i)].operands[static_cast<std::size_t>(k)], i);
    }

    void instruction(int i, const Expr::Instruction& in) {
        const Function& f = *find(in.function->name);
        const auto arity = static_cast<std::size_t>(in.function->arity);
        Args args{};
        std::array<std::optional<Register>, Expr::max_inputs> loaded{};
        std::array<std::optional<Register>*, 3> home{};  // of each argument, if it is not a constant
        for (std::size_t k = 0; k < arity; ++k) {
            const Operand& o = in.operands[k];
            const auto index = static_cast<std::size_t>(o.index);
            if (o.kind == Operand::Kind::constant) {
                const auto value = static_cast<float>(o.value);
                args[k].constant = value;
                args[k].memory = a_.all(value);
                continue;
            }
            if (o.kind == Operand::Kind::instruction) home[k] = &values_[index];
            else if (index == 0) home[k] = &x0_;
            else home[k] = &loaded[index];
            if (!*home[k]) {
                home[k]->emplace(pool_);
                load_(o.index, **home[k]);
            }
            args[k].reg = **home[k];
        }
        const auto dies = [&](std::size_t k) {
            const Operand& o = in.operands[k];
            if (o.kind == Operand::Kind::instruction) return last_use_[static_cast<std::size_t>(o.index)] == i;
            return o.index > 0 || last_use_of_x0_ == i;
        };
        // The result takes the register of an argument that ends here, y's for choice, or a fresh one.
        std::optional<std::size_t> heir;
        for (std::size_t k = 0; k < arity; ++k) {
            if (!home[k] || !dies(k) || (!f.any && k > 0)) continue;
            const bool shared = std::ranges::count(home, home[k]) > 1;
            if (shared && !f.any) continue;
            if (!heir || args[k].reg.getIdx() == y_.getIdx()) heir = k;
        }
        std::optional<Register> result;
        if (heir) result = std::move(*home[*heir]);
        else result.emplace(pool_);
        f.emit(code_, *result, args);
        for (std::size_t k = 0; k < arity; ++k)
            if (home[k] && dies(k)) home[k]->reset();
        values_[static_cast<std::size_t>(i)] = std::move(result);
    }

    Assembler& a_;
    RegisterPool& pool_;
    FunctionCode code_;
    const Expr& expr_;
    const Load& load_;
    Vec y_;
    std::optional<Register> x0_;
    std::array<std::optional<Register>, Expr::max_instructions> values_{};
    std::array<int, Expr::max_instructions> last_use_{};
    int last_use_of_x0_ = -1;
};

int count_scratch(const Isa& isa, const Expr& expr) {
    Assembler a(isa);
    std::vector<Vec> all;
    for (int i = 0; i < a.registers; ++i) all.push_back(a.vec(i));
    RegisterPool pool(std::move(all));
    Emission(a, pool, expr, [](int, const Vec&) {}).run();
    return pool.most() - 1;
}

}  // namespace

bool ExprCode::supports(const Expr& expr) {
    return std::ranges::all_of(expr.instructions(), [](const Expr::Instruction& in) { return find(in.function->name) != nullptr; });
}

bool ExprCode::exact(const Expr& expr, bool canonical) {
    return std::ranges::all_of(expr.instructions(), [&](const Expr::Instruction& in) { return find(in.function->name)->exact || (canonical && in.function->canonical); });
}

ExprCode::ExprCode(Assembler& assembler, const Expr& expr) : a_(assembler), expr_(expr), scratch_(count_scratch(assembler.isa, expr)) {}

void ExprCode::emit(const Vec& y, std::span<const Vec> free, const std::function<void(int input, const Vec& to)>& load) const {
    if (std::cmp_less(free.size(), scratch_)) throw std::logic_error("too few registers for an expression");
    std::vector<Vec> registers{y};
    registers.insert(registers.end(), free.begin(), free.end());
    RegisterPool pool(std::move(registers));
    Emission(a_, pool, expr_, load).run();
}

}  // namespace tercet::x64
