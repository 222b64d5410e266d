// SPDX-License-Identifier: Apache-2.0
// From the magnitudes that a tensor had to the threshold beyond which INT8 saturates. All in one order of plain double
// arithmetic, logarithms included, so that a histogram gives the same threshold on every machine.
#pragma once

#include "precision/histogram.h"
#include "tercet/calibrate.h"

namespace tercet {

/// In (0, amax], or 0 where no value but zeros occurred.
///
/// entropy: S. Migacz, "8-bit Inference with TensorRT" (GTC 2017), by which TensorRT's EntropyCalibrator2 is described, in the
///   form in which MXNet and onnxruntime compute it. The histogram is mirrored, so that it has both signs. For every number i
///   of bins from 128 on: P is the bins within i of zero, with what lies beyond added to the outermost; Q is the same bins
///   without that, joined to 128 levels on either side, each spread evenly (in whole counts) over its bins, as many as are not
///   empty in P. The i with the least divergence sum P ln(P/Q) wins. Empty bins get 0.0001 values, which the others give. Zeros
///   take no part: every scale holds them exactly. Of fewer than 128 values, the greatest is taken.
/// minmax: amax.
/// percentile: the magnitude that `percentile` percent of all values, zeros included, do not exceed; linear within a bin.
/// mse: the least sum of (x - q(x))^2 over the middles of the bins, for thresholds from a sixteenth of the range on (below, a
///   quantization step would be narrower than two bins); the idea is that of Banner et al., "Post training 4-bit quantization
///   of convolutional networks" (2019), by search rather than from a fitted distribution.
double threshold_of(const Histogram& h, Calibrator calibrator, double percentile);

/// threshold / 127, rounded once. Where nothing but zeros occurred it is 1/127: zeros stay exact, and should other values ever
/// come, those up to 1 are represented. Never below the least normal float.
float scale_of(double threshold);

}  // namespace tercet
