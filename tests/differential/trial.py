# SPDX-License-Identifier: Apache-2.0
"""One case, run by both."""
import collections
import dataclasses

import numpy as np

import compare
import deviations
from model import NUMPY, inputs_of, model_of
from reference import Refused
from subject import Broken, Unsupported

Outcome = collections.namedtuple("Outcome", "kind reason setting")  # kind: same, reference refuses, unsupported, unsteady, deviation, failed
ROUNDINGS = (2, 2, 4, 4, 8, 8, 16, 16, 64, 64)  # of the inputs, in units in the last place; several, since half of them go the other way


def reference_results(case, reference, feeds, perturb=None, outputs=None):
    """Per feed the arrays of the outputs, or None where the reference refuses it."""
    dtypes = [NUMPY[case.dtype_of(o)] for o in outputs or case.outputs]
    results = reference.run(model_of(case, perturb, outputs, wide=True), feeds)
    return [None if r is None else [x.astype(t, copy=False) for x, t in zip(r, dtypes)] for r in results]


class Trial:
    """The reference's results of a case, for any number of settings."""

    def __init__(self, case, reference):
        batches = case.batches or (None,)
        feeds = [inputs_of(case, b) for b in batches]
        results = reference_results(case, reference, feeds)
        kept = [i for i, r in enumerate(results) if r is not None]
        self.case = dataclasses.replace(case, batches=tuple(case.batches[i] for i in kept)) if case.batches else case
        self.feeds, self.results = [feeds[i] for i in kept], [results[i] for i in kept]
        self.reference = reference
        self.model = model_of(self.case)
        self.tolerance = compare.tolerance_for(case.dtypes())

    def run(self, tercet, setting):
        try:
            got = tercet.run(self.model, self.case.outputs, self.feeds, setting)
        except Unsupported as e:
            return Outcome("unsupported", str(e), setting)
        except Broken as e:
            return Outcome("failed", str(e), setting)
        for k, (ours, theirs) in enumerate(zip(got, self.results)):
            for i, name in enumerate(self.case.outputs):
                line = compare.difference(name, ours[i], theirs[i], self.tolerance)
                if line is None:
                    continue
                if self.unsteady(k, i, ours[i], theirs[i]):
                    return Outcome("unsteady", line, setting)
                if reason := deviations.known(self.case, name, ours[i], theirs[i]):
                    return Outcome("deviation", reason, setting)
                return Outcome("failed", (f"N={self.case.batches[k]}: " if self.case.batches else "") + line, setting)
        return Outcome("same", "", setting)

    def unsteady(self, k, i, ours, theirs):
        """Whether rounding errors in the inputs move the reference's result as far."""
        if ours.dtype != theirs.dtype:
            return False
        others, batch = [], self.case.batches[k] if self.case.batches else None
        for seed, scale in enumerate(ROUNDINGS):
            moved = np.random.default_rng(seed), scale
            try:
                others.append(reference_results(self.case, self.reference, [inputs_of(self.case, batch, moved)], moved)[0][i])
            except Refused:
                return False
        return compare.explained(ours, theirs, others, self.tolerance)


def observe(case, reference):
    """Shapes and elements of all values that nodes make, as the shrinker wants them."""
    names = [o for n in case.nodes for o in n.outputs if o]
    batch = case.batches[0] if case.batches else None
    try:
        arrays = reference_results(case, reference, [inputs_of(case, batch)], outputs=names)[0]
    except Refused:
        return None
    return {n: (a.shape, a.astype(np.float64).reshape(-1).tolist() if a.dtype.kind not in "iub" else a.reshape(-1).tolist()) for n, a in zip(names, arrays)}
