// SPDX-License-Identifier: Apache-2.0
/// @file
/// Comparing precisions: what each gives and what it costs, on real data.
#pragma once

#include "tercet/build.h"
#include "tercet/data.h"
#include "tercet/progress.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace [[gnu::visibility("default")]] tercet {

/// What compare() compares, and on what.
struct CompareSettings {
    std::map<std::string, std::filesystem::path> data;  ///< samples for each input, whatever load_samples reads; the model's only input may have an empty name
    std::filesystem::path labels;            ///< of the samples, whatever load_labels reads; empty: those that the data have, if any
    Preprocess preprocess{};                 ///< what it leaves open follows from the input's shape
    std::int64_t samples = 0;                ///< at most, spread evenly; 0: all
    std::string output;                      ///< whose values and classes count; empty: the first
    std::vector<std::string> precisions{"fp32", "fp16", "int8"};  ///< to be built; fp32 is built in any case
    std::vector<std::filesystem::path> engines;  ///< built already, one of them in fp32: then nothing is built
    BuildSettings build;                     ///< but for precision and output; a TensorRT as target is emulated on the CPU
    double seconds = 3;                      ///< to measure each engine at each batch, in all; 0: no speeds
    int rounds = 5;                          ///< in which the engines take turns
    /// The program `tercet`, which measures every engine in a process of its own; empty: measured in this one, and peak memory is unknown.
    std::filesystem::path program;
    std::string max_isa;                     ///< as for Engine::open
    std::function<void(const Progress&)> progress;  ///< called from the calling thread
};

/// How far an output is from FP32's, over all elements of all samples.
struct OutputError {
    std::string name;
    double cosine = 1;         ///< of the angle between the two
    double sqnr_db = 0;        ///< 10 log10 of the sum of FP32's squares by that of the differences' squares; infinite if they are equal
    double max_abs_error = 0;
    std::int64_t other_shapes = 0;  ///< samples whose output has another size than FP32's: only data-dependent shapes do; not counted above
};

/// What an engine costs: medians over the rounds.
struct Speed {
    double load_ms = 0, first_inference_ms = 0;
    std::int64_t latency_batch = 0;     ///< 1, or the nearest that the profile allows
    double latency_p50_ms = 0, latency_p99_ms = 0;
    std::int64_t throughput_batch = 0;  ///< 32, or the nearest that the profile allows
    double samples_per_s = 0;
    double speedup = 1;                 ///< of the throughput, over FP32's in the same round
    std::uint64_t peak_rss_bytes = 0;   ///< at throughput_batch, the greatest; 0 if unknown
    std::vector<double> latency_rounds_ms, samples_per_s_rounds;  ///< medians and throughput of each round: engines can be compared pairwise
};

/// One precision.
struct ComparedEngine {
    std::string precision;
    std::filesystem::path engine;       ///< one of CompareSettings::engines, or empty
    std::string status;                 ///< "ok" or "failed"
    std::string reason;                 ///< why it failed
    BuildResult build;                  ///< if it was built here; its file is gone
    std::uint64_t bytes = 0;
    std::vector<std::int64_t> answers;  ///< the class that each sample was given, -1 where none was; empty if the output holds no classes
    std::optional<double> top1, top5;   ///< percent of the samples whose label is the first, or among the first five, of the answer
    std::optional<double> agreement;    ///< percent of the samples that have FP32's answer
    std::vector<OutputError> outputs;   ///< in the model's order
    std::optional<Speed> speed;
};

/// What compare() found.
struct Comparison {
    std::vector<ComparedEngine> engines;     ///< in the order asked for
    std::size_t output = 0;                  ///< which of the outputs the answers are from
    std::int64_t classes = 0;                ///< that it tells apart; 0: it holds no classes, or their numbers
    std::int64_t samples = 0;
    std::vector<std::string> ids;            ///< of the samples
    std::vector<int> labels;                 ///< of the samples, or empty
    std::vector<std::string> warnings;       ///< what is odd about data and labels, one line each
};

/// For a TensorRT as target, the models with precisions written in that strongly typed ones get are run on the CPU: that tells their
/// answers and errors, no sizes (they are 0) and no speeds, and needs no TensorRT.
/// Builds an engine of every precision (or takes those that there are), runs all samples through each, in batches, and measures
/// their speed in turns. The answer is the greatest element of an output that has one row of scores per sample, or its one integer.
/// A precision that cannot be built, fails, or gives NaN is "failed" and stops no other. Error if FP32 is that one, and if data or
/// labels cannot be read or do not fit the model.
Comparison compare(const std::filesystem::path& model, const CompareSettings& settings);

}  // namespace tercet
