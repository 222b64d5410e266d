# SPDX-License-Identifier: Apache-2.0
"""A case as an ONNX model, and its data as arrays."""
import functools
import zlib

import ml_dtypes
import numpy as np
import onnx
from onnx import helper, numpy_helper

NUMPY = {"f32": np.float32, "f64": np.float64, "f16": np.float16, "bf16": ml_dtypes.bfloat16, "bool": np.bool_, "i8": np.int8, "i16": np.int16,
         "i32": np.int32, "i64": np.int64, "u8": np.uint8, "u16": np.uint16, "u32": np.uint32, "u64": np.uint64}
EPSILON = {"f64": 2.0 ** -52, "f32": 2.0 ** -23, "f16": 2.0 ** -10, "bf16": 2.0 ** -7}
NAMES = {np.dtype(t): name for name, t in NUMPY.items()}


def code(dtype):
    return helper.np_dtype_to_tensor_dtype(np.dtype(NUMPY[dtype]))


def name_of(dtype):
    return NAMES.get(np.dtype(dtype), str(dtype))


def elements(t, shape):
    """Elements of a tensor, the same at every call."""
    f, dtype = t.fill, np.dtype(NUMPY[t.dtype])
    if f.values is not None:
        return np.array(f.values, np.float64 if t.dtype in EPSILON else object).astype(dtype).reshape(shape)
    r = np.random.default_rng([f.seed, zlib.crc32(repr(shape).encode())])
    if t.dtype not in EPSILON:
        low, high = int(np.ceil(f.low)), int(np.floor(f.high))
        if t.dtype.startswith("u"):
            low = max(low, 0)
        if t.dtype == "bool":
            low, high = 0, 1
        x = r.integers(low, max(low, high), shape, endpoint=True, dtype=np.int64).astype(dtype)
        if f.kind == "extreme" and t.dtype != "bool":
            x[r.random(shape) < 0.2] = np.iinfo(dtype).max
            x[r.random(shape) < 0.1] = np.iinfo(dtype).min
        return x
    if f.kind == "ints":
        return r.integers(int(f.low), int(f.high), shape, endpoint=True).astype(dtype)
    x = r.uniform(f.low, f.high, shape)
    if f.kind == "grid":
        x = np.round(x * 4) / 4
    if f.kind in ("special", "extreme"):
        for value in (np.nan, np.inf, -np.inf, -0.0, 0.0) if f.kind == "special" else (-0.0, 0.0, 1e-30, 1e4, -1e4):
            x[r.random(shape) < 0.05] = value
    return x.astype(dtype)


def perturbed(x, r, scale):
    """x with a relative error of a few units in the last place."""
    dtype = name_of(x.dtype)
    if dtype not in EPSILON:
        return x
    with np.errstate(all="ignore"):
        return (x.astype(np.float64) * (1 + r.uniform(-scale, scale, x.shape) * EPSILON[dtype])).astype(x.dtype)


def shape_of(t, batch):
    return (batch, *t.shape[1:]) if t.batched and batch is not None else t.shape


def inputs_of(case, batch, perturb=None):
    """Name to array; `perturb` is a random generator and a scale."""
    data = {t.name: elements(t, shape_of(t, batch)) for t in case.tensors if not t.constant}
    return {k: perturbed(v, *perturb) for k, v in data.items()} if perturb else data


def attribute(name, value):
    if isinstance(value, tuple) and value and value[0] == "tensor":
        _, dtype, shape, values = value
        return helper.make_attribute(name, numpy_helper.from_array(np.array(values).astype(NUMPY[dtype]).reshape(shape), name))
    if value == ():
        return helper.make_attribute(name, value, attr_type=onnx.AttributeProto.INTS)
    return helper.make_attribute(name, value)


@functools.cache
def ir_version(opset):
    return max(4, helper.find_min_ir_version_for([helper.make_opsetid("", opset)], ignore_unknown=True))


def model_of(case, perturb=None, outputs=None, wide=False):
    """The model's bytes; `outputs` are names of values instead of the case's own; if `wide`, bf16 outputs come as f32, since
    onnxruntime's Python interface has no arrays of bf16."""
    def info(name, dtype, shape):
        return helper.make_tensor_value_info(name, code(dtype), shape)

    constants = {t.name: elements(t, t.shape) for t in case.tensors if t.constant}
    if perturb:
        constants = {k: perturbed(v, *perturb) for k, v in constants.items()}
    inputs = [info(t.name, t.dtype, ["N", *t.shape[1:]] if t.batched else t.shape) for t in case.tensors if not t.constant]
    nodes = []
    for i, n in enumerate(case.nodes):
        domain, _, op = n.op.rpartition(".")
        node = helper.make_node(op, n.inputs, n.outputs, name=f"node{i + 1}", domain=domain)
        node.attribute.extend(attribute(k, v) for k, v in n.attributes.items())
        nodes.append(node)
    results = []
    for o in outputs or case.outputs:
        if wide and case.dtype_of(o) == "bf16":
            nodes.append(helper.make_node("Cast", [o], [o + "_wide"], to=code("f32")))
            results.append(info(o + "_wide", "f32", None))
        else:
            results.append(info(o, case.dtype_of(o), None))
    graph = helper.make_graph(nodes, "case", inputs, results,
                              [numpy_helper.from_array(v, k) for k, v in constants.items()])
    domains = sorted({n.op.rpartition(".")[0] for n in case.nodes} - {""})
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", case.opset), *[helper.make_opsetid(d, 1) for d in domains]], ir_version=ir_version(case.opset),
                             producer_name="tests/differential").SerializeToString()
