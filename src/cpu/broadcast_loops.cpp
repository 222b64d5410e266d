// SPDX-License-Identifier: Apache-2.0
#include "cpu/broadcast_loops.h"

namespace tercet {

BroadcastLoops BroadcastLoops::of(const Step& step) {
    const Dims& y = step.outputs[0].shape;
    std::vector<Dims> strides;
    for (const auto& in : step.inputs) strides.push_back(in ? View(in.dtype, in.shape, nullptr).broadcast_to(y).strides : Dims::filled(y.size(), 0));
    BroadcastLoops l;
    l.strides.resize(strides.size());
    for (int i = 0; i < y.size(); ++i) {
        if (y[i] == 1) continue;
        const auto joins = [&](std::size_t k) { return l.strides[k].back() == strides[k][i] * y[i]; };
        bool all = !l.shape.empty();
        for (std::size_t k = 0; all && k < strides.size(); ++k) all = joins(k);
        if (all) {
            l.shape[l.shape.size() - 1] *= y[i];
            for (std::size_t k = 0; k < strides.size(); ++k) l.strides[k][l.strides[k].size() - 1] = strides[k][i];
        } else {
            l.shape.push_back(y[i]);
            for (std::size_t k = 0; k < strides.size(); ++k) l.strides[k].push_back(strides[k][i]);
        }
    }
    if (l.shape.empty()) {
        l.shape.push_back(1);
        for (auto& s : l.strides) s.push_back(0);
    }
    return l;
}

}  // namespace tercet
