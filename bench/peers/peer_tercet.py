# SPDX-License-Identifier: Apache-2.0
"""Tercet, through its program: a round is one `tercet bench`, which warms up for a tenth of the time as the others do here, on
random inputs in [0, 1). So load, first inference and peak memory are the program's own, and come anew with every round."""
import json
import os
import subprocess


class Peer:
    loads_itself = True

    def __init__(self, program, streams):
        self.program, self.streams = program, int(streams)

    def tercet(self, *words):
        done = subprocess.run([self.program, *map(str, words)], capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"status {done.returncode}")
        return done.stdout

    def per_stream(self, threads):
        return max(1, threads // self.streams)

    def prepare(self, task):
        engine = os.path.join(task["folder"], "model.engine")
        calibration = list(task.get("calibration", {}).values())
        if len(calibration) > 1:
            raise RuntimeError("calibration takes a file of samples, which models with several inputs do not have")
        built = json.loads(self.tercet("build", task["model"], "-o", engine, "--precision", task["precision"],
                                       *(word for file in calibration for word in ("--calib-data", file)),
                                       "--timing-cache", task["timings"], "--threads", self.per_stream(task["threads"]), "--json"))[0]
        return {"files": {"engine": engine}, "build_ms": built["build_ms"], "reference_steps": built["reference_steps"], "bytes": built["bytes"],
                "layers": built.get("layers", {})}

    def load(self, task):
        self.engine, self.batch, self.threads = task["files"]["engine"], task["batch"], self.per_stream(task["threads"])
        self.inputs, self.output_names = task["inputs"], task["outputs"]
        result = self.bench(0.0)
        return {"load_ms": result["load_ms"], "first_inference_ms": result["first_inference_ms"]}

    def bench(self, seconds):
        result = json.loads(self.tercet("bench", self.engine, "--batch", self.batch, "--duration", seconds, "--threads", self.threads,
                                        "--streams", self.streams, "--json"))
        self.peak_rss_bytes = max(getattr(self, "peak_rss_bytes", 0), result["peak_rss_bytes"])
        return result

    def round(self, seconds):
        result = self.bench(seconds)
        return {"samples_per_s": result["samples_per_s"], "runs": result["runs"],
                "latency_ms": {key: result["latency_ms"][key] for key in ("p50", "p99")}}

    def outputs(self, folder):
        import numpy
        words = [word for name, file in self.inputs.items() for word in ("--input", f"{name}={file}")]
        made = json.loads(self.tercet("run", self.engine, *words, "--threads", self.threads, "--output", folder, "--json"))["outputs"]
        paths = {output["name"]: output["path"] for output in made}
        return [numpy.load(paths[name]) for name in self.output_names]
