# SPDX-License-Identifier: Apache-2.0
"""The numbers in src/precision/calibrators_test.cpp: thresholds that onnxruntime's entropy calibrator finds in the histograms
of that test's data. Needs onnxruntime and onnx from PyPI.

onnxruntime computes divergences in float32. Between a distribution and far outliers there are thresholds whose divergences are
equal to six digits, among which rounding decides; "in double" is the same function with its arithmetic in double.

    python3 tests/interop/entropy_thresholds.py
"""

import contextlib
import io
import itertools

import numpy as np
from onnxruntime.quantization import calibrate

BINS, LEVELS = 4096, 256  # of our histogram of |x|; onnxruntime's quantized bins have both signs


def uniform(seed, n):
    """What the test's generator gives: 16 bits of a linear congruential generator, over 2^16."""
    values = np.empty(n)
    for i in range(n):
        seed = (seed * 1664525 + 1013904223) % 2**32
        values[i] = (seed >> 16) / 65536
    return values


def bell(seed, n):
    return uniform(seed, 6 * n).reshape(n, 6).sum(axis=1) - 3


def cases():
    x = bell(1, 100000)
    u = uniform(2, 20000)
    yield "a bell", x
    yield "a bell with outliers", np.concatenate([x, 8 * bell(3, 50)])
    yield "a bell with a few far outliers", np.concatenate([x, [25.0, -31.0, 40.0]])
    yield "a long tail", u / (1.01 - u)
    yield "two bells", np.concatenate([x[:50000] / 8, x[50000:]])


def histogram(x):
    magnitudes = np.abs(x.astype(np.float32)).astype(np.float64)
    magnitudes = magnitudes[magnitudes > 0]
    exponent = np.floor(np.log2(magnitudes.max())) + 1 - np.log2(BINS)
    counts = np.bincount((magnitudes / 2.0**exponent).astype(np.int64))
    edges = np.arange(-len(counts), len(counts) + 1) * 2.0**exponent
    return np.concatenate([counts[::-1], counts]), edges, magnitudes.max()


def smooth_in_double(p, eps=0.0001):
    empty = p == 0
    if empty.all():
        return None
    return p + eps * empty - eps * empty.sum() / (~empty).sum() * ~empty


def entropy_in_double(p, q):
    p, q = p / p.sum(), q / q.sum()
    return (p * np.log(p / q)).sum()


def main():
    collector = calibrate.HistogramCollector("entropy", True, BINS, LEVELS, 99.99, "same")
    functions = {"": (calibrate.smooth_distribution, calibrate.entropy), "in double": (smooth_in_double, entropy_in_double)}
    for name, x in cases():
        counts, edges, amax = histogram(x)
        for times, (how, (calibrate.smooth_distribution, calibrate.entropy)) in itertools.product((1, 1000), functions.items()):
            with contextlib.redirect_stdout(io.StringIO()):
                found = collector.get_entropy_threshold((counts * times, edges, -amax, amax), LEVELS)
            print("%-32s x %-5d amax %8.4f threshold %8.4f %s" % (name, times, amax, found[1], how), flush=True)


if __name__ == "__main__":
    main()
