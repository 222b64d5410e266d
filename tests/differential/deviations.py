# SPDX-License-Identifier: Apache-2.0
"""Where onnxruntime is known to deviate from the ONNX specification, or the specification leaves it open. A mismatch of an
output that comes from such a node is counted with its reason, and is no failure. Add one only after reading the specification; what
deviates on our side, knowingly, says so."""
import dataclasses

import numpy as np

from case import tidy


@dataclasses.dataclass(frozen=True)
class Deviation:
    ops: tuple
    when: object  # of Seen
    reason: str


@dataclasses.dataclass(frozen=True)
class Seen:
    """A node of a case whose outputs `ours` and `theirs` differ."""
    case: object
    node: object
    ours: object
    theirs: object

    def attribute(self, name, default=None):
        return self.node.attributes.get(name, default)

    def tensor(self, i):
        """Input i, if it is an input of the graph or a constant."""
        if i >= len(self.node.inputs):
            return None
        return next((t for t in self.case.tensors if t.name == self.node.inputs[i]), None)

    def values(self, i):
        t = self.tensor(i)
        return t.fill.values if t is not None else None

    def nan(self):
        """Whether NaN or infinities can have to do with it."""
        with_them = any(t.fill.kind in ("special", "extreme") for t in self.case.tensors)
        return with_them or any(a.dtype.kind in "fV" and not np.isfinite(a.astype(np.float64)).all() for a in (self.ours, self.theirs))

    def out_of_range(self):
        return self.node.dtypes[0] not in ("f32", "f64", "f16", "bf16", "bool") and self.case.dtype_of(self.node.inputs[0]) in ("f32", "f64", "f16", "bf16")

    def overflow(self):
        """Whether integers may have left their range: something fills the upper half of it."""
        if self.ours.dtype.kind not in "iu":
            return False
        half = np.iinfo(self.ours.dtype).max // 2
        return any(t.fill.kind == "extreme" for t in self.case.tensors) or any(bool((a > half).any() or (a < -half).any()) for a in (self.ours, self.theirs))


def backwards_to_int_max(s):
    ends, steps = s.values(2), s.values(4)
    return ends is not None and steps is not None and any(e in (2 ** 31 - 1, 2 ** 63 - 1) and t < 0 for e, t in zip(ends, steps))


def gaps(s, one):
    """Whether a stride is longer than the window's reach."""
    kernel = s.attribute("kernel_shape")
    if kernel is None:
        w = s.tensor(1)
        kernel = w.shape[2:] if w is not None else one
    strides, dilations = s.attribute("strides", one), s.attribute("dilations", one * len(kernel))
    return any(step > (k - 1) * d + 1 for step, k, d in zip(strides, kernel, dilations))


def fractional(s):
    scales, x = s.values(2 if s.case.opset > 10 else 1), s.tensor(0)
    return scales is not None and len(scales) > 0 and (x is None or any(scale * d != int(scale * d) for scale, d in zip(scales, x.shape[-len(scales):])))


KNOWN = [
    Deviation(("MaxPool", "GlobalMaxPool", "MaxUnpool", "ReduceMax", "ReduceMin", "ArgMax", "ArgMin", "ScatterElements", "ScatterND", "MaxRoiPool", "RoiAlign", "TopK", "Hardmax",
               "Unique", "Max", "Min", "Clip", "Relu", "Sign"), Seen.nan,
              "NaN: onnxruntime's comparisons pass over it or keep it, depending on where it stands; with NumPy, as in the ONNX reference, it stays"),
    Deviation(("Conv", "ConvTranspose", "DeformConv"), Seen.nan, "NaN and infinite weights times padding: ours leaves padding out, onnxruntime may multiply it by 0"),
    Deviation(("Cast", "CastLike"), Seen.out_of_range, "a float that the integer type cannot hold is undefined; ours saturates"),
    Deviation(("ReduceLogSumExp",), Seen.nan, "with inf and NaN among the elements onnxruntime gives inf, their sum is NaN"),
    Deviation(("DFT", "STFT"), Seen.nan, "an infinite element times a sine that is 0 but for rounding"),
    Deviation(("Resize", "Upsample"), Seen.nan, "NaN and infinite elements times a weight that is 0"),
    Deviation(("GridSample",), Seen.nan, "positions that are NaN or infinite are open"),
    Deviation(("Slice",), backwards_to_int_max, "a negative step with the end INT_MAX is empty, as ends are clamped; onnxruntime takes it for 'to the beginning'"),
    Deviation(("MaxPool", "AveragePool", "LpPool"), lambda s: s.attribute("auto_pad", "").startswith("SAME") and max(s.attribute("dilations", (1,))) > 1,
              "SAME_* with dilations: the output has ceil(in / stride) elements; onnxruntime leaves the dilation out of the padding"),
    Deviation(("MaxPool", "AveragePool", "LpPool"), lambda s: s.attribute("auto_pad", "").startswith("SAME") and gaps(s, (1,)),
              "SAME_* where the stride steps over elements: no padding is needed; onnxruntime's is negative, it starts within the input"),
    Deviation(("ConvTranspose",), lambda s: s.attribute("auto_pad", "").startswith("SAME") and gaps(s, (1,) * 8),
              "SAME_* where the stride is longer than the kernel: the output has in * stride elements by the specification, fewer in onnxruntime"),
    Deviation(("AveragePool", "MaxPool", "LpPool"), lambda s: s.attribute("auto_pad") == "VALID" and s.attribute("ceil_mode") == 1,
              "VALID with ceil_mode: ceil((in - reach + 1) / stride) elements by the specification, as without ceil_mode; onnxruntime adds one"),
    Deviation(("HannWindow", "HammingWindow", "BlackmanWindow"), lambda s: s.attribute("periodic") == 0 and s.values(0) == (1,),
              "a symmetric window of one element divides 0 by 0; ours is 1, onnxruntime's NaN"),
    Deviation(("DFT",), lambda s: s.attribute("inverse") == 1 and "f64" in s.node.dtypes, "onnxruntime rounds 1/n to f32 even where it computes f64"),
    Deviation(("Softmax",), lambda s: s.case.operators().count("MatMul") >= 2 and bool(np.isnan(s.theirs.astype(np.float64)).any()),
              "ours, not onnxruntime's: MatMul, Softmax, MatMul become one Attention, which gives 0 for a row of scores that are all -inf; written out it is NaN"),
    Deviation(("Dropout",), lambda s: s.case.opset < 12 and len(s.node.outputs) > 1, "before operator set 12 the mask of a run without training is not specified; ours is true, onnxruntime's false"),
    Deviation(("NonZero",), lambda s: s.ours.shape == (0, s.theirs.shape[1]), "of a scalar: [0, n] by the specification, [1, n] as NumPy had it in onnxruntime"),
    Deviation(("ReduceSumSquare", "ReduceProd", "ReduceL1", "ReduceSum", "ReduceMean", "Pow", "CumSum", "CumProd", "MatMul", "Einsum"), Seen.overflow, "integers that overflow: ours wrap, onnxruntime's Eigen sums may not"),
    Deviation(("com.microsoft.SkipLayerNormalization", "com.microsoft.SkipSimplifiedLayerNormalization"), lambda s: s.ours.shape != s.theirs.shape,
              "a skip of more samples than the input is invalid; ours broadcasts, onnxruntime reads the first"),
    Deviation(("HammingWindow", "BlackmanWindow"), lambda s: s.attribute("output_datatype") == 11, "onnxruntime's coefficients are f32 even where it computes f64"),
    Deviation(("Shrink", "Gelu", "Attention"), lambda s: "f64" in s.node.dtypes, "onnxruntime computes f64 by way of f32, or with constants that are f32"),
    Deviation(("Attention",), lambda s: s.attribute("is_causal") == 1 and len(s.node.inputs) > 4, "is_causal with past keys: ours are the values of ONNX's reference"),
    Deviation(("LeakyRelu", "Elu", "Selu", "Celu", "ThresholdedRelu", "HardSigmoid", "Shrink", "Swish", "Gemm", "LRN"),
              lambda s: "f64" in s.node.dtypes and any(isinstance(v, float) for v in s.node.attributes.values()),
              "f64: a float attribute is the decimal that it was written as to us (0.1), to onnxruntime the nearest f32"),
    Deviation(("AffineGrid",), lambda s: s.attribute("align_corners") == 1 and s.values(1) is not None and 1 in s.values(1)[2:],
              "the only position of an axis with align_corners is open (the reference divides by 0); ours is 0, as PyTorch's, onnxruntime's -1"),
    Deviation(("Resize",), lambda s: s.attribute("coordinate_transformation_mode") == "align_corners" and fractional(s),
              "align_corners with a fractional size: ONNX's case resize_downsample_scales_linear_align_corners divides by scale * size - 1, onnxruntime by the rounded size"),
    Deviation(("Resize",), lambda s: s.attribute("antialias") == 1 and s.case.dtype_of(s.node.inputs[0]) not in ("f32", "f64", "f16", "bf16"),
              "integers: ONNX's reference truncates, onnxruntime rounds with antialias and truncates without"),
]


def known(case, output, ours, theirs):
    """The reason why this output may differ, or None."""
    case = tidy(dataclasses.replace(case, outputs=(output,)))
    for n in case.nodes:
        for d in KNOWN:
            if n.op in d.ops and d.when(Seen(case, n, ours, theirs)):
                return f"{n.op}: {d.reason}"
    return None
