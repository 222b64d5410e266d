// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tercet/compare.h"
#include "tercet/engine.h"

#include <limits>
#include <span>
#include <string>
#include <vector>

namespace tercet {

/// Samples for all inputs of a model, in its order.
struct CompareData {
    std::vector<Array> inputs;               ///< [n, ...] each, in the input's type
    std::vector<std::filesystem::path> files;  ///< that the inputs' samples are from
    std::vector<std::string> ids;
    std::vector<int> labels;                 ///< n, or empty
    std::vector<std::string> class_names;    ///< where classes are folders
    std::int64_t count() const { return static_cast<std::int64_t>(ids.size()); }
};

/// Error if an input has no data or data have no input, if inputs have different numbers of samples, if samples do not have an input's
/// shape, or if a value is NaN or infinite.
CompareData load_compare_data(std::span<const TensorInfo> inputs, const CompareSettings& settings);

/// Gives the samples batch by batch.
class Batches {
public:
    /// Batches of 32, or the nearest size that suits all engines' profiles; of 1 where inputs have no batch axis or `together` is false. The engines have
    /// the same inputs. Error if a sample's shape lies outside a profile, or no batch suits all.
    Batches(const CompareData& data, std::span<const Engine> engines, bool together);

    /// The next batch; false behind the last. A profile's least batch that is not reached is filled up with its first sample.
    bool next();
    std::span<const InputView> inputs() const { return views_; }
    bool together() const { return together_; }     ///< whether inputs and outputs have an axis of samples
    std::int64_t first() const { return first_; }   ///< sample
    std::int64_t count() const { return count_; }   ///< of samples in this batch
    std::int64_t size() const { return size_; }     ///< with those that fill it up

private:
    const CompareData& data_;
    std::vector<bool> has_batch_axis_;
    bool together_ = false;
    std::int64_t least_ = 1, most_ = std::numeric_limits<std::int64_t>::max(), first_ = 0, count_ = 0, size_ = 0;
    std::vector<std::vector<std::int64_t>> shapes_;
    std::vector<std::vector<std::byte>> filled_;
    std::vector<InputView> views_;
};

}  // namespace tercet
