# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
import pathlib
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Optional, Union

import numpy as np
import numpy.typing as npt

from tercet import _tercet
from tercet._engine import Engine
from tercet._error import Error
from tercet._results import Samples

Path = Union[str, os.PathLike[str]]
Data = Union[Path, npt.NDArray[Any]]


@dataclass(frozen=True)
class Preprocess:
    """How pictures become a model's input: color, resize, crop, then y[c] = (x*scale - mean[c]) / deviation[c], then layout.

    Resizing is bilinear with half-pixel centers and without antialiasing. What is left open follows from the input's shape, where there
    is one; the defaults suit most exported classifiers.

    dtype: "float32" or "uint8": pixels as stored, without scale, mean and deviation
    layout: "nchw" or "nhwc"
    color: "rgb", "bgr" or "gray"; None: as in the file
    height: None: as in the file
    width: the same
    fit: "stretch" to height x width, or "crop" that from the middle
    resize_shorter: for "crop": what the shorter side becomes before
    scale: None: 1/255 for 8-bit pixels, 1 for others
    mean: in units after `scale`; one for all channels, or one per channel
    deviation: then divides them
    row_shape: CSV: a row is a picture [H, W] or [H, W, C]; None: a vector, taken as it is
    """

    dtype: Optional[str] = None
    layout: Optional[str] = None
    color: Optional[str] = None
    height: Optional[int] = None
    width: Optional[int] = None
    fit: Optional[str] = None
    resize_shorter: Optional[int] = None
    scale: Optional[float] = None
    mean: Optional[Sequence[float]] = None
    deviation: Optional[Sequence[float]] = None
    row_shape: Optional[Sequence[int]] = None


def fields_of(preprocess: Optional[Preprocess]) -> dict[str, Any]:
    if preprocess is None:
        return {}
    if not isinstance(preprocess, Preprocess):
        raise TypeError(f"preprocess is a tercet.Preprocess, not {type(preprocess).__name__}")
    return dict(vars(preprocess))


def load_samples(path: Path, preprocess: Optional[Preprocess] = None, *, max_samples: int = 0) -> Samples:
    """Reads samples: a folder of JPEG and PNG files (subfolders are classes), one of them, or an NPY, NPZ, CSV or IDX file; gzip included.

    `max_samples` takes that many, spread evenly. Pictures have to come out at one size: set height and width where files differ.
    Raises tercet.Error if the file is missing, damaged or does not fit `preprocess`.
    """
    return _tercet.load_samples(path, fields_of(preprocess), max_samples)


def load_labels(path: Path, ids: Sequence[str], class_names: Sequence[str] = ()) -> tuple[list[int], list[str]]:
    """The labels of samples with these ids, and the classes' names where the file has any: from CSV, IDX or NPY.

    Labels that are names become their place among `class_names`, or else among the file's own names, sorted.
    """
    return _tercet.load_labels(path, list(ids), list(class_names))


def load_input(path: Path, engine: Engine, name: Optional[str] = None, preprocess: Optional[Preprocess] = None) -> npt.NDArray[Any]:
    """Reads one input from an NPY, TensorProto (.pb), PNG or JPEG file, a folder of pictures or whatever load_samples() reads.

    `name` is the input's; it may be left out if the engine has one only. Pictures get its size, layout and channels, as far as its
    shape tells them, with pixels from 0 to 1; a batch axis of 1 is added where it is missing.
    """
    names = [i.name for i in engine.inputs]
    if name is None and len(names) == 1:
        name = names[0]
    if name not in names:
        raise Error(f"there is no input '{name}'" if name else "the input is not named", fix=f"the engine has {', '.join(names) or 'none'}")
    return _tercet.load_input(path, engine._native, names.index(name), fields_of(preprocess))


class ArrayFiles:
    """Files for arrays where Tercet reads files, for as long as the `with` lasts."""

    def __init__(self) -> None:
        self._folder: Optional[tempfile.TemporaryDirectory[str]] = None
        self._written = 0

    def __enter__(self) -> ArrayFiles:
        return self

    def __exit__(self, kind: Optional[type[BaseException]], value: Optional[BaseException], trace: Optional[TracebackType]) -> None:
        if self._folder is not None:
            self._folder.cleanup()

    def _new(self, ending: str) -> pathlib.Path:
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="tercet-")
        self._written += 1
        return pathlib.Path(self._folder.name, f"{self._written}{ending}")

    def of(self, data: Data) -> Path:
        """The path itself, or that of an NPY file with the array."""
        if isinstance(data, (str, os.PathLike)):
            return data
        file = self._new(".npy")
        np.save(file, np.asarray(data))
        return file

    def of_all(self, data: Union[Data, Mapping[str, npt.NDArray[Any]]]) -> Path:
        """The same, or of an NPZ file with an array per input."""
        if not isinstance(data, Mapping):
            return self.of(data)
        file = self._new(".npz")
        arrays: dict[str, Any] = {name: np.asarray(array) for name, array in data.items()}
        np.savez(file, **arrays)
        return file
