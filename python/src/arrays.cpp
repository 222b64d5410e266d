// SPDX-License-Identifier: Apache-2.0
#include "arrays.h"

#include <array>
#include <memory>
#include <type_traits>
#include <utility>

namespace py = pybind11;

namespace tercet::python {
namespace {

static_assert(std::is_same_v<py::ssize_t, std::int64_t>);  // NumPy's shapes are read in place

constexpr std::array<std::pair<DType, const char*>, 12> names{{
    {DType::f32, "float32"}, {DType::f64, "float64"}, {DType::f16, "float16"}, {DType::i8, "int8"}, {DType::i16, "int16"}, {DType::i32, "int32"},
    {DType::i64, "int64"}, {DType::u8, "uint8"}, {DType::u16, "uint16"}, {DType::u32, "uint32"}, {DType::u64, "uint64"}, {DType::boolean, "bool"},
}};

std::string name_in_numpy(DType dtype) {
    for (const auto& [known, name] : names)
        if (known == dtype) return name;
    return dtype == DType::bf16 ? "bfloat16" : std::string(name_of(dtype));
}

// What C++ calls the array's type; undefined where engines have none such, or its bytes are swapped.
DType dtype_of(const py::dtype& type) {
    const char order = type.byteorder();  // '=' and '|' are the machine's, which Tercet needs to be little-endian
    if (order == '>') return DType::undefined;
    const auto bytes = type.itemsize();
    switch (type.kind()) {
        case 'f': return bytes == 4 ? DType::f32 : bytes == 8 ? DType::f64 : bytes == 2 ? DType::f16 : DType::undefined;
        case 'i': return bytes == 8 ? DType::i64 : bytes == 4 ? DType::i32 : bytes == 2 ? DType::i16 : bytes == 1 ? DType::i8 : DType::undefined;
        case 'u': return bytes == 8 ? DType::u64 : bytes == 4 ? DType::u32 : bytes == 2 ? DType::u16 : bytes == 1 ? DType::u8 : DType::undefined;
        case 'b': return DType::boolean;
        case 'V': return bytes == 2 && py::cast<std::string>(type.attr("name")) == "bfloat16" ? DType::bf16 : DType::undefined;
        default: return DType::undefined;
    }
}

std::string text_of(const py::object& o) { return py::cast<std::string>(py::str(o)); }

// What any array of a run has to be. `kind` is "input" or "output", `verb` what the engine does with it.
void check(const py::array& array, const TensorInfo& info, const std::string& kind, const std::string& verb) {
    const DType given = dtype_of(array.dtype());
    const auto fault = [&](const std::string& what, const std::string& fix) { return Error({.what = kind + " '" + info.name + "' " + what, .fix = fix}); };
    if (given != info.dtype && !(info.dtype == DType::bf16 && given == DType::u16)) {
        const std::string wanted = name_in_numpy(info.dtype);
        throw fault("is " + text_of(array.dtype()) + ", the engine " + verb + " " + wanted,
                    kind == "input" ? "convert it first, .astype('" + wanted + "')" : "give an array of that type, or none");
    }
    constexpr int aligned = py::detail::npy_api::NPY_ARRAY_ALIGNED_;
    if ((array.flags() & py::array::c_style) == 0) throw fault("is not C-contiguous, and would have to be copied", kind == "input" ? "copy it, numpy.ascontiguousarray()" : "give an array that is");
    if ((array.flags() & aligned) == 0) throw fault("is not aligned as its type wants, and would have to be copied", "copy it, .copy()");
}

std::span<const std::int64_t> shape_of(const py::array& array) { return {array.shape(), static_cast<std::size_t>(array.ndim())}; }

}  // namespace

py::object numpy_type(DType dtype) {
    if (dtype != DType::bf16) {
        for (const auto& [known, name] : names)
            if (known == dtype) return py::dtype(name);
        return py::none();
    }
    try {
        return py::dtype::from_args(py::module_::import("ml_dtypes").attr("bfloat16"));
    } catch (py::error_already_set& e) {
        if (!e.matches(PyExc_ImportError)) throw;
        return py::dtype("uint16");
    }
}

InputView input_view(const py::array& array, const TensorInfo& input) {
    check(array, input, "input", "takes");
    return {input.dtype, shape_of(array), array.data()};
}

OutputView output_view(py::array& array, const TensorInfo& output) {
    check(array, output, "output", "gives");
    if (!array.writeable()) throw Error({.what = "output '" + output.name + "' cannot be written", .fix = "give an array that can"});
    return {output.dtype, shape_of(array), array.mutable_data()};
}

py::array new_array(const py::dtype& type, std::span<const std::int64_t> shape) { return py::array(type, py::array::ShapeContainer(shape.begin(), shape.end())); }

py::array array_of(Array&& array) {
    const py::object type = numpy_type(array.dtype);
    if (type.is_none()) throw Error({.what = "NumPy has no type for " + std::string(name_of(array.dtype)), .fix = "give a file of another type"});
    auto owned = std::make_unique<Array>(std::move(array));
    const py::capsule owner(owned.get(), [](void* p) { delete static_cast<Array*>(p); });
    const Array& a = *owned.release();
    return py::array(type.cast<py::dtype>(), a.shape, {}, a.data.data(), owner);
}

}  // namespace tercet::python
