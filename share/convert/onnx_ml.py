# SPDX-License-Identifier: Apache-2.0
"""Operators of the domain ai.onnx.ml, which few runtimes have, said in ONNX's own: ArrayFeatureExtractor and ensembles of trees."""
import numpy as np
import onnx
from onnx import helper, numpy_helper

import trees

ML = "ai.onnx.ml"


class Builder:
    """Appends nodes and constants to what takes the place of a node."""

    def __init__(self, name):
        self.name, self.nodes, self.constants = name, [], []

    def constant(self, what, array):
        self.constants.append(numpy_helper.from_array(array, f"{self.name}_{what}"))
        return self.constants[-1].name

    def node(self, op, inputs, output=None, **attributes):
        output = output or f"{self.name}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [output], f"{self.name}/{len(self.nodes)}", **attributes))
        return output


def extract_features(node, graph, builder):
    """y = x[..., indices]; of a vector it makes one row."""
    x, indices = node.input
    flat = builder.node("Reshape", [indices, builder.constant("all", np.array([-1], np.int64))])
    if any(t.name == x and len(t.dims) == 1 for t in graph.initializer):
        x = builder.node("Reshape", [x, builder.constant("row", np.array([1, -1], np.int64))])
    builder.node("Gather", [x, flat], node.output[0], axis=-1)


REPLACED = {"ArrayFeatureExtractor": extract_features, "TreeEnsembleClassifier": trees.classifier, "TreeEnsembleRegressor": trees.regressor}


def rewrite(model):
    """Replaces what can be, in operator sets that have what it takes; the import of ai.onnx.ml goes if nothing of it is left."""
    graph = model.graph
    if max((o.version for o in model.opset_import if not o.domain), default=0) < 13:
        return
    nodes = []
    for k, node in enumerate(graph.node):
        replace = REPLACED.get(node.op_type) if node.domain == ML else None
        builder = Builder(node.name or f"{node.op_type}_{k}")
        if replace is None or replace(node, graph, builder) is False:
            nodes.append(node)
        else:
            nodes.extend(builder.nodes)
            graph.initializer.extend(builder.constants)
    kept = [onnx.NodeProto.FromString(n.SerializeToString()) for n in nodes]
    graph.ClearField("node")
    graph.node.extend(kept)
    left = any(n.domain == ML for n in graph.node)
    sets = {o.domain: o.version for o in model.opset_import if left or o.domain != ML}  # skl2onnx may list one twice
    model.ClearField("opset_import")
    model.opset_import.extend(helper.make_opsetid(domain, version) for domain, version in sets.items())


def drop_output(model, name):
    """The model without this output and what only it needs."""
    graph = model.graph
    outputs = [o for o in graph.output if o.name != name]
    needed = {o.name for o in outputs}
    kept = []
    for node in reversed(graph.node):
        if needed & set(node.output):
            needed |= set(node.input)
            kept.append(node)
    kept = [onnx.NodeProto.FromString(n.SerializeToString()) for n in reversed(kept)]
    for field, values in (("output", outputs), ("node", kept), ("initializer", [t for t in graph.initializer if t.name in needed])):
        values = [type(v).FromString(v.SerializeToString()) for v in values]
        graph.ClearField(field)
        getattr(graph, field).extend(values)
