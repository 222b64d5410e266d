# SPDX-License-Identifier: Apache-2.0
"""Element-wise functions of one and of several operands, with broadcasting; casts and logic."""
from case import ALL, FLOATS, INTS, NUMBERS, UNSIGNED
from maker import broadcast
from registry import entry

SIGNED = FLOATS + INTS
F = FLOATS


def unary(op, since=1, dtypes=F, out=None, span=None, attributes=None, weight=1.0):
    """`attributes` maps a name to a function of the Maker that draws it; each is left out in a third of the cases."""
    @entry(op, since, weight=weight)
    def make(m):
        x = m.value(dtypes, span=span if span and m.chance(0.8) else None)
        drawn = {k: f(m) for k, f in (attributes or {}).items() if not m.chance(0.33)}
        m.node(op, [x], [(out or x.dtype, x.shape)], **drawn)


def between(low, high):
    return lambda m: round(m.r.uniform(low, high), 2)


unary("Abs", dtypes=NUMBERS)
unary("Neg", dtypes=SIGNED)
unary("Sign", 9, NUMBERS)
unary("Ceil")
unary("Floor")
unary("Round", 11)
unary("Sqrt", span=(0, 4))
unary("Reciprocal", span=(0.5, 4))
unary("Exp")
unary("Log", span=(0.1, 4))
unary("Sin", 7)
unary("Cos", 7)
unary("Tan", 7, span=(-1.4, 1.4))
unary("Asin", 7, span=(-1, 1))
unary("Acos", 7, span=(-1, 1))
unary("Atan", 7)
unary("Sinh", 9)
unary("Cosh", 9)
unary("Asinh", 9)
unary("Acosh", 9, span=(1, 5))
unary("Atanh", 9, span=(-0.95, 0.95))
unary("Erf", 9, weight=1.5)
unary("Relu", weight=2)
unary("Sigmoid", weight=2)
unary("Tanh", weight=2)
unary("Softplus")
unary("Softsign")
unary("Elu", attributes={"alpha": between(0.2, 2)})
unary("Selu", attributes={"alpha": between(0.5, 2), "gamma": between(0.5, 2)})
unary("Celu", 12, attributes={"alpha": between(0.2, 2)})
unary("LeakyRelu", attributes={"alpha": between(-0.5, 0.5)})
unary("ThresholdedRelu", 10, attributes={"alpha": between(-0.5, 1.5)})
unary("HardSigmoid", attributes={"alpha": between(0.1, 0.6), "beta": between(0, 1)})
unary("HardSwish", 14)
unary("Mish", 18)
unary("Swish", 24, attributes={"alpha": between(0.3, 2)})
unary("Gelu", 20, attributes={"approximate": lambda m: m.pick("none", "tanh")})
unary("Shrink", 9, NUMBERS, attributes={"lambd": between(0, 1), "bias": between(0, 1)})
unary("Identity", dtypes=ALL)
unary("Not", dtypes=("bool",), weight=0.7)
unary("BitwiseNot", 18, INTS + UNSIGNED)
unary("IsNaN", 9, out="bool", weight=0.6)
unary("IsInf", 10, ("f32", "f64"), out="bool", attributes={"detect_negative": lambda m: m.pick(0, 1), "detect_positive": lambda m: m.pick(0, 1)}, weight=0.6)


def binary(op, since=7, dtypes=NUMBERS, out=None, span=None, attributes=None, weight=1.0):
    """`span` is where the second operand's elements lie."""
    @entry(op, since, weight=weight)
    def make(m):
        a = m.value(dtypes)
        b = m.operand(a.dtype, m.broadcastable(a.shape), *(("normal", *span(a.dtype)) if span else ()))
        if m.chance(0.25) and not span:
            a, b = b, a
        m.node(op, [a, b], [(out or a.dtype, broadcast(a.shape, b.shape))], **{k: f(m) for k, f in (attributes or {}).items()})


def not_zero(dtype):
    return (1, 9) if dtype not in F else (0.5, 3)


binary("Add", weight=3)
binary("Sub", weight=2)
binary("Mul", weight=3)
binary("Div", span=not_zero, weight=2)
binary("And", dtypes=("bool",), out="bool", weight=0.6)
binary("Or", dtypes=("bool",), out="bool", weight=0.6)
binary("Xor", dtypes=("bool",), out="bool", weight=0.6)
binary("Equal", dtypes=ALL, out="bool")
binary("Greater", out="bool")
binary("Less", out="bool")
binary("GreaterOrEqual", 12, out="bool")
binary("LessOrEqual", 12, out="bool")
binary("BitwiseAnd", 18, INTS + UNSIGNED, weight=0.6)
binary("BitwiseOr", 18, INTS + UNSIGNED, weight=0.6)
binary("BitwiseXor", 18, INTS + UNSIGNED, weight=0.6)
binary("BitShift", 11, UNSIGNED, span=lambda d: (0, 7), attributes={"direction": lambda m: m.pick("LEFT", "RIGHT")}, weight=0.6)


@entry("Mod", 10)
def mod(m):
    fmod = m.pick(0, 1)
    a = m.value(NUMBERS if fmod else INTS + UNSIGNED)
    b = m.operand(a.dtype, m.broadcastable(a.shape), "normal", *not_zero(a.dtype))
    if m.chance(0.3) and not a.dtype.startswith("u"):
        b = m.node("Neg", [b], [(b.dtype, b.shape)])
    m.node("Mod", [a, b], [(a.dtype, broadcast(a.shape, b.shape))], fmod=fmod if fmod or m.chance(0.5) else None)


@entry("Pow", 7)
def power(m):
    base = m.value(("f32", "f64", "f16", "bf16", "i32", "i64"), span=(0.2, 2) if m.chance(0.4) else None)
    dtype = base.dtype if m.opset < 12 or m.chance(0.6) else m.pick("f32", "i32", "i64", "f64")
    if m.chance(0.5):
        exponent = m.literal([m.pick(0, 1, 2, 3) if base.dtype not in F else m.pick(0, 1, 2, 3, -1) if dtype not in F else m.pick(0.5, 2, 3, -1, -0.5, 1, 0)], dtype, m.pick((), (1,)))
    else:
        low = 0 if base.dtype not in F else -2
        exponent = m.operand(dtype, m.broadcastable(base.shape), "normal", low, 3)
    m.node("Pow", [base, exponent], [(base.dtype, broadcast(base.shape, exponent.shape))])


@entry("PRelu", 7)
def prelu(m):
    x = m.value(F + ("i32", "i64", "u32", "u64"), low=1)
    shape = [1 if m.chance(0.4) else d for d in x.shape][m.r.randint(0, x.rank - 1):]
    m.node("PRelu", [x, m.operand(x.dtype, shape, constant=0.85)], [(x.dtype, x.shape)])


def variadic(op, dtypes, since=8):
    @entry(op, since)
    def make(m):
        a = m.value(dtypes)
        operands, shape = [a], a.shape
        for _ in range(m.pick(0, 1, 1, 1, 2, 3)):
            b = m.operand(a.dtype, m.broadcastable(a.shape))
            operands.append(b)
            shape = broadcast(shape, b.shape)
        m.r.shuffle(operands)
        m.node(op, operands, [(a.dtype, shape)])


variadic("Max", NUMBERS)
variadic("Min", NUMBERS)
variadic("Sum", F)
variadic("Mean", F)


@entry("Clip", 6, weight=1.5)
def clip(m):
    x = m.value(F if m.opset < 12 else NUMBERS)
    low, high = (0.25, 1.5) if x.dtype in F else (2, 5)
    if m.chance(0.4):
        low = 0
    if m.opset < 11:
        m.node("Clip", [x], [(x.dtype, x.shape)], min=float(low) if m.chance(0.7) else None, max=float(high) if m.chance(0.7) else None)
    else:
        def bound(v):
            return None if m.chance(0.25) else m.literal([v], x.dtype, ()) if m.chance(0.8) else m.fresh(x.dtype, (), "normal", v, v)
        m.node("Clip", [x, bound(low), bound(high)], [(x.dtype, x.shape)])


@entry("Where", 9)
def where(m):
    a = m.value(ALL)
    b = m.operand(a.dtype, m.broadcastable(a.shape))
    c = m.operand("bool", m.broadcastable(broadcast(a.shape, b.shape)), constant=0.3)
    first, second = (a, b) if m.chance(0.5) else (b, a)
    m.node("Where", [c, first, second], [(a.dtype, broadcast(c.shape, broadcast(a.shape, b.shape)))])


CODES = {"f32": 1, "u8": 2, "i8": 3, "u16": 4, "i16": 5, "i32": 6, "i64": 7, "bool": 9, "f16": 10, "f64": 11, "u32": 12, "u64": 13, "bf16": 16}


def cast_target(m, x):
    if x.dtype in F and m.chance(0.5):
        return m.pick("f16", "f64", "f32", "i32", "i64", "bool")
    return m.pick(*[d for d in ALL if d != "bf16" or m.opset >= 13])


@entry("Cast", 6, weight=1.5)
def cast(m):
    x = m.value(ALL)
    to = cast_target(m, x)
    if x.dtype in F and to.startswith("u"):  # what a negative number becomes is undefined
        x = m.node("Abs", [x], [(x.dtype, x.shape)])
    m.node("Cast", [x], [(to, x.shape)], to=CODES[to])


@entry("CastLike", 15, weight=0.6)
def cast_like(m):
    x = m.value(ALL)
    to = cast_target(m, x)
    if x.dtype in F and to.startswith("u"):
        x = m.node("Abs", [x], [(x.dtype, x.shape)])
    m.node("CastLike", [x, m.operand(to, m.shape(m.rank(0, 2)))], [(to, x.shape)])


@entry("BitCast", 26, weight=0.6)
def bit_cast(m):
    x = m.value(NUMBERS)
    to = m.pick(*[d for d in NUMBERS if d.lstrip("bfiu") == x.dtype.lstrip("bfiu")])
    m.node("BitCast", [x], [(to, x.shape)], to=CODES[to])


@entry("Dropout", 7, weight=0.6)
def dropout(m):
    x = m.value(F)
    outputs = [(x.dtype, x.shape)] + ([("bool" if m.opset >= 10 else x.dtype, x.shape)] if m.chance(0.3) and m.opset >= 10 else [])
    if m.opset < 12:
        m.node("Dropout", [x], outputs, ratio=0.3 if m.chance(0.5) else None)
    else:
        m.node("Dropout", [x, m.literal([0.3], "f32", ()) if m.chance(0.6) else None, m.literal([0], "bool", ()) if m.chance(0.3) else None], outputs)
