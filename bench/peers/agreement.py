# SPDX-License-Identifier: Apache-2.0
"""Whether two peers computed the same."""
import numpy

TOLERANCE = {"fp32": 1e-3}  # by precision


def greatest_error(files, reference_files):
    """Over all outputs: the greatest difference, as a part of the greatest value. Infinite if the shapes differ or there is a NaN."""
    if len(files) != len(reference_files):
        return float("inf")
    worst = 0.0
    for file, reference_file in zip(files, reference_files):
        y, reference = numpy.load(file).astype(numpy.float64), numpy.load(reference_file).astype(numpy.float64)
        if y.shape != reference.shape or not numpy.isfinite(y).all():
            return float("inf")
        worst = max(worst, float(abs(y - reference).max() / max(abs(reference).max(), 1e-30)))
    return worst
