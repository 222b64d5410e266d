# SPDX-License-Identifier: Apache-2.0
"""Operators that move a window over an image: convolutions and pools; resampling."""
from case import FLOATS
from maker import Unfit, count
from registry import entry


def image(m, dtypes=FLOATS, low=3, high=5, least=1):
    return m.value(dtypes, low, high, where=lambda s: all(d > 0 for d in s[1:]) and all(d >= least for d in s[2:]))


class Window:
    """Kernel, strides, dilations and padding that fit an image; `shape` are the output's spatial extents, None if not told."""

    def __init__(self, m, x, dilated=True, largest=5, auto=True, ceil=False):
        spatial = x.shape[2:]
        self.kernel = [m.pick(1, 2, 3, 3, largest) for _ in spatial]
        self.strides = [m.pick(1, 1, 1, 2, 2, 3) for _ in spatial]
        self.dilations = [m.pick(1, 1, 2, 3) if dilated and m.chance(0.4) else 1 for _ in spatial]
        if m.chance(0.5):
            self.kernel, self.strides, self.dilations = ([v[0]] * len(spatial) for v in (self.kernel, self.strides, self.dilations))
        reach = [d * (k - 1) + 1 for k, d in zip(self.kernel, self.dilations)]
        self.auto = m.pick("SAME_UPPER", "SAME_LOWER", "VALID", "NOTSET") if auto and m.chance(0.3) else None
        begin, end = ([m.pick(0, 1, r // 2, r - 1) if m.chance(0.7) else 0 for r in reach] for _ in range(2))
        begin, end = ([min(p, r - 1) for p, r in zip(pads, reach)] for pads in (begin, end))
        if m.chance(0.5):
            end = list(begin)
        if self.auto not in (None, "NOTSET"):
            begin = end = [0] * len(spatial)
        self.pads = begin + end
        self.ceil = ceil and m.chance(0.35)
        if self.auto in ("SAME_UPPER", "SAME_LOWER"):
            self.shape = tuple(-(-d // s) for d, s in zip(spatial, self.strides))
        else:
            room = [d + b + e - r for d, b, e, r in zip(spatial, begin, end, reach)]
            if min(room) < 0:
                raise Unfit
            self.shape = None if self.ceil else tuple(v // s + 1 for v, s in zip(room, self.strides))

    def attributes(self, m, kernel=True, dilations=True):
        a = {}
        if kernel:
            a["kernel_shape"] = self.kernel
        if any(s != 1 for s in self.strides) or m.chance(0.3):
            a["strides"] = self.strides
        if dilations and (any(d != 1 for d in self.dilations) or m.chance(0.2)):
            a["dilations"] = self.dilations
        if self.auto is not None:
            a["auto_pad"] = self.auto
        if self.auto in (None, "NOTSET") and (any(self.pads) or m.chance(0.2)):
            a["pads"] = self.pads
        if self.ceil:
            a["ceil_mode"] = 1
        return a

    def output(self, x, channels):
        return None if self.shape is None else x.shape[:1] + (channels,) + self.shape


def groups_of(m, channels):
    return m.pick(1, 1, 1, channels, *[g for g in (2, 3, 4) if channels % g == 0])


@entry("Conv", 1, weight=6)
def conv(m):
    x = image(m)
    w = Window(m, x)
    group = groups_of(m, x.shape[1])
    channels = group * m.pick(1, 1, 2, 3, 4, 8) if group > 1 else m.extent(33) or 1
    weights = m.operand(x.dtype, (channels, x.shape[1] // group, *w.kernel), constant=0.9)
    bias = m.operand(x.dtype, (channels,), constant=0.9) if m.chance(0.6) else None
    m.node("Conv", [x, weights, bias], [(x.dtype, w.output(x, channels))], group=group if group > 1 or m.chance(0.2) else None,
           **w.attributes(m, kernel=m.chance(0.7)))


@entry("ConvTranspose", 1, weight=2)
def conv_transpose(m):
    x = image(m)
    if count(x.shape) > 1500:
        raise Unfit
    w = Window(m, x, auto=False)
    group = groups_of(m, x.shape[1])
    each = m.pick(1, 2, 3)
    attributes = w.attributes(m, kernel=m.chance(0.7))
    extra = [m.r.randrange(max(s, 1)) for s in w.strides] if m.chance(0.3) else None
    n = len(w.kernel)
    shape = [(x.shape[2 + i] - 1) * w.strides[i] + (w.kernel[i] - 1) * w.dilations[i] + 1 + (extra[i] if extra else 0) - w.pads[i] - w.pads[n + i]
             for i in range(n)]
    if min(shape) < 1:
        raise Unfit
    if m.chance(0.15):
        attributes.pop("pads", None)
        attributes["auto_pad"] = m.pick("SAME_UPPER", "SAME_LOWER", "VALID")
        shape, extra = None, None
    elif m.chance(0.12):
        attributes.pop("pads", None)
        attributes["output_shape"] = [s + m.pick(0, 0, 1) for s in shape] if not extra else shape
        shape, extra = None, None
    weights = m.operand(x.dtype, (x.shape[1], each, *w.kernel), constant=0.9)
    bias = m.operand(x.dtype, (each * group,), constant=0.9) if m.chance(0.6) else None
    m.node("ConvTranspose", [x, weights, bias], [(x.dtype, None if shape is None else (x.shape[0], each * group, *shape))],
           group=group if group > 1 else None, output_padding=extra, **attributes)


@entry("DeformConv", 19)
def deform_conv(m):
    x = image(m, ("f32", "f64"), 4, 4)
    w = Window(m, x, auto=False, largest=3)
    group, offsets = groups_of(m, x.shape[1]), groups_of(m, x.shape[1])
    channels = group * m.pick(1, 2, 3)
    taps = count(w.kernel)
    weights = m.operand(x.dtype, (channels, x.shape[1] // group, *w.kernel), constant=0.9)
    offset = m.operand(x.dtype, (x.shape[0], offsets * taps * 2, *w.shape), "normal", -2, 2, constant=0.2)
    bias = m.operand(x.dtype, (channels,), constant=0.9) if m.chance(0.5) else None
    mask = m.operand(x.dtype, (x.shape[0], offsets * taps, *w.shape), constant=0.2) if m.chance(0.5) else None
    m.node("DeformConv", [x, weights, offset, bias, mask], [(x.dtype, w.output(x, channels))], group=group if group > 1 else None,
           offset_group=offsets if offsets > 1 else None, **w.attributes(m, kernel=m.chance(0.5)))


@entry("MaxPool", 1, weight=3)
def max_pool(m):
    x = image(m, FLOATS + (("i8", "u8") if m.opset >= 12 else ()))
    w = Window(m, x, dilated=m.opset >= 10, ceil=m.opset >= 10)
    shape = w.output(x, x.shape[1])
    indices = m.opset >= 8 and m.chance(0.2)
    m.node("MaxPool", [x], [(x.dtype, shape)] + ([("i64", shape)] if indices else []),
           storage_order=m.pick(None, 0, 1) if indices else None, **w.attributes(m, dilations=m.opset >= 10))


@entry("AveragePool", 1, weight=3)
def average_pool(m):
    x = image(m)
    w = Window(m, x, dilated=m.opset >= 19, ceil=m.opset >= 10)
    m.node("AveragePool", [x], [(x.dtype, w.output(x, x.shape[1]))], count_include_pad=m.pick(None, 0, 1) if m.opset >= 7 else None,
           **w.attributes(m, dilations=m.opset >= 19))


@entry("LpPool", 2)
def lp_pool(m):
    x = image(m)
    w = Window(m, x, dilated=m.opset >= 18, ceil=m.opset >= 18)
    m.node("LpPool", [x], [(x.dtype, w.output(x, x.shape[1]))], p=m.pick(None, 1, 2, 3), **w.attributes(m, dilations=m.opset >= 18))


@entry("MaxUnpool", 9)
def max_unpool(m):
    x = m.fresh("f32", (m.pick(1, 2), m.pick(1, 3), *[2 * m.pick(1, 2, 3, 5) for _ in range(m.pick(1, 2))]))
    n = x.rank - 2
    small = x.shape[:2] + tuple(d // 2 for d in x.shape[2:])
    y, indices = m.node("MaxPool", [x], [("f32", small), ("i64", small)], kernel_shape=[2] * n, strides=[2] * n)
    to = m.literal(x.shape) if m.chance(0.3) else None
    m.node("MaxUnpool", [y, indices, to], [("f32", x.shape)], kernel_shape=[2] * n, strides=[2] * n)


def global_pool(op, since=1, **draws):
    @entry(op, since)
    def make(m):
        x = image(m)
        m.node(op, [x], [(x.dtype, x.shape[:2] + (1,) * (x.rank - 2))], **{k: f(m) for k, f in draws.items()})


global_pool("GlobalAveragePool")
global_pool("GlobalMaxPool")
global_pool("GlobalLpPool", 2, p=lambda m: m.pick(None, 1, 2, 3))


@entry("Col2Im", 18)
def col2im(m):
    shape = [m.pick(4, 5, 7, 9) for _ in range(m.pick(1, 2, 2))]
    x = m.fresh("f32", (m.pick(1, 2), m.pick(1, 3), *shape))
    w = Window(m, x, auto=False, largest=3)
    columns = m.operand("f32", (x.shape[0], x.shape[1] * count(w.kernel), count(w.shape)), constant=0)
    a = w.attributes(m, kernel=False)
    m.node("Col2Im", [columns, m.literal(shape), m.literal(w.kernel)], [("f32", x.shape)], **a)


TRANSFORMS = ("half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric")


@entry("Resize", 10, weight=3)
def resize(m):
    mode = m.pick("nearest", "nearest", "linear", "cubic" if m.opset >= 11 else "linear")
    x = m.value(("f32",) if m.chance(0.8) else ("f32", "u8", "i32", "i8", "f16"), 4 if mode == "cubic" else 1, 4, where=lambda s: 0 < count(s) <= 1200)
    if mode == "linear" and x.rank not in (2, 4) and m.chance(0.8):
        raise Unfit
    scales = [m.pick(1.0, 1.0, 2.0, 3.0, 0.5, 1.5, 0.75, 2.5) for _ in x.shape]
    if x.rank > 2:
        scales[:2] = [1.0, 1.0]
    shape = tuple(int(d * s) for d, s in zip(x.shape, scales))
    if min(shape) < 1:
        raise Unfit
    if m.opset == 10:
        m.node("Resize", [x, m.literal(scales, "f32")], [(x.dtype, shape)], mode=mode if mode != "nearest" or m.chance(0.5) else None)
        return
    a = {"mode": mode}
    if m.chance(0.75):
        a["coordinate_transformation_mode"] = m.pick(*TRANSFORMS, *(["half_pixel_symmetric"] if m.opset >= 19 else ["tf_half_pixel_for_nn"] if m.opset < 13 else []))
    if mode == "nearest" and m.chance(0.7):
        a["nearest_mode"] = m.pick("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")
    if mode == "cubic" and m.chance(0.5):
        a["cubic_coeff_a"] = m.pick(-0.5, -0.75)
    if mode == "cubic" and m.chance(0.3):
        a["exclude_outside"] = 1
    if m.opset >= 18 and mode != "nearest" and m.chance(0.3):
        a["antialias"] = 1
    roi = None
    if m.chance(0.1) and mode != "nearest":
        a["coordinate_transformation_mode"] = "tf_crop_and_resize"
        a["extrapolation_value"] = m.pick(0.0, 5.0)
        full = x.rank - 2 if x.rank > 2 else 0
        roi = m.literal([0.0] * full + [m.pick(0.0, 0.1, -0.2) for _ in range(x.rank - full)] + [1.0] * full + [m.pick(1.0, 0.8, 1.3) for _ in range(x.rank - full)], "f32")
    elif m.opset < 13:
        roi = m.literal([], "f32")
    axes = None
    if m.opset >= 18 and x.rank > 2 and m.chance(0.3) and roi is None:
        axes = a["axes"] = list(range(2, x.rank))
    of = axes or range(x.rank)
    if m.chance(0.5):
        m.node("Resize", [x, roi, m.literal([scales[i] for i in of], "f32")], [(x.dtype, shape)], **a)
    else:
        if m.opset >= 18 and m.chance(0.2) and axes:
            a["keep_aspect_ratio_policy"] = m.pick("stretch", "not_larger", "not_smaller")
            shape = None if a["keep_aspect_ratio_policy"] != "stretch" else shape
        empty = m.literal([], "f32") if m.opset < 13 else None
        m.node("Resize", [x, roi, empty, m.literal([(shape or [int(d * s) for d, s in zip(x.shape, scales)])[i] for i in of])], [(x.dtype, shape)], **a)


@entry("Upsample", 7, until=9)
def upsample(m):
    x = m.value(("f32",), 4, 4, where=lambda s: 0 < count(s) <= 1200)
    scales = [1.0, 1.0, m.pick(1.0, 2.0, 3.0, 1.5), m.pick(1.0, 2.0, 3.0, 1.5)]
    shape = tuple(int(d * s) for d, s in zip(x.shape, scales))
    mode = m.pick(None, "nearest", "linear")
    if m.opset < 9:
        m.node("Upsample", [x], [(x.dtype, shape)], mode=mode, scales=scales)
    else:
        m.node("Upsample", [x, m.literal(scales, "f32")], [(x.dtype, shape)], mode=mode)


@entry("GridSample", 16, weight=1.5)
def grid_sample(m):
    n = 2 if m.opset < 20 else m.pick(2, 2, 3)
    x = image(m, ("f32", "f64"), 2 + n, 2 + n)
    to = tuple(m.pick(1, 2, 3, 5) for _ in range(n))
    grid = m.operand(x.dtype, (x.shape[0], *to, n), "normal", -1.3, 1.3, constant=0.2)
    old = m.opset < 20
    modes = ("bilinear", "nearest", "bicubic") if old else ("linear", "nearest", "cubic") if n == 2 else ("linear", "nearest")
    m.node("GridSample", [x, grid], [(x.dtype, x.shape[:2] + to)], mode=m.pick(None, *modes), padding_mode=m.pick(None, "zeros", "border", "reflection"),
           align_corners=m.pick(None, 0, 1))


@entry("AffineGrid", 20, weight=0.7)
def affine_grid(m):
    n = m.pick(2, 3)
    batch = m.pick(1, 2, 3)
    size = (batch, m.pick(1, 3), *[m.pick(1, 2, 3, 5) for _ in range(n)])
    dtype = m.dtype(("f32", "f64"))
    m.node("AffineGrid", [m.operand(dtype, (batch, n, n + 1), constant=0.2), m.literal(size)], [(dtype, (batch, *size[2:], n))], align_corners=m.pick(None, 0, 1))


def rois(m, x, count_, scale):
    out = []
    for _ in range(count_):
        h, w = x.shape[2] / scale, x.shape[3] / scale
        x1, y1 = m.r.uniform(0, w * 0.6), m.r.uniform(0, h * 0.6)
        out.append([round(v, 2) for v in (x1, y1, x1 + m.r.uniform(0.3, w * 0.5), y1 + m.r.uniform(0.3, h * 0.5))])
    return out


@entry("RoiAlign", 10)
def roi_align(m):
    x = image(m, ("f32", "f64"), 4, 4)
    if x.shape[0] == 0:
        raise Unfit
    scale, boxes = m.pick(1.0, 0.5, 0.25), m.pick(1, 2, 5)
    to = (m.pick(1, 2, 3), m.pick(1, 2, 3))
    regions = m.literal([v for box in rois(m, x, boxes, scale) for v in box], x.dtype, (boxes, 4))
    of = m.literal([m.r.randrange(x.shape[0]) for _ in range(boxes)])
    m.node("RoiAlign", [x, regions, of], [(x.dtype, (boxes, x.shape[1], *to))], output_height=to[0], output_width=to[1], mode=m.pick(None, "avg", "max"),
           sampling_ratio=m.pick(None, 0, 1, 2, 3), spatial_scale=scale, coordinate_transformation_mode=m.pick(None, "half_pixel", "output_half_pixel") if m.opset >= 16 else None)


@entry("MaxRoiPool", 1, weight=0.7)
def max_roi_pool(m):
    x = image(m, ("f32",), 4, 4)
    if x.shape[0] == 0:
        raise Unfit
    boxes, to = m.pick(1, 2, 4), (m.pick(1, 2, 3), m.pick(1, 2, 3))
    scale = m.pick(1.0, 0.5)
    flat = [v for box in rois(m, x, boxes, scale) for v in [float(m.r.randrange(x.shape[0])), *[float(int(c)) for c in box]]]
    m.node("MaxRoiPool", [x, m.literal(flat, "f32", (boxes, 5))], [(x.dtype, (boxes, x.shape[1], *to))], pooled_shape=list(to), spatial_scale=scale)


@entry("DepthToSpace", 1)
def depth_to_space(m):
    block = m.pick(1, 2, 2, 3)
    dtype = m.dtype(("f32", "f64", "f16", "u8", "i8"))
    shape = (m.pick(1, 2, 3), block * block * m.pick(1, 2, 3), m.pick(1, 2, 3, 5), m.pick(1, 2, 3, 7))
    x = m.operand(dtype, shape, constant=0)
    m.node("DepthToSpace", [x], [(dtype, (shape[0], shape[1] // block ** 2, shape[2] * block, shape[3] * block))], blocksize=block,
           mode=m.pick(None, "DCR", "CRD") if m.opset >= 11 else None)


@entry("SpaceToDepth", 1)
def space_to_depth(m):
    block = m.pick(1, 2, 2, 3)
    dtype = m.dtype(("f32", "f64", "f16", "u8", "i8"))
    shape = (m.pick(1, 2, 3), m.pick(1, 2, 3), block * m.pick(1, 2, 3, 5), block * m.pick(1, 2, 3, 7))
    x = m.operand(dtype, shape, constant=0)
    m.node("SpaceToDepth", [x], [(dtype, (shape[0], shape[1] * block ** 2, shape[2] // block, shape[3] // block))], blocksize=block)
