// SPDX-License-Identifier: Apache-2.0
// The calls of TensorRT that its versions spell differently. From 8.5 on, tensors go by their names (calls_by_name.h); before, by
// the number of a binding (calls_by_index.h). Newer differences are asked of the header by `requires`, not of its version number:
// TensorRT for RTX counts from 1.0 again.
#pragma once

#include <NvInferRuntime.h>

#include <cstdint>
#include <string>
#include <vector>

#if NV_TENSORRT_MAJOR == 8 && NV_TENSORRT_MINOR < 5
#include "tensorrt_runtime/nv/calls_by_index.h"
#else
#include "tensorrt_runtime/nv/calls_by_name.h"
#endif
