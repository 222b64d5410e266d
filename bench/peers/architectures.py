# SPDX-License-Identifier: Apache-2.0
"""The networks that are made with random weights. Each function gives a finished ONNX model; add one, and list it in models.py."""
from network import Network


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


def yolov8n_backbone(seed):
    """Layers 0 to 9 of YOLOv8n at 320 x 320; the outputs are the three that its head reads."""
    net = Network("yolov8n_backbone", "images", [3, 320, 320], seed)
    x = net.conv("images", 16, 3, stride=2, act="silu")
    for out, bottlenecks, output in ((32, 1, None), (64, 2, "p3"), (128, 2, "p4"), (256, 1, None)):
        x = _c2f(net, net.conv(x, out, 3, stride=2, act="silu"), out, bottlenecks)
        if output:
            size = {"p3": 40, "p4": 20}[output]
            net.output(x, output, [out, size, size])
    pooled = [net.conv(x, 128, 1, act="silu")]
    for _ in range(3):
        pooled.append(net.max_pool(pooled[-1], 5, 1, pad=2))
    net.output(net.conv(net.concat(pooled), 256, 1, act="silu"), "p5", [256, 10, 10])
    return net.model()
