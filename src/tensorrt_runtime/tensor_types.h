// SPDX-License-Identifier: Apache-2.0
// TensorRT's element types. Versions have more or fewer of them, but none changed its number.
#pragma once

#include "tercet/dtype.h"

namespace tercet {

/// Of nvinfer1::DataType's number; undefined if there is none of that number.
constexpr DType dtype_of_tensorrt(int number) {
    constexpr DType types[] = {DType::f32, DType::f16, DType::i8, DType::i32, DType::boolean, DType::u8, DType::f8e4m3fn, DType::bf16,
                               DType::i64, DType::i4, DType::f4e2m1, DType::f8e8m0};
    return number >= 0 && number < static_cast<int>(sizeof(types)) ? types[number] : DType::undefined;
}

}  // namespace tercet
