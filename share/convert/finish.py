# SPDX-License-Identifier: Apache-2.0
"""What every converted model gets: the original's names, a batch by the name N, and no operator that ONNX does not have."""
import os

import onnx

from refused import Refused
from source import declared


def graphs(graph):
    yield graph
    for node in graph.node:
        for a in node.attribute:
            for inner in ([a.g] if a.type == onnx.AttributeProto.GRAPH else a.graphs):
                yield from graphs(inner)


def unknown_operators(model):
    """{operator: how often} of those that ONNX does not define in the model's operator set, nor the model itself."""
    opsets = {o.domain: o.version for o in model.opset_import}
    functions = {(f.domain, f.name) for f in model.functions}
    counts = {}
    for graph in graphs(model.graph):
        for node in graph.node:
            if (node.domain, node.op_type) in functions:
                continue
            try:
                onnx.defs.get_schema(node.op_type, opsets.get(node.domain, 0), node.domain)
            except onnx.defs.SchemaError:
                counts[node.op_type] = counts.get(node.op_type, 0) + 1
    return counts


def rename(model, names):
    """Gives tensors other names, in the graph and all in it; one that has a wanted name already makes room."""
    taken = {n for g in graphs(model.graph) for node in g.node for n in (*node.input, *node.output)}
    taken |= {v.name for v in (*model.graph.input, *model.graph.output, *model.graph.initializer)}
    table = {old: new for old, new in names.items() if old != new}
    for new in list(table.values()):
        if new in taken and new not in table:
            fresh = new
            while fresh in taken or fresh in table.values():
                fresh += "_"
            table[new] = fresh
    for graph in graphs(model.graph):
        for node in graph.node:
            for side in (node.input, node.output):
                for k, name in enumerate(side):
                    side[k] = table.get(name, name)
        for value in (*graph.input, *graph.output, *graph.value_info, *graph.initializer):
            value.name = table.get(value.name, value.name)


def split_shared_outputs(graph):
    """A tensor that is input and output at once, or an output twice, gets an Identity, so that each can have its own name."""
    seen = {i.name for i in graph.input} | {i.name for i in graph.initializer}
    for k, output in enumerate(graph.output):
        if output.name in seen:
            fresh = f"{output.name}_output_{k}"
            graph.node.append(onnx.helper.make_node("Identity", [output.name], [fresh]))
            output.name = fresh
        seen.add(output.name)


def set_shape(value, shape):
    sizes = value.type.tensor_type.shape
    sizes.ClearField("dim")
    sizes.SetInParent()
    for size in shape:
        dim = sizes.dim.add()
        if isinstance(size, str):
            dim.dim_param = size
        elif size is not None:
            dim.dim_value = size


def free_batch(model):
    """Reshapes to a list of sizes that begins with the batch of 1 take any batch."""
    lists = {t.name: t for t in model.graph.initializer}
    lists.update({n.output[0]: n.attribute[0].t for n in model.graph.node if n.op_type == "Constant" and n.attribute[0].name == "value"})
    for k, node in enumerate(n for n in model.graph.node if n.op_type == "Reshape"):
        sizes = onnx.numpy_helper.to_array(lists[node.input[1]]).copy() if node.input[1] in lists else None
        if sizes is not None and sizes.size > 1 and sizes.flat[0] == 1 and (sizes >= 0).all():
            sizes.flat[0] = -1
            name = f"{node.input[1]}_any_batch_{k}"
            model.graph.initializer.append(onnx.numpy_helper.from_array(sizes, name))
            node.input[1] = name


def finish(model, source, static):
    missing = unknown_operators(model)
    if missing:
        listed = ", ".join(f"{op} ({n})" for op, n in sorted(missing.items()))
        raise Refused(f"{source.converter} cannot convert these operators: {listed}", "export the part of the model without them")
    graph = model.graph
    split_shared_outputs(graph)
    weights = {t.name for t in graph.initializer}
    inputs = [i for i in graph.input if i.name not in weights]
    if len(inputs) != len(source.inputs) or len(graph.output) != len(source.outputs):
        raise Refused(f"{source.converter} made {len(inputs)} inputs and {len(graph.output)} outputs of {len(source.inputs)} and {len(source.outputs)}; some may be unused",
                      "leave out inputs that are not used")
    rename(model, {mine.name: theirs.name for mine, theirs in zip((*inputs, *graph.output), (*source.inputs, *source.outputs))})
    if source.batch(static) == "forced":
        free_batch(model)
    for value, shape in zip(inputs, declared(source.inputs, source.batch(static) == "fixed")):
        set_shape(value, shape)
    for value, output in zip(graph.output, source.outputs):  # what the converter inferred was for another batch
        if output.shape:
            set_shape(value, [None if axis and size is None else size for axis, size in enumerate(declared([output], source.batch(static) == "fixed")[0])])
        elif value.type.tensor_type.HasField("shape") and source.batch(static) != "fixed" and len(value.type.tensor_type.shape.dim):
            value.type.tensor_type.shape.dim[0].dim_param = "N"
    graph.ClearField("value_info")
    model.producer_name = "tercet convert, " + source.converter


def save(model, file):
    if model.ByteSize() < 2_000_000_000:
        onnx.save_model(model, file)
    else:
        onnx.save_model(model, file, save_as_external_data=True, location=os.path.basename(file) + ".data")
