# SPDX-License-Identifier: Apache-2.0
"""Tercet, as its users run it: `tercet build`, then `tercet run` for each data set on the same engine."""
import dataclasses
import os
import pathlib
import re
import shutil
import subprocess

import ml_dtypes
import numpy as np
import onnx
from onnx import numpy_helper

LIMIT_S = 60


@dataclasses.dataclass(frozen=True)
class Setting:
    """How an engine is built and run."""
    isa: str = ""         # TERCET_MAX_ISA; empty: the machine's
    threads: int = 1
    passes: str = "on"    # or off
    strict: bool = False

    def text(self):
        return f"isa={self.isa or 'all'} threads={self.threads} passes={self.passes}{' strict' if self.strict else ''}"


def parse_setting(text):
    words = dict(w.split("=") for w in text.split() if "=" in w)
    return Setting("" if words["isa"] == "all" else words["isa"], int(words["threads"]), words["passes"], "strict" in text.split())


class Unsupported(Exception):
    """Tercet's one line that says why."""


class Broken(Exception):
    """A crash, a hang, or an error that is not the input's."""


class Tercet:
    def __init__(self, program, folder):
        self.program, self.folder = str(program), pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)

    def call(self, verb, words, setting):
        environment = {k: v for k, v in os.environ.items() if k != "TERCET_MAX_ISA"}
        if setting.isa:
            environment["TERCET_MAX_ISA"] = setting.isa
        try:
            done = subprocess.run([self.program, verb, *map(str, words), "--threads", str(setting.threads)], env=environment, capture_output=True,
                                  text=True, errors="replace", timeout=LIMIT_S, check=False, stdin=subprocess.DEVNULL)
        except subprocess.TimeoutExpired as e:
            raise Broken(f"tercet {verb} did not end in {LIMIT_S} s") from e
        line = done.stderr.strip().splitlines()[-1] if done.stderr.strip() else ""
        line = line.removeprefix("tercet: error: ").replace(f"{self.folder}/", "")
        if done.returncode == 1 and "out of memory" not in line:
            raise Unsupported(f"{verb}: {line}")
        if done.returncode != 0:
            raise Broken(f"tercet {verb} ended with status {done.returncode}: {line}")

    def run(self, model, outputs, feeds, setting):
        """Per feed (name to array) a list of arrays in the order of `outputs`. Inputs whose axis 0 differs between feeds get a range."""
        file, engine = self.folder / "model.onnx", self.folder / "case.engine"
        file.write_bytes(model)
        words = [file, "-o", engine, "--tune", "none"]
        if setting.passes == "off":
            words += ["--disable-pass", "all"]
        if setting.strict:
            words.append("--strict")
        self.call("build", words + ranges(model, feeds), setting)
        results = []
        for feed in feeds:
            words, out = [engine], self.folder / "out"
            shutil.rmtree(out, ignore_errors=True)
            for i, (name, x) in enumerate(feed.items()):
                pb = self.folder / f"input_{i}.pb"
                pb.write_bytes(numpy_helper.from_array(x, name).SerializeToString())
                words += ["--input", f"{name}={pb}"]
            self.call("run", [*words, "-o", out], setting)
            results.append([read(out / f"{name}.npy") for name in outputs])
        return results


def ranges(model, feeds):
    """--min-shapes and so on for the inputs that have a symbolic extent."""
    symbolic = [i.name for i in onnx.load_from_string(model).graph.input if any(d.dim_param for d in i.type.tensor_type.shape.dim)]
    if not symbolic:
        return []

    def shapes(pick):
        return ",".join(f"{name}:" + "x".join(map(str, pick([f[name].shape for f in feeds]))) for name in symbolic)

    return ["--min-shapes", shapes(min), "--opt-shapes", shapes(lambda s: s[0]), "--max-shapes", shapes(max)]


def read(file):
    try:
        x = np.load(file, allow_pickle=False)
    except (OSError, ValueError) as e:
        raise Broken(f"{file.name} cannot be read: {e}") from e
    return x.view(ml_dtypes.bfloat16) if x.dtype == np.dtype("V2") else x


def kind_of(reason):
    """A reason without names and numbers, so that equal ones can be counted."""
    reason = re.sub(r"node\d+", "node", reason)
    reason = re.sub(r"'[^']*'", "'..'", reason)
    reason = re.sub(r"\[[^]]*\]", "[..]", reason)
    return re.sub(r"-?\d+(\.\d+)?", "#", reason)
