# SPDX-License-Identifier: Apache-2.0
"""Keras files (.keras, .h5) and SavedModel folders, by tf2onnx: both become one function of positional inputs."""
import os
import re

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import numpy as np
import tensorflow as tf
import tf2onnx

from refused import Refused, reason
from source import Source, Value, unique, with_shapes

CONVERTER = "tf2onnx " + tf2onnx.__version__
OPSET = 17


def keras_model(request):
    """Keras 3 reads most files of Keras 2; tf_keras, which is Keras 2, reads the others."""
    import keras
    try:
        return keras.models.load_model(request["model"], compile=False, safe_mode=not request["allow_code"])
    except Exception as first:
        error = first
    try:
        import tf_keras
        return tf_keras.models.load_model(request["model"], compile=False, safe_mode=not request["allow_code"])
    except Exception:
        pass
    text = str(error)
    if unknown := re.search(r"(?:Could not locate class|Unknown layer:?) '?(\w+)", text):
        raise Refused(f"Keras does not know its layer {unknown[1]}", "write a SavedModel, which needs no classes, by model.export(\"DIR\"), and convert DIR") from error
    if "unsafe" in text.lower() or "safe_mode" in text:
        raise Refused("it has Lambda layers, whose Python code lies in the file and would run", "add --allow-code, if you trust whoever made it") from error
    if "No model config found" in text or "no config" in text.lower():
        raise Refused("it holds weights without the layers that they belong to", "save the model itself: model.save(\"model.keras\")") from error
    raise Refused(f"Keras cannot load it: {reason(error)}", "write a SavedModel by model.export(\"DIR\") with the version that made it, and convert DIR") from error


def tensor_name(tensor):
    return tensor.name.split(":")[0]


def from_keras(request):
    model = keras_model(request)
    if not getattr(model, "inputs", None):
        raise Refused("the model has no input shapes; it was never built", "call it once before model.save, or write a SavedModel by model.export(\"DIR\")")
    dtypes = [tf.as_dtype(i.dtype).name for i in model.inputs]
    names = unique(map(tensor_name, model.inputs))
    inputs = [Value(name, dtype, tuple(i.shape)) for name, dtype, i in zip(names, dtypes, model.inputs)]
    layers = getattr(model, "output_names", None)
    names = unique(layers if layers and len(layers) == len(model.outputs) else
                   [o._keras_history[0].name if hasattr(o, "_keras_history") else tensor_name(o) for o in model.outputs])
    outputs = [Value(name, tf.as_dtype(o.dtype).name, tuple(o.shape)) for name, o in zip(names, model.outputs)]

    def call(*arrays):
        return tf.nest.flatten(model(arrays[0] if len(arrays) == 1 else list(arrays), training=False))

    return inputs, outputs, call, model


def from_saved_model(request):
    try:
        loaded = tf.saved_model.load(request["model"])
    except Exception as e:
        raise Refused(f"TensorFlow cannot load it: {reason(e)}", "write it again by model.export(\"DIR\") or tf.saved_model.save") from e
    wanted = request["signature"] or "serving_default"
    if wanted not in loaded.signatures:
        there = ", ".join(sorted(loaded.signatures)) or "none"
        raise Refused(f"it has no signature '{wanted}'; it has {there}", "name one by --signature, or write it again by model.export(\"DIR\")")
    function = loaded.signatures[wanted]
    arguments = function.structured_input_signature[1]
    inputs = [Value(name, spec.dtype.name, tuple(spec.shape)) for name, spec in sorted(arguments.items())]
    results = sorted(function.structured_outputs.items())
    outputs = [Value(name, t.dtype.name, tuple(t.shape) if t.shape.rank is not None else ()) for name, t in results]

    def call(*arrays):
        made = function(**{i.name: a for i, a in zip(inputs, arrays)})
        return [made[o.name] for o in outputs]

    return inputs, outputs, call, loaded


def load(request):
    inputs, outputs, call, keep = (from_saved_model if request["format"] == "saved_model" else from_keras)(request)
    for i in inputs:
        if i.dtype == "string":
            raise Refused(f"input '{i.name}' takes strings, which an engine does not compute with", "export the part of the model behind the text's tokens")
    inputs = with_shapes(inputs, request["shapes"])
    fixed = bool(inputs) and bool(inputs[0].shape) and inputs[0].shape[0] is not None

    def signature(static):
        return [tf.TensorSpec([1 if static and axis == 0 and size is None else size for axis, size in enumerate(i.shape)], i.dtype, name=f"input_{n}")
                for n, i in enumerate(inputs)]

    def to_onnx(request):
        function = tf.function(call, input_signature=signature(request["static"]))
        try:
            model, _ = tf2onnx.convert.from_function(function, input_signature=signature(request["static"]), opset=request["opset"] or OPSET)
        except Exception as e:
            raise Refused(f"{CONVERTER} cannot convert it: {reason(e)}", "see all that it says with --verbose") from e
        return model

    def run(arrays):
        return [np.asarray(r) for r in call(*[tf.constant(a) for a in arrays])]

    source = Source(inputs, outputs, to_onnx, run, CONVERTER, fixed_batch=fixed)
    source.keep = keep  # variables live as long as what loaded them
    return source
