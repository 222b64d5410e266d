#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Builds a model in FP32, FP16 and INT8, and compares what they give and what they cost, on arrays:

    python3 examples/python/precisions.py examples/fashion_mnist/model.onnx calibration.npy images.npy labels.npy -o engines

Arrays are [n, ...] as the model takes them (or uint8 pictures); labels are n class numbers.
"""
import argparse
import sys

import numpy as np

import tercet


def main():
    parser = argparse.ArgumentParser(description="builds and compares FP32, FP16 and INT8")
    parser.add_argument("model")
    parser.add_argument("calibration")
    parser.add_argument("images")
    parser.add_argument("labels")
    parser.add_argument("-o", "--output", default="engines")
    parser.add_argument("--tune", choices=["none", "fast", "full"], default="fast")
    parser.add_argument("--seconds", type=float, default=1)
    a = parser.parse_args()

    def show(what, done, total):
        print(f"\r{what} {done}/{total}\033[K", end="", file=sys.stderr)

    built = tercet.build_all(a.model, a.output, calibration_data=np.load(a.calibration), tune=a.tune, progress=show)
    engines = [b.path for b in built if b.path is not None]
    found = tercet.compare(data=np.load(a.images), labels=np.load(a.labels), engines=engines, seconds=a.seconds, progress=show)
    print("\r\033[K", end="", file=sys.stderr)

    print(f"{found.samples} samples")
    for b in built:
        print(f"{b.precision}: {b.status}" + (f", {b.reason}" if b.reason else ""))
    for e in found.engines:
        speed = f", {e.speed.samples_per_s:.0f} samples/s, {e.speed.latency_p50_ms:.3f} ms" if e.speed else ""
        print(f"{e.precision}: {e.bytes / 1024:.0f} KiB, top-1 {e.top1:.2f} %, agrees with fp32 in {e.agreement:.2f} %{speed}")


if __name__ == "__main__":
    try:
        main()
    except tercet.Error as e:
        sys.exit(f"precisions: error: {e}")
