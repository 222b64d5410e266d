// SPDX-License-Identifier: Apache-2.0
// Generated machine code for x86-64. An Assembler writes it into plain memory; seal() copies it to pages that are executable
// and no longer writable. Code is position-independent, so that nothing is patched afterwards.
//
// Vector registers are named by number at the width of the level: zmm under AVX-512, ymm under AVX2 with FMA. Code that
// is generated at a lower level than the processor's runs as it would there.
#pragma once

#include "target/isa.h"
#include "tercet/dtype.h"

#include <xbyak/xbyak.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <memory>
#include <span>
#include <vector>

namespace tercet::x64 {

using Vec = Xbyak::Xmm;  // of whatever width: Xbyak encodes by the register's kind

/// Executable code; unmapped with its last copy. Safe to run on any number of threads.
class Code {
public:
    Code() = default;
    /// Copies `code` to pages of its own. Error if the system gives no executable memory.
    explicit Code(std::span<const std::uint8_t> code);
    template <class F>
    F entry(std::size_t offset = 0) const { return reinterpret_cast<F>(reinterpret_cast<std::uintptr_t>(pages_.get()) + head + offset); }

private:
    static constexpr std::size_t head = 64;  // in front of the code: clang's check of calls through pointers reads there what it puts before functions of its own
    std::shared_ptr<const void> pages_;
};

class Assembler : public Xbyak::CodeGenerator {
public:
    explicit Assembler(const Isa& isa);  // at least avx2

    /// Xbyak::Error of a slip of ours (an operand that does not fit) ends as std::logic_error.
    Code seal();

    const Isa isa;
    const bool wide;       // 512 bits
    const int lanes;       // floats per vector: 8, 16
    const int registers;   // 16, 32
    int vector_bytes() const { return lanes * 4; }

    Vec vec(int i) const { return {wide ? Xbyak::Operand::ZMM : Xbyak::Operand::YMM, i}; }

    /// A vector of this value in every lane, as a memory operand that lies behind the code.
    Xbyak::Address all(float value);
    Xbyak::Address all_bits(std::uint32_t bits);
    Xbyak::Address vector(std::vector<std::uint32_t> bits);  // `lanes` of them

    /// Saves what the calling convention wants kept (rbx, rbp, r12 to r15), leaves it; `leave` also ends the function.
    void enter();
    void leave();

    /// The first n of a vector's lanes, 0 < n <= lanes. Under AVX-512 opmask k1 must hold them (tail_mask); under AVX2 a
    /// mask vector is loaded on the way, for stores into `scratch`. Lanes behind n are neither read nor written; a load
    /// fills them with zeros.
    void tail_mask(int n, const Xbyak::Reg32& scratch);
    void load(const Vec& to, const Xbyak::Address& from, int n);
    void store(const Xbyak::Address& to, const Vec& from, int n, const Vec& scratch);
    void zero(const Vec& v);

    /// The same for elements that are stored as f32, f16, bf16, i8 or u8 and are floats in registers. `stored` rounds half to
    /// even; integers get `zero` added and saturate, NaN counts as 0. It clobbers `from`, `scratch` and k2.
    void load_as_floats(const Vec& to, const Xbyak::Address& from, int n, DType type);
    void store_floats_as(const Xbyak::Address& to, const Vec& from, int n, DType type, int zero, const Vec& scratch);

private:
    struct Free {
        void operator()(std::uint8_t* p) const { std::free(p); }
    };
    using Memory = std::unique_ptr<std::uint8_t, Free>;

    Assembler(const Isa& isa, Memory memory);
    Xbyak::Address lane_mask(int n);
    /// The first n < 8 bytes of an xmm register, or n < 8 pairs of bytes, one part after the other: without opmasks nothing
    /// moves them at once.
    void load_bytes(const Vec& to, const Xbyak::Address& from, int bytes);
    void store_bytes(const Xbyak::Address& to, const Vec& from, int bytes);

    static constexpr std::size_t capacity = std::size_t{8} << 20;  // touched only as far as it is written
    Memory memory_;
    std::map<std::vector<std::uint32_t>, Xbyak::Label> constants_;
};

}  // namespace tercet::x64
