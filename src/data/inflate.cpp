// SPDX-License-Identifier: Apache-2.0
#include "data/inflate.h"

#include "tercet/error.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <new>

namespace tercet {
namespace {

constexpr std::size_t head_bytes = 64 << 10;

[[noreturn]] void damaged(const char* said) {
    throw Error({.what = fmt::format("the compressed data are damaged ({})", said), .fix = "get the file again"});
}

// A zlib stream over bytes in memory; zlib counts in 32 bits, so both ends are handed over piece by piece.
class Inflater {
public:
    Inflater(std::span<const std::byte> packed, int window_bits) : left_(packed) {
        if (inflateInit2(&z_, window_bits) != Z_OK) throw std::bad_alloc();
    }
    ~Inflater() { inflateEnd(&z_); }
    Inflater(const Inflater&) = delete;
    Inflater& operator=(const Inflater&) = delete;

    /// Fills `out` as far as the member goes; returns how many bytes it wrote, fewer only at the member's end.
    std::size_t read(std::span<std::byte> out) {
        std::size_t written = 0;
        while (written < out.size() && !ended_) {
            constexpr std::size_t piece = 1 << 30;
            const std::size_t in = std::min(left_.size(), piece), room = std::min(out.size() - written, piece);
            z_.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(left_.data()));
            z_.avail_in = static_cast<uInt>(in);
            z_.next_out = reinterpret_cast<Bytef*>(out.data() + written);
            z_.avail_out = static_cast<uInt>(room);
            const int status = inflate(&z_, Z_NO_FLUSH);
            left_ = left_.subspan(in - z_.avail_in);
            written += room - z_.avail_out;
            if (status == Z_STREAM_END) ended_ = true;
            else if (status == Z_MEM_ERROR) throw std::bad_alloc();
            else if (status == Z_BUF_ERROR && left_.empty()) damaged("they end too early");
            else if (status != Z_OK) damaged(z_.msg ? z_.msg : "not a deflate stream");
        }
        return written;
    }

    bool ended() const { return ended_; }
    std::span<const std::byte> left() const { return left_; }
    void next_member() {
        inflateReset(&z_);
        ended_ = false;
    }

private:
    z_stream z_{};
    std::span<const std::byte> left_;
    bool ended_ = false;
};

}  // namespace

bool is_gzip(std::span<const std::byte> bytes) noexcept {
    return bytes.size() >= 2 && bytes[0] == std::byte{0x1f} && bytes[1] == std::byte{0x8b};
}

std::vector<std::byte> gunzip(std::span<const std::byte> packed, const Promise& promise) {
    Inflater in(packed, 16 + MAX_WBITS);  // 16: expect gzip's header and checksum
    std::vector<std::byte> out;
    std::uint64_t limit = head_bytes;
    bool promised = false;
    for (;;) {
        const std::size_t before = out.size();
        // One byte past the limit tells a file that holds more from one that ends there.
        const std::uint64_t goal = promised ? std::min<std::uint64_t>(limit + 1, std::max<std::uint64_t>(before * 2, head_bytes)) : limit;
        out.resize(static_cast<std::size_t>(std::max<std::uint64_t>(goal, before)));
        out.resize(before + in.read(std::span(out).subspan(before)));
        if (in.ended() && is_gzip(in.left())) {
            in.next_member();
            if (out.size() < goal) continue;
        }
        const bool at_end = in.ended();
        if (at_end && !in.left().empty()) damaged("other bytes follow");
        if (!promised) {
            limit = std::min(promise(out), max_inflated_bytes);
            promised = true;
        }
        if (out.size() > limit)
            throw Error({.what = fmt::format("the file unpacks to more than {} bytes, {}", limit,
                                             limit == max_inflated_bytes ? "the most that is read from a compressed file"
                                                                         : "which is what its header says"),
                         .fix = limit == max_inflated_bytes ? "unpack it first" : "get the file again"});
        if (at_end) return out;
    }
}

std::vector<std::byte> inflate_exactly(std::span<const std::byte> packed, std::uint64_t count) {
    if (count > max_inflated_bytes || count / max_deflate_ratio > packed.size())
        throw Error({.what = fmt::format("{} compressed bytes are said to unpack to {}", packed.size(), count),
                     .fix = "get the file again"});
    Inflater in(packed, -MAX_WBITS);  // negative: neither header nor checksum
    std::vector<std::byte> out(static_cast<std::size_t>(count));
    if (in.read(out) != count) damaged("they end too early");
    std::byte extra{};
    if (in.read(std::span(&extra, 1)) != 0) damaged("they hold more than the header says");
    return out;
}

std::optional<std::uint64_t> bytes_within(DType dtype, const Dims& shape, std::uint64_t available) noexcept {
    std::int64_t elements = 1;  // zeros left out: strides multiply the other extents all the same
    bool empty = false;
    for (std::int64_t extent : shape) {
        if (extent < 0) return std::nullopt;
        if (extent == 0) empty = true;
        else if (__builtin_mul_overflow(elements, extent, &elements)) return std::nullopt;
    }
    if (empty) return 0;
    const auto size = static_cast<std::uint64_t>(bits_of(dtype)) / 8;
    if (static_cast<std::uint64_t>(elements) > available / size) return std::nullopt;
    return static_cast<std::uint64_t>(elements) * size;
}

}  // namespace tercet
