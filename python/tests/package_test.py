# SPDX-License-Identifier: Apache-2.0
import dataclasses
import importlib.util
import inspect
import os
import pathlib
import re
import subprocess
import sys
import unittest

import numpy as np

import tercet
from support import FASHION, ROOT, Case

PACKAGE = pathlib.Path(tercet.__file__).parent


class Package(Case):
    def test_version_is_the_librarys(self):
        self.assertIn(f'version = "{tercet.__version__}"', (ROOT / "include/tercet/version.h").read_text())

    def test_brings_the_program(self):
        for command in ([sys.executable, "-m", "tercet"], [str(PACKAGE / "bin/tercet")]):
            done = subprocess.run([*command, "--version"], capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn(tercet.__version__, done.stdout)

    def test_everything_public_is_described(self):
        public = {name for name in vars(tercet) if not name.startswith("_") and not inspect.ismodule(getattr(tercet, name))}
        self.assertEqual(public, set(tercet.__all__))
        for name in public:
            thing = getattr(tercet, name)
            self.assertTrue(inspect.getdoc(thing), name)
            if dataclasses.is_dataclass(thing) or not inspect.isclass(thing) or thing is tercet.BuildOptions:
                continue
            for member, value in vars(thing).items():
                if not member.startswith("_") and (callable(value) or isinstance(value, (property, classmethod))):
                    self.assertTrue(inspect.getdoc(getattr(thing, member)), f"{name}.{member}")

    def test_all_options_of_a_build_are_typed(self):
        with self.assertRaises(TypeError) as caught:
            tercet.build(FASHION, no_such_option=1)
        listed = str(caught.exception).partition("there are: ")[2].split(", ")
        self.assertEqual(sorted(tercet.BuildOptions.__annotations__), listed)

    def test_types_are_declared(self):
        self.assertTrue((PACKAGE / "py.typed").exists())
        if importlib.util.find_spec("mypy") is None:
            self.skipTest("mypy is missing")
        (self.folder / "use.py").write_text("import numpy as np\nimport tercet\n"
                                            "result: tercet.BuildResult = tercet.build('m', tune='fast', threads=1, progress=lambda what, done, total: None)\n"
                                            "scores: np.ndarray = tercet.Context(tercet.Engine('e')).run({'x': np.zeros(3)})['y']\n")
        (self.folder / "misuse.py").write_text("import tercet\ntercet.build('m', tune='slow')\ntercet.build('m', tuning='none')\n")
        check = [sys.executable, "-m", "mypy", "--cache-dir", str(self.folder / "cache")]
        done = subprocess.run([*check, "--strict", "-p", "tercet", "--exclude", "/share/"], capture_output=True, text=True, timeout=300, check=False)
        self.assertEqual(done.returncode, 0, done.stdout)
        done = subprocess.run([*check, "use.py"], capture_output=True, text=True, timeout=300, check=False)
        self.assertEqual(done.returncode, 0, done.stdout)
        done = subprocess.run([*check, "misuse.py"], capture_output=True, text=True, timeout=300, check=False)
        self.assertEqual((done.returncode, done.stdout.count("error:")), (1, 2), done.stdout)

    def test_shows_other_modules_nothing(self):
        (module,) = PACKAGE.glob("_tercet*.so")
        done = subprocess.run(["nm", "-D", "--defined-only", str(module)], capture_output=True, text=True, timeout=60, check=True)
        self.assertEqual([line.split()[-1] for line in done.stdout.splitlines()], ["PyInit__tercet"])

    @unittest.skipUnless(os.environ.get("TERCET_WHEEL"), "a build folder has what the system has")
    def test_a_wheel_needs_the_libraries_of_the_language_alone(self):
        for file in (*PACKAGE.glob("_tercet*.so"), PACKAGE / "bin/tercet"):
            done = subprocess.run(["ldd", str(file)], capture_output=True, text=True, timeout=60, check=True)
            needed = {re.sub(r"\.so.*", "", pathlib.Path(line.split()[0]).name) for line in done.stdout.splitlines()}
            self.assertLessEqual(needed, {"linux-vdso", "libstdc++", "libm", "libgcc_s", "libc", "ld-linux-x86-64", "ld-linux-aarch64"}, file)


class Readme(Case):
    def setUp(self):
        super().setUp()
        (self.folder / "examples").symlink_to(ROOT / "examples")

    def test_its_code_runs_and_gives_what_it_says(self):
        for document, count in [("README.md", 1)]:
            blocks = re.findall(r"```python\n(.*?)```", (ROOT / document).read_text(), re.S)
            self.assertEqual(len(blocks), count, document)
            for block in blocks:
                printed = re.findall(r"print\(.*\)\s+# (.*)", block)
                self.assertGreater(len(printed), 0)
                self.assertEqual(self.python(block).splitlines(), printed)


class Examples(Case):
    def run_example(self, name, *words):
        done = subprocess.run([sys.executable, "-B", str(ROOT / "examples/python" / name), *map(str, words)], capture_output=True, text=True, timeout=300, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.splitlines()

    def test_classify(self):
        self.fashion()
        folder = ROOT / "examples/fashion_mnist"
        lines = self.run_example("classify.py", "fashion.engine", folder / "ankle_boot.png", "--labels", folder / "labels.txt", "--top", "2")
        self.assertEqual(len(lines), 1)
        self.assertRegex(lines[0], r"^ankle_boot.png: Ankle boot 0\.92\d\d, Sneaker 0\.01\d\d$")
        np.save("labels.npy", np.array([9, 9, 8]))
        np.save("images.npy", np.repeat(tercet.load_input(folder / "ankle_boot.png", tercet.Engine("fashion.engine")), 3, axis=0))
        self.assertEqual(self.run_example("classify.py", "fashion.engine", "images.npy", "--truth", "labels.npy", "--quiet"), ["accuracy 66.67 % of 3"])

    def test_precisions(self):
        x = np.random.default_rng(6).random((32, 28, 28, 1), np.float32)
        np.save("images.npy", x)
        np.save("labels.npy", np.zeros(32, np.int64))
        lines = self.run_example("precisions.py", FASHION, "images.npy", "images.npy", "labels.npy", "--tune", "none", "--seconds", "0.1")
        self.assertEqual(lines[:4], ["32 samples", "fp32: ok", "fp16: ok", "int8: ok"])
        self.assertRegex(lines[6], r"^int8: \d+ KiB, top-1 .* %, agrees with fp32 in .* %, \d+ samples/s, .* ms$")


if __name__ == "__main__":
    unittest.main()
