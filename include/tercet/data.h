// SPDX-License-Identifier: Apache-2.0
/// @file
/// Samples for a model: files become one array of inputs, with the names and labels of its rows.
#pragma once

#include "tercet/dtype.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace [[gnu::visibility("default")]] tercet {

/// A dense, row-major array that owns its elements (little-endian, bytes_of(dtype, product of shape)).
struct Array {
    DType dtype = DType::undefined;
    std::vector<std::int64_t> shape{};
    std::vector<std::byte> data{};

    friend bool operator==(const Array&, const Array&) = default;  ///< equal in type, shape and bytes
};

/// Where a picture's channels are.
enum class Layout { nchw, nhwc };

/// What a picture's channels are.
enum class Color { rgb, bgr, gray };

/// How a picture comes to the model's size.
enum class Fit {
    stretch,  ///< to height x width, whatever that does to the proportions
    crop,     ///< the shorter side to `resize_shorter` (0: stays), then height x width from the middle
};

/// How pictures become a model's input: color, resize, crop, then y[c] = (x*scale - mean[c]) / deviation[c], then layout.
/// Resizing is bilinear with half-pixel centers and without antialiasing. The defaults suit most exported classifiers.
struct Preprocess {
    DType dtype = DType::f32;                  ///< f32, or u8: pixels as stored, without scale, mean and deviation
    std::optional<Layout> layout{};            ///< empty: nchw
    std::optional<Color> color{};              ///< empty: as in the file
    std::int64_t height = 0, width = 0;        ///< 0: as in the file
    Fit fit = Fit::stretch;
    std::int64_t resize_shorter = 0;           ///< for Fit::crop
    std::optional<double> scale{};             ///< empty: 1/255 for 8-bit pixels, 1 for others
    std::vector<double> mean{}, deviation{};   ///< in units after `scale`; none, one for all channels, or one per channel
    /// CSV: a row is a picture [H, W] or [H, W, C], of 8-bit pixels if the file's values are whole numbers of 0 to 255 and
    /// not only 0 and 1; empty: a row is a vector, taken as it is
    std::vector<std::int64_t> row_shape{};
};

/// Inputs for a model, with what is known about each.
struct Samples {
    Array values{};                            ///< [n, ...]; n is at least 1
    std::vector<std::string> ids{};            ///< n: path within the folder, id column, or number of the row from 0
    std::vector<int> labels{};                 ///< n, or empty if the file holds none
    std::vector<std::string> class_names{};    ///< of the labels, where classes have names (sorted); else empty

    /// How many there are.
    std::int64_t count() const { return values.shape.empty() ? 0 : values.shape[0]; }
};

/// Reads samples; what the file holds is recognised by its content, gzip included.
///   folder of JPEG and PNG files: in order of their names; subfolders are classes, labelled 0, 1, ... in that order
///   one JPEG or PNG
///   IDX (the format of MNIST): u8 [n, H, W] and [n, H, W, C] are pictures
///   NPY, or NPZ with one array (and another named y, label or labels): u8 [n, H, W] and [n, H, W, 1 or 3] are pictures;
///     anything else counts as the model's input already, and is taken as it is
///   CSV with one row per sample: numbers, optionally a column of ids (sample_id, id, name, ...) and of labels (label, class)
/// Pictures must come out at one size: set height and width where the files differ.
/// `max_samples` > 0 takes that many, spread evenly over the order.
/// Error if the file is missing, damaged, in another format, or does not fit `preprocess`.
Samples load_samples(const std::filesystem::path& path, const Preprocess& preprocess = {}, std::int64_t max_samples = 0);

/// The true classes of samples.
struct Labels {
    std::vector<int> labels{};
    std::vector<std::string> class_names{};    ///< empty if the file gives numbers
};

/// Reads the labels of samples with these ids: CSV with a column of ids and one of labels, matched by id, or IDX, NPY or CSV
/// without ids, matched by order. Labels that are names become their place among `class_names`, or, if that is empty, among
/// the file's distinct names, sorted. Error if a sample has no label, or two.
Labels load_labels(const std::filesystem::path& path, std::span<const std::string> ids,
                   std::span<const std::string> class_names = {});

/// Reads one array from an NPY file (or IDX), of any rank. Error as above.
Array load_array(const std::filesystem::path& path);

/// Writes an NPY file, which appears whole or not at all. bf16, which NumPy has no name for, is written as its extensions do
/// ('<V2'). Error if it cannot be written.
void save_array(const std::filesystem::path& path, DType dtype, std::span<const std::int64_t> shape,
                std::span<const std::byte> data);

}  // namespace tercet
