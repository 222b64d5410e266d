// SPDX-License-Identifier: Apache-2.0
#include "api/c_call.h"
#include "tensor/dims.h"
#include "tercet/build.h"

#include <string>
#include <vector>

using namespace tercet;

struct tercet_build_options {
    BuildSettings settings{};
};

namespace {

std::string text_or_empty(const char* text) { return text ? text : ""; }

std::vector<std::int64_t> shape_of(std::int32_t rank, const std::int64_t* extents, const char* parameter) {
    if (rank == 0) return {};
    return {&given(extents, parameter), extents + rank};
}

template <class Set>
tercet_status set(tercet_build_options* options, Set&& to) noexcept {
    return c_call([&] { to(given(options, "options").settings); });
}

}  // namespace

tercet_status tercet_build_options_create(tercet_build_options** options) {
    return c_call([&] { give(options, "options", [] { return new tercet_build_options; }); });
}

void tercet_build_options_destroy(tercet_build_options* options) { delete options; }

tercet_status tercet_build_options_set_precision(tercet_build_options* options, const char* precision) {
    return set(options, [&](BuildSettings& s) { s.precision = given_text(precision, "precision"); });
}

tercet_status tercet_build_options_set_profile(tercet_build_options* options, const char* input, int32_t rank, const int64_t* min,
                                               const int64_t* opt, const int64_t* max) {
    return set(options, [&](BuildSettings& s) {
        const std::string name = given_text(input, "input");
        if (rank < 0 || rank > max_rank) throw Misuse{"'rank' is " + std::to_string(rank) + ", should be 0 to " + std::to_string(max_rank)};
        auto least = shape_of(rank, min, "min"), best = shape_of(rank, opt, "opt"), most = shape_of(rank, max, "max");
        // Nothing is changed before everything that may fail for want of memory has an entry.
        auto &to_min = s.min_shapes[name], &to_opt = s.opt_shapes[name], &to_max = s.max_shapes[name];
        to_min = std::move(least), to_opt = std::move(best), to_max = std::move(most);
    });
}

tercet_status tercet_build_options_set_fixed_input(tercet_build_options* options, const char* input, const char* file) {
    return set(options, [&](BuildSettings& s) { s.fixed_inputs[given_text(input, "input")] = given_text(file, "file"); });
}

tercet_status tercet_build_options_set_workspace_bytes(tercet_build_options* options, uint64_t bytes) {
    return set(options, [&](BuildSettings& s) { s.workspace_bytes = bytes; });
}

tercet_status tercet_build_options_set_tune(tercet_build_options* options, tercet_tune tune) {
    return set(options, [&](BuildSettings& s) {
        switch (tune) {
            case TERCET_TUNE_NONE: s.tune = Tune::none; break;
            case TERCET_TUNE_FAST: s.tune = Tune::fast; break;
            case TERCET_TUNE_FULL: s.tune = Tune::full; break;
            default: throw Misuse{"'tune' is " + std::to_string(tune) + ", should be one of TERCET_TUNE_..."};
        }
    });
}

tercet_status tercet_build_options_set_timing_cache(tercet_build_options* options, const char* file) {
    return set(options, [&](BuildSettings& s) { s.timing_cache = text_or_empty(file); });
}

tercet_status tercet_build_options_set_isa(tercet_build_options* options, const char* isa) {
    return set(options, [&](BuildSettings& s) { s.isa = text_or_empty(isa); });
}

tercet_status tercet_build_options_set_threads(tercet_build_options* options, int32_t threads) {
    return set(options, [&](BuildSettings& s) {
        if (threads < 0) throw Misuse{"'threads' is negative"};
        s.threads = threads;
    });
}

tercet_status tercet_build_options_set_strict(tercet_build_options* options, int32_t strict) {
    return set(options, [&](BuildSettings& s) { s.strict = strict != 0; });
}

tercet_status tercet_build_options_disable_pass(tercet_build_options* options, const char* pass) {
    return set(options, [&](BuildSettings& s) { s.disabled_passes.emplace_back(given_text(pass, "pass")); });
}

tercet_status tercet_build_options_set_progress(tercet_build_options* options, tercet_progress_callback callback, void* user) {
    return set(options, [&](BuildSettings& s) {
        s.progress = nullptr;
        if (!callback) return;
        s.progress = [callback, user](const Progress& p) {
            if (callback(user, p.what.c_str(), p.done, p.total) != 0) throw Cancelled{};
        };
    });
}

tercet_status tercet_build_options_set_log(tercet_build_options* options, tercet_log_callback callback, void* user) {
    return set(options, [&](BuildSettings& s) {
        s.log = nullptr;
        if (!callback) return;
        s.log = [callback, user](const std::string& line) {
            if (callback(user, line.c_str()) != 0) throw Cancelled{};
        };
    });
}

tercet_status tercet_build(const char* model, const char* engine, const tercet_build_options* options) {
    return c_call([&] {
        BuildSettings settings = options ? options->settings : BuildSettings{};
        settings.output = given_text(engine, "engine");
        if (settings.output.empty()) throw Misuse{"'engine' is empty"};  // which means a name of its own choice in C++
        build(given_text(model, "model"), settings);
    });
}
