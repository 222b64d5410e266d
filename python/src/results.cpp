// SPDX-License-Identifier: Apache-2.0
#include "results.h"

#include "arrays.h"

#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include <charconv>
#include <utility>

namespace py = pybind11;
using namespace pybind11::literals;

namespace tercet::python {
namespace {

template <class... Fields>
py::object make(const char* type, Fields&&... fields) {
    return py::module_::import("tercet._results").attr(type)(std::forward<Fields>(fields)...);
}

template <class T>
py::list list_of(const std::vector<T>& values) {
    py::list list;
    for (const T& v : values) list.append(to_python(v));
    return list;
}

py::tuple tuple_of(const std::vector<std::int64_t>& values) { return py::tuple(py::cast(values)); }

// Numbers as such, expressions as text: ("N", 28, 28, 1).
py::tuple shape_of(const std::vector<std::string>& extents) {
    py::tuple shape(extents.size());
    for (std::size_t i = 0; i < extents.size(); ++i) {
        std::int64_t n = 0;
        const char* const end = extents[i].data() + extents[i].size();
        const bool number = std::from_chars(extents[i].data(), end, n).ptr == end && !extents[i].empty();
        shape[i] = number ? py::object(py::int_(n)) : py::object(py::str(extents[i]));
    }
    return shape;
}

// Layers of an export and of a plan, which say the same.
template <class Layer>
py::list layers_of(const std::vector<Layer>& layers) {
    py::list list;
    for (const Layer& l : layers) list.append(make("LayerInfo", "layer"_a = l.layer, "op"_a = l.op, "asked"_a = l.asked, "chosen"_a = l.chosen, "reason"_a = l.reason));
    return list;
}

py::dict fields_of(const StepInfo& s) {
    return py::dict("name"_a = s.name, "op"_a = s.op, "tactic"_a = s.tactic, "variant"_a = s.variant, "shape"_a = s.shape, "type"_a = name_of(s.type),
                    "multiply_adds"_a = s.multiply_adds, "element_operations"_a = s.element_operations, "bytes"_a = s.bytes, "microseconds"_a = s.microseconds);
}

}  // namespace

py::object to_python(const Fallback& f) { return make("Fallback", "layer"_a = f.layer, "op"_a = f.op, "asked"_a = f.asked, "chosen"_a = f.chosen, "reason"_a = f.reason); }

py::object to_python(const OutputError& e) {
    return make("OutputError", "name"_a = e.name, "cosine"_a = e.cosine, "sqnr_db"_a = e.sqnr_db, "max_abs_error"_a = e.max_abs_error, "other_shapes"_a = e.other_shapes);
}

py::object to_python(const Speed& s) {
    return make("Speed", "load_ms"_a = s.load_ms, "first_inference_ms"_a = s.first_inference_ms, "latency_batch"_a = s.latency_batch, "latency_p50_ms"_a = s.latency_p50_ms,
                "latency_p99_ms"_a = s.latency_p99_ms, "throughput_batch"_a = s.throughput_batch, "samples_per_s"_a = s.samples_per_s, "speedup"_a = s.speedup,
                "peak_rss_bytes"_a = s.peak_rss_bytes, "latency_rounds_ms"_a = s.latency_rounds_ms, "samples_per_s_rounds"_a = s.samples_per_s_rounds);
}

py::object to_python(const ComparedEngine& e) {
    return make("ComparedEngine", "precision"_a = e.precision, "engine"_a = e.engine.empty() ? py::object(py::none()) : py::cast(e.engine), "status"_a = e.status,
                "reason"_a = e.reason, "build"_a = e.engine.empty() && e.status == "ok" ? to_python(e.build) : py::object(py::none()), "bytes"_a = e.bytes, "answers"_a = e.answers,
                "top1"_a = e.top1, "top5"_a = e.top5, "agreement"_a = e.agreement, "outputs"_a = list_of(e.outputs),
                "speed"_a = e.speed ? to_python(*e.speed) : py::object(py::none()));
}

py::object to_python(const OperatorUse& o) { return make("OperatorUse", "name"_a = o.name, "domain"_a = o.domain, "count"_a = o.count, "unsupported"_a = o.unsupported); }

py::object to_python(const EngineInfo::Symbol& s) { return make("Symbol", "name"_a = s.name, "min"_a = s.min, "opt"_a = s.opt, "max"_a = s.max); }

py::object to_python(const EngineInfo::Step& s) { return make("EngineStep", **fields_of(s), "reference"_a = s.reference, "other"_a = s.other); }

py::object to_python(const TimingCacheInfo::Group& g) { return make("TimingGroup", "name"_a = g.name, "entries"_a = g.entries); }

py::object to_python(const TensorInfo& i) {
    return make("TensorInfo", "name"_a = i.name, "type"_a = name_of(i.dtype), "dtype"_a = numpy_type(i.dtype), "shape"_a = shape_of(i.shape), "min_shape"_a = tuple_of(i.min_shape),
                "opt_shape"_a = tuple_of(i.opt_shape), "max_shape"_a = tuple_of(i.max_shape));
}

py::tuple to_python(std::span<const TensorInfo> infos) {
    py::tuple tuple(infos.size());
    for (std::size_t i = 0; i < infos.size(); ++i) tuple[i] = to_python(infos[i]);
    return tuple;
}

py::object to_python(const StepInfo& s) { return make("StepInfo", **fields_of(s)); }

py::object to_python(const BuildResult& r) {
    return make("BuildResult", "precision"_a = r.precision, "target"_a = r.target, "version"_a = r.version, "path"_a = r.path.empty() ? py::object(py::none()) : py::cast(r.path), "status"_a = r.status,
                "bytes"_a = r.bytes, "build_ms"_a = r.build_ms, "reason"_a = r.reason, "steps"_a = r.steps, "reference_steps"_a = r.reference_steps,
                "workspace_bytes"_a = r.workspace_bytes, "layers"_a = r.layers, "fallbacks"_a = list_of(r.fallbacks), "warnings"_a = r.warnings);
}

py::object to_python(const Calibration& c, const std::vector<std::string>& warnings) {
    py::dict scales;
    for (const auto& [name, scale] : c.scales) scales[py::str(name)] = scale;
    py::dict means;
    for (const auto& [name, mean] : c.means) means[py::str(name)] = mean;
    return make("Calibration", "header"_a = c.header, "scales"_a = scales, "means"_a = means, "samples"_a = c.samples, "skipped"_a = c.skipped, "spread"_a = c.spread,
                "warnings"_a = warnings);
}

py::object to_python(const ExportResult& r) {
    return make("ExportResult", "path"_a = r.path, "precision"_a = r.precision, "bytes"_a = r.bytes, "opset"_a = r.opset, "layers"_a = layers_of(r.layers));
}

py::object to_python(const Comparison& c) {
    return make("Comparison", "engines"_a = list_of(c.engines), "output"_a = c.output, "classes"_a = c.classes, "samples"_a = c.samples, "ids"_a = c.ids, "labels"_a = c.labels,
                "warnings"_a = c.warnings);
}

py::object to_python(const BenchResult& r) {
    py::list steps;
    for (const StepInfo& s : r.steps) steps.append(make("MeasuredStep", **fields_of(s), "least_microseconds"_a = r.roof.least_microseconds(s)));
    return make("BenchResult", "samples_per_s"_a = r.samples_per_s, "latency_p50_ms"_a = r.latency_ms.p50, "latency_p90_ms"_a = r.latency_ms.p90, "latency_p95_ms"_a = r.latency_ms.p95,
                "latency_p99_ms"_a = r.latency_ms.p99, "load_ms"_a = r.load_ms, "first_inference_ms"_a = r.first_inference_ms, "peak_rss_bytes"_a = r.peak_rss_bytes,
                "batch"_a = r.batch, "runs"_a = r.runs, "threads"_a = r.threads, "streams"_a = r.streams, "steps"_a = steps);
}

py::object to_python(const ModelInfo& m) {
    return make("ModelInfo", "name"_a = m.name, "producer"_a = m.producer, "ir_version"_a = m.ir_version, "opset"_a = m.opset, "inputs"_a = to_python(m.inputs),
                "outputs"_a = to_python(m.outputs), "parameters"_a = m.parameters, "parameter_bytes"_a = m.parameter_bytes, "nodes"_a = m.nodes,
                "operators"_a = list_of(m.operators), "problem"_a = m.problem);
}

py::object to_python(const PrecisionPlanInfo& p) {
    return make("PrecisionPlan", "model"_a = p.model, "precision"_a = p.precision, "calibrator"_a = p.calibrator, "scales"_a = p.scales, "layers"_a = layers_of(p.layers),
                "json"_a = p.json);
}

py::object to_python(const EngineInfo& e) {
    return make("EngineInfo", "model"_a = e.model, "precision"_a = e.precision, "isa"_a = e.isa, "inputs"_a = to_python(e.inputs), "outputs"_a = to_python(e.outputs),
                "bytes"_a = e.bytes, "weight_bytes"_a = e.weight_bytes, "workspace_bytes"_a = e.workspace_bytes, "slice"_a = e.slice, "profile"_a = list_of(e.profile),
                "steps"_a = list_of(e.steps), "reference_steps"_a = e.reference_steps, "plan"_a = to_python(e.plan));
}

py::object to_python(const TensorRtEngineInfo& e) {
    return make("TensorRtEngineInfo", "rtx"_a = e.rtx, "version"_a = e.version, "bytes"_a = e.bytes, "inputs"_a = to_python(e.inputs), "outputs"_a = to_python(e.outputs),
                "profiles"_a = e.profiles, "problem"_a = e.problem);
}

py::object to_python(const TimingCacheInfo& c) { return make("TimingCacheInfo", "bytes"_a = c.bytes, "groups"_a = list_of(c.groups), "entries"_a = c.entries); }

py::object to_python(const Machine& m) {
    return make("Machine", "processor"_a = m.processor, "isa"_a = m.isa, "usable_cores"_a = m.usable_cores, "memory_bytes"_a = m.memory_bytes);
}

py::object to_python(const TensorRtModule& m) {
    return make("TensorRtModule", "python"_a = m.python, "module"_a = m.module, "version"_a = m.version, "file"_a = m.file, "problem"_a = m.problem, "target"_a = m.target);
}

py::object to_python(const TensorRtSearch& s) {
    return make("TensorRtSearch", "modules"_a = list_of(s.modules), "pythons"_a = s.pythons, "problems"_a = s.problems);
}

py::object to_python(const TensorRtJob& j) {
    return make("TensorRtJob", "folder"_a = j.folder, "engines"_a = list_of(j.engines), "command"_a = j.command, "trtexec"_a = j.trtexec);
}

py::object to_python(Samples&& s) {
    return make("Samples", "values"_a = array_of(std::move(s.values)), "ids"_a = s.ids, "labels"_a = s.labels, "class_names"_a = s.class_names);
}

}  // namespace tercet::python
