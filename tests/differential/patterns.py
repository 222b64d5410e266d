# SPDX-License-Identifier: Apache-2.0
"""Chains that the passes rewrite, as exporters write them, with what makes them differ from the form that a pass knows."""
from case import count
from maker import Unfit, broadcast
from operators_window import Window, image
from registry import entry

F32 = ("f32",)


def activation(m, x):
    kind = m.pick("Relu", "Sigmoid", "Tanh", "LeakyRelu", "Clip", "silu", "hard swish", "Elu", "none")
    if kind == "none":
        return x
    if kind == "silu":
        return m.node("Mul", [x, m.node("Sigmoid", [x], [(x.dtype, x.shape)])], [(x.dtype, x.shape)])
    if kind == "hard swish":
        return m.node("Mul", [x, m.node("HardSigmoid", [x], [(x.dtype, x.shape)], alpha=1 / 6, beta=0.5)], [(x.dtype, x.shape)])
    if kind == "Clip":
        if m.opset < 11:
            return m.node("Clip", [x], [(x.dtype, x.shape)], min=0.0, max=6.0)
        return m.node("Clip", [x, m.literal([0], x.dtype, ()), m.literal([6], x.dtype, ())], [(x.dtype, x.shape)])
    return m.node(kind, [x], [(x.dtype, x.shape)])


def conv(m, x, channels):
    w = Window(m, x, auto=m.chance(0.2))
    group = x.shape[1] if m.chance(0.2) else 1
    channels = group if group > 1 else channels
    weights = m.constant(x.dtype, (channels, x.shape[1] // group, *w.kernel), "normal", -0.5, 0.5)
    bias = m.constant(x.dtype, (channels,)) if m.chance(0.5) else None
    return m.node("Conv", [x, weights, bias], [(x.dtype, w.output(x, channels))], group=group if group > 1 else None, **w.attributes(m, kernel=True))


@entry("convolution block", 7, weight=8)
def block(m):
    x = image(m, F32, 3, 4)
    y = conv(m, x, m.pick(1, 3, 8, 9, 16, 17))
    c = (y.shape[1],)
    for _ in range(m.pick(1, 2, 3)):
        step = m.pick("batch norm", "scale", "residual", "activation", "activation", "bias")
        if step == "batch norm":
            y = m.node("BatchNormalization", [y, *[m.constant("f32", c, "normal") for _ in range(3)], m.constant("f32", c, "normal", 0.3, 3)], [("f32", y.shape)])
        elif step in ("scale", "bias"):
            per = m.pick(c + (1,) * (y.rank - 2), (1,) + c + (1,) * (y.rank - 2), (1,), ())
            y = m.node("Mul" if step == "scale" else m.pick("Add", "Sub"), [y, m.constant("f32", per)], [("f32", broadcast(y.shape, per))])
        elif step == "residual":
            other = m.operand("f32", y.shape, constant=0.1) if m.chance(0.8) else y
            y = m.node("Add", [y, other] if m.chance(0.5) else [other, y], [("f32", y.shape)])
        else:
            y = activation(m, y)


@entry("wide convolutions", 7, weight=3)
def wide(m):
    """Enough channels and pixels for Winograd and for products over blocks of pixels."""
    channels, side = m.pick(8, 16, 17, 24, 32, 40), m.pick(8, 9, 13, 14, 19)
    y = m.fresh("f32", (m.batch or m.pick(1, 2), channels, side, side + m.pick(0, 0, 3)), "normal")
    for _ in range(m.pick(1, 1, 2)):
        k, stride, out = m.pick(1, 3, 3, 3, 5), m.pick(1, 1, 1, 2), m.pick(8, 16, 23, 32, 48)
        group = y.shape[1] if m.chance(0.2) else 1
        if group > 1:
            out = group
        pad = m.pick(0, k // 2, k // 2)
        shape = y.shape[:1] + (out,) + tuple((d + 2 * pad - k) // stride + 1 for d in y.shape[2:])
        if min(shape[2:]) < 1:
            raise Unfit
        weights = m.constant("f32", (out, y.shape[1] // group, k, k), "normal", -0.4, 0.4)
        z = m.node("Conv", [y, weights, m.constant("f32", (out,), "normal")], [("f32", shape)], kernel_shape=[k, k], pads=[pad] * 4, strides=[stride] * 2,
                   group=group)
        z = activation(m, z)
        y = m.node("Add", [z, y], [("f32", shape)]) if y.shape == shape and m.chance(0.6) else z


@entry("affine before convolution", 7, weight=3)
def affine_conv(m):
    x = image(m, F32, 4, 4)
    c = x.shape[1]
    if m.chance(0.5):
        y = m.node("Mul", [x, m.constant("f32", m.pick((c, 1, 1), (1,), ()))], [("f32", x.shape)])
        y = m.node(m.pick("Add", "Sub"), [y, m.constant("f32", m.pick((c, 1, 1), (1, c, 1, 1), (1,)))], [("f32", x.shape)])
    else:
        y = m.node("BatchNormalization", [x, *[m.constant("f32", (c,), "normal") for _ in range(3)], m.constant("f32", (c,), "normal", 0.3, 3)], [("f32", x.shape)])
    if m.chance(0.4):
        y = m.node("Relu", [y], [("f32", y.shape)])
    conv(m, y, m.pick(1, 5, 8, 16))


@entry("pad before window", 7, weight=3)
def pad_window(m):
    x = image(m, F32, 4, 4)
    pads = [0, 0, m.pick(0, 1, 2), m.pick(0, 1, 2), 0, 0, m.pick(0, 1, 2), m.pick(0, 1, 2)]
    shape = x.shape[:2] + tuple(x.shape[i] + pads[i] + pads[4 + i] for i in (2, 3))
    mode = m.pick("constant", "constant", "reflect" if min(x.shape[2:]) > 2 else "edge")
    value = m.pick(None, 0.0, 1.0)
    if m.opset < 11:
        y = m.node("Pad", [x], [("f32", shape)], pads=pads, mode=mode, value=value)
    else:
        y = m.node("Pad", [x, m.literal(pads), None if value is None or mode != "constant" else m.literal([value], "f32", ())], [("f32", shape)], mode=mode)
    kind = m.pick("Conv", "Conv", "MaxPool", "AveragePool")
    if kind == "Conv":
        conv(m, y, m.pick(1, 4, 8, 17))
    else:
        w = Window(m, y, dilated=False)
        m.node(kind, [y], [("f32", w.output(y, y.shape[1]))], **w.attributes(m, dilations=False))


@entry("transposes around", 7, weight=4)
def transposes(m):
    """Channels last to first, something, and back (or not quite)."""
    x = m.value(F32, 3, 4, where=lambda s: count(s) > 0)
    first = [0, x.rank - 1, *range(1, x.rank - 1)] if m.chance(0.7) else m.r.sample(range(x.rank), x.rank)
    y = m.node("Transpose", [x], [("f32", tuple(x.shape[p] for p in first))], perm=first)
    for _ in range(m.pick(1, 1, 2, 3)):
        step = m.pick("activation", "add", "conv", "concat", "pool", "reduce", "softmax", "slice")
        if step == "conv" and min(y.shape[2:]) > 0:
            y = conv(m, y, m.pick(3, 8))
        elif step == "add":
            other = m.constant("f32", m.broadcastable(y.shape))
            y = m.node("Add", [y, other], [("f32", broadcast(y.shape, other.shape))])
        elif step == "concat":
            y = m.node("Concat", [y, m.operand("f32", y.shape)], [("f32", (y.shape[0], 2 * y.shape[1], *y.shape[2:]))], axis=1)
        elif step == "pool":
            w = Window(m, y, dilated=False, auto=False)
            y = m.node("MaxPool", [y], [("f32", w.output(y, y.shape[1]))], **w.attributes(m, dilations=False))
        elif step == "reduce":
            y = m.node("ReduceMax", [y], [("f32", y.shape[:1] + (1,) + y.shape[2:])], keepdims=1, axes=[1]) if m.opset < 18 else activation(m, y)
        elif step == "softmax" and m.opset >= 13:
            y = m.node("Softmax", [y], [("f32", y.shape)], axis=m.axis(y.rank))
        else:
            y = activation(m, y)
        if y.rank != x.rank:
            raise Unfit
    back = [first.index(i) for i in range(x.rank)] if m.chance(0.8) else m.r.sample(range(x.rank), x.rank)
    y = m.node("Transpose", [y], [("f32", tuple(y.shape[p] for p in back))], perm=back)
    if m.chance(0.3):
        again = m.r.sample(range(x.rank), x.rank)
        m.node("Transpose", [y], [("f32", tuple(y.shape[p] for p in again))], perm=again)


@entry("split and concat", 7, weight=3)
def split_concat(m):
    x = m.value(F32, 2, 4, where=lambda s: count(s) > 0)
    axis = m.r.randrange(x.rank)
    parts = m.pick(2, 3)
    if x.shape[axis] % parts:
        raise Unfit
    each = tuple(d // parts if i == axis else d for i, d in enumerate(x.shape))
    if m.opset < 13:
        values = m.node("Split", [x], [("f32", each)] * parts, axis=axis)
    elif m.opset < 18:
        values = m.node("Split", [x, m.literal([each[axis]] * parts)], [("f32", each)] * parts, axis=axis)
    else:
        values = m.node("Split", [x], [("f32", each)] * parts, axis=axis, num_outputs=parts)
    values = [activation(m, v) if m.chance(0.5) else v for v in values]
    if m.chance(0.4):
        m.r.shuffle(values)
    if m.chance(0.3):
        m.node("Mul", [values[0], m.node("Sigmoid", [values[1]], [("f32", each)])], [("f32", each)])
        return
    m.node("Concat", values, [("f32", x.shape)], axis=axis)


@entry("layer normalization by hand", 7, weight=3)
def layer_norm(m):
    x = m.value(F32, 2, 4, where=lambda s: count(s) > 0)
    last = x.shape[:-1] + (1,)

    def mean(v):
        if m.opset >= 18:
            return m.node("ReduceMean", [v, m.literal([-1])], [("f32", last)])
        return m.node("ReduceMean", [v], [("f32", last)], axes=[-1 if m.opset >= 11 else x.rank - 1])

    d = m.node("Sub", [x, mean(x)], [("f32", x.shape)])
    square = m.node("Pow", [d, m.literal([2], "f32", ())], [("f32", x.shape)]) if m.chance(0.6) else m.node("Mul", [d, d], [("f32", x.shape)])
    spread = m.node("Sqrt", [m.node("Add", [mean(square), m.literal([m.pick(1e-5, 1e-2)], "f32", ())], [("f32", last)])], [("f32", last)])
    y = m.node("Div", [d, spread], [("f32", x.shape)]) if m.chance(0.7) else m.node("Mul", [d, m.node("Reciprocal", [spread], [("f32", last)])], [("f32", x.shape)])
    if m.chance(0.8):
        y = m.node("Mul", [y, m.constant("f32", x.shape[-1:])], [("f32", x.shape)])
    if m.chance(0.8):
        m.node("Add", [y, m.constant("f32", x.shape[-1:])], [("f32", x.shape)])


@entry("gelu by hand", 9, weight=3)
def gelu(m):
    x = m.value(F32)
    one = ("f32", x.shape)

    def number(v):
        return m.literal([v], "f32", m.pick((), (1,)) if x.rank else ())

    if m.chance(0.5):
        e = m.node("Erf", [m.node("Div", [x, number(2 ** 0.5)], [one])], [one])
    else:
        cube = m.node("Pow", [x, number(3.0)], [one]) if m.chance(0.5) else m.node("Mul", [m.node("Mul", [x, x], [one]), x], [one])
        inner = m.node("Add", [x, m.node("Mul", [cube, number(0.044715)], [one])], [one])
        e = m.node("Tanh", [m.node("Mul", [inner, number((2 / 3.141592653589793) ** 0.5)], [one])], [one])
    plus = m.node("Add", [e, number(1.0)] if m.chance(0.7) else [number(1.0), e], [one])
    if m.chance(0.5):
        m.node("Mul", [m.node("Mul", [x, plus], [one]), number(0.5)], [one])
    else:
        m.node("Mul", [m.node("Mul", [x, number(0.5)], [one]), plus], [one])


@entry("attention", 13, weight=4)
def attention(m):
    batch, tokens, heads, width = m.pick(1, 2, 3), m.pick(1, 2, 5, 9, 17), m.pick(1, 2, 3), m.pick(1, 3, 4, 8, 9)
    if m.batch:
        batch = m.batch
    x = m.operand("f32", (batch, tokens, heads * width), constant=0)

    def head(transposed):
        w = m.node("MatMul", [x, m.constant("f32", (heads * width, heads * width), "normal", -0.4, 0.4)], [("f32", x.shape)])
        if m.chance(0.5):
            w = m.node("Add", [w, m.constant("f32", (heads * width,))], [("f32", x.shape)])
        r = m.node("Reshape", [w, m.literal([0, 0, heads, width] if m.chance(0.5) else [-1, tokens, heads, width])], [("f32", (batch, tokens, heads, width))])
        if transposed:
            return m.node("Transpose", [r], [("f32", (batch, heads, width, tokens))], perm=[0, 2, 3, 1])
        return m.node("Transpose", [r], [("f32", (batch, heads, tokens, width))], perm=[0, 2, 1, 3])

    square = ("f32", (batch, heads, tokens, tokens))
    q = head(False)
    if m.chance(0.3):
        q = m.node("Mul", [q, m.literal([width ** -0.5], "f32", ())], [("f32", q.shape)])
    s = m.node("MatMul", [q, head(True)], [square])
    if m.chance(0.7):
        s = m.node("Div", [s, m.literal([width ** 0.5], "f32", ())], [square])
    if m.chance(0.5):
        mask = m.pick((1, 1, tokens, tokens), (batch, 1, 1, tokens), (tokens, tokens), (1, heads, tokens, tokens))
        s = m.node("Add", [s, m.operand("f32", mask)], [square])
    elif m.chance(0.3):
        s = m.node("Where", [m.operand("bool", (1, 1, tokens, tokens)), s, m.literal([-1e9], "f32", ())], [square])
    p = m.node("Softmax", [s], [square], axis=m.pick(-1, 3))
    y = m.node("MatMul", [p, head(False)], [("f32", (batch, heads, tokens, width))])
    y = m.node("Transpose", [y], [("f32", (batch, tokens, heads, width))], perm=[0, 2, 1, 3])
    m.node("Reshape", [y, m.literal([0, 0, -1])], [("f32", x.shape)])


@entry("dense block", 7, weight=4)
def dense(m):
    """MatMul or Gemm with bias, scale, activation, residual."""
    x = m.value(F32, 2, 3, where=lambda s: count(s) > 0)
    n = m.pick(1, 5, 8, 16, 17, 33)
    shape = x.shape[:-1] + (n,)
    if x.rank == 2 and m.chance(0.5):
        y = m.node("Gemm", [x, m.constant("f32", (n, x.shape[-1])), m.constant("f32", (n,))], [("f32", shape)], transB=1)
    else:
        y = m.node("MatMul", [x, m.constant("f32", (x.shape[-1], n))], [("f32", shape)])
    for _ in range(m.pick(1, 2, 3)):
        step = m.pick("add", "mul", "activation", "residual")
        if step in ("add", "mul"):
            y = m.node("Add" if step == "add" else "Mul", [y, m.constant("f32", m.pick((n,), (1, n), (1,), (), shape))], [("f32", shape)])
        elif step == "residual":
            y = m.node("Add", [y, m.operand("f32", shape, constant=0.1)], [("f32", shape)])
        else:
            y = activation(m, y)


@entry("global pool and classifier", 7, weight=2)
def classifier(m):
    x = image(m, F32, 4, 4)
    if m.chance(0.5) or m.opset >= 18:
        y = m.node("GlobalAveragePool", [x], [("f32", x.shape[:2] + (1, 1))])
    else:
        y = m.node("ReduceMean", [x], [("f32", x.shape[:2] + (1, 1))], axes=[2, 3], keepdims=1)
    y = m.node("Flatten", [y], [("f32", x.shape[:2])]) if m.chance(0.6) else m.node("Reshape", [y, m.literal([0, -1] if x.shape[0] else [0, x.shape[1]])], [("f32", x.shape[:2])])
    n = m.pick(1, 3, 10)
    y = m.node("Gemm", [y, m.constant("f32", (n, x.shape[1])), m.constant("f32", (n,))], [("f32", (x.shape[0], n))], transB=1)
    if m.chance(0.7):
        m.node("Softmax", [y], [("f32", y.shape)], axis=1)


@entry("squeeze and excite", 7, weight=3)
def squeeze_excite(m):
    x = image(m, F32, 4, 4)
    pooled = ("f32", x.shape[:2] + (1, 1))
    y = m.node("GlobalAveragePool", [x], [pooled])
    c, small = x.shape[1], m.pick(1, 2, 4)
    y = m.node("Conv", [y, m.constant("f32", (small, c, 1, 1)), m.constant("f32", (small,))], [("f32", (x.shape[0], small, 1, 1))])
    y = activation(m, y)
    y = m.node("Conv", [y, m.constant("f32", (c, small, 1, 1)), m.constant("f32", (c,))], [pooled])
    y = m.node(m.pick("Sigmoid", "HardSigmoid"), [y], [pooled])
    m.node("Mul", [x, y] if m.chance(0.5) else [y, x], [("f32", x.shape)])


@entry("element-wise chain", 7, weight=5)
def chain(m):
    """Long enough for fusion, with broadcasting in the middle and values that are read twice."""
    x = m.value(F32)
    y = x
    for _ in range(m.pick(2, 3, 4, 5)):
        if m.chance(0.5):
            op = m.pick("Relu", "Sigmoid", "Tanh", "Exp", "Abs", "Neg", "Softplus", "Sqrt", "Floor", "Sin")
            if op == "Sqrt":
                y = m.node("Abs", [y], [("f32", y.shape)])
            if op == "Exp":
                y = m.node("Tanh", [y], [("f32", y.shape)])
            y = m.node(op, [y], [("f32", y.shape)])
        else:
            b = m.operand("f32", m.broadcastable(y.shape)) if m.chance(0.7) or x.shape != y.shape else x
            y = m.node(m.pick("Add", "Mul", "Sub", "Max", "Min"), [y, b] if m.chance(0.6) else [b, y], [("f32", broadcast(y.shape, b.shape))])
