// SPDX-License-Identifier: Apache-2.0
#include "ops/testing.h"

#include "graph/text.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace tercet::testing {

Graph typed_graph(std::string_view text) {
    Graph g = parse_text(text);
    // The declared types stand between "=>" and ") {"; the parser does not keep them.
    const std::size_t arrow = text.find("=>");
    const std::string_view outs = text.substr(arrow + 2, text.find(") {", arrow) - arrow - 2);
    infer_types(g);
    verify(g);
    std::string normal;
    for (const GraphOutput& o : g.outputs()) normal += (normal.empty() ? "" : ", ") + text_of(g.value(o.value).type);
    for (const GraphOutput& o : g.outputs()) {
        const std::string type = text_of(g.value(o.value).type);
        if (outs.find('?') != std::string_view::npos) continue;
        EXPECT_NE(outs.find(type), std::string_view::npos) << "inferred (" << normal << "), declared " << outs;
    }
    return g;
}

bool expect_close(const Tensor& actual, const Tensor& expected, double tolerance, std::string_view what) {
    if (actual.dtype() != expected.dtype() || actual.shape() != expected.shape()) {
        ADD_FAILURE() << what << ": " << name_of(actual.dtype()) << fmt::format("[{}]", fmt::join(actual.shape(), ",")) << " instead of "
                      << name_of(expected.dtype()) << fmt::format("[{}]", fmt::join(expected.shape(), ","));
        return false;
    }
    double worst = 0;
    std::int64_t where = -1, wrong = 0;
    for (std::int64_t i = 0; i < actual.count(); ++i) {
        if (!is_float(actual.dtype())) {
            if (actual.get_int(i) != expected.get_int(i) && wrong++ == 0) where = i;
            continue;
        }
        const double a = actual.get(i), e = expected.get(i);
        if (a == e || (std::isnan(a) && std::isnan(e))) continue;
        const double excess = std::fabs(a - e) / (tolerance * (1 + std::fabs(e)));
        if (excess <= 1) continue;
        ++wrong;
        if (!(excess <= worst)) worst = excess, where = i;
    }
    if (wrong == 0) return true;
    ADD_FAILURE() << fmt::format("{}: {} of {} elements differ, worst at {}: {} instead of {}", what, wrong, actual.count(), where,
                                 actual.get(where), expected.get(where));
    return false;
}

void expect_values(std::string_view text, const std::vector<std::string>& inputs, const std::vector<std::string>& expected, double tolerance) {
    SCOPED_TRACE(std::string(text));
    const Graph g = typed_graph(text);
    std::vector<Tensor> in;
    for (const std::string& s : inputs) in.push_back(parse_tensor(s));
    const std::vector<Tensor> out = evaluate(g, in);
    ASSERT_EQ(out.size(), expected.size());
    for (std::size_t i = 0; i < out.size(); ++i) expect_close(out[i], parse_tensor(expected[i]), tolerance, g.outputs()[i].name);
}

void expect_infer_error(std::string_view text, std::string_view part) {
    Graph g = parse_text(text);
    try {
        infer_types(g);
        ADD_FAILURE() << "no error for " << text;
    } catch (const Error& e) {
        EXPECT_NE(std::string_view(e.what()).find(part), std::string_view::npos) << e.what();
    }
}

Tensor random_tensor(DType dtype, const Dims& shape, unsigned seed) {
    std::mt19937 random(seed);
    Tensor t = Tensor::zeros(dtype, shape);
    const auto uniform = [&] { return static_cast<double>(random() >> 8) / static_cast<double>(1 << 24); };
    for (std::int64_t i = 0; i < t.count(); ++i) {
        if (is_float(dtype)) {
            double sum = -6;
            for (int k = 0; k < 12; ++k) sum += uniform();
            t.writable().set_at(i, sum);
        } else {
            t.writable().set_int_at(i, dtype == DType::boolean ? random() & 1 : random() % 10);
        }
    }
    return t;
}

}  // namespace tercet::testing
