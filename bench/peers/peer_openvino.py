# SPDX-License-Identifier: Apache-2.0
"""OpenVINO, in FP32 and in INT8 by NNCF, its own quantizer. Hint `latency`: one request on all threads; `throughput`: two streams, as many
requests as it asks for."""
import os
import time

import numpy
import openvino

import samples
import static_qdq


class Peer:
    def __init__(self, hint):
        self.hint = hint
        if hint == "throughput":
            self.timed_runs = self.overlapping_runs

    def prepare(self, task):
        if task["precision"] == "int8":
            made, form = self.quantize(task)
            return {"files": {"model": made}, "form": form}
        return {"files": {"model": task["model"]}}

    @staticmethod
    def quantize(task):
        os.environ["NNCF_CI"] = "1"  # no telemetry, even if somebody installed its package
        try:
            import nncf
        except ImportError:
            made, form = static_qdq.quantize(task["model"], task["folder"], task["calibration"])
            return made, f"onnxruntime's, as NNCF is not installed: {form}"
        given = list(samples.one_by_one(task["calibration"]))
        model = nncf.quantize(openvino.Core().read_model(task["model"]), nncf.Dataset(given), subset_size=len(given),
                              model_type=nncf.ModelType.TRANSFORMER if task["transformer"] else None)
        made = os.path.join(task["folder"], "model.xml")
        openvino.save_model(model, made, compress_to_fp16=False)
        return made, f"NNCF {nncf.__version__}, its defaults" + (" for transformers" if task["transformer"] else "")

    def read_inputs(self, task):
        self.inputs = {name: numpy.load(file) for name, file in task["inputs"].items()}

    def load(self, task):
        core = openvino.Core()
        model = core.read_model(task["files"]["model"])
        model.reshape({name: list(x.shape) for name, x in self.inputs.items()})
        self.compiled = core.compile_model(model, "CPU", {
            "PERFORMANCE_HINT": self.hint.upper(), "INFERENCE_NUM_THREADS": task["threads"], "INFERENCE_PRECISION_HINT": "f32",
            "NUM_STREAMS": 1 if self.hint == "latency" else min(2, task["threads"])})
        wanted = 1 if self.hint == "latency" else self.compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS")
        self.requests = openvino.AsyncInferQueue(self.compiled, wanted)
        for request in self.requests:
            for name, x in self.inputs.items():
                request.set_tensor(name, openvino.Tensor(x, shared_memory=True))

    def run_once(self):
        self.requests[0].infer()

    def overlapping_runs(self, seconds):
        """As worker.timed_runs, with all requests in flight: a latency is from a request's start to its end."""
        latencies, started = [], {}
        now = time.perf_counter

        def done(request, number):
            latencies.append((now() - started.pop(number)) * 1e3)

        self.requests.set_callback(done)
        start, number = now(), 0
        while now() - start < seconds or number < 3:
            self.requests.get_idle_request_id()  # waits for one
            started[number] = now()
            self.requests.start_async(userdata=number)
            number += 1
        self.requests.wait_all()
        return latencies, now() - start

    def outputs(self, folder):
        self.run_once()
        return [self.requests[0].get_tensor(o).data.copy() for o in self.compiled.outputs]
