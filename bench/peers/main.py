# SPDX-License-Identifier: Apache-2.0
"""Measures Tercet and its peers in turns, and says how they compare. README.md has the method."""
import argparse
import fcntl
import json
import os
import pathlib
import shutil
import sys

import cell
import machine
import models
import peers
import prepared
import ranking
import table
from process import Failed

ROOT = pathlib.Path(__file__).resolve().parents[2]
ALL_CONVOLUTIONAL = "convolutional"


def names_of(text):
    return [part for part in text.split(",") if part]


def options(argv, model_names):
    peer_names = [e.name for e in peers.ALL]
    p = argparse.ArgumentParser(prog="bench/peers/run", description=__doc__)
    p.add_argument("--models", type=names_of, default=model_names, help=f"some of those of --list, separated by commas, or '{ALL_CONVOLUTIONAL}' (all)")
    p.add_argument("--peers", type=names_of, default=peer_names, help="likewise (all)")
    p.add_argument("--batches", type=lambda t: [int(b) for b in names_of(t)], default=[1, 32], help="samples per run (1,32)")
    p.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), help="for each peer in all (the cores)")
    p.add_argument("--rounds", type=int, default=5, help="(5)")
    p.add_argument("--seconds", type=float, default=2.0, help="of each peer in each round, after a warm-up of a tenth of it (2)")
    p.add_argument("--loads", type=int, default=3, help="fresh processes in which loading is timed (3)")
    p.add_argument("--repeats", type=int, default=5, help="of a round that something else disturbed, at most (5)")
    p.add_argument("--patience", type=float, default=10.0, help="seconds to wait for a quiet machine before repeating (10)")
    p.add_argument("--precisions", type=names_of, default=[peers.BASELINE], help=f"some of {','.join(peers.PRECISIONS)}, measured in the same rounds ({peers.BASELINE})")
    p.add_argument("--tercet", type=pathlib.Path, default=ROOT / "build/release/tercet", help="the program (build/release/tercet)")
    p.add_argument("--folder", type=pathlib.Path, default=ROOT / "build/peers-models", help="models and what peers make of them, kept (build/peers-models)")
    p.add_argument("--retune", action="store_true", help="forget Tercet's timings and engines: the machine was not quiet when it tuned")
    p.add_argument("--json", type=pathlib.Path, help="all figures to this file")
    p.add_argument("--show", type=pathlib.Path, metavar="JSON", help="the table of such a file, also of a run that was cut off, and nothing else")
    p.add_argument("--date", help="noted in the JSON file")
    p.add_argument("--list", action="store_true", help="models and peers, and nothing else")
    o = p.parse_args(argv)
    if o.models == [ALL_CONVOLUTIONAL]:
        o.models = models.convolutional(model_names)
    for given, known, what in ((o.models, model_names, "model"), (o.peers, peer_names, "peer"), (o.precisions, peers.PRECISIONS, "precision")):
        for name in given:
            if name not in known:
                p.error(f"no {what} '{name}'; there are: {', '.join(known)}")
    if min(o.rounds, o.loads, o.threads, *o.batches, 1 + o.repeats) < 1 or o.seconds <= 0:
        p.error("rounds, loads, threads, batches and seconds are positive")
    o.folder, o.tercet = o.folder.resolve(), o.tercet.resolve()
    o.timings = o.folder / "timings.json"
    return o


def claim(folder):
    """Two runs at a time would measure each other. Held until the process ends."""
    folder.mkdir(parents=True, exist_ok=True)
    held = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit(f"bench/peers/run: another run is at work in {folder}")


def own_copy(program, folder):
    """So that whoever builds Tercet meanwhile does not change what is measured. The time stays, by which it is told from others."""
    copy = folder / "tercet"
    if program == copy or not program.exists():
        return program
    shutil.copy2(program, copy)
    return copy


def progress(text):
    """One line of a terminal that changes; in a log it would be many, so that nothing is said there."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def prepare_all(model, entries, versions, o):
    """{precision: {entry: (the worker's arguments, the answer or {"error"})}}"""
    found = {precision: {} for precision in o.precisions}
    for precision in o.precisions:
        for entry in entries:
            if precision not in entry.precisions:
                continue
            progress(f"{model.name}: {entry.name}: prepare in {precision}")
            arguments = tuple(a.format(tercet=o.tercet) for a in entry.arguments)
            try:
                answer = prepared.prepare(entry, arguments, versions[entry.package or "tercet"], model, precision, o.folder, o)
            except Failed as e:
                answer = {"error": str(e)}
            found[precision][entry] = (arguments, answer)
    return found


def cells_of(name, batch, by_precision, entries):
    """The report's, from what was measured together."""
    rivals = [e.name for e in entries if e.package]
    return [{"model": name, "precision": precision, "batch": batch, "best_peer": ranking.best(results, rivals, ranking.SAMPLES),
             "comparisons": ranking.comparisons(results, by_precision.get(peers.BASELINE)), "peers": results}
            for precision, results in by_precision.items()]


def write(file, document):
    if file:
        part = file.with_name(file.name + ".part")
        part.write_text(json.dumps(document, indent=1) + "\n")
        os.replace(part, file)


def show(document):
    m, s = document["machine"], document["settings"]
    print(f"{m['processor']} (family {m['family']}, model {m['model']}: {' '.join(m['flags'])}), {m['cores']} cores; {s['threads']} threads, "
          f"{s['rounds']} rounds of {s['seconds']:g} s\n")
    taking_part = {name for c in document["cells"] for name in c["peers"]}
    print(table.report(document["cells"], [e for e in peers.ALL if e.name in taking_part]), end="")


def main(argv):
    test_data = os.environ.get("TERCET_TEST_DATA")
    names = models.names(ROOT, test_data)
    o = options(argv, names)
    if o.show:
        return show(json.loads(o.show.read_text()))
    entries = [e for e in peers.ALL if e.name in o.peers]
    versions = {e.package: machine.package_version(e.package) for e in peers.ALL if e.package}
    versions |= {e.quantizer: machine.package_version(e.quantizer) for e in peers.ALL if e.quantizer}
    versions["tercet"] = machine.program_version(o.tercet, ROOT)
    if o.list:
        print("models:", *names)
        for e in peers.ALL:
            print(f"peer: {e.name} ({e.title}, {versions[e.package] if e.package else o.tercet})")
        return
    claim(o.folder)
    o.tercet = own_copy(o.tercet, o.folder)
    if o.retune:
        o.timings.unlink(missing_ok=True)
        for note in o.folder.glob("*/tercet*/prepared.json"):
            note.unlink()
    settings = {k: getattr(o, k) for k in ("threads", "rounds", "seconds", "loads", "repeats", "patience", "precisions")}
    document = {"machine": machine.describe(), "versions": versions, "settings": settings, "cells": [], "summary": {}}
    if o.date:
        document["date"] = o.date
    for name in o.models:
        model = models.get(name, ROOT, test_data, o.folder)
        ready = prepare_all(model, entries, versions, o)
        for batch in o.batches:
            by_precision = cell.measure(model, batch, ready, o, lambda text: progress(f"{name}: {text}"))
            document["cells"] += cells_of(name, batch, by_precision, entries)
            document["summary"] = ranking.summaries(document["cells"])
            write(o.json, document)  # so that a run that is cut off leaves what it has
    progress("")
    show(document)


if __name__ == "__main__":
    main(sys.argv[1:])
