# SPDX-License-Identifier: Apache-2.0
"""Fourier transforms, and the windows that go with them."""
from maker import Unfit
from operators_pointwise import CODES
from registry import entry


def cosine_window(op):
    @entry(op, 17, weight=0.5)
    def make(m):
        n = m.pick(1, 2, 5, 10, 17)
        to = m.pick(None, "f32", "f64")
        m.node(op, [m.literal([n], m.pick("i64", "i32"), ())], [(to or "f32", (n,))], periodic=m.pick(None, 0, 1), output_datatype=CODES[to] if to else None)


cosine_window("HannWindow")
cosine_window("HammingWindow")
cosine_window("BlackmanWindow")


@entry("MelWeightMatrix", 17, weight=0.5)
def mel_weights(m):
    bins, length, rate = m.pick(1, 4, 8), m.pick(8, 16, 17, 64), m.pick(8000, 16000)
    inputs = [m.literal([v], "i64", ()) for v in (bins, length, rate)] + [m.literal([v], "f32", ()) for v in (0.0, rate / 2)]
    m.node("MelWeightMatrix", inputs, [("f32", (length // 2 + 1, bins))])


@entry("DFT", 17)
def dft(m):
    shape = list(m.shape(m.pick(2, 3, 3, 4), 400))
    if 0 in shape:
        raise Unfit
    parts = m.pick(1, 2)
    dtype = m.dtype(("f32", "f64"))
    axis = m.r.randrange(len(shape) - 1) if m.opset < 20 else m.r.randrange(len(shape) - 1)
    shape[-1] = parts
    x = m.operand(dtype, tuple(shape), constant=0.1)
    onesided = m.pick(None, 0, 1) if parts == 1 else None
    inverse = m.pick(None, 0, 1) if onesided != 1 else None
    n = m.pick(None, shape[axis], shape[axis] + 3, max(1, shape[axis] - 1))
    length = None if n is None else m.literal([n], "i64", ())
    points = n or shape[axis]
    out = list(shape)
    out[axis], out[-1] = points // 2 + 1 if onesided == 1 else points, 2
    if m.opset < 20:
        m.node("DFT", [x, length], [(dtype, tuple(out))], axis=axis, inverse=inverse, onesided=onesided)
    else:
        m.node("DFT", [x, length, m.literal([axis], "i64", ())], [(dtype, tuple(out))], inverse=inverse, onesided=onesided)


@entry("STFT", 17)
def stft(m):
    length, step = m.pick(4, 8, 9, 16), m.pick(1, 3, 4)
    samples = length + step * m.pick(0, 1, 4)
    onesided = m.pick(None, 0, 1)
    batch = m.pick(1, 2)
    x = m.operand("f32", (batch, samples, 1), constant=0.1)
    window = m.operand("f32", (length,), constant=0.8) if m.chance(0.6) else None
    frame = m.literal([length], "i64", ()) if window is None or m.chance(0.5) else None
    frames = (samples - length) // step + 1
    m.node("STFT", [x, m.literal([step], "i64", ()), window, frame], [("f32", (batch, frames, length if onesided == 0 else length // 2 + 1, 2))], onesided=onesided)
