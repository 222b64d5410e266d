# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Optional, Union

import numpy as np
import numpy.typing as npt

from tercet import _tercet
from tercet._error import Error
from tercet._results import Shape, StepInfo, TensorInfo

Array = npt.NDArray[Any]
Arrays = Union[Array, Sequence[Array], Mapping[str, Array]]


class Engine:
    """An engine file, opened. It is immutable: any number of threads and contexts may use it.

    The file is mapped, so that processes share its weights: replacing it by rename is safe, truncating it in place is not.
    `copy=True` reads it whole. `max_isa` caps the instructions that are used ("avx2"; `tercet.isa_levels()` lists them).

    Raises tercet.Error if the file is missing, damaged, of another version of the format, or needs a better processor.
    """

    __slots__ = ("_native", "_inputs", "_outputs")

    def __init__(self, file: Union[str, os.PathLike[str]], *, copy: bool = False, max_isa: str = "") -> None:
        self._take(_tercet.Engine.open(file, copy, max_isa))

    @classmethod
    def from_memory(cls, file: Any, *, copy: bool = True, max_isa: str = "") -> Engine:
        """An engine from a file's bytes: any object with a contiguous buffer (bytes, mmap, an array of uint8).

        With `copy=False` they are used in place and kept for as long as the engine or a context of it lives; they have to start at
        a multiple of 64, and stay as they are.
        """
        engine = cls.__new__(cls)
        engine._take(_tercet.Engine.from_memory(file, copy, max_isa))
        return engine

    def _take(self, native: _tercet.Engine) -> None:
        self._native = native
        self._inputs: tuple[TensorInfo, ...] = native.inputs
        self._outputs: tuple[TensorInfo, ...] = native.outputs

    @property
    def inputs(self) -> tuple[TensorInfo, ...]:
        """What a run takes, in the engine's order."""
        return self._inputs

    @property
    def outputs(self) -> tuple[TensorInfo, ...]:
        """What a run gives, in the engine's order."""
        return self._outputs

    @property
    def model(self) -> str:
        """The model's name."""
        return self._native.model

    @property
    def precision(self) -> str:
        """"fp32", "fp16", "bf16" or "int8"."""
        return self._native.precision

    @property
    def isa(self) -> str:
        """The instruction set that it was built for: "avx2"."""
        return self._native.isa

    @property
    def bytes(self) -> int:
        """The size of the file."""
        return self._native.bytes

    def __repr__(self) -> str:
        def text(infos: tuple[TensorInfo, ...]) -> str:
            return ", ".join(f"{i.name} {i.type}[{', '.join(map(str, i.shape))}]" for i in infos)
        return f"<tercet.Engine '{self.model}' in {self.precision}: {text(self.inputs)} -> {text(self.outputs)}>"


class Context:
    """Buffers and threads to run an engine with.

    `threads`: how many it runs on, the caller's included; 0: as many as the process may use processors. The first run at a shape
    prepares kernels and memory for it; later ones are as fast as they can be.

    While it runs, other Python threads do. Calls of one context from several threads wait for each other; to run in parallel, give each
    thread a context of its own (of the same engine). Its threads do not survive os.fork(): create it in the process that runs it.
    """

    __slots__ = ("_native", "_engine")

    def __init__(self, engine: Engine, threads: int = 0) -> None:
        if not isinstance(engine, Engine):
            raise TypeError(f"Context() takes a tercet.Engine, not {type(engine).__name__}")
        self._native = _tercet.Context(engine._native, threads)
        self._engine = engine

    @property
    def engine(self) -> Engine:
        """What it runs."""
        return self._engine

    @property
    def threads(self) -> int:
        """How many it runs on."""
        return self._native.threads

    def run(self, inputs: Arrays, out: Optional[Arrays] = None) -> dict[str, Array]:
        """Runs on arrays and gives arrays, by the outputs' names.

        `inputs`: a dict by name, a sequence in the engine's order, or, for a single input, the array itself. They are read where they are:
        each has to have the input's dtype and be C-contiguous; nothing is converted or copied silently. An object that is no array
        is taken by numpy.asarray(), which shares the memory of whatever can share it (a CPU tensor of PyTorch). They must not
        change until the run is over. bf16 is ml_dtypes.bfloat16, or uint16 with the same bits.

        `out`: arrays for outputs, in the same forms; an output that has one is written there, and it is given back. Others are
        written into new arrays. A dict may name some outputs only; in a sequence, None stands for a new array. Only where a
        shape depends on the data (a "?" in the output's shape) are results copied once, as nobody knows before how large they get.

        Raises tercet.Error, naming the array, if a dtype, shape or layout does not fit or lies outside the engine's profile.
        """
        given = self._in_order(inputs)
        outputs = self._engine.outputs
        into = [None] * len(outputs) if out is None else _in_order("output", outputs, out, all_of_them=False)
        return dict(zip((o.name for o in outputs), self._native.run(given, into)))

    def output_shapes(self, inputs: Arrays) -> dict[str, Shape]:
        """The outputs' shapes for these inputs, whose data is not read; -1 for an extent that depends on the data."""
        return dict(zip((o.name for o in self._engine.outputs), self._native.output_shapes(self._in_order(inputs))))

    def profile(self, inputs: Arrays) -> list[StepInfo]:
        """Runs once and tells what each step took. The first run at a shape should have been before."""
        return self._native.profile(self._in_order(inputs))

    def _in_order(self, inputs: Arrays) -> list[Array]:
        return [a for a in _in_order("input", self._engine.inputs, inputs, all_of_them=True) if a is not None]


def _in_order(kind: str, infos: tuple[TensorInfo, ...], given: Any, *, all_of_them: bool) -> list[Optional[Array]]:
    """One array per info; None where none is given, if not all have to be."""
    names = [i.name for i in infos]
    ordered: Iterable[Any]
    if isinstance(given, Mapping):
        unknown = [name for name in given if name not in names]
        if unknown:
            raise Error(f"there is no {kind} '{unknown[0]}'", fix=f"the engine has {', '.join(names) or 'none'}")
        ordered = [given.get(name) for name in names]
    else:
        if not isinstance(given, (list, tuple)):
            given = [given]
        if len(given) != len(names):
            raise Error(f"{len(given)} {kind}s given, the engine has {len(names)}", fix=f"give {', '.join(names) or 'an empty list'}")
        ordered = given
    arrays: list[Optional[Array]] = []
    for name, array in zip(names, ordered):
        if array is None and all_of_them:
            raise Error(f"{kind} '{name}' is missing", fix=f"the engine takes {', '.join(names)}")
        if array is not None and not isinstance(array, np.ndarray):
            if not all_of_them:
                raise TypeError(f"{kind} '{name}' is of type {type(array).__name__}; give a NumPy array")
            array = np.asarray(array)
        arrays.append(array)
    return arrays
