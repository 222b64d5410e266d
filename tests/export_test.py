#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Exports models in every precision; what comes out has to pass onnx's full checker and keep what the model says of itself.
Needs the onnx package. Models: examples, TERCET_TEST_DATA/models, and ONNX's own test cases."""
import argparse
import glob
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

try:
    import onnx
    from onnx import TensorProto, checker, helper, numpy_helper
    import numpy as np
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


def layers_in(result, precision):
    return [entry["layer"] for entry in result["layers"] if entry["chosen"] == precision]


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.output = os.path.join(self.folder, "out.onnx")

    def exported(self, model, *options):
        place = os.path.join(self.folder, "in.onnx")
        if isinstance(model, onnx.ModelProto):
            checker.check_model(model, full_check=True)
            onnx.save(model, place)
        else:
            place = model
        done, result = export(place, self.output, *options)
        self.assertEqual(done.returncode, 0, done.stderr)
        checker.check_model(self.output, full_check=True)
        return onnx.load(self.output), result


class Collections(Case):
    def check_all(self, models, least):
        exported = 0
        for path in models:
            try:
                original = onnx.load(path)
            except Exception:
                continue
            if not is_valid(original):
                continue
            for options in (["--precision", "fp16"], ["--precision", "fp16", "--convert-io"], ["--precision", "bf16"], ["--plan", plan_for(original, self.folder)]):
                done, _ = export(path, self.output, *options)
                with self.subTest(path=str(path), options=options):
                    self.assertIn(done.returncode, (0, 1), done.stderr)
                    if done.returncode == 1:
                        self.assertRegex(done.stderr, "unsupported|cannot|has operator set|opset|FP16 ends|NaN|dtype|needs|depend", path)
                        continue
                    exported += 1
                    result = onnx.load(self.output)
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


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--tercet", required=True)
    parser.add_argument("--examples", required=True)
    ARGUMENTS, rest = parser.parse_known_args()
    unittest.main(argv=[sys.argv[0], *rest])
