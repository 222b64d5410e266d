# SPDX-License-Identifier: Apache-2.0
"""onnxruntime, CPU execution provider; in INT8 a model with Q/DQ nodes. The batch is fixed before optimization, as its documentation advises for
known shapes."""
import numpy
import onnxruntime

import static_qdq


class Peer:
    def prepare(self, task):
        if task["precision"] == "int8":
            made, form = static_qdq.quantize(task["model"], task["folder"], task["calibration"])
            return {"files": {"model": made}, "form": form}
        return {"files": {"model": task["model"]}}

    def read_inputs(self, task):
        self.inputs = {name: numpy.load(file) for name, file in task["inputs"].items()}

    def load(self, task):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = task["threads"]
        options.inter_op_num_threads = 1
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        options.add_free_dimension_override_by_name("N", task["batch"])
        self.session = onnxruntime.InferenceSession(task["files"]["model"], options, providers=["CPUExecutionProvider"])

    def run_once(self):
        return self.session.run(None, self.inputs)

    def outputs(self, folder):
        return self.run_once()
