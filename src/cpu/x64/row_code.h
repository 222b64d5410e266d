// SPDX-License-Identifier: Apache-2.0
// RowCode: generated code for windows over pixels in NHWC whose channels do not mix: depthwise convolution, pools. A call
// computes a block of channels of one output row:
//
//     for every group of channel vectors: for every tile of pixels, all of the tile's values in registers:
//         tile_begins; for the kernel's rows inside the image: kernel_row; tile_ends; the step's tail; store
//
// What of a window lies beside the image is known when the code is made: such tiles have code of their own, without the
// taps in the padding. Kernel rows above and below the image are left out by the caller's count.
#pragma once

#include "cpu/channels_last.h"
#include "cpu/x64/assembler.h"
#include "cpu/x64/tile_code.h"

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

namespace tercet::x64 {

/// A windowed step as rows of pixels: one with a single spatial axis is an image of one row.
struct RowShape {
    WindowAxis rows, cols;
    std::int64_t batch = 0, channels = 0;
    DType x = DType::f32, y = DType::f32;  // as they are stored: f32, i8, u8; floats in registers
    int y_zero = 0;

    int x_bytes() const { return x == DType::f32 ? 4 : 1; }  // of an element
    int y_bytes() const { return y == DType::f32 ? 4 : 1; }
    std::int64_t pixel_bytes() const { return channels * x_bytes(); }  // of the input
    std::int64_t in_row_bytes() const { return cols.in * pixel_bytes(); }
    std::int64_t out_row_bytes() const { return cols.out * channels * y_bytes(); }
};

/// With the step's types. Empty if more than two spatial axes take part.
std::optional<RowShape> row_shape(const Step& step, const Dims& kernel);

/// Why a step of that shape cannot be generated code over rows; empty if it can.
Refusal refuse_rows(const Step& step, const std::optional<RowShape>& shape, const Isa& isa);

/// Adjacent pixels of an output row and, for each of them, the taps inside the image.
struct PixelTile {
    std::vector<WindowAxis::Taps> taps;
    int cols() const { return static_cast<int>(taps.size()); }
    friend bool operator==(const PixelTile&, const PixelTile&) = default;
};

/// Tiles in a row that are served by the same code.
struct TileRun {
    PixelTile tile;
    std::int64_t count = 0;
};

/// An output row cut into tiles of at most `most` pixels, all about as wide.
std::vector<TileRun> tile_runs(const WindowAxis& cols, int most);
int tile_cols(const WindowAxis& cols, int most);  // pixels of the widest

/// What a call gets.
struct RowCall {
    std::uintptr_t x = 0;            // the first kernel row inside the image, under tap 0 of output pixel 0 (maybe beside the image), first channel
    std::int64_t kernel_rows = 0;    // inside the image
    const float* weights = nullptr;  // of that kernel row, channel 0
    const float* bias = nullptr;     // channel 0, padded to whole vectors
    const float* scales = nullptr;   // per output pixel of the row
    std::byte* y = nullptr;          // the whole output
    std::int64_t offset = 0;         // bytes from there to the row's first pixel and channel
    std::int64_t channel = 0;        // the first channel, in bytes of floats
    std::int64_t groups = 0, singles = 0, rest = 0;  // groups of channel vectors, then vectors, then what is less than one
    std::array<const void*, Expr::max_inputs> tail{};
};

class RowCode : public Assembler {
public:
    using Function = void (*)(const RowCall*) noexcept;

    RowCode(const Step& step, const RowShape& shape, const Variant& variant, const Isa& isa);

    Code make();

protected:
    struct Part {  // of the output row, as the code at hand sees it
        const PixelTile& tile;
        int vectors;
        int lanes;  // fewer than all: of the only vector
        int cols() const { return tile.cols(); }
    };

    virtual void group_begins(const Part&) {}
    virtual void tile_begins(const Part& part) = 0;
    virtual void kernel_row(const Part& part) = 0;
    virtual void tile_ends(const Part&) {}
    virtual Vec result(const Part& part, int col, int vector) const = 0;  // at least one register is none of them

    /// Input pixel `position` right of the one under tap 0 of the tile's first output pixel, in the kernel row at hand.
    Xbyak::Address pixel(int position, int vector) const { return ptr[x_row + (position * in_pixel_bytes_ + vector * lanes * shape_.x_bytes())]; }
    void load_pixel(const Vec& to, int position, int vector, int n) { load_as_floats(to, pixel(position, vector), n, shape_.x); }

    const RowShape shape_;

    // One owner each. Free for derived classes: weights, weight_row.
    const Xbyak::Reg64 call = rdi, x = rsi, y = rdx, channel = rcx, weights = r8, row = r9, tile_x = r10, x_row = r11, weight_row = rbx, tiles = r12,
                       rows_left = r13, groups = r14, column = r15, out = rbp, temp = rax;

private:
    void section(std::size_t count, int vectors, int n);
    void tile(const Part& part);
    void tail_and_store(const Part& part);

    const std::vector<TileRun> runs_;
    const int vectors_, in_pixel_bytes_, out_pixel_bytes_;
    const TailShape tail_;
    std::optional<ExprCode> tail_code_;
};

/// What stays in registers.
struct RowTile {
    int vectors = 1, cols = 1;  // channel vectors (1, 2 or 4), pixels
};

/// Variants of these tiles, each once, with no more vectors than there are channels for: `rows` channel vectors and `cols`
/// pixels in registers; a unit of work is `tile` output rows of `depth` channels, 0: of all. They run at any other shape, too.
///
/// Where pixels lie a multiple of 1 KiB apart, those of one channel fall into few sets of the L1 cache, and a row would be
/// fetched anew for every kernel row that reads it. A unit with a `depth` copies its input rows close together then.
std::vector<Variant> row_variants(const RowShape& shape, std::span<const RowTile> tiles, const Isa& isa);

/// Estimated, for Tactic::cost: `instructions` is how many a whole tile takes.
double row_cost(const RowShape& shape, const Variant& variant, const Isa& isa, double instructions);

/// Fills in what the kernel leaves open (weights, bias, scales) for output row `row`, whose kernel rows inside the image are
/// `taps`.
using PrepareCall = std::function<void(RowCall& call, const Buffers& buffers, std::int64_t row, WindowAxis::Taps taps)>;

/// Runs `code`, made for the variant, over all rows.
Kernel row_kernel(const Step& step, const RowShape& shape, const Variant& variant, const Isa& isa, Code code, PrepareCall prepare);

}  // namespace tercet::x64
