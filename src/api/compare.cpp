// SPDX-License-Identifier: Apache-2.0
// All engines run side by side, batch by batch, so that outputs are never kept: FP32's are there while the others' are compared.
#include "tercet/compare.h"

#include "api/build_tensorrt.h"
#include "api/compare_answers.h"
#include "api/compare_data.h"
#include "api/compare_speed.h"
#include "system/temporary_folder.h"
#include "tercet/inspect.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

namespace tercet {
namespace {

namespace fs = std::filesystem;

// An engine that is compared, in the order of Comparison::engines.
struct Candidate {
    fs::path file;
    std::unique_ptr<Context> context;      // none: it failed
    std::vector<ErrorSums> errors;         // per output
    std::int64_t first = 0, within_five = 0;  // samples whose label is the answer, or among the first five

    const Engine& engine() const { return context->engine(); }
};

std::vector<std::string> precisions_of(const CompareSettings& settings) {
    std::vector<std::string> precisions = settings.precisions;
    if (std::ranges::find(precisions, "fp32") == precisions.end()) precisions.insert(precisions.begin(), "fp32");
    return precisions;
}

// Builds what was asked for, fp32 too, into `folder`.
std::vector<fs::path> build_engines(const fs::path& model, const CompareSettings& settings, const fs::path& folder, Comparison& comparison) {
    BuildSettings build = settings.build;
    build.output = folder;
    if (!build.progress) build.progress = settings.progress;
    if (!build.calibration.progress) build.calibration.progress = settings.progress;
    if (build.timing_cache.empty() && build.tune != Tune::none) build.timing_cache = folder / "timings.json";  // steps that stay in fp32 are timed once
    std::vector<fs::path> files;
    for (BuildResult& r : build_all(model, build, precisions_of(settings))) {
        files.push_back(r.path);
        comparison.engines.push_back({.precision = r.precision, .status = r.status, .reason = r.reason, .bytes = r.bytes});
        comparison.engines.back().build = std::move(r);
    }
    return files;
}

// For a TensorRT target: the models that it would get, as engines for the CPU. How these are tuned does not matter.
std::vector<fs::path> build_emulations(const fs::path& model, const CompareSettings& settings, const fs::path& folder, Comparison& comparison) {
    std::vector<fs::path> files;
    for (const std::string& precision : precisions_of(settings)) {
        BuildSettings one = settings.build;
        one.precision = precision;
        ComparedEngine& engine = comparison.engines.emplace_back(ComparedEngine{.precision = precision, .status = "ok", .build = {.precision = precision, .target = one.target}});
        files.push_back(folder / (precision + ".engine"));
        try {
            TypedModel typed = write_typed_model(model, one, folder);
            engine.build = std::move(typed.result);
            const BuildSettings on_cpu{.output = files.back(), .precision = precision == "int8" ? "int8" : "fp32", .min_shapes = one.min_shapes, .opt_shapes = one.opt_shapes,
                                       .max_shapes = one.max_shapes, .tune = Tune::none, .isa = one.isa, .threads = one.threads, .progress = settings.progress};
            build(typed.file, on_cpu);
        } catch (const Error& e) {
            engine.status = "failed";
            engine.reason = e.what();
        }
    }
    comparison.warnings.push_back(fmt::format("the numbers are Tercet's emulation of {} on the CPU, of the model that it would get{}; sizes and speed were not measured", settings.build.target,
                                              settings.build.target == "trt8x" || settings.build.target == "trt10x" ? " (it may choose other layers by itself)" : ""));
    return files;
}

std::vector<fs::path> given_engines(const CompareSettings& settings, Comparison& comparison) {
    for (const fs::path& file : settings.engines) {
        const Engine engine = Engine::open(file, Load::map, settings.max_isa);
        comparison.engines.push_back({.precision = std::string(engine.precision()), .engine = file, .status = "ok", .bytes = engine.bytes()});
    }
    return settings.engines;
}

std::vector<TensorInfo> inputs_of(const fs::path& model, const CompareSettings& settings) {
    if (!settings.engines.empty()) {
        const Engine engine = Engine::open(settings.engines[0], Load::map, settings.max_isa);
        return {engine.inputs().begin(), engine.inputs().end()};
    }
    std::vector<TensorInfo> inputs = inspect_model(model).inputs;
    std::erase_if(inputs, [&](const TensorInfo& i) { return settings.build.fixed_inputs.contains(i.name); });
    return inputs;
}

std::size_t reference_of(const Comparison& comparison) {
    const auto found = std::ranges::find(comparison.engines, "fp32", &ComparedEngine::precision);
    if (found == comparison.engines.end()) throw Error({.what = "none of the engines is fp32, against which others are compared", .fix = "add the model's fp32 engine"});
    if (found->status != "ok") throw Error({.what = "fp32 failed, against which others are compared: " + found->reason});
    return static_cast<std::size_t>(found - comparison.engines.begin());
}

// What engines have to have in common: how each input or output is called, and its type.
std::vector<std::string> interface_of(const Engine& engine) {
    std::vector<std::string> all;
    for (const TensorInfo& i : engine.inputs()) all.push_back(fmt::format("input {} {}", i.name, name_of(i.dtype)));
    for (const TensorInfo& o : engine.outputs()) all.push_back(fmt::format("output {}", o.name));
    return all;
}

void check_interfaces(const Candidate& reference, const Candidate& other) {
    const auto ours = interface_of(reference.engine()), theirs = interface_of(other.engine());
    const auto [a, b] = std::ranges::mismatch(ours, theirs);
    if (a == ours.end() && b == theirs.end()) return;
    throw Error({.what = fmt::format("has {}, but {} has {}", b == theirs.end() ? "nothing more" : *b, reference.file.string(), a == ours.end() ? "nothing more" : *a),
                 .where = other.file.string(), .fix = "compare engines of one model"});
}

std::size_t output_named(const Engine& engine, const std::string& name) {
    if (engine.outputs().empty()) throw Error({.what = "the model has no outputs", .fix = "compare a model with outputs"});
    if (name.empty()) return 0;
    std::vector<std::string> names;
    for (const TensorInfo& o : engine.outputs()) names.push_back(o.name);
    const auto found = std::ranges::find(names, name);
    if (found == names.end()) throw Error({.what = fmt::format("there is no output '{}'", name), .fix = fmt::format("the outputs are: {}", fmt::join(names, ", "))});
    return static_cast<std::size_t>(found - names.begin());
}

// Whether every output's first axis is the first input's: then samples can be told apart in a batch's outputs.
bool outputs_have_batch_axis(const Engine& engine) {
    const std::vector<std::string>& in = engine.inputs()[0].shape;
    return std::ranges::all_of(engine.outputs(), [&](const TensorInfo& out) {
        const bool depends_on_data = std::ranges::any_of(out.shape, [](const std::string& d) { return d.find('?') != std::string::npos; });
        return !in.empty() && !out.shape.empty() && out.shape[0] == in[0] && !depends_on_data;
    });
}

void check_labels(const ClassOutput& classes, const CompareData& data, const CompareSettings& settings, const TensorInfo& output, Comparison& comparison) {
    if (data.labels.empty()) return;
    if (classes.kind == ClassOutput::Kind::none) {
        if (!settings.labels.empty())
            throw Error({.what = fmt::format("output '{}' [{}] holds no classes that labels could be compared with", output.name, fmt::join(output.shape, ", ")), .where = settings.labels.string(),
                         .fix = "choose another by --output, or leave --labels out"});
        comparison.warnings.push_back(fmt::format("the data are in class folders, but output '{}' [{}] holds no classes", output.name, fmt::join(output.shape, ", ")));
        return;
    }
    const auto greatest = std::ranges::max_element(data.labels);
    if (classes.kind == ClassOutput::Kind::scores && *greatest >= classes.classes)
        throw Error({.what = fmt::format("sample '{}' has label {}, but output '{}' tells {} classes apart", data.ids[static_cast<std::size_t>(greatest - data.labels.begin())], *greatest, output.name,
                                         classes.classes),
                     .where = settings.labels.string(), .fix = "give labels from 0, as the model counts its classes"});
    const auto folders = static_cast<std::int64_t>(data.class_names.size());
    if (settings.labels.empty() && folders > 0 && classes.kind == ClassOutput::Kind::scores && folders != classes.classes)
        comparison.warnings.push_back(fmt::format("there are {} class folders, but {} classes: folders count as classes 0, 1, ... in the order of their names", folders, classes.classes));
    comparison.labels = data.labels;
}

class Comparer {
public:
    Comparer(const CompareSettings& settings, std::vector<fs::path> files, Comparison& comparison) : settings_(settings), comparison_(comparison), reference_(reference_of(comparison)) {
        for (std::size_t i = 0; i < files.size(); ++i) {
            Candidate& c = candidates_.emplace_back(Candidate{.file = files[i]});
            if (comparison.engines[i].status == "ok") c.context = std::make_unique<Context>(Engine::open(c.file, Load::map, settings.max_isa), settings.build.threads);
        }
        for (const Candidate& c : candidates_)
            if (c.context) check_interfaces(reference(), c);
        comparison.output = output_named(reference().engine(), settings.output);
        for (Candidate& c : candidates_) c.errors.resize(reference().engine().outputs().size());
    }

    void run(const CompareData& data) {
        comparison_.samples = data.count();
        comparison_.ids = data.ids;
        std::vector<Engine> engines{reference().engine()};
        for (const Candidate& c : candidates_)
            if (c.context) engines.push_back(c.engine());
        for (Batches batches(data, engines, outputs_have_batch_axis(reference().engine())); batches.next();) {
            if (settings_.progress) settings_.progress({"running samples", batches.first(), data.count()});
            run_batch(batches, data);
        }
        finish();
    }

    std::size_t reference_index() const { return reference_; }

private:
    Candidate& reference() { return candidates_[reference_]; }

    void run_batch(const Batches& batches, const CompareData& data) {
        const auto rows_of = [&](std::span<const ResultView> results) {
            std::vector<Rows> rows;
            for (const ResultView& r : results) rows.emplace_back(r, batches.count(), batches.size() - batches.count());
            return rows;
        };
        const auto results = reference().context->run(batches.inputs());
        if (batches.first() == 0) {
            const ResultView& decisive = results[comparison_.output];
            classes_ = ClassOutput::of(decisive.dtype, decisive.shape.subspan(batches.together() ? 1 : 0));
            comparison_.classes = classes_.classes;
            check_labels(classes_, data, settings_, reference().engine().outputs()[comparison_.output], comparison_);
        }
        const std::vector<Rows> expected = rows_of(results);
        check_nan(expected, batches, data);
        count_answers(reference_, expected[comparison_.output], batches.first());
        for (std::size_t i = 0; i < candidates_.size(); ++i) {
            if (i == reference_ || !candidates_[i].context) continue;
            try {
                const std::vector<Rows> rows = rows_of(candidates_[i].context->run(batches.inputs()));
                check_nan(rows, batches, data);
                for (std::size_t k = 0; k < rows.size(); ++k) candidates_[i].errors[k].add(expected[k], rows[k]);
                count_answers(i, rows[comparison_.output], batches.first());
            } catch (const Error& e) {
                candidates_[i].context.reset();
                comparison_.engines[i].status = "failed";
                comparison_.engines[i].reason = e.what();
            }
        }
    }

    void check_nan(const std::vector<Rows>& outputs, const Batches& batches, const CompareData& data) {
        for (std::size_t k = 0; k < outputs.size(); ++k)
            if (const std::int64_t i = find_nan(outputs[k]); i >= 0)
                throw Error({.what = fmt::format("output '{}' holds NaN for sample '{}'", reference().engine().outputs()[k].name, data.ids[static_cast<std::size_t>(batches.first() + i)]),
                             .fix = "look at the values by `tercet run`; a layer that overflows can be kept in fp32 by --layer-precisions"});
    }

    void count_answers(std::size_t engine, const Rows& rows, std::int64_t first) {
        if (classes_.kind == ClassOutput::Kind::none) return;
        for (std::int64_t i = 0; i < rows.count; ++i) {
            comparison_.engines[engine].answers.push_back(classes_.answer(rows, i));
            if (comparison_.labels.empty()) continue;
            const std::int64_t place = classes_.place(rows, i, comparison_.labels[static_cast<std::size_t>(first + i)]);
            candidates_[engine].first += place == 0;
            candidates_[engine].within_five += place < 5;
        }
    }

    void finish() {
        const auto percent = [&](std::int64_t count) { return 100 * static_cast<double>(count) / static_cast<double>(comparison_.samples); };
        const std::vector<std::int64_t>& expected = comparison_.engines[reference_].answers;
        for (std::size_t i = 0; i < candidates_.size(); ++i) {
            ComparedEngine& e = comparison_.engines[i];
            if (!candidates_[i].context) {
                e.answers.clear();
                continue;
            }
            for (std::size_t k = 0; k < candidates_[i].errors.size(); ++k) e.outputs.push_back(candidates_[i].errors[k].result(reference().engine().outputs()[k].name));
            if (classes_.kind == ClassOutput::Kind::none) continue;
            std::int64_t equal = 0;
            for (std::size_t s = 0; s < expected.size(); ++s) equal += e.answers[s] == expected[s];
            e.agreement = percent(equal);
            if (comparison_.labels.empty()) continue;
            e.top1 = percent(candidates_[i].first);
            if (classes_.classes > 5) e.top5 = percent(candidates_[i].within_five);
        }
    }

    const CompareSettings& settings_;
    Comparison& comparison_;
    std::size_t reference_;
    std::vector<Candidate> candidates_;
    ClassOutput classes_;
};

void warn_of_shared_data(const CompareSettings& settings, Comparison& comparison) {
    const fs::path& calibration = settings.build.calibration.data;
    if (calibration.empty() || !settings.engines.empty()) return;
    for (const auto& [input, file] : settings.data)
        if (std::error_code ignored; fs::equivalent(file, calibration, ignored))
            comparison.warnings.push_back("the samples compared on are those calibrated on, so that int8 looks better than it is; take others");
}

}  // namespace

Comparison compare(const fs::path& model, const CompareSettings& settings) {
    Comparison comparison;
    const CompareData data = load_compare_data(inputs_of(model, settings), settings);  // before what takes long
    const TemporaryFolder folder;
    const bool emulated = settings.engines.empty() && settings.build.target != "cpu";
    const std::vector<fs::path> files = emulated                   ? build_emulations(model, settings, folder.path(), comparison)
                                        : settings.engines.empty() ? build_engines(model, settings, folder.path(), comparison)
                                                                   : given_engines(settings, comparison);
    warn_of_shared_data(settings, comparison);
    const std::size_t reference = [&] {
        Comparer comparer(settings, files, comparison);
        comparer.run(data);
        return comparer.reference_index();
    }();  // here its contexts end, so that the machine is free
    if (settings.seconds > 0 && !emulated) {
        std::vector<ToMeasure> engines;
        std::size_t place = 0;
        for (std::size_t i = 0; i < files.size(); ++i) {
            if (comparison.engines[i].status != "ok") continue;
            if (i == reference) place = engines.size();
            engines.push_back({files[i], &comparison.engines[i]});
        }
        measure_speeds(engines, place, settings);
    }
    return comparison;
}

}  // namespace tercet
