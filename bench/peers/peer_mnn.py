# SPDX-License-Identifier: Apache-2.0
"""MNN in FP32. Its own memory for inputs is reused during a run, so that every run begins with copying them in, as a user's would.

The converter is called in its extension module: the package's programs install telemetry when they are started."""
import math
import os

import MNN
import numpy


class Peer:
    def prepare(self, task):
        converted = os.path.join(task["folder"], "model.mnn")
        import _tools
        _tools.mnnconvert(["mnnconvert", "-f", "ONNX", "--modelFile", task["model"], "--MNNModel", converted, "--bizCode", "peers"])
        if not os.path.exists(converted):
            raise RuntimeError("MNN's converter left no file")
        return {"files": {"model": converted}}

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
