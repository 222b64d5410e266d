# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Optional, Union

import numpy.typing as npt

from tercet import _tercet
from tercet._command import show_shared_files
from tercet._data import ArrayFiles, Data, Path, Preprocess, fields_of
from tercet._options import BuildOptions, Log, Progress, native
from tercet._results import BuildResult, Calibration, ExportResult, TensorRtJob, TensorRtSearch

if TYPE_CHECKING:
    from typing_extensions import Unpack


def build(model: Path, output: Optional[Path] = None, *, precision: str = "fp32", progress: Optional[Progress] = None, log: Optional[Log] = None,
          **options: Unpack[BuildOptions]) -> BuildResult:
    """Builds an engine from the ONNX file `model` and writes it to the file `output`, which appears whole or not at all.

    output: MODEL_TARGET_PRECISION.engine (for a TensorRT .trt) in the current folder unless given.
    precision: "fp32", "fp16", "bf16" or "int8". INT8 needs `calibration_data` or a `calibration_cache`, unless the model has QuantizeLinear in it.
    progress: called with what is being done, how much of it is, and how much there is in all; what it raises ends the build.
    log: called with a line per rewrite, per tuning and per message of TensorRT.
    options: see tercet.BuildOptions; for example `tune="none"`, `timing_cache="timings.json"`, `max_shapes={"image": (64, 28, 28, 1)}`.

    Takes seconds to minutes and loads all processors, unless it tunes nothing. Other Python threads run meanwhile. Ctrl-C ends it at its next
    step. Raises tercet.Error, one line, if the model cannot be read or built; then no file is left.
    """
    with ArrayFiles() as files:
        return _tercet.build(model, output or "", precision, native(options, files), progress, log)


def build_all(model: Path, folder: Optional[Path] = None, *, precisions: Sequence[str] = ("fp32", "fp16", "int8"), progress: Optional[Progress] = None,
              log: Optional[Log] = None, **options: Unpack[BuildOptions]) -> list[BuildResult]:
    """Builds an engine for each of the precisions, in their order, as build() would: MODEL_TARGET_PRECISION.engine (.trt) in `folder`.

    The folder is made if it is not there; without it, it is the current one. A precision that fails stops no other: its `status` is
    "failed", its `path` None, and its `reason` says why. Raises tercet.Error if there is no such model or all fail for the same reason.
    """
    with ArrayFiles() as files:
        return _tercet.build_all(model, folder or "", list(precisions), native(options, files), progress, log)


def find_tensorrt(python: str = "") -> TensorRtSearch:
    """The TensorRT modules of `python`, or of the interpreters that builds look into: what the environment variable TERCET_PYTHON names, the
    active virtual environment, python3 and python. Each is imported in a process of its own."""
    show_shared_files()
    return _tercet.find_tensorrt(python)


def write_tensorrt_job(model: Path, folder: Path, *, precisions: Sequence[str] = ("fp32", "fp16", "int8"), progress: Optional[Progress] = None,
                       log: Optional[Log] = None, **options: Unpack[BuildOptions]) -> TensorRtJob:
    """Writes all that building TensorRT engines takes into a folder: models, calibration cache, plans, and a script for there.

    `target` is one of the TensorRTs; other options are as of build(). TensorRT need not be installed here. A precision that cannot be planned
    is "failed" in `engines`; tercet.Error if none can.
    """
    with ArrayFiles() as files:
        return _tercet.write_tensorrt_job(model, folder, list(precisions), native(options, files), progress, log)


def calibrate(model: Path, data: Union[Data, Mapping[str, npt.NDArray[Any]]], *, calibrator: Optional[str] = None, samples: Optional[int] = None,
              seed: Optional[int] = None, percentile: Optional[float] = None, preprocess: Optional[Preprocess] = None, threads: Optional[int] = None,
              isa: Optional[str] = None, progress: Optional[Progress] = None) -> Calibration:
    """Runs the model on real samples and finds the scale at which INT8 holds each tensor best.

    data: an array [n, ...] in the input's dtype (uint8 [n, H, W] or [n, H, W, 1 or 3] are pictures), a dict of such arrays by the inputs'
        names, or a path: whatever load_samples() reads, a folder of NPY, NPZ or ONNX tensor files, an NPZ with an array per input.
        Arrays are written to a temporary file.
    calibrator: "entropy" (the default), "minmax", "percentile" or "mse".
    samples: at most (512); which ones follows from `seed` alone.

    The result does not depend on `threads`. What cannot be read, or holds NaN or Inf, is left out and counted; more than 1 % of that
    is a tercet.Error, as are data that do not fit the model. write_calibration_cache() keeps the scales for later builds.
    """
    options = {"calibrator": calibrator, "samples": samples, "seed": seed, "percentile": percentile, "threads": threads, "isa": isa,
               "preprocess": fields_of(preprocess)}
    with ArrayFiles() as files:
        return _tercet.calibrate(model, files.of_all(data), options, progress)


def read_calibration_cache(file: Path) -> Calibration:
    """Reads a cache in TensorRT's text format, whoever wrote it. Raises tercet.Error if it is none."""
    return _tercet.read_calibration_cache(file)


def write_calibration_cache(file: Path, scales: Union[Calibration, Mapping[str, float]], *, format: str = "TRT-8503") -> None:
    """Writes a cache in TensorRT's text format, whole or not at all. `format` names the version that is to read it: "8.5.3", "10.3"."""
    _tercet.write_calibration_cache(file, _scales_of(scales), format)


def export(model: Path, output: Optional[Path] = None, *, precision: Optional[str] = None, plan: Optional[Path] = None,
           scales: Optional[Union[Calibration, Mapping[str, float]]] = None, layer_precisions: Optional[Mapping[str, str]] = None,
           written_plan: Optional[Path] = None, keep_io_types: Optional[bool] = None,
           fallback_precision: Optional[str] = None, fallback: Optional[bool] = None, newest_opset: Optional[int] = None) -> ExportResult:
    """Writes the ONNX model with its precision in it, for runtimes that take the precision from the model.

    output: MODEL_PRECISION.onnx in the current folder unless given.
    precision: "fp16" (the default), "bf16", or "int8" (QuantizeLinear and DequantizeLinear), which needs `scales`; a `plan` (JSON) says it itself.
    layer_precisions: {"head/*": "fp32"}, by names of ONNX nodes; the last that fits counts.
    written_plan: a file for the plan as it was followed.
    keep_io_types: the model's inputs and outputs stay FP32 (True).
    fallback_precision: of layers that have an INT8 form and cannot be in it: "fp32" (the default), "fp16" or "bf16".
    fallback: False makes a layer that cannot have its precision a tercet.Error (True).
    newest_opset: that the reader of the result reads.
    """
    layers = None if layer_precisions is None else list(layer_precisions.items())
    options = {"output": output, "precision": precision, "plan": plan, "layer_precisions": layers, "written_plan": written_plan,
               "keep_io_types": keep_io_types, "fallback_precision": fallback_precision, "fallback": fallback, "newest_opset": newest_opset}
    return _tercet.export(model, options, {} if scales is None else _scales_of(scales))


def _scales_of(scales: Union[Calibration, Mapping[str, float]]) -> dict[str, float]:
    return dict(scales.scales if isinstance(scales, Calibration) else scales)
