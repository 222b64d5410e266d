#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs every command of the `console` blocks of README.md and of the documents after it, in order, in one fresh folder; each must
succeed, and what is shown of its output must be its shape (the same lines, up to numbers)."""
import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

ARGUMENTS = None
DOCUMENTS = ["README.md", "docs/performance.md", "bench/roofline/README.md"]


def console_blocks(text):
    for block in re.findall(r"```console\n(.*?)```", text, re.S):
        command, shown = None, []
        for line in block.splitlines():
            if line.startswith("$ "):
                if command:
                    yield command, shown
                command, shown = line[2:], []
            else:
                shown.append(line)
        if command:
            yield command, shown


def shape(line):
    durations = re.sub(r"[\d.]+ (us|ms|s)\b", "# time", line)  # a faster machine shows milliseconds for seconds
    return re.sub(r"[\d.]+", "#", durations).rstrip()


class Readme(unittest.TestCase):
    def test_commands_do_what_is_shown(self):
        root = pathlib.Path(ARGUMENTS.root)
        with tempfile.TemporaryDirectory() as folder:
            os.symlink(root / "examples", f"{folder}/examples")
            path = f"{ARGUMENTS.bin}:{os.environ['PATH']}"
            commands = []
            for document in DOCUMENTS:
                found = list(console_blocks((root / document).read_text()))
                self.assertGreater(len(found), 0, document)
                commands += found
            for command, shown in commands:
                for place in re.findall(r"/usr/share/\S+", command):
                    if not pathlib.Path(place).exists():
                        self.skipTest(f"{place} is missing")
                with self.subTest(command):
                    done = subprocess.run(command, shell=True, cwd=folder, capture_output=True, text=True, timeout=300,
                                          env={**os.environ, "PATH": path})
                    self.assertEqual(done.returncode, 0, done.stderr)
                    if shown:
                        self.assertEqual([shape(line) for line in done.stdout.splitlines()], [shape(line) for line in shown])


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--root", required=True)
    parser.add_argument("--bin", required=True)
    ARGUMENTS = parser.parse_args()
    unittest.main(argv=sys.argv[:1])
