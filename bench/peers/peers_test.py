# SPDX-License-Identifier: Apache-2.0
"""bench/peers without the peers: what it makes of measurements, and when it measures again. Needs the standard library only; with numpy it
looks at arrays, too.

    python3 peers_test.py"""
import contextlib
import gzip
import importlib.util
import io
import json
import os
import pathlib
import sys
import tempfile
import types
import unittest
import unittest.mock
import xml.etree.ElementTree

sys.dont_write_bytecode = True

import agreement
import cell as one_cell
import chart
import figures
import foreign
import machine
import main
import models
import peer_tercet
import peers
import prepared
import process
import ranking
import samples
import static_qdq
import table
import undisturbed

HAS_NUMPY = importlib.util.find_spec("numpy") is not None


def result(rates, agrees=True, **more):
    return {"samples_per_s": rates, "p50_ms": [1000 / r for r in rates], "p99_ms": [2000 / r for r in rates], "load_ms": [5.0, 4.0, 6.0],
            "first_inference_ms": [2.0] * 3, "peak_rss_mb": [50.0], "import_rss_bytes": 40_000_000, "rounds_doubtful": False,
            "loads_doubtful": False, "agrees": agrees, "max_relative_error": 1e-6 if agrees else 0.5, **more}


def cell(results, model="net", batch=1, precision="fp32", baseline=None):
    return {"model": model, "precision": precision, "batch": batch, "peers": results, "comparisons": ranking.comparisons(results, baseline)}


class Agreement(unittest.TestCase):
    def test_every_precision_has_one_measure(self):
        self.assertEqual(sorted(peers.PRECISIONS), sorted([*agreement.TOLERANCE, *agreement.LEAST_SQNR_DB]))

    def test_power_of_noise(self):
        self.assertAlmostEqual(agreement.decibels(100.0, 1.0), 20.0)
        self.assertEqual(agreement.decibels(1.0, 0.0), agreement.HIGHEST_DB)
        self.assertEqual(agreement.decibels(1.0, float("nan")), -agreement.HIGHEST_DB)
        self.assertLess(agreement.decibels(0.0, 1.0), -200)

    def test_eight_bits_are_held_to_noise_and_the_others_to_the_worst_element(self):
        noisy = {"max_relative_error": 0.3, "sqnr_db": 25.0}
        self.assertEqual([agreement.agrees(noisy, p) for p in ("fp32", "int8", "fp16")], [False, True, False])
        rounded = {"max_relative_error": 5e-3, "sqnr_db": 50.0}
        self.assertEqual([agreement.agrees(rounded, p) for p in ("fp32", "int8", "fp16")], [False, True, True])
        self.assertFalse(agreement.agrees({"max_relative_error": 0.9, "sqnr_db": 2.0}, "int8"))

    def test_says_by_what_it_judged(self):
        off = {"max_relative_error": 0.5, "sqnr_db": 2.0}
        self.assertEqual(agreement.shortfall(off, "fp16"), "outputs off: error 5.0e-01 of the greatest")
        self.assertEqual(agreement.shortfall(off, "int8"), "outputs off: 2.0 dB between signal and noise")

    @unittest.skipUnless(HAS_NUMPY, "needs numpy")
    def test_arrays(self):
        import numpy
        with tempfile.TemporaryDirectory() as folder:
            def file(name, values):
                numpy.save(pathlib.Path(folder, name), numpy.array(values, numpy.float32))
                return pathlib.Path(folder, f"{name}.npy")
            a, b, nan, short = file("a", [3, 4]), file("b", [3, 3.5]), file("nan", [3, float("nan")]), file("short", [3])
            self.assertEqual(agreement.compared([a, a], [a, a]), {"max_relative_error": 0.0, "sqnr_db": agreement.HIGHEST_DB})
            worst = agreement.compared([a, b], [a, a])
            self.assertAlmostEqual(worst["max_relative_error"], 0.125)
            self.assertAlmostEqual(worst["sqnr_db"], 20.0)
            for bad in ([nan], [short], [a, a]):
                self.assertEqual(agreement.compared(bad, [a])["max_relative_error"], float("inf"))
                self.assertFalse(agreement.agrees(agreement.compared(bad, [a]), "int8"))


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

    def test_other_precisions_are_held_to_our_own_fp32(self):
        plain = {"tercet": result([100] * 3), "onnxruntime": result([50] * 3)}
        small = {"tercet": result([150] * 3), "onnxruntime": result([200] * 3)}
        found = cell(small, precision="int8", baseline=plain)["comparisons"]
        self.assertEqual((found["one stream"]["rival"], found["one stream"]["ratio"]), ("onnxruntime", 0.75))
        self.assertEqual((found["own fp32"]["rival"], found["own fp32"]["ratio"]), ("tercet in fp32", 1.5))
        self.assertTrue(found["own fp32"]["told_apart"])
        self.assertIsNone(found["own fp32, two streams"])
        self.assertNotIn("own fp32", cell(plain, baseline=plain)["comparisons"])
        self.assertNotIn("own fp32", cell(small, precision="int8")["comparisons"])
        wrong = cell({"tercet": result([900] * 3, agrees=False)}, precision="int8", baseline=plain)
        self.assertIsNone(wrong["comparisons"]["own fp32"])

    def test_less_memory_and_latency_than_in_fp32_are_above_one(self):
        plain, small = ({"tercet": result([rate] * 3, peak_rss_mb=[mb])} for rate, mb in ((100, 80), (200, 40)))
        for measure in (ranking.LATENCY, ranking.MEMORY):
            self.assertAlmostEqual(ranking.compare_with_own(small, plain, "tercet", measure)["ratio"], 2.0)

    def test_summaries_keep_precisions_apart(self):
        plain = {"tercet": result([100] * 3), "mnn": result([50] * 3)}
        small = {"tercet": result([150] * 3), "mnn": result([300] * 3)}
        half = {"tercet": result([95] * 3)}
        s = ranking.summaries([cell(plain), cell(small, precision="int8", baseline=plain), cell(half, precision="fp16", baseline=plain)])
        self.assertEqual({p: list(contests) for p, contests in s.items()},
                         {"fp32": ["one stream"], "int8": ["one stream", "own fp32"], "fp16": ["own fp32"]})
        self.assertAlmostEqual(s["int8"]["one stream"]["geometric_mean"], 0.5)
        self.assertAlmostEqual(s["fp16"]["own fp32"]["geometric_mean"], 0.95)
        self.assertEqual(s["fp16"]["own fp32"]["worst"]["precision"], "fp16")


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
        self.assertIn("- net, fp32, ncnn, batch 1, 32: prepare: pnnx failed", text)
        self.assertIn("- net, fp32, mnn, batch 1, 32: outputs off", text)
        self.assertIn("fp32, one stream: geometric mean 2.08 over 2 cells, worst 2.08 (net, batch 1, against openvino_latency)", text)
        self.assertIn("of which 40 to 40 are Python", text)

    def test_a_disturbed_tuning_is_told(self):
        text = table.notes([cell({"tercet": result([1] * 3, prepared={"build_ms": 1, "foreign_cores": 0.8})}),
                            cell({"tercet": result([1] * 3, prepared={"build_ms": 1, "foreign_cores": 0.01})}, "other")])
        self.assertEqual(text, "- net, fp32, tercet, batch 1: tuned while others used 0.80 cores; --retune on a quiet machine")

    def test_precisions_of_one_model_stand_below_each_other(self):
        plain = {"tercet": result([100] * 3), "mnn": result([50] * 3)}
        small = {"tercet": result([150] * 3), "mnn": result([999] * 3, agrees=False, sqnr_db=2.0, prepared={"form": "KL"}),
                 "onnxruntime": result([75] * 3)}
        half = {"tercet": result([80] * 3)}
        text = table.report([cell(plain), cell(small, precision="int8", baseline=plain), cell(half, precision="fp16", baseline=plain)], peers.ALL)
        rows = [[t.strip() for t in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("| net") or line.startswith("| model")]
        self.assertEqual(rows[:4], [["model", "precision", "batch", "Tercet", "ORT", "MNN", "one stream", "two streams", "own fp32"],
                                    ["net", "fp32", "1", "100", "-", "50.0*", "2.00", "-", "-"],
                                    ["net", "int8", "1", "150", "75.0*", "999!", "2.00", "-", "1.50"],
                                    ["net", "fp16", "1", "80.0", "-", "-", "-", "-", "0.80"]])
        self.assertIn("- int8, mnn: KL\n", text)
        self.assertIn("- net, int8, mnn, batch 1: outputs off: 2.0 dB", text)
        self.assertIn("**fp16, own fp32: geometric mean 0.80 over 1 cells, worst 0.80 (net, batch 1, against tercet in fp32)**", text)

    def test_layers_that_stayed_behind_are_told(self):
        text = table.notes([cell({"tercet": result([1] * 3, prepared={"layers": {"int8": 20, "fp32": 3, "fp16": 0}})}, precision="int8")])
        self.assertEqual(text, "- net, int8, tercet, batch 1: not all in its precision: 3 layers in fp32")

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


    def prepare(self, folder, precision, answer, entry=peers.REFERENCE):
        """How often the peer was asked, and for what; `answer` makes the files in the folder that it is given."""
        asked = []

        class Process(contextlib.nullcontext):
            pid = "self"

            def __init__(self, *_):
                super().__init__(self)

            def ask(self, do, **task):
                asked.append(task)
                return answer(pathlib.Path(task["folder"]))

        model = models.Model("net", pathlib.Path(folder, "net.onnx"), (("x", (3,), "float32"),), ("y",))
        calibration = pathlib.Path(folder, "calibration.npy")
        for file in (model.path, calibration):
            if not file.exists():  # its time is part of what it is
                file.touch()
        with unittest.mock.patch.object(prepared, "Process", Process), \
                unittest.mock.patch.object(samples, "calibration_files", lambda *_: {"x": str(calibration)}):
            given = prepared.prepare(entry, (), "1.0", model, precision, folder, None)
        return given, asked

    @staticmethod
    def made(place):
        (place / "made").write_text("whole")
        return {"files": {"model": str(place / "made")}}

    def test_a_form_is_kept_by_precision(self):
        with tempfile.TemporaryDirectory() as folder:
            first, asked = self.prepare(folder, "int8", self.made)
            self.assertEqual((asked[0]["precision"], list(asked[0]["calibration"]), asked[0]["transformer"]), ("int8", ["x"], False))
            self.assertEqual(self.prepare(folder, "int8", self.made), (first, []))
            plain, asked = self.prepare(folder, "fp32", self.made)
            self.assertNotIn("calibration", asked[0])
            self.assertNotEqual(plain["files"], first["files"])
            self.assertEqual(self.prepare(folder, "int8", self.made), (first, []))

    def test_new_samples_make_a_new_form(self):
        with tempfile.TemporaryDirectory() as folder:
            self.prepare(folder, "int8", self.made)
            set_age(pathlib.Path(folder, "calibration.npy"), 100)
            self.assertEqual(len(self.prepare(folder, "int8", self.made)[1]), 1)

    def test_a_preparation_that_was_cut_off_is_made_again_from_nothing(self):
        def cut_off(place):
            (place / "made").write_text("ha")
            raise process.Failed("killed")

        def continued(place):
            self.assertFalse((place / "made").exists())
            return self.made(place)
        with tempfile.TemporaryDirectory() as folder:
            with self.assertRaises(process.Failed):
                self.prepare(folder, "int8", cut_off)
            self.assertEqual(len(self.prepare(folder, "int8", continued)[1]), 1)

    def test_a_form_whose_file_is_gone_is_made_again(self):
        with tempfile.TemporaryDirectory() as folder:
            os.remove(self.prepare(folder, "int8", self.made)[0]["files"]["model"])
            self.assertEqual(len(self.prepare(folder, "int8", self.made)[1]), 1)

    def test_both_hints_of_openvino_share_what_is_quantized(self):
        with tempfile.TemporaryDirectory() as folder:
            latency, throughput = (e for e in peers.ALL if e.form == "openvino")
            first, _ = self.prepare(folder, "int8", self.made, latency)
            self.assertEqual(self.prepare(folder, "int8", self.made, throughput), (first, []))


class Tercet(unittest.TestCase):
    def words_of_build(self, **task):
        given = []
        peer = peer_tercet.Peer("tercet", "2")
        peer.tercet = lambda *words: given.extend(words) or '[{"build_ms": 1, "reference_steps": 0, "bytes": 5, "layers": {"int8": 7}}]'
        answer = peer.prepare({"model": "m.onnx", "folder": "f", "timings": "t.json", "threads": 4, **task})
        return given, answer

    def test_int8_is_built_on_the_calibration_samples(self):
        words, answer = self.words_of_build(precision="int8", calibration={"x": "c.npy"})
        self.assertEqual(words[words.index("--precision") + 1], "int8")
        self.assertEqual(words[words.index("--calib-data") + 1], "c.npy")
        self.assertEqual(answer["layers"], {"int8": 7})

    def test_others_need_no_samples(self):
        self.assertNotIn("--calib-data", self.words_of_build(precision="fp16")[0])

    def test_several_inputs_are_no_samples(self):
        with self.assertRaisesRegex(RuntimeError, "several inputs"):
            self.words_of_build(precision="int8", calibration={"x": "c.npy", "mask": "d.npy"})


class Cell(unittest.TestCase):
    def test_all_precisions_take_turns_in_each_round(self):
        turns = []

        class Process(contextlib.nullcontext):
            pid = "self"

            def __init__(self, module, arguments, log):
                super().__init__(self)
                self.name = log.stem

            def ask(self, do, **task):
                if do == "run":
                    turns.append(self.name)
                return {"load": {"load_ms": 1.0, "first_inference_ms": 1.0}, "outputs": {"files": []},
                        "run": {"samples_per_s": 10.0, "latency_ms": {"p50": 1.0, "p99": 1.0}},
                        "memory": {"peak_rss_bytes": 5_000_000, "import_rss_bytes": 0}}[do]

        byte, plain = {"max_relative_error": 0.2, "sqnr_db": 30.0}, {"files": {}}
        ort, ncnn = (next(e for e in peers.ALL if e.name == name) for name in ("onnxruntime", "ncnn"))
        ready = {"fp32": {ort: ((), plain), ncnn: ((), plain)}, "int8": {ort: ((), plain | {"form": "Q/DQ"})}}
        settings = types.SimpleNamespace(threads=1, loads=1, rounds=2, seconds=1, repeats=0, patience=0)
        model = models.Model("net", pathlib.Path("net.onnx"), (), ("y",))
        with unittest.mock.patch.object(one_cell, "Process", Process), unittest.mock.patch.object(samples, "write_inputs", lambda *_: {}), \
                unittest.mock.patch.object(foreign, "wait_until_idle", lambda *_: True), \
                unittest.mock.patch.object(agreement, "compared", lambda *_: byte):
            found = one_cell.measure(model, 1, ready, settings, lambda _: None)
        self.assertEqual(turns, ["onnxruntime-fp32", "ncnn-fp32", "onnxruntime-int8", "ncnn-fp32", "onnxruntime-int8", "onnxruntime-fp32"])
        self.assertEqual({p: list(results) for p, results in found.items()}, {"fp32": ["onnxruntime", "ncnn"], "int8": ["onnxruntime"]})
        self.assertEqual((found["fp32"]["onnxruntime"]["agrees"], found["int8"]["onnxruntime"]["agrees"]), (False, True))
        self.assertEqual(found["int8"]["onnxruntime"]["prepared"], {"form": "Q/DQ"})


class Options(unittest.TestCase):
    def test_precisions(self):
        self.assertEqual(main.options([], ["net"]).precisions, ["fp32"])
        self.assertEqual(main.options(["--precisions", "fp32,int8"], ["net"]).precisions, ["fp32", "int8"])
        with contextlib.redirect_stderr(io.StringIO()) as said, self.assertRaises(SystemExit):
            main.options(["--precisions", "int4"], ["net"])
        self.assertIn("no precision 'int4'; there are: fp32, int8, fp16", said.getvalue())

    def test_convolutional_models_by_one_word(self):
        self.assertEqual(main.options(["--models", "convolutional"], ["resnet50", "vit_b16", "cifar10_vgg"]).models, ["resnet50", "cifar10_vgg"])

    def test_who_has_a_form_in_a_precision(self):
        self.assertEqual([e.name for e in peers.ALL if "int8" in e.precisions and e.package],
                         ["onnxruntime", "openvino_latency", "openvino_throughput", "mnn"])
        self.assertEqual([e.name for e in peers.ALL if "fp16" in e.precisions], ["tercet", "tercet_2"])


def set_age(path, seconds):
    then = os.stat(path).st_mtime - seconds
    os.utime(path, (then, then))


class Machine(unittest.TestCase):
    def test_processor(self):
        found = machine.processor("processor : 0\nmodel name\t: A: B\nflags\t\t: fpu avx2 fma odd\n\nprocessor : 1\nmodel name : other\n")
        self.assertEqual((found["processor"], found["flags"]), ("A: B", ["avx2", "fma"]))


class Quantization(unittest.TestCase):
    def test_follows_onnxruntimes_advice_for_the_processor(self):
        self.assertEqual(static_qdq.advice(["avx2", "fma", "avx512bw"]), ("uint8", True))
        for exact in ("avx512_vnni", "avx_vnni", "amx_int8"):
            self.assertEqual(static_qdq.advice(["avx2", exact]), ("uint8", False))
        self.assertEqual(static_qdq.advice(["asimd", "i8mm"]), ("int8", False))


class Samples(unittest.TestCase):
    def test_pictures_are_those_that_are_here(self):
        with tempfile.TemporaryDirectory() as folder:
            self.assertIsNone(samples.picture_file("cifar10_vgg", None))
            self.assertIsNone(samples.picture_file("cifar10_vgg", folder))
            self.assertIsNone(samples.picture_file("resnet50", folder))
            file = pathlib.Path(folder, "data/cifar10/sample.csv")
            file.parent.mkdir(parents=True)
            file.touch()
            self.assertEqual(samples.picture_file("cifar10_vgg", folder), file)

    @unittest.skipUnless(HAS_NUMPY, "needs numpy")
    def test_pictures_that_are_run_do_not_calibrate(self):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder, "rows.csv")
            file.write_text("sample_id,pixel_0,pixel_1\n" + "".join(f"{i},{i},255\n" for i in range(6)))
            model = models.Model("net", pathlib.Path("net.onnx"), (("x", (1, 2), "float32"),), ("y",), file)
            run, calibrated = samples.inputs(model, 4)["x"], samples.calibration(model)["x"]
            self.assertEqual((run.shape, calibrated.shape, str(run.dtype)), ((4, 1, 2), (3, 1, 2), "float32"))
            self.assertEqual([round(255 * x) for x in run[:, 0, 0].tolist()], [0, 2, 4, 0])
            self.assertEqual([round(255 * x) for x in calibrated[:, 0, 0].tolist()], [1, 3, 5])
            self.assertEqual(float(run[0, 0, 1]), 1.0)

    @unittest.skipUnless(HAS_NUMPY, "needs numpy")
    def test_idx(self):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder, "images.gz")
            file.write_bytes(gzip.compress(bytes([0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 28, 0, 0, 0, 28]) + bytes(784) + bytes([255]) * 784))
            read = samples.pictures(file, (28, 28, 1))
            self.assertEqual((read.shape, float(read[0].max()), float(read[1].min())), ((2, 28, 28, 1), 0.0, 1.0))

    @unittest.skipUnless(HAS_NUMPY, "needs numpy")
    def test_random_values_are_the_same_every_time_and_others_to_calibrate(self):
        model = models.Model("net", pathlib.Path("net.onnx"), (("x", (5,), "float32"), ("mask", (5,), "int64")), ("y",))
        first, again, calibrated = samples.inputs(model, 2), samples.inputs(model, 2), samples.calibration(model)
        self.assertTrue((first["x"] == again["x"]).all())
        self.assertEqual((calibrated["x"].shape, str(calibrated["mask"].dtype), int(calibrated["mask"].max())), ((samples.CALIBRATION, 5), "int64", 1))
        self.assertFalse(any((row == first["x"][0]).all() for row in calibrated["x"]))

    @unittest.skipUnless(HAS_NUMPY, "needs numpy")
    def test_samples_are_kept_and_given_one_by_one(self):
        with tempfile.TemporaryDirectory() as folder:
            model = models.Model("net", pathlib.Path("net.onnx"), (("x", (5,), "float32"),), ("y",))
            files = samples.calibration_files(model, pathlib.Path(folder))
            before = os.stat(files["x"]).st_mtime_ns
            self.assertEqual(samples.calibration_files(model, pathlib.Path(folder)), files)
            self.assertEqual(os.stat(files["x"]).st_mtime_ns, before)
            given = list(samples.one_by_one(files))
            self.assertEqual((len(given), given[0]["x"].shape), (samples.CALIBRATION, (1, 5)))


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
        report = {"cells": [{"model": "a<b", "precision": "fp32", "batch": 1, "comparisons": {"one stream": {"ratio": 1.5, "rival": "mnn", "told_apart": True, "doubtful": False}}},
                            {"model": "c", "precision": "fp32", "batch": 32, "comparisons": {"one stream": None}}]}
        drawn = xml.etree.ElementTree.fromstring(chart.svg(report))
        texts = [t.text for t in drawn.iter("{http://www.w3.org/2000/svg}text")]
        self.assertEqual(texts[:2], ["a<b, batch 1", "1.50 mnn"])
        self.assertEqual(len(list(drawn.iter("{http://www.w3.org/2000/svg}rect"))), 2)  # the ground and one bar

    def test_draws_precisions_against_our_own_fp32(self):
        plain, small = {"tercet": result([100] * 3), "mnn": result([50] * 3)}, {"tercet": result([150] * 3), "mnn": result([50] * 3)}
        report = {"cells": [cell(plain), cell(small, precision="int8", baseline=plain)]}

        def texts(*contest):
            drawn = xml.etree.ElementTree.fromstring(chart.svg(report, *contest))
            return [t.text for t in drawn.iter("{http://www.w3.org/2000/svg}text")]
        self.assertEqual(texts(), ["net, batch 1, fp32", "2.00 mnn", "net, batch 1, int8", "3.00 mnn", "the best peer = 1"])
        self.assertEqual(texts("own fp32"), ["net, batch 1, int8", "1.50 tercet in fp32", "its own FP32 = 1"])


if __name__ == "__main__":
    unittest.main()
