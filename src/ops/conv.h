// SPDX-License-Identifier: Apache-2.0
// What convolutions share, whatever they are computed in.
// x [N, C, spatial...], w [M, C/group, kernel...], bias [M], y [N, M, spatial...]; 1 to 3 spatial axes
#pragma once

#include "ops/op.h"
#include "ops/window.h"

#include <algorithm>

namespace tercet {

/// The shape of y. x is input 0. Error if the attributes and the shapes of x, weights and bias do not fit.
Shape conv_shape(const Inference& c, std::size_t weights, std::size_t bias);

/// The products that belong to an element of y. Error if channels that were symbols do not fit.
struct ConvTaps {
    ConvTaps(const Node& node, const View& x, const View& w);

    /// f(offset in x, offset in w) for every tap that reads x itself. o: an index of y.
    template <class F>
    void for_each(const Dims& o, F&& f) const {
        const auto& [a, b, c] = window.axes;
        const auto stride = [&](const View& v, int spatial) { return spatial < window.rank ? v.strides[2 + spatial] : 0; };
        const auto index = [&](int i) { return i < window.rank ? o[2 + i] : 0; };
        const std::int64_t m = o[1], channels = w.shape[1], first_channel = m / per_group * channels;
        const auto ta = a.inside(index(0)), tb = b.inside(index(1)), tc = c.inside(index(2));
        for (std::int64_t ch = 0; ch < channels; ++ch)
            for (std::int64_t i = ta.first; i < ta.last; ++i)
                for (std::int64_t j = tb.first; j < tb.last; ++j)
                    for (std::int64_t k = tc.first; k < tc.last; ++k)
                        f(o[0] * x.strides[0] + (first_channel + ch) * x.strides[1] + a.position(index(0), i) * stride(x, 0) +
                              b.position(index(1), j) * stride(x, 1) + c.position(index(2), k) * stride(x, 2),
                          m * w.strides[0] + ch * w.strides[1] + i * stride(w, 0) + j * stride(w, 1) + k * stride(w, 2));
    }

    View x, w;
    Window window;
    std::int64_t per_group = 1;  // channels of y
};

}  // namespace tercet
