# SPDX-License-Identifier: Apache-2.0
"""What share/convert does without any framework. Needs the standard library only.

    python3 worker_test.py"""
import collections
import io
import json
import os
import pathlib
import pickle
import subprocess
import sys
import tempfile
import unittest
import zipfile

sys.dont_write_bytecode = True
SHARE = pathlib.Path(__file__).resolve().parents[2] / "share" / "convert"
sys.path.insert(0, str(SHARE))

import pickle_names
import source
import trees
import worker
from refused import Refused, reason
from source import Source, Value


class Code:
    """Loading its pickle would leave a file behind."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


class PickleNames(unittest.TestCase):
    def test_finds_what_every_protocol_names(self):
        for protocol in range(6):
            with self.subTest(protocol=protocol):
                found = pickle_names.names(io.BytesIO(pickle.dumps([collections.OrderedDict(a=1), pathlib.PurePosixPath("x")], protocol)))
                self.assertIn("collections.OrderedDict", found)
                self.assertIn("pathlib.PurePosixPath", found)

    def test_runs_nothing(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "made")
            found = pickle_names.names(io.BytesIO(pickle.dumps(Code(path))))
            self.assertFalse(os.path.exists(path))
            self.assertEqual([n.split(".")[-1] for n in found], ["mkdir"])

    def test_reads_both_forms_of_torch_save(self):
        state = b"\x80\x02ccollections\nOrderedDict\n(tR."
        with tempfile.TemporaryDirectory() as folder:
            new, old = os.path.join(folder, "new.pt"), os.path.join(folder, "old.pt")
            with zipfile.ZipFile(new, "w") as archive:
                archive.writestr("new/data.pkl", state)
                archive.writestr("new/data/0", b"1234")
            with open(old, "wb") as f:
                for head in (0x1950a86a20f9469cfc6c, 1001, {"little_endian": True}):
                    f.write(pickle.dumps(head, 2))
                f.write(state + b"storages follow")
            for path in (new, old):
                self.assertEqual(pickle_names.torch_names(path), ["collections.OrderedDict"])

    def test_tells_tensors_from_modules(self):
        tensors = ["collections.OrderedDict", "torch._utils._rebuild_tensor_v2", "torch.FloatStorage", "torch.bfloat16"]
        self.assertTrue(pickle_names.only_tensors(tensors))
        for name in ("torch.nn.modules.linear.Linear", "__main__.Net", "posix.system"):
            self.assertFalse(pickle_names.only_tensors([*tensors, name]), name)


class Inputs(unittest.TestCase):
    def setUp(self):
        self.image = Value("image", shape=(None, None, None, 3))
        self.mask = Value("mask", shape=(None, 16))

    def test_shapes_fix_what_is_open_but_the_batch(self):
        (image, mask) = source.with_shapes([self.image, self.mask], {"image": [1, 64, 32, 3]})
        self.assertEqual((image.shape, mask.shape), ((None, 64, 32, 3), (None, 16)))

    def test_the_only_input_needs_no_name(self):
        self.assertEqual(source.with_shapes([self.mask], {"": [1, 16]})[0].shape, (None, 16))
        with self.assertRaisesRegex(Refused, "does not say which input"):
            source.with_shapes([self.image, self.mask], {"": [1, 16]})

    def test_shapes_that_do_not_fit_are_refused(self):
        for shapes, says in (({"picture": [1, 2]}, "no input 'picture'"), ({"mask": [1, 2, 3]}, "3 sizes, it has 2"), ({"mask": [1, 8]}, "8 at axis 1, the model has 16")):
            with self.assertRaisesRegex(Refused, says):
                source.with_shapes([self.image, self.mask], shapes)

    def test_declares_a_batch_and_names_other_open_sizes(self):
        self.assertEqual(source.declared([self.image, self.mask], False), [["N", "image_1", "image_2", 3], ["N", 16]])
        self.assertEqual(source.declared([self.mask, Value("k")], True), [[1, 16], []])
        self.assertEqual(source.declared([Value("x", shape=(4, 2))], True), [[4, 2]])

    def test_sample_shapes_are_whole(self):
        self.assertEqual(source.sample_shape(self.image, 3), [3, 32, 32, 3])
        self.assertEqual(source.sample_shape(Value("k"), 3), [])

    def test_names_become_unique(self):
        self.assertEqual(source.unique(["a", "b", "a", "a"]), ["a", "b", "a_2", "a_3"])

    def test_a_batch_is_dynamic_unless_the_original_keeps_it(self):
        def batch(static=False, **keys):
            return Source([self.mask], [], None, None, "", **keys).batch(static)
        self.assertEqual([batch(), batch(static=True), batch(fixed_batch=True), batch(fixed_batch=True, keeps_batch=True)], ["dynamic", "fixed", "forced", "fixed"])


class Trees(unittest.TestCase):
    # x[0] <= 1 ? 10 : (x[1] <= 2 ? 20 : 30), and a tree that is one leaf
    ATTRIBUTES = {"nodes_modes": [b"BRANCH_LEQ", b"LEAF", b"BRANCH_LEQ", b"LEAF", b"LEAF", b"LEAF"], "nodes_treeids": [0, 0, 0, 0, 0, 1],
                  "nodes_nodeids": [0, 1, 2, 3, 4, 0], "nodes_truenodeids": [1, 0, 3, 0, 0, 0], "nodes_falsenodeids": [2, 0, 4, 0, 0, 0],
                  "nodes_featureids": [0, 0, 1, 0, 0, 0], "nodes_values": [1.0, 0, 2.0, 0, 0, 0], "target_treeids": [0, 0, 0, 1], "target_nodeids": [1, 3, 4, 0],
                  "target_ids": [0, 0, 0, 0], "target_weights": [10.0, 20.0, 30.0, 0.5]}

    def walk(self, t, x):
        at = list(t.roots)
        for _ in range(t.depth):
            at = [t.yes[k] if x[t.feature[k]] <= t.threshold[k] else t.no[k] for k in at]
        return sum(t.weights[k][0] for k in at)

    def test_a_table_gives_what_the_trees_do(self):
        t = trees.tabulate(self.ATTRIBUTES, "target", 1)
        self.assertEqual(t.depth, 2)
        self.assertEqual([self.walk(t, x) for x in ([1, 9], [2, 2], [2, 3])], [10.5, 20.5, 30.5])

    def test_other_comparisons_are_left_alone(self):
        self.assertIsNone(trees.tabulate({**self.ATTRIBUTES, "nodes_modes": [b"BRANCH_LT"] + [b"LEAF"] * 5}, "target", 1))


class Worker(unittest.TestCase):
    def test_what_is_refused_is_answered(self):
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, "from_refusing.py"), "w", encoding="utf-8") as f:
                f.write("from refused import Refused\ndef load(request):\n    raise Refused('it is green', 'paint it')\n")
            for module in ("finish", "onnx"):
                open(os.path.join(folder, module + ".py"), "w", encoding="utf-8").close()
            request, answer = os.path.join(folder, "request.json"), os.path.join(folder, "answer.json")
            with open(request, "w", encoding="utf-8") as f:
                json.dump({"format": "green", "answer": answer, "python_path": []}, f)
            code = ("import sys; sys.path[:0] = sys.argv[1:3]; import worker; worker.MODULES['green'] = 'from_refusing'; worker.main(sys.argv[3])")
            subprocess.run([sys.executable, "-B", "-c", code, folder, str(SHARE), request], check=True, timeout=60)
            with open(answer, encoding="utf-8") as f:
                self.assertEqual(json.load(f), {"error": {"what": "it is green", "fix": "paint it"}})

    def test_every_format_has_a_module(self):
        for module in worker.MODULES.values():
            self.assertTrue((SHARE / f"{module}.py").exists(), module)

    def test_reasons_are_one_line(self):
        self.assertEqual(reason(ValueError("\n  first of all\nsecond\n")), "first of all")
        self.assertEqual(reason(KeyError("x")), "KeyError: 'x'")
        self.assertEqual(reason(ValueError()), "ValueError: ValueError")
        self.assertEqual(len(reason(ValueError("y" * 900))), 300)

    def test_requirements_are_pinned(self):
        for file in SHARE.glob("requirements-*.txt"):
            lines = [line for line in file.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
            self.assertTrue(lines and all("==" in line for line in lines), file)


if __name__ == "__main__":
    unittest.main()
