# SPDX-License-Identifier: Apache-2.0
"""The report's cells as Markdown."""
import dataclasses

import agreement
import figures
import foreign
import peers
import ranking

LEGEND = """`*` best peer, `=` not told apart from it (their ranges over the rounds overlap; fewer than three rounds are taken as 10 % to either
side), `!` outputs off, so that it does not count, `~` most rounds were disturbed by something else on the CPU, even when repeated, `-` not there.
Ratios above 1 favour Tercet; with `=` or `~` they say nothing. One stream is held to the best peer that runs one request at a time, two streams to
the best of all; `own fp32` is Tercet's precision against its FP32, in the same rounds."""


def number(value):
    digits = 0 if value >= 99.95 else 1 if value >= 9.995 else 2 if value >= 0.0995 else 3
    return f"{value:.{digits}f}"


def cell_text(result, measure, winner, tied, name):
    if not result or result.get("error") or not result.get(measure.key):
        return "-"
    mark = "!" if not result["agrees"] else "*" if name == winner else "=" if name in tied else ""
    return number(figures.middle(result[measure.key])) + mark + ("~" if result.get(measure.doubtful) else "")


def ratio_text(comparison):
    if not comparison:
        return "-"
    return f"{comparison['ratio']:.2f}" + ("" if comparison["told_apart"] else "=") + ("~" if comparison["doubtful"] else "")


def markdown(rows):
    """`rows`: lists of texts, the first the head; widths aligned, so that it is a table in a terminal, too."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["| " + " | ".join(t.ljust(w) for t, w in zip(row, widths)) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "|".join("-" * (w + 2) for w in widths) + "|", *lines[1:]])


def comparisons_of(cells, measure):
    """Of each cell, with those that go beyond it."""
    baselines = {(c["model"], c["batch"]): c["peers"] for c in cells if c["precision"] == peers.BASELINE}
    return [ranking.comparisons(c["peers"], baselines.get((c["model"], c["batch"])), measure) for c in cells]


def of_measure(cells, entries, measure, contests):
    """Empty if nobody has this figure. Contests that no cell has are left out."""
    shown = [e for e in entries if any(c["peers"].get(e.name, {}).get(measure.key) for c in cells)]
    if not shown:
        return ""
    rivals = [e.name for e in shown if e.package]
    comparisons = comparisons_of(cells, measure)
    contests = [contest for contest in contests if contest in peers.CONTESTS or any(found.get(contest) for found in comparisons)]
    rows = [["model", "precision", "batch", *(e.title for e in shown), *contests]]
    for c, found in zip(cells, comparisons):
        winner, tied = ranking.best(c["peers"], rivals, measure), ranking.ties(c["peers"], rivals, measure)
        rows.append([c["model"], c["precision"], str(c["batch"]),
                     *(cell_text(c["peers"].get(e.name), measure, winner, tied, e.name) for e in shown),
                     *(ratio_text(found.get(contest)) for contest in contests)])
    return f"**{measure.title}**\n\n{markdown(rows)}\n"


def remarks(result, precision):
    if result.get("error"):
        yield result["error"]
    elif not result["agrees"]:
        yield agreement.shortfall(result, precision)
    built = result.get("prepared", {})
    if "build_ms" in built and built["foreign_cores"] > foreign.ALLOWED:
        yield f"tuned while others used {built['foreign_cores']:.2f} cores; --retune on a quiet machine"
    if built.get("reference_steps"):
        yield f"{built['reference_steps']} steps run by their reference implementation"
    elsewhere = {p: count for p, count in built.get("layers", {}).items() if p != precision and count}
    if elsewhere:
        yield "not all in its precision: " + ", ".join(f"{count} layers in {p}" for p, count in elsewhere.items())


def notes(cells):
    """What to know of a result, each once: why it is missing or marked `!`, how its engine came about."""
    found = {}
    for c in cells:
        for name, result in c["peers"].items():
            for remark in remarks(result, c["precision"]):
                found.setdefault((c["model"], c["precision"], name, remark), []).append(str(c["batch"]))
    return "\n".join(f"- {model}, {precision}, {name}, batch {', '.join(batches)}: {remark}"
                     for (model, precision, name, remark), batches in found.items())


def forms(cells):
    """How each peer came to its form in another precision, where it says so."""
    found = dict.fromkeys((c["precision"], name, form) for c in cells for name, r in c["peers"].items() if (form := r.get("prepared", {}).get("form")))
    return "\n".join(f"- {precision}, {name}: {form}" for precision, name, form in found)


def verdict(contest, s):
    left_out = f"; {s['left_out']} left out, as disturbed" if s["left_out"] else ""
    if not s["cells"]:
        return f"{contest}: no cell to judge by{left_out}"
    worst = s["worst"]
    return (f"{contest}: geometric mean {s['geometric_mean']:.2f} over {s['cells']} cells, worst {worst['ratio']:.2f} "
            f"({worst['model']}, batch {worst['batch']}, against {worst['rival']}){left_out}")


def report(cells, entries):
    largest, smallest = max(c["batch"] for c in cells), min(c["batch"] for c in cells)
    single, many = ([c for c in cells if c["batch"] == batch] for batch in (smallest, largest))
    calm = [e for e in entries if not e.overlaps]
    imports = [r["import_rss_bytes"] / 1e6 for c in many for r in c["peers"].values() if r.get("import_rss_bytes")]
    memory = ranking.MEMORY.title + (f", of which {min(imports):.0f} to {max(imports):.0f} are Python and imports" if imports else "") + ")"
    parts = [of_measure(cells, entries, ranking.SAMPLES, [*peers.CONTESTS, *peers.OWN_CONTESTS]), LEGEND + "\n",
             of_measure(single, calm, ranking.LATENCY, ["one stream", "own fp32"]),
             of_measure(single, calm, ranking.TAIL, ["one stream"]),
             of_measure(single, entries, ranking.LOAD, ["one stream"]),
             of_measure(single, entries, ranking.FIRST, ["one stream"]),
             of_measure(many, entries, dataclasses.replace(ranking.MEMORY, title=memory), []), forms(cells) + "\n", notes(cells) + "\n"]
    verdicts = [f"**{verdict(f'{precision}, {contest}', s)}**" for precision, by_contest in ranking.summaries(cells).items()
                for contest, s in by_contest.items()]
    return "\n".join(p for p in [*parts, "\n\n".join(verdicts)] if p.strip()) + "\n"
