# SPDX-License-Identifier: Apache-2.0
"""A model of another framework, as the worker sees it. Standard library only."""
import dataclasses

from refused import Refused


@dataclasses.dataclass
class Value:
    """An input or output of the original. `shape` holds numbers, and None where the original leaves a size open."""
    name: str
    dtype: str = "float32"
    shape: tuple = ()
    steps: int = 0  # by which whole numbers may differ from the original's, whose own arithmetic rounds


@dataclasses.dataclass
class Source:
    """`to_onnx(request)` gives a ModelProto whose inputs and outputs stand in the order of those here; `run(arrays)` takes and gives
    lists in that order."""
    inputs: list
    outputs: list
    to_onnx: object
    run: object
    converter: str
    fixed_batch: bool = False  # the original runs one batch only, whose size stands in the shapes
    keeps_batch: bool = False  # and so does the converted model, whatever its declaration says
    notes: list = dataclasses.field(default_factory=list)

    def batch(self, static):
        if static or self.keeps_batch or not any(i.shape for i in self.inputs):
            return "fixed"
        return "forced" if self.fixed_batch else "dynamic"


def unique(names):
    """The same names; one that was there before gets a number."""
    seen, result = set(), []
    for name in names:
        fresh, n = name, 1
        while fresh in seen:
            n += 1
            fresh = f"{name}_{n}"
        seen.add(fresh)
        result.append(fresh)
    return result


def given(table, inputs, what):
    """The user's values for inputs: {name: value} of those named. An empty name is the only input's."""
    names = [i.name for i in inputs]
    if list(table) == [""] and len(names) == 1:
        return {names[0]: table[""]}
    for name in table:
        if name not in names:
            raise Refused(f"there is no input '{name}'" if name else f"{what} does not say which input it is for", "its inputs are: " + ", ".join(names))
    return table


def with_shapes(inputs, shapes):
    """The inputs with the sizes that the user gave, wherever the original leaves them open; the batch stays open."""
    result = []
    table = given(shapes, inputs, "--input-shape")
    for i in inputs:
        wanted = table.get(i.name)
        if wanted is None:
            result.append(i)
            continue
        if len(wanted) != len(i.shape):
            raise Refused(f"--input-shape gives input '{i.name}' {len(wanted)} sizes, it has {len(i.shape)}", "give all of them, the batch first")
        for axis, (size, own) in enumerate(zip(wanted, i.shape)):
            if own is not None and own != size and axis > 0:
                raise Refused(f"--input-shape gives input '{i.name}' {size} at axis {axis}, the model has {own} there", "sizes that the model fixes cannot be changed")
        result.append(dataclasses.replace(i, shape=(i.shape[0], *wanted[1:]) if wanted else ()))
    return result


def declared(inputs, static):
    """Shapes to declare in the ONNX file: the batch is N, or 1 if it is to be static; other open sizes are named after input and axis."""
    result = []
    for i in inputs:
        shape = [f"{i.name}_{axis}" if size is None else size for axis, size in enumerate(i.shape)]
        if shape:
            shape[0] = (1 if i.shape[0] is None else i.shape[0]) if static else "N"
        result.append(shape)
    return result


def sample_shape(value, batch, open_size=32):
    """A shape to try the model with."""
    shape = [open_size if size is None else size for size in value.shape]
    if shape:
        shape[0] = batch
    return shape
