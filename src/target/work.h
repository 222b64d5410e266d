// SPDX-License-Identifier: Apache-2.0
// What a step has to do, whatever tactic does it: what its time is judged by.
#pragma once

#include "target/tactic.h"

namespace tercet {

struct Work {
    /// Of the direct algorithm, a window's taps on the padding included; a tail comes on top and is not counted.
    double multiply_adds = 0;
    /// Of a step that has none of these: functions evaluated (Pointwise), elements compared or added (pools, reductions).
    /// 0 where elements only move.
    double element_operations = 0;
    /// Inputs, weights and outputs, each once, in their own types and unpacked. A step that picks parts of its first input
    /// reads no more of it than it writes.
    double bytes = 0;
    friend bool operator==(const Work&, const Work&) = default;
};

Work work_of(const Step& step);

}  // namespace tercet
