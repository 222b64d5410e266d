// SPDX-License-Identifier: Apache-2.0
// y[.., ngram_indexes[g]] += f(count of n-gram g in x[.., :]), for the n-grams of the pool that have min_gram_length to max_gram_length
// elements, where f(count) = count (mode TF), weight[g] * (count > 0) (IDF) or weight[g] * count (TFIDF); weights are 1 if absent.
// An n-gram's elements may stand 1 to max_skip_count + 1 places apart in x, the same distance between all. `pool_int64s` holds first all
// 1-grams, then all 2-grams, ..; ngram_counts[n - 1] is where the n-grams begin.
#include "ops/op.h"
#include "ops/require.h"

#include <fmt/format.h>

#include <algorithm>

namespace tercet {
namespace {

using Integers = std::span<const std::int64_t>;

// Calls f(n-gram's elements, its number) for every n-gram of the pool.
template <class F>
void for_each_gram(const Attributes& a, F&& f) {
    const Integers pool = a.integers("pool_int64s"), counts = a.integers("ngram_counts");
    std::size_t number = 0;
    for (std::size_t n = 1; n <= counts.size(); ++n) {
        const auto first = static_cast<std::size_t>(counts[n - 1]);
        const std::size_t last = n < counts.size() ? static_cast<std::size_t>(counts[n]) : pool.size();
        for (std::size_t at = first; at + n <= last; at += n) f(pool.subspan(at, n), number++);
    }
}

void infer(Inference& c) {
    if (c.dtype(0) != DType::i32 && c.dtype(0) != DType::i64)
        throw Error({.what = fmt::format("unsupported: n-grams of elements of type {}", name_of(c.dtype(0))), .fix = "it takes i32 or i64"});
    require_rank(c, 0, 1, 2);
    const Attributes& a = c.attributes();
    if (const auto mode = a.text("mode", ""); mode != "TF" && mode != "IDF" && mode != "TFIDF")
        throw Error({.what = fmt::format("unknown mode '{}'", mode), .fix = "TF, IDF and TFIDF exist"});
    if (a.has("pool_strings")) throw Error({.what = "unsupported: attribute 'pool_strings'", .fix = "give the n-grams as integers"});
    const Integers pool = a.integers("pool_int64s"), counts = a.integers("ngram_counts"), indexes = a.integers("ngram_indexes");
    bool fits = std::ranges::is_sorted(counts);
    for (std::size_t n = 1; fits && n <= counts.size(); ++n) {
        const std::int64_t last = n < counts.size() ? counts[n] : static_cast<std::int64_t>(pool.size());
        fits = counts[n - 1] >= 0 && last <= static_cast<std::int64_t>(pool.size()) && (last - counts[n - 1]) % static_cast<std::int64_t>(n) == 0;
    }
    if (!fits || counts.empty() || counts[0] != 0 || counts.back() > static_cast<std::int64_t>(pool.size()))
        throw Error({.what = fmt::format("ngram_counts [{}] for a pool of {} elements", fmt::join(counts, ","), pool.size()),
                     .fix = "they say where in the pool the 1-grams, 2-grams, .. begin"});
    std::size_t grams = 0;
    for_each_gram(a, [&](Integers, std::size_t) { ++grams; });
    constexpr std::int64_t most = std::int64_t{1} << 31;
    if (indexes.size() != grams || std::ranges::any_of(indexes, [](std::int64_t i) { return i < 0 || i >= most; }))
        throw Error({.what = fmt::format("{} ngram_indexes for {} n-grams", indexes.size(), grams), .fix = "there must be one per n-gram, none negative"});
    if (a.has("weights") && a.reals("weights").size() != grams)
        throw Error({.what = fmt::format("{} weights for {} n-grams", a.reals("weights").size(), grams), .fix = "there must be one per n-gram"});
    const std::int64_t shortest = a.integer("min_gram_length", 1), longest = a.integer("max_gram_length", 1), skips = a.integer("max_skip_count", 0);
    if (shortest < 1 || longest < shortest || skips < 0 || skips >= most)
        throw Error({.what = fmt::format("n-grams of {} to {} elements with up to {} skipped", shortest, longest, skips), .fix = "check the model with onnx.checker"});
    Shape y{grams == 0 ? 0 : std::ranges::max(indexes) + 1};
    if (c.rank(0) == 2) y.insert(y.begin(), c.shape(0)[0]);
    c.set(0, DType::f32, std::move(y));
}

// How often the n-gram stands in the `length` elements of x from `start` on.
std::int64_t count_of(const View& x, std::int64_t start, std::int64_t length, Integers gram, std::int64_t skips) {
    const auto n = static_cast<std::int64_t>(gram.size());
    std::int64_t found = 0;
    for (std::int64_t step = 1; step <= (n == 1 ? 1 : std::min(skips + 1, length)); ++step)
        for (std::int64_t first = 0; first + step * (n - 1) < length; ++first) {
            std::int64_t k = 0;
            while (k < n && x.get_int_at(start + first + k * step) == gram[static_cast<std::size_t>(k)]) ++k;
            found += k == n;
        }
    return found;
}

void reference(const Call& call) {
    const View &x = call.in[0], &y = call.out[0];
    const Attributes& a = call.attributes();
    const std::string_view mode = a.text("mode", "");
    const auto weights = a.reals("weights");
    const Integers indexes = a.integers("ngram_indexes");
    const std::int64_t rows = x.rank() == 2 ? x.shape[0] : 1, length = x.shape.back(), width = y.shape.back();
    for (std::int64_t i = 0; i < y.count(); ++i) y.set_at(i, 0);
    for_each_gram(a, [&](Integers gram, std::size_t number) {
        const auto n = static_cast<std::int64_t>(gram.size());
        if (n < a.integer("min_gram_length", 1) || n > a.integer("max_gram_length", 1)) return;
        const double weight = mode == "TF" || weights.empty() ? 1 : static_cast<double>(weights[number]);
        for (std::int64_t row = 0; row < rows; ++row) {
            const std::int64_t count = count_of(x, row * length, length, gram, a.integer("max_skip_count", 0)), at = row * width + indexes[number];
            y.set_at(at, y.get_at(at) + weight * static_cast<double>(mode == "IDF" ? std::min<std::int64_t>(count, 1) : count));
        }
    });
}

const RegisteredOp tf_idf_vectorizer{{.name = "TfIdfVectorizer", .versions = {{9}},
                                      .attributes = {{"max_gram_length", AttributeKind::integer, true}, {"max_skip_count", AttributeKind::integer, true},
                                                     {"min_gram_length", AttributeKind::integer, true}, {"mode", AttributeKind::text, true},
                                                     {"ngram_counts", AttributeKind::integers, true}, {"ngram_indexes", AttributeKind::integers, true},
                                                     {"pool_int64s", AttributeKind::integers}, {"pool_strings", AttributeKind::texts}, {"weights", AttributeKind::reals}},
                                      .infer = infer, .reference = reference}};

}  // namespace
}  // namespace tercet
