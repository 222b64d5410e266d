# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Union

from tercet import _tercet
from tercet._data import Path
from tercet._results import Calibration, EngineInfo, Machine, ModelInfo, PrecisionPlan, TensorRtEngineInfo, TimingCacheInfo


def inspect(file: Path) -> Union[ModelInfo, EngineInfo, TensorRtEngineInfo, PrecisionPlan, TimingCacheInfo, Calibration]:
    """What a file holds: an ONNX model, an engine, a TensorRT engine, a precision plan, a timing cache or a calibration cache; the type of the result tells.

    A model need not be one that can be built, nor an engine one that this processor runs. Raises tercet.Error if the file is missing or damaged.
    """
    return _tercet.inspect(file)


def this_machine() -> Machine:
    """The machine that this runs on."""
    return _tercet.this_machine()


def isa_levels() -> list[str]:
    """Names of the instruction sets, lowest first; each includes those before it."""
    return _tercet.isa_levels()
