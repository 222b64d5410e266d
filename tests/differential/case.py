# SPDX-License-Identifier: Apache-2.0
"""A case: a small graph, how its data is made, and the batches that one engine runs. Values only, no arrays: whatever happens to
a case (making, shrinking, printing) needs the standard library alone."""
import dataclasses

FLOATS = ("f32", "f64", "f16", "bf16")
INTS = ("i8", "i16", "i32", "i64")
UNSIGNED = ("u8", "u16", "u32", "u64")
NUMBERS = FLOATS + INTS + UNSIGNED
ALL = NUMBERS + ("bool",)


@dataclasses.dataclass(frozen=True)
class Fill:
    """Elements of a tensor: `values` if given, else random ones of a kind (model.py makes them) between low and high."""
    kind: str = "normal"  # normal, grid (multiples of 1/4), ints, special (normal with NaN, inf, -0), extreme (the type's ends)
    low: float = -2
    high: float = 2
    seed: int = 0
    values: tuple = None


@dataclasses.dataclass(frozen=True)
class Tensor:
    name: str
    dtype: str
    shape: tuple
    fill: Fill
    constant: bool = False
    batched: bool = False  # axis 0 is the batch N, an extent that each run has its own number for


@dataclasses.dataclass(frozen=True)
class Node:
    op: str         # of another domain than ONNX's: with it, com.microsoft.Gelu
    inputs: tuple   # names; "" is an input that is left out
    outputs: tuple  # likewise
    dtypes: tuple   # of the outputs
    attributes: dict = dataclasses.field(default_factory=dict)  # int, float, str, tuples of these, or ("tensor", dtype, shape, values)


@dataclasses.dataclass(frozen=True)
class Case:
    opset: int
    tensors: tuple
    nodes: tuple
    outputs: tuple       # names
    batches: tuple = ()  # N of each run; () without a batch

    def dtype_of(self, name):
        for t in self.tensors:
            if t.name == name:
                return t.dtype
        for n in self.nodes:
            if name in n.outputs:
                return n.dtypes[n.outputs.index(name)]
        raise KeyError(name)

    def dtypes(self):
        return {t.dtype for t in self.tensors} | {d for n in self.nodes for d in n.dtypes}

    def operators(self):
        return [n.op for n in self.nodes]

    def text(self):
        """One line, for people."""
        def tensor(t):
            extents = ["N" if t.batched and i == 0 else str(d) for i, d in enumerate(t.shape)]
            values = "" if t.fill.values is None or len(t.fill.values) > 8 else "=" + ",".join(map(str, t.fill.values))
            return f"{'const ' if t.constant else ''}{t.dtype}[{','.join(extents)}] {t.name}{values}"

        def node(n):
            attributes = ", ".join(f"{k}={list(v) if isinstance(v, tuple) else v}" for k, v in n.attributes.items())
            return f"{', '.join(o or '_' for o in n.outputs)} = {n.op}{f'<{attributes}>' if attributes else ''}({', '.join(i or '_' for i in n.inputs)})"

        runs = f", N = {list(self.batches)}" if self.batches else ""
        return f"opset {self.opset}{runs}: ({'; '.join(map(tensor, self.tensors))}) {{ {'; '.join(map(node, self.nodes))} }} => {', '.join(self.outputs)}"


def tidy(case):
    """Without nodes and tensors that no output needs."""
    needed, kept = set(case.outputs), []
    for n in reversed(case.nodes):
        if needed & set(n.outputs):
            kept.append(n)
            needed |= set(n.inputs)
    tensors = tuple(t for t in case.tensors if t.name in needed)
    batches = case.batches if any(t.batched for t in tensors) else ()
    return dataclasses.replace(case, nodes=tuple(reversed(kept)), tensors=tensors, batches=batches)


def problem(case):
    """What is wrong with the graph as a graph, or None."""
    known = set()
    for t in case.tensors:
        if t.name in known:
            return f"{t.name} appears twice"
        if t.fill.values is not None and len(t.fill.values) != count(t.shape):
            return f"{t.name} has {len(t.fill.values)} values for {t.shape}"
        known.add(t.name)
    for n in case.nodes:
        for name in n.inputs:
            if name and name not in known:
                return f"{n.op} reads {name} before it is made"
        for name in n.outputs:
            if name and name in known:
                return f"{name} is made twice"
            known.add(name)
        if len(n.dtypes) != len(n.outputs):
            return f"{n.op} has {len(n.outputs)} outputs and {len(n.dtypes)} types"
    missing = [name for name in case.outputs if name not in known]
    return f"output {missing[0]} is not made" if missing else None if case.outputs else "there is no output"


def count(shape):
    n = 1
    for d in shape:
        n *= d
    return n
