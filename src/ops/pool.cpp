// SPDX-License-Identifier: Apache-2.0
// MaxPool, AveragePool, LpPool: one number out of every window of [N, C, spatial...], the padding left out:
//     max x        sum x / count        (sum |x|^p)^(1/p)
// count is that of the elements read; with count_include_pad that of the window's taps on the input or its padding.
#include "ops/old_forms.h"
#include "ops/op.h"
#include "ops/require.h"
#include "ops/window.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>

namespace tercet {
namespace {

Shape pooled_shape(const Inference& c) {
    const Dims kernel = kernel_shape(c.node, c.rank(0) - 2);
    Shape y{c.shape(0)[0], c.shape(0)[1]};
    for (Dim& d : infer_window(c.node, c.shape(0), kernel)) y.push_back(std::move(d));
    return y;
}

void infer_max(Inference& c) {
    if (c.dtype(0) != DType::i8 && c.dtype(0) != DType::u8) require_float(c, 0);
    if (const auto order = c.attributes().integer("storage_order", 0); order != 0 && order != 1)
        throw Error({.what = fmt::format("attribute 'storage_order' is {}", order), .fix = "it is 0 or 1"});
    c.set(0, c.dtype(0), pooled_shape(c));
    c.set(1, DType::i64, pooled_shape(c));
}

void infer_float(Inference& c) {
    require_float(c, 0);
    c.set(0, c.dtype(0), pooled_shape(c));
}

void infer_lp(Inference& c) {
    if (const auto p = c.attributes().integer("p", 2); p < 1)
        throw Error({.what = fmt::format("attribute 'p' is {}", p), .fix = "it must be at least 1"});
    infer_float(c);
}

Window pool_window(const Call& call) {
    const View& x = call.in[0];
    return window_of(call.node, x.shape, Dims(call.attributes().integers("kernel_shape")));
}

// f(index of x) for every element that the window of output `o` reads, row by row.
template <class F>
void for_elements(const Window& win, const Dims& o, F&& f) {
    Dims first, counts;
    for (int i = 0; i < win.rank; ++i) {
        const auto taps = win.axes[static_cast<std::size_t>(i)].inside(o[2 + i]);
        first.push_back(taps.first);
        counts.push_back(taps.count());
    }
    Dims at = o;
    for (const Dims& tap : indices(counts)) {
        for (int i = 0; i < win.rank; ++i) at[2 + i] = win.axes[static_cast<std::size_t>(i)].position(o[2 + i], first[i] + tap[i]);
        f(at);
    }
}

// Where an element lies in the whole input, its spatial axes in row-major order or (storage_order = 1) column-major.
std::int64_t flat_index(const Dims& at, const Dims& shape, bool column_major) {
    std::int64_t plane = 0;
    const int rank = shape.size();
    if (column_major)
        for (int i = rank - 1; i >= 2; --i) plane = plane * shape[i] + at[i];
    else
        for (int i = 2; i < rank; ++i) plane = plane * shape[i] + at[i];
    return (at[0] * shape[1] + at[1]) * count_of(shape.part(2)) + plane;
}

void reference_max(const Call& call) {
    const View &x = call.in[0], &y = call.out[0];
    const Window win = pool_window(call);
    const bool column_major = call.attributes().integer("storage_order", 0) == 1;
    for (const Dims& o : indices(y.shape)) {
        double best = -std::numeric_limits<double>::infinity();  // stays where a window reads nothing but padding
        std::int64_t where = -1;
        for_elements(win, o, [&](const Dims& at) {
            const double v = x.get(at);
            if (where >= 0 && (std::isnan(best) || v <= best)) return;  // the first of equals; NaN stays
            best = v;
            where = flat_index(at, x.shape, column_major);
        });
        y.set(o, best);
        if (call.wants(1)) call.out[1].set_int(o, where);
    }
}

void reference_average(const Call& call) {
    const View &x = call.in[0], &y = call.out[0];
    const Window win = pool_window(call);
    const bool with_padding = call.attributes().integer("count_include_pad", 0) != 0;
    for (const Dims& o : indices(y.shape)) {
        double sum = 0;
        std::int64_t read = 0, taps = 1;
        for_elements(win, o, [&](const Dims& at) {
            sum += x.get(at);
            ++read;
        });
        for (int i = 0; i < win.rank; ++i) taps *= win.axes[static_cast<std::size_t>(i)].padded_taps(o[2 + i]);
        const std::int64_t count = with_padding ? taps : read;
        y.set(o, count > 0 ? sum / static_cast<double>(count) : 0);
    }
}

void reference_lp(const Call& call) {
    const View &x = call.in[0], &y = call.out[0];
    const Window win = pool_window(call);
    const auto p = static_cast<double>(call.attributes().integer("p", 2));
    for (const Dims& o : indices(y.shape)) {
        double sum = 0;
        for_elements(win, o, [&](const Dims& at) { sum += std::pow(std::fabs(x.get(at)), p); });
        y.set(o, std::pow(sum, 1 / p));
    }
}

const RegisteredOp max_pool{{.name = "MaxPool", .versions = {{1}, {8}, {10}, {11}, {12}, {22}}, .outputs = {1, 2},
                             .attributes = {{"auto_pad", AttributeKind::text}, {"ceil_mode", AttributeKind::integer}, {"dilations", AttributeKind::integers},
                                            {"kernel_shape", AttributeKind::integers, true}, {"pads", AttributeKind::integers},
                                            {"storage_order", AttributeKind::integer}, {"strides", AttributeKind::integers}},
                             .infer = infer_max, .reference = reference_max, .channels = true}};

const RegisteredOp average_pool{{.name = "AveragePool", .versions = {{1}, {7}, {10}, {11}, {19}, {22}},
                                 .attributes = {{"auto_pad", AttributeKind::text}, {"ceil_mode", AttributeKind::integer},
                                                {"count_include_pad", AttributeKind::integer}, {"dilations", AttributeKind::integers},
                                                {"kernel_shape", AttributeKind::integers, true}, {"pads", AttributeKind::integers},
                                                {"strides", AttributeKind::integers}},
                                 .infer = infer_float, .reference = reference_average, .channels = true, .stores = true}};

const RegisteredOp lp_pool{{.name = "LpPool", .versions = {{1}, {2, whole_power}, {11}, {18}, {22}},
                            .attributes = {{"auto_pad", AttributeKind::text}, {"ceil_mode", AttributeKind::integer}, {"dilations", AttributeKind::integers},
                                           {"kernel_shape", AttributeKind::integers, true}, {"p", AttributeKind::integer}, {"p", AttributeKind::real},
                                           {"pads", AttributeKind::integers}, {"strides", AttributeKind::integers}},
                            .infer = infer_lp, .reference = reference_lp, .channels = true}};

}  // namespace
}  // namespace tercet
