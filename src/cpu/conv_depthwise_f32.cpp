// SPDX-License-Identifier: Apache-2.0
// Depthwise convolution, one filter per channel: a row of channels is multiplied by a row of weights per tap.
#include "cpu/conv_f32.h"

namespace tercet {
namespace {

Refusal refuse(const Step& s, const Isa& isa) {
    if (Refusal r = refuse_conv(s, isa)) return r;
    const Conv c = conv_of(s);
    if (c.groups != c.at.in_channels || c.at.out_channels != c.at.in_channels) return "not one filter per channel";
    return {};
}

Kernel compile(const Step& s, const Variant& v, const Isa& isa) {
    const simd::Level& level = *simd_level(isa);
    const Conv conv = conv_of(s);
    const std::int64_t channels = conv.at.in_channels, rows = conv.at.rows(), taps = conv.at.taps, block = v.tile;
    auto constants = std::make_shared<std::vector<float>>(static_cast<std::size_t>(2 * channels));  // zeros, then the bias
    for (std::int64_t c = 0; conv.bias && c < channels; ++c) (*constants)[static_cast<std::size_t>(channels + c)] = static_cast<float>(conv.bias->get(c));
    const auto tail = TailProgram::make(s, level);
    Kernel k;
    k.worker_bytes = static_cast<std::size_t>(taps) * sizeof(const float*);
    k.phases.push_back({.units = (rows + block - 1) / block, .run = [=, at = conv.at, row = level.depthwise](const Buffers& b, std::int64_t first, std::int64_t last) {
        const auto* x = static_cast<const float*>(b.inputs[0]);
        const auto* w = static_cast<const float*>(b.inputs[1]);
        auto* y = static_cast<float*>(b.outputs[0]);
        const auto** addresses = reinterpret_cast<const float**>(b.worker);
        const std::int64_t end = std::min(rows, last * block);
        for (std::int64_t r = first * block; r < end; ++r) {
            at.for_taps(r, [&](std::int64_t tap, std::int64_t from) { addresses[tap] = from < 0 ? constants->data() : x + from; });
            row(y + r * channels, addresses, w, constants->data() + channels, taps, channels);
        }
        if (tail && first * block < end) tail->run(b, first * block, end - first * block, 0, channels);
    }});
    return k;
}

Tensor pack(const Step& s, const Variant&) {  // [C, 1, taps] -> [taps, C]
    const Conv c = conv_of(s);
    const View w = s.inputs[1].constant->view();
    Tensor packed = Tensor::zeros(DType::f32, {c.at.taps * c.at.in_channels});
    for (std::int64_t t = 0; t < c.at.taps; ++t)
        for (std::int64_t i = 0; i < c.at.in_channels; ++i)
            store(packed.writable().address(t * c.at.in_channels + i), load<float>(w.address(i * c.at.taps + t)));
    return packed;
}

const RegisteredTactic conv_depthwise{{.name = "cpu/conv_depthwise_f32",
                                       .most = Isa::Level::avx512,
                                       .numerics = conv_numerics,
                                       .refuse = refuse,
                                       .variants = [](const Step&, const Isa&) { return std::vector<Variant>{{.tile = 8}, {.tile = 32}, {.tile = 128}}; },
                                       .compile = compile,
                                       .cost = [](const Step& s, const Variant& v, const Isa&) {
                                           const Conv c = conv_of(s);
                                           return static_cast<double>(c.at.rows() * c.at.taps) * (4.0 + 0.25 * static_cast<double>(c.at.in_channels)) + v.tile * 1e-3;
                                       },
                                       .packing = [](const Step&, const Variant&) { return std::string("taps, channels"); },
                                       .pack = pack,
                                       .packed_count = [](const Step& s, const Variant&) { const Conv c = conv_of(s); return c.at.taps * c.at.in_channels; }}};

}  // namespace
}  // namespace tercet
