# SPDX-License-Identifier: Apache-2.0
import os
import pickle
import signal
import sys
import threading
import time
import unittest

import numpy as np

import tercet
from support import FASHION, Case, model, ob


def pictures(count=64):
    return np.random.default_rng(4).random((count, 28, 28, 1), np.float32)


class Build(Case):
    def test_writes_the_programs_bytes(self):
        result = tercet.build(FASHION, "python.engine", tune="none")
        self.program("build", FASHION, "-o", "program.engine", "--tune", "none")
        self.assertEqual((self.folder / "python.engine").read_bytes(), (self.folder / "program.engine").read_bytes())
        self.assertEqual((result.status, result.path.name, result.precision, result.layers), ("ok", "python.engine", "fp32", {"fp32": 22}))
        self.assertEqual(result.bytes, (self.folder / "python.engine").stat().st_size)
        self.assertEqual(pickle.loads(pickle.dumps(result)), result)

    def test_options_take_effect(self):
        result = tercet.build(FASHION, precision="fp16", tune="none", layer_precisions={"*": "fp16", "*Softmax*": "fp32"}, isa="avx2", strict=True,
                              opt_shapes={"image": (3, 28, 28, 1)}, max_shapes={"image": np.array([4, 28, 28, 1])})
        self.assertEqual(str(result.path), "model_cpu_fp16.engine")
        engine = tercet.inspect(result.path)
        self.assertEqual((engine.precision, engine.isa, engine.inputs[0].max_shape), ("fp16", "avx2", (4, 28, 28, 1)))
        softmax = [layer for layer in engine.plan.layers if layer.op == "Softmax"]
        self.assertEqual([layer.chosen for layer in softmax], ["fp32"])

    def test_arrays_fix_inputs(self):
        model("sum.onnx", "Add", [("x", [3]), ("b", [3])], [("y", [3])])
        tercet.build("sum.onnx", "sum.engine", tune="none", fixed_inputs={"b": np.float32([10, 20, 30])})
        self.assertEqual(tercet.Context(tercet.Engine("sum.engine")).run(np.ones(3, np.float32))["y"].tolist(), [11, 21, 31])

    def test_tells_progress_and_what_it_does(self):
        told, lines = [], []
        tercet.build(FASHION, "one.engine", tune="none", progress=lambda *p: told.append(p), log=lines.append)
        self.assertEqual(told[-1], ("tuning", len(told), len(told)))
        self.assertTrue(lines and all("\n" not in line for line in lines))

    def test_refuses_in_one_line(self):
        (self.folder / "text.onnx").write_text("no model")
        for file in ("missing.onnx", "text.onnx"):
            with self.subTest(file), self.assertRaises(tercet.Error) as caught:
                tercet.build(file, tune="none")
            self.assertTrue(str(caught.exception).startswith(f"{file}: "), caught.exception)
            self.assertNotIn("\n", str(caught.exception))
        self.refuses("there is no tuning 'slow'; use one of none, fast, full", tercet.build, FASHION, tune="slow")
        with self.assertRaisesRegex(tercet.Error, "precision"):
            tercet.build(FASHION, precision="fp8")
        self.assertEqual(os.listdir(), ["text.onnx"])

    def test_an_error_has_its_parts_and_can_be_passed_on(self):
        with self.assertRaises(tercet.Error) as caught:
            tercet.Engine("missing.engine")
        e = pickle.loads(pickle.dumps(caught.exception))
        self.assertEqual((e.what, e.where), ("no such file", "missing.engine"))
        self.assertEqual(str(e), str(caught.exception))
        self.assertEqual(str(tercet.Error("a\nb", "c", "d")), "c: a b; d")

    def test_refuses_options_that_are_none(self):
        with self.assertRaisesRegex(TypeError, "there is no option 'tuning'; there are: bias_correction, .*tune"):
            tercet.build(FASHION, tuning="none")
        with self.assertRaisesRegex(TypeError, "option 'threads' cannot be 'two'"):
            tercet.build(FASHION, threads="two")
        with self.assertRaisesRegex(TypeError, "preprocess is a tercet.Preprocess, not dict"):
            tercet.build(FASHION, preprocess={})
        with self.assertRaises(TypeError):
            tercet.build(None)

    def test_what_a_callback_raises_ends_the_build(self):
        def stop(what, done, total):
            raise KeyError(what)
        for precisions in (tercet.build, tercet.build_all):
            with self.subTest(precisions.__name__), self.assertRaises(KeyError):
                precisions(FASHION, "stopped", tune="none", progress=stop)
        self.assertFalse(list(self.folder.rglob("*.engine")) or (self.folder / "stopped").is_file())

    def test_an_interrupt_ends_the_build(self):
        self.addCleanup(signal.signal, signal.SIGINT, signal.signal(signal.SIGINT, signal.default_int_handler))  # in the background it may be ignored
        for function, options in [(tercet.build, {}), (tercet.build_all, {"precisions": ("fp32", "fp16")})]:
            with self.subTest(function.__name__):
                timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
                start = time.monotonic()
                with self.assertRaises(KeyboardInterrupt):
                    timer.start()
                    function(FASHION, "interrupted", tune="full", **options)
                    time.sleep(30)  # a build that ended before; the interrupt then comes here
                timer.join()
                self.assertLess(time.monotonic() - start, 25)
                self.assertFalse(list(self.folder.rglob("*.engine")) or (self.folder / "interrupted").is_file())

    def test_others_run_while_an_engine_is_built(self):
        thread = threading.Thread(target=tercet.build, args=(FASHION, "other.engine"))
        thread.start()
        turns = 0
        while thread.is_alive():
            time.sleep(0.001)
            turns += 1
        self.assertGreater(turns, 5)
        self.assertTrue((self.folder / "other.engine").exists())

    def test_all_precisions_in_a_folder(self):
        results = tercet.build_all(FASHION, "engines", precisions=["fp32", "int8", "bf16"], tune="none")
        self.assertEqual([(r.precision, r.status) for r in results], [("fp32", "ok"), ("int8", "failed"), ("bf16", "ok")])
        self.assertIsNone(results[1].path)
        self.assertIn("calib", results[1].reason)
        self.assertEqual(sorted(os.listdir("engines")), ["model_cpu_bf16.engine", "model_cpu_fp32.engine"])


class TensorRt(Case):
    def test_a_job_is_what_the_program_writes(self):
        told = []
        job = tercet.write_tensorrt_job(FASHION, "python", target="trt8x", precisions=["fp32", "fp16"], progress=lambda *p: told.append(p))
        self.program("build", FASHION, "--target", "trt8x", "--precision", "fp32", "--job", "program")
        self.assertEqual([(e.precision, e.status, e.target) for e in job.engines], [("fp32", "ok", "trt8x"), ("fp16", "ok", "trt8x")])
        self.assertIn("python3 python/build.py", job.command)
        self.assertLessEqual({p.name for p in (self.folder / "program").iterdir()}, {p.name for p in (self.folder / "python").iterdir()})

    def test_says_where_it_looked(self):
        printed = self.python("import sys, tercet; found = tercet.find_tensorrt(sys.executable); print(found.pythons == [sys.executable], found.problems)")
        self.assertEqual(printed, "True []\n")
        with self.assertRaises(tercet.Error):
            tercet.find_tensorrt("no-such-python")
        with self.assertRaisesRegex(tercet.Error, "TensorRT"):
            tercet.build(FASHION, target="trt8x", tensorrt_python=sys.executable)


class Calibrate(Case):
    def test_arrays_give_what_files_give(self):
        np.save("data.npy", pictures())
        by_file = tercet.calibrate(FASHION, "data.npy")
        told = []
        by_array = tercet.calibrate(FASHION, pictures(), progress=lambda *p: told.append(p))
        self.assertEqual(by_array, by_file)
        self.assertEqual(tercet.calibrate(FASHION, {"image": pictures()}).scales, by_file.scales)
        self.assertEqual((by_array.samples, by_array.skipped, told[-1]), (64, 0, ("calibrating", 64, 64)))
        self.program("calibrate", FASHION, "--calib-data", "data.npy", "-o", "program.cache")
        tercet.write_calibration_cache("python.cache", by_array)
        self.assertEqual((self.folder / "python.cache").read_text(), (self.folder / "program.cache").read_text())
        self.assertNotEqual(tercet.calibrate(FASHION, pictures(), calibrator="minmax", samples=8, seed=2).scales, by_file.scales)

    def test_caches_are_read_and_written(self):
        found = tercet.calibrate(FASHION, pictures(8))
        tercet.write_calibration_cache("a.cache", found, format="10.3")
        again = tercet.read_calibration_cache("a.cache")
        self.assertEqual((again.header, again.scales), ("TRT-100300-EntropyCalibration2", found.scales))
        self.assertEqual(tercet.inspect("a.cache"), again)

    def test_int8_by_cache_and_by_array(self):
        tercet.write_calibration_cache("a.cache", tercet.calibrate(FASHION, pictures()))
        by_cache = tercet.build(FASHION, precision="int8", tune="none", calibration_cache="a.cache")
        by_array = tercet.build(FASHION, "b.engine", precision="int8", tune="none", calibration_data=pictures(), calibration_samples=64)
        self.assertGreater(by_cache.layers["int8"], 10)
        self.assertEqual(by_array.layers, by_cache.layers)

    def test_refuses_data_of_another_model(self):
        with self.assertRaises(tercet.Error):
            tercet.calibrate(FASHION, np.zeros((8, 5), np.float32))
        self.refuses("there is no layout 'NCHW'; use one of nchw, nhwc", tercet.calibrate, FASHION, pictures(8), preprocess=tercet.Preprocess(layout="NCHW"))


class Export(Case):
    def test_writes_what_the_program_writes(self):
        result = tercet.export(FASHION, "python.onnx", precision="fp16", layer_precisions={"*Softmax*": "fp32"})
        self.program("export", FASHION, "--precision", "fp16", "--layer-precisions", "*Softmax*:fp32", "-o", "program.onnx")
        self.assertEqual((self.folder / "python.onnx").read_bytes(), (self.folder / "program.onnx").read_bytes())
        self.assertEqual({layer.chosen for layer in result.layers}, {"fp16", "fp32"})
        self.assertEqual(tercet.inspect("python.onnx").opset, result.opset)

    def test_int8_takes_scales(self):
        result = tercet.export(FASHION, precision="int8", scales=tercet.calibrate(FASHION, pictures(16)))
        self.assertEqual(str(result.path), "model_int8.onnx")
        self.assertIn("QuantizeLinear", [o.name for o in tercet.inspect(result.path).operators])
        with self.assertRaises(tercet.Error):
            tercet.export(FASHION, precision="int8", fallback=False)


class Inspect(Case):
    def test_every_kind_of_file(self):
        tercet.build(FASHION, "a.engine", tune="none", timing_cache="timings.json")
        tercet.build(FASHION, "b.engine", timing_cache="timings.json", max_shapes={"image": (1, 28, 28, 1)}, opt_shapes={"image": (1, 28, 28, 1)})
        engine = tercet.inspect("a.engine")
        self.assertIsInstance(engine, tercet.EngineInfo)
        self.assertEqual([(s.name, s.min, s.opt, s.max) for s in engine.profile], [("N", 1, 16, 32)])
        (self.folder / "plan.json").write_text(engine.plan.json)
        self.assertIsInstance(tercet.inspect("plan.json"), tercet.PrecisionPlan)
        cache = tercet.inspect("timings.json")
        self.assertIsInstance(cache, tercet.TimingCacheInfo)
        self.assertEqual(cache.entries, sum(g.entries for g in cache.groups))
        model_info = tercet.inspect(FASHION)
        self.assertIsInstance(model_info, tercet.ModelInfo)
        self.assertEqual((model_info.problem, model_info.inputs[0].shape[1:]), ("", (28, 28, 1)))

    def test_tensorrt_engines_are_told_apart(self):
        (self.folder / "a.trt").write_bytes(b"ftrt" + bytes(20) + bytes([10, 13, 0, 35]) + bytes(228))
        found = tercet.inspect("a.trt")
        self.assertIsInstance(found, tercet.TensorRtEngineInfo)
        self.assertEqual((found.bytes, found.rtx, found.version, found.inputs), (256, False, "10.13.0.35", ()))
        self.assertTrue(found.problem)

    def test_models_of_what_is_not_supported(self):
        (self.folder / "odd.onnx").write_bytes(ob.model([ob.node("NoSuchOperator", ["x"], ["y"])], [ob.value_info("x", [2], 8)], [ob.value_info("y", [2])]))
        found = tercet.inspect("odd.onnx")
        self.assertTrue(found.problem and found.operators[0].unsupported)
        self.assertEqual((found.inputs[0].type, found.inputs[0].dtype), ("string", None))


if __name__ == "__main__":
    unittest.main()
