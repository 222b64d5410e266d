// SPDX-License-Identifier: Apache-2.0
// What Tercet found, as the data classes of the module tercet._results, whose fields have the same names.
#pragma once

#include "tercet/bench.h"
#include "tercet/build.h"
#include "tercet/compare.h"
#include "tercet/data.h"
#include "tercet/export.h"
#include "tercet/inspect.h"
#include "tercet/machine.h"
#include "tercet/tensorrt.h"

#include <pybind11/pybind11.h>

#include <span>
#include <string>
#include <vector>

namespace tercet::python {

pybind11::object to_python(const TensorInfo& info);
pybind11::object to_python(const Fallback& fallback);
pybind11::object to_python(const OutputError& error);
pybind11::object to_python(const Speed& speed);
pybind11::object to_python(const ComparedEngine& engine);
pybind11::object to_python(const OperatorUse& use);
pybind11::object to_python(const EngineInfo::Symbol& symbol);
pybind11::object to_python(const EngineInfo::Step& step);
pybind11::object to_python(const TimingCacheInfo::Group& group);
pybind11::object to_python(const StepInfo& step);
pybind11::object to_python(const BuildResult& result);
pybind11::object to_python(const Calibration& calibration, const std::vector<std::string>& warnings);
pybind11::object to_python(const ExportResult& result);
pybind11::object to_python(const Comparison& comparison);
pybind11::object to_python(const BenchResult& result);
pybind11::object to_python(const ModelInfo& info);
pybind11::object to_python(const EngineInfo& info);
pybind11::object to_python(const TensorRtEngineInfo& info);
pybind11::object to_python(const PrecisionPlanInfo& info);
pybind11::object to_python(const TimingCacheInfo& info);
pybind11::object to_python(const Machine& machine);
pybind11::object to_python(const TensorRtModule& module);
pybind11::object to_python(const TensorRtSearch& search);
pybind11::object to_python(const TensorRtJob& job);
pybind11::object to_python(Samples&& samples);
pybind11::tuple to_python(std::span<const TensorInfo> infos);

}  // namespace tercet::python
