// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "onnx/external_data.h"
#include "onnx/message.h"
#include "tensor/tensor.h"

#include <memory>
#include <string>

namespace tercet::onnx {

/// Where a message's bytes come from: who keeps them, and where external data lies.
struct Source {
    std::shared_ptr<const void> owner;
    ExternalData external;
};

struct NamedTensor {
    std::string name;
    Tensor tensor;
};

/// A TensorProto. Elements stay where they are in the file, unless they are encoded in another way than as they stand in
/// memory. Tensors of strings keep their shape only. Error, with the tensor's name, if sizes and data do not fit.
NamedTensor read_tensor(Message, Source&);

/// The most elements a tensor may have: beyond, sizes in bytes and strides might overflow.
inline constexpr std::int64_t max_elements = std::int64_t{1} << 48;

}  // namespace tercet::onnx
