#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The script that builds with TensorRT's Python, piece by piece, without any TensorRT.

    python3 worker_test.py --worker share/tensorrt/worker.py
"""
import argparse
import ast
import contextlib
import importlib.util
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import types
import unittest

sys.dont_write_bytecode = True  # nothing is left in the source folder

arguments, worker = None, None


def load(path):
    spec = importlib.util.spec_from_file_location("worker", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def write(*path, text):
    with open(os.path.join(*path), "w") as f:
        f.write(text)


def module(version, name="tensorrt"):
    return types.SimpleNamespace(__version__=version, __name__=name)


class Script(unittest.TestCase):
    def test_is_python_3_8_with_the_standard_library_alone(self):
        with open(arguments.worker) as f:
            tree = ast.parse(f.read(), feature_version=(3, 8))
        imported = {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
        self.assertFalse([n for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)])
        self.assertLessEqual(imported, {"glob", "json", "os", "re", "struct", "subprocess", "sys", "time"})


class Versions(unittest.TestCase):
    # version, RTX: what it has of FEATURES
    TABLE = {
        ("8.0.3.4", False): "explicit_batch weak_typing strict_types max_workspace_size timing_cache",
        ("8.2.5.1", False): "explicit_batch weak_typing precision_constraints max_workspace_size inspector timing_cache",
        ("8.4.1.5", False): "explicit_batch weak_typing precision_constraints memory_pool_limit inspector timing_cache",
        ("8.6.1", False): "explicit_batch weak_typing precision_constraints memory_pool_limit inspector layer_metadata timing_cache",
        ("10.13.0.35", False): "strongly_typed_flag weak_typing bf16_flag precision_constraints memory_pool_limit inspector layer_metadata timing_cache",
        ("11.4.0.106", False): "strongly_typed_flag memory_pool_limit inspector layer_metadata timing_cache",
        ("1.7.1.116", True): "strongly_typed_flag memory_pool_limit inspector layer_metadata compute_capabilities builds_without_gpu",
    }

    def test_have_what_the_table_says(self):
        for (version, rtx), features in self.TABLE.items():
            trt = module(version, "tensorrt_rtx" if rtx else "tensorrt")
            with self.subTest(version=version):
                self.assertEqual({f for f in worker.FEATURES if worker.has(trt, f)}, set(features.split()))

    def test_are_read_from_any_text(self):
        for text, numbers in [("8.6.1", (8, 6, 1)), ("10.13.0.35", (10, 13, 0)), ("8.5", (8, 5, 0)), ("11.4.0.dev1", (11, 4, 0))]:
            self.assertEqual(worker.version_of(module(text)), numbers)

    def test_have_their_header_of_a_calibration_cache(self):
        for version, header in [("8.5.3.1", "TRT-8503"), ("8.6.1", "TRT-8601"), ("8.0.3", "TRT-8003"), ("10.3.0", "TRT-100300"), ("10.13.0.35", "TRT-101300")]:
            self.assertEqual(worker.cache_header(module(version)), header + "-EntropyCalibration2")


class Words(unittest.TestCase):
    def test_types_are_told_by_each_of_their_names(self):
        for text, name in [("Half", "fp16"), ("DataType.HALF", "fp16"), ("Two wide channel vectorized row major FP16 format", "fp16"), ("Float16", "fp16"),
                           ("DataType.FLOAT", "fp32"), ("Row major linear FP32", "fp32"), ("Float", "fp32"), ("float32", "fp32"), ("BFloat16", "bf16"),
                           ("DataType.BF16", "bf16"), ("Int8", "int8"), ("Thirty-two wide channel vectorized row major Int8 format", "int8"), ("FP8", "fp8"),
                           ("DataType.UINT8", ""), ("UInt8", ""), ("Int32", ""), ("INT64", ""), ("Bool", ""), ("", ""), (None, "")]:
            with self.subTest(text=text):
                self.assertEqual(worker.type_name(text), name)

    def test_metadata_names_nodes_and_their_first_outputs(self):
        labels = ["conv1", "relu1", "y", "node_of_z"]
        for text, nodes in [("[ONNX Layer: conv1]\x1e[ONNX Layer: relu1]", ["conv1", "relu1"]), ("[ONNX Layer: node_of_y]", ["y"]),
                            ("[ONNX Layer: node_of_z]", ["node_of_z"]), ("[ONNX Layer: other]", []), ("", []), (None, [])]:
            with self.subTest(text=text):
                self.assertEqual(worker.nodes_of_metadata(text, labels), nodes)

    def test_layers_names_are_taken_apart(self):
        labels = ["conv1", "bn", "relu1", "conv10", "/a/Add", "head"]
        for text, nodes in [("conv1", ["conv1"]), ("conv1 + relu1", ["conv1", "relu1"]), ("PWN(PWN(bn), relu1)", ["bn", "relu1"]),
                            ("{ForeignNode[conv1...relu1]}", ["conv1", "bn", "relu1"]), ("{ForeignNode[relu1...conv1]}", ["conv1", "bn", "relu1"]),
                            ("{ForeignNode[(Unnamed Layer* 3) [Constant] + conv1...conv10 + head]}", ["conv1", "bn", "relu1", "conv10", "/a/Add", "head"]),
                            ("conv10 || conv1", ["conv10", "conv1"]), ("/a/Add_elementwise", ["/a/Add"]), ("something", []), ("", [])]:
            with self.subTest(text=text):
                self.assertEqual(worker.nodes_in(text, labels), nodes)

    def test_messages_are_one_line(self):
        with contextlib.redirect_stdout(io.StringIO()) as out:
            worker.say("W", "first\n\n   second\n")
        self.assertEqual(out.getvalue(), "[W] first / second\n")


class Caches(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.file = os.path.join(folder.name, "c.cache")

    def read(self, text):
        with open(self.file, "w") as f:
            f.write(text)
        return worker.Cache(self.file)

    def test_come_back_under_another_header(self):
        cache = self.read("TRT-8503-EntropyCalibration2\nx: 3c010a14\na: b: 3f800000\nsmall: 0\n\n")
        self.assertEqual(list(cache.scales), ["x", "a: b", "small"])
        self.assertAlmostEqual(cache.scales["x"], 1 / 127, places=5)
        self.assertEqual(cache.text("TRT-101300-EntropyCalibration2").decode().splitlines(),
                         ["TRT-101300-EntropyCalibration2", "x: 3c010a14", "a: b: 3f800000", "small: 00000000"])

    def test_of_another_form_are_refused_with_the_line(self):
        for line in ["no colon", "x: notahexnumber", "x: 3f80000000", "x: "]:
            with self.subTest(line=line), self.assertRaises(worker.Failure) as raised:
                self.read("TRT-8503-EntropyCalibration2\na: 3f800000\n%s\n" % line)
            self.assertIn("c.cache:3", str(raised.exception))


class Information(unittest.TestCase):
    """What the inspector says."""

    def layers(self, *layers):
        return worker.engine_layers(json.dumps({"Layers": list(layers), "Bindings": []}), ["conv1", "relu1", "fc"])

    def test_of_versions_8_and_10(self):
        conv = {"Name": "conv1 + relu1", "LayerType": "CaskConvolution", "Inputs": [{"Format/Datatype": "Two wide channel vectorized row major FP16 format"}],
                "Outputs": [{"Format/Datatype": "Row major linear FP32"}], "Weights": {"Type": "Half", "Count": 9}, "Metadata": "[ONNX Layer: conv1]\x1e[ONNX Layer: relu1]"}
        fc = {"Name": "fc", "LayerType": "gemm", "Inputs": [{"Format/Datatype": "Row major linear FP32"}]}
        self.assertEqual(self.layers(conv, fc), ({"conv1": "fp16", "relu1": "fp16", "fc": "fp32"}, 0))

    def test_of_version_11(self):
        fc = {"Name": "x_myl_1", "LayerType": "gemm", "Inputs": [{"Name": "a", "Format": "Linear", "DataType": "BFloat16"}], "Metadata": "[ONNX Layer: fc]"}
        self.assertEqual(self.layers(fc), ({"fc": "bf16"}, 0))

    def test_weights_count_and_moving_layers_do_not(self):
        conv = {"Name": "conv1", "LayerType": "conv", "Inputs": [{"Format/Datatype": "Row major linear FP32"}], "Weights": {"Type": "Int8"}}
        reformat = {"Name": "Reformatting CopyNode for Input Tensor 0 to fc", "LayerType": "Reformat", "Inputs": [{"Format/Datatype": "Row major Int8 format"}]}
        self.assertEqual(self.layers(conv, reformat), ({"conv1": "int8"}, 0))

    def test_brief_entries_are_counted(self):
        self.assertEqual(self.layers("conv1 + relu1", {"Name": "fc"}), ({}, 2))


class Commands(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def run_script(self, *words, script=None):
        return subprocess.run([sys.executable, script or arguments.worker, *words], capture_output=True, text=True, timeout=60, cwd=self.folder, check=False)

    def job(self, name, **fields):
        document = {"format": 1, "target": "trt8x", "wants": "TensorRT 8.x", "modules": ["no_such_tensorrt"], "versions": [8, 9], "precision": "fp32",
                    "model": "m.onnx", "engine": "m.trt", "result": name + ".result.json", "layers": [], **fields}
        with open(os.path.join(self.folder, name + ".job.json"), "w") as f:
            json.dump(document, f)
        return name + ".job.json"

    def copy_of_script(self):
        """As a folder of jobs has it; Python finds modules beside it."""
        shutil.copyfile(arguments.worker, os.path.join(self.folder, "build.py"))
        return os.path.join(self.folder, "build.py")

    def result(self, name):
        with open(os.path.join(self.folder, name + ".result.json")) as f:
            return json.load(f)

    def test_help_and_wrong_usage(self):
        self.assertEqual(self.run_script("--help").returncode, 0)
        self.assertIn("JOB.json", self.run_script("--help").stdout)
        self.assertEqual(self.run_script("--fast").returncode, 2)
        done = self.run_script(script=self.copy_of_script())
        self.assertEqual(done.returncode, 2)
        self.assertIn("--job DIR", done.stderr)

    def test_a_missing_module_is_named_with_what_was_found(self):
        write(self.folder, "old_tensorrt.py", text="__version__ = '7.2.3'\n")
        write(self.folder, "broken_tensorrt.py", text="raise OSError('libnvinfer.so.8: cannot open')\n")
        os.mkdir(os.path.join(self.folder, "folder_tensorrt"))
        self.job("a", modules=["no_such_tensorrt", "old_tensorrt", "broken_tensorrt", "folder_tensorrt"])
        done = self.run_script(script=self.copy_of_script())
        self.assertEqual(done.returncode, 1)
        error = self.result("a")["error"]
        for text in ["needs TensorRT 8.x", "No module named 'no_such_tensorrt'", "old_tensorrt is version 7.2.3", "libnvinfer.so.8", "is no TensorRT"]:
            self.assertIn(text, error)
        self.assertNotIn("\n", error)
        self.assertIn("m.trt: failed: ", done.stdout)

    def test_one_job_that_is_none_stops_no_other(self):
        write(self.folder, "a.job.json", text="{}")
        done = self.run_script("a.job.json", self.job("b"))
        self.assertEqual(done.returncode, 1)
        self.assertIn("a.job.json is no job file", done.stderr)
        self.assertEqual(self.result("b")["status"], "failed")

    def test_faulty_job_files(self):
        for name, text in [("text", "hello"), ("list", "[]"), ("other", '{"format": 2}'), ("missing", None)]:
            with self.subTest(name=name):
                if text is not None:
                    write(self.folder, name, text=text)
                done = self.run_script(name)
                self.assertEqual(done.returncode, 1)
                self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
                self.assertIn(name, done.stderr)

    def find(self, **options):
        done = subprocess.run([sys.executable, arguments.worker, "--find"], capture_output=True, text=True, timeout=60, check=False, **options)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def test_finding_looks_past_the_current_folder(self):
        elsewhere = self.find(cwd="/")
        os.mkdir(os.path.join(self.folder, "tensorrt"))  # as source folders have one
        write(self.folder, "json.py", text="raise SystemExit(3)\n")
        write(self.folder, "tensorrt_rtx.py", text="__version__ = '1.0'\n")
        self.assertEqual(self.find(cwd=self.folder), elsewhere)

    def test_finding_tells_of_a_module_that_takes_its_process_down(self):
        os.mkdir(os.path.join(self.folder, "tensorrt"))
        write(self.folder, "tensorrt", "__init__.py", text="import os\nos.abort()\n")
        (found,) = [m for m in self.find(env={**os.environ, "PYTHONPATH": self.folder}) if m["module"] == "tensorrt"]
        self.assertEqual((found["version"], found["problem"]), ("", "ended by signal 6"))

    def test_finding_takes_no_folder_for_a_module(self):
        os.mkdir(os.path.join(self.folder, "tensorrt"))  # without __init__.py
        self.assertNotIn("tensorrt", [m["module"] for m in self.find(env={**os.environ, "PYTHONPATH": self.folder})])


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--worker", required=True)
    arguments, rest = parser.parse_known_args()
    arguments.worker = os.path.abspath(arguments.worker)
    worker = load(arguments.worker)
    unittest.main(argv=[sys.argv[0], *rest])
