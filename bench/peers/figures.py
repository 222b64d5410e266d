# SPDX-License-Identifier: Apache-2.0
"""What a few measurements of one thing say: the middle, how far they lie apart, and whether two things differ at all."""
import math
import statistics

FEW = 3            # with fewer measurements than this a range shows nothing ...
ASSUMED = 0.1      # ... and is taken to reach this far to either side


def percentile(values, percent):
    """The least of `values` that at least `percent` of them do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(percent / 100 * len(ordered)) - 1)]


def middle(values):
    return statistics.median(values)


def spread(values):
    """How far the extremes lie apart, as a part of the median."""
    return (max(values) - min(values)) / middle(values) if middle(values) else 0.0


def reach(values):
    """From the least to the greatest that may be believed."""
    if len(values) >= FEW:
        return min(values), max(values)
    return min(values) * (1 - ASSUMED), max(values) * (1 + ASSUMED)


def told_apart(a, b):
    """Two things differ if no measurement of the one lies within the reach of the other."""
    (a_low, a_high), (b_low, b_high) = reach(a), reach(b)
    return a_high < b_low or b_high < a_low


def geometric_mean(values):
    return math.exp(sum(map(math.log, values)) / len(values))
