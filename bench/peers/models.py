# SPDX-License-Identifier: Apache-2.0
"""The models that are measured: made ones are kept in a folder, under a name that changes with the code that makes them."""
import dataclasses
import hashlib
import os
import pathlib

import samples

HERE = pathlib.Path(__file__).resolve().parent
MADE = ("cifar_vgg", "resnet50", "mobilenet_v2", "efficientnet_lite0", "yolov8n_backbone", "yolov8n", "vit_b16", "bert_base")
TRAINED = ("fashion_mnist_cnn", "cifar10_vgg")
TRANSFORMERS = ("vit_b16", "bert_base")  # the others are mostly convolutions


@dataclasses.dataclass(frozen=True)
class Model:
    name: str
    path: pathlib.Path
    inputs: tuple    # of (name, shape without the batch, "float32" or "int64")
    outputs: tuple   # names, in the file's order
    pictures: pathlib.Path | None = None  # that it was trained for


def trained_files(root, test_data):
    """By name; `test_data` may be None. The example stands in for the model it is."""
    files = {"fashion_mnist_cnn": root / "examples/fashion_mnist/model.onnx"}
    for name in TRAINED:
        if test_data and (file := pathlib.Path(test_data) / "models" / f"{name}.onnx").exists():
            files[name] = file
    return files


def names(root, test_data):
    return [*MADE, *trained_files(root, test_data)]


def convolutional(known):
    return [n for n in known if n not in TRANSFORMERS]


def _made(name, folder):
    code = b"".join((HERE / f).read_bytes() for f in ("network.py", "architectures.py"))
    path = folder / f"{name}-{hashlib.sha256(code).hexdigest()[:8]}.onnx"
    if not path.exists():
        import architectures
        import onnx
        part = path.with_suffix(".part")
        onnx.save(getattr(architectures, name)(seed=MADE.index(name) + 1), part, format="protobuf")
        os.replace(part, path)
    return path


def get(name, root, test_data, folder):
    import onnx
    path = _made(name, folder) if name in MADE else trained_files(root, test_data)[name]
    graph = onnx.load(path, load_external_data=False).graph
    constants = {c.name for c in graph.initializer}
    inputs = []
    for value in graph.input:
        if value.name in constants:
            continue
        kind = value.type.tensor_type
        dims = [d.dim_value for d in kind.shape.dim][1:]
        element = {onnx.TensorProto.FLOAT: "float32", onnx.TensorProto.INT64: "int64"}.get(kind.elem_type)
        if not element or not all(dims):
            raise ValueError(f"{path}: input {value.name} is neither f32 nor i64, or more than its batch is dynamic; models.py has no data for it")
        inputs.append((value.name, tuple(dims), element))
    return Model(name, path, tuple(inputs), tuple(o.name for o in graph.output), samples.picture_file(name, test_data))
