// SPDX-License-Identifier: Apache-2.0
#include "cpu/x64/assembler.h"

#include "tercet/error.h"

#include <sys/mman.h>

#include <bit>
#include <cstring>
#include <stdexcept>
#include <string>

namespace tercet::x64 {

Code::Code(std::span<const std::uint8_t> code) {
    if (code.empty()) return;
    const std::size_t bytes = (code.size() + head + 4095) / 4096 * 4096;
    void* pages = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) throw Error({.what = "no memory for generated code", .fix = "give the process more memory"});
    pages_ = {pages, [bytes](const void* p) { munmap(const_cast<void*>(p), bytes); }};
    std::memcpy(static_cast<std::byte*>(pages) + head, code.data(), code.size());
    if (mprotect(pages, bytes, PROT_READ | PROT_EXEC) != 0)
        throw Error({.what = "this system lets no generated code run", .fix = "allow executable mappings, or run with TERCET_MAX_ISA=baseline"});
}

// At a page, as the copy will be, so that what is aligned here is aligned there.
Assembler::Assembler(const Isa& i) : Assembler(i, Memory(static_cast<std::uint8_t*>(std::aligned_alloc(4096, capacity)))) {}

Assembler::Assembler(const Isa& i, Memory memory)
    : Xbyak::CodeGenerator(capacity, memory.get()), isa(i), wide(i.has(Isa::Level::avx512)), lanes(wide ? 16 : 8), registers(wide ? 32 : 16), memory_(std::move(memory)) {}

Code Assembler::seal() {
    try {
        align(64);
        for (auto& [bits, label] : constants_) {
            L(label);
            for (std::uint32_t lane : bits) dd(lane);
        }
        return Code(std::span(getCode(), getSize()));
    } catch (const Xbyak::Error& e) {
        throw std::logic_error(std::string("generated code: ") + e.what());
    }
}

Xbyak::Address Assembler::all(float value) { return all_bits(std::bit_cast<std::uint32_t>(value)); }
Xbyak::Address Assembler::all_bits(std::uint32_t bits) { return vector(std::vector(static_cast<std::size_t>(lanes), bits)); }
Xbyak::Address Assembler::vector(std::vector<std::uint32_t> bits) { return ptr[rip + constants_[std::move(bits)]]; }

void Assembler::enter() {
    for (const auto& r : {rbx, rbp, r12, r13, r14, r15}) push(r);
}

void Assembler::leave() {
    for (const auto& r : {r15, r14, r13, r12, rbp, rbx}) pop(r);
    vzeroupper();
    ret();
}

Xbyak::Address Assembler::lane_mask(int n) {
    std::vector<std::uint32_t> bits(static_cast<std::size_t>(lanes));
    for (int i = 0; i < n; ++i) bits[static_cast<std::size_t>(i)] = 0xffffffff;
    return vector(std::move(bits));
}

void Assembler::tail_mask(int n, const Xbyak::Reg32& scratch) {
    if (!wide) return;
    mov(scratch, (1u << n) - 1);
    kmovw(k1, scratch);
}

void Assembler::load(const Vec& to, const Xbyak::Address& from, int n) {
    if (n == lanes) return vmovups(to, from);
    if (wide) return vmovups(to | k1 | T_z, from);
    vmovups(to, lane_mask(n));
    vmaskmovps(to, to, from);
}

void Assembler::store(const Xbyak::Address& to, const Vec& from, int n, const Vec& scratch) {
    if (n == lanes) return vmovups(to, from);
    if (wide) return vmovups(to | k1, from);
    vmovups(scratch, lane_mask(n));
    vmaskmovps(to, scratch, from);
}

void Assembler::zero(const Vec& v) {
    if (v.getIdx() < 16) vxorps(Xbyak::Xmm(v.getIdx()), Xbyak::Xmm(v.getIdx()), Xbyak::Xmm(v.getIdx()));  // clears the whole register
    else vpxord(v, v, v);
}

// An address `bytes` further on.
static Xbyak::Address behind(const Xbyak::Address& a, int bytes) {
    const Xbyak::RegExp& e = a.getRegExp();
    return Xbyak::util::ptr[e + static_cast<std::size_t>(bytes)];
}

void Assembler::load_bytes(const Vec& to, const Xbyak::Address& from, int bytes) {
    const Xbyak::Xmm x(to.getIdx());
    vpxor(x, x, x);
    int at = 0;
    for (; at + 8 <= bytes; at += 8) vpinsrq(x, x, behind(from, at), static_cast<std::uint8_t>(at / 8));
    for (; at + 4 <= bytes; at += 4) vpinsrd(x, x, behind(from, at), static_cast<std::uint8_t>(at / 4));
    for (; at + 2 <= bytes; at += 2) vpinsrw(x, x, behind(from, at), static_cast<std::uint8_t>(at / 2));
    for (; at < bytes; ++at) vpinsrb(x, x, behind(from, at), static_cast<std::uint8_t>(at));
}

void Assembler::store_bytes(const Xbyak::Address& to, const Vec& from, int bytes) {
    const Xbyak::Xmm x(from.getIdx());
    int at = 0;
    for (; at + 8 <= bytes; at += 8) vpextrq(behind(to, at), x, static_cast<std::uint8_t>(at / 8));
    for (; at + 4 <= bytes; at += 4) vpextrd(behind(to, at), x, static_cast<std::uint8_t>(at / 4));
    for (; at + 2 <= bytes; at += 2) vpextrw(behind(to, at), x, static_cast<std::uint8_t>(at / 2));
    for (; at < bytes; ++at) vpextrb(behind(to, at), x, static_cast<std::uint8_t>(at));
}

void Assembler::load_as_floats(const Vec& to, const Xbyak::Address& from, int n, DType type) {
    if (type == DType::f32) return load(to, from, n);
    const bool bytes = type == DType::i8 || type == DType::u8;
    const bool in_parts = n < lanes && !wide;
    const Vec target = wide && n < lanes ? Vec(to | k1 | T_z) : to;
    if (in_parts) load_bytes(to, from, bytes ? n : 2 * n);
    const Xbyak::Operand& source = in_parts ? static_cast<const Xbyak::Operand&>(Xbyak::Xmm(to.getIdx())) : from;
    const Xbyak::Xmm low(to.getIdx());
    const auto extend = [&](auto instruction) { in_parts ? (this->*instruction)(target, low) : (this->*instruction)(target, source); };
    using Extend = void (Xbyak::CodeGenerator::*)(const Xbyak::Xmm&, const Xbyak::Operand&);
    if (type == DType::f16) return extend(static_cast<Extend>(&Xbyak::CodeGenerator::vcvtph2ps));
    if (type == DType::bf16) {
        extend(static_cast<Extend>(&Xbyak::CodeGenerator::vpmovzxwd));
        return vpslld(to, to, 16);
    }
    extend(static_cast<Extend>(type == DType::i8 ? &Xbyak::CodeGenerator::vpmovsxbd : &Xbyak::CodeGenerator::vpmovzxbd));
    vcvtdq2ps(to, to);
}

void Assembler::store_floats_as(const Xbyak::Address& to, const Vec& from, int n, DType type, int zero_point, const Vec& scratch) {
    if (type == DType::f32) return store(to, from, n, scratch);
    const int least = type == DType::i8 ? -128 : 0;
    constexpr int ordered = 7;
    if (wide) {  // NaN becomes 0
        vcmpps(k2, from, from, ordered);
        vmaxps(from | k2 | T_z, from, all(static_cast<float>(least - zero_point)));
    } else {
        vcmpps(scratch, from, from, ordered);
        vandps(from, from, scratch);
        vmaxps(from, from, all(static_cast<float>(least - zero_point)));
    }
    vminps(from, from, all(static_cast<float>(least + 255 - zero_point)));
    vcvtps2dq(from, from);
    if (zero_point != 0) vpaddd(from, from, all_bits(static_cast<std::uint32_t>(zero_point)));
    if (wide) return n == lanes ? vpmovdb(to, Xbyak::Zmm(from.getIdx())) : vpmovdb(to | k1, Xbyak::Zmm(from.getIdx()));
    const Xbyak::Ymm y(from.getIdx());
    const Xbyak::Xmm x(from.getIdx()), s(scratch.getIdx());
    vextracti128(s, y, 1);
    vpackssdw(x, x, s);
    type == DType::i8 ? vpacksswb(x, x, x) : vpackuswb(x, x, x);
    n == lanes ? vmovq(to, x) : store_bytes(to, from, n);
}

}  // namespace tercet::x64
