# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Callable, Literal, Optional, TypedDict, Union

import numpy.typing as npt

from tercet._command import show_shared_files
from tercet._data import ArrayFiles, Data, Path, Preprocess, fields_of

Progress = Callable[[str, int, int], object]  #: told what is being done, how much of it is, and how much there is in all
Log = Callable[[str], object]                 #: told a line


class BuildOptions(TypedDict, total=False):
    """What build(), build_all() and compare() take by name. None, or leaving it out, is the default, which stands in parentheses.

    target: "cpu", "trt8x", "trt10x", "trt11x" or "trtrtx" (cpu); what is about the CPU is not read for the others
    tensorrt_python: the interpreter that has TensorRT; looked for unless given, see find_tensorrt()
    compute_capabilities: for trtrtx: the GPUs to build for, "8.6", "current"
    calibration_data: for int8: real samples, see calibrate()
    calibrator: how thresholds are found (entropy)
    calibration_samples: at most (512)
    calibration_seed: which ones (1)
    percentile: for that calibrator, in (0, 100] (99.99)
    preprocess: of pictures
    calibration_cache: for int8: scales from this file; tensors that it lacks stay in fp32
    layer_precisions: of nodes whose name fits the pattern: {"head/*": "fp32"}; the last that fits counts
    plan: a precision plan (JSON) to follow
    bias_correction: for int8: biases take up what rounding the weights shifts (True)
    fallback_precision: of layers that are asked to be int8 and cannot be: "fp32" (the default), "fp16" or "bf16"
    fallback: False: a layer that cannot have the precision asked for is an error (True)
    min_shapes: the least shapes of dynamic inputs, by name; a dynamic first dimension is 1 / 16 / 32 unless given
    opt_shapes: the shapes to tune for
    max_shapes: the greatest
    workspace_bytes: for activations and kernels' scratch, at the largest shapes (1 GiB)
    tune: how much is measured (fast)
    timing_cache: read and extended; the same timings give the same engine
    isa: level to build for; the processor's unless given
    threads: that tuning assumes (all)
    strict: no kernel that changes the arithmetic (False)
    disabled_passes: rewrites of the graph that are left out; "all" for every optional one
    stop_after: stop rewriting after so many rewrites, to find one at fault
    fixed_inputs: arrays, or NPY or PB files: these inputs become constants
    """

    target: Optional[str]
    tensorrt_python: Optional[str]
    compute_capabilities: Optional[Sequence[str]]
    calibration_data: Optional[Union[Data, Mapping[str, npt.NDArray[Any]]]]
    calibrator: Optional[Literal["entropy", "minmax", "percentile", "mse"]]
    calibration_samples: Optional[int]
    calibration_seed: Optional[int]
    percentile: Optional[float]
    preprocess: Optional[Preprocess]
    calibration_cache: Optional[Path]
    layer_precisions: Optional[Mapping[str, str]]
    plan: Optional[Path]
    bias_correction: Optional[bool]
    fallback_precision: Optional[Literal["fp32", "fp16", "bf16"]]
    fallback: Optional[bool]
    min_shapes: Optional[Mapping[str, Sequence[int]]]
    opt_shapes: Optional[Mapping[str, Sequence[int]]]
    max_shapes: Optional[Mapping[str, Sequence[int]]]
    workspace_bytes: Optional[int]
    tune: Optional[Literal["none", "fast", "full"]]
    timing_cache: Optional[Path]
    isa: Optional[str]
    threads: Optional[int]
    strict: Optional[bool]
    disabled_passes: Optional[Sequence[str]]
    stop_after: Optional[int]
    fixed_inputs: Optional[Mapping[str, Data]]


def native(options: Mapping[str, Any], files: ArrayFiles) -> dict[str, Any]:
    """The same as the extension takes it: dicts, lists, and files for arrays."""
    result = dict(options)
    if (result.get("target") or "cpu") != "cpu":
        show_shared_files()
    if result.get("preprocess") is not None:
        result["preprocess"] = fields_of(result["preprocess"])
    if result.get("calibration_data") is not None:
        result["calibration_data"] = files.of_all(result["calibration_data"])
    if result.get("layer_precisions") is not None:
        result["layer_precisions"] = list(dict(result["layer_precisions"]).items())
    if result.get("fixed_inputs") is not None:
        result["fixed_inputs"] = {name: files.of(data) for name, data in result["fixed_inputs"].items()}
    for shapes in ("min_shapes", "opt_shapes", "max_shapes"):
        if result.get(shapes) is not None:
            result[shapes] = {name: list(shape) for name, shape in result[shapes].items()}
    return result
