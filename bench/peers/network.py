# SPDX-License-Identifier: Apache-2.0
"""Writes an ONNX model node by node, the way PyTorch's exporter does in eval mode: BatchNormalization folded into Conv.

Weights are random, but scaled (Kaiming) so that activations stay near 1 through the whole depth: nothing saturates, and an
error of one peer isn't drowned or blown up by the scale of the layers after it."""
import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 13
AFTER = {None: 1.0, "relu": 2.0 ** 0.5, "relu6": 2.0 ** 0.5, "silu": 1.68}  # keeps the mean square of what an activation leaves


class Network:
    """A value is its name; `channels` knows each one's channel count. All values are [N, C, ...]."""

    def __init__(self, name, input_name, input_shape, seed, opset=OPSET, element=TensorProto.FLOAT):
        self.name, self.random, self.opset = name, numpy.random.default_rng(seed), opset
        self.nodes, self.constants, self.channels, self.inputs, self.outputs = [], [], {}, [], []
        self.input(input_name, input_shape, element)

    def input(self, name, shape, element=TensorProto.FLOAT):
        """`shape` without the batch."""
        self.inputs.append(helper.make_tensor_value_info(name, element, ["N", *shape]))
        self.channels[name] = shape[0]
        return name

    def constant(self, values, dtype=numpy.float32):
        name = f"const_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(numpy.asarray(values, dtype), name))
        return name

    def integers(self, *values):
        return self.constant(values, numpy.int64)

    def add(self, op, inputs, channels=None, outputs=1, **attributes):
        """The node's output, or a list of them if there are more; `channels` is what each has, where that matters."""
        label = f"{op.lower()}_{len(self.nodes)}"
        names = [label if outputs == 1 else f"{label}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(op, inputs, names, name=label, **attributes))
        self.channels.update({name: channels for name in names})
        return names[0] if outputs == 1 else names

    def weights(self, shape, fan_in, gain):
        return self.constant(self.random.standard_normal(shape, numpy.float32) * (gain / fan_in ** 0.5))

    def bias(self, count):
        return self.constant(self.random.standard_normal(count, numpy.float32) * 0.1)

    def activation(self, x, kind):
        c = self.channels[x]
        if kind == "relu":
            return self.add("Relu", [x], c)
        if kind == "relu6":
            return self.add("Clip", [x, self.constant(0.0), self.constant(6.0)], c)
        if kind == "silu":
            return self.add("Mul", [x, self.add("Sigmoid", [x], c)], c)
        assert kind is None, kind
        return x

    def conv(self, x, out, kernel, stride=1, groups=1, act=None, scale=1.0):
        """Convolution with bias and 'same' padding, then the activation; `scale` tames a branch that is added to another."""
        c = self.channels[x]
        w = self.weights((out, c // groups, kernel, kernel), c // groups * kernel * kernel, AFTER[act] * scale)
        y = self.add("Conv", [x, w, self.bias(out)], out, kernel_shape=[kernel] * 2, strides=[stride] * 2,
                     pads=[kernel // 2] * 4, dilations=[1, 1], group=groups)
        return self.activation(y, act)

    def linear(self, x, features, out, act=None):
        y = self.add("Gemm", [x, self.weights((out, features), features, AFTER[act]), self.bias(out)], out, alpha=1.0, beta=1.0, transB=1)
        return self.activation(y, act)

    def max_pool(self, x, kernel, stride, pad=0):
        return self.add("MaxPool", [x], self.channels[x], kernel_shape=[kernel] * 2, strides=[stride] * 2, pads=[pad] * 4)

    def flat_mean(self, x):
        return self.flatten(self.add("GlobalAveragePool", [x], self.channels[x]))

    def flatten(self, x):
        return self.add("Flatten", [x], self.channels[x], axis=1)

    def plus(self, a, b):
        return self.add("Add", [a, b], self.channels[a])

    def concat(self, values):
        return self.add("Concat", values, sum(self.channels[v] for v in values), axis=1)

    def halves(self, x):
        half = self.channels[x] // 2
        return self.add("Split", [x, self.integers(half, half)], half, outputs=2, axis=1)

    def transpose(self, x, order, channels=None):
        return self.add("Transpose", [x], channels, perm=order)

    def reshape(self, x, *shape):
        """0 is the input's own extent there: the batch, in front."""
        return self.add("Reshape", [x, self.integers(*shape)])

    def output(self, x, name, shape):
        """`shape` without the batch."""
        self.nodes.append(helper.make_node("Identity", [x], [name], name=name))
        self.outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", *shape]))

    def model(self):
        self._drop_identities()
        graph = helper.make_graph(self.nodes, self.name, self.inputs, self.outputs, self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], producer_name="bench/peers", ir_version=8)
        onnx.checker.check_model(model, full_check=True)
        return model

    def _drop_identities(self):
        names = {node.input[0]: node.output[0] for node in self.nodes if node.op_type == "Identity"}
        self.nodes = [node for node in self.nodes if node.op_type != "Identity"]
        for node in self.nodes:
            for values in (node.input, node.output):
                values[:] = [names.get(v, v) for v in values]
