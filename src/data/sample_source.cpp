// SPDX-License-Identifier: Apache-2.0
#include "data/sample_source.h"

#include "data/csv.h"
#include "data/file.h"
#include "data/idx.h"
#include "data/image.h"
#include "data/labels.h"
#include "data/npy.h"
#include "data/preprocess.h"
#include "tercet/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <numeric>
#include <random>

namespace tercet {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 3> picture_endings{".jpg", ".jpeg", ".png"};
constexpr std::array<std::string_view, 1> npy_ending{".npy"}, npz_ending{".npz"};

std::vector<std::string> numbers_to(std::int64_t n) {
    std::vector<std::string> v;
    for (std::int64_t i = 0; i < n; ++i) v.push_back(fmt::to_string(i));
    return v;
}

// The i-th of a dense tensor [n, ...], without copies.
Tensor row_of(const Tensor& t, std::int64_t i, const Dims& shape) {
    return Tensor(t.dtype(), shape, t.storage(), t.data() + static_cast<std::size_t>(i) * bytes_of(t.dtype(), count_of(shape)));
}

Tensor preprocessed(const Preprocess& p, const Tensor& picture) {
    Tensor t = Tensor::zeros(p.dtype, preprocessed_shape(p, picture.shape()));
    preprocess(p, picture, t.writable().data);
    return t;
}

// A table has no element type: pictures in whole numbers of 0 to 255, more than 0 and 1 among them, are 8-bit pixels.
Tensor as_stored(const Tensor& table) {
    double greatest = 0;
    for (std::int64_t i = 0; i < table.count(); ++i) {
        const double x = table.get(i);
        if (x < 0 || x > 255 || x != std::floor(x)) return table;
        greatest = std::max(greatest, x);
    }
    if (greatest <= 1) return table;
    Tensor pixels = Tensor::zeros(DType::u8, table.shape());
    for (std::int64_t i = 0; i < table.count(); ++i) pixels.writable().set_at(i, table.get(i));
    return pixels;
}

SampleSource from_table(const Preprocess& p, Table table) {
    const std::int64_t rows = table.values.shape()[0], columns = table.values.shape()[1];
    if (columns == 0)
        throw Error({.what = "the table has no columns of values",
                     .fix = "give the table of samples here, and this one as labels"});
    SampleSource s{.ids = table.ids.empty() ? numbers_to(rows) : std::move(table.ids)};
    if (!table.labels.empty()) {
        Labels all = resolve_labels(table.labels, {});
        s.labels = std::move(all.labels);
        s.class_names = std::move(all.class_names);
    }
    s.where = [ids = s.ids](std::int64_t i) { return ids[static_cast<std::size_t>(i)]; };
    if (p.row_shape.empty()) {
        if (p.dtype != DType::f32)
            throw Error({.what = "rows of numbers cannot become u8",
                         .fix = "give the shape of a row, [H, W, C]"});
        s.read = [p, columns, values = table.values](std::int64_t i) {
            Tensor row = Tensor::zeros(DType::f32, {columns});
            preprocess_vector(p, reinterpret_cast<const float*>(row_of(values, i, {columns}).data()), columns, reinterpret_cast<float*>(row.writable().data));
            return std::vector{row};
        };
        return s;
    }
    const Dims picture{p.row_shape[0], p.row_shape[1], p.row_shape.size() == 3 ? p.row_shape[2] : 1};
    if (count_of(picture) != columns)
        throw Error({.what = fmt::format("a row has {} values, its shape [{}] {}", columns, fmt::join(p.row_shape, ", "), count_of(picture)),
                     .fix = "give the shape of the file's rows"});
    s.read = [p, picture, stored = as_stored(table.values)](std::int64_t i) { return std::vector{preprocessed(p, row_of(stored, i, picture))}; };
    return s;
}

void check_rows(const Tensor& t) {
    if (t.shape().empty())
        throw Error({.what = "the array is a scalar, without an axis of samples",
                     .fix = "give an array [n, ...]"});
    if (t.bytes() == 0)
        throw Error({.what = fmt::format("there is nothing in an array of [{}]", fmt::join(t.shape(), ", ")),
                     .fix = "give at least one sample"});
}

// Pictures if it looks like these, else the model's input as it is.
std::function<Tensor(std::int64_t)> rows_of(const Preprocess& p, const Tensor& t) {
    const int rank = t.shape().size();
    const bool gray = rank == 3, colored = rank == 4 && (t.shape()[3] == 1 || t.shape()[3] == 3);
    if (t.dtype() == DType::u8 && (gray || colored)) {
        const Dims picture{t.shape()[1], t.shape()[2], gray ? 1 : t.shape()[3]};
        return [p, t, picture](std::int64_t i) { return preprocessed(p, row_of(t, i, picture)); };
    }
    return [t, shape = t.shape().part(1)](std::int64_t i) { return row_of(t, i, shape); };
}

std::string sample_number(std::int64_t i) { return fmt::format("sample {}", i); }

SampleSource from_tensor(const Preprocess& p, const Tensor& t) {
    check_rows(t);
    return {.ids = numbers_to(t.shape()[0]),
            .read = [row = rows_of(p, t)](std::int64_t i) { return std::vector{row(i)}; }, .where = sample_number};
}

// What a file is called that holds the values of an input.
std::string file_name_of(std::string input) {
    std::ranges::replace(input, '/', '_');
    return input;
}

// An array per input; empty if one is missing. Names stand as they are or as file names.
std::vector<Tensor> by_input(const std::map<std::string, Tensor>& arrays, std::span<const std::string> inputs) {
    std::vector<Tensor> found;
    for (const std::string& name : inputs) {
        auto it = arrays.find(name);
        if (it == arrays.end()) it = arrays.find(file_name_of(name));
        if (it == arrays.end()) return {};
        found.push_back(it->second);
    }
    return found;
}

SampleSource from_inputs(const Preprocess& p, std::span<const std::string> inputs, const std::vector<Tensor>& arrays) {
    SampleSource s{.inputs = {inputs.begin(), inputs.end()}, .where = sample_number};
    std::vector<std::function<Tensor(std::int64_t)>> rows;
    for (std::size_t i = 0; i < inputs.size(); ++i)
        at([&] { return fmt::format("array '{}'", inputs[i]); }, [&] {
            check_rows(arrays[i]);
            if (arrays[i].shape()[0] != arrays[0].shape()[0])
                throw Error({.what = fmt::format("it has {} samples, '{}' has {}", arrays[i].shape()[0], inputs[0], arrays[0].shape()[0]),
                             .fix = "give every input as many"});
            rows.push_back(rows_of(p, arrays[i]));
        });
    s.ids = numbers_to(arrays[0].shape()[0]);
    s.read = [rows](std::int64_t i) {
        std::vector<Tensor> sample;
        for (const auto& row : rows) sample.push_back(row(i));
        return sample;
    };
    return s;
}

SampleSource from_archive(const Preprocess& p, std::map<std::string, Tensor> arrays, std::span<const std::string> inputs) {
    if (const auto found = by_input(arrays, inputs); found.size() > 1) return from_inputs(p, inputs, found);
    Tensor labels;
    for (const char* name : {"labels", "label", "y"})
        if (const auto found = arrays.find(name); found != arrays.end() && arrays.size() > 1) {
            labels = found->second;
            arrays.erase(found);
            break;
        }
    if (arrays.size() != 1) {
        std::string names;
        for (const auto& [name, tensor] : arrays) names += (names.empty() ? "" : ", ") + name;
        if (inputs.size() > 1)
            throw Error({.what = fmt::format("the archive holds {}; the model's inputs are {}", names.empty() ? "no array" : names, fmt::join(inputs, ", ")),
                         .fix = "save an array [n, ...] for each of them, under its name"});
        throw Error({.what = names.empty() ? "the archive has no array" : fmt::format("which array holds the samples: {}?", names),
                     .fix = "save one, and at most another named 'labels'"});
    }
    SampleSource s = from_tensor(p, arrays.begin()->second);
    if (labels) {
        s.labels = integer_labels(labels);
        if (static_cast<std::int64_t>(s.labels.size()) != s.count())
            throw Error({.what = fmt::format("{} labels for {} samples", s.labels.size(), s.count()),
                         .fix = "save one per sample"});
    }
    return s;
}

bool has_ending(const fs::path& path, std::span<const std::string_view> endings) {
    std::string ending = path.extension().string();
    std::ranges::transform(ending, ending.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    return std::ranges::find(endings, ending) != endings.end();
}

// What lies in a folder, hidden things left out: names of files that have one of the endings, names of folders, sorted.
struct Listing {
    std::vector<std::string> files, folders;
};

Listing list(const fs::path& folder, std::span<const std::string_view> endings) {
    Listing found;
    std::error_code error;
    for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
        const std::string name = it->path().filename().string();
        if (name.starts_with('.')) continue;
        std::error_code ignored;  // a dangling link is neither
        if (it->is_directory(ignored)) found.folders.push_back(name);
        else if (it->is_regular_file(ignored) && has_ending(it->path(), endings)) found.files.push_back(name);
    }
    if (error)
        throw Error({.what = fmt::format("the folder cannot be read ({})", error.message()), .where = folder.string(),
                     .fix = "check its permissions"});
    std::ranges::sort(found.files);
    std::ranges::sort(found.folders);
    return found;
}

// Files of which each is one sample.
SampleSource from_files(const fs::path& folder, std::vector<std::string> names, std::function<std::vector<Tensor>(const fs::path&)> read_file) {
    SampleSource s{.ids = std::move(names)};
    s.where = [folder, ids = s.ids](std::int64_t i) { return (folder / ids[static_cast<std::size_t>(i)]).string(); };
    s.read = [folder, ids = s.ids, read_file = std::move(read_file)](std::int64_t i) { return read_file(folder / ids[static_cast<std::size_t>(i)]); };
    return s;
}

SampleSource from_pictures(const Preprocess& p, const fs::path& folder, Listing top) {
    std::vector<std::string> names;
    std::vector<int> labels;
    for (std::size_t c = 0; c < top.folders.size(); ++c)
        for (const std::string& name : list(folder / top.folders[c], picture_endings).files) {
            names.push_back(top.folders[c] + "/" + name);
            labels.push_back(static_cast<int>(c));
        }
    if (!names.empty() && !top.files.empty())
        throw Error({.what = "pictures lie beside folders of pictures", .where = folder.string(),
                     .fix = "put all into class folders, or none"});
    if (names.empty()) {
        names = std::move(top.files);
        top.folders.clear();
    }
    if (names.empty())
        throw Error({.what = "no .jpg, .jpeg or .png file lies in it or in its folders", .where = folder.string(),
                     .fix = "give the folder of the pictures"});
    SampleSource s = from_files(folder, std::move(names), [p](const fs::path& file) {
        const FileBytes bytes = map_file(file);
        return std::vector{preprocessed(p, decode_image(bytes.bytes))};
    });
    s.labels = std::move(labels);
    s.class_names = std::move(top.folders);
    return s;
}

SampleSource from_arrays(const Preprocess& p, const fs::path& folder, std::span<const std::string> inputs) {
    const std::vector<std::string> npy = files_in(folder, npy_ending), npz = files_in(folder, npz_ending);
    std::map<std::string, Tensor> arrays;
    for (const std::string& name : inputs)
        if (const std::string file = file_name_of(name) + ".npy"; std::ranges::binary_search(npy, file))
            arrays[name] = at((folder / file).string(), [&] { return parse_npy(map_file(folder / file)); });
    if (const auto found = by_input(arrays, inputs); !found.empty()) return at(folder.string(), [&] { return from_inputs(p, inputs, found); });
    if (!npz.empty()) {
        SampleSource s = from_files(folder, npz, [names = std::vector(inputs.begin(), inputs.end())](const fs::path& file) {
            const auto held = parse_npz(map_file(file));
            if (names.size() == 1 && held.size() == 1) return std::vector{held.begin()->second};
            std::vector<Tensor> sample = by_input(held, names);
            if (sample.empty())
                throw Error({.what = fmt::format("an input has no array in it; the model's inputs are {}", fmt::join(names, ", ")),
                             .fix = "save one array per input, under its name"});
            return sample;
        });
        s.inputs.assign(inputs.begin(), inputs.end());
        return s;
    }
    if (inputs.size() > 1)
        throw Error({.what = fmt::format("it has no file for each of the model's inputs, {}", fmt::join(inputs, ", ")), .where = folder.string(),
                     .fix = fmt::format("save them as {}.npy and so on, [n, ...] each", file_name_of(inputs[0]))});
    return from_files(folder, npy, [](const fs::path& file) { return std::vector{parse_npy(map_file(file))}; });
}

SampleSource from_folder(const Preprocess& p, const fs::path& folder, std::span<const std::string> inputs) {
    Listing top = list(folder, picture_endings);
    if (!inputs.empty() && top.files.empty() && (!files_in(folder, npy_ending).empty() || !files_in(folder, npz_ending).empty()))
        return from_arrays(p, folder, inputs);
    return from_pictures(p, folder, std::move(top));
}

SampleSource from_file(const Preprocess& p, const fs::path& path, std::span<const std::string> inputs) {
    const DataFile f = open_data(path);
    SampleSource s = at([&] { return path.string(); }, [&]() -> SampleSource {
        switch (f.format) {
            case DataFormat::npy: return from_tensor(p, parse_npy(f.file));
            case DataFormat::idx: return from_tensor(p, parse_idx(f.file));
            case DataFormat::npz: return from_archive(p, parse_npz(f.file), inputs);
            case DataFormat::text: return from_table(p, parse_table(f.text()));
            case DataFormat::image: break;
        }
        return {.ids = {path.filename().string()}, .read = [p, f](std::int64_t) { return std::vector{preprocessed(p, decode_image(f.file.bytes))}; },
                .where = [](std::int64_t) { return "picture"; }};
    });
    if (s.ids.empty()) throw Error({.what = "there are no samples in it", .where = path.string(), .fix = "give a file with at least one"});
    s.where = [file = path.string(), row = std::move(s.where)](std::int64_t i) { return fmt::format("{}: {}", file, row(i)); };
    return s;
}

}  // namespace

// The first `count` of a shuffle (Fisher-Yates); the standard fixes what mt19937_64 gives, but not its distributions, so that the
// draw below k is the high half of a product, as good as even for k far below 2^32.
std::vector<std::int64_t> choose_samples(std::int64_t n, std::int64_t count, std::uint64_t seed) {
    std::vector<std::int64_t> order(static_cast<std::size_t>(n));
    std::iota(order.begin(), order.end(), 0);
    if (count >= n) return order;
    std::mt19937_64 random(seed);
    for (std::int64_t i = 0; i < count; ++i) {
        const auto left = static_cast<std::uint64_t>(n - i);
        const auto drawn = static_cast<std::int64_t>((left * (random() >> 32)) >> 32);
        std::swap(order[static_cast<std::size_t>(i)], order[static_cast<std::size_t>(i + drawn)]);
    }
    order.resize(static_cast<std::size_t>(count));
    std::ranges::sort(order);
    return order;
}

std::vector<std::string> files_in(const fs::path& folder, std::span<const std::string_view> endings) { return list(folder, endings).files; }

SampleSource open_samples(const fs::path& path, const Preprocess& preprocess, std::span<const std::string> inputs) {
    check(preprocess);
    std::error_code ignored;
    SampleSource s = fs::is_directory(path, ignored) ? from_folder(preprocess, path, inputs) : from_file(preprocess, path, inputs);
    s.read = [read = std::move(s.read), where = s.where](std::int64_t i) { return at([&] { return where(i); }, [&] { return read(i); }); };
    return s;
}

}  // namespace tercet
