#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs exported models in onnxruntime, graph optimizations off, and compares them with the model that they come from:

    python tests/interop/export_in_onnxruntime.py --tercet build/release/tercet MODEL.onnx ...

- fp16, bf16: cosine and greatest difference of every output against FP32's. (onnxruntime's CPU has no BF16 convolution: such a
  model is reported as not runnable there.)
- int8: scales are the greatest magnitudes on the data. Every quantized tensor of the exported model is compared with our own rule,
  q = clamp(rne(x / scale), -128, 127), computed in numpy from the FP32 values that onnxruntime gave it; 99.9 % of the elements have
  to be within one step. Weights as well, per channel.
- top-1 agreement of the outputs [N, classes].
Data: --data FILE.npy of the first input's shape, else random numbers. Needs onnx, onnxruntime, numpy from PyPI."""
import argparse
import json
import os
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime as ort
from onnx import numpy_helper

NUMPY = {"tensor(float)": np.float32, "tensor(int64)": np.int64, "tensor(int32)": np.int32, "tensor(bool)": np.bool_, "tensor(float16)": np.float16,
         "tensor(uint8)": np.uint8}


def session(model):
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    return ort.InferenceSession(model if isinstance(model, str) else model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def with_all_values(path):
    model = onnx.load(path)
    known = {o.name for o in model.graph.output}
    for node in model.graph.node:
        model.graph.output.extend(onnx.ValueInfoProto(name=o) for o in node.output if o and o not in known)
    return model


def values_of(path, feed):
    run = session(with_all_values(path))
    return dict(zip([o.name for o in run.get_outputs()], run.run(None, feed))) | feed


def random_feed(path, batch, data):
    feed, rng = {}, np.random.default_rng(1)
    for number, i in enumerate(session(path).get_inputs()):
        shape = [d if isinstance(d, int) else batch for d in i.shape]
        if data is not None and number == 0:
            feed[i.name] = data[:batch].reshape(shape).astype(NUMPY[i.type])
        else:
            feed[i.name] = rng.standard_normal(shape).astype(np.float32) if i.type == "tensor(float)" else rng.integers(0, 2, shape).astype(NUMPY[i.type])
    return feed


def export(tercet, model, output, *options):
    subprocess.run([tercet, "export", model, "-o", output, *options], check=True, stdout=subprocess.DEVNULL)


def rule(x, scale):
    return np.clip(np.rint(x / scale), -128, 127)


def check_steps(path, values):
    """Every Q/DQ of the model against our rule; returns the number of tensors, and the worst share within one step."""
    graph, worst, count = onnx.load(path).graph, 1.0, 0
    constants = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    for node in graph.node:
        if node.op_type == "QuantizeLinear":
            scale = constants[node.input[1]]
            within = np.mean(np.abs(values[node.output[0]].astype(np.int32) - rule(values[node.input[0]], scale)) <= 1)
            worst, count = min(worst, within), count + 1
    return count, worst


def compare_activations(path, values, original):
    """Quantized tensors of the exported model against the rule on FP32's own values: how far errors have grown on the way."""
    shares = []
    constants = {t.name: numpy_helper.to_array(t) for t in onnx.load(path).graph.initializer}
    for node in onnx.load(path).graph.node:
        if node.op_type == "QuantizeLinear" and node.input[0] in original:
            shares.append(np.mean(np.abs(values[node.output[0]].astype(np.int32) - rule(original[node.input[0]], constants[node.input[1]])) <= 1))
    return min(shares, default=1.0)


def check_weights(path, source):
    graph = onnx.load(path).graph
    constants = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    originals = {t.name: numpy_helper.to_array(t) for t in onnx.load(source).graph.initializer}
    checked = 0
    for node in graph.node:
        name = node.input[0].removesuffix("_quantized") if node.op_type == "DequantizeLinear" else None
        if name not in originals or node.input[0] not in constants:
            continue
        axis = next((a.i for a in node.attribute if a.name == "axis"), None)
        w, q = originals[name], constants[node.input[0]]
        others = tuple(k for k in range(w.ndim) if k != axis) if axis is not None else None
        amax = np.abs(w).max(axis=others, keepdims=True)
        scale = np.where(amax == 0, 1, amax.astype(np.float64) / 127).astype(np.float32)
        assert np.array_equal(constants[node.input[1]].ravel(), np.ravel(scale)), name
        assert np.array_equal(q, np.clip(np.rint(w / scale), -127, 127)), name
        checked += 1
    return checked


def report(name, expected, given):
    for output, x in expected.items():
        y = given[output].astype(np.float64).ravel()
        x = x.astype(np.float64)
        top = np.mean(x.reshape(len(x), -1).argmax(1) == y.reshape(len(x), -1).argmax(1)) if x.ndim > 1 else float("nan")
        cosine = x.ravel() @ y / max(np.linalg.norm(x) * np.linalg.norm(y), 1e-30)
        print(f"{name:36} {output:16} cosine {cosine:.6f}  max difference {np.abs(x.ravel() - y).max():.3g}  top-1 agreement {top:.4f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+")
    parser.add_argument("--tercet", required=True)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--data")
    arguments = parser.parse_args()
    data, failed = np.load(arguments.data) if arguments.data else None, False
    for model in arguments.models:
        with tempfile.TemporaryDirectory() as folder:
            feed = random_feed(model, arguments.batch, data)
            original = values_of(model, feed)
            outputs = {o.name: original[o.name] for o in session(model).get_outputs()}
            for precision in ("fp16", "bf16"):
                place = os.path.join(folder, precision + ".onnx")
                export(arguments.tercet, model, place, "--precision", precision)
                try:
                    run = session(place)
                except Exception as e:
                    print(f"{os.path.basename(model)} {precision}: not runnable in onnxruntime: {str(e).splitlines()[0][:120]}")
                    continue
                report(f"{os.path.basename(model)} {precision}", outputs, dict(zip([o.name for o in run.get_outputs()], run.run(None, feed))))
            plan = os.path.join(folder, "plan.json")
            scales = {n: float(np.abs(v).max()) / 127 for n, v in original.items() if isinstance(v, np.ndarray) and v.dtype == np.float32 and v.size and np.abs(v).max() > 0}
            with open(plan, "w") as f:
                json.dump({"precision": "int8", "scales": scales}, f)
            place = os.path.join(folder, "int8.onnx")
            export(arguments.tercet, model, place, "--plan", plan)
            values = values_of(place, feed)
            weights = check_weights(place, model)
            tensors, worst = check_steps(place, values)
            grown = compare_activations(place, values, original)
            print(f"{os.path.basename(model)} int8: {weights} weights equal our rule, {tensors} activations, worst share within one step {worst:.5f} (of FP32's own values {grown:.5f})")
            failed = failed or worst < 0.999
            report(f"{os.path.basename(model)} int8", outputs, values)
    sys.exit(failed)


if __name__ == "__main__":
    main()
