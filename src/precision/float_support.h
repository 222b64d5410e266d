// SPDX-License-Identifier: Apache-2.0
// Which of ONNX's operators compute in FP16 and BF16, from which version of the operators on, and which of their values stay
// FP32 even then.
#pragma once

#include "precision/precision_plan.h"

#include <cstdint>

namespace tercet {

struct FloatSupport {
    std::int64_t fp16 = 1, bf16 = 13;  // the version from which it takes the type in the places below; never: no version does
    unsigned fp32_inputs = 0;          // bit i: input i stays FP32
    unsigned fp32_outputs = 0;
    unsigned any_inputs = 0;           // bit i: input i may be of any type, whatever the others are

    static constexpr std::int64_t never = 1000;
    std::int64_t since(Precision p) const { return p == Precision::fp16 ? fp16 : bf16; }
    bool keeps_input(std::size_t i) const { return i < 32 && (fp32_inputs >> i & 1) != 0; }
    bool keeps_output(std::size_t i) const { return i < 32 && (fp32_outputs >> i & 1) != 0; }
    bool takes_any(std::size_t i) const { return i < 32 && (any_inputs >> i & 1) != 0; }
};

/// Operators of other domains than ONNX's own compute in FP32.
FloatSupport float_support(std::string_view op, std::string_view domain);

}  // namespace tercet
