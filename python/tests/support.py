# SPDX-License-Identifier: Apache-2.0
"""What the tests have in common: the checkout, the program, small models."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

import numpy as np

import tercet
from tercet import _command

ROOT = pathlib.Path(os.environ.get("TERCET_ROOT") or pathlib.Path(__file__).parents[2])
PROGRAM = os.environ.get("TERCET_PROGRAM") or str(_command.program())
FASHION = ROOT / "examples/fashion_mnist/model.onnx"
BOOT = ROOT / "examples/fashion_mnist/ankle_boot.png"

sys.path.insert(0, str(ROOT / "tests"))

import onnx_bytes as ob  # noqa: E402

BF16, BOOL = 16, 9


def model(file, op, inputs, outputs, *, constants=(), attributes=b""):
    """One node; inputs and outputs are (name, shape[, dtype]), constants (name, array)."""
    names = [i[0] for i in inputs] + [name for name, _ in constants]
    initializers = [ob.tensor(name, a.shape, a.ravel().tolist(), ob.INT64 if a.dtype == np.int64 else ob.FLOAT) for name, a in constants]
    pathlib.Path(file).write_bytes(ob.model([ob.node(op, names, [o[0] for o in outputs], attributes=attributes)], [ob.value_info(*i) for i in inputs],
                                            [ob.value_info(*o) for o in outputs], initializers))
    return file


class Case(unittest.TestCase):
    """A test with an empty current folder."""

    def setUp(self):
        before = os.getcwd()
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        os.chdir(self.folder)
        self.addCleanup(os.chdir, before)

    def engine_of(self, op, inputs, outputs, *, constants=(), **options):
        model("one.onnx", op, inputs, outputs, constants=constants)
        tercet.build("one.onnx", "one.engine", tune="none", **options)
        return tercet.Engine("one.engine")

    def fashion(self):
        tercet.build(FASHION, "fashion.engine", tune="none")
        return tercet.Engine("fashion.engine")

    def refuses(self, line, function, *arguments, **named):
        """tercet.Error with just this text."""
        with self.assertRaises(tercet.Error) as caught:
            function(*arguments, **named)
        self.assertEqual(str(caught.exception), line)

    def program(self, *words, status=0):
        done = subprocess.run([PROGRAM, *map(str, words)], capture_output=True, text=True, timeout=300, check=False)
        self.assertEqual(done.returncode, status, done.stderr)
        return done

    def python(self, code, *words):
        """What a fresh interpreter prints."""
        done = subprocess.run([sys.executable, "-B", "-c", code, *map(str, words)], capture_output=True, text=True, timeout=300, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout
