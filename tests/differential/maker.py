# SPDX-License-Identifier: Apache-2.0
"""Makes the random graph of a case, node by node. The table's functions get a Maker `m`: they ask it for operands, draw attributes
that fit them (`m.r` is the random generator) and add nodes. Shapes that cannot be told beforehand are None; such values are read by
no further node."""
import dataclasses

from case import ALL, FLOATS, Case, Fill, Node, Tensor, count, tidy

EXTENTS = (1, 1, 2, 2, 3, 3, 4, 5, 6, 7, 8, 9, 11, 13, 15, 16, 17, 19, 23, 31, 32, 33, 37, 65)
ELEMENTS = 6000  # of one tensor, at most


@dataclasses.dataclass(frozen=True)
class Value:
    name: str
    dtype: str
    shape: tuple  # None: unknown

    @property
    def rank(self):
        return len(self.shape)


class Unfit(Exception):
    """The operator does not go with what was drawn; the maker tries another."""


class Maker:
    def __init__(self, random, opset, dtypes):
        self.r = random
        self.opset = opset
        self.main = dtypes  # element types to prefer, so that nodes fit each other
        self.tensors, self.nodes, self.values, self.constants = [], [], [], set()
        self.batch = random.choice((1, 2, 3, 5, 8)) if random.random() < 0.35 else None
        self.serial = 0

    # ---- drawing
    def chance(self, p):
        return self.r.random() < p

    def pick(self, *choices):
        return self.r.choice(choices)

    def extent(self, most=65):
        if self.chance(0.012):
            return 0
        return self.r.choice([d for d in EXTENTS if d <= most])

    def shape(self, rank, most=ELEMENTS):
        shape = [self.extent() for _ in range(rank)]
        while count(shape) > most:
            largest = max(range(rank), key=lambda i: shape[i])
            shape[largest] = max(1, shape[largest] // 2)
        return tuple(shape)

    def rank(self, low=0, high=5):
        return self.r.choice([k for k in (0, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 4, 5) if low <= k <= high] or [low])

    def axis(self, rank, extra=0):
        """Any axis of a tensor of this rank, sometimes counted from behind."""
        a = self.r.randrange(rank + extra)
        return a - rank - extra if self.chance(0.35) else a

    def axes(self, rank, least=0):
        chosen = self.r.sample(range(rank), self.r.randint(min(least, rank), rank))
        return [a - rank if self.chance(0.3) else a for a in chosen]

    def dtype(self, allowed=ALL):
        preferred = [d for d in self.main if d in allowed]
        return self.r.choice(preferred) if preferred and not self.chance(0.05) else self.r.choice([d for d in allowed if d not in ("f16", "bf16")] or allowed)

    def fill(self, dtype, kind=None, low=None, high=None):
        if kind is None:
            draw = self.r.random()
            kind = "special" if draw < 0.03 and dtype in FLOATS else "extreme" if draw < 0.03 else "grid" if draw < 0.25 else "normal"
        if dtype not in FLOATS and kind in ("normal", "grid"):
            kind = "ints"
        if low is None:
            low, high = (0, 9) if dtype.startswith("u") else (-9, 9) if dtype.startswith("i") else (0, 1) if dtype == "bool" else (-2, 2)
        return Fill(kind, low, high, self.r.randrange(1 << 30))

    # ---- operands
    def name(self, prefix):
        self.serial += 1
        return f"{prefix}{self.serial}"

    def tensor(self, dtype, shape, fill, constant, batched=False):
        t = Tensor(self.name("c" if constant else "x"), dtype, tuple(shape), fill, constant, batched)
        self.tensors.append(t)
        value = Value(t.name, dtype, t.shape)
        self.values.append(value)
        if constant:
            self.constants.add(t.name)
        return value

    def fresh(self, dtype, shape, kind=None, low=None, high=None):
        """A new input of the graph."""
        batched = self.batch is not None and len(shape) > 0 and shape[0] == self.batch and self.chance(0.9)
        return self.tensor(dtype, shape, self.fill(dtype, kind, low, high), False, batched)

    def constant(self, dtype, shape, kind=None, low=None, high=None):
        return self.tensor(dtype, shape, self.fill(dtype, kind, low, high), True)

    def literal(self, values, dtype="i64", shape=None):
        """A constant with these elements, as axes, shapes and the like are."""
        values = tuple(values)
        return self.tensor(dtype, (len(values),) if shape is None else shape, Fill(values=values), True)

    def value(self, dtypes=ALL, low=0, high=5, where=None, most=ELEMENTS, kind=None, span=None):
        """What the next node works on: mostly something that is there already, else a new input. where(shape) has to hold for it;
        with `kind` or `span` the elements matter, and it is always new."""
        if kind is None and span is None and not self.chance(0.12):
            fit = [v for v in self.values if v.dtype in dtypes and v.shape is not None and low <= v.rank <= high and count(v.shape) <= most
                   and v.name not in self.constants and (where is None or where(v.shape))]
            if fit:
                return self.r.choice(fit[-3:])
        for _ in range(20):
            shape = self.shape(self.rank(low, high), most)
            if self.batch is not None and shape and self.chance(0.9):
                shape = (self.batch,) + shape[1:]
            if where is None or where(shape):
                dtype = self.dtype(dtypes)
                if dtype not in dtypes:
                    raise Unfit
                return self.fresh(dtype, shape, kind, *(span or (None, None)))
        raise Unfit

    def operand(self, dtype, shape, kind=None, low=None, high=None, constant=0.55):
        """A further operand of exactly this type: a constant, another value of the graph, or a new input."""
        if self.chance(constant):
            return self.constant(dtype, shape, kind, low, high)
        same = [v for v in self.values if v.dtype == dtype and v.shape == tuple(shape)]
        if same and kind is None and low is None and self.chance(0.6):
            return self.r.choice(same)
        return self.fresh(dtype, shape, kind, low, high)

    def broadcastable(self, shape, exact=0.35):
        """A shape that broadcasts with this one, in either direction where that leaves the result small."""
        if self.chance(exact):
            return tuple(shape)
        other = [1 if self.chance(0.4) else d for d in shape][self.r.randint(0, len(shape)):] if self.chance(0.5) else [1 if self.chance(0.4) else d for d in shape]
        other = [self.extent(9) if d == 1 and s == 1 and self.chance(0.4) else d for d, s in zip(other, shape[len(shape) - len(other):])]
        if self.chance(0.1) and len(other) == len(shape) < 5:
            other.insert(0, self.pick(1, 2, 3))
        return tuple(other)

    # ---- nodes
    def node(self, op, inputs, outputs, **attributes):
        """Adds a node; outputs are (dtype, shape) or None for one that is left out. Attributes that are None are left out."""
        def clean(v):
            return tuple(v) if isinstance(v, list) else int(v) if isinstance(v, bool) else v
        names = tuple("" if i is None else i.name for i in inputs)
        while names and not names[-1]:
            names = names[:-1]
        values = [None if o is None else Value(self.name("y"), *o) for o in outputs]
        self.nodes.append(Node(op, names, tuple(v.name if v else "" for v in values), tuple(o[0] if o else "" for o in outputs),
                               {k: clean(v) for k, v in attributes.items() if v is not None}))
        for v in values:
            if v:
                self.values.append(v)
        return values[0] if len(values) == 1 else values

    def case(self):
        read = {i for n in self.nodes for i in n.inputs}
        outputs = [o for n in self.nodes for o in n.outputs if o and (o not in read or self.chance(0.12))]
        batches = ()
        if self.batch is not None and any(t.batched for t in self.tensors):
            batches = tuple(dict.fromkeys((self.batch, *self.r.sample((1, 2, 3, 4, 7, 9), 2))))
        tensors = self.tensors if batches else [dataclasses.replace(t, batched=False) for t in self.tensors]
        return tidy(Case(self.opset, tuple(tensors), tuple(self.nodes), tuple(outputs), batches))


def broadcast(a, b):
    """Shape of both together; Unfit if they do not go together."""
    n = max(len(a), len(b))
    a, b = (1,) * (n - len(a)) + tuple(a), (1,) * (n - len(b)) + tuple(b)
    if any(x != y and 1 not in (x, y) for x, y in zip(a, b)):
        raise Unfit
    shape = tuple(y if x == 1 else x for x, y in zip(a, b))
    if count(shape) > 4 * ELEMENTS or len(shape) > 6:
        raise Unfit
    return shape
