// SPDX-License-Identifier: Apache-2.0
// Files of every kind become Samples: a file is turned into rows or pictures, and those are taken one by one into the array
// of the result.
#include "tercet/data.h"

#include "data/csv.h"
#include "data/file.h"
#include "data/idx.h"
#include "data/image.h"
#include "data/inflate.h"
#include "data/labels.h"
#include "data/npy.h"
#include "data/preprocess.h"
#include "tercet/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>

namespace tercet {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t max_array_bytes = std::uint64_t{1} << 40;

// Which of n samples are taken: all, or `max_samples` of them, spread evenly over the order.
std::vector<std::int64_t> picks(std::int64_t n, std::int64_t max_samples) {
    if (n == 0) throw Error({.what = "there are no samples in it", .fix = "give a file with at least one"});
    const std::int64_t count = max_samples > 0 ? std::min(n, max_samples) : n;
    std::vector<std::int64_t> picked(static_cast<std::size_t>(count));
    for (std::int64_t i = 0; i < count; ++i)
        picked[static_cast<std::size_t>(i)] = static_cast<std::int64_t>(static_cast<double>(i) * static_cast<double>(n) / static_cast<double>(count));
    return picked;
}

template <class T>
std::vector<T> picked_from(const std::vector<T>& all, const std::vector<std::int64_t>& which) {
    std::vector<T> v;
    for (std::int64_t i : which) v.push_back(all[static_cast<std::size_t>(i)]);
    return v;
}

std::vector<std::string> numbers_of(const std::vector<std::int64_t>& which) {
    std::vector<std::string> v;
    for (std::int64_t i : which) v.push_back(fmt::to_string(i));
    return v;
}

Array array_of(DType dtype, std::int64_t n, const Dims& sample) {
    Array a{.dtype = dtype, .shape = {n}};
    a.shape.insert(a.shape.end(), sample.begin(), sample.end());
    a.data.resize(bytes_of(dtype, n * count_of(sample)));
    return a;
}

// Pictures of one size into one array. `picture(i)` is the i-th of `count`; `where(i)` says which file or row that is.
Array from_pictures(const Preprocess& p, std::int64_t count, const std::function<Tensor(std::int64_t)>& picture,
                    const std::function<std::string(std::int64_t)>& where) {
    Array all;
    Dims first;
    for (std::int64_t i = 0; i < count; ++i) {
        const Tensor one = picture(i);
        at([&] { return where(i); }, [&] {
            const Dims shape = preprocessed_shape(p, one.shape());
            if (i == 0) {
                first = shape;
                if (!bytes_within(p.dtype, shape, max_array_bytes / static_cast<std::uint64_t>(count)))
                    throw Error({.what = fmt::format("{} pictures of [{}] take over 1 TiB", count, fmt::join(shape, ", ")),
                                 .fix = "take fewer, or smaller ones"});
                all = array_of(p.dtype, count, shape);
            }
            if (shape != first) {
                const int channels = p.layout == Layout::nhwc ? 2 : 0;
                throw Error({.what = fmt::format("the picture gives [{}], the first one [{}]", fmt::join(shape, ", "), fmt::join(first, ", ")),
                             .fix = shape[channels] == first[channels] ? "set height and width" : "set the color"});
            }
            preprocess(p, one, all.data.data() + static_cast<std::size_t>(i) * bytes_of(p.dtype, count_of(shape)));
        });
    }
    return all;
}

// The rows of a dense tensor [n, ...], without copies.
Tensor row_of(const Tensor& t, std::int64_t i, const Dims& shape) {
    return Tensor(t.dtype(), shape, t.storage(), t.data() + static_cast<std::size_t>(i) * bytes_of(t.dtype(), count_of(shape)));
}

Array from_array(const Preprocess& p, const Tensor& t, const std::vector<std::int64_t>& which) {
    const int rank = t.shape().size();
    const bool gray = rank == 3, colored = rank == 4 && (t.shape()[3] == 1 || t.shape()[3] == 3);
    const auto n = static_cast<std::int64_t>(which.size());
    if (t.dtype() == DType::u8 && (gray || colored)) {
        const Dims picture{t.shape()[1], t.shape()[2], gray ? 1 : t.shape()[3]};
        return from_pictures(p, n, [&](std::int64_t i) { return row_of(t, which[static_cast<std::size_t>(i)], picture); },
                             [&](std::int64_t i) { return fmt::format("sample {}", which[static_cast<std::size_t>(i)]); });
    }
    Array a = array_of(t.dtype(), n, t.shape().part(1));
    const std::size_t bytes = a.data.size() / which.size();
    for (std::size_t i = 0; i < which.size(); ++i)
        std::copy_n(t.data() + static_cast<std::size_t>(which[i]) * bytes, bytes, a.data.begin() + static_cast<std::ptrdiff_t>(i * bytes));
    return a;
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

Samples from_table(const Preprocess& p, const Table& table, std::int64_t max_samples) {
    const std::int64_t columns = table.values.shape()[1];
    if (columns == 0)
        throw Error({.what = "the table has no columns of values",
                     .fix = "give the table of samples here, and this one as labels"});
    const auto which = picks(table.values.shape()[0], max_samples);
    const auto n = static_cast<std::int64_t>(which.size());
    Samples s{.ids = table.ids.empty() ? numbers_of(which) : picked_from(table.ids, which)};
    if (!table.labels.empty()) {
        Labels all = resolve_labels(table.labels, {});
        s.labels = picked_from(all.labels, which);
        s.class_names = std::move(all.class_names);
    }
    if (p.row_shape.empty()) {
        if (p.dtype != DType::f32)
            throw Error({.what = "rows of numbers cannot become u8",
                         .fix = "give the shape of a row, [H, W, C]"});
        s.values = array_of(DType::f32, n, {columns});
        for (std::size_t i = 0; i < which.size(); ++i)
            preprocess_vector(p, reinterpret_cast<const float*>(row_of(table.values, which[i], {columns}).data()), columns,
                              reinterpret_cast<float*>(s.values.data.data()) + static_cast<std::int64_t>(i) * columns);
        return s;
    }
    Dims picture{p.row_shape[0], p.row_shape[1], p.row_shape.size() == 3 ? p.row_shape[2] : 1};
    if (count_of(picture) != columns)
        throw Error({.what = fmt::format("a row has {} values, its shape [{}] {}", columns, fmt::join(p.row_shape, ", "), count_of(picture)),
                     .fix = "give the shape of the file's rows"});
    const Tensor stored = as_stored(table.values);
    s.values = from_pictures(p, n, [&](std::int64_t i) { return row_of(stored, which[static_cast<std::size_t>(i)], picture); },
                             [&](std::int64_t i) { return s.ids[static_cast<std::size_t>(i)]; });
    return s;
}

Samples from_tensor(const Preprocess& p, const Tensor& t, std::int64_t max_samples) {
    if (t.shape().empty())
        throw Error({.what = "the array is a scalar, without an axis of samples",
                     .fix = "give an array [n, ...]"});
    if (t.bytes() == 0)
        throw Error({.what = fmt::format("there is nothing in an array of [{}]", fmt::join(t.shape(), ", ")),
                     .fix = "give at least one sample"});
    const auto which = picks(t.shape()[0], max_samples);  // no more than there are bytes
    return {.values = from_array(p, t, which), .ids = numbers_of(which)};
}

Samples from_archive(const Preprocess& p, std::map<std::string, Tensor> arrays, std::int64_t max_samples) {
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
        throw Error({.what = names.empty() ? "the archive has no array" : fmt::format("which array holds the samples: {}?", names),
                     .fix = "save one, and at most another named 'labels'"});
    }
    Samples s = from_tensor(p, arrays.begin()->second, max_samples);
    if (labels) {
        const std::vector<int> all = integer_labels(labels);
        const std::int64_t n = arrays.begin()->second.shape()[0];
        if (static_cast<std::int64_t>(all.size()) != n)
            throw Error({.what = fmt::format("{} labels for {} samples", all.size(), n),
                         .fix = "save one per sample"});
        s.labels = picked_from(all, picks(n, max_samples));
    }
    return s;
}

bool has_picture_name(const fs::path& path) {
    std::string ending = path.extension().string();
    std::ranges::transform(ending, ending.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    return ending == ".jpg" || ending == ".jpeg" || ending == ".png";
}

// What lies in a folder, hidden things left out: names of pictures, names of folders, sorted.
struct Listing {
    std::vector<std::string> pictures, folders;
};

Listing list(const fs::path& folder) {
    Listing found;
    std::error_code error;
    for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
        const std::string name = it->path().filename().string();
        if (name.starts_with('.')) continue;
        std::error_code ignored;  // a dangling link is neither
        if (it->is_directory(ignored)) found.folders.push_back(name);
        else if (it->is_regular_file(ignored) && has_picture_name(it->path())) found.pictures.push_back(name);
    }
    if (error)
        throw Error({.what = fmt::format("the folder cannot be read ({})", error.message()), .where = folder.string(),
                     .fix = "check its permissions"});
    std::ranges::sort(found.pictures);
    std::ranges::sort(found.folders);
    return found;
}

Samples from_folder(const Preprocess& p, const fs::path& folder, std::int64_t max_samples) {
    Listing top = list(folder);
    std::vector<std::string> names;
    std::vector<int> labels;
    for (std::size_t c = 0; c < top.folders.size(); ++c)
        for (const std::string& name : list(folder / top.folders[c]).pictures) {
            names.push_back(top.folders[c] + "/" + name);
            labels.push_back(static_cast<int>(c));
        }
    if (!names.empty() && !top.pictures.empty())
        throw Error({.what = "pictures lie beside folders of pictures", .where = folder.string(),
                     .fix = "put all into class folders, or none"});
    if (names.empty()) {
        names = std::move(top.pictures);
        top.folders.clear();
    }
    if (names.empty())
        throw Error({.what = "no .jpg, .jpeg or .png file lies in it or in its folders", .where = folder.string(),
                     .fix = "give the folder of the pictures"});

    const auto which = picks(static_cast<std::int64_t>(names.size()), max_samples);
    Samples s{.ids = picked_from(names, which), .class_names = std::move(top.folders)};
    if (!labels.empty()) s.labels = picked_from(labels, which);
    const auto path = [&](std::int64_t i) { return folder / s.ids[static_cast<std::size_t>(i)]; };
    const auto decode = [&](std::int64_t i) {
        const FileBytes file = map_file(path(i));
        return at([&] { return path(i).string(); }, [&] { return decode_image(file.bytes); });
    };
    s.values = from_pictures(p, static_cast<std::int64_t>(which.size()), decode, [&](std::int64_t i) { return path(i).string(); });
    return s;
}

Samples from_file(const Preprocess& p, const fs::path& path, std::int64_t max_samples) {
    const DataFile f = open_data(path);
    return at([&] { return path.string(); }, [&]() -> Samples {
        switch (f.format) {
            case DataFormat::npy: return from_tensor(p, parse_npy(f.file), max_samples);
            case DataFormat::idx: return from_tensor(p, parse_idx(f.file), max_samples);
            case DataFormat::npz: return from_archive(p, parse_npz(f.file), max_samples);
            case DataFormat::text: return from_table(p, parse_table(f.text()), max_samples);
            case DataFormat::image: break;
        }
        const auto decode = [&](std::int64_t) { return decode_image(f.file.bytes); };
        return {.values = from_pictures(p, 1, decode, [](std::int64_t) { return "picture"; }), .ids = {path.filename().string()}};
    });
}

}  // namespace

Samples load_samples(const fs::path& path, const Preprocess& preprocess, std::int64_t max_samples) {
    check(preprocess);
    std::error_code ignored;
    return fs::is_directory(path, ignored) ? from_folder(preprocess, path, max_samples) : from_file(preprocess, path, max_samples);
}

}  // namespace tercet
