# SPDX-License-Identifier: Apache-2.0
"""ONNX models and tensors as bytes, without the onnx package: just enough protobuf for tests of the program."""

import struct

FLOAT, INT64, FLOAT16 = 1, 7, 10


def varint(n):
    n &= 2**64 - 1  # negative numbers take ten bytes
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    out.append(n)
    return bytes(out)


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def tensor(name, shape, values, dtype=FLOAT):
    """`values` are numbers, or bytes as they lie in memory."""
    raw = values if isinstance(values, bytes) else struct.pack("<%d%s" % (len(values), "f" if dtype == FLOAT else "q"), *values)
    return b"".join(field(1, d) for d in shape) + field(2, dtype) + field(8, name) + field(9, raw)


def value_info(name, shape, dtype=FLOAT):
    dims = b"".join(field(1, field(1, d) if isinstance(d, int) else field(2, d)) for d in shape)
    return field(1, name) + field(2, field(1, field(1, dtype) + field(2, dims)))


def attribute(name, value):
    """An attribute of a node: an integer, a float, text, or a list of integers."""
    if isinstance(value, int):
        typed = field(3, value) + field(20, 2)
    elif isinstance(value, float):
        typed = varint(2 << 3 | 5) + struct.pack("<f", value) + field(20, 1)
    elif isinstance(value, str):
        typed = field(4, value) + field(20, 3)
    else:
        typed = b"".join(field(8, v) for v in value) + field(20, 7)
    return field(5, field(1, name) + typed)


def node(op, inputs, outputs, domain="", attributes=b"", name=""):
    return (b"".join(field(1, i) for i in inputs) + b"".join(field(2, o) for o in outputs) + (field(3, name) if name else b"") + field(4, op)
            + (field(7, domain) if domain else b"") + attributes)


def function(name, nodes, inputs, outputs, domain, opset=17):
    return (field(1, name) + b"".join(field(4, i) for i in inputs) + b"".join(field(5, o) for o in outputs)
            + b"".join(field(7, n) for n in nodes) + field(9, field(2, opset)) + field(10, domain))


def model(nodes, inputs, outputs, initializers=(), opset=17, functions=()):
    graph = (b"".join(field(1, n) for n in nodes) + field(2, "small") + b"".join(field(5, t) for t in initializers)
             + b"".join(field(11, i) for i in inputs) + b"".join(field(12, o) for o in outputs))
    return field(1, 8) + field(2, "tests") + field(7, graph) + field(8, field(2, opset)) + b"".join(field(25, f) for f in functions)
