// SPDX-License-Identifier: Apache-2.0
// Element-wise operators and fused chains of them as one generated loop: a vector passes through the whole expression in
// registers, as f32, whatever its elements are stored as (op.h, `stored`). A unit is a piece of a row, or a block of rows where they are short; the loop over its rows is generated, too.
#include "cpu/pointwise_f32.h"

#include "cpu/x64/expr_code.h"

#include <algorithm>

namespace tercet::x64 {
namespace {

/// out and inputs at the first element of the first row.
using RowsFunction = void (*)(const void* const* inputs, void* out, std::int64_t rows) noexcept;

int bytes_of_one(DType t) { return bits_of(t) / 8; }

// How the inputs of a step lie in a row, and from one row to the next.
struct Inputs {
    BroadcastLoops loops;
    std::array<bool, Expr::max_inputs> read{};
    std::array<DType, Expr::max_inputs> types{};
    DType out;
    int out_zero;

    Inputs(const Step& step, const Expr& expr) : loops(BroadcastLoops::of(step)), out(step.outputs[0].dtype), out_zero(static_cast<int>(step.attributes().integer("stored_zero", 0))) {
        for (std::size_t i = 0; i < step.inputs.size(); ++i) types[i] = step.inputs[i].dtype;
        const auto use = [&](const Expr::Operand& o) {
            if (o.kind == Expr::Operand::Kind::input) read[static_cast<std::size_t>(o.index)] = true;
        };
        use(expr.result());
        for (const Expr::Instruction& in : expr.instructions())
            for (int i = 0; i < in.function->arity; ++i) use(in.operands[static_cast<std::size_t>(i)]);
    }
    std::size_t count() const { return loops.strides.size(); }
    int outer_dims() const { return loops.shape.size() - 1; }
    std::int64_t row() const { return loops.shape.back(); }
    std::int64_t rows() const { return outer_dims() == 0 ? 1 : loops.shape[outer_dims() - 1]; }  // that lie at equal distances
    bool scalar(std::size_t i) const { return loops.strides[i].back() == 0; }
    std::int64_t row_bytes(std::size_t i) const { return outer_dims() == 0 ? 0 : loops.strides[i][outer_dims() - 1] * bytes_of_one(types[i]); }
};

class RowsCode {
public:
    RowsCode(const Isa& isa, const Expr& expr, const Inputs& inputs, int unroll) : a_(isa), expr_(a_, expr), inputs_(inputs), unroll_(unroll) {
        const int working = std::max(1, expr_.scratch());
        for (int i = 1; i <= working; ++i) free_.push_back(a_.vec(i));
        int next = a_.registers;
        for (std::size_t i = 0; i < inputs_.count(); ++i)
            if (inputs_.read[i] && inputs_.scalar(i) && next - 1 > working) scalars_[i] = --next;
    }

    static Refusal refuse(const Isa& isa, const Expr& expr) {
        if (!ExprCode::supports(expr)) return "has a function without vector code";
        Assembler a(isa);
        return std::max(1, ExprCode(a, expr).scratch()) < a.registers ? Refusal() : "needs too many registers";
    }

    // Code for rows of n elements; where it starts.
    std::size_t write(std::int64_t n) {
        const std::size_t start = a_.getSize();
        a_.enter();
        for (std::size_t i = 0; i < inputs_.count(); ++i)
            if (inputs_.read[i]) a_.mov(pointer(i), a_.ptr[a_.rdi + static_cast<int>(i) * 8]);
        const auto tail = static_cast<int>(n % a_.lanes);
        if (tail > 0) a_.tail_mask(tail, a_.eax);
        Xbyak::Label next_row;
        a_.L(next_row);
        write_row(n, tail);
        for (std::size_t i = 0; i < inputs_.count(); ++i)
            if (inputs_.read[i]) advance(pointer(i), inputs_.row_bytes(i));
        advance(out_, n * bytes_of_one(inputs_.out));
        a_.dec(rows_);
        a_.jnz(next_row, Assembler::T_NEAR);
        a_.leave();
        return start;
    }

    Code seal() { return a_.seal(); }

private:
    void write_row(std::int64_t n, int tail) {
        for (std::size_t i = 0; i < inputs_.count(); ++i)
            if (scalars_[i] >= 0) a_.vbroadcastss(a_.vec(scalars_[i]), a_.ptr[pointer(i)]);
        const std::int64_t step = unroll_ * a_.lanes, turns = n / step;
        a_.xor_(offset_.cvt32(), offset_.cvt32());
        if (turns > 0) {
            Xbyak::Label next;
            a_.L(next);
            for (int v = 0; v < unroll_; ++v) write_vector(v, a_.lanes);
            a_.add(offset_, static_cast<int>(step));
            if (turns > 1) {
                a_.cmp(offset_, static_cast<std::uint32_t>(turns * step));
                a_.jne(next, Assembler::T_NEAR);
            }
        }
        const auto whole = static_cast<int>(n % step / a_.lanes);
        for (int v = 0; v < whole; ++v) write_vector(v, a_.lanes);
        if (tail > 0) write_vector(whole, tail);
    }

    // The v-th vector from the offset on, its first `used` lanes.
    void write_vector(int v, int used) {
        const Vec y = a_.vec(0);
        const int displacement = v * a_.lanes;  // in elements, as the offset
        const auto load = [&](int input, const Vec& to) {
            const auto i = static_cast<std::size_t>(input);
            if (!inputs_.scalar(i)) a_.load_as_floats(to, a_.ptr[pointer(i) + offset_ * bytes_of_one(inputs_.types[i]) + displacement * bytes_of_one(inputs_.types[i])], used, inputs_.types[i]);
            else if (scalars_[i] >= 0) a_.vmovaps(to, a_.vec(scalars_[i]));
            else a_.vbroadcastss(to, a_.ptr[pointer(i)]);
        };
        if (inputs_.read[0]) load(0, y);
        expr_.emit(y, free_, load);
        a_.store_floats_as(a_.ptr[out_ + offset_ * bytes_of_one(inputs_.out) + displacement * bytes_of_one(inputs_.out)], y, used, inputs_.out, inputs_.out_zero, free_[0]);
    }

    void advance(const Xbyak::Reg64& p, std::int64_t bytes) {
        if (bytes == 0) return;
        a_.mov(a_.rcx, bytes);
        a_.add(p, a_.rcx);
    }

    Xbyak::Reg64 pointer(std::size_t i) const {
        const std::array<Xbyak::Reg64, Expr::max_inputs> registers{a_.r8, a_.r9, a_.r10, a_.r11, a_.rbx, a_.rbp, a_.r12, a_.r13};
        return registers[i];
    }

    Assembler a_;
    ExprCode expr_;
    const Inputs& inputs_;
    int unroll_;
    std::vector<Vec> free_;
    std::array<int, Expr::max_inputs> scalars_{-1, -1, -1, -1, -1, -1, -1, -1};  // registers of inputs that are one element per row
    const Xbyak::Reg64 out_ = Xbyak::util::rsi, rows_ = Xbyak::util::rdx, offset_ = Xbyak::util::rax;
};

Numerics numerics(const Step& step) {
    const auto expr = pointwise_expr(step);
    return expr && ExprCode::supports(*expr) && ExprCode::exact(*expr, step.attributes().has("stored")) ? Numerics::exact : Numerics::approximate;
}

// Of what is not f32 all elements are read one after the other.
Refusal refuse_stored(const Step& step) {
    if (!step.attributes().has("stored")) return refuse_pointwise(step);
    if (step.attributes().has("tail") || step.outputs.size() != 1) return "has a tail, or a second output";
    const DType y = step.outputs[0].dtype;
    if (y != DType::f32 && y != DType::i8 && y != DType::u8) return "its result is stored as another type than f32, i8 and u8";
    if (!pointwise_expr(step)) return "no element-wise function";
    const Inputs inputs(step, *pointwise_expr(step));
    for (std::size_t i = 0; i < step.inputs.size(); ++i) {
        if (!step.inputs[i] || inputs.types[i] == DType::f32) continue;
        if (inputs.types[i] != DType::i8 && inputs.types[i] != DType::u8 && inputs.types[i] != DType::f16 && inputs.types[i] != DType::bf16) return "an input is of another type than floats and bytes";
        if (inputs.scalar(i)) return "an input that is one element for a row is not f32";
    }
    return {};
}

Refusal refuse(const Step& step, const Isa& isa) {
    if (!isa.has(Isa::Level::avx2)) return "needs AVX2";
    if (Refusal r = refuse_stored(step)) return r;
    return RowsCode::refuse(isa, *pointwise_expr(step));
}

std::vector<Variant> variants(const Step& step, const Isa&) {
    std::vector<Variant> all;
    const std::int64_t n = count_of(step.outputs[0].shape);
    for (int tile : {4096, 16384, 65536}) {
        if (tile > 4096 && tile / 2 > n) break;
        for (int unroll : {2, 1, 4}) all.push_back({.rows = unroll, .tile = tile});
    }
    return all;
}

Kernel compile(const Step& step, const Variant& variant, const Isa& isa) {
    const Expr expr = *pointwise_expr(step);
    const Inputs inputs(step, expr);
    Kernel k;
    if (count_of(inputs.loops.shape) == 0) {
        k.phases.push_back({.units = 0, .run = [](const Buffers&, std::int64_t, std::int64_t) {}});
        return k;
    }
    const std::int64_t row = inputs.row(), rows = inputs.rows();
    const std::int64_t piece = std::min<std::int64_t>(row, variant.tile), pieces = (row + piece - 1) / piece;
    const std::int64_t block = pieces > 1 ? 1 : std::clamp<std::int64_t>(variant.tile / row, 1, rows), blocks = (rows + block - 1) / block;
    const std::int64_t outer = count_of(inputs.loops.shape.part(0, std::max(0, inputs.outer_dims() - 1)));

    RowsCode writer(isa, expr, inputs, variant.rows);
    const std::size_t of_piece = writer.write(piece), of_last = row % piece == 0 ? of_piece : writer.write(row % piece);
    const Code code = writer.seal();
    const auto whole = code.entry<RowsFunction>(of_piece), rest = code.entry<RowsFunction>(of_last);
    k.phases.push_back({.units = outer * blocks * pieces, .run = [=](const Buffers& b, std::int64_t first, std::int64_t last) {
        [[maybe_unused]] const Code& keeps_the_functions = code;
        for (std::int64_t u = first; u < last; ++u) {
            const std::int64_t at = u % pieces * piece, at_row = u / pieces % blocks * block, count = std::min(block, rows - at_row);
            const std::int64_t index = u / pieces / blocks * rows + at_row;
            std::array<const void*, Expr::max_inputs> in{};
            for (std::size_t i = 0; i < inputs.count(); ++i)
                if (inputs.read[i]) in[i] = static_cast<const char*>(b.inputs[i]) + (inputs.loops.offset(i, index, inputs.outer_dims()) + at * inputs.loops.strides[i].back()) * bytes_of_one(inputs.types[i]);
            (at + piece <= row ? whole : rest)(in.data(), static_cast<char*>(b.outputs[0]) + (index * row + at) * bytes_of_one(inputs.out), count);
        }
    }});
    return k;
}

double cost(const Step& s, const Variant& v, const Isa&) {
    return 0.5 * static_cast<double>(count_of(s.outputs[0].shape)) + v.tile * 1e-4 + std::abs(v.rows - 2);
}

const RegisteredTactic pointwise{{.name = "cpu/pointwise_code_f32",
                                  .most = Isa::Level::avx512,
                                  .numerics = numerics,
                                  .refuse = refuse,
                                  .variants = variants,
                                  .compile = compile,
                                  .cost = cost,
                                  .canonical = [](const Step& s, const Isa&) { const auto expr = pointwise_expr(s); return expr && ExprCode::exact(*expr, true); },
                                  .stores = true}};

}  // namespace
}  // namespace tercet::x64
