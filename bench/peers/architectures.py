# SPDX-License-Identifier: Apache-2.0
"""The networks that are made with random weights. Each function gives a finished ONNX model; add one, and list it in models.py."""
import numpy
from network import Network
from onnx import TensorProto


def cifar_vgg(seed):
    """As the trained cifar10_vgg: channels-last pictures, turned once in front."""
    net = Network("cifar_vgg", "image", [32, 32, 3], seed)
    x = net.transpose("image", [0, 3, 1, 2], 3)
    for stage in ((64, 64), (128, 128), (256, 256, 256)):
        for out in stage:
            x = net.conv(x, out, 3, act="relu")
        x = net.max_pool(x, 2, 2)
    x = net.linear(net.flatten(x), 256 * 4 * 4, 512, act="relu")
    net.output(net.linear(x, 512, 10), "scores", [10])
    return net.model()


def resnet50(seed):
    net = Network("resnet50", "image", [3, 224, 224], seed)
    x = net.max_pool(net.conv("image", 64, 7, stride=2, act="relu"), 3, 2, pad=1)
    for width, blocks, first_stride in ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)):
        for block in range(blocks):
            stride = first_stride if block == 0 else 1
            y = net.conv(x, width, 1, act="relu")
            y = net.conv(y, width, 3, stride=stride, act="relu")
            y = net.conv(y, width * 4, 1, scale=0.3)
            shortcut = net.conv(x, width * 4, 1, stride=stride) if block == 0 else x
            x = net.activation(net.plus(y, shortcut), "relu")
    net.output(net.linear(net.flat_mean(x), 2048, 1000), "scores", [1000])
    return net.model()


def _inverted_residual(net, x, expand, out, kernel, stride):
    c = net.channels[x]
    y = net.conv(x, c * expand, 1, act="relu6") if expand > 1 else x
    y = net.conv(y, c * expand, kernel, stride=stride, groups=c * expand, act="relu6")
    joins = stride == 1 and c == out
    y = net.conv(y, out, 1, scale=0.5 if joins else 1.0)
    return net.plus(x, y) if joins else y


def mobilenet_v2(seed):
    net = Network("mobilenet_v2", "image", [3, 224, 224], seed)
    x = net.conv("image", 32, 3, stride=2, act="relu6")
    for expand, out, repeats, stride in ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)):
        for i in range(repeats):
            x = _inverted_residual(net, x, expand, out, 3, stride if i == 0 else 1)
    x = net.conv(x, 1280, 1, act="relu6")
    net.output(net.linear(net.flat_mean(x), 1280, 1000), "scores", [1000])
    return net.model()


def efficientnet_lite0(seed):
    net = Network("efficientnet_lite0", "image", [3, 224, 224], seed)
    x = net.conv("image", 32, 3, stride=2, act="relu6")
    for kernel, expand, out, repeats, stride in ((3, 1, 16, 1, 1), (3, 6, 24, 2, 2), (5, 6, 40, 2, 2), (3, 6, 80, 3, 2), (5, 6, 112, 3, 1),
                                                 (5, 6, 192, 4, 2), (3, 6, 320, 1, 1)):
        for i in range(repeats):
            x = _inverted_residual(net, x, expand, out, kernel, stride if i == 0 else 1)
    x = net.conv(x, 1280, 1, act="relu6")
    net.output(net.linear(net.flat_mean(x), 1280, 1000), "scores", [1000])
    return net.model()


def _c2f(net, x, out, bottlenecks):
    """Every bottleneck's result goes into the Concat, too."""
    parts = net.halves(net.conv(x, out, 1, act="silu"))
    for _ in range(bottlenecks):
        y = net.conv(net.conv(parts[-1], out // 2, 3, act="silu"), out // 2, 3, act="silu", scale=0.5)
        parts.append(net.plus(parts[-1], y))
    return net.conv(net.concat(parts), out, 1, act="silu")


def _yolov8n_layers(net):
    """Layers 0 to 9 of YOLOv8n: the three values that its neck reads."""
    x = net.conv("images", 16, 3, stride=2, act="silu")
    levels = []
    for out, bottlenecks, read in ((32, 1, False), (64, 2, True), (128, 2, True), (256, 1, False)):
        x = _c2f(net, net.conv(x, out, 3, stride=2, act="silu"), out, bottlenecks)
        if read:
            levels.append(x)
    pooled = [net.conv(x, 128, 1, act="silu")]
    for _ in range(3):
        pooled.append(net.max_pool(pooled[-1], 5, 1, pad=2))
    return [*levels, net.conv(net.concat(pooled), 256, 1, act="silu")]


def yolov8n_backbone(seed):
    """At 320 x 320; the outputs are the three that its neck reads."""
    net = Network("yolov8n_backbone", "images", [3, 320, 320], seed)
    for x, name, shape in zip(_yolov8n_layers(net), ("p3", "p4", "p5"), ([64, 40, 40], [128, 20, 20], [256, 10, 10])):
        net.output(x, name, shape)
    return net.model()


def _c2f_without_shortcut(net, values, out):
    parts = net.halves(net.conv(net.concat(values), out, 1, act="silu"))
    parts.append(net.conv(net.conv(parts[-1], out // 2, 3, act="silu"), out // 2, 3, act="silu"))
    return net.conv(net.concat(parts), out, 1, act="silu")


def yolov8n(seed):
    """At 320 x 320, with its head: per cell of the three grids the box's center and size in pixels, and 80 scores."""
    net = Network("yolov8n", "images", [3, 320, 320], seed)
    classes, bins, sizes, strides = 80, 16, (40, 20, 10), (8, 16, 32)
    cells = sum(size * size for size in sizes)

    def larger(x):
        scales = net.constant([1.0, 1.0, 2.0, 2.0])
        return net.add("Resize", [x, "", scales], net.channels[x], mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor")

    p3, p4, p5 = _yolov8n_layers(net)
    middle = _c2f_without_shortcut(net, [larger(p5), p4], 128)
    out3 = _c2f_without_shortcut(net, [larger(middle), p3], 64)
    out4 = _c2f_without_shortcut(net, [net.conv(out3, 64, 3, stride=2, act="silu"), middle], 128)
    out5 = _c2f_without_shortcut(net, [net.conv(out4, 128, 3, stride=2, act="silu"), p5], 256)

    def branch(x, width, out):
        return net.conv(net.conv(net.conv(x, width, 3, act="silu"), width, 3, act="silu"), out, 1)

    grids = [net.reshape(net.concat([branch(x, 64, 4 * bins), branch(x, classes, classes)]), 0, 4 * bins + classes, -1) for x in (out3, out4, out5)]
    boxes, scores = net.add("Split", [net.add("Concat", grids, axis=2), net.integers(4 * bins, classes)], outputs=2, axis=1)

    # The distance to each side of the box is the mean of its bins' numbers, weighted by a softmax over them.
    weights = net.add("Softmax", [net.transpose(net.reshape(boxes, 0, 4, bins, cells), [0, 2, 1, 3])], axis=1)
    numbers = net.constant(numpy.arange(bins, dtype=numpy.float32).reshape(1, bins, 1, 1))
    distances = net.add("Conv", [weights, numbers], kernel_shape=[1, 1], strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=1)
    near, far = net.add("Split", [net.reshape(distances, 0, 4, cells), net.integers(2, 2)], outputs=2, axis=1)
    xs, ys = (numpy.concatenate([numpy.tile(numpy.arange(n) + 0.5, n) if axis == 0 else numpy.repeat(numpy.arange(n) + 0.5, n) for n in sizes])
              for axis in range(2))
    anchors = net.constant(numpy.stack([xs, ys])[None])
    first, last = net.add("Sub", [anchors, near]), net.add("Add", [anchors, far])
    center = net.add("Div", [net.add("Add", [first, last]), net.constant(2.0)])
    box = net.add("Concat", [center, net.add("Sub", [last, first])], axis=1)
    pixels = net.add("Mul", [box, net.constant(numpy.repeat(strides, [n * n for n in sizes])[None])])
    net.output(net.add("Concat", [pixels, net.add("Sigmoid", [scores])], axis=1), "output0", [4 + classes, cells])
    return net.model()


def _projection(net, x, features, out, scale=1.0):
    """Of the last axis, as a linear layer of values of rank 3 is exported."""
    return net.add("Add", [net.bias(out), net.add("MatMul", [x, net.weights((features, out), features, scale)])])


def _gelu(net, x):
    """0.5 x (1 + erf(x / sqrt(2)))"""
    erf = net.add("Erf", [net.add("Div", [x, net.constant(2.0 ** 0.5)])])
    return net.add("Mul", [net.add("Mul", [x, net.add("Add", [erf, net.constant(1.0)])]), net.constant(0.5)])


def _scale_and_shift(net, width):
    """Of a normalization: near 1 and near 0."""
    return net.constant(1 + 0.1 * net.random.standard_normal(width, numpy.float32)), net.bias(width)


def _vit_block(net, x, tokens, width, heads):
    def norm(v):
        return net.add("LayerNormalization", [v, *_scale_and_shift(net, width)], axis=-1, epsilon=1e-6)

    each = width // heads
    packed = net.reshape(_projection(net, norm(x), width, 3 * width), 0, tokens, 3, heads, each)
    q, k, v = (net.add("Gather", [net.transpose(packed, [2, 0, 3, 1, 4]), net.constant(i, numpy.int64)], axis=0) for i in range(3))
    scores = net.add("MatMul", [net.add("Mul", [q, net.constant(each ** -0.5)]), net.transpose(k, [0, 1, 3, 2])])
    heads_joined = net.transpose(net.add("MatMul", [net.add("Softmax", [scores], axis=-1), v]), [0, 2, 1, 3])
    x = net.add("Add", [x, _projection(net, net.reshape(heads_joined, 0, tokens, width), width, width, 0.5)])
    hidden = _gelu(net, _projection(net, norm(x), width, 4 * width))
    return net.add("Add", [x, _projection(net, hidden, 4 * width, width, 0.5)])


def vit_b16(seed):
    width, tokens = 768, 14 * 14 + 1
    net = Network("vit_b16", "image", [3, 224, 224], seed, opset=17)
    patches = net.add("Conv", ["image", net.weights((width, 3, 16, 16), 3 * 16 * 16, 1.0), net.bias(width)], kernel_shape=[16, 16], strides=[16, 16],
                      pads=[0, 0, 0, 0], dilations=[1, 1], group=1)
    patches = net.transpose(net.reshape(patches, 0, width, -1), [0, 2, 1])
    batch = net.add("Slice", [net.add("Shape", ["image"]), net.integers(0), net.integers(1), net.integers(0)])
    shape = net.add("Concat", [batch, net.integers(1, width)], axis=0)
    token = net.add("Expand", [net.weights((1, 1, width), 1, 1.0), shape])
    x = net.add("Add", [net.add("Concat", [token, patches], axis=1), net.weights((1, tokens, width), 1, 0.3)])
    for _ in range(12):
        x = _vit_block(net, x, tokens, width, 12)
    x = net.add("LayerNormalization", [x, *_scale_and_shift(net, width)], axis=-1, epsilon=1e-6)
    net.output(net.linear(net.add("Gather", [x, net.constant(0, numpy.int64)], axis=1), width, 1000), "scores", [1000])
    return net.model()


def _layer_norm_in_parts(net, x, width):
    """As operator sets before 17 have to spell it."""
    centered = net.add("Sub", [x, net.add("ReduceMean", [x], axes=[-1])])
    variance = net.add("ReduceMean", [net.add("Pow", [centered, net.constant(2.0)])], axes=[-1])
    deviation = net.add("Sqrt", [net.add("Add", [variance, net.constant(1e-12)])])
    scale, shift = _scale_and_shift(net, width)
    return net.add("Add", [net.add("Mul", [net.add("Div", [centered, deviation]), scale]), shift])


def _bert_layer(net, x, mask, tokens, width, heads):
    each = width // heads

    def by_head(v, order):
        return net.transpose(net.reshape(v, 0, tokens, heads, each), order)

    q, k, v = (_projection(net, x, width, width) for _ in range(3))
    scores = net.add("MatMul", [by_head(q, [0, 2, 1, 3]), by_head(k, [0, 2, 3, 1])])
    scores = net.add("Add", [net.add("Div", [scores, net.constant(each ** 0.5)]), mask])
    read = net.add("MatMul", [net.add("Softmax", [scores], axis=-1), by_head(v, [0, 2, 1, 3])])
    read = net.reshape(net.transpose(read, [0, 2, 1, 3]), 0, tokens, width)
    x = _layer_norm_in_parts(net, net.add("Add", [_projection(net, read, width, width, 0.5), x]), width)
    hidden = _gelu(net, _projection(net, x, width, 4 * width))
    return _layer_norm_in_parts(net, net.add("Add", [_projection(net, hidden, 4 * width, width, 0.5), x]), width)


def bert_base(seed):
    """The encoder at 128 tokens, of a small vocabulary: its size decides nothing but the file's."""
    tokens, width, vocabulary = 128, 768, 2000
    net = Network("bert_base", "input_ids", [tokens], seed, element=TensorProto.INT64)
    attention_mask, token_type_ids = (net.input(name, [tokens], TensorProto.INT64) for name in ("attention_mask", "token_type_ids"))
    mask = net.add("Unsqueeze", [net.add("Unsqueeze", [attention_mask, net.integers(1)]), net.integers(2)])
    mask = net.add("Mul", [net.add("Sub", [net.constant(1.0), net.add("Cast", [mask], to=TensorProto.FLOAT)]), net.constant(-10000.0)])
    words = net.add("Gather", [net.weights((vocabulary, width), 1, 1.0), "input_ids"])
    kinds = net.add("Gather", [net.weights((2, width), 1, 0.3), "token_type_ids"])
    x = net.add("Add", [net.add("Add", [words, kinds]), net.weights((1, tokens, width), 1, 0.3)])
    x = _layer_norm_in_parts(net, x, width)
    for _ in range(12):
        x = _bert_layer(net, x, mask, tokens, width, 12)
    net.output(x, "last_hidden_state", [tokens, width])
    return net.model()
