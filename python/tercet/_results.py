# SPDX-License-Identifier: Apache-2.0
"""What Tercet's functions give. All of it is plain data, that can be compared, copied, pickled and printed."""
from __future__ import annotations

import pathlib
from dataclasses import dataclass
from typing import Any, Optional, Union

import numpy as np
import numpy.typing as npt

Shape = tuple[int, ...]


@dataclass(frozen=True)
class TensorInfo:
    """One input or output."""
    name: str
    type: str                                #: Tercet's name: "f32", "bf16", "i64", "bool", ...
    dtype: Optional[np.dtype[Any]]           #: NumPy's; of bf16 ml_dtypes.bfloat16, or uint16 (the bits) without ml_dtypes; None if NumPy has none
    shape: tuple[Union[int, str], ...]       #: ("N", 28, 28, 1): numbers, and expressions over symbols; "count?12" depends on the data
    min_shape: Shape                         #: the least that the engine takes or gives
    opt_shape: Shape                         #: what it was tuned for
    max_shape: Shape                         #: the most


@dataclass(frozen=True)
class StepInfo:
    """One step of an engine, and how it runs."""
    name: str                    #: the model's nodes in it, the first one leading
    op: str
    tactic: str
    variant: str
    shape: str                   #: of its first output
    type: str                    #: of its first input
    multiply_adds: float         #: by the direct algorithm, whatever the tactic does
    element_operations: float    #: of a step without multiply-adds
    bytes: float                 #: of inputs, weights and outputs, each once
    microseconds: float          #: of the last profiled run


@dataclass(frozen=True)
class MeasuredStep(StepInfo):
    """A step as bench() measured it."""
    least_microseconds: float    #: that this machine would take at best; 0 if not profiled


@dataclass(frozen=True)
class EngineStep(StepInfo):
    """A step in an engine file: tactic, variant and shape at the profile's optimum."""
    reference: bool              #: runs by its plain reference implementation
    other: list[str]             #: choices at the minimum and maximum, where they differ


@dataclass(frozen=True)
class Fallback:
    """A layer that did not get the precision asked for."""
    layer: str                   #: the node's name in the ONNX model
    op: str                      #: its operator
    asked: str                   #: "int8"
    chosen: str                  #: "fp32"
    reason: str


@dataclass(frozen=True)
class LayerInfo:
    """What a layer of the ONNX model became."""
    layer: str
    op: str
    asked: str
    chosen: str
    reason: str                  #: why the two differ, or why nothing is left of it; may be empty


@dataclass(frozen=True)
class BuildResult:
    """What build() wrote."""
    precision: str
    target: str
    version: str                     #: of the TensorRT that built it; empty for the CPU
    path: Optional[pathlib.Path]     #: None if it failed
    status: str                      #: "ok"; from build_all(), also "failed"
    bytes: int                       #: of the file
    build_ms: float
    reason: str                      #: why not, if it failed
    steps: int                       #: of engines for the CPU, as what follows
    reference_steps: int             #: that run by their reference implementation
    workspace_bytes: int
    layers: dict[str, int]           #: how many layers of the ONNX model run in each precision
    fallbacks: list[Fallback]        #: the worst first
    warnings: list[str]              #: of calibration and of values that the precision cannot hold


@dataclass(frozen=True)
class Calibration:
    """Ranges of a model's activations: real value = scale * integer."""
    header: str                      #: a cache's first line
    scales: dict[str, float]         #: by the tensor's name in the ONNX model
    means: dict[str, list[float]]    #: of what convolutions and matrix products read, by channel; a cache has none
    samples: int                     #: that it saw; 0 if it comes from a cache
    skipped: int                     #: that could not be read, or held NaN or Inf
    spread: float                    #: how much other samples, as many, would change a scale: its median over tensors, relative
    warnings: list[str]              #: what is odd about the data


@dataclass(frozen=True)
class ExportResult:
    """What export() wrote."""
    path: pathlib.Path
    precision: str
    bytes: int                       #: of the file; tensors in FILE.data beside it are not counted
    opset: int
    layers: list[LayerInfo]          #: in the model's order


@dataclass(frozen=True)
class OutputError:
    """How far an output is from FP32's, over all elements of all samples."""
    name: str
    cosine: float                    #: of the angle between the two
    sqnr_db: float                   #: signal to quantization noise; infinite if they are equal
    max_abs_error: float
    other_shapes: int                #: samples whose output has another size than FP32's, which are not counted above


@dataclass(frozen=True)
class Speed:
    """What an engine costs: medians over the rounds."""
    load_ms: float
    first_inference_ms: float
    latency_batch: int               #: 1, or the nearest that the profile allows
    latency_p50_ms: float
    latency_p99_ms: float
    throughput_batch: int            #: 32, or the nearest that the profile allows
    samples_per_s: float
    speedup: float                   #: of the throughput, over FP32's in the same round
    peak_rss_bytes: int              #: at throughput_batch, the greatest; 0 if unknown
    latency_rounds_ms: list[float]
    samples_per_s_rounds: list[float]


@dataclass(frozen=True)
class ComparedEngine:
    """One precision of a comparison."""
    precision: str
    engine: Optional[pathlib.Path]   #: one of those given, or None if it was built for the comparison
    status: str                      #: "ok" or "failed"
    reason: str                      #: why it failed
    build: Optional[BuildResult]     #: if it was built for the comparison; its file is gone
    bytes: int
    answers: list[int]               #: the class that each sample was given, -1 where none was; empty if the output holds no classes
    top1: Optional[float]            #: percent of the samples whose label is the answer
    top5: Optional[float]            #: ... or among the first five
    agreement: Optional[float]       #: percent of the samples that have FP32's answer
    outputs: list[OutputError]       #: in the model's order
    speed: Optional[Speed]


@dataclass(frozen=True)
class Comparison:
    """What compare() found."""
    engines: list[ComparedEngine]    #: in the order asked for
    output: int                      #: which of the outputs the answers are from
    classes: int                     #: that it tells apart; 0: it holds no classes, or their numbers
    samples: int
    ids: list[str]                   #: of the samples
    labels: list[int]                #: of the samples, or empty
    warnings: list[str]              #: what is odd about data and labels


@dataclass(frozen=True)
class BenchResult:
    """What bench() measured."""
    samples_per_s: float
    latency_p50_ms: float            #: of one run
    latency_p90_ms: float
    latency_p95_ms: float
    latency_p99_ms: float
    load_ms: float
    first_inference_ms: float
    peak_rss_bytes: int              #: of this process
    batch: int
    runs: int
    threads: int
    streams: int
    steps: list[MeasuredStep]        #: with the median time of each, if profiled


@dataclass(frozen=True)
class OperatorUse:
    """An operator that a model uses."""
    name: str
    domain: str                      #: empty: ONNX's own
    count: int
    unsupported: str                 #: why; empty: it is supported


@dataclass(frozen=True)
class ModelInfo:
    """What an ONNX model holds."""
    name: str
    producer: str
    ir_version: int
    opset: int
    inputs: tuple[TensorInfo, ...]   #: as declared; an unknown size is "?"
    outputs: tuple[TensorInfo, ...]
    parameters: int                  #: elements of the weights
    parameter_bytes: int
    nodes: int
    operators: list[OperatorUse]     #: most frequent first
    problem: str                     #: the first thing that stops a build; empty: nothing


@dataclass(frozen=True)
class PrecisionPlan:
    """What every layer of a model got."""
    model: str
    precision: str
    calibrator: str                  #: where its scales come from; empty: it has none
    scales: int                      #: how many
    layers: list[LayerInfo]          #: in the model's order
    json: str                        #: what build(plan=FILE) takes again


@dataclass(frozen=True)
class Symbol:
    """A symbolic size and its range in an engine's profile."""
    name: str
    min: int
    opt: int
    max: int


@dataclass(frozen=True)
class EngineInfo:
    """What an engine file holds."""
    model: str
    precision: str
    isa: str
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    bytes: int                       #: of the file
    weight_bytes: int                #: as packed
    workspace_bytes: int             #: for activations, at the profile's maximum
    slice: int                       #: samples of a batch that one thread takes at a time; 0: all threads share each step
    profile: list[Symbol]
    steps: list[EngineStep]
    reference_steps: int
    plan: PrecisionPlan


@dataclass(frozen=True)
class TensorRtEngineInfo:
    """What a TensorRT engine's file tells, and, where it can be opened, the engine."""
    rtx: bool                        #: made by TensorRT for RTX, and for it alone
    version: str                     #: of the TensorRT that built it; empty: the file does not tell
    bytes: int                       #: of the file
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    profiles: int
    problem: str                     #: why it cannot be opened here; empty: it could


@dataclass(frozen=True)
class TimingGroup:
    """Timings that belong together."""
    name: str                        #: what they were taken on and for
    entries: int


@dataclass(frozen=True)
class TimingCacheInfo:
    """What a timing cache holds."""
    bytes: int
    groups: list[TimingGroup]
    entries: int


@dataclass(frozen=True)
class Machine:
    """A machine, as far as engines depend on it."""
    processor: str
    isa: str                         #: the highest level that it runs: "avx2"
    usable_cores: int                #: that this process may use
    memory_bytes: int                #: of the machine, or of the process's control group if that is less


@dataclass(frozen=True)
class TensorRtModule:
    """A TensorRT module that a Python has."""
    python: str                      #: the interpreter
    module: str                      #: "tensorrt", "tensorrt_rtx"
    version: str                     #: empty if it cannot be imported
    file: str
    problem: str                     #: why it cannot be imported
    target: str                      #: what it builds for: "trt10x"; empty: nothing that Tercet knows


@dataclass(frozen=True)
class TensorRtSearch:
    """What find_tensorrt() found, and where it looked."""
    modules: list[TensorRtModule]
    pythons: list[str]               #: the interpreters that were asked
    problems: list[str]              #: interpreters that could not be asked, and why


@dataclass(frozen=True)
class TensorRtJob:
    """What write_tensorrt_job() wrote."""
    folder: pathlib.Path
    engines: list[BuildResult]       #: what each precision's plan is; paths are those that the engines will have, bytes are 0
    command: str                     #: builds the engines where TensorRT and its GPU are
    trtexec: list[str]               #: for strongly typed targets: trtexec's command lines for the models in the folder


@dataclass(frozen=True, eq=False)
class Samples:
    """Inputs for a model, with what is known about each."""
    values: npt.NDArray[Any]         #: [n, ...]
    ids: list[str]                   #: n: path within the folder, id column, or number of the row from 0
    labels: list[int]                #: n, or empty if the file holds none
    class_names: list[str]           #: of the labels, where classes have names; else empty
