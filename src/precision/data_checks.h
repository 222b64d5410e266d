// SPDX-License-Identifier: Apache-2.0
// What calibration data look like, and what a model seems to expect: each finding is a line in plain words.
#pragma once

#include "graph/graph.h"
#include "tercet/data.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tercet {

/// One sample of one f32 input.
struct SampleRange {
    float least = 0, greatest = 0;  // of finite values
    bool finite = true;             // no NaN or infinity
    bool constant() const { return finite && least == greatest; }
};
SampleRange range_of(const float* values, std::int64_t count);

/// How a sample [dims] goes into an input whose first extent may be a batch.
struct SampleFit {
    Dims shape{};          // as the model has it, without the batch
    bool stacked = true;   // samples are put side by side along a first axis; else a sample is a whole input
};
/// Axes of 1 are added or left out. Error, in plain words, where a sample cannot be this input: channels first against channels
/// last, other sizes, other ranks.
SampleFit fit_sample(const Dims& sample, const Value& input);

/// What range the model's own arithmetic expects of an input: its first Sub, Div or Mul with constants.
enum class ExpectedRange { unknown, unit, byte };  // 0 to 1, 0 to 255
struct Expectation {
    ExpectedRange range = ExpectedRange::unknown;
    bool bgr = false;      // it subtracts ImageNet's means in the order blue, green, red
    std::string because{}; // "it divides by 255"
};
Expectation expectation_of(const Graph& graph, ValueId input);

/// What is odd about the range of an input's samples.
std::optional<std::string> range_warning(const Expectation& expected, const std::string& input, float least, float greatest, std::optional<Color> color);

/// Batch normalizations of constants whose input is computed, nearest to the inputs first: they tell how large it was in training.
struct NormalizedValue {
    ValueId value;
    double mean_square = 0;  // over channels, of training
};
std::vector<NormalizedValue> normalized_values(const Graph& graph);

/// What an observed mean square says against that of training.
std::optional<std::string> response_warning(const std::string& value, double observed, double trained);

}  // namespace tercet
