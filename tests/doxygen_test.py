#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""docs/Doxyfile gives no warning, and every type and function of the public headers has a comment. (Members whose name says it all
may go without.)

    python3 doxygen_test.py --root . --doxygen doxygen
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import unittest

arguments = None


def run_doxygen(folder, more=""):
    with open(os.path.join(arguments.root, "docs", "Doxyfile")) as f:
        settings = f.read()
    settings += f'\nOUTPUT_DIRECTORY = "{folder}"\n{more}'  # the last one counts
    return subprocess.run([arguments.doxygen, "-"], cwd=arguments.root, input=settings, capture_output=True, text=True, timeout=300, check=False)


class Doxygen(unittest.TestCase):
    def test_warns_of_nothing(self):
        with tempfile.TemporaryDirectory() as folder:
            done = run_doxygen(folder)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            names = os.listdir(os.path.join(folder, "html"))
            for page in ["index.html", "tercet_8h.html", "classtercet_1_1Engine.html"]:
                self.assertIn(page, names)

    def test_types_and_functions_have_comments(self):
        with tempfile.TemporaryDirectory() as folder:
            done = run_doxygen(folder, "EXTRACT_ALL = NO\nWARN_AS_ERROR = NO\n")
            missing = [line for line in done.stderr.splitlines() if re.search(r"is not documented", line) and "(variable)" not in line]
            self.assertEqual(missing, [])


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--root", required=True)
    parser.add_argument("--doxygen", default="doxygen")
    arguments = parser.parse_args()
    unittest.main(argv=sys.argv[:1])
