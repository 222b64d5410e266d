# SPDX-License-Identifier: Apache-2.0
"""Measures a model at one batch: all peers in all precisions in turns, round by round. Each precision is a cell of the report."""
import contextlib
import pathlib
import tempfile

import agreement
import figures
import foreign
import peers
import samples
from process import Failed, Process
from undisturbed import trusted, undisturbed


class Runner:
    """One peer in one cell: its process, and what was found so far. A failure ends its part alone."""

    def __init__(self, entry, arguments, task, folder, settings):
        self.entry, self.arguments, self.task, self.folder, self.settings = entry, arguments, task, folder, settings
        self.name = f"{entry.name}-{task['precision']}"
        self.result = {"rounds": [], "loads": []}
        self.stack, self.process = contextlib.ExitStack(), None

    def attempt(self, step, *arguments):
        if "error" not in self.result:
            try:
                step(*arguments)
            except Failed as e:
                self.result["error"] = str(e)
                self.stack.close()

    def restart(self):
        self.stack.close()
        self.process = self.stack.enter_context(Process(self.entry.module, self.arguments, self.folder / f"{self.name}.log"))
        self.process.ask("memory")  # answered when everything is imported, which is no part of loading

    def watch(self):
        return foreign.Watch([self.process.pid])

    def measured(self, command, watch, **task):
        """The answer, with how quiet it was; the peer sleeps again when this returns, so that the next one has the processor to itself."""
        outcome = undisturbed(lambda: self.process.ask(command, **task), watch, lambda: foreign.wait_until_quiet(self.settings.patience),
                              self.settings.repeats)
        foreign.wait_until_idle(self.process.pid)
        return {**outcome.answer, "foreign_cores": round(outcome.foreign_cores, 3), "disturbed": outcome.disturbed, "attempts": outcome.attempts}

    def load(self):
        def watch():
            self.restart()
            return self.watch()
        self.result["loads"].append(self.measured("load", watch, **self.task))

    def check(self, reference_files):
        found = agreement.compared(self.outputs(), reference_files)
        self.result |= {**found, "agrees": agreement.agrees(found, self.task["precision"])}
        foreign.wait_until_idle(self.process.pid)

    def outputs(self):
        place = self.folder / f"{self.name}-outputs"
        place.mkdir(exist_ok=True)
        return self.process.ask("outputs", folder=str(place))["files"]

    def round(self, seconds):
        self.result["rounds"].append(self.measured("run", self.watch, seconds=seconds))

    def finish(self):
        answer = self.process.ask("memory")
        self.result |= {**answer, "peak_rss_mb": [answer["peak_rss_bytes"] / 1e6], **undisturbed_figures(self.result)}


def undisturbed_figures(result):
    """From all rounds and loads those that count, by what is measured, and whether one has to doubt them."""
    rounds, rounds_doubtful = trusted(result["rounds"])
    loads, loads_doubtful = trusted(result["loads"])
    rates = [r["samples_per_s"] for r in rounds]
    return {"samples_per_s": rates, "median": figures.middle(rates), "spread": figures.spread(rates),
            "p50_ms": [r["latency_ms"]["p50"] for r in rounds], "p99_ms": [r["latency_ms"]["p99"] for r in rounds],
            "load_ms": [r["load_ms"] for r in loads], "first_inference_ms": [r["first_inference_ms"] for r in loads],
            "rounds_doubtful": rounds_doubtful, "loads_doubtful": loads_doubtful}


def reference_outputs(model, task, folder, settings):
    """By a process of its own, so that the reference is there whoever takes part."""
    runner = Runner(peers.REFERENCE, (), task | {"files": {"model": str(model.path)}}, folder, settings)
    with runner.stack:
        runner.restart()
        runner.process.ask("load", **runner.task)
        return runner.outputs()


def measure(model, batch, prepared, settings, progress):
    """`prepared`: {precision: {entry: (arguments, answer of prepare or {"error"})}}. {precision: results by peer}; see ranking.py."""
    with tempfile.TemporaryDirectory(prefix="peers-") as name, contextlib.ExitStack() as all_processes:
        folder = pathlib.Path(name)
        task = {"inputs": samples.write_inputs(model, batch, folder), "outputs": model.outputs, "batch": batch, "threads": settings.threads,
                "precision": peers.BASELINE}
        (folder / "reference").mkdir()
        reference_files = reference_outputs(model, task, folder / "reference", settings)
        runners = []
        for precision, by_entry in prepared.items():
            for entry, (arguments, answer) in by_entry.items():
                runner = Runner(entry, arguments, task | {"files": answer.get("files"), "precision": precision}, folder, settings)
                if "error" in answer:
                    runner.result["error"] = answer["error"]
                runner.result["prepared"] = {k: v for k, v in answer.items() if k not in ("files", "error")}
                all_processes.callback(runner.stack.close)
                runners.append(runner)
        for runner in runners:
            progress(f"batch {batch}: {runner.name}: load and check")
            for _ in range(settings.loads):
                runner.attempt(runner.load)
            runner.attempt(runner.check, reference_files)
        for number in range(settings.rounds):
            turn = number % len(runners)  # nobody always follows the same one
            for runner in runners[turn:] + runners[:turn]:
                progress(f"batch {batch}: round {number + 1}/{settings.rounds}: {runner.name}")
                runner.attempt(runner.round, settings.seconds)
        for runner in runners:
            runner.attempt(runner.finish)
        return {p: {r.entry.name: r.result for r in runners if r.task["precision"] == p} for p in prepared}
