// SPDX-License-Identifier: Apache-2.0
#include "cpu/x64/row_code.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <limits>

namespace tercet::x64 {
namespace {

constexpr int most_cols = 32, most_taps = 64;  // pixels of a tile; taps in a kernel row, which become straight code

// See row_variants.
bool collides(const RowShape& shape) { return shape.pixel_bytes() % 1024 == 0 && shape.rows.out > 1 && shape.rows.reach() > shape.rows.stride; }

// Units of work: one row block of one channel block of one image. Neighbours share input rows.
struct Blocks {
    std::int64_t rows, channels;              // of a block
    std::int64_t row_blocks, channel_blocks;
    bool copied;                              // its input rows

    Blocks(const RowShape& shape, const Variant& v, std::int64_t lanes) {
        channels = v.depth == 0 ? shape.channels : v.depth;
        const std::int64_t group = std::max<std::int64_t>(v.rows * lanes, 16);  // that weights are packed by
        channels = (channels + group - 1) / group * group;
        channel_blocks = (shape.channels + channels - 1) / channels;
        row_blocks = (shape.rows.out + v.tile - 1) / v.tile;
        rows = (shape.rows.out + row_blocks - 1) / row_blocks;
        copied = v.depth != 0 && collides(shape);
    }

    std::int64_t in_pixel_bytes(const RowShape& shape) const { return copied ? channels * shape.x_bytes() : shape.pixel_bytes(); }
};

// Input rows from the first to behind the last that output rows [begin, end) read.
WindowAxis::Taps rows_read(const WindowAxis& a, std::int64_t begin, std::int64_t end) {
    const std::int64_t from = std::clamp<std::int64_t>(a.position(begin, 0), 0, a.in);
    return {from, std::clamp<std::int64_t>(a.position(end - 1, a.kernel - 1) + 1, from, a.in)};
}

std::int64_t lanes_of(const Isa& isa) { return isa.has(Isa::Level::avx512) ? 16 : 8; }

}  // namespace

std::optional<RowShape> row_shape(const Step& s, const Dims& kernel) {
    const ChannelsLast at = channels_last(s, kernel);
    RowShape shape{.batch = at.batch, .channels = at.out_channels, .x = s.inputs[0].dtype, .y = s.outputs[0].dtype, .y_zero = static_cast<int>(s.attributes().integer("stored_zero", 0))};
    int axes = 0;
    for (int i = at.window.rank - 1; i >= 0; --i) {
        const WindowAxis& a = at.window.axes[static_cast<std::size_t>(i)];
        if (a.in == 1 && a.out == 1 && a.kernel == 1 && a.pad_begin == 0) continue;
        if (axes == 2) return std::nullopt;
        (axes++ == 0 ? shape.cols : shape.rows) = a;
    }
    return shape;
}

Refusal refuse_rows(const Step& s, const std::optional<RowShape>& shape, const Isa& isa) {
    if (!isa.has(Isa::Level::avx2)) return "needs AVX2 and FMA";
    if (!shape) return "more than 2 spatial axes";
    const WindowAxis &rows = shape->rows, &cols = shape->cols;
    for (DType t : {shape->x, shape->y})
        if (t != DType::f32 && t != DType::i8 && t != DType::u8) return "neither f32 nor bytes";
    if (cols.kernel > most_taps) return "the kernel is too wide for straight code";
    const double reach = static_cast<double>(most_cols * cols.stride + cols.reach()) * static_cast<double>(shape->pixel_bytes());
    const double row_step = static_cast<double>(rows.dilation) * static_cast<double>(shape->in_row_bytes());
    const double weights = static_cast<double>(rows.kernel * cols.kernel) * 64 * 4;
    if (std::max({reach, row_step, weights}) > std::numeric_limits<std::int32_t>::max()) return "distances beyond 32 bits";
    if (Refusal r = TailShape::refuse(s)) return r;
    if (s.attributes().has("tail") && shape->y != DType::f32 && !s.attributes().has("stored")) return "its tail computes in bytes";
    const TailShape tail = TailShape::of(s);
    for (std::size_t i = 0; i < tail.inputs.size(); ++i)
        if (tail.inputs[i] == TailShape::Kind::element && tail.types[i] != DType::f32 && shape->y == DType::f32) return "its tail reads bytes, and stores floats";
    return {};
}

std::vector<TileRun> tile_runs(const WindowAxis& a, int most) {
    const std::int64_t tiles = (a.out + most - 1) / most, whole = a.in + a.pad_begin - a.reach();  // a window's start that is all inside, at most
    std::vector<TileRun> runs;
    for (std::int64_t i = 0, q = 0; i < tiles;) {
        const std::int64_t wider = a.out % tiles, cols = a.out / tiles + (i < wider);
        TileRun run{.count = 1};
        for (std::int64_t c = 0; c < cols; ++c) run.tile.taps.push_back(a.inside(q + c));
        if (std::ranges::all_of(run.tile.taps, [&](const auto& t) { return t.count() == a.kernel; })) {  // so are those that follow
            const std::int64_t alike = (i < wider ? wider : tiles) - i;
            run.count = std::clamp<std::int64_t>((whole / a.stride + 1 - q) / cols, 1, alike);
        }
        i += run.count;
        q += run.count * cols;
        if (!runs.empty() && runs.back().tile == run.tile) runs.back().count += run.count;
        else runs.push_back(std::move(run));
    }
    return runs;
}

int tile_cols(const WindowAxis& a, int most) {
    const std::int64_t tiles = (a.out + most - 1) / most;
    return static_cast<int>((a.out + tiles - 1) / tiles);
}

RowCode::RowCode(const Step& step, const RowShape& shape, const Variant& v, const Isa& i)
    : Assembler(i), shape_(shape), runs_(tile_runs(shape.cols, v.cols)), vectors_(v.rows),
      in_pixel_bytes_(static_cast<int>(Blocks(shape, v, lanes).in_pixel_bytes(shape))), out_pixel_bytes_(static_cast<int>(shape.channels * shape.y_bytes())), tail_(TailShape::of(step)) {
    if (tail_.expr) tail_code_.emplace(*this, *tail_.expr);
}

Code RowCode::make() {
    const int rest = static_cast<int>(shape_.channels % lanes);
    enter();
    mov(x, ptr[call + offsetof(RowCall, x)]);
    mov(y, ptr[call + offsetof(RowCall, y)]);
    mov(row, ptr[call + offsetof(RowCall, offset)]);
    mov(channel, ptr[call + offsetof(RowCall, channel)]);
    if (shape_.channels >= vectors_ * lanes) section(offsetof(RowCall, groups), vectors_, lanes);
    if (vectors_ > 1 && shape_.channels % (vectors_ * lanes) >= lanes) section(offsetof(RowCall, singles), 1, lanes);
    if (rest > 0) {
        tail_mask(rest, temp.cvt32());
        section(offsetof(RowCall, rest), 1, rest);
    }
    leave();
    return seal();
}

// The row for as many groups of vectors as the call says at `count`.
void RowCode::section(std::size_t count, int vectors, int n) {
    Xbyak::Label next, none;
    mov(groups, ptr[call + count]);
    test(groups, groups);
    jz(none, T_NEAR);
    L(next);
    mov(tile_x, x);
    mov(out, row);
    xor_(column.cvt32(), column.cvt32());
    bool first = true;
    for (const TileRun& run : runs_) {
        const Part part{run.tile, vectors, n};
        if (std::exchange(first, false)) group_begins(part);
        Xbyak::Label again;
        if (run.count > 1) {
            mov(tiles, run.count);
            L(again);
        }
        tile(part);
        add(tile_x, static_cast<int>(part.cols() * shape_.cols.stride) * in_pixel_bytes_);
        add(out, part.cols() * out_pixel_bytes_);
        add(column, part.cols() * 4);
        if (run.count > 1) {
            dec(tiles);
            jnz(again, T_NEAR);
        }
    }
    add(x, vectors * lanes * shape_.x_bytes());
    add(row, vectors * lanes * shape_.y_bytes());
    add(channel, vectors * vector_bytes());
    dec(groups);
    jnz(next, T_NEAR);
    L(none);
}

void RowCode::tile(const Part& part) {
    tile_begins(part);
    Xbyak::Label next, none;
    mov(x_row, tile_x);
    mov(rows_left, ptr[call + offsetof(RowCall, kernel_rows)]);
    test(rows_left, rows_left);
    jz(none, T_NEAR);
    L(next);
    kernel_row(part);
    add(x_row, static_cast<int>(shape_.rows.dilation * shape_.cols.in) * in_pixel_bytes_);
    dec(rows_left);
    jnz(next, T_NEAR);
    L(none);
    tile_ends(part);
    tail_and_store(part);
}

void RowCode::tail_and_store(const Part& part) {
    std::vector<Vec> results, free;
    for (int c = 0; c < part.cols(); ++c)
        for (int v = 0; v < part.vectors; ++v) results.push_back(result(part, c, v));
    for (int i = 0; i < registers; ++i)
        if (std::ranges::find(results, i, &Vec::getIdx) == results.end()) free.push_back(vec(i));
    // A tail that wants more registers than the tile leaves works on one value at a time, the others on the stack.
    const bool spill = tail_code_ && tail_code_->scratch() > static_cast<int>(free.size());
    const int bytes = static_cast<int>(results.size()) * vector_bytes();
    if (spill) {
        sub(rsp, bytes);
        for (std::size_t i = 0; i < results.size(); ++i) vmovups(ptr[rsp + static_cast<int>(i) * vector_bytes()], results[i]);
        free.clear();
        for (int i = 1; i < registers; ++i) free.push_back(vec(i));
    }
    for (int i = 0; i < static_cast<int>(results.size()); ++i) {
        const int c = i / part.vectors, v = i % part.vectors;
        const Vec value = spill ? vec(0) : results[static_cast<std::size_t>(i)];
        if (spill) vmovups(value, ptr[rsp + i * vector_bytes()]);
        if (tail_code_)
            tail_code_->emit(value, free, [&](int input, const Vec& to) {
                const auto k = static_cast<std::size_t>(input - 1);
                mov(temp, ptr[call + (offsetof(RowCall, tail) + k * sizeof(void*))]);
                if (tail_.inputs[k] == TailShape::Kind::scalar) vbroadcastss(to, ptr[temp]);
                else if (tail_.inputs[k] == TailShape::Kind::column) load(to, ptr[temp + channel + v * vector_bytes()], part.lanes);
                else if (tail_.types[k] == DType::f32 && shape_.y_bytes() == 1) load(to, ptr[temp + out * 4 + (c * out_pixel_bytes_ + v * lanes) * 4], part.lanes);
                else load_as_floats(to, ptr[temp + out + (c * out_pixel_bytes_ + v * lanes * shape_.y_bytes())], part.lanes, tail_.types[k]);
            });
        store_floats_as(ptr[y + out + (c * out_pixel_bytes_ + v * lanes * shape_.y_bytes())], value, part.lanes, shape_.y, shape_.y_zero, free.front());
    }
    if (spill) add(rsp, bytes);
}

std::vector<Variant> row_variants(const RowShape& shape, std::span<const RowTile> tiles, const Isa& isa) {
    std::vector<Variant> all;
    for (RowTile t : tiles) {
        while (t.vectors > 1 && t.vectors * lanes_of(isa) > shape.channels) t.vectors /= 2;
        for (int depth : {0, collides(shape) ? 128 : 64})
            for (int rows : {4, 16}) {
                if ((depth != 0 && shape.channels <= depth) || (rows > 4 && shape.rows.out <= 4)) continue;
                const Variant v{.rows = t.vectors, .cols = t.cols, .depth = depth, .tile = rows};
                if (std::ranges::find(all, v) == all.end()) all.push_back(v);
            }
    }
    return all;
}

double row_cost(const RowShape& shape, const Variant& v, const Isa& isa, double instructions) {
    const std::int64_t lanes = lanes_of(isa);
    const Blocks blocks(shape, v, lanes);
    const double units = static_cast<double>(shape.batch * blocks.row_blocks * blocks.channel_blocks);
    const double tiles = static_cast<double>(shape.batch * shape.rows.out * ((shape.cols.out + v.cols - 1) / v.cols));
    const double groups = static_cast<double>((shape.channels + lanes - 1) / lanes) / v.rows;
    const double few_units = 1 + 1 / (1 + units);  // are hard to share among workers
    return 0.4 * tiles * groups * (instructions + 4) * few_units + 0.01 * units;
}

Kernel row_kernel(const Step& step, const RowShape& shape, const Variant& variant, const Isa& isa, Code code, PrepareCall prepare) {
    const std::int64_t lanes = lanes_of(isa), group = variant.rows * lanes;
    const Blocks blocks(shape, variant, lanes);
    const TailShape tail = TailShape::of(step);
    const std::int64_t pixel_bytes = blocks.in_pixel_bytes(shape), row_bytes = shape.cols.in * pixel_bytes;
    Kernel k;
    if (blocks.copied) k.worker_bytes = static_cast<std::size_t>(std::min(shape.rows.in, (blocks.rows - 1) * shape.rows.stride + shape.rows.reach()) * row_bytes);
    k.phases.push_back({.units = shape.batch * blocks.row_blocks * blocks.channel_blocks, .run = [=](const Buffers& b, std::int64_t first, std::int64_t last) {
        const auto run = code.entry<RowCode::Function>();
        RowCall call{.y = static_cast<std::byte*>(b.outputs[0])};
        for (std::size_t i = 0; i < tail.inputs.size(); ++i) call.tail[i] = b.inputs[tail.first_input + i];
        for (std::int64_t unit = first; unit < last; ++unit) {
            const std::int64_t image = unit / blocks.channel_blocks / blocks.row_blocks, channel = unit % blocks.channel_blocks * blocks.channels;
            const std::int64_t n = std::min(blocks.channels, shape.channels - channel);
            call.channel = channel * 4;
            call.groups = n / group;
            call.singles = n % group / lanes;
            call.rest = n % lanes != 0;
            const std::int64_t begin = unit / blocks.channel_blocks % blocks.row_blocks * blocks.rows, end = std::min(shape.rows.out, begin + blocks.rows);
            const auto* x = static_cast<const std::byte*>(b.inputs[0]) + image * shape.rows.in * shape.in_row_bytes() + channel * shape.x_bytes();
            std::int64_t x_row = 0;  // the input row at x
            if (blocks.copied) {
                const auto [from, to] = rows_read(shape.rows, begin, end);
                for (std::int64_t p = 0; p < (to - from) * shape.cols.in; ++p)
                    std::memcpy(b.worker + p * pixel_bytes, x + (from * shape.cols.in + p) * shape.pixel_bytes(), static_cast<std::size_t>(n * shape.x_bytes()));
                x = b.worker;
                x_row = from;
            }
            for (std::int64_t r = begin; r < end; ++r) {
                const WindowAxis::Taps taps = shape.rows.inside(r);
                const std::int64_t pixel = (shape.rows.position(r, taps.first) - x_row) * shape.cols.in - shape.cols.pad_begin;
                call.x = reinterpret_cast<std::uintptr_t>(x) + static_cast<std::uintptr_t>(pixel * pixel_bytes);
                call.kernel_rows = taps.count();
                call.offset = (image * shape.rows.out + r) * shape.out_row_bytes() + channel * shape.y_bytes();
                prepare(call, b, r, taps);
                run(&call);
            }
        }
    }});
    return k;
}

}  // namespace tercet::x64
