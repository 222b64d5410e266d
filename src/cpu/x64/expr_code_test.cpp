// SPDX-License-Identifier: Apache-2.0
// Generated functions against ScalarFunction::value, at every level that this machine has.
#include "cpu/x64/expr_code.h"

#include "tensor/tensor.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>

namespace tercet::x64 {
namespace {

std::vector<Isa> levels() {
    std::vector<Isa> all;
    for (auto level : {Isa::Level::avx2, Isa::Level::avx512})
        if (host_isa().has(level)) all.push_back({level});
    return all;
}

// An expression on one vector per input, with as many registers as it says it needs; every register of the level is filled
// before, and stored behind the code.
class Compiled {
public:
    Compiled(const Isa& isa, const Expr& expr) : assembler_(isa), code_(assembler_, expr), y_(5) {
        Assembler& a = assembler_;
        for (int r = a.registers - 1; std::cmp_less(free_.size(), code_.scratch()); --r)
            if (r != y_) free_.push_back(a.vec(r));
        for (int r = 0; r < a.registers; ++r) a.vmovups(a.vec(r), slot(r));
        const auto load = [&](int input, const Vec& to) {
            a.mov(a.rax, a.ptr[a.rdi + input * 8]);
            a.vmovups(to, a.ptr[a.rax]);
        };
        load(0, a.vec(y_));
        code_.emit(a.vec(y_), free_, load);
        for (int r = 0; r < a.registers; ++r) a.vmovups(slot(r), a.vec(r));
        a.vzeroupper();
        a.ret();
        function_ = a.seal();
    }

    int lanes() const { return assembler_.lanes; }
    int scratch() const { return code_.scratch(); }

    // Replaces x0's vector by the values.
    void run(std::span<float* const> inputs) {
        registers_.assign(static_cast<std::size_t>(assembler_.registers * lanes()), 0);
        for (std::size_t i = 0; i < registers_.size(); ++i) registers_[i] = static_cast<float>(i) + 0.5f;
        function_.entry<void (*)(float* const*, float*)>()(inputs.data(), registers_.data());
        for (int r = 0; r < assembler_.registers; ++r) {
            const bool may_change = r == y_ || std::ranges::find(free_, r, &Vec::getIdx) != free_.end();
            for (int i = 0; i < lanes() && !may_change; ++i) {
                const auto at = static_cast<std::size_t>(r * lanes() + i);
                ASSERT_EQ(registers_[at], static_cast<float>(at) + 0.5f) << "register " << r << " was overwritten";
            }
        }
        std::memcpy(inputs[0], registers_.data() + y_ * lanes(), static_cast<std::size_t>(assembler_.vector_bytes()));
    }

private:
    Xbyak::Address slot(int r) { return assembler_.ptr[assembler_.rsi + r * assembler_.vector_bytes()]; }
    Assembler assembler_;
    ExprCode code_;
    int y_;
    std::vector<Vec> free_;
    Code function_;
    std::vector<float> registers_;
};

std::vector<float> special_values() {
    std::vector<float> v;
    for (float x : {0.0f, 1e-45f, 3e-45f, 1e-40f, 1.17549421e-38f, 1.17549435e-38f, 1e-30f, 1e-10f, 5.9e-8f, 0.1f, 0.49999997f, 0.5f, 0.50000006f, 1.0f, 1.5f, 2.0f, 2.5f, 3.0f, 6.0f,
                    17.3f, 88.0f, 88.7f, 88.8f, 104.0f, 8388607.5f, 8388608.0f, 16777216.0f, 4e9f, 1e20f, 3.40282347e38f, HUGE_VALF, std::bit_cast<float>(0x7fc00000u)})
        for (float s : {x, -x}) v.push_back(s);
    return v;
}

// The special values, every float whose bits are a multiple of 16381, and numbers between -20 and 20.
std::vector<float> sweep() {
    std::vector<float> v = special_values();
    for (std::uint64_t bits = 0; bits < std::uint64_t{1} << 32; bits += 16381)
        if (const auto x = std::bit_cast<float>(static_cast<std::uint32_t>(bits)); x == x) v.push_back(x);
    for (int i = -20000; i < 20000; ++i) v.push_back(static_cast<float>(i) * 0.00100003f);
    while (v.size() % 16 != 0) v.push_back(0);
    return v;
}

std::int64_t in_order(float x) {  // neighbouring floats give neighbouring integers
    const auto bits = std::bit_cast<std::int32_t>(x);
    return bits < 0 ? -static_cast<std::int64_t>(bits & 0x7fffffff) : bits;
}

// Floats from one to the other; 0 for two NaNs, -1 if only one is.
std::int64_t distance(float a, float b) {
    if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b) ? 0 : -1;
    return std::abs(in_order(a) - in_order(b));
}

struct Case {
    std::string_view expr;
    std::int64_t ulp = 0;    // the most floats between result and reference
    float near_zero = 0;     // or the most that they differ by
    friend std::ostream& operator<<(std::ostream& out, const Case& c) { return out << c.expr; }
};

// All inputs are of equal length, a multiple of 16.
void expect_values(const Case& c, std::vector<std::vector<float>> x) {
    const Expr expr = Expr::parse(c.expr);
    ASSERT_TRUE(ExprCode::supports(expr));
    EXPECT_EQ(ExprCode::exact(expr), c.ulp == 0);
    const auto n = static_cast<std::int64_t>(x[0].size());
    std::vector<View> views;
    for (const auto& v : x) views.emplace_back(DType::f32, Dims{n}, v.data());
    std::vector<float> expected(x[0].size());
    expr.evaluate(views, View(DType::f32, {n}, expected.data()));
    for (const Isa& isa : levels()) {
        Compiled code(isa, expr);
        std::vector<float> actual = x[0];
        for (std::int64_t i = 0; i < n; i += code.lanes()) {
            std::vector<float*> in{actual.data() + i};
            for (std::size_t k = 1; k < x.size(); ++k) in.push_back(x[k].data() + i);
            code.run(in);
            if (::testing::Test::HasFatalFailure()) return;
        }
        std::int64_t worst = 0;
        std::size_t where = 0;
        for (std::size_t i = 0; i < actual.size(); ++i) {
            const std::int64_t d = distance(actual[i], expected[i]);
            const bool same_sign = d == -1 || std::isnan(actual[i]) || std::signbit(actual[i]) == std::signbit(expected[i]);
            ASSERT_TRUE(d != -1 && (same_sign || (expected[i] != 0 && c.ulp > 0)))
                << c.expr << " at " << isa.name() << ", x0 = " << x[0][i] << (x.size() > 1 ? fmt::format(", x1 = {}", x[1][i]) : "") << ": " << actual[i] << ", not " << expected[i];
            if (d > worst && !(std::fabs(actual[i] - expected[i]) <= c.near_zero)) worst = d, where = i;
        }
        EXPECT_LE(worst, c.ulp) << c.expr << " at " << isa.name() << ", x0 = " << x[0][where] << ": " << actual[where] << ", not " << expected[where];
        ::testing::Test::RecordProperty(fmt::format("{}_ulp", isa.name()), static_cast<int>(worst));
    }
}

class EveryFunction : public ::testing::TestWithParam<Case> {};

TEST_P(EveryFunction, FollowsItsReference) { expect_values(GetParam(), {sweep()}); }

INSTANTIATE_TEST_SUITE_P(Table, EveryFunction, ::testing::Values(
    Case{"abs(x0)"}, Case{"neg(x0)"}, Case{"relu(x0)"}, Case{"sqrt(x0)"}, Case{"reciprocal(x0)"}, Case{"floor(x0)"}, Case{"ceil(x0)"}, Case{"round(x0)"}, Case{"sign(x0)"},
    Case{"round_f16(x0)"}, Case{"round_bf16(x0)"}, Case{"mul(x0, round_f16(x0))"}, Case{"sub(x0, round_bf16(x0))"}, Case{"round_f16(0.1)"}, Case{"relu(round_bf16(0.1))"},
    Case{"add(x0, 0.1)"}, Case{"sub(x0, 0.1)"}, Case{"sub(0.1, x0)"}, Case{"mul(x0, 0.1)"}, Case{"mul(x0, x0)"}, Case{"div(x0, 3)"}, Case{"div(3, x0)"},
    Case{"max(x0, 0)"}, Case{"max(x0, -0)"}, Case{"max(0, x0)"}, Case{"max(x0, 1.5)"}, Case{"max(nan, x0)"}, Case{"max(x0, nan)"}, Case{"max(x0, x0)"},
    Case{"min(x0, 0)"}, Case{"min(x0, -0)"}, Case{"min(0, x0)"}, Case{"min(x0, 1.5)"}, Case{"min(nan, x0)"}, Case{"min(x0, nan)"},
    Case{"clip(x0, 0, 6)"}, Case{"clip(x0, -1, 1)"}, Case{"clip(x0, -inf, 6)"}, Case{"clip(x0, 2, 1)"},
    Case{"leaky_relu(x0, 0.1)"}, Case{"leaky_relu(x0, -0.1)"}, Case{"leaky_relu(x0, 0)"}, Case{"leaky_relu(x0, 3)"}, Case{"leaky_relu(x0, inf)"},
    Case{"thresholded_relu(x0, 1)"}, Case{"thresholded_relu(x0, -1)"},
    Case{"exp(x0)", 4}, Case{"sigmoid(x0)", 4}, Case{"tanh(x0)", 4}, Case{"erf(x0)", 4}, Case{"gelu(x0)", 4, 1e-16f}, Case{"log(x0)", 4}, Case{"softplus(x0)", 4}, Case{"mish(x0)", 4, 1e-43f},
    Case{"hard_sigmoid(x0, 0.2, 0.5)", 4}, Case{"hard_swish(x0)", 4}, Case{"softsign(x0)", 4}, Case{"elu(x0, 0.7)", 4}, Case{"celu(x0, 0.7)", 4},
    Case{"selu(x0, 1.6732632, 1.050701)", 4}),
    [](const auto& row) {
        std::string name;
        for (char c : row.param.expr) name += std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
        return fmt::format("{}_{}", row.index, name);
    });

class EveryPair : public ::testing::TestWithParam<Case> {};

TEST_P(EveryPair, FollowsItsReference) {
    std::vector<float> a, b;
    for (float x : special_values())
        for (float y : special_values()) a.push_back(x), b.push_back(y);
    while (a.size() % 16 != 0) a.push_back(1), b.push_back(2);
    expect_values(GetParam(), {a, b});
}

INSTANTIATE_TEST_SUITE_P(Table, EveryPair, ::testing::Values(
    Case{"add(x0, x1)"}, Case{"sub(x0, x1)"}, Case{"sub(x1, x0)"}, Case{"mul(x0, x1)"}, Case{"div(x0, x1)"}, Case{"div(x1, x0)"}, Case{"max(x0, x1)"}, Case{"max(x1, x0)"},
    Case{"min(x0, x1)"}, Case{"min(x1, x1)"}, Case{"clip(x0, x1, 5)"}, Case{"clip(2, x0, x1)"}, Case{"leaky_relu(x0, x1)"}, Case{"leaky_relu(x1, x0)"}, Case{"thresholded_relu(x0, x1)"},
    Case{"x1"}, Case{"x0"}, Case{"0.3"}, Case{"relu(x1)"}, Case{"add(1, 2)"},
    Case{"relu(add(x0, x1))"}, Case{"add(relu(x0), mul(x1, 0.5))"}, Case{"mul(add(x0, x1), sub(x0, x1))"}, Case{"add(mul(x0, x0), mul(x0, x1))"},
    Case{"sub(mul(x1, add(x0, 1)), div(x0, add(x1, x0)))"}, Case{"max(min(x0, x1), sub(x1, abs(x0)))"},
    Case{"round_f16(add(round_f16(x0), round_f16(x1)))"}, Case{"round_bf16(mul(x1, round_bf16(x0)))"}),
    [](const auto& row) {
        std::string name;
        for (char c : row.param.expr) name += std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
        return fmt::format("{}_{}", row.index, name);
    });

// Every number of 16 bits, its neighbours in f32, and what lies halfway to the next one.
TEST(ExprCode, RoundsToHalvesWhereverThatIsClose) {
    for (DType half : {DType::f16, DType::bf16}) {
        std::vector<float> v;
        for (int bits = 0; bits < 65536; ++bits) {
            const auto h = static_cast<std::uint16_t>(bits), next = static_cast<std::uint16_t>(bits + 1);
            const auto number = [&](const std::uint16_t& b) { return View(half, {1}, &b).get_at(0); };
            const auto x = static_cast<float>(number(h)), middle = static_cast<float>((number(h) + number(next)) / 2);
            for (float y : {x, middle})
                for (float z : {std::nextafter(y, -HUGE_VALF), y, std::nextafter(y, HUGE_VALF)}) v.push_back(z);
        }
        for (float x : {65504.0f, 65519.996f, 65520.0f, 65536.0f, 1e10f, 3.38953139e38f, 3.396e38f})
            for (float s : {x, -x}) v.push_back(s);
        while (v.size() % 16 != 0) v.push_back(0);
        expect_values({.expr = half == DType::f16 ? "round_f16(x0)" : "round_bf16(x0)"}, {v});
    }
}

TEST(ExprCode, KeepsTheValueThatAFunctionIsMultipliedBy) {
    for (std::string_view text : {"mul(x0, sigmoid(x0))", "mul(x0, hard_sigmoid(x0, 0.2, 0.5))", "div(x0, add(1, exp(neg(x0))))"}) {
        std::vector<float> x;
        for (int i = -160; i < 160; ++i) x.push_back(static_cast<float>(i) * 0.05f);
        expect_values({.expr = text, .ulp = 8}, {x});
    }
}

TEST(ExprCode, NeedsFewRegisters) {
    struct Row {
        std::string_view expr;
        int most;
    };
    for (const Isa& isa : levels()) {
        Assembler a(isa);
        for (const Row& r : {Row{"x0", 0}, Row{"relu(x0)", 1}, Row{"clip(x0, 0, 6)", 1}, Row{"clip(x0, -1, 1)", 1}, Row{"add(x0, x1)", 1}, Row{"relu(add(x0, x1))", 1}, Row{"mul(x0, 0.5)", 0},
                             Row{"leaky_relu(x0, 0.1)", 1}, Row{"leaky_relu(x0, x1)", 2}, Row{"sigmoid(x0)", 2}, Row{"mul(x0, sigmoid(x0))", 3}, Row{"hard_swish(x0)", 1}, Row{"gelu(x0)", 3},
                             Row{"tanh(x0)", 3}, Row{"mish(x0)", 3}, Row{"erf(x0)", 3}, Row{"gelu(add(x0, x1))", 3}})
            EXPECT_LE(ExprCode(a, Expr::parse(r.expr)).scratch(), r.most) << r.expr << " at " << isa.name();
    }
}

TEST(ExprCode, CountsMoreRegistersThanThereAre) {
    std::string sums = "x0";
    for (int i = 0; i < 15; ++i) sums = fmt::format("add(mul(x0, {}), {})", i + 2, sums);
    for (const Isa& isa : levels()) {
        Assembler a(isa);
        EXPECT_LE(ExprCode(a, Expr::parse(sums)).scratch(), 32);
    }
}

TEST(ExprCode, SupportsWhatItKnows) {
    EXPECT_TRUE(ExprCode::supports(Expr::parse("mul(x0, sigmoid(x1))")));
    EXPECT_FALSE(ExprCode::supports(Expr::parse("mul(x0, sinh(x1))")));
}

// The canonical form is the code's own sequence of operations: equal bits, at every level.
TEST(ExprCode, EqualsTheCanonicalFunctionsBitByBit) {
    std::vector<float> values = special_values();
    for (std::uint32_t bits = 0; bits < 0xff800000u; bits += 30011) values.push_back(std::bit_cast<float>(bits));
    for (float x = -20; x < 20; x += 0.0007f) values.push_back(x);
    for (const ScalarFunction& f : scalar_functions()) {
        if (!f.canonical) continue;
        const std::vector<Expr> args{Expr::input(0), Expr::constant(0.75f), Expr::constant(1.0625f)};
        const Expr e = Expr::apply(f.name, std::span(args).first(static_cast<std::size_t>(f.arity)));
        for (const Isa& isa : levels()) {
            Compiled code(isa, e);
            std::size_t wrong = 0;
            for (std::size_t i = 0; i < values.size(); i += static_cast<std::size_t>(code.lanes())) {
                std::vector<float> x(static_cast<std::size_t>(code.lanes()));
                for (std::size_t k = 0; k < x.size() && i + k < values.size(); ++k) x[k] = values[i + k];
                const std::vector<float> given = x;
                float* in[] = {x.data()};
                code.run(in);
                for (std::size_t k = 0; k < x.size(); ++k) {
                    const float expected = f.canonical(given[k], 0.75f, 1.0625f);
                    if (std::bit_cast<std::uint32_t>(expected) == std::bit_cast<std::uint32_t>(x[k]) || (std::isnan(expected) && std::isnan(x[k]))) continue;
                    if (++wrong <= 3) ADD_FAILURE() << fmt::format("{}({}) is {} at {}, canonical {}", f.name, given[k], x[k], isa.name(), expected);
                }
            }
        }
    }
}

}  // namespace
}  // namespace tercet::x64
