// SPDX-License-Identifier: Apache-2.0
// Field numbers of ONNX's protobuf messages (onnx.proto), one namespace per message, as far as they are read or written.
#pragma once

#include <cstdint>

namespace tercet::onnx {

using Field = std::uint32_t;

namespace model_field {
inline constexpr Field ir_version = 1, producer_name = 2, producer_version = 3, graph = 7, opset_import = 8, functions = 25;
}
namespace opset_field {
inline constexpr Field domain = 1, version = 2;
}
namespace function_field {
inline constexpr Field name = 1, input = 4, output = 5, attribute = 6, node = 7, opset_import = 9, domain = 10, default_value = 11,
                       overload = 13;
}
namespace graph_field {
inline constexpr Field node = 1, name = 2, initializer = 5, input = 11, output = 12, value_info = 13, sparse_initializer = 15;
}
namespace node_field {
inline constexpr Field input = 1, output = 2, name = 3, op_type = 4, attribute = 5, domain = 7, overload = 8;
}
namespace attribute_field {
inline constexpr Field name = 1, f = 2, i = 3, s = 4, t = 5, g = 6, floats = 7, ints = 8, strings = 9, type = 20, ref_attr_name = 21;
}
namespace attribute_type {  // AttributeProto.AttributeType
inline constexpr std::int64_t undefined = 0, real = 1, integer = 2, text = 3, tensor = 4, graph = 5, reals = 6, integers = 7,
                              texts = 8, tensors = 9, graphs = 10, sparse_tensor = 11, sparse_tensors = 12, type = 13, types = 14;
}
namespace value_field {
inline constexpr Field name = 1, type = 2;
}
namespace type_field {
inline constexpr Field tensor = 1, sequence = 4, map = 5, opaque = 7, sparse_tensor = 8, optional = 9;
}
namespace tensor_type_field {
inline constexpr Field element = 1, shape = 2;
}
namespace shape_field {
inline constexpr Field dim = 1;
}
namespace dim_field {
inline constexpr Field value = 1, param = 2;
}
namespace tensor_field {
inline constexpr Field dims = 1, data_type = 2, segment = 3, float_data = 4, int32_data = 5, string_data = 6, int64_data = 7,
                       name = 8, raw_data = 9, double_data = 10, uint64_data = 11, external_data = 13, data_location = 14;
}
namespace entry_field {  // StringStringEntryProto
inline constexpr Field key = 1, value = 2;
}

}  // namespace tercet::onnx
