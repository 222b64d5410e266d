// SPDX-License-Identifier: Apache-2.0
#include "tercet/inputs.h"

#include "onnx/read_model.h"
#include "tensor/tensor.h"

#include <fmt/format.h>

#include <charconv>
#include <fstream>
#include <limits>
#include <random>

namespace tercet {
namespace {

bool is_channels(std::int64_t n) { return n == 1 || n == 3; }

// The integer that an extent is; 0 for an expression.
std::int64_t fixed_size(const std::string& dim) {
    std::int64_t n = 0;
    const auto [end, error] = std::from_chars(dim.data(), dim.data() + dim.size(), n);
    return error == std::errc() && end == dim.data() + dim.size() ? n : 0;
}

bool starts_with(const std::filesystem::path& file, std::string_view magic) {
    std::string head(magic.size(), '\0');
    std::ifstream(file, std::ios::binary).read(head.data(), static_cast<std::streamsize>(head.size()));
    return head == magic;
}

Array array_of(const Tensor& t) {
    return {t.dtype(), {t.shape().begin(), t.shape().end()}, {t.data(), t.data() + t.bytes()}};
}

}  // namespace

Preprocess preprocess_for(const TensorInfo& input) { return preprocess_for(input, {}); }

Preprocess preprocess_for(const TensorInfo& input, const Preprocess& asked) {
    Preprocess p = asked;
    if (input.dtype == DType::u8) p.dtype = DType::u8;
    const std::size_t rank = input.shape.size();
    if (rank < 3 || rank > 4) return p;
    const auto size = [&](std::size_t from_end) { return fixed_size(input.shape[rank - from_end]); };
    const bool can_be_first = is_channels(size(3)), can_be_last = is_channels(size(1));
    // Where both could be, the channels stand first as in most exports.
    const bool first = p.layout ? *p.layout == Layout::nchw : can_be_first;
    if (first ? !can_be_first : !can_be_last) return p;
    p.layout = first ? Layout::nchw : Layout::nhwc;
    const std::int64_t height = size(first ? 2 : 3), width = size(first ? 1 : 2), channels = size(first ? 3 : 1);
    if (p.height == 0 && p.width == 0) {
        p.height = height;
        p.width = width;
    }
    if (!p.color) p.color = channels == 1 ? Color::gray : Color::rgb;
    if (p.row_shape.empty() && height > 0 && width > 0) p.row_shape = {height, width, channels};
    return p;
}

Array load_input(const std::filesystem::path& file, const TensorInfo& input, const Preprocess& preprocess) {
    Array a;
    if (file.extension() == ".pb") {
        a = array_of(read_tensor(file).second);
    } else {
        if (starts_with(file, "\x93NUMPY")) a = load_array(file);
        if (a.dtype != input.dtype) a = load_samples(file, preprocess).values;
    }
    if (a.shape.size() + 1 == input.shape.size()) a.shape.insert(a.shape.begin(), 1);
    else if (a.shape.size() == input.shape.size() + 1 && a.shape[0] == 1) a.shape.erase(a.shape.begin());
    return a;
}

Array random_array(DType dtype, std::span<const std::int64_t> shape, std::uint64_t seed) {
    constexpr std::int64_t limit = std::int64_t{1} << 40;
    if (!computes(dtype) || shape.size() > max_rank)
        throw Error({.what = fmt::format("there are no random values of {} [{}]", name_of(dtype), fmt::join(shape, ", ")), .fix = "give a file"});
    std::int64_t count = 1;
    for (std::int64_t d : shape)
        if (d < 0 || __builtin_mul_overflow(count, d, &count) || count > limit)
            throw Error({.what = fmt::format("an input of [{}] is too large", fmt::join(shape, ", ")), .fix = "give smaller sizes"});
    Array a{dtype, {shape.begin(), shape.end()}, std::vector<std::byte>(bytes_of(dtype, count))};
    std::mt19937_64 random(seed);
    const View elements(dtype, Dims{count}, a.data.data());
    for (std::int64_t i = 0; i < count; ++i) {
        const std::uint64_t bits = random();
        elements.set_at(i, is_float(dtype) ? static_cast<double>(bits >> 40) * 0x1p-24 : static_cast<double>(bits >> 63));
    }
    return a;
}

Statistics statistics_of(DType dtype, std::span<const std::int64_t> shape, const void* data) {
    const View elements(dtype, Dims{count_of(shape)}, data);
    Statistics s{.count = elements.count()};
    const double nan = std::numeric_limits<double>::quiet_NaN();
    s.min = s.max = s.mean = nan;
    double sum = 0;
    for (std::int64_t i = 0; i < s.count; ++i) {
        const double v = elements.get_at(i);
        if (v != v) {
            ++s.nans;
            continue;
        }
        s.min = s.min < v ? s.min : v;
        s.max = s.max > v ? s.max : v;
        sum += v;
    }
    if (s.count > s.nans) s.mean = sum / static_cast<double>(s.count - s.nans);
    return s;
}

}  // namespace tercet
