#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tercet as others get it: installed, moved elsewhere, found by CMake and by pkg-config, linked from C and C++, and run.

    python3 install_test.py --root . --build build/release --kind static --shared build/release/shared/libtercet.so
"""

import argparse
import glob
import gzip
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True  # nothing is left in the source folder

import onnx_bytes as ob

arguments = None

# What a public header may include that is not of Tercet.
STANDARD = re.compile(r"<(stddef\.h|stdint\.h|[a-z_]+)>")


def model():
    """scores = x w, x [N, 4]: of classes 0, 1, 2 the last has twice the second's score."""
    return ob.model([ob.node("MatMul", ["x", "w"], ["scores"])], [ob.value_info("x", ["N", 4])], [ob.value_info("scores", ["N", 3])],
                    [ob.tensor("w", [4, 3], [0, 1, 2] * 4)])


class Install(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp()
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.run_in(cls.folder, "cmake", "--install", arguments.build, "--prefix", "first")
        cls.prefix = os.path.join(cls.folder, "moved")  # no file may hold the place where it was first
        os.rename(os.path.join(cls.folder, "first"), cls.prefix)
        (config,) = glob.glob(f"{cls.prefix}/**/tercet.pc", recursive=True)
        cls.pkgconfig = os.path.dirname(config)
        cls.libraries = os.path.dirname(cls.pkgconfig)
        with open(f"{cls.folder}/model.onnx", "wb") as f:
            f.write(model())
        cls.run_in(cls.folder, f"{cls.prefix}/bin/tercet", "build", "model.onnx", "-o", "model.engine", "--tune", "none")
        with open(f"{cls.folder}/x.f32", "wb") as f:
            f.write(struct.pack("<4f", 1, 2, 3, 4))
        with open(f"{cls.folder}/x.csv", "w") as f:
            f.write("sample_id,a,b,c,d\none,1,2,3,4\n")

    @staticmethod
    def run_in(folder, *words, env=None):
        done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=300, check=False, env={**os.environ, **(env or {})})
        if done.returncode != 0:
            raise AssertionError(f"{' '.join(words)}\n{done.stdout}{done.stderr}")
        return done.stdout

    def compile(self, compiler, *words):
        self.run_in(self.folder, compiler, "-Wall", "-Wextra", "-Wpedantic", "-Werror", *words)

    def pkg_config(self, *words):
        return self.run_in(self.folder, "pkg-config", *words, "tercet", env={"PKG_CONFIG_PATH": self.pkgconfig}).split()

    def runs_in_c(self, program):
        self.assertEqual(self.run_in(self.folder, program, "model.engine", "x.f32", env={"LD_LIBRARY_PATH": self.libraries}),
                         "1. class 2 20.0000\n2. class 1 10.0000\n3. class 0 0.0000\n")
        failed = subprocess.run([program, "missing"], cwd=self.folder, capture_output=True, text=True, timeout=60, check=False,
                                env={**os.environ, "LD_LIBRARY_PATH": self.libraries})
        self.assertEqual((failed.returncode, failed.stdout), (1, ""))
        self.assertIn("missing: no such file", failed.stderr)

    def example(self, language):
        build = f"{self.folder}/{language}"
        self.run_in(self.folder, "cmake", "-G", "Ninja", "-S", f"{arguments.root}/examples/{language}", "-B", build, f"-DCMAKE_PREFIX_PATH={self.prefix}")
        self.run_in(self.folder, "cmake", "--build", build)
        return build

    def test_headers_are_whole_and_need_no_one_elses(self):
        names = sorted(os.listdir(f"{self.prefix}/include/tercet"))
        self.assertEqual(names, sorted(os.listdir(f"{arguments.root}/include/tercet")))
        for name in names:
            with open(f"{self.prefix}/include/tercet/{name}") as f:
                for included in re.findall(r"#\s*include\s*(\S+)", f.read()):
                    self.assertTrue(STANDARD.fullmatch(included) or included.strip('"').removeprefix("tercet/") in names, f"{name} includes {included}")
        with open(f"{self.folder}/all.cpp", "w") as f:
            f.write("".join(f"#include <tercet/{name}>\n" for name in names))
        with open(f"{self.folder}/all.c", "w") as f:
            f.write("#include <tercet/tercet.h>\n#include <tercet/tercet.h>\n")
        self.compile(arguments.cxx, "-std=c++20", "-fsyntax-only", f"-I{self.prefix}/include", "all.cpp")
        self.compile(arguments.cc, "-std=c11", "-Wstrict-prototypes", "-fsyntax-only", f"-I{self.prefix}/include", "all.c")

    def test_cmake_finds_it_from_c(self):
        self.runs_in_c(f"{self.example('c')}/classify_c")

    def test_cmake_finds_it_from_cpp(self):
        printed = self.run_in(self.folder, f"{self.example('cpp')}/classify", "model.engine", "x.csv", "--top", "2")
        self.assertEqual(printed, "one: class 2 1.0000, class 1 0.0000\n")

    def test_pkg_config_finds_it(self):
        static = ["--static"] if arguments.kind == "static" else []
        with open(f"{self.prefix}/include/tercet/version.h") as f:
            self.assertIn(f'"{self.pkg_config("--modversion")[0]}"', f.read())
        self.compile(arguments.cc, "-std=c11", f"{arguments.root}/examples/c/classify.c", "-o", "by_pkg_config", *self.pkg_config(*static, "--cflags", "--libs"))
        self.runs_in_c("./by_pkg_config")
        if arguments.kind == "static":
            needed = self.run_in(self.folder, "ldd", "by_pkg_config")
            self.assertNotIn("libtercet", needed)

    def test_manual_completions_and_documents_lie_where_they_are_looked_for(self):
        with gzip.open(f"{self.prefix}/share/man/man1/tercet.1.gz", "rt") as f:
            self.assertEqual(f.read(), self.run_in(self.folder, f"{self.prefix}/bin/tercet", "--man"))
        for shell, file in [("bash", "bash-completion/completions/tercet"), ("zsh", "zsh/site-functions/_tercet")]:
            with open(f"{self.prefix}/share/{file}") as f:
                self.assertEqual(f.read(), self.run_in(self.folder, f"{self.prefix}/bin/tercet", "--completion", shell))
        documents = f"{self.prefix}/share/doc/tercet"
        for place in ["docs", "examples"]:
            installed = {os.path.relpath(f, documents) for f in glob.glob(f"{documents}/{place}/**/*.*", recursive=True)}
            there = {os.path.relpath(f, arguments.root) for f in glob.glob(f"{arguments.root}/{place}/**/*.*", recursive=True)}
            self.assertEqual(installed, {f for f in there if place != "docs" or f.endswith((".md", ".svg"))})
        self.assertTrue(os.path.exists(f"{documents}/README.md"))
        self.assertFalse(os.path.exists(f"{documents}/copyright"))  # Debian's way, for its package alone

    def test_debian_package_has_its_own_documents(self):
        if not os.path.exists("/usr/share/doc/libcli11-dev/copyright"):
            self.skipTest("not on Debian")
        self.run_in(self.folder, "cmake", "--install", arguments.build, "--prefix", "debian", "--component", "debian")
        documents = f"{self.folder}/debian/share/doc/tercet"
        with open(f"{self.prefix}/include/tercet/version.h") as f:
            (version,) = re.findall(r'"([\d.]+)"', f.read())
        with gzip.open(f"{documents}/changelog.gz", "rt") as f:
            self.assertTrue(f.read().startswith(f"tercet ({version}) "))
        self.assertTrue(os.path.exists(f"{documents}/copyright"))
        # Every library of which only headers are used, and whose code is therefore in ours, has its notice there.
        with open(f"{arguments.root}/scripts/packages.txt") as f:
            build = re.findall(r"^build +(\S+)", f.read(), re.M)
        headers_alone = {p for p in build if "-dev" in p} - {"libfmt-dev", "libjpeg62-turbo-dev", "libpng-dev", "zlib1g-dev"}
        self.assertEqual(set(os.listdir(f"{documents}/third-party")), headers_alone)

    def test_shared_library_shows_its_interfaces_alone(self):
        library = arguments.shared
        exported = self.run_in(self.folder, "nm", "-DC", "--defined-only", library).splitlines()
        names = {line.split(" ", 2)[2] for line in exported}
        with open(f"{arguments.root}/include/tercet/tercet.h") as f:
            declared = set(re.findall(r"^[a-z].*?\b(tercet_\w+)\(", f.read(), re.M))
        self.assertGreater(len(declared), 40)
        self.assertEqual({n for n in names if n.startswith("tercet_")}, declared)
        others = {n for n in names if not re.match(r"tercet_|(typeinfo (name )?for |vtable for )?tercet::", n)}
        self.assertEqual(others, set())
        self.assertIn("typeinfo for tercet::Error", names)  # else it could not be caught
        for internal in ["tercet::Graph", "tercet::ThreadPool", "tercet::open_engine"]:
            self.assertFalse([n for n in names if n.startswith(internal)], internal)
        self.assertIn("SONAME", self.run_in(self.folder, "readelf", "-d", library))

    def test_shared_library_runs_c_and_cpp(self):
        place = os.path.dirname(arguments.shared)
        link = [f"-I{self.prefix}/include", f"-L{place}", "-ltercet", f"-Wl,-rpath,{place}"]
        self.compile(arguments.cc, "-std=c11", f"{arguments.root}/examples/c/classify.c", "-o", "shared_c", *link)
        self.runs_in_c("./shared_c")
        # An error of the library's is caught by its type.
        with open(f"{self.folder}/catch.cpp", "w") as f:
            f.write('#include <tercet/engine.h>\nint main() {\n    try {\n        tercet::Engine::open("missing");\n'
                    '    } catch (const tercet::Error& e) {\n        return e.fault().what == "no such file" ? 0 : 2;\n    }\n    return 1;\n}\n')
        self.compile(arguments.cxx, "-std=c++20", "catch.cpp", "-o", "shared_cpp", *link)
        self.run_in(self.folder, "./shared_cpp")

    def test_readme_shows_code_that_compiles(self):
        with open(f"{arguments.root}/README.md") as f:
            text = f.read()
        for compiler, standard, block in [(arguments.cc, "c11", "c"), (arguments.cxx, "c++20", "cpp")]:
            (code,) = re.findall(rf"```{block}\n(.*?)```", text, re.S)
            included = "".join(re.findall(r"#include.*\n", code))
            body = re.sub(r"#include.*\n", "", code)
            file = f"readme.{block}"
            with open(f"{self.folder}/{file}", "w") as f:
                f.write(f"#include <stdio.h>\n{included}void show(const float* pixels);\nvoid show(const float* pixels) {{\n{body}}}\n")
            self.compile(compiler, f"-std={standard}", "-Wno-unused-variable", "-fsyntax-only", f"-I{self.prefix}/include", file)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--root", required=True)
    parser.add_argument("--build", required=True)
    parser.add_argument("--kind", choices=["static", "shared"], required=True)
    parser.add_argument("--shared", required=True, help="libtercet.so, of whatever kind is installed")
    parser.add_argument("--cc", default="cc")
    parser.add_argument("--cxx", default="c++")
    arguments = parser.parse_args()
    for place in ["root", "build", "shared"]:  # tests run in other folders
        setattr(arguments, place, os.path.abspath(getattr(arguments, place)))
    unittest.main(argv=sys.argv[:1])
