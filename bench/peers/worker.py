# SPDX-License-Identifier: Apache-2.0
"""One peer's process: reads commands as JSON lines, answers each with one JSON line, and sleeps in between.

    prepare {model, folder, ...}           converts, quantizes, builds: what it needs -> {"files": {...}, "form": in words, ...}
    load    {files, inputs, threads, ...}  file to ready, and the first run           -> {"load_ms", "first_inference_ms"}
    run     {seconds}                      a warm-up of a tenth of it, then that long -> {"samples_per_s", "latency_ms", ...}
    outputs {folder}                       of one run, as NPY files                   -> {"files": [...]}
    memory  {}                                                                        -> {"peak_rss_bytes", "import_rss_bytes"}

A failure is answered with {"error": why}. What libraries print goes to standard error."""
import importlib
import json
import os
import sys
import time

import figures


def status_bytes(field):
    with open("/proc/self/status", encoding="ascii") as f:
        return next(int(line.split()[1]) * 1024 for line in f if line.startswith(field + ":"))


def timed_runs(run_once, seconds):
    """Latencies in ms of runs one after another, and how long they took together in s."""
    latencies = []
    start = before = time.perf_counter()
    while before - start < seconds or len(latencies) < 3:
        run_once()
        now = time.perf_counter()
        latencies.append((now - before) * 1e3)
        before = now
    return latencies, before - start


class Worker:
    def __init__(self, peer):
        self.peer, self.import_rss_bytes, self.batch = peer, status_bytes("VmRSS"), 0

    def prepare(self, **task):
        return self.peer.prepare(task)

    def load(self, **task):
        self.batch = task["batch"]
        if hasattr(self.peer, "loads_itself"):
            return self.peer.load(task)
        self.peer.read_inputs(task)
        start = time.perf_counter()
        self.peer.load(task)
        ready = time.perf_counter()
        self.peer.run_once()
        return {"load_ms": (ready - start) * 1e3, "first_inference_ms": (time.perf_counter() - ready) * 1e3}

    def run(self, seconds):
        if hasattr(self.peer, "round"):
            return self.peer.round(seconds)
        run = getattr(self.peer, "timed_runs", lambda s: timed_runs(self.peer.run_once, s))
        run(seconds / 10)
        latencies, took = run(seconds)
        return {"samples_per_s": len(latencies) * self.batch / took, "runs": len(latencies),
                "latency_ms": {"p50": figures.percentile(latencies, 50), "p99": figures.percentile(latencies, 99)}}

    def outputs(self, folder):
        import numpy
        files = []
        for i, y in enumerate(self.peer.outputs(folder)):
            files.append(os.path.join(folder, f"output{i}.npy"))
            numpy.save(files[-1], y)
        return {"files": files}

    def memory(self):
        peak = getattr(self.peer, "peak_rss_bytes", None)
        return {"peak_rss_bytes": peak or status_bytes("VmHWM"), "import_rss_bytes": 0 if peak else self.import_rss_bytes}


def main():
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    worker, why = None, None
    try:
        worker = Worker(importlib.import_module(sys.argv[1]).Peer(*sys.argv[2:]))
    except Exception as e:  # a peer that cannot be had is one cell's news, not the end
        why = f"{type(e).__name__}: {e}"
    for line in sys.stdin:
        task = json.loads(line)
        try:
            answer = {"error": why} if why else getattr(worker, task.pop("do"))(**task)
        except Exception as e:
            answer = {"error": f"{type(e).__name__}: {e}".splitlines()[0][:300]}
        replies.write(json.dumps(answer) + "\n")
        replies.flush()


if __name__ == "__main__":
    main()
