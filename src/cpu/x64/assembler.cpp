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

}  // namespace tercet::x64
