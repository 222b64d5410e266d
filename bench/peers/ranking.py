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
    doubtful: str        # of a result: whether something else disturbed most of the measurements


SAMPLES = Measure("samples/s", "samples_per_s", True, "rounds_doubtful")
LATENCY = Measure("p50 latency, ms", "p50_ms", False, "rounds_doubtful")
TAIL = Measure("p99 latency, ms", "p99_ms", False, "rounds_doubtful")
LOAD = Measure("load, ms (file to ready; MNN and ncnn load files converted before, Tercet one built before)", "load_ms", False, "loads_doubtful")
FIRST = Measure("first inference after load, ms", "first_inference_ms", False, "loads_doubtful")
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
            "told_apart": figures.told_apart(a, b), "doubtful": any(results[n].get(measure.doubtful, False) for n in (ours, rival))}


def summary(cells, contest):
    """Over the cells whose ratio is beyond doubt: the geometric mean, and the worst; and how many were left out."""
    found = [(c["comparisons"][contest], c) for c in cells if c["comparisons"].get(contest)]
    sound = [(r, c) for r, c in found if not r["doubtful"]]
    result = {"cells": len(sound), "left_out": len(found) - len(sound)}
    if sound:
        least, cell = min(sound, key=lambda pair: pair[0]["ratio"])
        result["geometric_mean"] = figures.geometric_mean([r["ratio"] for r, _ in sound])
        result["worst"] = {**{k: cell[k] for k in ("model", "precision", "batch")}, "ratio": least["ratio"], "rival": least["rival"]}
    return result
