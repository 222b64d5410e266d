#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Classifies pictures with an engine, as examples/cpp/classify.cpp does:

    tercet build examples/fashion_mnist/model.onnx -o fashion.engine
    python3 examples/python/classify.py fashion.engine examples/fashion_mnist/ankle_boot.png --labels examples/fashion_mnist/labels.txt

The data may also be a folder of pictures, or a CSV, NPY, NPZ or IDX file. With labels of the samples (--truth FILE, or a folder per
class) it ends with the accuracy; --quiet prints that alone.
"""
import argparse
import sys

import numpy as np

import tercet


def probabilities(scores):
    """[n, classes]: as they are if they are probabilities, else by softmax."""
    if (scores >= 0).all() and np.allclose(scores.sum(axis=1), 1, atol=1e-3):
        return scores
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def classify(engine, images):
    """Probabilities [n, classes] of images [n, ...], in batches as large as the engine takes."""
    context = tercet.Context(engine)
    info = engine.inputs[0]
    batch = info.max_shape[0]
    results = []
    for first in range(0, len(images), batch):
        piece = images[first:first + batch]  # a view, which is read where it lies
        results.append(probabilities(context.run(piece)[engine.outputs[0].name]))
    return np.concatenate(results)


def main():
    parser = argparse.ArgumentParser(description="classifies pictures with an engine")
    parser.add_argument("engine")
    parser.add_argument("data")
    parser.add_argument("--labels", help="a text file with one class's name per line")
    parser.add_argument("--truth", help="the samples' true classes: CSV, IDX or NPY")
    parser.add_argument("--top", type=int, default=3)
    parser.add_argument("--quiet", action="store_true")
    a = parser.parse_args()

    engine = tercet.Engine(a.engine)
    height, width = engine.inputs[0].shape[1:3]  # [N, H, W, 1]; what else pictures need is said here, as the network was trained
    samples = tercet.load_samples(a.data, tercet.Preprocess(layout="nhwc", color="gray", height=height, width=width, row_shape=(height, width, 1)))
    found = classify(engine, samples.values)
    names = open(a.labels, encoding="utf-8").read().splitlines() if a.labels else []
    for sample, row in zip(samples.ids, found) if not a.quiet else ():
        best = np.argsort(-row, kind="stable")[:a.top]
        print(f"{sample}: " + ", ".join(f"{names[c] if c < len(names) else f'class {c}'} {row[c]:.4f}" for c in best))
    truth = tercet.load_labels(a.truth, samples.ids)[0] if a.truth else samples.labels
    if truth:
        print(f"accuracy {100 * np.mean(found.argmax(axis=1) == truth):.2f} % of {len(truth)}")


if __name__ == "__main__":
    try:
        main()
    except tercet.Error as e:
        sys.exit(f"classify: error: {e}")
