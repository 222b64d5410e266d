# SPDX-License-Identifier: Apache-2.0
"""Who is best in a cell (a model at a precision and batch), and how Tercet compares with it.

A result is what main.py found for one peer in that cell. It counts unless it has an `error` or its outputs are off."""
import dataclasses

import figures


@dataclasses.dataclass(frozen=True)
class Measure:
    title: str
    key: str             # of a result: a list of measurements
    larger_is_better: bool
    disturbed: str       # of a result: how many of the measurements something else disturbed


SAMPLES = Measure("samples/s", "samples_per_s", True, "disturbed_rounds")
LATENCY = Measure("p50 latency, ms", "p50_ms", False, "disturbed_rounds")
TAIL = Measure("p99 latency, ms", "p99_ms", False, "disturbed_rounds")
LOAD = Measure("load, ms (file to ready; MNN and ncnn load files converted before, Tercet one built before)", "load_ms", False, "disturbed_loads")
FIRST = Measure("first inference after load, ms", "first_inference_ms", False, "disturbed_loads")
MEMORY = Measure("peak memory, MB (whole process", "peak_rss_mb", False, "")


def counts(result, measure):
    return not result.get("error") and result.get("agrees", False) and bool(result.get(measure.key))


def best(results, names, measure):
    """The best of these that counts, or None."""
    able = [n for n in names if n in results and counts(results[n], measure)]
    choose = max if measure.larger_is_better else min
    return choose(able, key=lambda n: figures.middle(results[n][measure.key]), default=None)


def ties(results, names, measure):
    """Those that cannot be told apart from the best; without it."""
    winner = best(results, names, measure)
    return {n for n in names if n != winner and n in results and counts(results[n], measure)
            and not figures.told_apart(results[n][measure.key], results[winner][measure.key])}


def compare(results, ours, rivals, measure=SAMPLES):
    """Ours against the best rival; above 1 is in our favour, whatever is measured. None if either is missing."""
    rival = best(results, rivals, measure)
    if rival is None or ours not in results or not counts(results[ours], measure):
        return None
    a, b = results[ours][measure.key], results[rival][measure.key]
    quotient = (lambda x, y: x / y) if measure.larger_is_better else (lambda x, y: y / x)
    return {"ours": ours, "rival": rival, "ratio": quotient(figures.middle(a), figures.middle(b)),
            "by_round": [quotient(x, y) for x, y in zip(a, b)], "told_apart": figures.told_apart(a, b),
            "disturbed": bool(results[ours].get(measure.disturbed) or results[rival].get(measure.disturbed))}


def summary(cells, contest):
    """Over all cells that have this comparison: the geometric mean of the ratios, and the worst."""
    found = [(c["comparisons"][contest], c) for c in cells if c["comparisons"].get(contest)]
    if not found:
        return None
    least, cell = min(found, key=lambda pair: pair[0]["ratio"])
    return {"cells": len(found), "geometric_mean": figures.geometric_mean([r["ratio"] for r, _ in found]),
            "worst": {**{k: cell[k] for k in ("model", "precision", "batch")}, "ratio": least["ratio"], "rival": least["rival"]},
            "disturbed": sum(r["disturbed"] for r, _ in found)}
