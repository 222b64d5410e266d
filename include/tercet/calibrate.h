// SPDX-License-Identifier: Apache-2.0
/// @file
/// Calibration: what ranges a model's activations have on real data, so that INT8 engines know how to store them.
#pragma once

#include "tercet/data.h"
#include "tercet/error.h"
#include "tercet/progress.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace [[gnu::visibility("default")]] tercet {

/// By the tensor's name in the ONNX model: real value = scale * integer, scale = threshold / 127.
using Scales = std::map<std::string, float, std::less<>>;

/// How the threshold of a tensor is found among the magnitudes that it had.
enum class Calibrator {
    entropy,     ///< least divergence between the distribution and its quantized form, as TensorRT 8's EntropyCalibrator2
    minmax,      ///< the greatest magnitude
    percentile,  ///< what `percentile` percent of the magnitudes do not exceed
    mse,         ///< least squared error of what quantization makes of the values
};

/// What to calibrate on.
struct CalibrationSettings {
    /// Whatever load_samples reads; a folder of .npy, .npz or ONNX tensor files (.pb), one per sample. For several inputs: an NPZ
    /// with an array [n, ...] per input, a folder with an NPY file [n, ...] per input, named after it, or a folder of NPZ files,
    /// each one sample, with an array per input. Empty: none.
    std::filesystem::path data;
    Preprocess preprocess{};
    std::int64_t samples = 512;        ///< at most; which ones follows from `seed` alone
    std::uint64_t seed = 1;
    Calibrator calibrator = Calibrator::entropy;
    double percentile = 99.99;         ///< for Calibrator::percentile, in (0, 100]
    int threads = 0;                   ///< 0: all; the result does not depend on it
    std::string isa{};                 ///< the most that kernels may use (`tercet doctor` lists levels); empty: what the processor has
    std::function<void(const Progress&)> progress;          ///< called from the calling thread
    std::function<void(const std::string&)> warn;           ///< what is odd about the data, one line each
};

/// What a calibration found, or a cache holds.
struct Calibration {
    std::string header;                ///< a cache's first line: "TRT-8503-EntropyCalibration2"
    Scales scales{};                   ///< of every f32 activation of the model as read: its inputs and every node's outputs
    /// Of what convolutions and matrix products read: the mean of each channel (axis 1; of matrices the last axis). For the
    /// correction of biases; a cache has none.
    std::map<std::string, std::vector<float>, std::less<>> means{};
    std::int64_t samples = 0;          ///< that it saw; 0 if it comes from a cache
    std::int64_t skipped = 0;          ///< that could not be read, or held NaN or Inf
    double spread = 0;                 ///< how much other samples, as many, would change a scale: its median over tensors, relative
};

/// Runs the model on samples and finds the scales. What cannot be read, or holds NaN or Inf, is left out and counted. Error if
/// that is more than 1 % of the samples, or if the data do not fit the model.
Calibration calibrate(const std::filesystem::path& model, const CalibrationSettings& settings);

/// The names of the calibrators: entropy, minmax, percentile, mse.
std::string_view name_of(Calibrator calibrator);
/// Error that lists the names if there is none.
Calibrator calibrator_named(std::string_view name);

/// The first line of a cache for a version of TensorRT: of "8.5.3", "8503" or "TRT-8503" TRT-8503-EntropyCalibration2, of "10.3"
/// TRT-100300-EntropyCalibration2; a first line stays as it is. Error if it is none of these.
std::string calibration_cache_header(std::string_view format);

/// Reads a cache in TensorRT's text format. Error if it is none.
Calibration read_calibration_cache(const std::filesystem::path& file);

/// Writes one, whole or not at all.
void write_calibration_cache(const std::filesystem::path& file, const Calibration& calibration);

}  // namespace tercet
