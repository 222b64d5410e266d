# SPDX-License-Identifier: Apache-2.0
"""Whether two results are the same, up to what rounding explains."""
import numpy as np

from model import EPSILON, name_of

TOLERANCE = {"f64": 1e-9, "f32": 1e-4, "f16": 1e-2, "bf16": 6e-2}  # of the greatest finite element
LEAST = 1e-2  # element that counts as the greatest: where all cancels, noise is left


def tolerance_for(dtypes):
    """By the coarsest type that the case computes in."""
    return max([TOLERANCE[d] for d in dtypes if d in TOLERANCE] or [0.0])


def difference(name, got, want, tolerance):
    """One line, or None. NaN and infinities have to be in the same places, integers equal."""
    if got.dtype != want.dtype:
        return f"{name} is {name_of(got.dtype)}, expected {name_of(want.dtype)}"
    if got.shape != want.shape:
        return f"{name} has the shape {list(got.shape)}, expected {list(want.shape)}"
    wrong = wrong_places(got, want, tolerance)
    if not wrong.any():
        return None
    a, b = wide(got), wide(want)
    with np.errstate(all="ignore"):
        error = np.where(wrong, np.nan_to_num(np.abs(a.astype(np.float64) - b.astype(np.float64)), nan=np.inf), -1)
    at = np.unravel_index(int(np.argmax(error)), error.shape)
    return f"{name} differs in {int(wrong.sum())} of {wrong.size} elements, most at {[int(i) for i in at]}: {a[at]}, expected {b[at]}"


def wide(x):
    return x.astype(np.float64) if name_of(x.dtype) in EPSILON else x


def wrong_places(got, want, tolerance):
    if name_of(want.dtype) not in EPSILON:
        return np.asarray(got != want)
    a, b = wide(got), wide(want)
    finite = np.isfinite(b)
    scale = np.max(np.abs(b[finite]), initial=LEAST)
    with np.errstate(all="ignore"):
        close = np.abs(a - b) <= tolerance * scale
        same = (a == b) | (np.isnan(a) & np.isnan(b)) | (finite & np.isfinite(a) & close)
        limit = {"f16": 65504.0, "bf16": 3.38e38, "f32": 3.4e38}.get(name_of(want.dtype))
        if limit:  # at the end of the range a rounding decides between the greatest number and infinity
            same |= (np.sign(a) == np.sign(b)) & (np.abs(a) > limit * (1 - tolerance)) & (np.abs(b) > limit * (1 - tolerance))
    return ~same


def explained(got, want, others, tolerance):
    """True if every wrong place is one where the reference itself moves as far when its inputs move by rounding errors (`others`)."""
    if got.shape != want.shape:  # a shape may hang on equal elements, as Unique's does
        return any(other.shape != want.shape for other in others)
    wrong = wrong_places(got, want, tolerance)
    if not wrong.any():
        return True
    a, b = wide(got).astype(np.float64), wide(want).astype(np.float64)
    moved = np.zeros(b.shape)
    unsteady = np.zeros(b.shape, bool)
    for other in others:
        if other.shape != want.shape:
            return True  # even the shape hangs on them
        o = wide(other).astype(np.float64)
        with np.errstate(all="ignore"):
            moved = np.fmax(moved, np.abs(o - b))
            unsteady |= (np.isnan(o) != np.isnan(b)) | (np.isinf(o) != np.isinf(b))
    with np.errstate(all="ignore"):
        near = np.abs(a - b) <= 8 * moved
    if name_of(want.dtype) not in EPSILON:
        near = moved > 0
    return bool((near | unsteady | ~wrong).all())
