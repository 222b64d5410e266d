// SPDX-License-Identifier: Apache-2.0
#include "module.h"

#include "tercet/error.h"
#include "tercet/version.h"

#include <new>
#include <stdexcept>
#include <string>

namespace py = pybind11;

namespace tercet::python {
namespace {

// Paths need not be UTF-8.
py::object text_of(const std::string& bytes) {
    return py::reinterpret_steal<py::object>(PyUnicode_DecodeUTF8(bytes.data(), static_cast<py::ssize_t>(bytes.size()), "replace"));
}

void translate(std::exception_ptr failure) {
    try {
        if (failure) std::rethrow_exception(failure);
    } catch (const Error& e) {
        const py::object type = py::module_::import("tercet._error").attr("Error");
        const Fault& f = e.fault();
        PyErr_SetObject(type.ptr(), type(text_of(f.what), text_of(f.where), text_of(f.fix)).ptr());
    } catch (const std::length_error&) {  // more than a container can hold
        PyErr_NoMemory();
    }
}

}  // namespace
}  // namespace tercet::python

PYBIND11_MODULE(_tercet, module) {
    using namespace tercet::python;
    module.doc() = "What the modules of tercet are made of; not to be used by itself.";
    module.attr("version") = tercet::version;
    py::register_exception_translator(&translate);
    define_engine(module);
    define_build(module);
    define_measure(module);
    define_files(module);
}
