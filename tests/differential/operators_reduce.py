# SPDX-License-Identifier: Apache-2.0
"""Reductions, the softmax family, normalizations, sums along an axis."""
from case import FLOATS
from maker import Unfit, count
from registry import entry


def reduced(shape, axes, keep):
    axes = {a % len(shape) for a in axes}
    return tuple(1 if i in axes else d for i, d in enumerate(shape) if keep or i not in axes)


def reduction(op, dtypes=FLOATS + ("i32", "i64"), span=None, empty=False):
    @entry(op, 1, weight=1.5)
    def make(m):
        low = 0 if m.opset >= 18 else 1
        x = m.value(dtypes, low, span=span if span and m.chance(0.7) else None, where=lambda s: count(s) > 0 or empty and m.chance(0.5))
        keep = m.pick(None, 0, 1)
        by_input = m.opset >= (13 if op == "ReduceSum" else 18)
        axes = m.axes(x.rank) if x.rank and m.chance(0.8) else None
        keepdims = keep is None or keep == 1
        noop = m.pick(None, 0, 1) if by_input else None
        all_axes = list(range(x.rank))
        if not axes:
            shape = x.shape if noop == 1 else reduced(x.shape, all_axes, keepdims) if x.rank else ()
        else:
            shape = reduced(x.shape, axes, keepdims)
        if by_input:
            m.node(op, [x, None if axes is None else m.literal(axes)], [(x.dtype, shape)], keepdims=keep, noop_with_empty_axes=noop)
        else:
            m.node(op, [x], [(x.dtype, shape)], axes=axes or None, keepdims=keep)


reduction("ReduceSum", empty=True)
reduction("ReduceMean")
reduction("ReduceMax", FLOATS + ("i32", "i64", "i8", "u8"))
reduction("ReduceMin", FLOATS + ("i32", "i64", "i8", "u8"))
reduction("ReduceProd", empty=True)
reduction("ReduceL1", empty=True)
reduction("ReduceL2", FLOATS, empty=True)
reduction("ReduceSumSquare", empty=True)
reduction("ReduceLogSum", FLOATS, span=(0.2, 3))
reduction("ReduceLogSumExp", FLOATS)


def arg(op):
    @entry(op, 1)
    def make(m):
        x = m.value(FLOATS + ("i32", "i64", "i8", "u8"), 1, where=lambda s: count(s) > 0)
        axis = m.axis(x.rank) if m.opset >= 11 else m.r.randrange(x.rank)
        keep = m.pick(None, 0, 1)
        m.node(op, [x], [("i64", reduced(x.shape, [axis], keep != 0))], axis=axis if axis or m.chance(0.5) else None, keepdims=keep,
               select_last_index=m.pick(None, 0, 1) if m.opset >= 12 else None)


arg("ArgMax")
arg("ArgMin")


def along_axis(op, since=1, dtypes=FLOATS, weight=1.0):
    @entry(op, since, weight=weight)
    def make(m):
        x = m.value(dtypes, 1, where=lambda s: count(s) > 0 or m.opset >= 13)
        m.node(op, [x], [(x.dtype, x.shape)], axis=m.pick(None, m.axis(x.rank) if m.opset >= 11 else m.r.randrange(x.rank)) if m.opset >= 13 or x.rank > 1 else 0)


along_axis("Softmax", weight=3)
along_axis("LogSoftmax", weight=1.5)
along_axis("Hardmax")


@entry("LpNormalization", 1)
def lp_normalization(m):
    x = m.value(("f32", "f64"), 1, where=lambda s: count(s) > 0)
    m.node("LpNormalization", [x], [(x.dtype, x.shape)], axis=m.pick(None, m.axis(x.rank)), p=m.pick(None, 1, 2))


@entry("MeanVarianceNormalization", 9)
def mean_variance(m):
    x = m.value(("f32",), 4, 4, where=lambda s: count(s) > 0)
    m.node("MeanVarianceNormalization", [x], [(x.dtype, x.shape)], axes=m.pick(None, [0, 2, 3], [0, 1, 2, 3]))


@entry("BatchNormalization", 7, weight=2)
def batch_normalization(m):
    x = m.value(("f32", "f64", "f16"), 2, 5, where=lambda s: count(s) > 0)
    c = (x.shape[1],)
    stats = [m.operand(x.dtype, c, "normal", constant=0.9) for _ in range(3)] + [m.constant(x.dtype, c, "normal", 0.3, 3)]
    m.node("BatchNormalization", [x, *stats], [(x.dtype, x.shape)], epsilon=m.pick(None, 1e-3))


@entry("InstanceNormalization", 6)
def instance_normalization(m):
    x = m.value(FLOATS, 3, 5, where=lambda s: count(s) > 0)
    c = (x.shape[1],)
    m.node("InstanceNormalization", [x, m.operand(x.dtype, c, "normal", constant=0.9), m.operand(x.dtype, c, "normal", constant=0.9)], [(x.dtype, x.shape)], epsilon=m.pick(None, 1e-2))


@entry("LayerNormalization", 17, weight=2)
def layer_normalization(m):
    x = m.value(("f32", "f32", "f64", "f16", "bf16"), 1, where=lambda s: count(s) > 0)
    axis = m.axis(x.rank)
    inner = x.shape[axis % x.rank:]
    if not inner:
        raise Unfit
    bias = m.operand(x.dtype, inner, "normal", constant=0.9) if m.chance(0.6) else None
    outputs = [(x.dtype, x.shape)]
    if m.chance(0.2):
        statistics = x.shape[:axis % x.rank] + (1,) * len(inner)
        outputs += [("f32", statistics), ("f32", statistics)]
    m.node("LayerNormalization", [x, m.operand(x.dtype, inner, "normal", constant=0.9), bias], outputs, axis=m.pick(axis, axis, None) if axis in (-1, x.rank - 1) else axis,
           epsilon=m.pick(None, 1e-2))


@entry("RMSNormalization", 23, weight=2)
def rms_normalization(m):
    x = m.value(("f32", "f64", "f16"), 1, where=lambda s: count(s) > 0)
    axis = m.axis(x.rank)
    m.node("RMSNormalization", [x, m.operand(x.dtype, x.shape[axis % x.rank:], "normal", constant=0.9)], [(x.dtype, x.shape)], axis=axis, epsilon=m.pick(None, 1e-2))


@entry("GroupNormalization", 18)
def group_normalization(m):
    x = m.value(("f32",), 3, 5, where=lambda s: count(s) > 0)
    groups = m.pick(*[g for g in (1, 2, 3, 4, x.shape[1]) if x.shape[1] % g == 0])
    per = (groups,) if m.opset < 21 else (x.shape[1],)
    m.node("GroupNormalization", [x, m.operand(x.dtype, per, "normal", constant=0.9), m.operand(x.dtype, per, "normal", constant=0.9)], [(x.dtype, x.shape)], num_groups=groups,
           epsilon=m.pick(None, 1e-2))


@entry("LRN", 1)
def lrn(m):
    x = m.value(FLOATS, 3, 5, where=lambda s: count(s) > 0)
    m.node("LRN", [x], [(x.dtype, x.shape)], size=m.pick(1, 3, 5), alpha=m.pick(None, 0.1, 0.01), beta=m.pick(None, 0.5, 1.0), bias=m.pick(None, 2.0))


@entry("CumSum", 11)
def cum_sum(m):
    x = m.value(FLOATS + ("i32", "i64"), 1)
    axis = m.literal([m.axis(x.rank)], m.pick("i32", "i64"), m.pick((), (1,)))
    m.node("CumSum", [x, axis], [(x.dtype, x.shape)], exclusive=m.pick(None, 0, 1), reverse=m.pick(None, 0, 1))


@entry("CumProd", 26, weight=0.6)
def cum_prod(m):
    x = m.value(("f32", "f64", "i32", "i64"), 1)
    m.node("CumProd", [x, m.literal([m.axis(x.rank)], "i64", ())], [(x.dtype, x.shape)], exclusive=m.pick(None, 0, 1), reverse=m.pick(None, 0, 1))


@entry("TopK", 1, weight=1.5)
def top_k(m):
    x = m.value(FLOATS + (("i32", "i64", "i8", "u8") if m.opset >= 11 else ()), 1, where=lambda s: count(s) > 0)
    axis = m.axis(x.rank) if m.opset >= 11 else m.r.randrange(x.rank)
    k = m.r.randint(0 if m.chance(0.1) else 1, x.shape[axis])
    shape = tuple(k if i == axis % x.rank else d for i, d in enumerate(x.shape))
    outputs = [(x.dtype, shape), ("i64", shape)]
    if m.opset < 10:
        m.node("TopK", [x], outputs, axis=axis, k=k)
    else:
        m.node("TopK", [x, m.literal([k])], outputs, axis=axis, largest=m.pick(None, 0, 1) if m.opset >= 11 else None, sorted=m.pick(None, 1) if m.opset >= 11 else None)


def loss(op, log_first):
    @entry(op, 13, weight=0.8)
    def make(m):
        batch, classes = m.pick(1, 2, 5), m.pick(1, 2, 3, 7)
        more = m.shape(m.pick(0, 0, 1, 2), 30)
        x = m.operand("f32", (batch, classes, *more), constant=0)
        target = m.operand(m.pick("i64", "i32"), (batch, *more), "ints", 0, classes - 1)
        weights = m.operand("f32", (classes,), "normal", 0.2, 2) if m.chance(0.4) else None
        how = m.pick(None, "none", "sum", "mean")
        outputs = [("f32", target.shape if how == "none" else ())] + ([("f32", x.shape)] if log_first and m.chance(0.3) else [])
        m.node(op, [x, target, weights], outputs, reduction=how, ignore_index=m.pick(None, 0, -1))


loss("NegativeLogLikelihoodLoss", False)
loss("SoftmaxCrossEntropyLoss", True)
