# SPDX-License-Identifier: Apache-2.0
"""Matrix products."""
from case import FLOATS
from maker import broadcast
from registry import entry


@entry("MatMul", 1, weight=4)
def matmul(m):
    a = m.value(FLOATS + (("i32", "i64", "u32", "u64") if m.opset >= 9 else ()), low=1, most=3000)
    k, n = a.shape[-1], m.extent()
    form = m.r.random()
    if form < 0.15:
        b_shape = (k,)
    elif form < 0.5 or a.rank < 3:
        b_shape = (k, n)
    else:
        b_shape = m.broadcastable(a.shape[:-2]) + (k, n)
    b = m.operand(a.dtype, b_shape)
    batch = broadcast(a.shape[:-2], b_shape[:-2])
    rows = (a.shape[-2],) if a.rank > 1 else ()
    m.node("MatMul", [a, b], [(a.dtype, batch + rows + ((n,) if len(b_shape) > 1 else ()))])


@entry("Gemm", 7, weight=3)
def gemm(m):
    a = m.value(FLOATS, 2, 2, most=3000)
    across, down = m.chance(0.3), m.chance(0.5)
    rows, k = reversed(a.shape) if across else a.shape
    n = m.extent()
    b = m.operand(a.dtype, (n, k) if down else (k, n), constant=0.7)
    c = None
    if m.opset < 11 or m.chance(0.75):
        c = m.operand(a.dtype, m.pick((), (1,), (n,), (n,), (1, n), (rows, 1), (rows, n), (1, 1)), constant=0.7)
    m.node("Gemm", [a, b, c], [(a.dtype, (rows, n))], transA=1 if across else m.pick(None, 0), transB=1 if down else m.pick(None, 0),
           alpha=m.pick(None, None, 0.5, 2.0, 0.0), beta=m.pick(None, None, 0.5, -1.0, 0.0))


EQUATIONS = ("ij,jk->ik", "ij,jk", "bij,bjk->bik", "ij->ji", "ij->j", "ii->i", "ii", "ij,ij->", "i,j->ij", "bhid,bhjd->bhij", "...ij,...jk->...ik",
             "...i->...", "ij,kj->ik", "bij,jk->bik", "ijk,kl,lj->i", "b...i,b...i->b...", "iij->ji", "abc->cab", "i,i->i", " ij , jk -> ik ")


@entry("Einsum", 12, weight=2)
def einsum(m):
    equation = m.pick(*EQUATIONS)
    left, arrow, right = equation.replace(" ", "").partition("->")
    free = tuple(m.extent(9) for _ in range(m.pick(0, 1, 2)))
    sizes = {c: m.extent(9) for c in left if c.isalpha()}

    def shape(term):
        out = []
        for part in term.replace("...", "."):
            out += free if part == "." else [sizes[part]]
        return tuple(out)

    dtype = m.dtype(("f32", "f64", "f16", "i32", "i64"))
    operands = [m.operand(dtype, shape(t), constant=0.3) for t in left.split(",")]
    m.node("Einsum", operands, [(dtype, shape(right) if arrow else None)], equation=equation)


@entry("Det", 11)
def det(m):
    n = m.pick(1, 2, 3, 4, 5)
    dtype = m.dtype(("f32", "f64"))
    batch = m.shape(m.pick(0, 1, 2), 40)
    m.node("Det", [m.operand(dtype, batch + (n, n), constant=0.1)], [(dtype, batch)])
