# SPDX-License-Identifier: Apache-2.0
"""Cases from seeds."""
import random

from maker import Maker, Unfit
from table import TABLE

OPSETS = (7, 8, 9, 9, 10, 11, 11, 12, 13, 13, 14, 15, 16, 17, 17, 18, 19, 20, 21, 21, 22, 23, 24, 25)
DTYPES = (("f32",),) * 9 + (("f32", "i64"), ("f32", "i32"), ("f32", "bool"), ("f64",), ("f16",), ("f16", "f32"), ("bf16",), ("i64",), ("i32",), ("i8", "u8"),
                            ("i16", "u16"), ("u32", "u64"), ("bool",))
ATTEMPTS = 12  # to fit an operator to what there is
NODES = 8      # a pattern at the end may add a few more


def make_case(seed, only=None):
    """The case of a seed, a text. With `only` (names of entries), every case has one of them."""
    r = random.Random(seed)
    while True:
        wanted = draw(r, [e for e in TABLE if only is None or e.op in only])
        opset = r.choice([o for o in OPSETS if wanted.since <= o <= wanted.until] or [wanted.since])
        fit = [e for e in TABLE if e.since <= opset <= e.until]
        m = Maker(r, opset, r.choice(DTYPES))
        nodes = min(NODES, 1 + int(r.expovariate(0.45)))
        place = r.randrange(nodes)
        found = False
        for i in range(nodes):
            if i == place:
                found = any(add(m, wanted) for _ in range(ATTEMPTS))
            elif len(m.nodes) < NODES:
                any(add(m, draw(r, fit)) for _ in range(ATTEMPTS))
        if found:
            return m.case()


def draw(r, entries):
    return r.choices(entries, [e.weight for e in entries])[0]


def add(m, e):
    """Adds the nodes of an entry; false, and nothing added, if it does not fit."""
    kept = len(m.tensors), len(m.nodes), len(m.values)
    try:
        e.make(m)
        return True
    except Unfit:
        del m.tensors[kept[0]:], m.nodes[kept[1]:], m.values[kept[2]:]
        return False
