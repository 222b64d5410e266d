# SPDX-License-Identifier: Apache-2.0
"""Tercet turns ONNX models into engines, tuned for the processor, in FP32, FP16, BF16 or INT8, and runs them.

    import numpy, tercet

    tercet.build("model.onnx", "model.engine")
    context = tercet.Context(tercet.Engine("model.engine"))
    scores = context.run({"image": numpy.zeros((1, 28, 28, 1), numpy.float32)})["scores"]

Arrays are read where they are and results written where they stay. What can be put right raises tercet.Error, whose text is one line. Functions
may be called from any thread, and let other Python threads run while they work.
"""
from tercet import _tercet
from tercet._build import (build, build_all, calibrate, export, find_tensorrt, read_calibration_cache, write_calibration_cache,
                           write_tensorrt_job)
from tercet._data import Preprocess, load_input, load_labels, load_samples
from tercet._engine import Context, Engine
from tercet._error import Error
from tercet._inspect import inspect, isa_levels, this_machine
from tercet._measure import bench, compare
from tercet._options import BuildOptions
from tercet._results import (BenchResult, BuildResult, Calibration, ComparedEngine, Comparison, EngineInfo, EngineStep, ExportResult, Fallback,
                             LayerInfo, Machine, MeasuredStep, ModelInfo, OperatorUse, OutputError, PrecisionPlan, Samples, Speed, StepInfo, Symbol,
                             TensorInfo, TensorRtEngineInfo, TensorRtJob, TensorRtModule, TensorRtSearch, TimingCacheInfo, TimingGroup)

__version__: str = _tercet.version

__all__ = [
    "BenchResult", "BuildOptions", "BuildResult", "Calibration", "ComparedEngine", "Comparison", "Context", "Engine", "EngineInfo", "EngineStep",
    "Error", "ExportResult", "Fallback", "LayerInfo", "Machine", "MeasuredStep", "ModelInfo", "OperatorUse", "OutputError", "PrecisionPlan",
    "Preprocess", "Samples", "Speed", "StepInfo", "Symbol", "TensorInfo", "TensorRtEngineInfo", "TensorRtJob", "TensorRtModule", "TensorRtSearch",
    "TimingCacheInfo", "TimingGroup", "bench", "build", "build_all", "calibrate", "compare", "export", "find_tensorrt", "inspect", "isa_levels",
    "load_input", "load_labels", "load_samples", "read_calibration_cache", "this_machine", "write_calibration_cache", "write_tensorrt_job",
]
