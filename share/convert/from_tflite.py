# SPDX-License-Identifier: Apache-2.0
"""TensorFlow Lite files, by tf2onnx. Their batch is fixed, 1 nearly always."""
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import numpy as np
import tensorflow as tf
import tf2onnx

from refused import Refused, reason
from source import Source, Value, unique, with_shapes

CONVERTER = "tf2onnx " + tf2onnx.__version__
OPSET = 17
STEPS = 2  # whole numbers of a quantized model: rounded once more or less on the way


def names_by_place(interpreter):
    """{index of a tensor: its name} by the file's signature, which has the names that the model was made with."""
    signatures = interpreter.get_signature_list()
    if len(signatures) != 1:
        return {}
    runner = interpreter.get_signature_runner(next(iter(signatures)))
    return {d["index"]: name for details in (runner.get_input_details(), runner.get_output_details()) for name, d in details.items()}


def load(request):
    try:
        interpreter = tf.lite.Interpreter(request["model"])
        interpreter.allocate_tensors()
    except Exception as e:
        raise Refused(f"TensorFlow Lite cannot load it: {reason(e)}", "make it again from the model that it came from, or convert that one") from e
    ins, outs = interpreter.get_input_details(), interpreter.get_output_details()

    known = names_by_place(interpreter)

    def values(details):
        names = unique([known.get(d["index"]) or d["name"].split(":")[0].removeprefix("serving_default_") for d in details])
        steps = [STEPS if np.issubdtype(d["dtype"], np.integer) and d["quantization"][0] else 0 for d in details]
        return [Value(name, np.dtype(d["dtype"]).name, tuple(int(n) for n in d["shape"]), s) for name, d, s in zip(names, details, steps)]

    inputs, outputs = values(ins), values(outs)
    given = with_shapes(inputs, request["shapes"])

    def to_onnx(request):
        try:
            model, _ = tf2onnx.convert.from_tflite(request["model"], opset=request["opset"] or OPSET, input_names=[d["name"] for d in ins], output_names=[d["name"] for d in outs])
        except Exception as e:
            raise Refused(f"{CONVERTER} cannot convert it: {reason(e)}", "see all that it says with --verbose") from e
        return model

    def run(arrays):
        for d, array in zip(ins, arrays):
            interpreter.set_tensor(d["index"], array)
        interpreter.invoke()
        return [interpreter.get_tensor(d["index"]).copy() for d in outs]

    return Source(given, outputs, to_onnx, run, CONVERTER, fixed_batch=True)
