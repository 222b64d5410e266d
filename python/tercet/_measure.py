# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Optional, Union

import numpy as np
import numpy.typing as npt

from tercet import _command, _tercet
from tercet._data import ArrayFiles, Data, Path
from tercet._options import BuildOptions, Progress, native
from tercet._results import BenchResult, Comparison

if TYPE_CHECKING:
    from typing_extensions import Unpack


def compare(model: Optional[Path] = None, *, data: Union[Data, Mapping[str, Data]], labels: Optional[Union[Data, Sequence[int]]] = None,
            engines: Optional[Sequence[Path]] = None, precisions: Optional[Sequence[str]] = None, samples: Optional[int] = None,
            output: Optional[str] = None, seconds: Optional[float] = None, rounds: Optional[int] = None, separate_processes: bool = True,
            max_isa: Optional[str] = None, progress: Optional[Progress] = None, **options: Unpack[BuildOptions]) -> Comparison:
    """What each precision gives and what it costs, on real samples.

    Give either `engines`, built already, one of them in fp32, or `model`, which is built in `precisions` (fp32, fp16, int8) with `options` as of
    build(). `preprocess` among them goes for `data`, too.

    data: an array [n, ...] or a path, see load_samples(); a dict of them by the inputs' names if there are several. Arrays are written to
        temporary files.
    labels: the samples' classes, n integers or a path, see load_labels(); those that the data have unless given.
    samples: at most, spread evenly; all unless given.
    output: the one whose values and classes count; the first unless given.
    seconds: to measure each engine at each batch (3), in `rounds` (5) in which the engines take turns; 0: no speeds.
    separate_processes: False measures in this process, where peak memory is unknown.

    The answer is the greatest element of an output that has one row of scores per sample, or its one integer. A precision that cannot be
    built, fails, or gives NaN is "failed" and stops no other. Raises tercet.Error if fp32 is that one, or if data or labels do not fit.
    """
    if (model is None) == (engines is None):
        raise TypeError("compare() takes a model or engines")
    with ArrayFiles() as files:
        inputs = data if isinstance(data, Mapping) else {"": data}
        if labels is not None and not isinstance(labels, str) and isinstance(labels, Sequence):
            labels = np.asarray(labels, np.int64)
        program = _command.program() if separate_processes else None
        settings: dict[str, Any] = {
            "data": {name: files.of(samples_of) for name, samples_of in inputs.items()}, "labels": None if labels is None else files.of(labels),
            "engines": None if engines is None else list(engines), "precisions": None if precisions is None else list(precisions), "samples": samples,
            "output": output, "seconds": seconds, "rounds": rounds, "max_isa": max_isa, "program": program}
        return _tercet.compare(model or "", settings, native(options, files), progress)


def bench(engine: Path, *, batch: Optional[int] = None, seconds: Optional[float] = None, threads: Optional[int] = None, streams: Optional[int] = None,
          profile: bool = False, max_isa: Optional[str] = None, progress: Optional[Progress] = None) -> BenchResult:
    """Opens the engine file, which is timed, and runs it on random inputs.

    batch: of every input with a dynamic first dimension; the profile's optimum unless given.
    seconds: to measure, after a warm-up (3).
    threads: per stream (all). streams: contexts that run at the same time (1).
    profile: times the steps, too, and measures what this machine can do at best.
    """
    options = {"batch": batch, "seconds": seconds, "threads": threads, "streams": streams, "profile": profile, "max_isa": max_isa}
    return _tercet.bench(engine, options, progress)
