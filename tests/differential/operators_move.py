# SPDX-License-Identifier: Apache-2.0
"""Operators that move elements and compute none, and arithmetic on shapes."""
from case import ALL, FLOATS, NUMBERS
from maker import ELEMENTS, Unfit, count
from operators_pointwise import CODES
from registry import entry


def factors(m, n, rank):
    """`rank` extents whose product is n."""
    shape = [1] * rank
    for p in (2, 3, 5, 7, 11, 13, 17, 19, 23, 31, 37):
        while n and n % p == 0:
            shape[m.r.randrange(rank)] *= p
            n //= p
    shape[m.r.randrange(rank)] *= n
    return shape


@entry("Reshape", 5, weight=3)
def reshape(m):
    x = m.value(ALL)
    if m.opset >= 14 and m.chance(0.1) and count(x.shape) == 0:
        raise Unfit
    total, rank = count(x.shape), m.pick(0, 1, 2, 2, 3, 4, 5)
    if rank == 0 and total != 1:
        rank = 1
    keep = m.r.randint(0, min(rank, x.rank)) if m.chance(0.5) and total and rank else 0  # leading axes as they are, by 0
    rest = total
    for d in x.shape[:keep]:
        rest //= d
    tail = factors(m, rest, rank - keep) if rank > keep else []
    if rank == keep and rest != 1:
        raise Unfit
    shape = tuple(x.shape[:keep]) + tuple(tail)
    target = [0] * keep + list(tail)
    if tail and total and m.chance(0.6):
        target[keep + m.r.randrange(len(tail))] = -1
    m.node("Reshape", [x, m.literal(target)], [(x.dtype, shape)], allowzero=m.pick(None, 0) if m.opset >= 14 and total else (1 if m.opset >= 14 else None))


@entry("Flatten", 1)
def flatten(m):
    x = m.value(FLOATS if m.opset < 9 else ALL)
    axis = m.r.randint(0, x.rank)
    if m.opset >= 11 and m.chance(0.3) and x.rank:
        axis -= x.rank
    at = axis if axis >= 0 else axis + x.rank
    m.node("Flatten", [x], [(x.dtype, (count(x.shape[:at]), count(x.shape[at:])))], axis=axis)


@entry("Transpose", 1, weight=3)
def transpose(m):
    x = m.value(ALL, 1)
    perm = m.r.sample(range(x.rank), x.rank)
    if m.chance(0.15):
        m.node("Transpose", [x], [(x.dtype, x.shape[::-1])])
    else:
        m.node("Transpose", [x], [(x.dtype, tuple(x.shape[p] for p in perm))], perm=perm)


@entry("Squeeze", 1)
def squeeze(m):
    x = m.value(ALL, 1, where=lambda s: 1 in s)
    ones = [i for i, d in enumerate(x.shape) if d == 1]
    chosen = m.r.sample(ones, m.r.randint(1, len(ones)))
    every = m.chance(0.25)
    gone = ones if every else chosen
    axes = None if every else [a - x.rank if m.opset >= 11 and m.chance(0.3) else a for a in chosen]
    shape = tuple(d for i, d in enumerate(x.shape) if i not in gone)
    if m.opset < 13:
        m.node("Squeeze", [x], [(x.dtype, shape)], axes=axes)
    else:
        m.node("Squeeze", [x, None if axes is None else m.literal(axes)], [(x.dtype, shape)])


@entry("Unsqueeze", 1)
def unsqueeze(m):
    x = m.value(ALL, 0, 4)
    rank = x.rank + m.pick(1, 1, 2) if x.rank < 4 else 5
    axes = m.r.sample(range(rank), rank - x.rank)
    rest = iter(x.shape)
    shape = tuple(1 if i in axes else next(rest) for i in range(rank))
    axes = [a - rank if m.opset >= 11 and m.chance(0.3) else a for a in axes]
    if m.opset < 13:
        m.node("Unsqueeze", [x], [(x.dtype, shape)], axes=axes)
    else:
        m.node("Unsqueeze", [x, m.literal(axes)], [(x.dtype, shape)])


@entry("Concat", 4, weight=2)
def concat(m):
    x = m.value(ALL, 1)
    axis = m.axis(x.rank) if m.opset >= 11 else m.r.randrange(x.rank)
    parts = [x]
    for _ in range(m.pick(0, 1, 1, 2, 3)):
        shape = tuple(m.extent(9) if i == axis % x.rank and m.chance(0.6) else d for i, d in enumerate(x.shape))
        parts.append(m.operand(x.dtype, shape, constant=0.3))
    m.r.shuffle(parts)
    total = sum(p.shape[axis] for p in parts)
    m.node("Concat", parts, [(x.dtype, tuple(total if i == axis % x.rank else d for i, d in enumerate(x.shape)))], axis=axis)


@entry("Split", 2, weight=2)
def split(m):
    x = m.value(ALL, 1)
    axis = m.axis(x.rank) if m.opset >= 11 else m.r.randrange(x.rank)
    d = x.shape[axis]
    parts = m.pick(1, 2, 2, 3, 4)

    def of(n):
        return (x.dtype, tuple(n if i == axis % x.rank else e for i, e in enumerate(x.shape)))

    named = {"axis": axis if axis or m.chance(0.5) else None}
    if m.chance(0.35) and (d % parts == 0 or m.opset >= 18):
        each = -(-d // parts)
        sizes = [each] * (parts - 1) + [d - each * (parts - 1)]
        if min(sizes) < 0:
            raise Unfit
        if m.opset >= 18:
            named["num_outputs"] = parts
        m.node("Split", [x], [of(n) for n in sizes], **named)
        return
    cuts = sorted(m.r.randint(0, d) for _ in range(parts - 1))
    sizes = [b - a for a, b in zip([0, *cuts], [*cuts, d])]
    if m.opset < 13:
        m.node("Split", [x], [of(n) for n in sizes], split=sizes, **named)
    else:
        m.node("Split", [x, m.literal(sizes)], [of(n) for n in sizes], **named)


@entry("Slice", 1, weight=3)
def slice_(m):
    x = m.value(ALL, 1)
    axes = m.r.sample(range(x.rank), m.r.randint(1, x.rank))
    starts, ends, steps, shape = [], [], [], list(x.shape)
    for a in axes:
        d = x.shape[a]
        step = m.pick(1, 1, 1, 2, 3, -1, -2) if m.opset >= 10 else 1
        start, end = m.r.randint(-d - 1, d + 1), m.pick(m.r.randint(-d - 1, d + 1), 2 ** 31 - 1, 2 ** 63 - 1 if m.opset >= 10 else 10 ** 6)
        if step < 0 and m.chance(0.6):
            start, end = m.pick(-1, d, 2 ** 31 - 1), m.pick(-d - 1, -(2 ** 31), 0)
        starts.append(start)
        ends.append(end)
        steps.append(step)
        shape[a] = len(range(*slice(start, end, step).indices(d)))
        if end < -d and step < 0:
            shape[a] = len(range(*slice(start, None, step).indices(d)))
    if 0 in shape and 0 not in x.shape and m.chance(0.7):
        raise Unfit
    names = [a - x.rank if m.opset >= 10 and m.chance(0.3) else a for a in axes]
    if m.opset < 10:
        m.node("Slice", [x], [(x.dtype, tuple(shape))], axes=names, starts=starts, ends=ends)
        return
    index = m.pick("i64", "i64", "i32")
    if index == "i32":
        starts, ends = ([max(min(v, 2 ** 31 - 1), -2 ** 31) for v in list_] for list_ in (starts, ends))
    inputs = [m.literal(starts, index), m.literal(ends, index), m.literal(names, index), m.literal(steps, index) if any(s != 1 for s in steps) or m.chance(0.5) else None]
    m.node("Slice", [x, *inputs], [(x.dtype, tuple(shape))])


@entry("Pad", 2, weight=2)
def pad(m):
    x = m.value(FLOATS if m.opset < 13 else ALL, 1)
    mode = m.pick(None, "constant", "edge", "reflect", *(["wrap"] if m.opset >= 19 else []))
    if mode in ("edge", "reflect", "wrap") and count(x.shape) == 0:
        raise Unfit
    axes = m.axes(x.rank, 1) if m.opset >= 18 and m.chance(0.4) else None
    of = axes if axes is not None else range(x.rank)
    pads = [[0, 0] for _ in of]
    for p, a in zip(pads, of):
        d = x.shape[a]
        most = 3 if mode in (None, "constant", "edge") else max(d - 1, 0)
        if m.chance(0.6):
            p[:] = [m.r.randint(-1 if m.chance(0.15) and mode in (None, "constant") and d > 2 else 0, min(3, most)) for _ in p]
    shape = list(x.shape)
    for p, a in zip(pads, of):
        shape[a] += sum(p)
    if min(shape) < 0:
        raise Unfit
    flat = [p[0] for p in pads] + [p[1] for p in pads]
    if m.opset < 11:
        m.node("Pad", [x], [(x.dtype, tuple(shape))], mode=mode, pads=flat, value=m.pick(None, 1.5))
    else:
        value = m.literal([m.pick(1, 0, 3)], x.dtype, ()) if m.chance(0.4) and x.dtype != "bool" and mode in (None, "constant") else None
        m.node("Pad", [x, m.literal(flat), value, None if axes is None else m.literal(axes)], [(x.dtype, tuple(shape))], mode=mode)


@entry("Expand", 8, weight=1.5)
def expand(m):
    x = m.value(ALL, most=1000)
    target = list(m.broadcastable(x.shape))
    shape = tuple(max(a, b) if 0 not in (a, b) else 0 for a, b in zip((1,) * (max(x.rank, len(target)) - x.rank) + x.shape, [1] * (max(x.rank, len(target)) - len(target)) + target))
    if count(shape) > ELEMENTS:
        raise Unfit
    m.node("Expand", [x, m.literal(target)], [(x.dtype, shape)])


@entry("Tile", 6)
def tile(m):
    x = m.value(ALL, 1, most=1000)
    repeats = [m.pick(1, 1, 2, 3, 0 if m.chance(0.1) else 1) for _ in x.shape]
    m.node("Tile", [x, m.literal(repeats)], [(x.dtype, tuple(d * r for d, r in zip(x.shape, repeats)))])


@entry("Trilu", 14)
def trilu(m):
    x = m.value(ALL, 2)
    k = m.literal([m.r.randint(-4, 4)], "i64", ()) if m.chance(0.7) else None
    m.node("Trilu", [x, k], [(x.dtype, x.shape)], upper=m.pick(None, 0, 1))


@entry("EyeLike", 9, weight=0.6)
def eye_like(m):
    x = m.value(NUMBERS, 2, 2)
    to = m.pick(None, "f32", "f64", "i32", "i64")
    m.node("EyeLike", [x], [(to or x.dtype, x.shape)], dtype=CODES[to] if to else None, k=m.pick(None, 0, 1, -2, 100))


@entry("ConstantOfShape", 9, weight=0.8)
def constant_of_shape(m):
    shape = m.shape(m.rank(0, 4), 1000)
    dtype = m.dtype(NUMBERS + ("bool",))
    default = m.chance(0.3)
    m.node("ConstantOfShape", [m.literal(shape)], [("f32" if default else dtype, shape)], value=None if default else ("tensor", dtype, (1,), (1,)))


@entry("Range", 11)
def range_(m):
    dtype = m.pick("f32", "f64", "i32", "i64", "i16")
    step = m.pick(1, 2, 3, -1, -2, *([0.5, 0.25, 1.5] if dtype in FLOATS else []))
    start = m.pick(0, 1, -3, 5)
    limit = start + step * m.pick(0, 1, 3, 8, 17) + (m.pick(0, 0, 1) if step > 1 else 0)
    limit = limit if m.chance(0.95) else start - step
    n = max(0, -int(-(limit - start) // step))
    m.node("Range", [m.literal([v], dtype, ()) for v in (start, limit, step)], [(dtype, (n,))])


@entry("CenterCropPad", 18)
def center_crop_pad(m):
    x = m.value(NUMBERS, 1)
    axes = m.axes(x.rank, 1) if m.chance(0.5) else None
    of = axes if axes is not None else range(x.rank)
    to = [max(1, x.shape[a] + m.r.randint(-4, 4)) for a in of]
    shape = list(x.shape)
    for a, n in zip(of, to):
        shape[a] = n
    m.node("CenterCropPad", [x, m.literal(to)], [(x.dtype, tuple(shape))], axes=axes)


@entry("Shape", 1, weight=1.5)
def shape_(m):
    x = m.value(ALL, 1)
    start = end = None
    if m.opset >= 15 and m.chance(0.5):
        start, end = m.pick(None, m.r.randint(-x.rank - 1, x.rank)), m.pick(None, m.r.randint(-x.rank, x.rank + 1))
    m.node("Shape", [x], [("i64", (len(x.shape[slice(start, end)]),))], start=start, end=end)


@entry("Size", 1, weight=0.6)
def size(m):
    x = m.value(ALL)
    m.node("Size", [x], [("i64", ())])


@entry("reshape by computed shape", 5, weight=2)
def computed_reshape(m):
    """Shape -> Gather/Slice -> arithmetic -> Concat -> Reshape, as exporters write it."""
    x = m.value(FLOATS, 2, 5, where=lambda s: count(s) > 0)
    s = m.node("Shape", [x], [("i64", (x.rank,))])
    lead = m.node("Gather", [s, m.literal([0], "i64", ())], [("i64", ())])
    second = m.node("Gather", [s, m.literal([1], "i64", ())], [("i64", ())])
    form = m.pick("split", "merge", "flat")

    def unsqueezed(v):
        if m.opset < 13:
            return m.node("Unsqueeze", [v], [("i64", (1,))], axes=[0])
        return m.node("Unsqueeze", [v, m.literal([0])], [("i64", (1,))])

    rest = count(x.shape[2:])
    if form == "merge":
        both = m.node("Mul", [lead, second], [("i64", ())])
        target, shape = m.node("Concat", [unsqueezed(both), m.literal([-1])], [("i64", (2,))], axis=0), (x.shape[0] * x.shape[1], rest)
    elif form == "flat":
        target, shape = m.node("Concat", [unsqueezed(lead), m.literal([-1])], [("i64", (2,))], axis=0), (x.shape[0], x.shape[1] * rest)
    else:
        if x.shape[1] % 2:
            raise Unfit
        half = m.node("Div", [second, m.literal([2], "i64", ())], [("i64", ())])
        parts = [unsqueezed(lead), m.literal([2]), unsqueezed(half), m.literal([-1])]
        target, shape = m.node("Concat", parts, [("i64", (4,))], axis=0), (x.shape[0], 2, x.shape[1] // 2, rest)
    m.node("Reshape", [x, target], [(x.dtype, shape)])


@entry("Constant", 7, weight=0.6)
def constant(m):
    dtype, shape = m.dtype(NUMBERS + ("bool",)), m.shape(m.rank(0, 3), 40)
    values = tuple(m.r.randint(0, 1 if dtype == "bool" else 9) for _ in range(count(shape)))
    m.node("Constant", [], [(dtype, shape)], value=("tensor", dtype, shape, values))
