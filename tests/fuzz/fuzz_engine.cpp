// SPDX-License-Identifier: Apache-2.0
// Any program in an engine file whose checksums hold (see engine_parts.h), or any bytes that begin as such a file does: an
// Error, or an engine, which is run on zeros if it is small.
#include "engine/engine_file.h"
#include "engine/program_json.h"
#include "engine_parts.h"
#include "runtime/engine_data.h"

#include <cmath>
#include <random>

namespace {

using namespace tercet;

constexpr std::int64_t most_bytes = 1 << 16;  // of memory, and of all inputs together: running takes no long time

// Bytes of all inputs at the profile's minimum, and nothing if that is more than runs.
std::optional<std::int64_t> input_bytes(const Engine& engine) {
    std::int64_t sum = 0;
    for (const TensorInfo& in : engine.inputs()) {
        std::int64_t count = 8;  // bytes of the largest element
        for (std::int64_t d : in.min_shape)
            if (__builtin_mul_overflow(count, d, &count) || count > most_bytes) return std::nullopt;
        sum += count;
        if (sum > most_bytes) return std::nullopt;
    }
    return sum;
}

void run(const Engine& engine) {
    const auto bytes = input_bytes(engine);
    if (!bytes || engine.data()->program.arena_bytes > most_bytes) return;
    const std::vector<std::uint64_t> zeros(static_cast<std::size_t>(*bytes / 8 + 1));
    std::vector<InputView> inputs;
    for (const TensorInfo& in : engine.inputs()) inputs.push_back({in.dtype, in.min_shape, zeros.data()});
    Context(engine, 1).run(inputs);
}

// Changes one place of a program so that it stays a document: a number, a word for another one, an element more or less.
class Mutation {
public:
    Mutation(nlohmann::json& document, unsigned seed) : random_(seed) {
        collect(document);
        for (const OpDef* op : all_ops()) words_.emplace_back(op->name);
        for (const Tactic* tactic : all_tactics()) words_.emplace_back(tactic->name);
        change(*places_[random_() % places_.size()]);
    }

private:
    void collect(nlohmann::json& j) {
        places_.push_back(&j);
        if (j.is_string()) words_.push_back(j);
        if (j.is_structured())
            for (nlohmann::json& inner : j) collect(inner);
    }

    void change(nlohmann::json& j) {
        if (j.is_number_float()) {
            constexpr double choices[] = {0, -1, 0.5, 1e-30, 1e30, INFINITY, NAN};
            j = choices[random_() % std::size(choices)];
        } else if (j.is_number()) {
            const auto n = j.get<std::uint64_t>();  // wraps where it must not overflow
            const std::uint64_t choices[] = {0, 1, n + 1, n - 1, n ^ 1, 0 - n, 2 * n, random_() % 64, INT32_MAX, std::uint64_t{1} << 40, INT64_MAX, std::uint64_t{1} << 63};
            j = static_cast<std::int64_t>(choices[random_() % std::size(choices)]);
        } else if (j.is_string()) {
            std::string s = j;
            if (random_() % 2 || s.empty()) s = words_[random_() % words_.size()];
            else s[random_() % s.size()] = "019,+-*(/)[]xNf"[random_() % 15];
            j = s;
        } else if (j.is_array() && !j.empty()) {
            const auto at = static_cast<std::ptrdiff_t>(random_() % j.size()), other = static_cast<std::ptrdiff_t>(random_() % j.size());
            if (const auto what = random_() % 3; what == 0) j.erase(j.begin() + at);
            else if (what == 1) std::swap(*(j.begin() + at), *(j.begin() + other));
            else j.insert(j.begin() + at, nlohmann::json(*(j.begin() + other)));
        } else if (j.is_object() && !j.empty()) {
            auto at = std::next(j.begin(), static_cast<std::ptrdiff_t>(random_() % j.size()));
            if (random_() % 8 == 0) j.erase(at);
            else change(*at);
        }
    }

    std::minstd_rand random_;
    std::vector<nlohmann::json*> places_;
    std::vector<std::string> words_;
};

}  // namespace

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t most, unsigned seed) {
    const auto [program, weights] = split_parts(std::as_bytes(std::span(data, size)));
    if (seed % 8 == 0) return LLVMFuzzerMutate(data, size, most);
    try {
        auto document = json_from_cbor(program);
        for (unsigned n = 0; n <= seed % 3; ++n) Mutation(document, seed + n);
        const auto cbor = nlohmann::json::to_cbor(document);
        const auto parts = join_parts(std::as_bytes(std::span(cbor)), weights);
        if (parts.size() > most) return LLVMFuzzerMutate(data, size, most);
        std::memcpy(data, parts.data(), parts.size());
        return parts.size();
    } catch (const Error&) {
        return LLVMFuzzerMutate(data, size, most);
    }
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto input = std::as_bytes(std::span(data, size)), magic = std::as_bytes(std::span(engine_magic));
    const bool whole = size >= magic.size() && std::ranges::equal(input.first(magic.size()), magic);
    const auto [program, weights] = split_parts(input);
    const auto file = std::make_shared<std::vector<std::byte>>(whole ? std::vector(input.begin(), input.end()) : testing::engine_bytes(program, weights));
    try {
        run(open_engine({file, *file}));
    } catch (const Error&) {
    }
    return 0;
}
