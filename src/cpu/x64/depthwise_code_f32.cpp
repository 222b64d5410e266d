// SPDX-License-Identifier: Apache-2.0
// Depthwise convolution, one filter per channel, of floats or bytes, NHWC, as generated code:
//
//     y[n,p,q,c] = b[c] + sum over i,j of x[n, p*s+i*d-top, q*s+j*d-left, c] * w[i,j,c]
//
// A tile's sums stay in registers. Per kernel row, its weights are loaded once, and every input pixel once for all the taps
// that read it; weights that find no register any more are read from memory where they are used.
//
// Bytes are floats in registers: sums of so few products are whole numbers below 2^24, which are exact there, in any order.
#include "cpu/conv_f32.h"
#include "cpu/quantized.h"
#include "cpu/x64/row_code.h"

#include <map>

namespace tercet::x64 {
namespace {

constexpr std::int64_t packed_lanes = 16;  // channels side by side in packed weights, whatever the vectors: [C/16][taps][16]

class DepthwiseCode : public RowCode {
public:
    DepthwiseCode(const Step& step, const RowShape& shape, bool bias, const Variant& v, const Isa& i)
        : RowCode(step, shape, v, i), bias_(bias), zero_(static_cast<float>(step.attributes().integer("x_zero", 0))) {}

private:
    Vec result(const Part& p, int col, int vector) const override { return vec(col * p.vectors + vector); }
    Vec value(const Part& p) const { return vec(p.cols() * p.vectors); }
    bool bytes() const { return shape_.x != DType::f32; }

    // Weights of one kernel row that stay in registers: of the first so many taps that the tile needs.
    int kept(const Part& p) const { return (registers - p.cols() * p.vectors - 1) / p.vectors; }
    Vec weight(const Part& p, int slot, int vector) const { return vec(p.cols() * p.vectors + 1 + slot * p.vectors + vector); }
    Xbyak::Address packed(int tap, int vector) const {
        const int bytes = vector * vector_bytes(), line = static_cast<int>(packed_lanes) * 4;
        return ptr[weight_row + (bytes / line * taps() * line + bytes % line + tap * line)];
    }
    int taps() const { return static_cast<int>(shape_.rows.kernel * shape_.cols.kernel); }

    void group_begins(const Part&) override {  // weights = those of the group's first channel
        const int line = static_cast<int>(packed_lanes) * 4;
        mov(weights, channel);
        and_(weights, -line);
        imul(weights, weights, taps());
        mov(temp, channel);
        and_(temp, line - 1);
        add(weights, temp);
        add(weights, ptr[call + offsetof(RowCall, weights)]);
    }

    void tile_begins(const Part& p) override {
        mov(weight_row, weights);
        if (bias_) mov(temp, ptr[call + offsetof(RowCall, bias)]);
        for (int v = 0; v < p.vectors; ++v)
            for (int c = 0; c < p.cols(); ++c) {
                if (!bias_) zero(result(p, c, v));
                else if (c == 0) vmovups(result(p, 0, v), ptr[temp + channel + v * vector_bytes()]);
                else vmovaps(result(p, c, v), result(p, 0, v));
            }
    }

    void kernel_row(const Part& p) override {
        struct Use {
            int col, tap;
        };
        std::map<int, std::vector<Use>> uses;  // of each input pixel
        int first = static_cast<int>(shape_.cols.kernel), last = 0;
        for (int c = 0; c < p.cols(); ++c) {
            const auto [from, to] = p.tile.taps[static_cast<std::size_t>(c)];
            for (int t = static_cast<int>(from); t < to; ++t) {
                uses[static_cast<int>(c * shape_.cols.stride + t * shape_.cols.dilation)].push_back({c, t});
                first = std::min(first, t);
                last = std::max(last, t);
            }
        }
        const int end = std::min(last + 1, first + kept(p));
        for (int t = first; t < end; ++t)
            for (int v = 0; v < p.vectors; ++v) vmovups(weight(p, t - first, v), packed(t, v));
        for (const auto& [position, users] : uses)
            for (int v = 0; v < p.vectors; ++v) {
                const bool in_memory = users.size() == 1 && users[0].tap < end && p.lanes == lanes && !bytes();
                if (!in_memory) load_pixel(value(p), position, v, p.lanes);
                if (zero_ != 0) vsubps(value(p), value(p), all(zero_));
                for (const auto& [c, t] : users) {
                    if (in_memory) vfmadd231ps(result(p, c, v), weight(p, t - first, v), pixel(position, v));
                    else if (t < end) vfmadd231ps(result(p, c, v), weight(p, t - first, v), value(p));
                    else vfmadd231ps(result(p, c, v), value(p), packed(t, v));
                }
            }
        add(weight_row, static_cast<int>(shape_.cols.kernel * packed_lanes) * 4);
    }

    const bool bias_;
    const float zero_;
};

constexpr double exact = 1 << 24;  // whole numbers up to here are floats

Refusal refuse(const Step& s, const Isa& isa) {
    const bool bytes = s.is("QuantizedConv");
    if (Refusal r = bytes ? refuse_byte_product(s, isa) : refuse_conv(s, isa, true)) return r;
    const Conv c = conv_of(s);
    double bias = 0;
    for (std::int64_t i = 0; bytes && c.bias && i < c.bias->count(); ++i) bias = std::max(bias, std::fabs(c.bias->get(i)));
    if (bytes && bias + static_cast<double>(c.at.taps) * 255 * 128 > exact) return "its sums may not be exact in f32";
    if (c.groups != c.at.in_channels || c.at.out_channels != c.at.in_channels) return "not one filter per channel";
    return refuse_rows(s, row_shape(s, s.inputs[1].shape.part(2)), isa);
}

std::int64_t packed_count(const Step& s, const Variant&) {
    const Conv c = conv_of(s);
    return (c.at.in_channels + packed_lanes - 1) / packed_lanes * packed_lanes * c.at.taps;
}

Tensor pack(const Step& s, const Variant& v) {  // [C, 1, taps] -> [C/16][taps][16], zeros behind the last channel
    const Conv c = conv_of(s);
    const View w = s.inputs[1].constant->view();
    Tensor packed = Tensor::zeros(DType::f32, {packed_count(s, v)});
    for (std::int64_t i = 0; i < c.at.in_channels; ++i)
        for (std::int64_t t = 0; t < c.at.taps; ++t)
            packed.writable().set_at((i / packed_lanes * c.at.taps + t) * packed_lanes + i % packed_lanes, w.get_at(i * c.at.taps + t));
    return packed;
}

RowShape shape_of(const Step& s) { return *row_shape(s, s.inputs[1].shape.part(2)); }

// rows, cols: channel vectors and pixels of the register tile. depth, tile: channels and output rows of a unit.
std::vector<Variant> variants(const Step& s, const Isa& isa) {
    const RowShape shape = shape_of(s);
    const bool wide = isa.has(Isa::Level::avx512);
    const int most_sums = wide ? 24 : 12;  // leaves registers for weights
    const int latency = 8;                 // sums that hide an FMA's
    std::vector<RowTile> tiles;
    for (int vectors : {1, 2, 4})
        for (int most : {4, 8, wide ? 14 : 11}) {
            const RowTile tile{.vectors = vectors, .cols = tile_cols(shape.cols, most)};
            if (tile.cols * vectors <= most_sums && (tile.cols * vectors >= latency || (vectors == 4 && most == 4))) tiles.push_back(tile);
        }
    return row_variants(shape, tiles, isa);
}

Kernel compile(const Step& s, const Variant& v, const Isa& isa) {
    const Conv conv = conv_of(s);
    const RowShape shape = shape_of(s);
    auto bias = std::make_shared<std::vector<float>>(static_cast<std::size_t>(packed_count(s, v) / conv.at.taps));
    for (std::int64_t c = 0; conv.bias && c < shape.channels; ++c) (*bias)[static_cast<std::size_t>(c)] = static_cast<float>(conv.bias->get(c));
    const std::int64_t weights_row = shape.cols.kernel * packed_lanes;
    return row_kernel(s, shape, v, isa, DepthwiseCode(s, shape, conv.bias != nullptr, v, isa).make(),
                      [=](RowCall& call, const Buffers& b, std::int64_t, WindowAxis::Taps taps) {
                          call.weights = static_cast<const float*>(b.inputs[1]) + taps.first * weights_row;
                          call.bias = bias->data();
                      });
}

// Instructions on vectors: FMAs, the loads of inputs and weights, a few for each kernel row.
double cost(const Step& s, const Variant& v, const Isa& isa) {
    const RowShape shape = shape_of(s);
    const double cols = tile_cols(shape.cols, v.cols), kernel = static_cast<double>(shape.cols.kernel);
    const double pixels = (cols - 1) * static_cast<double>(std::min(shape.cols.stride, shape.cols.kernel)) + kernel;
    return row_cost(shape, v, isa, static_cast<double>(shape.rows.kernel) * (v.rows * (cols * kernel + pixels + kernel) + 4));
}

const RegisteredTactic depthwise_code{{.name = "cpu/depthwise_code_f32",
                                       .most = Isa::Level::avx512,
                                       .numerics = [](const Step& s) {
                                           const Numerics n = TailShape::numerics(s);
                                           return s.is("QuantizedConv") && n == Numerics::reordered_sum ? Numerics::exact : n;
                                       },
                                       .refuse = refuse,
                                       .variants = variants,
                                       .compile = compile,
                                       .cost = cost,
                                       .stores = true,
                                       .packing = [](const Step&, const Variant&) { return std::string("channels/16, taps, 16"); },
                                       .pack = pack,
                                       .packed_count = packed_count,
                                       .packs_floats = true}};

}  // namespace
}  // namespace tercet::x64
