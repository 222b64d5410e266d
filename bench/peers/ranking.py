# SPDX-License-Identifier: Apache-2.0
"""Who is best in a cell (a model at a precision and batch), and how Tercet compares with it.

A result is what main.py found for one peer in that cell. It counts unless it has an `error` or its outputs are off."""
import dataclasses

import figures
import peers


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
    return {"ours": ours, "rival": rival, **_ratio(results[ours], results[rival], measure)}


def _ratio(ours, rival, measure):
    a, b = ours[measure.key], rival[measure.key]
    quotient = (lambda x, y: x / y) if measure.larger_is_better else (lambda x, y: y / x)
    return {"ratio": quotient(figures.middle(a), figures.middle(b)), "told_apart": figures.told_apart(a, b),
            "doubtful": any(r.get(measure.doubtful, False) for r in (ours, rival))}


def compare_with_own(results, baseline, name, measure=SAMPLES):
    """One against itself in FP32, whose results in the same rounds are in `baseline`. None if either is missing."""
    if any(name not in r or not counts(r[name], measure) for r in (results, baseline)):
        return None
    return {"ours": name, "rival": f"{name} in {peers.BASELINE}", **_ratio(results[name], baseline[name], measure)}


def comparisons(results, baseline=None, measure=SAMPLES):
    """By contest; without `baseline` (or in it) nobody is compared with itself."""
    found = {contest: compare(results, *sides, measure) for contest, sides in peers.CONTESTS.items()}
    if baseline is not None and baseline is not results:
        found |= {contest: compare_with_own(results, baseline, name, measure) for contest, name in peers.OWN_CONTESTS.items()}
    return found


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


def summaries(cells):
    """{precision: {contest: summary}}, where a contest has cells."""
    found = {}
    for precision in dict.fromkeys(c["precision"] for c in cells):
        own = [c for c in cells if c["precision"] == precision]
        by_contest = {contest: summary(own, contest) for contest in (*peers.CONTESTS, *peers.OWN_CONTESTS)}
        found[precision] = {contest: s for contest, s in by_contest.items() if s["cells"] + s["left_out"]}
    return found
