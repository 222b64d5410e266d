# SPDX-License-Identifier: Apache-2.0
"""Attention and what goes with it: rotary positions, and the fused forms of com.microsoft that exporters write."""
from case import count
from maker import broadcast
from registry import entry

CONTRIB = "com.microsoft."


@entry("Attention", 23, weight=4)
def attention(m):
    dtype = m.dtype(("f32", "f32", "f64", "f16"))
    batch, width, value_width = m.batch or m.pick(1, 2, 3), m.pick(1, 2, 4, 8, 9, 16), m.pick(1, 3, 4, 8)
    kv_heads, group, queries, keys = m.pick(1, 2), m.pick(1, 1, 2, 3), m.pick(1, 2, 5, 17), m.pick(1, 3, 9, 17)
    heads, past = kv_heads * group, m.pick(0, 0, 2, 5)
    flat = m.chance(0.4)

    def operand(n, tokens, w):
        return m.operand(dtype, (batch, tokens, n * w) if flat else (batch, n, tokens, w), "normal", constant=0.1)

    inputs = [operand(heads, queries, width), operand(kv_heads, keys, width), operand(kv_heads, keys, value_width)]
    total = keys + past
    mask = None
    if m.chance(0.5):
        shape = m.pick((queries, total), (1, 1, queries, total), (batch, 1, queries, total), (batch, heads, queries, total))
        kind = m.pick("bool", dtype)
        mask = m.literal((1, *[m.pick(0, 1) for _ in range(total - 1)]) * (count(shape) // total), "bool", shape) if kind == "bool" else m.operand(dtype, shape, "normal")
    inputs.append(mask)
    if past:
        inputs += [m.operand(dtype, (batch, kv_heads, past, w), "normal", constant=0.1) for w in (width, value_width)]
    y = (dtype, (batch, queries, heads * value_width) if flat else (batch, heads, queries, value_width))
    outputs = [y]
    if past or m.chance(0.2):
        outputs += [(dtype, (batch, kv_heads, total, w)) for w in (width, value_width)]
        if m.chance(0.4):
            outputs.append((dtype, (batch, heads, queries, total)))
    m.node("Attention", inputs, outputs, q_num_heads=heads if flat else None, kv_num_heads=kv_heads if flat else None, is_causal=m.pick(None, 0, 1),
           scale=m.pick(None, None, 0.5), softcap=m.pick(None, None, 2.0), qk_matmul_output_mode=m.pick(None, 0, 1, 2, 3) if len(outputs) == 4 else None)


def rotary(op, contrib):
    @entry(op, 1 if contrib else 23, weight=2)
    def make(m):
        dtype = m.dtype(("f32", "f16")) if contrib else m.dtype(("f32", "f32", "f16"))
        batch, heads, tokens, width = m.batch or m.pick(1, 2), m.pick(1, 2, 3), m.pick(1, 2, 7), m.pick(2, 4, 8, 16)
        flat = m.chance(0.5)
        x = m.operand(dtype, (batch, tokens, heads * width) if flat else (batch, heads, tokens, width), "normal", constant=0.1)
        turned = m.pick(width, width, width // 2 if width % 4 == 0 and width > 4 and not contrib else width)
        longest = tokens + 4
        by_position = contrib or m.chance(0.6)
        shape = (longest, turned // 2) if by_position else (batch, tokens, turned // 2)
        caches = [m.operand(dtype, shape, "normal", -1, 1, constant=0.8) for _ in range(2)]
        named = {"interleaved": m.pick(None, 0, 1), "num_heads": heads if flat else None, "rotary_embedding_dim": turned if turned != width else None}
        if contrib:
            position = m.literal([m.pick(0, 2)]) if m.chance(0.4) else m.operand("i64", (batch, tokens), "ints", 0, longest - 1)
            m.node(op, [x, position, *caches], [(dtype, x.shape)], **named)
        else:
            position = m.operand("i64", (batch, tokens), "ints", 0, longest - 1) if by_position else None
            m.node(op, [x, *caches, position], [(dtype, x.shape)], **named)


rotary("RotaryEmbedding", False)
rotary(CONTRIB + "RotaryEmbedding", True)


@entry("SimplifiedLayerNormalization", 1)
def simplified(m):
    x = m.value(("f32", "f64", "f16"), 1, where=lambda s: count(s) > 0)
    axis = m.axis(x.rank)
    m.node("SimplifiedLayerNormalization", [x, m.operand(x.dtype, x.shape[axis % x.rank:], "normal", constant=0.9)], [(x.dtype, x.shape)], axis=axis, epsilon=m.pick(None, 1e-2))


def gelu(op, with_bias, **draws):
    @entry(CONTRIB + op, 1)
    def make(m):
        x = m.value(("f32", "f16") if op == "FastGelu" else ("f32",), 1 if with_bias else 0, where=lambda s: count(s) > 0)
        bias = m.operand(x.dtype, x.shape[-1:], "normal", constant=0.9) if with_bias == "always" or with_bias and m.chance(0.6) else None
        m.node(CONTRIB + op, [x, bias], [(x.dtype, x.shape)], **{k: f(m) for k, f in draws.items()})


gelu("Gelu", None)
gelu("BiasGelu", "always")
gelu("FastGelu", "sometimes")
gelu("QuickGelu", None, alpha=lambda m: m.pick(None, 1.5))


@entry(CONTRIB + "FusedMatMul", 1, weight=2)
def fused_matmul(m):
    rank = m.pick(2, 3, 4)
    batch = tuple(m.extent(4) for _ in range(rank - 2))
    rows, k, n = m.extent(33), m.extent(33), m.extent(33)
    across, down = m.pick(None, 0, 1), m.pick(None, 0, 1)
    dtype = m.dtype(("f32", "f32", "f64"))
    a = m.operand(dtype, batch + ((k, rows) if across else (rows, k)), constant=0.1)
    other = batch if m.chance(0.6) else m.broadcastable(batch, 0)
    b = m.operand(dtype, other + ((n, k) if down else (k, n)), constant=0.6)
    m.node(CONTRIB + "FusedMatMul", [a, b], [(dtype, broadcast(batch, other) + (rows, n))], transA=across, transB=down, alpha=m.pick(None, 0.5))


def skip_norm(op, simplified_):
    @entry(CONTRIB + op, 1)
    def make(m):
        x = m.value(("f32", "f16"), 3, 3, where=lambda s: count(s) > 0)
        hidden = x.shape[-1:]
        inputs = [x, m.operand(x.dtype, x.shape, "normal", constant=0.1), m.operand(x.dtype, hidden, "normal", constant=0.9)]
        if not simplified_:
            inputs.append(m.operand(x.dtype, hidden, "normal", constant=0.9) if m.chance(0.6) else None)
        inputs.append(m.operand(x.dtype, hidden, "normal", constant=0.9) if m.chance(0.4) else None)
        outputs = [(x.dtype, x.shape)] + ([None, None, (x.dtype, x.shape)] if m.chance(0.4) else [])
        m.node(CONTRIB + op, inputs, outputs, epsilon=m.pick(None, 1e-2))


skip_norm("SkipLayerNormalization", False)
skip_norm("SkipSimplifiedLayerNormalization", True)


@entry(CONTRIB + "MultiHeadAttention", 1, weight=2)
def multi_head_attention(m):
    batch, heads, width, queries, keys = m.batch or m.pick(1, 2, 3), m.pick(1, 2, 3), m.pick(1, 4, 8), m.pick(1, 2, 9), m.pick(1, 3, 9)
    hidden = heads * width
    inputs = [m.operand("f32", (batch, n, hidden), "normal", constant=0.1) for n in (queries, keys, keys)]
    inputs.append(m.operand("f32", (3 * hidden,), "normal", constant=0.9) if m.chance(0.4) else None)
    inputs.append(m.operand("i32", (batch,), "ints", 1, keys) if m.chance(0.25) else None)
    inputs.append(m.operand("f32", m.pick((batch, heads, queries, keys), (1, heads, queries, keys), (1, 1, queries, keys)), "normal") if m.chance(0.35) else None)
    m.node(CONTRIB + "MultiHeadAttention", inputs, [("f32", (batch, queries, hidden))], num_heads=heads, scale=m.pick(None, 0.5),
           unidirectional=m.pick(None, 0, 1) if queries == keys else None)


@entry(CONTRIB + "Attention", 1, weight=2)
def contrib_attention(m):
    batch, heads, width, tokens, inner = m.batch or m.pick(1, 2, 3), m.pick(1, 2, 3), m.pick(1, 4, 8), m.pick(1, 2, 9), m.pick(3, 8, 16)
    hidden = heads * width
    x = m.operand("f32", (batch, tokens, inner), "normal", constant=0.1)
    inputs = [x, m.constant("f32", (inner, 3 * hidden), "normal", -0.5, 0.5), m.constant("f32", (3 * hidden,), "normal")]
    mask = None
    if m.chance(0.4):
        mask = m.operand("i32", (batch,), "ints", 1, tokens) if m.chance(0.5) else m.literal([1] * (batch * tokens), "i32", (batch, tokens))
    m.node(CONTRIB + "Attention", [*inputs, mask], [("f32", (batch, tokens, hidden))], num_heads=heads, unidirectional=m.pick(None, 0, 1), scale=m.pick(None, 0.5))


@entry(CONTRIB + "EmbedLayerNormalization", 1)
def embed(m):
    batch, tokens, hidden, words = m.batch or m.pick(1, 2, 3), m.pick(1, 4, 7), m.pick(1, 4, 9), 11
    ids = m.operand("i32", (batch, tokens), "ints", 0, words - 1, constant=0.1)
    segments = m.operand("i32", (batch, tokens), "ints", 0, 1, constant=0.2) if m.chance(0.5) else None
    tables = [m.constant("f32", (n, hidden), "normal") for n in (words, tokens + 2)] + [m.constant("f32", (2, hidden), "normal") if segments else None]
    scale = [m.constant("f32", (hidden,), "normal") for _ in range(2)]
    m.node(CONTRIB + "EmbedLayerNormalization", [ids, segments, *tables, *scale], [("f32", (batch, tokens, hidden)), ("i32", (batch,))], epsilon=m.pick(None, 1e-2))
