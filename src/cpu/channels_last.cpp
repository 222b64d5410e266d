// SPDX-License-Identifier: Apache-2.0
#include "cpu/channels_last.h"

#include "cpu/map_program.h"

namespace tercet {

Refusal refuse_channels_last(const Step& s, const Isa& isa) {
    if (isa.level == Isa::Level::reference) return "needs vector instructions";
    if (s.inputs[0].dtype != DType::f32) return "not f32";
    if (s.attributes().text("layout", "NCHW") != "NHWC") return "channels are not last";
    if (s.outputs.size() != 1) return "has a second output";
    return TailProgram::refuse(s);
}

ChannelsLast channels_last(const Step& s, const Dims& kernel) {
    const Dims& x = s.inputs[0].shape;
    const Dims& y = s.outputs[0].shape;
    Dims nchw{x[0], x.back()};
    for (int i = 1; i < x.size() - 1; ++i) nchw.push_back(x[i]);
    ChannelsLast c;
    c.window = window_of(*s.node, nchw, kernel);
    c.batch = x[0];
    c.in_channels = x.back();
    c.out_channels = y.back();
    c.in_pixels = count_of(x.part(1, x.size() - 2));
    c.out_pixels = count_of(y.part(1, y.size() - 2));
    c.taps = count_of(kernel);
    return c;
}

}  // namespace tercet
