// SPDX-License-Identifier: Apache-2.0
// Expr: a small element-wise function as text and as a list of instructions. Fused chains (operator Pointwise) and the
// tails of convolutions and products are made of it, and the kernels' expression compilers read it.
//
//     add(relu(x0), mul(x1, 0.5))      x0.. are inputs; a number is a constant of the result's type
//
// round_f16 and round_bf16 give the nearest number of such a type: half to even, beyond the greatest infinity, subnormals kept.
#pragma once

#include "tensor/view.h"

#include <array>
#include <span>
#include <string>
#include <string_view>

namespace tercet {

/// A scalar function: what Relu, Add, Clip, ... mean for one element. `value` is exact in double up to one rounding.
struct ScalarFunction {
    std::string_view name;  // "relu"
    int arity;              // 1 to 3
    double (*value)(double, double, double);
    float (*canonical)(float, float, float) = nullptr;  // its bits in f32 as kernels define them (canonical.h); null: `value`, rounded
};

std::span<const ScalarFunction> scalar_functions();                 // sorted by name
const ScalarFunction* find_scalar_function(std::string_view name);

class Expr {
public:
    static constexpr int max_inputs = 8, max_instructions = 32;

    struct Operand {
        enum class Kind : std::uint8_t { input, instruction, constant } kind = Kind::input;
        std::int32_t index = 0;
        double value = 0;
        friend bool operator==(const Operand&, const Operand&) = default;
    };
    struct Instruction {
        const ScalarFunction* function = nullptr;
        std::array<Operand, 3> operands{};
        friend bool operator==(const Instruction&, const Instruction&) = default;
    };

    static Expr input(int i);
    static Expr constant(double value);
    static Expr parse(std::string_view text);  // Error if malformed, too long, or an unknown function
    std::string text() const;

    /// f(args...): the function applied to expressions over one common list of inputs. The result must fit (see fits).
    static Expr apply(std::string_view function, std::span<const Expr> args);
    /// This expression with each input i replaced by by[i].
    Expr substituted(std::span<const Expr> by) const;
    bool fits() const { return size_ <= max_instructions && arity_ <= max_inputs; }

    int arity() const { return arity_; }                                    // 1 + the highest input read
    std::span<const Instruction> instructions() const { return {code_.data(), static_cast<std::size_t>(size_)}; }
    Operand result() const { return result_; }
    bool is_input() const { return size_ == 0 && result_.kind == Operand::Kind::input; }

    /// out[i] = this(in[0][i], in[1][i], ...), inputs broadcast to out's shape; every instruction's result is rounded to
    /// out's type, as the operators of the unfused chain would. `out` may be one of the inputs.
    /// `canonical`: f32, by functions' canonical form.
    void evaluate(std::span<const View> in, const View& out, bool canonical = false) const;

    friend bool operator==(const Expr& a, const Expr& b) { return a.result_ == b.result_ && std::ranges::equal(a.instructions(), b.instructions()); }

private:
    Operand add(const ScalarFunction& f, const std::array<Operand, 3>& operands);

    std::array<Instruction, max_instructions + 1> code_{};  // one more, so that a result too long can say so
    int size_ = 0, arity_ = 0;
    Operand result_{};
};

}  // namespace tercet
