# SPDX-License-Identifier: Apache-2.0
"""Gathering and scattering by indices; what selects elements by their values."""
from case import ALL
from maker import Unfit, count
from registry import entry


def indices(m, shape, extent, dtype=None):
    """Indices into an axis of this extent, now and then from behind."""
    if extent < 1:
        raise Unfit
    low = -extent if m.opset >= 11 and m.chance(0.4) else 0
    return m.operand(dtype or m.pick("i64", "i64", "i32"), shape, "ints", low, extent - 1, constant=0.6)


@entry("Gather", 1, weight=2)
def gather(m):
    x = m.value(ALL, 1, most=2000)
    axis = m.axis(x.rank) if m.opset >= 11 else m.r.randrange(x.rank)
    i = indices(m, m.shape(m.pick(0, 1, 1, 2), 8), x.shape[axis])
    at = axis % x.rank
    m.node("Gather", [x, i], [(x.dtype, x.shape[:at] + i.shape + x.shape[at + 1:])], axis=axis if axis or m.chance(0.5) else None)


@entry("GatherElements", 11)
def gather_elements(m):
    x = m.value(ALL, 1)
    axis = m.axis(x.rank)
    shape = tuple(m.pick(1, 2, 3, 9) if i == axis % x.rank else m.pick(d, d, max(1, d // 2)) if d else 0 for i, d in enumerate(x.shape))
    i = indices(m, shape, x.shape[axis])
    m.node("GatherElements", [x, i], [(x.dtype, shape)], axis=axis if axis or m.chance(0.5) else None)


def index_tuples(m, x, batch, depth, lead):
    """[lead..., depth] indices into the axes behind `batch`."""
    extents = x.shape[batch:batch + depth]
    if 0 in extents or count(lead) > 60:
        raise Unfit
    flat = [m.r.randint(-e if m.opset >= 11 and m.chance(0.2) else 0, e - 1) for _ in range(count(lead)) for e in extents]
    return m.literal(flat, "i64", (*lead, depth))


@entry("GatherND", 11)
def gather_nd(m):
    x = m.value(ALL, 1, most=2000)
    batch = m.r.randint(0, x.rank - 1) if m.opset >= 12 and m.chance(0.4) else 0
    depth = m.r.randint(1, x.rank - batch)
    lead = x.shape[:batch] + m.shape(m.pick(0, 1, 2) if batch else m.pick(1, 2), 6)
    if not lead:
        lead = (1,)
    i = index_tuples(m, x, batch, depth, lead)
    m.node("GatherND", [x, i], [(x.dtype, lead + x.shape[batch + depth:])], batch_dims=batch or None)


def reduction_of(m, dtype, with_extremes):
    if m.opset < 16 or dtype == "bool":
        return None
    return m.pick(None, "none", "add", "mul", *(["max", "min"] if with_extremes else []))


def scatter_elements(op, since, until=10_000):
    @entry(op, since, until)
    def make(m):
        x = m.value(ALL, 1, most=2000)
        axis = m.axis(x.rank) if m.opset >= 11 else m.r.randrange(x.rank)
        at = axis % x.rank
        how = reduction_of(m, x.dtype, m.opset >= 18) if op != "Scatter" else None
        n = x.shape[at]
        if n == 0:
            raise Unfit
        take = m.r.randint(1, min(n, 5))
        if how in (None, "none"):  # equal indices would leave it open which one is written last
            chosen = m.r.sample(range(n), take)
        else:
            chosen = [m.r.randrange(n) for _ in range(take)]
        chosen = [c - n if m.opset >= 11 and m.chance(0.2) else c for c in chosen]
        shape = tuple(take if i == at else m.pick(d, max(1, d // 2)) if d else 0 for i, d in enumerate(x.shape))
        inner = count(shape[at + 1:])
        flat = [chosen[(k // inner) % take] for k in range(count(shape))]
        i = m.literal(flat, m.pick("i64", "i32"), shape)
        m.node(op, [x, i, m.operand(x.dtype, shape)], [(x.dtype, x.shape)], axis=axis if axis or m.chance(0.5) else None, reduction=how)


scatter_elements("ScatterElements", 11)
scatter_elements("Scatter", 9, 10)


@entry("ScatterND", 11)
def scatter_nd(m):
    x = m.value(ALL, 1, most=2000)
    depth = m.r.randint(1, x.rank)
    how = reduction_of(m, x.dtype, m.opset >= 18)
    total = count(x.shape[:depth])
    if total == 0:
        raise Unfit
    n = m.r.randint(1, min(total, 6))
    places = m.r.sample(range(total), n) if how in (None, "none") else [m.r.randrange(total) for _ in range(n)]
    flat = []
    for p in places:
        where = []
        for d in reversed(x.shape[:depth]):
            where.append(p % d - (d if m.chance(0.15) else 0))
            p //= d
        flat += reversed(where)
    updates = m.operand(x.dtype, (n, *x.shape[depth:]))
    m.node("ScatterND", [x, m.literal(flat, "i64", (n, depth)), updates], [(x.dtype, x.shape)], reduction=how)


@entry("TensorScatter", 24)
def tensor_scatter(m):
    x = m.value(("f32", "f64", "f16", "i32"), 3, 4, where=lambda s: count(s) > 0)
    axis = m.pick(None, -2, x.rank - 2)
    at = x.rank - 2
    take = m.r.randint(1, x.shape[at])
    update = m.operand(x.dtype, tuple(take if i == at else d for i, d in enumerate(x.shape)), constant=0.2)
    mode = m.pick(None, "linear", "circular")
    most = x.shape[at] - 1 if mode == "circular" else x.shape[at] - take
    write = m.operand("i64", (x.shape[0],), "ints", 0, most) if m.chance(0.8) else None
    if at == 0:
        raise Unfit
    m.node("TensorScatter", [x, update, write], [(x.dtype, x.shape)], axis=axis, mode=mode)


@entry("OneHot", 9)
def one_hot(m):
    depth = m.pick(1, 2, 3, 7, 9)
    i = m.operand(m.pick("i64", "i32", "f32"), m.shape(m.pick(0, 1, 2, 3), 60), "ints", -depth if m.opset >= 11 else 0, depth, constant=0.2)
    dtype = m.pick("f32", "i64", "i32")
    axis = m.pick(None, m.r.randint(-i.rank - 1, i.rank))
    at = i.rank if axis is None else axis % (i.rank + 1)
    m.node("OneHot", [i, m.literal([depth], m.pick("i64", "i32", "f32"), m.pick((), (1,))), m.literal([m.pick(0, -1), m.pick(1, 5)], dtype)],
           [(dtype, i.shape[:at] + (depth,) + i.shape[at:])], axis=axis)


@entry("ReverseSequence", 10)
def reverse_sequence(m):
    x = m.value(ALL, 2, where=lambda s: count(s) > 0)
    batch = m.pick(0, 1)
    lengths = m.operand("i64", (x.shape[batch],), "ints", 1, x.shape[1 - batch])
    default = batch == 1 and m.chance(0.5)
    m.node("ReverseSequence", [x, lengths], [(x.dtype, x.shape)], batch_axis=None if default else batch, time_axis=None if default else 1 - batch)


@entry("Compress", 9)
def compress(m):
    x = m.value(ALL, 1, where=lambda s: count(s) > 0)
    axis = m.pick(None, m.axis(x.rank) if m.opset >= 11 else m.r.randrange(x.rank))
    n = count(x.shape) if axis is None else x.shape[axis]
    flags = m.operand("bool", (max(1, n - m.pick(0, 0, 1, 2)),), constant=0.7)
    m.node("Compress", [x, flags], [(x.dtype, None)], axis=axis)


@entry("NonZero", 9)
def non_zero(m):
    x = m.value(("f32", "i32", "i64", "u8", "bool"), kind="ints", span=(-1, 1))
    m.node("NonZero", [x], [("i64", None)])


@entry("Unique", 11)
def unique(m):
    x = m.value(("f32", "f64", "i64", "i8"), 1, where=lambda s: count(s) > 0)
    axis = m.pick(None, m.axis(x.rank))
    outputs = [(x.dtype, None)] + [("i64", None)] * m.pick(0, 1, 3)
    m.node("Unique", [x], outputs, axis=axis, sorted=m.pick(None, 0, 1))


@entry("NonMaxSuppression", 10)
def non_max_suppression(m):
    batch, classes, boxes = m.pick(1, 2), m.pick(1, 3), m.pick(1, 4, 9)
    center = m.pick(None, 0, 1)
    flat = []
    for _ in range(batch * boxes):
        a, b = round(m.r.uniform(0, 1), 3), round(m.r.uniform(0, 1), 3)
        h, w = round(m.r.uniform(0.1, 0.6), 3), round(m.r.uniform(0.1, 0.6), 3)
        flat += [a, b, h, w] if center == 1 else [a, b, a + h, b + w] if m.chance(0.7) else [a + h, b + w, a, b]
    places = m.literal(flat, "f32", (batch, boxes, 4))
    scores = m.operand("f32", (batch, classes, boxes), "normal", 0, 1, constant=0.3)
    inputs = [m.literal([m.pick(1, 2, 5)]), m.literal([m.pick(0.1, 0.5, 0.9)], "f32"), m.literal([m.pick(0.0, 0.3)], "f32") if m.chance(0.6) else None]
    m.node("NonMaxSuppression", [places, scores, *inputs], [("i64", None)], center_point_box=center)


@entry("TfIdfVectorizer", 9, weight=0.6)
def tf_idf(m):
    x = m.operand(m.pick("i32", "i64"), m.pick((12,), (3, 8)), "ints", 0, 6, constant=0.1)
    m.node("TfIdfVectorizer", [x], [("f32", (*x.shape[:-1], 7))], mode=m.pick("TF", "IDF", "TFIDF"), min_gram_length=m.pick(1, 2), max_gram_length=2,
           max_skip_count=m.pick(0, 1, 3), ngram_counts=[0, 4], ngram_indexes=[0, 1, 2, 3, 4, 5, 6], pool_int64s=[2, 3, 5, 4, 5, 6, 5, 1, 6, 0],
           weights=m.pick(None, [1.0, 0.5, 2.0, 1.5, 0.25, 3.0, 1.0]))
