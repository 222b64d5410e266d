# SPDX-License-Identifier: Apache-2.0
"""What the tests of TensorRT targets share: the program in a folder of its own, and where `scripts/setup --tensorrt-rtx` puts things."""
import argparse
import json
import os
import struct
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True  # nothing is left in the source folder
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import onnx_bytes as ob

arguments = None


def installed(*names):
    return os.path.join(arguments.installed, *names)


def python():
    """The interpreter of the virtual environment that has TensorRT-RTX; the bindings of the others are made for it, too."""
    return installed("rtx", "bin", "python")


def write(path, data):
    with open(path, "wb" if isinstance(data, bytes) else "w") as f:
        f.write(data)
    return path


def read(path):
    with open(path, "rb") as f:
        return f.read()


def cache_of(scales):
    return "TRT-8503-EntropyCalibration2\n" + "".join("%s: %s\n" % (name, struct.pack("!f", scale).hex()) for name, scale in scales.items())


class Program(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def environment(self, env):
        kept = {k: v for k, v in os.environ.items() if not k.startswith("TERCET_") and k not in ("PYTHONPATH", "VIRTUAL_ENV")}
        return {**kept, "PYTHONDONTWRITEBYTECODE": "1", **(env or {})}

    def tercet(self, *words, status=0, env=None):
        done = subprocess.run([arguments.tercet, *map(str, words)], cwd=self.folder, env=self.environment(env), capture_output=True, text=True, timeout=300,
                              check=False)
        self.assertEqual(done.returncode, status, "%s\n%s%s" % (words, done.stdout, done.stderr))
        return done

    def json(self, *words, status=0, env=None):
        return json.loads(self.tercet(*words, "--json", status=status, env=env).stdout)

    def built(self, *words, env=None):
        """The one engine of a build, as JSON tells of it."""
        (engine,) = self.json("build", *words, env=env)
        self.assertEqual(engine["status"], "ok")
        self.assertEqual(engine["bytes"], os.path.getsize(self.path(engine["path"])))
        return engine

    def fails(self, *words, says=(), env=None):
        """Exit status 1 and one line of error, behind TensorRT's own messages; nothing is left."""
        before = self.files()
        done = self.tercet(*words, status=1, env=env)
        self.assertEqual(done.stdout, "")
        lines = [line for line in done.stderr.splitlines() if not line.startswith("TensorRT ")]
        self.assertEqual(len(lines), 1, done.stderr)
        self.assertTrue(lines[0].startswith("tercet: error: "), done.stderr)
        for text in [says] if isinstance(says, str) else says:
            self.assertIn(text, lines[0])
        self.assertEqual(self.files(), before)
        return lines[0]

    def files(self):
        return sorted(os.path.join(place, f) for place, _, files in os.walk(self.folder) for f in files)


def main():
    """Runs the tests of a file; skips them (exit status 77) if there is no whole installation."""
    global arguments
    parser = argparse.ArgumentParser()
    parser.add_argument("--tercet", required=True)
    parser.add_argument("--root", required=True)
    parser.add_argument("--installed", required=True, help="what scripts/setup --tensorrt-rtx made")
    arguments, rest = parser.parse_known_args()
    for name in ("tercet", "root", "installed"):  # tests run in other folders
        setattr(arguments, name, os.path.abspath(getattr(arguments, name)))
    if not os.path.exists(installed("requirements.txt")):  # put there last
        print("skipped: there is no %s; scripts/setup --tensorrt-rtx makes it" % arguments.installed)
        sys.exit(77)
    unittest.main(module="__main__", argv=[sys.argv[0], *rest])
