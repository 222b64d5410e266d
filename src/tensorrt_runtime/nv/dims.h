// SPDX-License-Identifier: Apache-2.0
// nvinfer1::Dims has 32 bits per extent up to version 9, and 64 later.
#pragma once

#include "tercet/error.h"

#include <NvInferRuntime.h>

#include <cstdint>
#include <limits>
#include <span>
#include <type_traits>
#include <vector>

namespace tercet::nv {

using Extent = std::remove_extent_t<decltype(nvinfer1::Dims::d)>;

/// Empty for a scalar, and for what TensorRT does not know (nbDims -1).
inline std::vector<std::int64_t> shape_of(const nvinfer1::Dims& dims) { return {dims.d, dims.d + (dims.nbDims > 0 ? dims.nbDims : 0)}; }

inline nvinfer1::Dims dims_of(std::span<const std::int64_t> shape) {
    nvinfer1::Dims dims{};
    if (shape.size() > static_cast<std::size_t>(nvinfer1::Dims::MAX_DIMS)) throw Error({.what = "a tensor has more than 8 dimensions", .fix = "TensorRT takes none of these"});
    dims.nbDims = static_cast<std::int32_t>(shape.size());
    for (std::size_t i = 0; i < shape.size(); ++i) {
        if (shape[i] > std::numeric_limits<Extent>::max()) throw Error({.what = "an extent is too large for this TensorRT", .fix = "give a smaller shape"});
        dims.d[i] = static_cast<Extent>(shape[i]);
    }
    return dims;
}

}  // namespace tercet::nv
