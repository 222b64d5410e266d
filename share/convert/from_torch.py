# SPDX-License-Identifier: Apache-2.0
"""PyTorch's files, by torch.onnx: programs of torch.export (.pt2), TorchScript, and pickled modules."""
import inspect
import os
import warnings
import zipfile

import numpy as np

import pickle_names
from refused import Refused, reason
from source import Source, Value, given, unique

warnings.filterwarnings("ignore")
TENSORS_ONLY = "TORCH_FORCE_WEIGHTS_ONLY_LOAD"  # torch.load then refuses pickles that call anything else, however it is called
OPSET = 18


def import_torch(allow_code):
    os.environ.pop(TENSORS_ONLY, None)
    if not allow_code:
        os.environ[TENSORS_ONLY] = "1"
    global torch
    import torch
    return "torch.onnx " + torch.__version__


def arrays_of(tree):
    """Tensors of what a model returned, with their names: a dict's keys, and "output" otherwise."""
    if isinstance(tree, torch.Tensor):
        return [("output", tree)]
    if isinstance(tree, dict):
        return [(str(key) if isinstance(value, torch.Tensor) else name, tensor) for key, value in tree.items() for name, tensor in arrays_of(value)]
    if isinstance(tree, (list, tuple)):
        return [pair for value in tree for pair in arrays_of(value)]
    return []


def to_arrays(tree):
    return [t.detach().cpu().numpy() for _, t in arrays_of(tree)]


def dtype_of(tensor):
    if tensor.dtype == torch.bfloat16:
        raise Refused("it reads or gives bfloat16, which has no NPY form", "convert a float32 copy: model.float()")
    return torch.empty(0, dtype=tensor.dtype).numpy().dtype.name


def outputs_of(tree):
    pairs = arrays_of(tree)
    if not pairs:
        raise Refused("the model gives no tensor", "let its forward return tensors")
    return [Value(name, dtype_of(t)) for name, t in zip(unique([n for n, _ in pairs]), [t for _, t in pairs])]


def described(names, request, kind):
    """Inputs by the user's shapes: `names` are forward's parameters, (name, whether it has a default)."""
    tensors = [Value(name) for name, _ in names]
    shapes, types = given(request["shapes"], tensors, "--input-shape"), given(request["types"], tensors, "--input-type")
    missing = [name for name, optional in names if not optional and name not in shapes]
    if missing:
        raise Refused(f"{kind} does not say which shapes its inputs have: " + ", ".join(missing), "add --input-shape " + ",".join(f"{n}:1x3x224x224" for n in missing))
    used = [name for name, _ in names if name in shapes]
    if used != [name for name, _ in names][:len(used)]:
        raise Refused("--input-shape leaves out an input in front of another", "give the shapes of all inputs up to the last that is used: " + ", ".join(n for n, _ in names))
    return [Value(name, types.get(name, "float32"), (None, *shapes[name][1:]) if shapes[name] else ()) for name in used]


def example(inputs, batch):
    """Tensors to trace the model with."""
    made = []
    for i in inputs:
        shape = [batch if size is None else size for size in i.shape]
        made.append(torch.from_numpy(np.ones(shape, i.dtype) if np.dtype(i.dtype).kind != "f" else np.random.default_rng(1).random(shape).astype(i.dtype)))
    return tuple(made)


def try_on(model, inputs, batch):
    try:
        with torch.no_grad():
            return model(*example(inputs, batch))
    except Exception as e:
        shapes = ", ".join(f"{i.name} {i.dtype} {[batch if s is None else s for s in i.shape]}" for i in inputs)
        raise Refused(f"the model does not run on inputs of these shapes ({shapes}): {reason(e)}", "give others by --input-shape, other types by --input-type; --static, if it takes one batch only") from e


def by_trace(model, inputs, outputs, request):
    """torch.onnx's older way, which runs TorchScript."""
    path = request["output"] + ".traced"
    batch = {} if request["static"] else {v.name: {0: "N"} for v in (*inputs, *outputs) if v.shape or v in outputs}
    torch.onnx.export(model, example(inputs, 1 if request["static"] else 2), path, dynamo=False, input_names=[i.name for i in inputs],
                      output_names=[o.name for o in outputs], dynamic_axes=batch, opset_version=request["opset"] or OPSET)
    import onnx
    onnx_model = onnx.load(path)
    os.remove(path)
    return onnx_model


def by_export(model, inputs, request):
    batch = None if request["static"] else tuple({0: torch.export.Dim.DYNAMIC} if i.shape else {} for i in inputs)
    return torch.onnx.export(model, example(inputs, 1 if request["static"] else 2), dynamo=True, dynamic_shapes=batch, verbose=False,
                             opset_version=request["opset"] or OPSET).model_proto


def converted(ways, converter):
    """What the first way gives that works; the reason of the first one if none does."""
    first = None
    for way in ways:
        try:
            return way()
        except Exception as e:
            first = first or e
    cause = first
    while cause.__cause__ is not None:  # torch wraps what happened in what it was doing then
        cause = cause.__cause__
    raise Refused(f"{converter} cannot convert it: {reason(cause)}", "see all that it says with --verbose") from first


def from_script(request, converter):
    try:
        model = torch.jit.load(request["model"], map_location="cpu").eval()
    except Exception as e:
        raise Refused(f"PyTorch cannot load it: {reason(e)}", "save it again by torch.jit.save") from e
    names = [(a.name, a.has_default_value()) for a in model.forward.schema.arguments[1:]]
    inputs = described(names, request, "a TorchScript file")
    outputs = outputs_of(try_on(model, inputs, 1))
    return Source(inputs, outputs, lambda r: converted([lambda: by_trace(model, inputs, outputs, r)], converter), runner(model), converter)


def from_pickle(request, converter):
    try:
        found = pickle_names.torch_names(request["model"])
    except Exception as e:
        raise Refused(f"it is no file of torch.save: {reason(e)}", "write one by torch.save(model, \"model.pt\")") from e
    if pickle_names.only_tensors(found):
        raise Refused("it holds tensors only (a state_dict or checkpoint), not the model that computes with them",
                      "load it in your code, then torch.export.save(torch.export.export(model.eval(), (sample,)), \"model.pt2\")")
    if not request["allow_code"]:
        raise Refused("loading it runs Python code that lies in it", "add --allow-code, if you trust whoever made it")
    try:
        model = torch.load(request["model"], map_location="cpu", weights_only=False)
    except (ModuleNotFoundError, AttributeError) as e:
        raise Refused(f"the code of its classes is not found: {reason(e)}", "add --python-path FOLDER, where their modules are") from e
    except Exception as e:
        raise Refused(f"PyTorch cannot load it: {reason(e)}", "save it again by this version of PyTorch: torch.save(model, \"model.pt\")") from e
    if not isinstance(model, torch.nn.Module):
        raise Refused(f"it holds a {type(model).__name__}, not a module", "load it in your code, and save the module: torch.save(model, \"model.pt\")")
    model = model.float().eval()
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    names = [(p.name, p.default is not p.empty) for p in inspect.signature(model.forward).parameters.values() if p.kind in kinds]
    inputs = described(names, request, "a pickled module")
    outputs = outputs_of(try_on(model, inputs, 1))
    return Source(inputs, outputs, lambda r: converted([lambda: by_export(model, inputs, r), lambda: by_trace(model, inputs, outputs, r)], converter), runner(model), converter)


def from_export(request, converter):
    try:
        with zipfile.ZipFile(request["model"]) as archive:
            runs_code = any("opaque" in name for name in archive.namelist())
    except zipfile.BadZipFile as e:
        raise Refused(f"it is damaged: {reason(e)}", "save it again by torch.export.save") from e
    if runs_code and not request["allow_code"]:
        raise Refused("loading it runs Python code that lies in it", "add --allow-code, if you trust whoever made it")
    try:
        program = torch.export.load(request["model"])
    except Exception as e:
        raise Refused(f"PyTorch {torch.__version__} cannot load it: {reason(e)}", "save it again by torch.export.save, with this version if it needs to be") from e
    placeholders = {n.name: n.meta.get("val") for n in program.graph.nodes if n.op == "placeholder"}
    tensors = [(name, placeholders[name]) for name in program.graph_signature.user_inputs if isinstance(placeholders.get(name), torch.Tensor)]
    inputs = [Value(name, dtype_of(t), tuple(int(s) if isinstance(s, int) else None for s in t.shape)) for name, t in tensors]
    if request["shapes"]:
        raise Refused("a program of torch.export has its own shapes", "leave out --input-shape")
    fixed = any(i.shape and i.shape[0] is not None for i in inputs)
    module = program.module()
    spec = program.call_spec.in_spec
    if len(tensors) != spec.num_leaves:
        raise Refused("it has inputs that are no tensors", "export it with tensors only")

    def run(arrays):
        args, kwargs = torch.utils._pytree.tree_unflatten([torch.from_numpy(a) for a in arrays], spec)
        with torch.no_grad():
            return to_arrays(module(*args, **kwargs))

    batch = next((i.shape[0] for i in inputs if i.shape and i.shape[0] is not None), 2)
    values = [np.ones([(batch if axis == 0 else 32) if s is None else s for axis, s in enumerate(i.shape)], i.dtype) for i in inputs]
    args, kwargs = torch.utils._pytree.tree_unflatten([torch.from_numpy(v) for v in values], spec)
    with torch.no_grad():
        outputs = outputs_of(module(*args, **kwargs))
    notes = []
    if fixed and not request["static"]:
        notes.append(f"the batch is {batch}, as the program was exported; for any other, export it with dynamic_shapes={{\"{inputs[0].name}\": {{0: torch.export.Dim(\"N\")}}}}")

    def to_onnx(r):
        return converted([lambda: torch.onnx.export(program, dynamo=True, verbose=False, opset_version=r["opset"] or OPSET).model_proto], converter)

    return Source(inputs, outputs, to_onnx, run, converter, fixed_batch=fixed, keeps_batch=fixed, notes=notes)


def runner(model):
    def run(arrays):
        with torch.no_grad():
            return to_arrays(model(*[torch.from_numpy(a) for a in arrays]))
    return run


def load(request):
    converter = import_torch(request["allow_code"])
    return {"torch_export": from_export, "torch_script": from_script, "torch_pickle": from_pickle}[request["format"]](request, converter)
