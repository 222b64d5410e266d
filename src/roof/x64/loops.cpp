// SPDX-License-Identifier: Apache-2.0
// Generated loops for x86-64. A peak loop adds products of two constant registers to every register that is left; 12 or 28
// chains are more than latency times throughput of any processor so far.
#include "roof/loops.h"

#include "cpu/x64/assembler.h"

#include <fmt/format.h>

#include <sys/syscall.h>
#include <unistd.h>

namespace tercet::x64 {
namespace {

using Run = void (*)(std::int64_t iterations);

/// Registers of one multiply-add: sum += a * b.
struct Operands {
    Vec sum, a, b, ones, product;
};

struct Instruction {
    DType type;
    Isa::Level needs;
    std::string_view name;
    std::uint32_t a, b;  // in every 32 bits: small values, so that no sum runs away
    int products;        // per 32 bits
    void (*emit)(Assembler& c, const Operands& o);
};

constexpr Instruction instructions[]{
    {DType::f32, Isa::Level::avx2, "vfmadd231ps", 0x3f800000, 0x33800000, 1, [](Assembler& c, const Operands& o) { c.vfmadd231ps(o.sum, o.a, o.b); }},
    {DType::bf16, Isa::Level::avx512_bf16, "vdpbf16ps", 0x3f803f80, 0x33803380, 2, [](Assembler& c, const Operands& o) { c.vdpbf16ps(o.sum, o.a, o.b); }},
    {DType::f16, Isa::Level::avx512_fp16, "vfmadd231ph", 0x3c003c00, 0x14001400, 2, [](Assembler& c, const Operands& o) { c.vfmadd231ph(o.sum, o.a, o.b); }},
    {DType::i16, Isa::Level::avx512_vnni, "vpdpwssd", 0x00030003, 0x00050005, 2, [](Assembler& c, const Operands& o) { c.vpdpwssd(o.sum, o.a, o.b); }},
    {DType::i16, Isa::Level::avx2, "vpmaddwd + vpaddd", 0x00030003, 0x00050005, 2,
     [](Assembler& c, const Operands& o) {
         c.vpmaddwd(o.product, o.a, o.b);
         c.vpaddd(o.sum, o.sum, o.product);
     }},
    {DType::i8, Isa::Level::avx512_vnni, "vpdpbusd", 0x03030303, 0x05050505, 4, [](Assembler& c, const Operands& o) { c.vpdpbusd(o.sum, o.a, o.b); }},
    {DType::i8, Isa::Level::avx2, "vpmaddubsw + vpmaddwd + vpaddd", 0x03030303, 0x05050505, 4,
     [](Assembler& c, const Operands& o) {
         c.vpmaddubsw(o.product, o.a, o.b);
         c.vpmaddwd(o.product, o.product, o.ones);
         c.vpaddd(o.sum, o.sum, o.product);
     }},
};

constexpr int unroll = 2;

PeakLoop vector_loop(const Instruction& in, const Isa& isa) {
    Assembler c(isa);
    const int chains = c.registers - 4;
    const Vec a = c.vec(chains), b = c.vec(chains + 1), ones = c.vec(chains + 2), product = c.vec(chains + 3);
    c.vmovups(a, c.all_bits(in.a));
    c.vmovups(b, c.all_bits(in.b));
    c.vmovups(ones, c.all_bits(0x00010001));
    for (int i = 0; i < chains; ++i) c.zero(c.vec(i));
    Xbyak::Label loop;
    c.align(64);
    c.L(loop);
    for (int i = 0; i < unroll * chains; ++i) in.emit(c, {c.vec(i % chains), a, b, ones, product});
    c.dec(c.rdi);
    c.jnz(loop, Xbyak::CodeGenerator::T_NEAR);
    c.vzeroupper();
    c.ret();
    return {in.type, fmt::format("{} {}", in.name, c.wide ? "zmm" : "ymm"), 2.0 * unroll * chains * c.lanes * in.products,
            [code = c.seal()](std::int64_t iterations) { code.entry<Run>()(iterations); }};
}

// Tiles of 16 rows of 64 bytes: six hold sums, one each factor. They are configured for the calling thread, and released.
PeakLoop tile_loop(DType type, const Isa& isa) {
    constexpr int sums = 6;
    const bool bytes = type == DType::i8;
    Assembler c(isa);
    const Xbyak::Tmm a(sums), b(sums + 1);
    std::vector<std::uint32_t> config(16);
    config[0] = 1;                                                             // palette
    for (std::size_t i = 4; i < 8; ++i) config[i] = 64u | 64u << 16;           // bytes of a row, of two tiles each
    for (std::size_t i = 12; i < 14; ++i) config[i] = 16u * 0x01010101u;       // rows, of four tiles each
    c.ldtilecfg(c.vector(config));
    for (int i = 0; i < sums; ++i) c.tilezero(Xbyak::Tmm(i));
    c.xor_(c.ecx, c.ecx);                                                      // every row of a factor is the same
    c.lea(c.rax, c.all_bits(bytes ? 0x03030303 : 0x3f803f80));
    c.tileloadd(a, c.ptr[c.rax + c.rcx]);
    c.lea(c.rax, c.all_bits(bytes ? 0x05050505 : 0x33803380));
    c.tileloadd(b, c.ptr[c.rax + c.rcx]);
    Xbyak::Label loop;
    c.align(64);
    c.L(loop);
    for (int i = 0; i < unroll * sums; ++i) {
        if (bytes) c.tdpbusd(Xbyak::Tmm(i % sums), a, b);
        else c.tdpbf16ps(Xbyak::Tmm(i % sums), a, b);
    }
    c.dec(c.rdi);
    c.jnz(loop, Xbyak::CodeGenerator::T_NEAR);
    c.tilerelease();
    c.ret();
    return {type, bytes ? "tdpbusd tmm" : "tdpbf16ps tmm", 2.0 * unroll * sums * 16 * 16 * (bytes ? 64 : 32),
            [code = c.seal()](std::int64_t iterations) { code.entry<Run>()(iterations); }};
}

// Linux gives a process the tiles' state when asked for it; from then on all its threads have it.
bool permit_tiles() {
    constexpr long request_permission = 0x1023, tile_data = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILE_DATA
    return syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
}

}  // namespace

std::vector<PeakLoop> peak_loops(const Isa& isa) {
    std::vector<PeakLoop> loops;
    for (const Instruction& in : instructions) {
        if (!isa.has(in.needs)) continue;
        loops.push_back(vector_loop(in, isa));
        if (in.type == DType::f32 && isa.has(Isa::Level::avx512)) loops.push_back(vector_loop(in, {Isa::Level::avx2}));
    }
    if (isa.has(Isa::Level::amx) && permit_tiles())
        for (DType type : {DType::bf16, DType::i8}) loops.push_back(tile_loop(type, isa));
    return loops;
}

// read(from = rdi, bytes = rsi, times = rdx); copy(to = rdi, from = rsi, bytes = rdx, times = rcx)
MemoryLoops memory_loops(const Isa& isa) {
    constexpr int vectors = 16;
    const auto generate = [&](bool copies) {
        Assembler c(isa);
        const Xbyak::Reg64 from = copies ? c.rsi : c.rdi, bytes = copies ? c.rdx : c.rsi, times = copies ? c.rcx : c.rdx, at = c.rax;
        Xbyak::Label again, loop;
        c.L(again);
        c.xor_(c.eax, c.eax);
        c.align(64);
        c.L(loop);
        for (int i = 0; i < vectors; ++i) c.vmovups(c.vec(i), c.ptr[from + at + i * c.vector_bytes()]);
        if (copies)
            for (int i = 0; i < vectors; ++i) c.vmovups(c.ptr[c.rdi + at + i * c.vector_bytes()], c.vec(i));
        c.add(at, vectors * c.vector_bytes());
        c.cmp(at, bytes);
        c.jb(loop, Xbyak::CodeGenerator::T_NEAR);
        c.dec(times);
        c.jnz(again, Xbyak::CodeGenerator::T_NEAR);
        c.vzeroupper();
        c.ret();
        return c.seal();
    };
    return {.read = [code = generate(false)](const std::byte* from, std::size_t bytes,
                                             std::int64_t times) { code.entry<void (*)(const std::byte*, std::size_t, std::int64_t)>()(from, bytes, times); },
            .copy = [code = generate(true)](std::byte* to, const std::byte* from, std::size_t bytes,
                                            std::int64_t times) { code.entry<void (*)(std::byte*, const std::byte*, std::size_t, std::int64_t)>()(to, from, bytes, times); }};
}

}  // namespace tercet::x64
