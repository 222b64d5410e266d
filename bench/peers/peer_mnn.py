# SPDX-License-Identifier: Apache-2.0
"""MNN in FP32, and in INT8 by its static quantizer. Its own memory for inputs is reused during a run, so that every run begins with
copying them in, as a user's would.

The converter and the quantizer are called in their extension module: the package's programs install telemetry when they are started."""
import json
import math
import os
import shutil

import MNN
import numpy

import samples

CALIBRATION = 16  # samples, as text; it takes the thresholds from few


def write_json(file, value):
    with open(file, "w", encoding="utf-8") as f:
        json.dump(value, f)


class Peer:
    def prepare(self, task):
        converted = os.path.join(task["folder"], "model.mnn")
        import _tools
        _tools.mnnconvert(["mnnconvert", "-f", "ONNX", "--modelFile", task["model"], "--MNNModel", converted, "--bizCode", "peers"])
        if not os.path.exists(converted):
            raise RuntimeError("MNN's converter left no file")
        if task["precision"] == "int8":
            return {"files": {"model": self.quantize(converted, task)},
                    "form": "its static quantizer's default, KL: activations int8, weights int8 per channel"}
        return {"files": {"model": converted}}

    @staticmethod
    def quantize(converted, task):
        """Its samples are folders: a text file per input, and what shapes they have. KL is its default; its moving averages (EMA), at times
        faster, left 9 dB between signal and noise on cifar10_vgg."""
        import _tools
        given, made = os.path.join(task["folder"], "samples"), os.path.join(task["folder"], "int8.mnn")
        shapes = {"inputs": [{"name": name, "shape": [1, *dims]} for name, dims, _ in task["input_shapes"]]}
        for i, sample in zip(range(CALIBRATION), samples.one_by_one(task["calibration"])):
            place = os.path.join(given, f"{i:03}")
            os.makedirs(place)
            write_json(os.path.join(place, "input.json"), shapes)
            for name, x in sample.items():
                numpy.savetxt(os.path.join(place, f"{name}.txt"), x.reshape(-1, x.shape[-1]), fmt="%.6g")
        settings = os.path.join(task["folder"], "quantize.json")
        write_json(settings, {"format": "RGB", "path": given + "/", "used_sample_num": CALIBRATION, "input_type": "sequence",
                              "feature_quantize_method": "KL", "weight_quantize_method": "MAX_ABS", **shapes})
        _tools.mnnquant(["mnnquant", converted, made, settings])
        if not os.path.exists(made):
            raise RuntimeError("MNN's quantizer left no file")
        shutil.rmtree(given)
        return made

    def read_inputs(self, task):
        arrays = {name: numpy.load(file) for name, file in task["inputs"].items()}
        self.inputs = {name: x.astype(numpy.int32) if x.dtype == numpy.int64 else x for name, x in arrays.items()}  # its integers
        self.output_names = task["outputs"]

    def load(self, task):
        self.net = MNN.Interpreter(task["files"]["model"])
        self.session = self.net.createSession({"backend": "CPU", "numThread": task["threads"], "precision": "high"})
        tensors = {name: self.net.getSessionInput(self.session, name) for name in self.inputs}
        for name, x in self.inputs.items():
            self.net.resizeTensor(tensors[name], x.shape)
        self.net.resizeSession(self.session)
        self.copies = [(tensors[name], self.on_host(x.shape, x)) for name, x in self.inputs.items()]

    @staticmethod
    def on_host(shape, values):
        kind = MNN.Halide_Type_Int if values.dtype == numpy.int32 else MNN.Halide_Type_Float
        return MNN.Tensor(tuple(shape), kind, values, MNN.Tensor_DimensionType_Caffe)

    def run_once(self):
        for tensor, host in self.copies:
            tensor.copyFrom(host)
        self.net.runSession(self.session)

    def outputs(self, folder):
        self.run_once()
        tensors = self.net.getSessionOutputAll(self.session)
        results = []
        for name in self.output_names:
            shape = tensors[name].getShape()
            host = self.on_host(shape, numpy.zeros(math.prod(shape), numpy.float32).reshape(shape))
            tensors[name].copyToHostTensor(host)
            results.append(numpy.array(host.getNumpyData()).reshape(shape))
        return results
