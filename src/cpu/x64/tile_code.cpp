// SPDX-License-Identifier: Apache-2.0
#include "cpu/x64/tile_code.h"

#include <algorithm>

namespace tercet::x64 {
namespace {

// General registers by their part in a tile; all are the callee's to change.
const Xbyak::Reg64 args = Xbyak::util::rdi, x = Xbyak::util::rsi, w = Xbyak::util::rdx, y = Xbyak::util::rcx, bias = Xbyak::util::r8, passes = Xbyak::util::r9,
                   steps = Xbyak::util::r10;

// Free for addresses of the tail's inputs once the sums are done.
const Xbyak::Reg64 tail_registers[] = {Xbyak::util::rsi, Xbyak::util::rdx, Xbyak::util::r8, Xbyak::util::r9, Xbyak::util::r10, Xbyak::util::r11, Xbyak::util::rax};

constexpr int unrolled_at_most = 1024;  // multiply-adds that are written out without a loop
constexpr int loop_at_most = 128;       // multiply-adds in the body of a loop over k

int registers_of(const Isa& isa) { return isa.has(Isa::Level::avx512) ? 32 : 16; }

// Under AVX-512 a multiply-add broadcasts its operand from memory itself, where no register is left for that.
bool fits_with(const Isa& isa, int rows, int vectors, bool broadcast_register) {
    return rows * vectors + vectors + (broadcast_register ? 1 : 0) <= registers_of(isa);
}

constexpr std::uint8_t flip = 0x80;  // makes signed bytes unsigned ones, greater by 128

// Without a zero point the padding, flipped, is what flips.
bool flips_by_its_own(const Arithmetic& a) { return a.flips && a.absent != flip; }

// Registers from the last one down that sums of bytes keep, beside those of weights. See TileWriter::multiply_bytes.
int byte_registers(const Isa& isa, const Arithmetic& a) {
    const int constants = (a.absent != 0) + flips_by_its_own(a);
    if (isa.has(Isa::Level::avx512_vnni)) return 1 + constants;  // pixels
    return 3 + constants + !a.small;                             // pixels, products, ones; the pixels' highest bits
}

Vec from_last(const Assembler& a, int i) { return a.vec(a.registers - 1 - i); }

std::int64_t columns_of(const Step& s) { return s.outputs[0].shape.empty() ? 1 : s.outputs[0].shape.back(); }

}  // namespace

Arithmetic Arithmetic::of(const Step& s) {
    Arithmetic a;
    const DType x = s.inputs[0].dtype;
    a.bytes = x == DType::i8 || x == DType::u8;
    a.weights = s.inputs[1].dtype;
    a.y = s.outputs[0].dtype;
    a.y_zero = static_cast<int>(s.attributes().integer("stored_zero", 0));
    if (!a.bytes) return a;
    const std::int64_t zero = s.attributes().integer("x_zero", 0);
    a.small = x == DType::i8 && s.attributes().integer("x_least", -128) >= 0;
    a.flips = x == DType::i8 && !a.small;
    a.absent = static_cast<std::uint8_t>(zero + (a.flips ? 128 : 0));
    return a;
}

bool tile_fits(const Isa& isa, int rows, int vectors, const Arithmetic& a) {
    if (rows < 1 || rows > 32) return false;
    return a.bytes ? rows * vectors + vectors + byte_registers(isa, a) <= registers_of(isa) : fits_with(isa, rows, vectors, !isa.has(Isa::Level::avx512));
}

int most_rows(const Isa& isa, int vectors, const Arithmetic& a) {
    int rows = 0;
    while (tile_fits(isa, rows + 1, vectors, a)) ++rows;
    return rows;
}

TailShape TailShape::of(const Step& s) {
    TailShape t;
    const auto text = s.attributes().text("tail", "");
    if (text.empty()) return t;
    t.expr = Expr::parse(text);
    t.first_input = static_cast<std::size_t>(op_of(*s.node).inputs.max);
    const Dims& out = s.outputs[0].shape;
    for (std::size_t i = t.first_input; i < s.inputs.size(); ++i) {
        const Dims& in = s.inputs[i].shape;
        t.inputs.push_back(in == out && !out.empty() ? Kind::element : count_of(in) == 1 ? Kind::scalar : Kind::column);
        t.types.push_back(s.inputs[i].dtype);
    }
    return t;
}

Numerics TailShape::numerics(const Step& s) {
    const auto text = s.attributes().text("tail", "");
    return text.empty() || ExprCode::exact(Expr::parse(text), s.attributes().has("stored")) ? Numerics::reordered_sum : Numerics::approximate;
}

bool TailShape::canonical(const Step& s, const Isa&) {
    const auto text = s.attributes().text("tail", "");
    return text.empty() || ExprCode::exact(Expr::parse(text), true);
}

Refusal TailShape::refuse(const Step& s) {
    const auto text = s.attributes().text("tail", "");
    if (text.empty()) return {};
    if (!ExprCode::supports(Expr::parse(text))) return "its tail has a function without vector code";
    const auto first = static_cast<std::size_t>(op_of(*s.node).inputs.max);
    if (s.inputs.size() > first + std::size(tail_registers)) return "its tail reads too many values";
    for (std::size_t i = first; i < s.inputs.size(); ++i) {
        const auto& in = s.inputs[i];
        const bool bytes = in.dtype == DType::i8 || in.dtype == DType::u8;
        if (!in || (in.dtype != DType::f32 && !(bytes && in.shape == s.outputs[0].shape && count_of(in.shape) != 1))) return "its tail reads a value that is not f32";
        const std::int64_t n = count_of(in.shape);
        const bool column = !in.shape.empty() && in.shape.back() == n && n == columns_of(s);
        if (in.shape != s.outputs[0].shape && n != 1 && !column) return "its tail reads a value that is broadcast across rows";
    }
    return {};
}

TailPlaces::TailPlaces(const TailShape& shape, const Buffers& b) : shape_(shape) {
    for (std::size_t i = 0; i < shape.inputs.size(); ++i) base_[i] = b.inputs[shape.first_input + i];
}

const void* const* TailPlaces::at(std::int64_t y_offset, std::int64_t column) noexcept {
    for (std::size_t i = 0; i < shape_.inputs.size(); ++i) {
        const std::int64_t element = shape_.inputs[i] == TailShape::Kind::element ? y_offset : shape_.inputs[i] == TailShape::Kind::column ? column : 0;
        at_[i] = static_cast<const char*>(base_[i]) + element * (shape_.types[i] == DType::f32 ? 4 : 1);
    }
    return at_.data();
}

TileWriter::TileWriter(const Isa& isa, TailShape tail, Arithmetic arithmetic) : a_(isa), tail_(std::move(tail)), arithmetic_(arithmetic) {
    if (tail_.expr) expr_.emplace(a_, *tail_.expr);
}

std::size_t TileWriter::add(const Tile& tile) {
    const auto known = std::ranges::find(written_, tile, [](const auto& w) -> const Tile& { return w.first; });
    if (known != written_.end()) return static_cast<std::size_t>(known - written_.begin());
    a_.align(64);
    written_.emplace_back(tile, a_.getSize());
    write(tile);
    return written_.size() - 1;
}

TileWriter::Tiles TileWriter::seal() {
    Tiles tiles{a_.seal(), {}};
    for (const auto& [tile, offset] : written_) tiles.functions.push_back(tiles.code.entry<TileFunction>(offset));
    return tiles;
}

void TileWriter::write(const Tile& t) {
    using Xbyak::util::ptr;
    const int rows = static_cast<int>(t.x_rows.size());
    a_.mov(y, ptr[args + offsetof(TileArgs, y)]);
    if (t.last) a_.tail_mask(t.last, Xbyak::util::eax);
    if (t.in_place) {
        write_in_place(t);
        a_.vzeroupper();
        a_.ret();
        return;
    }
    a_.mov(bias, ptr[args + offsetof(TileArgs, bias)]);
    for (int v = 0; v < t.vectors; ++v) a_.vmovups(sum(t, 0, v), ptr[bias + v * a_.vector_bytes()]);
    for (int r = 1; r < rows; ++r)
        for (int v = 0; v < t.vectors; ++v) a_.vmovaps(sum(t, r, v), sum(t, 0, v));
    if (t.depth > 0 && !t.taps.empty()) write_sums(t);
    if (arithmetic_.bytes) sums_to_floats(t);
    write_tail(t);
    a_.vzeroupper();
    a_.ret();
}

void TileWriter::load_weights(const Vec& to, const Xbyak::Address& from) {
    if (arithmetic_.bytes) return a_.vmovups(to, from);
    a_.load_as_floats(to, from, a_.lanes, arithmetic_.weights);
}

// sum += the products of four bytes of weights and of pixels. vpdpbusd takes unsigned bytes by signed ones, and is exact. Without
// it vpmaddubsw adds neighbouring products in 16 bits, where 255*127*2 saturates: pixels come in two parts then, the low 7 bits
// and the highest one, each of which stays within: 127*128*2 and 128*127*2 (and -128*128*2).
void TileWriter::multiply_bytes(const Vec& sum, const Vec& weight) {
    const Vec pixel = from_last(a_, 0);
    if (a_.isa.has(Isa::Level::avx512_vnni)) return a_.vpdpbusd(sum, pixel, weight);
    const Vec product = from_last(a_, 1), ones = from_last(a_, 2), high = from_last(a_, 3);
    for (const Vec& part : {pixel, high}) {
        a_.vpmaddubsw(product, part, weight);
        a_.vpmaddwd(product, product, ones);
        a_.vpaddd(sum, sum, product);
        if (arithmetic_.small) return;
    }
}

void TileWriter::sums_to_floats(const Tile& t) {
    for (int i = 0; i < static_cast<int>(t.x_rows.size()) * t.vectors; ++i) a_.vcvtdq2ps(a_.vec(i), a_.vec(i));
}

void TileWriter::store(const Tile& t, const Vec& value, int r, int v, const Vec& scratch) {
    a_.store_floats_as(Xbyak::util::ptr[y + place(t, r, v)], value, used_lanes(t, v), arithmetic_.y, arithmetic_.y_zero, scratch);
}

void TileWriter::write_sums(const Tile& t) {
    using Xbyak::util::ptr;
    using Xbyak::util::ptr_b;
    const int rows = static_cast<int>(t.x_rows.size());
    const int sums = rows * t.vectors;
    const bool broadcast = t.vectors > 1 ? fits_with(a_.isa, rows, t.vectors, true) : !a_.wide;
    const Vec pixel = a_.vec(std::min(sums + t.vectors, a_.registers - 1));
    const auto weight = [&](int v) { return a_.vec(sums + v); };
    const bool vnni = a_.isa.has(Isa::Level::avx512_vnni);
    const Vec byte_pixel = from_last(a_, 0), byte_high = from_last(a_, 3), byte_absent = from_last(a_, vnni ? 1 : arithmetic_.small ? 3 : 4);
    const Vec byte_flip = flips_by_its_own(arithmetic_) ? from_last(a_, (vnni ? 1 : 4) + (arithmetic_.absent != 0)) : byte_absent;
    const auto four_times = [](std::uint8_t byte) { return byte * 0x01010101u; };
    if (arithmetic_.bytes && arithmetic_.absent != 0) a_.vmovups(byte_absent, a_.all_bits(four_times(arithmetic_.absent)));
    if (flips_by_its_own(arithmetic_)) a_.vmovups(byte_flip, a_.all_bits(four_times(flip)));
    if (arithmetic_.bytes && !vnni) a_.vmovups(from_last(a_, 2), a_.all_bits(0x00010001));
    a_.mov(x, ptr[args + offsetof(TileArgs, x)]);
    a_.mov(w, ptr[args + offsetof(TileArgs, w)]);

    // The products of k, `k` and `at` being relative to where x and w point.
    const auto products = [&](const Tile::Tap& tap, std::int64_t k, std::int64_t at) {
        const int weight_bytes = a_.lanes * (arithmetic_.bytes ? 4 : bits_of(arithmetic_.weights) / 8);
        for (int v = 0; v < t.vectors; ++v) load_weights(weight(v), ptr[w + static_cast<int>(at * t.w_step) + v * weight_bytes]);
        for (int r = 0; r < rows; ++r) {
            const bool present = tap.rows >> r & 1;
            if (arithmetic_.bytes) {
                if (!present && arithmetic_.absent == 0) continue;
                const int at_x = tap.x + t.x_rows[static_cast<std::size_t>(r)] + static_cast<int>(k) * 4;
                if (!present) a_.vmovaps(byte_pixel, byte_absent);
                else if (arithmetic_.flips && a_.wide) a_.vpxord(byte_pixel, byte_flip, ptr_b[x + at_x]);
                else a_.vpbroadcastd(byte_pixel, ptr[x + at_x]);
                if (present && arithmetic_.flips && !a_.wide) a_.vpxor(byte_pixel, byte_pixel, byte_flip);
                if (!vnni && !arithmetic_.small) {
                    a_.wide ? a_.vpandd(byte_high, byte_pixel, a_.all_bits(0x80808080)) : a_.vpand(byte_high, byte_pixel, a_.all_bits(0x80808080));
                    a_.wide ? a_.vpandd(byte_pixel, byte_pixel, a_.all_bits(0x7f7f7f7f)) : a_.vpand(byte_pixel, byte_pixel, a_.all_bits(0x7f7f7f7f));
                }
                for (int v = 0; v < t.vectors; ++v) multiply_bytes(sum(t, r, v), weight(v));
                continue;
            }
            if (!present) continue;
            const int from = tap.x + t.x_rows[static_cast<std::size_t>(r)] + static_cast<int>(k) * 4;
            if (broadcast) {
                a_.vbroadcastss(pixel, ptr[x + from]);
                for (int v = 0; v < t.vectors; ++v) a_.vfmadd231ps(sum(t, r, v), weight(v), pixel);
            } else {
                for (int v = 0; v < t.vectors; ++v) a_.vfmadd231ps(sum(t, r, v), weight(v), ptr_b[x + from]);
            }
        }
    };
    const auto any_rows = [&](const Tile::Tap& tap) { return (arithmetic_.bytes && arithmetic_.absent != 0) || (tap.rows & (rows == 32 ? ~0u : (1u << rows) - 1)) != 0; };

    const bool looped = t.x_pass != 0 || t.w_pass != 0;
    Xbyak::Label pass, done;
    if (looped) {
        a_.mov(passes, ptr[args + offsetof(TileArgs, passes)]);
        a_.test(passes, passes);
        a_.jz(done, Xbyak::CodeGenerator::T_NEAR);
        a_.L(pass);
    }
    const auto taps = static_cast<std::int64_t>(t.taps.size());
    if (taps * t.depth * sums <= unrolled_at_most) {
        for (std::int64_t i = 0; i < taps; ++i)
            if (any_rows(t.taps[static_cast<std::size_t>(i)]))
                for (std::int64_t k = 0; k < t.depth; ++k) products(t.taps[static_cast<std::size_t>(i)], k, i * t.depth + k);
        if (looped) {
            a_.add(x, t.x_pass);
            a_.add(w, t.w_pass);
        }
    } else {
        std::int64_t w_at = 0;  // where w points, in units of w_step
        const std::int64_t body = std::clamp<std::int64_t>(loop_at_most / sums, 1, 16), turns = t.depth / body;
        for (std::int64_t i = 0; i < taps; ++i) {
            const Tile::Tap& tap = t.taps[static_cast<std::size_t>(i)];
            if (!any_rows(tap)) continue;
            if (const std::int64_t skip = i * t.depth - w_at) a_.add(w, static_cast<int>(skip * t.w_step));
            w_at = i * t.depth;
            if (turns > 0) {
                Xbyak::Label loop;
                a_.mov(steps.cvt32(), static_cast<int>(turns));
                a_.align(32);
                a_.L(loop);
                for (std::int64_t k = 0; k < body; ++k) products(tap, k, k);
                a_.add(x, static_cast<int>(body * 4));
                a_.add(w, static_cast<int>(body * t.w_step));
                a_.sub(steps.cvt32(), 1);
                a_.jnz(loop, Xbyak::CodeGenerator::T_NEAR);
                w_at += turns * body;
            }
            for (std::int64_t k = turns * body; k < t.depth; ++k) products(tap, k - turns * body, k - turns * body);
            if (turns > 0) a_.sub(x, static_cast<int>(turns * body * 4));
        }
        if (looped) {
            a_.add(x, t.x_pass);
            a_.add(w, static_cast<int>(t.w_pass - w_at * t.w_step));
        }
    }
    if (looped) {
        a_.sub(passes, 1);
        a_.jnz(pass, Xbyak::CodeGenerator::T_NEAR);
        a_.L(done);
    }
}

void TileWriter::load_tail_addresses() {
    using Xbyak::util::ptr;
    for (std::size_t i = 0; i < tail_.inputs.size(); ++i) {
        if (i == 0) a_.mov(Xbyak::util::rax, ptr[args + offsetof(TileArgs, tail)]);
        a_.mov(tail_registers[i], ptr[Xbyak::util::rax + static_cast<int>(i) * 8]);  // rax itself comes last
    }
}

void TileWriter::apply_tail(const Tile& t, const Vec& value, int r, int v, std::span<const Vec> free) {
    using Xbyak::util::ptr;
    expr_->emit(value, free, [&](int input, const Vec& to) {
        const auto i = static_cast<std::size_t>(input - 1);
        switch (tail_.inputs[i]) {
            case TailShape::Kind::element: {
                const int element = place(t, r, v) / arithmetic_.y_bytes();
                return a_.load_as_floats(to, ptr[tail_registers[i] + element * (tail_.types[i] == DType::f32 ? 4 : 1)], used_lanes(t, v), tail_.types[i]);
            }
            case TailShape::Kind::column: return a_.load(to, ptr[tail_registers[i] + v * a_.vector_bytes()], used_lanes(t, v));
            case TailShape::Kind::scalar: return a_.vbroadcastss(to, ptr[tail_registers[i]]);
        }
    });
}

void TileWriter::write_in_place(const Tile& t) {
    using Xbyak::util::ptr;
    std::vector<Vec> free;
    for (int i = 1; i < a_.registers; ++i) free.push_back(a_.vec(i));
    load_tail_addresses();
    for (int r = 0; r < static_cast<int>(t.y_rows.size()); ++r)
        for (int v = 0; v < t.vectors; ++v) {
            a_.load(a_.vec(0), ptr[y + place(t, r, v)], used_lanes(t, v));
            apply_tail(t, a_.vec(0), r, v, free);
            store(t, a_.vec(0), r, v, free.back());
        }
}

void TileWriter::write_tail(const Tile& t) {
    using Xbyak::util::ptr;
    using Xbyak::util::rsp;
    const int rows = static_cast<int>(t.x_rows.size()), sums = rows * t.vectors;
    std::vector<Vec> free;
    for (int i = sums; i < a_.registers; ++i) free.push_back(a_.vec(i));
    if (!expr_) {
        for (int r = 0; r < rows; ++r)
            for (int v = 0; v < t.vectors; ++v) store(t, sum(t, r, v), r, v, free.back());
        return;
    }
    load_tail_addresses();
    if (static_cast<int>(free.size()) >= std::max(1, expr_->scratch())) {
        for (int r = 0; r < rows; ++r)
            for (int v = 0; v < t.vectors; ++v) {
                apply_tail(t, sum(t, r, v), r, v, free);
                store(t, sum(t, r, v), r, v, free.back());
            }
        return;
    }
    // Too few registers beside the sums: they wait on the stack.
    const int bytes = sums * a_.vector_bytes();
    a_.sub(rsp, bytes);
    for (int i = 0; i < sums; ++i) a_.vmovups(ptr[rsp + i * a_.vector_bytes()], a_.vec(i));
    free.clear();
    for (int i = 1; i < a_.registers; ++i) free.push_back(a_.vec(i));
    for (int r = 0; r < rows; ++r)
        for (int v = 0; v < t.vectors; ++v) {
            a_.vmovups(a_.vec(0), ptr[rsp + (r * t.vectors + v) * a_.vector_bytes()]);
            apply_tail(t, a_.vec(0), r, v, free);
            store(t, a_.vec(0), r, v, free.back());
        }
    a_.add(rsp, bytes);
}

}  // namespace tercet::x64
