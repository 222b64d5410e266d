// SPDX-License-Identifier: Apache-2.0
// Register tiles as generated code: sums of products for some rows (output pixels, rows of a matrix) by some vectors of
// columns (output channels), which stay in registers over the whole reduction, then the step's tail, then one store.
//
//   y[r][j] = tail(bias[j] + sum over p in [0, passes), taps t that row r has, k in [0, depth):
//                            x[p*x_pass + taps[t].x + x_rows[r] + k] * w[p*w_pass + (t*depth + k)*w_step + j])
//
// All distances are known when the code is generated, and are bytes. One accumulator per output; order: p, t, k. Sums are of
// floats, with weights in 32 or 16 bits, or of bytes: k counts four neighbouring bytes then, whose products go into one sum of 32
// bits, exactly, whatever the level.
#pragma once

#include "cpu/x64/expr_code.h"
#include "target/tactic.h"

#include <optional>
#include <vector>

namespace tercet::x64 {

/// What sums are made of, and what becomes of them.
struct Arithmetic {
    bool bytes = false;
    DType weights = DType::f32;    // f32, f16, bf16; i8 of bytes
    bool flips = false;            // bytes of x are signed: code adds 128, which the biases take off again
    bool small = false;            // no byte of x is above 127, flipped or not
    std::uint8_t absent = 0;       // what a byte of the padding is, flipped
    DType y = DType::f32;          // what results are stored as
    int y_zero = 0;

    int y_bytes() const { return y == DType::f32 ? 4 : 1; }
    /// By the step's first input, its weights and its `stored`.
    static Arithmetic of(const Step& step);
};

struct Tile {
    struct Tap {
        std::int32_t x = 0;
        std::uint32_t rows = ~0u;  // bit r: row r reads this tap; others have it in the padding
        friend auto operator<=>(const Tap&, const Tap&) = default;
    };
    int vectors = 1;
    int last = 0;                 // lanes of the last vector that are stored; 0: all
    std::int64_t depth = 0;
    std::int32_t w_step = 0;      // between the weights of k and k + 1
    std::int32_t x_pass = 0, w_pass = 0;
    bool in_place = false;        // no sums: y becomes tail(y)
    std::vector<std::int32_t> x_rows, y_rows;
    std::vector<Tap> taps;
    friend auto operator<=>(const Tile&, const Tile&) = default;
};

struct TileArgs {
    const void* x;             // of row 0 and pass 0
    const void* w;
    const void* bias;          // whole vectors, of f32 or i32
    void* y;
    std::int64_t passes;
    const void* const* tail;   // inputs 1.. of the tail: at y's element, at its column, or a scalar
};
using TileFunction = void (*)(const TileArgs*) noexcept;

/// Whether a level has the registers for a tile.
bool tile_fits(const Isa& isa, int rows, int vectors, const Arithmetic& arithmetic = {});
/// The most rows that fit with so many vectors.
int most_rows(const Isa& isa, int vectors, const Arithmetic& arithmetic = {});

/// How a step's tail reads its inputs, and its expression.
struct TailShape {
    enum class Kind { element, column, scalar };
    std::optional<Expr> expr{};
    std::vector<Kind> inputs{};  // of x1, x2, ...
    std::vector<DType> types{};  // the same; i8 and u8 count as numbers
    std::size_t first_input = 0; // x1 among the step's inputs

    /// Why generated code cannot apply the step's tail; empty if it can.
    static Refusal refuse(const Step& step);
    static TailShape of(const Step& step);
    /// What a product of reordered sums promises with this step's tail behind it.
    static Numerics numerics(const Step& step);
    /// Whether generated code gives its functions the same bits at every level.
    static bool canonical(const Step& step, const Isa&);
};

/// The addresses that a tile's tail wants, for an output at `y_offset` elements of which `column` is the first column.
class TailPlaces {
public:
    TailPlaces(const TailShape& shape, const Buffers& buffers);
    const void* const* at(std::int64_t y_offset, std::int64_t column) noexcept;

private:
    const TailShape& shape_;
    std::array<const void*, Expr::max_inputs> base_{}, at_{};
};

/// Writes tiles one behind the other; equal ones once.
class TileWriter {
public:
    TileWriter(const Isa& isa, TailShape tail, Arithmetic arithmetic = {});
    std::size_t add(const Tile& tile);  // its index
    /// Ends the writing; the functions live as long as `code`.
    struct Tiles {
        Code code;
        std::vector<TileFunction> functions;
    };
    Tiles seal();

private:
    void write(const Tile& tile);
    void write_sums(const Tile& tile);
    void load_weights(const Vec& to, const Xbyak::Address& from);
    void multiply_bytes(const Vec& sum, const Vec& weight);
    void sums_to_floats(const Tile& tile);
    void store(const Tile& tile, const Vec& value, int r, int v, const Vec& scratch);
    void write_tail(const Tile& tile);
    void write_in_place(const Tile& tile);
    void load_tail_addresses();
    void apply_tail(const Tile& tile, const Vec& value, int r, int v, std::span<const Vec> free);
    int used_lanes(const Tile& t, int v) const { return v + 1 == t.vectors && t.last ? t.last : a_.lanes; }
    int place(const Tile& t, int r, int v) const { return t.y_rows[static_cast<std::size_t>(r)] + v * a_.lanes * arithmetic_.y_bytes(); }
    Vec sum(const Tile& t, int r, int v) { return a_.vec(r * t.vectors + v); }

    Assembler a_;
    TailShape tail_;
    Arithmetic arithmetic_;
    std::optional<ExprCode> expr_;
    std::vector<std::pair<Tile, std::size_t>> written_;  // offset
};

}  // namespace tercet::x64
