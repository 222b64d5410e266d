// SPDX-License-Identifier: Apache-2.0
#include "ops/testing.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

// 1-grams 2, 3, 5, 4 and 2-grams 5 6, 7 8, 6 7.
std::string vectorizer(std::string_view settings, std::string_view types = "i32[12] x) => (f32[7] y") {
    return fmt::format("({}) {{ y = TfIdfVectorizer<ngram_counts = [0, 4], ngram_indexes = [0, 1, 2, 3, 4, 5, 6], pool_int64s = [2, 3, 5, 4, 5, 6, 7, 8, 6, 7], {}>(x) }}", types, settings);
}
const std::string words = "i32[12]{1,1,3,3,3,7,8,6,7,5,6,8}";

TEST(TfIdfVectorizer, CountsNGrams) {
    expect_values(vectorizer(R"(mode = "TF", min_gram_length = 2, max_gram_length = 2, max_skip_count = 0)"), {words}, {"f32[7]{0,0,0,0,1,1,1}"});
    expect_values(vectorizer(R"(mode = "TF", min_gram_length = 1, max_gram_length = 2, max_skip_count = 5)"), {words}, {"f32[7]{0,3,1,0,1,3,1}"});
    expect_values(vectorizer(R"(mode = "TF", min_gram_length = 2, max_gram_length = 2, max_skip_count = 0)", "i64[2,3] x) => (f32[2,7] y"), {"i64[2,3]{5,6,5,6,7,8}"},
                  {"f32[2,7]{0,0,0,0,1,0,0,0,0,0,0,0,1,1}"});
}

TEST(TfIdfVectorizer, Weighs) {
    const char* weights = "weights = f[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0], min_gram_length = 1, max_gram_length = 2, max_skip_count = 5";
    expect_values(vectorizer(fmt::format(R"(mode = "IDF", {})", weights)), {words}, {"f32[7]{0,2,3,0,5,6,7}"});
    expect_values(vectorizer(fmt::format(R"(mode = "TFIDF", {})", weights)), {words}, {"f32[7]{0,6,3,0,5,18,7}"});
}

TEST(TfIdfVectorizer, OfNothing) {
    expect_values(vectorizer(R"(mode = "TF", min_gram_length = 1, max_gram_length = 2, max_skip_count = 5)", "i32[0] x) => (f32[7] y"), {"i32[0]{}"}, {"f32[7]{0,0,0,0,0,0,0}"});
    typed_graph(vectorizer(R"(mode = "TF", min_gram_length = 1, max_gram_length = 2, max_skip_count = 5)", "i32[N,L] x) => (f32[N,7] y"));
}

TEST(TfIdfVectorizer, RefusesWhatDoesNotFit) {
    const auto refuse = [](std::string_view attributes, std::string_view part) {
        expect_infer_error(fmt::format("(i32[3] x) => (f32[7] y) {{ y = TfIdfVectorizer<max_skip_count = 0, min_gram_length = 1, {}>(x) }}", attributes), part);
    };
    refuse(R"(mode = "TF", max_gram_length = 2, ngram_counts = [0, 1], ngram_indexes = [0, 1], pool_int64s = [1, 2])", "ngram_counts [0,1] for a pool of 2 elements");
    refuse(R"(mode = "TF", max_gram_length = 2, ngram_counts = [0, 3], ngram_indexes = [0, 1], pool_int64s = [1, 2])", "ngram_counts [0,3]");
    refuse(R"(mode = "TF", max_gram_length = 2, ngram_counts = [0], ngram_indexes = [0], pool_int64s = [1, 2])", "1 ngram_indexes for 2 n-grams");
    refuse(R"(mode = "TF", max_gram_length = 2, ngram_counts = [0], ngram_indexes = [0, -1], pool_int64s = [1, 2])", "none negative");
    refuse(R"(mode = "TF", max_gram_length = 2, ngram_counts = [0], ngram_indexes = [0, 1], pool_int64s = [1, 2], weights = f[1.0])", "1 weights for 2 n-grams");
    refuse(R"(mode = "TF", max_gram_length = 0, ngram_counts = [0], ngram_indexes = [0, 1], pool_int64s = [1, 2])", "n-grams of 1 to 0 elements");
    refuse(R"(mode = "BM25", max_gram_length = 1, ngram_counts = [0], ngram_indexes = [0, 1], pool_int64s = [1, 2])", "unknown mode 'BM25'");
    refuse(R"(mode = "TF", max_gram_length = 1, ngram_counts = [0], ngram_indexes = [0], pool_strings = s["a"])", "'pool_strings'");
}

}  // namespace
}  // namespace tercet::testing
