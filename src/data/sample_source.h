// SPDX-License-Identifier: Apache-2.0
// Samples that are read one by one, when they are asked for: what load_samples makes arrays of, and calibration takes some of.
#pragma once

#include "tensor/tensor.h"
#include "tercet/data.h"

#include <functional>
#include <span>
#include <string>
#include <vector>

namespace tercet {

struct SampleSource {
    std::vector<std::string> inputs{""};                      // names of the model's inputs that a sample has; "": the only one
    std::vector<std::string> ids{};                           // one per sample, at least one
    std::vector<int> labels{};                                // one per sample, or empty
    std::vector<std::string> class_names{};
    std::function<std::vector<Tensor>(std::int64_t)> read{};  // a sample: a dense tensor per input. From any thread; Error that says where
    std::function<std::string(std::int64_t)> where{};         // file, or file and row, of a sample

    std::int64_t count() const { return static_cast<std::int64_t>(ids.size()); }
};

/// Opens what load_samples reads. With the names of a model's `inputs`, also what has an array for each of them: an NPZ with
/// arrays [n, ...], a folder with NPY files [n, ...] of these names ('/' written as '_'), or a folder of NPZ files, each one
/// sample; and a folder of NPY files, each one sample for the only input. Error as load_samples.
SampleSource open_samples(const std::filesystem::path& path, const Preprocess& preprocess, std::span<const std::string> inputs = {});

/// `count` of n samples (all, if that is more), drawn by the seed, in ascending order. The same on every machine.
std::vector<std::int64_t> choose_samples(std::int64_t n, std::int64_t count, std::uint64_t seed);

/// Names of the files with one of these endings (lower case, with the dot) in a folder, sorted; hidden ones left out.
std::vector<std::string> files_in(const std::filesystem::path& folder, std::span<const std::string_view> endings);

}  // namespace tercet
