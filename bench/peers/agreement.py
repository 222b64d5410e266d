# SPDX-License-Identifier: Apache-2.0
"""Whether a peer computed the same as the reference does in FP32."""
import math

# By precision. Where values are kept in floating point, no element may be far off; 8 bits are noise on all of them, whose power counts:
# rounding leaves 20 to 45 dB between signal and noise, a saturated or wrongly scaled layer less than 10.
TOLERANCE = {"fp32": 1e-3, "fp16": 2e-2}
LEAST_SQNR_DB = {"int8": 10.0}
HIGHEST_DB = 200.0  # stands for equality, its negative for results that cannot be compared: JSON has no infinity


def decibels(signal, noise):
    """Of a signal's power over that of the noise on it."""
    if not math.isfinite(noise):
        return -HIGHEST_DB
    return 10 * math.log10(max(signal, 1e-30) / noise) if noise > 1e-20 * signal else HIGHEST_DB


def compared(files, reference_files):
    """The worst over all outputs: the greatest difference, as a part of the greatest value (infinite if the shapes differ or a value is not
    finite), and the least ratio of signal to noise."""
    import numpy
    off = {"max_relative_error": math.inf, "sqnr_db": -HIGHEST_DB}
    if len(files) != len(reference_files):
        return off
    error, sqnr = 0.0, HIGHEST_DB
    for file, reference_file in zip(files, reference_files):
        y, reference = numpy.load(file).astype(numpy.float64), numpy.load(reference_file).astype(numpy.float64)
        if y.shape != reference.shape or not numpy.isfinite(y).all():
            return off
        error = max(error, float(abs(y - reference).max() / max(abs(reference).max(), 1e-30)))
        sqnr = min(sqnr, decibels(float((reference ** 2).sum()), float(((y - reference) ** 2).sum())))
    return {"max_relative_error": error, "sqnr_db": sqnr}


def agrees(found, precision):
    """`found` as compared() gives it."""
    if precision in LEAST_SQNR_DB:
        return found["sqnr_db"] >= LEAST_SQNR_DB[precision]
    return found["max_relative_error"] <= TOLERANCE[precision]


def shortfall(found, precision):
    """How far outputs are off, in words."""
    if precision in LEAST_SQNR_DB:
        return f"outputs off: {found['sqnr_db']:.1f} dB between signal and noise"
    return f"outputs off: error {found['max_relative_error']:.1e} of the greatest"
