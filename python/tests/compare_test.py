# SPDX-License-Identifier: Apache-2.0
import unittest

import numpy as np

import tercet
from support import FASHION, Case


def pictures(count):
    return np.random.default_rng(5).random((count, 28, 28, 1), np.float32)


class Compare(Case):
    def test_builds_and_compares_on_arrays(self):
        x = pictures(40)
        tercet.build(FASHION, "fp32.engine", tune="none")
        labels = np.concatenate([tercet.Context(tercet.Engine("fp32.engine")).run(x[i:i + 20])["probabilities"].argmax(axis=1) for i in (0, 20)])
        labels[:4] = (labels[:4] + 1) % 10
        found = tercet.compare(FASHION, data=x, labels=labels, precisions=["fp32", "bf16", "int8"], seconds=0, tune="none")
        self.assertEqual((found.samples, found.classes, found.labels), (40, 10, labels.tolist()))
        fp32, bf16, int8 = found.engines
        self.assertEqual((fp32.status, fp32.top1, fp32.agreement, fp32.speed), ("ok", 90.0, 100.0, None))
        self.assertEqual(fp32.build.layers, {"fp32": 22})
        self.assertGreater(bf16.outputs[found.output].sqnr_db, 20)
        self.assertEqual((int8.status, int8.build), ("failed", None))
        self.assertIn("calib", int8.reason)

    def test_speeds_in_processes_of_their_own_and_in_this_one(self):
        engines = [r.path for r in tercet.build_all(FASHION, precisions=["fp32", "fp16"], tune="none")]
        for separate in (True, False):
            with self.subTest(separate=separate):
                told = []
                found = tercet.compare(data=pictures(8), engines=engines, seconds=0.05, rounds=1, separate_processes=separate, progress=lambda *p: told.append(p))
                self.assertEqual([e.engine for e in found.engines], engines)
                for e in found.engines:
                    self.assertGreater(e.speed.samples_per_s, 0)
                    self.assertEqual(e.speed.peak_rss_bytes > 0, separate)
                self.assertIn("measuring fp16", [what for what, _, _ in told])

    def test_labels_are_a_list_a_file_or_an_array(self):
        x = pictures(3)
        np.save("labels.npy", np.array([1, 2, 3]))
        for labels in ([1, 2, 3], "labels.npy", np.array([1, 2, 3])):
            self.assertEqual(tercet.compare(FASHION, data={"image": x}, labels=labels, precisions=["fp32"], seconds=0, tune="none").labels, [1, 2, 3])
        with self.assertRaises(tercet.Error):
            tercet.compare(FASHION, data=x, labels=[1, 2], precisions=["fp32"], seconds=0, tune="none")

    def test_takes_a_model_or_engines(self):
        for given in ({}, {"model": FASHION, "engines": ["a.engine"]}):
            with self.assertRaisesRegex(TypeError, "a model or engines"):
                tercet.compare(data=pictures(3), **given)

    def test_what_a_callback_raises_ends_it(self):
        def stop(what, done, total):
            raise ZeroDivisionError
        with self.assertRaises(ZeroDivisionError):
            tercet.compare(FASHION, data=pictures(3), precisions=["fp32"], seconds=0, tune="none", progress=stop)


class Bench(Case):
    def test_measures(self):
        tercet.build(FASHION, "a.engine", tune="none")
        found = tercet.bench("a.engine", batch=2, seconds=0.1, threads=1, profile=True)
        self.assertEqual((found.batch, found.threads, found.streams), (2, 1, 1))
        self.assertTrue(found.runs > 0 and found.samples_per_s > 0 and found.latency_p50_ms <= found.latency_p99_ms)
        self.assertTrue(all(0 < s.least_microseconds for s in found.steps if s.bytes > 0))
        self.refuses("missing: no such file; check the path and its permissions", tercet.bench, "missing")


if __name__ == "__main__":
    unittest.main()
