# SPDX-License-Identifier: Apache-2.0
"""A reader that is not ours accepts a calibration cache of ours: ModelOpt puts its scales into Q/DQ nodes.

    python3 -m venv /tmp/modelopt && /tmp/modelopt/bin/pip install "nvidia-modelopt[onnx]"
    build/release/tercet calibrate MODEL.onnx --calib-data DIR -o model.cache
    /tmp/modelopt/bin/python tests/interop/modelopt_cache.py MODEL.onnx model.cache

Exit status 0 if ModelOpt quantizes the model and every QuantizeLinear on an activation has the scale that the cache gives its
tensor.
"""

import os
import struct
import subprocess
import sys
import tempfile

import numpy as np
import onnx
from onnx import numpy_helper


def read_cache(path):
    with open(path, encoding="utf-8") as f:
        lines = f.read().splitlines()[1:]
    return {name: struct.unpack("!f", bytes.fromhex(value))[0] for name, value in (line.rsplit(": ", 1) for line in lines)}


def quantize(model, cache, output):
    subprocess.run([sys.executable, "-m", "modelopt.onnx.quantization", "--onnx_path=" + model, "--calibration_cache_path=" + cache, "--quantize_mode=int8",
                    "--output_path=" + output], check=True)


def main():
    model, cache = sys.argv[1:]
    scales = read_cache(cache)
    with tempfile.TemporaryDirectory() as folder:
        output = os.path.join(folder, "quantized.onnx")
        quantize(model, cache, output)
        graph = onnx.load(output).graph
    constants = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant":
            constants[node.output[0]] = numpy_helper.to_array(node.attribute[0].t)
    equal, different = 0, []
    for node in graph.node:
        if node.op_type != "QuantizeLinear" or node.input[0] in constants or node.input[0] not in scales:
            continue
        scale = constants[node.input[1]].astype(np.float64).reshape(-1)
        if len(scale) == 1 and abs(scale[0] - scales[node.input[0]]) <= 1e-3 * scale[0]:
            equal += 1
        else:
            different.append((node.input[0], scale.tolist(), scales[node.input[0]]))
    print("%d quantized activations have the cache's scales, %d do not" % (equal, len(different)))
    for line in different[:10]:
        print("  %s: %s, in the cache %s" % line)
    return 0 if equal > 0 and not different else 1


if __name__ == "__main__":
    sys.exit(main())
