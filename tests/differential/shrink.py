# SPDX-License-Identifier: Apache-2.0
"""The smallest case that still fails, by trying what is simpler as long as something is. A candidate need not make sense: the
oracle `fails` says no to what the reference refuses."""
import dataclasses

from case import Fill, Tensor, count, problem, tidy

TRIALS = 400
SHOWN = 64  # observed elements that a case may carry as values


def shrink(case, fails, observe=None, trials=TRIALS):
    """fails(case) -> bool; observe(case) -> {name: (shape, elements or None)} of the values that nodes make, or None."""
    left = trials
    progress = True
    while progress and left > 0:
        progress = False
        for candidates in (fewer_outputs, lambda c: cut_nodes(c, observe), bypassed, fewer_runs, smaller_extents, simpler_attributes, fewer_inputs, simpler_data):
            found = True
            while found and left > 0:
                found = False
                for candidate in candidates(case):
                    candidate = tidy(candidate)
                    if candidate == case or problem(candidate) or not candidate.nodes:
                        continue
                    left -= 1
                    if fails(candidate):
                        case, found, progress = candidate, True, True
                        break
                    if left <= 0:
                        break
    return case


def fewer_outputs(case):
    """One output; or the inner values instead, so that what comes behind them can go."""
    if len(case.outputs) > 1:
        for o in case.outputs:
            yield dataclasses.replace(case, outputs=(o,))
        for o in case.outputs:
            yield dataclasses.replace(case, outputs=tuple(p for p in case.outputs if p != o))
    for n in case.nodes[:-1]:
        for o in n.outputs:
            if o and case.outputs != (o,):
                yield dataclasses.replace(case, outputs=(o,))


def cut_nodes(case, observe):
    """What a node makes becomes an input, with the values that were seen."""
    if len(case.nodes) < 2:
        return
    seen = observe(case) if observe else None
    if not seen:
        return
    for n in case.nodes:
        names = [o for o in n.outputs if o in seen]
        if len(names) < len([o for o in n.outputs if o]):
            continue
        made = []
        for o in names:
            shape, values = seen[o]
            fill = Fill(values=tuple(values)) if values is not None and len(values) <= SHOWN else Fill(kind="normal", seed=1)
            made.append(Tensor(o, n.dtypes[n.outputs.index(o)], tuple(shape), fill))
        yield dataclasses.replace(case, tensors=case.tensors + tuple(made), nodes=tuple(k for k in case.nodes if k is not n),
                                  outputs=tuple(o for o in case.outputs if o not in n.outputs), batches=case.batches[:1])


def bypassed(case):
    """Who reads a node's first output reads one of its inputs instead."""
    for n in case.nodes:
        if not n.outputs[0]:
            continue
        for i in dict.fromkeys(i for i in n.inputs if i):
            if case.dtype_of(i) != n.dtypes[0]:
                continue
            nodes = tuple(dataclasses.replace(k, inputs=tuple(i if r == n.outputs[0] else r for r in k.inputs)) for k in case.nodes if k is not n)
            outputs = tuple(dict.fromkeys(o for o in case.outputs if o not in n.outputs))
            yield dataclasses.replace(case, nodes=nodes, outputs=outputs)


def fewer_runs(case):
    if case.batches:
        for b in case.batches:
            fixed = tuple(dataclasses.replace(t, shape=(b, *t.shape[1:]), batched=False) if t.batched else t for t in case.tensors)
            yield dataclasses.replace(case, tensors=fixed, batches=())
    if len(case.batches) > 1:
        for b in case.batches:
            yield dataclasses.replace(case, batches=tuple(k for k in case.batches if k != b))
        for b in case.batches:
            yield dataclasses.replace(case, batches=(b,))


def resized(t, shape):
    """With the first of its values, if it has some."""
    fill = t.fill
    if fill.values is not None:
        values = fill.values[:count(shape)]
        fill = dataclasses.replace(fill, values=values) if len(values) == count(shape) else Fill(kind="normal", seed=1)
    return dataclasses.replace(t, shape=tuple(shape), fill=fill)


def replaced_everywhere(case, old, new):
    """An extent in all shapes, and in literals and lists that look like shapes."""
    tensors = []
    for t in case.tensors:
        t = resized(t, [new if d == old else d for d in t.shape]) if old in t.shape else t
        if t.constant and t.fill.values is not None and t.dtype == "i64" and len(t.shape) == 1 and old in t.fill.values:
            t = dataclasses.replace(t, fill=dataclasses.replace(t.fill, values=tuple(new if v == old else v for v in t.fill.values)))
        tensors.append(t)
    return dataclasses.replace(case, tensors=tuple(tensors))


def smaller_extents(case):
    extents = sorted({d for t in case.tensors for d in t.shape if d > 1}, reverse=True)
    for old in extents:
        for new in dict.fromkeys((1, 2, old // 2, old - 1)):
            if 0 < new < old:
                yield replaced_everywhere(case, old, new)
    for i, t in enumerate(case.tensors):
        for axis, d in enumerate(t.shape):
            for new in dict.fromkeys((1, d // 2, d - 1)):
                if 0 < new < d and not (t.batched and axis == 0):
                    smaller = resized(t, [new if k == axis else e for k, e in enumerate(t.shape)])
                    yield dataclasses.replace(case, tensors=case.tensors[:i] + (smaller,) + case.tensors[i + 1:])


def simpler_attributes(case):
    def variants(value):
        if isinstance(value, tuple) and value and all(isinstance(v, int) for v in value):
            for simple in (0, 1):
                for i, v in enumerate(value):
                    if abs(v) > simple:
                        yield value[:i] + (simple,) + value[i + 1:]
            for i, v in enumerate(value):
                if v > 2:
                    yield value[:i] + (v - 1,) + value[i + 1:]
        elif isinstance(value, int) and value not in (0, 1):
            yield from (0, 1)
        elif isinstance(value, float) and value not in (0.0, 1.0):
            yield from (1.0, 0.0)

    for at, n in enumerate(case.nodes):
        def with_attributes(attributes, at=at, n=n):
            return dataclasses.replace(case, nodes=case.nodes[:at] + (dataclasses.replace(n, attributes=attributes),) + case.nodes[at + 1:])

        for k in n.attributes:
            yield with_attributes({a: v for a, v in n.attributes.items() if a != k})
        for k, value in n.attributes.items():
            for simpler in variants(value):
                yield with_attributes({**n.attributes, k: simpler})


def fewer_inputs(case):
    """Without the last operands; with one operand for two."""
    for at, n in enumerate(case.nodes):
        if len(n.inputs) > 1:
            shorter = n.inputs[:-1]
            while shorter and not shorter[-1]:
                shorter = shorter[:-1]
            yield dataclasses.replace(case, nodes=case.nodes[:at] + (dataclasses.replace(n, inputs=shorter),) + case.nodes[at + 1:])


def simpler_data(case):
    for i, t in enumerate(case.tensors):
        simpler = []
        if t.fill.values is None and count(t.shape) <= 8 and t.dtype != "bool":
            simpler += [Fill(values=(1,) * count(t.shape)), Fill(values=tuple(range(1, count(t.shape) + 1)))]
        if t.fill.values is None and t.fill.kind in ("special", "extreme"):
            simpler.append(dataclasses.replace(t.fill, kind="normal"))
        if t.fill.values is None and t.fill.kind == "normal" and t.dtype in ("f32", "f64", "f16", "bf16"):
            simpler.append(dataclasses.replace(t.fill, kind="grid"))
        for fill in simpler:
            yield dataclasses.replace(case, tensors=case.tensors[:i] + (dataclasses.replace(t, fill=fill),) + case.tensors[i + 1:])
