# SPDX-License-Identifier: Apache-2.0
"""ncnn in FP32, through pnnx. It knows no batch: a batch is that many single runs."""
import importlib.util
import os
import subprocess

import ncnn
import numpy


class Peer:
    def prepare(self, task):
        program = os.path.join(os.path.dirname(importlib.util.find_spec("pnnx").origin), "pnnx")
        kinds = {"float32": "f32", "int64": "i64"}
        shapes = ",".join("[" + ",".join(map(str, [1, *shape])) + "]" + kinds[element] for _, shape, element in task["input_shapes"])
        made = {key: f"model.{key}" for key in ("pnnxparam", "pnnxbin", "pnnxpy", "pnnxonnx", "ncnnparam", "ncnnbin", "ncnnpy")}
        done = subprocess.run([program, task["model"], f"inputshape={shapes}", "fp16=0", *(f"{k}={v}" for k, v in made.items())],
                              cwd=task["folder"], stdout=2, check=False)
        files = {key: os.path.join(task["folder"], made[key]) for key in ("ncnnparam", "ncnnbin")}
        if done.returncode or not all(map(os.path.exists, files.values())):
            raise RuntimeError(f"pnnx failed with status {done.returncode}")
        return {"files": files}

    def read_inputs(self, task):
        arrays = [numpy.load(file) for file in task["inputs"].values()]
        arrays = [x.astype(numpy.int32) if x.dtype == numpy.int64 else x for x in arrays]  # its integers
        self.samples = [[ncnn.Mat(x[i]).clone() for x in arrays] for i in range(task["batch"])]

    def load(self, task):
        self.net = ncnn.Net()
        options = self.net.opt
        options.num_threads = task["threads"]
        for name in ("use_fp16_packed", "use_fp16_storage", "use_fp16_arithmetic", "use_bf16_packed", "use_bf16_storage"):
            if hasattr(options, name):
                setattr(options, name, False)
        if self.net.load_param(task["files"]["ncnnparam"]) or self.net.load_model(task["files"]["ncnnbin"]):
            raise RuntimeError("ncnn cannot load what pnnx wrote")

    def run_once(self):
        for sample in self.samples:
            self.results_of(sample)

    def results_of(self, sample):
        run = self.net.create_extractor()
        for i, x in enumerate(sample):
            run.input(f"in{i}", x)
        results = []
        for i in range(len(self.net.output_names())):
            status, y = run.extract(f"out{i}")
            if status:
                raise RuntimeError(f"ncnn's run failed with status {status}")
            results.append(y)
        return results

    def outputs(self, folder):
        each = [[numpy.array(y) for y in self.results_of(sample)] for sample in self.samples]  # copied: buffers are reused
        return [numpy.stack(column) for column in zip(*each)]
