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
    std::filesystem::path data;        ///< whatever load_samples reads, or a folder of ONNX tensor files; empty: none
    Preprocess preprocess{};
    std::int64_t samples = 512;        ///< at most; which ones follows from `seed` alone
    std::uint64_t seed = 1;
    Calibrator calibrator = Calibrator::entropy;
    double percentile = 99.99;         ///< for Calibrator::percentile, in (0, 100]
    int threads = 0;                   ///< 0: all; the result does not depend on it
    std::function<void(const Progress&)> progress;          ///< called from the calling thread
    std::function<void(const std::string&)> warn;           ///< what is odd about the data, one line each
};

/// What a calibration found, or a cache holds.
struct Calibration {
    std::string header;                ///< a cache's first line: "TRT-8503-EntropyCalibration2"
    Scales scales{};                   ///< of every f32 activation of the model as read: its inputs and every node's outputs
    std::int64_t samples = 0;          ///< that it saw; 0 if it comes from a cache
};

/// Runs the model on samples and finds the scales. Error if the data cannot be read or do not fit the model.
Calibration calibrate(const std::filesystem::path& model, const CalibrationSettings& settings);

/// Reads a cache in TensorRT's text format. Error if it is none.
Calibration read_calibration_cache(const std::filesystem::path& file);

/// Writes one, whole or not at all.
void write_calibration_cache(const std::filesystem::path& file, const Calibration& calibration);

}  // namespace tercet
