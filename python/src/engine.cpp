// SPDX-License-Identifier: Apache-2.0
#include "tercet/engine.h"

#include "arrays.h"
#include "callbacks.h"
#include "module.h"
#include "results.h"

#include <pybind11/numpy.h>
#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace py = pybind11;

namespace tercet::python {
namespace {

// The bytes of any object that has contiguous ones, which stay where they are for as long as this lives.
struct Bytes {
    Py_buffer view{};

    explicit Bytes(const py::object& object) {
        if (PyObject_GetBuffer(object.ptr(), &view, PyBUF_SIMPLE) != 0) throw py::error_already_set();
    }
    Bytes(const Bytes&) = delete;
    Bytes& operator=(const Bytes&) = delete;
    ~Bytes() {
        if (!Py_IsInitialized()) return;
        const py::gil_scoped_acquire lock;
        PyBuffer_Release(&view);
    }
    std::span<const std::byte> all() const { return {static_cast<const std::byte*>(view.buf), static_cast<std::size_t>(view.len)}; }
};

Engine from_memory(const py::object& file, bool copy, const std::string& max_isa) {
    const auto bytes = std::make_shared<Bytes>(file);
    return without_lock([&] { return Engine::from_memory(bytes->all(), copy ? nullptr : bytes, max_isa); });
}

using Arrays = std::vector<py::array>;

// A context that one thread at a time gets; the others wait. Whoever waits does not hold the global lock.
class SharedContext {
    template <class F>
    auto alone(F&& f) {
        return without_lock([&] {
            const std::lock_guard lock(mutex_);
            return f();
        });
    }

public:
    SharedContext(const Engine& engine, int threads) : context_(engine, threads) {
        for (const TensorInfo& o : engine.outputs()) types_.push_back(numpy_type(o.dtype));
    }

    int threads() const { return context_.threads(); }

    // `given` has an array or nothing per output; the result has an array per output.
    Arrays run(const Arrays& inputs, std::vector<std::optional<py::array>> given) {
        const std::vector<InputView> in = views_of(inputs);
        if (given.size() != types_.size()) throw py::value_error("one array, or None, per output");
        bool all_given = true, open = false;
        for (const auto& array : given) all_given &= array.has_value();
        if (!all_given) {
            const auto shapes = alone([&] { return context_.output_shapes(in); });
            for (const auto& shape : shapes) open |= std::ranges::find(shape, -1) != shape.end();
            for (std::size_t i = 0; i < shapes.size() && !open; ++i)
                if (!given[i]) given[i] = new_array(types_[i].cast<py::dtype>(), shapes[i]);
        }
        std::vector<std::optional<OutputView>> out;
        for (std::size_t i = 0; i < given.size(); ++i) {
            out.emplace_back();
            if (given[i]) out.back() = output_view(*given[i], context_.engine().outputs()[i]);
        }
        if (open) return run_and_copy(in, std::move(given), out);
        std::vector<OutputView> views;
        for (const auto& view : out) views.push_back(*view);
        alone([&] { context_.run(in, views); });
        Arrays arrays;
        for (auto& array : given) arrays.push_back(std::move(*array));
        return arrays;
    }

    std::vector<py::tuple> output_shapes(const Arrays& inputs) {
        const std::vector<InputView> in = views_of(inputs);
        std::vector<py::tuple> tuples;
        for (const auto& shape : alone([&] { return context_.output_shapes(in); })) tuples.push_back(py::tuple(py::cast(shape)));
        return tuples;
    }

    py::list profile(const Arrays& inputs) {
        const std::vector<InputView> in = views_of(inputs);
        py::list list;
        for (const StepInfo& step : alone([&] { return context_.profile(in); })) list.append(to_python(step));
        return list;
    }

private:
    std::vector<InputView> views_of(const Arrays& arrays) const {
        const std::span<const TensorInfo> infos = context_.engine().inputs();
        if (arrays.size() != infos.size()) throw py::value_error("one array per input");
        std::vector<InputView> views;
        for (std::size_t i = 0; i < arrays.size(); ++i) views.push_back(input_view(arrays[i], infos[i]));
        return views;
    }

    // Where shapes depend on the data, results are known behind the run only, and lie in the context's memory.
    Arrays run_and_copy(const std::vector<InputView>& in, std::vector<std::optional<py::array>> given, const std::vector<std::optional<OutputView>>& out) {
        const py::gil_scoped_release released;
        const std::lock_guard lock(mutex_);
        const std::span<const ResultView> results = context_.run(in);
        const py::gil_scoped_acquire held;
        Arrays arrays;
        for (std::size_t i = 0; i < results.size(); ++i) {
            const ResultView& r = results[i];
            if (out[i] && !std::ranges::equal(out[i]->shape, r.shape))
                throw Error({.what = "output '" + context_.engine().outputs()[i].name + "' comes out in another shape than that of the array given",
                             .fix = "its shape depends on the data: give none"});
            arrays.push_back(given[i] ? std::move(*given[i]) : new_array(types_[i].cast<py::dtype>(), r.shape));
            if (arrays[i].nbytes() > 0) std::memcpy(arrays[i].mutable_data(), r.data, static_cast<std::size_t>(arrays[i].nbytes()));
        }
        return arrays;
    }

    Context context_;
    std::vector<py::object> types_;  // NumPy's, of the outputs
    std::mutex mutex_;
};

template <class Getter>
auto text(Getter getter) {
    return [getter](const Engine& e) { return std::string((e.*getter)()); };
}

}  // namespace

void define_engine(py::module_& module) {
    using released = py::call_guard<py::gil_scoped_release>;
    py::class_<Engine>(module, "Engine")
        .def_static("open", [](const std::filesystem::path& file, bool copy, const std::string& max_isa) { return Engine::open(file, copy ? Load::copy : Load::map, max_isa); }, released())
        .def_static("from_memory", &from_memory)
        .def_property_readonly("inputs", [](const Engine& e) { return to_python(e.inputs()); })
        .def_property_readonly("outputs", [](const Engine& e) { return to_python(e.outputs()); })
        .def_property_readonly("precision", text(&Engine::precision))
        .def_property_readonly("isa", text(&Engine::isa))
        .def_property_readonly("model", text(&Engine::model))
        .def_property_readonly("bytes", &Engine::bytes);
    py::class_<SharedContext>(module, "Context")
        .def(py::init<const Engine&, int>())
        .def_property_readonly("threads", &SharedContext::threads)
        .def("run", &SharedContext::run)
        .def("output_shapes", &SharedContext::output_shapes)
        .def("profile", &SharedContext::profile);
}

}  // namespace tercet::python
