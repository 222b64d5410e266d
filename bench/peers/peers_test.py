# SPDX-License-Identifier: Apache-2.0
"""bench/peers without the peers: what it makes of measurements, and when it measures again. Needs the standard library only.

    python3 peers_test.py"""
import json
import os
import pathlib
import sys
import tempfile
import types
import unittest
import xml.etree.ElementTree

sys.dont_write_bytecode = True

import chart
import figures
import foreign
import machine
import models
import peers
import prepared
import process
import ranking
import table
import undisturbed


def result(rates, agrees=True, **more):
    return {"samples_per_s": rates, "p50_ms": [1000 / r for r in rates], "p99_ms": [2000 / r for r in rates], "load_ms": [5.0, 4.0, 6.0],
            "first_inference_ms": [2.0] * 3, "peak_rss_mb": [50.0], "import_rss_bytes": 40_000_000, "rounds_doubtful": False,
            "loads_doubtful": False, "agrees": agrees, "max_relative_error": 1e-6 if agrees else 0.5, **more}


def cell(results, model="net", batch=1):
    return {"model": model, "precision": "fp32", "batch": batch, "peers": results,
            "comparisons": {contest: ranking.compare(results, *sides) for contest, sides in peers.CONTESTS.items()}}


class Figures(unittest.TestCase):
    def test_percentiles_are_measured_values(self):
        values = list(range(1, 101))
        self.assertEqual([figures.percentile(values, p) for p in (50, 99, 100)], [50, 99, 100])
        self.assertEqual(figures.percentile([7.0], 99), 7.0)

    def test_spread_and_mean(self):
        self.assertAlmostEqual(figures.spread([90, 100, 110]), 0.2)
        self.assertAlmostEqual(figures.geometric_mean([0.5, 2.0]), 1.0)

    def test_overlapping_ranges_are_not_told_apart(self):
        self.assertTrue(figures.told_apart([10, 11, 12], [13, 14, 15]))
        self.assertFalse(figures.told_apart([10, 11, 13], [13, 14, 15]))
        self.assertFalse(figures.told_apart([1, 100, 50], [20, 21, 22]))

    def test_few_measurements_reach_further(self):
        self.assertFalse(figures.told_apart([100], [115]))
        self.assertTrue(figures.told_apart([100], [130]))


class Ranking(unittest.TestCase):
    def test_best_is_by_median_among_those_that_count(self):
        results = {"onnxruntime": result([100, 101, 300]), "mnn": result([110, 111, 112]), "ncnn": result([900] * 3, agrees=False),
                   "openvino_latency": {"error": "load: no"}}
        self.assertEqual(ranking.best(results, list(results), ranking.SAMPLES), "mnn")
        self.assertEqual(ranking.best(results, list(results), ranking.LATENCY), "mnn")
        self.assertEqual(ranking.ties(results, list(results), ranking.SAMPLES), {"onnxruntime"})
        self.assertIsNone(ranking.best(results, ["ncnn", "openvino_latency"], ranking.SAMPLES))

    def test_ratio_favours_us_above_one_whatever_is_measured(self):
        results = {"tercet": result([200, 220, 210]), "onnxruntime": result([100, 105, 104])}
        rate, latency = (ranking.compare(results, "tercet", ["onnxruntime"], m) for m in (ranking.SAMPLES, ranking.LATENCY))
        self.assertAlmostEqual(rate["ratio"], 210 / 104)
        self.assertAlmostEqual(latency["ratio"], 210 / 104)
        self.assertTrue(rate["told_apart"])

    def test_one_stream_is_not_held_to_overlapping_requests(self):
        results = {"tercet": result([100] * 3), "tercet_2": result([150] * 3), "onnxruntime": result([80] * 3), "openvino_throughput": result([200] * 3)}
        found = cell(results)["comparisons"]
        self.assertEqual((found["one stream"]["rival"], found["one stream"]["ratio"]), ("onnxruntime", 1.25))
        self.assertEqual((found["two streams"]["rival"], found["two streams"]["ratio"]), ("openvino_throughput", 0.75))

    def test_no_ratio_without_both(self):
        self.assertIsNone(ranking.compare({"tercet": result([1] * 3)}, "tercet", ["mnn"]))
        self.assertIsNone(ranking.compare({"tercet": result([1] * 3, agrees=False), "mnn": result([1] * 3)}, "tercet", ["mnn"]))

    def test_summary_is_over_what_was_quiet(self):
        cells = [cell({"tercet": result([200] * 3), "mnn": result([100] * 3)}, "a"), cell({"tercet": result([50] * 3), "mnn": result([100] * 3)}, "b"),
                 cell({"tercet": result([1] * 3, rounds_doubtful=True), "mnn": result([100] * 3)}, "c"), cell({"mnn": result([1] * 3)}, "d")]
        s = ranking.summary(cells, "one stream")
        self.assertEqual((s["cells"], s["worst"]["model"], s["worst"]["ratio"], s["left_out"]), (2, "b", 0.5, 1))
        self.assertAlmostEqual(s["geometric_mean"], 1.0)
        self.assertEqual(ranking.summary(cells, "two streams"), {"cells": 0, "left_out": 0})
        self.assertEqual(ranking.summary(cells[2:3], "one stream"), {"cells": 0, "left_out": 1})


class Table(unittest.TestCase):
    def test_numbers_keep_three_digits(self):
        self.assertEqual([table.number(v) for v in (16204.4, 99.96, 16.32, 4.1, 0.0612)], ["16204", "100", "16.3", "4.10", "0.061"])

    def test_marks(self):
        results = {"tercet": result([250] * 3), "onnxruntime": result([100, 110, 120]), "openvino_latency": result([115, 120, 125]),
                   "mnn": result([999] * 3, agrees=False), "ncnn": {"error": "prepare: pnnx failed"}}
        results["onnxruntime"]["rounds_doubtful"] = True
        text = table.report([cell(results), cell(results, batch=32)], peers.ALL)
        row = next(line for line in text.splitlines() if line.startswith("| net"))
        self.assertEqual([t.strip() for t in row.strip("|").split("|")],
                         ["net", "fp32", "1", "250", "110=~", "120*", "999!", "2.08", "-"])
        self.assertIn("- net, ncnn, batch 1, 32: prepare: pnnx failed", text)
        self.assertIn("- net, mnn, batch 1, 32: outputs off", text)
        self.assertIn("one stream: geometric mean 2.08 over 2 cells, worst 2.08 (net, batch 1, against openvino_latency)", text)
        self.assertIn("of which 40 to 40 are Python", text)

    def test_a_disturbed_tuning_is_told(self):
        text = table.notes([cell({"tercet": result([1] * 3, prepared={"build_ms": 1, "foreign_cores": 0.8})}),
                            cell({"tercet": result([1] * 3, prepared={"build_ms": 1, "foreign_cores": 0.01})}, "other")])
        self.assertEqual(text, "- net, tercet, batch 1: tuned while others used 0.80 cores; --retune on a quiet machine")

    def test_nobody_measured(self):
        text = table.report([cell({"ncnn": {"error": "load: no"}})], peers.ALL)
        self.assertIn("load: no", text)

    def test_cells_survive_json(self):
        one = cell({"tercet": result([200] * 3), "mnn": result([100] * 3)})
        self.assertEqual(json.loads(json.dumps(one)), one)


class FakeMachine:
    """/proc and a clock: `work` lets time pass, in which our process and others use the processor."""

    def __init__(self):
        self.time, self.own, self.others = 0.0, 0, 0

    def work(self, seconds, own, others):
        self.time, self.own, self.others = self.time + seconds, self.own + own, self.others + others

    def read(self, path):
        if path == "/proc/stat":
            return f"cpu  {self.own + self.others} 0 0 77 88 0 0 0 0 0\ncpu0 1 2 3\n"
        if path == "/proc/self/stat":
            return "1 (python3) S " + " ".join(["0"] * 40)
        return f"7 (a (strange) name) S {' '.join(['1'] * 10)} {self.own} 0 0 0 20 0"

    def watch(self):
        return foreign.Watch([7], self.read, lambda: self.time)


class Foreign(unittest.TestCase):
    def test_proc_files(self):
        self.assertEqual(foreign.busy_ticks("cpu  1 2 4 1000 1000 8 16 32 64 128\ncpu0 ...\n"), 63)
        self.assertEqual(foreign.process_ticks("9 (x) y) S 1 1 1 1 1 1 1 1 1 1 100 20 3 4 20 0 5"), 127)

    def test_five_percent_of_a_core_disturb(self):
        hz = foreign.TICKS_PER_S
        for others, disturbed in ((0, False), (0.04, False), (0.06, True)):
            m = FakeMachine()
            watch = m.watch()
            m.work(10, own=20 * hz, others=int(10 * others * hz))
            self.assertEqual(watch.disturbed(), disturbed, others)
            self.assertAlmostEqual(watch.cores(), others, places=2)

    def test_rounding_does_not_disturb_a_short_round(self):
        m = FakeMachine()
        watch = m.watch()
        m.work(0.1, own=10, others=foreign.TICK_NOISE)
        self.assertFalse(watch.disturbed())

    def test_waiting_for_quiet_ends(self):
        waits = []
        original, foreign.Watch = foreign.Watch, lambda own: types.SimpleNamespace(disturbed=lambda: len(waits) < 3)
        try:
            self.assertTrue(foreign.wait_until_quiet(10, sleep=waits.append))
            self.assertEqual(len(waits), 3)
            foreign.Watch = lambda own: types.SimpleNamespace(disturbed=lambda: True)
            self.assertFalse(foreign.wait_until_quiet(1, sleep=waits.append))
        finally:
            foreign.Watch = original

    def test_idle_is_two_looks_without_work(self):
        ticks = iter([10, 12, 12, 13, 13, 13, 99])
        stat = lambda _: f"7 (x) S {' '.join(['0'] * 10)} {next(ticks)} 0 0 0 0"
        self.assertTrue(foreign.wait_until_idle(7, sleep=lambda _: None, read_text=stat))
        self.assertEqual(next(ticks), 99)


class Undisturbed(unittest.TestCase):
    def run_with(self, others_by_attempt):
        m, waits, rest = FakeMachine(), [], list(others_by_attempt)

        def measure():
            others = rest.pop(0)
            m.work(2, own=4 * foreign.TICKS_PER_S, others=others)
            return others
        return undisturbed.undisturbed(measure, m.watch, lambda: waits.append(1), 5), len(waits)

    def test_a_quiet_round_is_measured_once(self):
        outcome, waits = self.run_with([0])
        self.assertEqual((outcome.disturbed, outcome.attempts, waits), (False, 1, 0))

    def test_a_disturbed_round_is_measured_again(self):
        outcome, waits = self.run_with([100, 50, 1])
        self.assertEqual((outcome.answer, outcome.disturbed, outcome.attempts, waits), (1, False, 3, 2))

    def test_at_last_the_least_disturbed_is_kept_and_marked(self):
        outcome, waits = self.run_with([100, 90, 40, 80, 70, 60])
        self.assertEqual((outcome.answer, outcome.disturbed, outcome.attempts, waits), (40, True, 6, 5))


    def test_quiet_rounds_count(self):
        rounds = [{"n": n, "disturbed": d} for n, d in enumerate((False, True, False, False, True))]
        self.assertEqual(undisturbed.trusted(rounds), ([rounds[0], rounds[2], rounds[3]], False))
        self.assertEqual(undisturbed.trusted(rounds[1:3]), ([rounds[2]], True))
        self.assertEqual(undisturbed.trusted(rounds[1:2]), (rounds[1:2], True))


class Worker(unittest.TestCase):
    def test_a_peer_that_is_not_there_says_so(self):
        with tempfile.TemporaryDirectory() as folder, process.Process("peer_of_nobody", [], pathlib.Path(folder, "log")) as worker:
            with self.assertRaisesRegex(process.Failed, "ModuleNotFoundError: No module named 'peer_of_nobody'"):
                worker.ask("load")

    def test_a_process_that_dies_is_one_failure(self):
        with tempfile.TemporaryDirectory() as folder, process.Process("peer_of_nobody", [], pathlib.Path(folder, "log")) as worker:
            worker.child.kill()
            with self.assertRaisesRegex(process.Failed, "run: the process ended with status -9; it said nothing"):
                worker.ask("run", seconds=1)


class Prepared(unittest.TestCase):
    def test_timings_of_an_older_program_are_dropped(self):
        with tempfile.TemporaryDirectory() as folder:
            timings, program = (pathlib.Path(folder, name) for name in ("timings.json", "tercet"))
            for file in (timings, program):
                file.write_text("")
            set_age(program, 100)
            prepared.drop_old_timings(timings, program)
            self.assertTrue(timings.exists())
            set_age(timings, 200)
            prepared.drop_old_timings(timings, program)
            self.assertFalse(timings.exists())


def set_age(path, seconds):
    then = os.stat(path).st_mtime - seconds
    os.utime(path, (then, then))


class Machine(unittest.TestCase):
    def test_processor(self):
        found = machine.processor("processor : 0\nmodel name\t: A: B\nflags\t\t: fpu avx2 fma odd\n\nprocessor : 1\nmodel name : other\n")
        self.assertEqual((found["processor"], found["flags"]), ("A: B", ["avx2", "fma"]))


class Models(unittest.TestCase):
    def test_trained_models_come_from_the_test_data_or_the_example(self):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path("/checkout")
            self.assertEqual(models.trained_files(root, None), {"fashion_mnist_cnn": root / "examples/fashion_mnist/model.onnx"})
            file = pathlib.Path(folder, "models", "cifar10_vgg.onnx")
            file.parent.mkdir()
            file.write_text("")
            self.assertEqual(models.trained_files(root, folder)["cifar10_vgg"], file)


class Chart(unittest.TestCase):
    def test_has_a_bar_per_cell_and_names_the_rival(self):
        report = {"cells": [{"model": "a<b", "batch": 1, "comparisons": {"one stream": {"ratio": 1.5, "rival": "mnn", "told_apart": True, "doubtful": False}}},
                            {"model": "c", "batch": 32, "comparisons": {"one stream": None}}]}
        drawn = xml.etree.ElementTree.fromstring(chart.svg(report))
        texts = [t.text for t in drawn.iter("{http://www.w3.org/2000/svg}text")]
        self.assertEqual(texts[:2], ["a<b, batch 1", "1.50 mnn"])
        self.assertEqual(len(list(drawn.iter("{http://www.w3.org/2000/svg}rect"))), 2)  # the ground and one bar


if __name__ == "__main__":
    unittest.main()
