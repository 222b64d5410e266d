#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Exports models in every precision; what comes out has to pass onnx's full checker and keep what the model says of itself.
Needs the onnx package. Models: examples, TERCET_TEST_DATA/models, and ONNX's own test cases."""
import argparse
import concurrent.futures
import glob
import itertools
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

try:
    import onnx
    from onnx import checker
    checker.check_model
except (ImportError, AttributeError):
    print("skipped: the onnx package is missing")
    sys.exit(77)

ARGUMENTS = None
CASES = "/usr/lib/python3/dist-packages/onnx/backend/test/data"


def input_names(graph):
    constants = {t.name for t in graph.initializer}
    return [i.name for i in graph.input if i.name not in constants]


def value_names(graph):
    return input_names(graph) + [o for n in graph.node for o in n.output if o]


def plan_for(model, folder, scale=0.05):
    place = os.path.join(folder, "plan.json")
    with open(place, "w") as f:
        json.dump({"precision": "int8", "scales": {name: scale for name in value_names(model.graph)}}, f)
    return place


def export(model, output, *options):
    command = [ARGUMENTS.tercet, "export", str(model), "-o", output, "--json", *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    return done, json.loads(done.stdout) if done.returncode == 0 else None


def is_valid(model):
    try:
        checker.check_model(model, full_check=True)
        return True
    except Exception:
        return False


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.output = os.path.join(self.folder, "out.onnx")

    def exported(self, model, *options):
        done, result = export(model, self.output, *options)
        self.assertEqual(done.returncode, 0, done.stderr)
        checker.check_model(self.output, full_check=True)
        return onnx.load(self.output), result


class Collections(Case):
    def check_all(self, models, least):
        def attempt(path):
            try:
                original = onnx.load(path)
            except Exception:
                return []
            if not is_valid(original):
                return []
            outcomes = []
            with tempfile.TemporaryDirectory() as folder:
                output = os.path.join(folder, "out.onnx")
                for options in (["--precision", "fp16"], ["--precision", "fp16", "--convert-io"], ["--precision", "bf16"], ["--plan", plan_for(original, folder)]):
                    done, _ = export(path, output, *options)
                    outcomes.append((str(path), original, options, done, onnx.load(output) if done.returncode == 0 else None))
            return outcomes

        exported = 0
        with concurrent.futures.ThreadPoolExecutor() as pool:
            for path, original, options, done, result in itertools.chain.from_iterable(pool.map(attempt, models)):
                with self.subTest(path=path, options=options):
                    if result is None:
                        self.assertEqual(done.returncode, 1, done.stderr)
                        continue
                    exported += 1
                    checker.check_model(result, full_check=True)
                    self.assertEqual(input_names(result.graph), input_names(original.graph))
                    self.assertEqual([v.name for v in result.graph.output], [v.name for v in original.graph.output])
                    if "--convert-io" not in options:
                        self.assertEqual(list(result.graph.output), list(original.graph.output))
                    self.assertEqual(result.metadata_props, original.metadata_props)
                    self.assertEqual(result.graph.name, original.graph.name)
        self.assertGreaterEqual(exported, least)

    def test_examples_and_trained_models(self):
        models = list(pathlib.Path(ARGUMENTS.examples).rglob("*.onnx"))
        if "TERCET_TEST_DATA" in os.environ:
            models += pathlib.Path(os.environ["TERCET_TEST_DATA"], "models").glob("*.onnx")
        self.check_all(models, 4 * len(models))

    def test_cases_of_onnx(self):
        if not os.path.isdir(CASES):
            self.skipTest(f"{CASES} is missing")
        models = sorted(glob.glob(f"{CASES}/node/*/model.onnx") + glob.glob(f"{CASES}/pytorch-*/*/model.onnx") + glob.glob(f"{CASES}/simple/*/model.onnx"))
        self.check_all(models, 2500)


class Command(Case):
    def setUp(self):
        super().setUp()
        self.model = os.path.join(ARGUMENTS.examples, "fashion_mnist", "model.onnx")

    def refused(self, *options):
        done, _ = export(self.model, self.output, *options)
        self.assertFalse(os.path.exists(self.output))
        return done.returncode, done.stderr

    def test_a_written_plan_gives_the_same_model(self):
        plan = os.path.join(self.folder, "written.json")
        _, first = self.exported(self.model, "--precision", "fp16", "--layer-precisions", "*Softmax*:fp32,*Gemm:fp32", "--write-plan", plan)
        self.assertEqual({entry["op"] for entry in first["layers"] if entry["chosen"] == "fp32"}, {"Softmax", "Gemm"})
        bytes_of_first = pathlib.Path(self.output).read_bytes()
        self.exported(self.model, "--plan", plan)
        self.assertEqual(pathlib.Path(self.output).read_bytes(), bytes_of_first)

    def test_int8_takes_its_scales_from_a_cache(self):
        cache = pathlib.Path(self.folder, "scales.cache")
        names = value_names(onnx.load(self.model).graph)
        cache.write_text("TRT-8503-EntropyCalibration2\n" + "".join(f"{name}: 3d4ccccd\n" for name in names))
        model, result = self.exported(self.model, "--precision", "int8", "--calib-cache", str(cache), "--no-fallback")
        quantized = [entry["op"] for entry in result["layers"] if entry["chosen"] == "int8"]
        self.assertEqual(sorted(quantized), ["Conv"] * 4 + ["Gemm"] * 2)
        self.assertEqual(sum(n.op_type == "QuantizeLinear" for n in model.graph.node), len(quantized))

    def test_faults_are_named(self):
        status, line = self.refused("--precision", "int8")
        self.assertEqual(status, 1)
        self.assertIn("--calib-cache", line)
        status, line = self.refused("--precision", "fp16", "--layer-precisions", "nothing*:fp32")
        self.assertEqual(status, 1)
        self.assertIn("no layer fits 'nothing*'", line)
        status, line = self.refused("--precision", "bf16", "--newest-opset", "17", "--no-fallback")
        self.assertEqual(status, 1)
        self.assertIn("takes BF16 in opset 22", line)
        self.assertEqual(self.refused("--precision", "int4")[0], 2)
        self.assertEqual(self.refused("--precision", "fp16", "--plan", "plan.json")[0], 2)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--tercet", required=True)
    parser.add_argument("--examples", required=True)
    ARGUMENTS, rest = parser.parse_known_args()
    unittest.main(argv=[sys.argv[0], *rest])
