# SPDX-License-Identifier: Apache-2.0
"""Compares Tercet with onnxruntime on random small models. README.md says how."""
import argparse
import collections
import concurrent.futures
import hashlib
import json
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time

import found
import generate
import table
from reference import Reference, Refused
from shrink import shrink
from subject import Setting, Tercet, kind_of
from trial import Outcome, Trial, observe

NAMED = 30  # operators, in a list
ROOT = pathlib.Path(__file__).resolve().parents[2]


def options(argv):
    p = argparse.ArgumentParser(prog="tests/differential/run", description=__doc__)
    p.add_argument("--cases", type=int, default=500, help="how many (500)")
    p.add_argument("--seed", type=int, default=None, help="decides all of it (the time)")
    p.add_argument("--first", type=int, default=0, metavar="K", help="begin with case K of the seed (0)")
    p.add_argument("--ops", type=lambda t: [w.strip() for w in t.split(",")], default=None, help="operators and patterns, separated by commas; each case has one (all)")
    p.add_argument("--all-settings", action="store_true", help="every ISA level of this machine, 1 and 2 threads, with and without passes; else two per case")
    p.add_argument("--jobs", type=int, default=2, help="cases at a time (2)")
    p.add_argument("--keep", type=pathlib.Path, default=ROOT / "build/differential", metavar="DIR", help="where failing cases go (build/differential)")
    p.add_argument("--no-shrink", action="store_true", help="keep failing cases as they are")
    p.add_argument("--tercet", type=pathlib.Path, default=ROOT / "build/release/tercet", help="the program (build/release/tercet)")
    p.add_argument("--replay", type=pathlib.Path, metavar="DIR", help="run a kept case, or all below a folder, in every setting")
    p.add_argument("--show", type=int, metavar="K", help="print case K of the seed and end")
    p.add_argument("--json", type=pathlib.Path, metavar="FILE", help="also write the figures")
    p.add_argument("--list", action="store_true", help="the operators of the table, and those left out")
    return p.parse_args(argv)


def doctor(program, *words):
    return json.loads(subprocess.run([program, "doctor", "--json", *words], capture_output=True, text=True, check=True).stdout)


def levels_of(machine):
    """Those that this machine has, its own last."""
    levels = machine["levels"]
    return levels[:levels.index(machine["machine_isa"])]


def settings_for(seed, levels, every):
    """As most users meet it, and another one that the seed draws."""
    if every:
        return [Setting(isa, threads, passes) for isa in ["", *levels] for threads in (1, 2) for passes in ("on", "off")]
    r = random.Random(f"{seed}/settings")
    usual = Setting(threads=r.choice((1, 2)))
    other = Setting(r.choice(["", "", *levels]), r.choice((1, 2)), r.choice(("on", "on", "off")), r.random() < 0.15)
    return [usual] if other == usual else [usual, other]


class Run:
    """The cases of a seed, in a few threads; each has a reference process and a folder of its own."""

    def __init__(self, o, levels, scratch):
        self.o, self.levels, self.scratch = o, levels, scratch
        self.lock = threading.Lock()
        self.local = threading.local()
        self.workers = []
        self.outcomes, self.operators, self.reasons = collections.Counter(), collections.Counter(), collections.defaultdict(dict)
        self.refused, self.found = collections.Counter(), set()

    def worker(self):
        if not hasattr(self.local, "tercet"):
            with self.lock:
                self.workers.append(Reference())
                self.local.reference = self.workers[-1]
                self.local.tercet = Tercet(self.o.tercet, self.scratch / str(len(self.workers)))
        return self.local.reference, self.local.tercet

    def one(self, k):
        reference, tercet = self.worker()
        seed = f"{self.o.seed}/{k}"
        case = generate.make_case(seed, self.o.ops)
        try:
            trial = Trial(case, reference)
        except Refused as e:
            with self.lock:
                self.note(Outcome("reference refuses", str(e).replace("\n", " ")[:300], None), seed, case)
            return
        for setting in settings_for(seed, self.levels, self.o.all_settings):
            outcome = trial.run(tercet, setting)
            with self.lock:
                self.note(outcome, seed, case)
            if outcome.kind == "failed":
                self.keep(trial.case, outcome, seed, reference, tercet)
                break

    def note(self, outcome, seed, case):
        self.outcomes[outcome.kind] += 1
        if outcome.kind == "same":
            self.operators.update(set(case.operators()))
        elif outcome.kind == "reference refuses":
            self.refused.update(set(case.operators()))
        if outcome.reason and outcome.kind != "failed":
            key = outcome.reason if outcome.kind == "deviation" else kind_of(outcome.reason)
            times, first = self.reasons[outcome.kind].get(key, (0, f"{seed}: {outcome.reason}"))
            self.reasons[outcome.kind][key] = (times + 1, first)

    def keep(self, case, outcome, seed, reference, tercet):
        """Shrinks a failing case and writes it to a folder."""
        def fails(candidate):
            try:
                return Trial(candidate, reference).run(tercet, outcome.setting).kind == "failed"
            except Refused:
                return False

        small = case if self.o.no_shrink else shrink(case, fails, lambda c: observe(c, reference))
        try:
            trial = Trial(small, reference)
            outcome = trial.run(tercet, outcome.setting)
        except Refused:
            return
        name = f"{small.nodes[-1].op}-{hashlib.sha256(small.text().encode()).hexdigest()[:8]}"
        with self.lock:
            if name in self.found:
                return
            self.found.add(name)
            found.write(self.o.keep / name, trial, outcome, seed)
            print(f"\rFAILED {seed} ({outcome.setting.text()}): {outcome.reason}\n  {small.text()}\n  {self.o.keep / name}", flush=True)

    def all(self):
        began = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(self.o.jobs) as pool:
            for done, future in enumerate(concurrent.futures.as_completed([pool.submit(self.one, self.o.first + k) for k in range(self.o.cases)]), 1):
                future.result()
                if sys.stderr.isatty() or done % 500 == 0:
                    print(f"\r{done} of {self.o.cases} cases, {time.monotonic() - began:.0f} s", end="" if sys.stderr.isatty() else "\n", file=sys.stderr, flush=True)
        for reference in self.workers:
            reference.stop()


def report(run):
    print(f"\nseed {run.o.seed}, cases {run.o.first} to {run.o.first + run.o.cases - 1}:")
    for kind, n in run.outcomes.most_common():
        print(f"{n:7} {kind}")
    for kind in ("unsupported", "deviation", "reference refuses"):
        rows = sorted(run.reasons[kind].items(), key=lambda row: -row[1][0])
        if rows:
            print(f"\n{kind}:")
            for _, (n, first) in rows[:60]:
                print(f"{n:7} {first}"[:260])
    never = sorted(op for op in table.operators() if run.operators[op] == 0)
    if len(never) <= NAMED:
        print("\nnever compared: " + (", ".join(f"{op} (the reference refused {run.refused[op]} cases with it)" for op in never) or "none"))
    else:
        print(f"\nnever compared: {len(never)} operators of {len(table.operators())}")


def replay(o, levels):
    folders = sorted(p.parent for p in o.replay.rglob("model.onnx")) if not (o.replay / "model.onnx").exists() else [o.replay]
    if not folders:
        sys.exit(f"{o.replay} holds no case")
    failed = 0
    with tempfile.TemporaryDirectory() as scratch:
        tercet = Tercet(o.tercet, scratch)
        for folder in folders:
            bad = 0
            for setting in settings_for("", levels, True):
                reason = found.run(folder, tercet, setting)
                if reason:
                    print(f"{folder.name} ({setting.text()}): {reason}")
                bad += bool(reason)
            print(f"{folder.name}: {'still fails' if bad else 'as it should be'}; {found.description(folder)}")
            failed += bool(bad)
    return 1 if failed else 0


def main(argv):
    o = options(argv)
    if o.seed is None:
        o.seed = int(time.time())
    if o.show is not None:
        print(generate.make_case(f"{o.seed}/{o.show}", o.ops).text())
        return 0
    if not o.tercet.exists():
        sys.exit(f"{o.tercet}: there is no such program; build it (scripts/build), or name one by --tercet")
    machine = doctor(o.tercet, "--ops")
    untested = sorted({".".join(filter(None, (op["domain"], op["name"]))) for op in machine["operators"]} - table.operators() - set(table.LEFT_OUT))
    if o.list:
        print("in the table: " + ", ".join(sorted(table.operators())))
        for op, why in table.LEFT_OUT.items():
            print(f"left out: {op}: {why}")
        print("in neither: " + (", ".join(untested) or "none"))
        return 0
    if o.replay:
        return replay(o, levels_of(machine))
    if unknown := set(o.ops or ()) - {e.op for e in table.TABLE}:
        sys.exit(f"--ops: {', '.join(sorted(unknown))} is not in the table; see --list")
    print(f"seed {o.seed}, {o.cases} cases from {o.first}" + (f"; neither in the table nor left out: {', '.join(untested)}" if untested else ""), flush=True)
    scratch = pathlib.Path(tempfile.mkdtemp(prefix="differential-"))
    try:
        run = Run(o, levels_of(machine), scratch)
        run.all()
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    report(run)
    if o.json:
        o.json.write_text(json.dumps({"seed": o.seed, "outcomes": run.outcomes, "operators": run.operators, "reasons": run.reasons, "found": sorted(run.found)}, indent=1))
    return 1 if run.found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
