// SPDX-License-Identifier: Apache-2.0
// Samples go through the model as read, batch by batch; every activation's magnitudes go into its histogram. Counts are
// integers, so that neither the batches nor the threads change the result.
#include "tercet/calibrate.h"
#include "tercet/inputs.h"

#include "api/activations.h"
#include "api/channel_means.h"
#include "data/sample_source.h"
#include "onnx/read_model.h"
#include "passes/passes.h"
#include "plan/profile.h"
#include "precision/calibrators.h"
#include "precision/data_checks.h"
#include "system/thread_pool.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <mutex>
#include <random>

namespace tercet {
namespace {

constexpr std::int64_t largest_batch = 32;
constexpr double batch_bytes = 256 << 20;         // of activations, all of which are kept
constexpr std::size_t stretch_values = 1 << 20;   // one thread's share of a tensor at a time
constexpr std::size_t shapes_kept = 4;            // engines for samples of different sizes

// How far scales hang on the choice of samples is told by some tensors, spread over the model, each with histograms of groups of
// samples, drawn again and again (a bootstrap).
constexpr std::size_t watched_tensors = 16, groups = 8, draws = 24;
constexpr double large_spread = 0.05;

std::size_t group_of(std::int64_t sample) {
    std::uint64_t x = static_cast<std::uint64_t>(sample) * 0x9e3779b97f4a7c15;
    x ^= x >> 32;
    return x * 0xd6e8feb86659fd93 >> 61;
}
static_assert(groups == 8);

struct Sample {
    std::vector<Tensor> values{};        // per input of the model, in its type and shape, without the batch
    std::vector<SampleRange> ranges{};   // of f32 inputs
    std::string error{};                 // why it cannot be used
};

bool is_tensor_folder(const std::filesystem::path& path) {
    constexpr std::array<std::string_view, 1> pb{".pb"};
    std::error_code ignored;
    return std::filesystem::is_directory(path, ignored) && !files_in(path, pb).empty();
}

// What `asked` leaves open follows from the model's only input.
Preprocess preprocess_of(const Preprocess& asked, const Graph& g) {
    if (g.inputs().size() != 1) return asked;
    const Value& input = g.value(g.inputs()[0]);
    TensorInfo info{.name = input.name, .dtype = input.type.dtype};
    for (const Dim& d : input.type.shape) info.shape.push_back(d.text());
    return preprocess_for(info, asked);
}

SampleSource open_source(const CalibrationSettings& settings, const Preprocess& preprocess, const std::vector<std::string>& inputs) {
    if (settings.data.empty()) throw Error({.what = "there is no data to calibrate on", .fix = "give --calib-data DIR or FILE"});
    if (is_tensor_folder(settings.data) && inputs.size() == 1) {
        constexpr std::array<std::string_view, 1> pb{".pb"};
        SampleSource s{.inputs = inputs, .ids = files_in(settings.data, pb)};
        const auto file = [folder = settings.data, ids = s.ids](std::int64_t i) { return folder / ids[static_cast<std::size_t>(i)]; };
        s.read = [file](std::int64_t i) { return std::vector{read_tensor(file(i)).second}; };
        s.where = [file](std::int64_t i) { return file(i).string(); };
        return s;
    }
    SampleSource s = open_samples(settings.data, preprocess, inputs);
    if (inputs.size() != s.inputs.size())
        throw Error({.what = fmt::format("the data are for one input, the model has {}: {}", inputs.size(), fmt::join(inputs, ", ")), .where = settings.data.string(),
                     .fix = "give an NPZ with an array [n, ...] for each, or a folder with an NPY file for each"});
    return s;
}

// Numbers of another type become the input's.
Tensor in_type(const Tensor& t, const Value& input) {
    if (t.dtype() == input.type.dtype) return t;
    const bool exact = !is_float(t.dtype()) || is_float(input.type.dtype);
    if (!computes(t.dtype()) || !computes(input.type.dtype) || !exact)
        throw Error({.what = fmt::format("the data are {}, the model's input '{}' is {}", name_of(t.dtype()), input.name, name_of(input.type.dtype)), .fix = "convert them"});
    Tensor converted = Tensor::zeros(input.type.dtype, t.shape());
    for (std::int64_t i = 0; i < t.count(); ++i) {
        if (is_float(t.dtype())) converted.writable().set_at(i, t.get(i));
        else converted.writable().set_int_at(i, t.get_int(i));
    }
    return converted;
}

Isa isa_for(const CalibrationSettings& settings) {
    if (settings.isa.empty()) return host_isa();
    const auto isa = isa_named(settings.isa);
    if (!isa) throw Error({.what = fmt::format("unknown instruction set '{}'", settings.isa), .fix = fmt::format("one of {}", fmt::join(isa_names(), ", "))});
    return lesser(host_isa(), *isa);
}

class Calibrating {
public:
    Calibrating(Graph graph, const CalibrationSettings& settings)
        : graph_(std::move(graph)), settings_(settings), preprocess_(preprocess_of(settings.preprocess, graph_)), isa_(isa_for(settings)), pool_(settings.threads > 0 ? settings.threads : usable_processors()), activations_(activations_of(graph_)), means_(graph_, activations_) {
        for (ValueId v : graph_.inputs()) names_.push_back(graph_.value(v).name);
        if (names_.empty()) throw Error({.what = "the model has no input", .fix = "calibrate one that has"});
        totals_.resize(activations_.size());
        for (std::size_t i = 0; i < std::min(watched_tensors, activations_.size()); ++i)
            watched_[i * activations_.size() / std::min(watched_tensors, activations_.size())].resize(groups);
    }

    Calibration run() {
        const SampleSource source = open_source(settings_, preprocess_, names_);
        const auto chosen = choose_samples(source.count(), settings_.samples, settings_.seed);
        const auto at_a_time = static_cast<std::size_t>(std::max<std::int64_t>(largest_batch, pool_.threads()));
        for (std::size_t i = 0; i < chosen.size(); i += at_a_time) {
            take(source, std::span(chosen).subspan(i, std::min(at_a_time, chosen.size() - i)));
            if (settings_.progress) settings_.progress({"calibrating", static_cast<std::int64_t>(std::min(i + at_a_time, chosen.size())), static_cast<std::int64_t>(chosen.size())});
        }
        run_pending(true);
        return finish(source, static_cast<std::int64_t>(chosen.size()));
    }

private:
    const Value& input(std::size_t i) const { return graph_.value(graph_.inputs()[i]); }
    void warn(const std::string& line) const {
        if (settings_.warn) settings_.warn(line);
    }

    // ---- samples

    Sample read(const SampleSource& source, std::int64_t which) const {
        Sample s;
        std::vector<Tensor> values;
        try {
            values = source.read(which);
        } catch (const Error& e) {
            s.error = e.what();
            return s;
        }
        at([&] { return source.where(which); }, [&] {
            for (std::size_t i = 0; i < values.size(); ++i) {
                const Tensor t = in_type(values[i], input(i));
                const SampleFit fit = fit_sample(t.shape(), input(i));
                s.values.push_back(t.reshaped(fit.shape));
                if (t.dtype() != DType::f32) continue;
                s.ranges.push_back(range_of(reinterpret_cast<const float*>(t.data()), t.count()));
                if (!s.ranges.back().finite) s.error = fmt::format("{}: holds NaN or Inf", source.where(which));
            }
        });
        return s;
    }

    void take(const SampleSource& source, std::span<const std::int64_t> which) {
        std::vector<Sample> samples(which.size());
        pool_.share(which.size(), [&](std::size_t i) { samples[i] = read(source, which[i]); });
        for (std::size_t i = 0; i < samples.size(); ++i) {
            Sample& s = samples[i];
            if (!s.error.empty()) {
                skipped_.push_back(std::move(s.error));
                continue;
            }
            if (!s.ranges.empty() && std::ranges::all_of(s.ranges, &SampleRange::constant)) constant_.push_back(source.where(which[i]));
            for (const SampleRange& r : s.ranges) {
                least_ = std::min(least_, r.least);
                greatest_ = std::max(greatest_, r.greatest);
            }
            const bool same = pending_.empty() || std::ranges::equal(s.values, pending_[0], {}, &Tensor::shape, &Tensor::shape);
            if (!same) run_pending(true);
            pending_.push_back(std::move(s.values));
            run_pending(false);
        }
    }

    // ---- running

    // Sizes that the sample gives to the inputs' symbols; `batch`: that of samples side by side.
    struct Engine {
        std::vector<Dims> shapes;     // of a sample's inputs
        std::int64_t batch = 1;
        bool fixed = false;           // no other number of samples than `batch` can be run
        bool stacked = true;          // else a sample is a whole input
        std::optional<Activations> activations{};
    };

    bool is_stacked(std::span<const Tensor> sample) const {
        for (std::size_t i = 0; i < sample.size(); ++i)
            if (sample[i].shape().size() == static_cast<int>(input(i).type.shape.size())) return false;
        return true;
    }

    Shapes shapes_of(const Engine& e, std::int64_t batch) const {
        Shapes shapes;
        for (std::size_t i = 0; i < names_.size(); ++i) {
            auto& shape = shapes[names_[i]];
            if (e.stacked) shape.push_back(batch);
            shape.insert(shape.end(), e.shapes[i].begin(), e.shapes[i].end());
        }
        return shapes;
    }

    // Bytes of all activations of one sample.
    double sample_bytes(const Engine& e) const {
        const Shapes one = shapes_of(e, 1);
        const Symbols symbols = symbols_at(make_profile(graph_, one, one, one), ProfilePoint::max);
        double bytes = 0;
        for (ValueId v : activations_) {
            double count = 4;
            for (const Dim& d : graph_.value(v).type.shape) {
                try {
                    count *= static_cast<double>(d.evaluate(symbols));
                } catch (const Error&) {  // only the data tell
                    count *= 64;
                }
            }
            bytes += count;
        }
        return bytes;
    }

    Engine make_engine(std::span<const Tensor> sample) const {
        Engine e{.stacked = is_stacked(sample)};
        for (const Tensor& t : sample) e.shapes.push_back(t.shape());
        const auto declared = e.stacked && !input(0).type.shape.empty() ? input(0).type.shape[0].constant() : std::nullopt;
        e.fixed = !e.stacked || declared;
        if (declared) e.batch = *declared;
        else if (e.stacked) e.batch = std::clamp<std::int64_t>(static_cast<std::int64_t>(batch_bytes / std::max(1.0, sample_bytes(e))), 1, largest_batch);
        const auto make = [&](std::int64_t least) {
            const Shapes min = shapes_of(e, least), max = shapes_of(e, e.batch);
            const std::string symbol = e.fixed ? "" : input(0).type.shape[0].text();
            e.activations.emplace(graph_, make_profile(graph_, min, max, max), symbol, isa_, pool_.threads());
        };
        if (e.fixed || e.batch == 1) {
            make(e.batch);
            return e;
        }
        try {
            make(1);
        } catch (const Error&) {  // sizes of a batch may be baked in
            e.batch = 1;
            make(1);
        }
        return e;
    }

    Engine& engine_for(std::span<const Tensor> sample) {
        const auto found = std::ranges::find_if(engines_, [&](const Engine& e) { return std::ranges::equal(e.shapes, sample, {}, {}, &Tensor::shape); });
        if (found != engines_.end()) return *found;
        if (engines_.size() == shapes_kept) engines_.erase(engines_.begin());
        engines_.push_back(make_engine(sample));
        return engines_.back();
    }

    void run_pending(bool all) {
        while (!pending_.empty()) {
            Engine& e = engine_for(pending_[0]);
            const auto full = static_cast<std::size_t>(e.batch);
            if (pending_.size() < full && !all) return;
            if (pending_.size() < full && e.fixed) {
                left_over_ += static_cast<std::int64_t>(pending_.size());
                pending_.clear();
                return;
            }
            const std::size_t n = std::min(full, pending_.size());
            run_batch(e, n);
            pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(n));
        }
    }

    void run_batch(Engine& e, std::size_t n) {
        const Shapes shapes = shapes_of(e, static_cast<std::int64_t>(n));
        std::vector<Tensor> arrays;
        std::vector<InputView> views;
        for (std::size_t i = 0; i < names_.size(); ++i) {
            Dims d;
            for (std::int64_t extent : shapes.at(names_[i])) d.push_back(extent);
            Tensor& t = arrays.emplace_back(Tensor::zeros(input(i).type.dtype, d));
            std::byte* to = t.writable().data;
            for (std::size_t s = 0; s < n; ++s) to = std::copy_n(pending_[s][i].data(), pending_[s][i].bytes(), to);
        }
        for (std::size_t i = 0; i < names_.size(); ++i) views.push_back({arrays[i].dtype(), shapes.at(names_[i]), arrays[i].data()});
        const auto& seen = e.activations->run(views);
        count(seen, n);
        means_.add(seen, n, pool_);
        seen_ += static_cast<std::int64_t>(n);
    }

    // ---- counting

    void count(const std::vector<Activations::Seen>& seen, std::size_t samples) {
        struct Task {
            std::size_t tensor;
            std::span<const float> values;
            Histogram* to;
        };
        std::vector<Task> tasks;
        const auto add = [&](std::size_t tensor, std::span<const float> values, Histogram& to) {
            for (; !values.empty(); values = values.subspan(std::min(stretch_values, values.size())))
                tasks.push_back({tensor, values.first(std::min(stretch_values, values.size())), &to});
        };
        std::map<const float*, std::size_t> first;  // tensors of one memory are counted once
        same_as_.resize(seen.size());
        for (std::size_t t = 0; t < seen.size(); ++t) {
            const std::span<const float> values = seen[t].values;
            const bool by_sample = seen[t].by_sample;
            same_as_[t] = t;
            if (const auto watched = watched_.find(t); watched != watched_.end()) {
                const std::size_t each = values.size() / samples;
                if (!by_sample) add(t, values, watched->second[group_of(seen_)]);
                else
                    for (std::size_t s = 0; s < samples; ++s) add(t, values.subspan(s * each, each), watched->second[group_of(seen_ + static_cast<std::int64_t>(s))]);
                continue;
            }
            if (values.empty()) continue;
            const auto [known, fresh] = first.emplace(values.data(), t);
            if (fresh || seen[known->second].values.size() != values.size()) add(t, values, totals_[t]);
            else same_as_[t] = known->second;
        }
        std::vector<std::mutex> locks(seen.size());
        pool_.share(tasks.size(), [&](std::size_t i) {
            Histogram h;
            h.add(tasks[i].values);
            const std::lock_guard lock(locks[tasks[i].tensor]);
            tasks[i].to->add(h);
        });
    }

    // ---- results

    double threshold(const Histogram& h) const { return threshold_of(h, settings_.calibrator, settings_.percentile); }

    // The standard deviation of a scale over draws of the groups, with replacement, relative to its mean.
    double spread_of(const std::vector<Histogram>& parts) const {
        std::mt19937 random(1);
        double sum = 0, squares = 0;
        std::vector<Histogram> coarse;
        for (const Histogram& h : parts)
            if (h.nonzeros() > 0) coarse.push_back(h.coarser().coarser());
        if (coarse.size() < 2) return 0;
        for (std::size_t d = 0; d < draws; ++d) {
            Histogram h;
            for (std::size_t i = 0; i < coarse.size(); ++i) h.add(coarse[random() % coarse.size()]);
            const double t = threshold(h);
            sum += t;
            squares += t * t;
        }
        const double mean = sum / draws;
        return mean > 0 ? std::sqrt(std::max(0.0, squares / draws - mean * mean)) / mean : 0;
    }

    double spread() {
        std::vector<double> spreads;
        std::vector<const std::vector<Histogram>*> parts;
        for (const auto& [tensor, histograms] : watched_) parts.push_back(&histograms);
        spreads.resize(parts.size());
        pool_.share(parts.size(), [&](std::size_t i) { spreads[i] = spread_of(*parts[i]); });
        std::ranges::sort(spreads);
        return spreads.empty() ? 0 : spreads[spreads.size() / 2];
    }

    void warn_of_data(const SampleSource& source) const {
        if (!skipped_.empty()) warn(fmt::format("{} of the samples left out: {}{}", skipped_.size(), skipped_[0], skipped_.size() > 1 ? ", ..." : ""));
        if (!constant_.empty()) warn(fmt::format("{} of the samples have one value throughout: {}{}", constant_.size(), constant_[0], constant_.size() > 1 ? ", ..." : ""));
        if (left_over_ > 0) warn(fmt::format("the last {} samples were not used: the model takes {} at a time", left_over_, engines_.empty() ? 0 : engines_[0].batch));
        if (source.inputs.size() == 1 && input(0).type.dtype == DType::f32)
            if (const auto w = range_warning(expectation_of(graph_, graph_.inputs()[0]), names_[0], least_, greatest_, preprocess_.color)) warn(*w);
    }

    void warn_of_activations() const {
        bool response = false;
        const auto normalized = normalized_values(graph_);
        for (std::size_t t = 0; t < activations_.size(); ++t) {
            const Histogram& h = totals_[t];
            const std::string& name = graph_.value(activations_[t]).name;
            if (h.nans() > 0) {
                warn(fmt::format("'{}' is NaN in {} places; its scale is that of the other values, and later tensors may be NaN, too", name, h.nans()));
                break;
            }
            const auto n = std::ranges::find(normalized, activations_[t], &NormalizedValue::value);
            if (response || n == normalized.end()) continue;
            if (const auto w = response_warning(name, h.mean_square(), n->mean_square)) warn(*w);
            response = true;  // the first one only: what is wrong there is wrong everywhere behind
        }
        for (std::size_t t = 0; t < activations_.size(); ++t)
            if (totals_[t].infinities() > 0) {
                warn(fmt::format("'{}' is infinite in {} places; its scale is that of the finite values", graph_.value(activations_[t]).name, totals_[t].infinities()));
                break;
            }
    }

    Calibration finish(const SampleSource& source, std::int64_t chosen) {
        const auto skipped = static_cast<std::int64_t>(skipped_.size());
        if (skipped * 100 > chosen)
            throw Error({.what = fmt::format("{} of {} samples cannot be used, more than 1 %; the first: {}", skipped, chosen, skipped_[0]), .where = settings_.data.string(),
                         .fix = "remove or mend them"});
        if (seen_ == 0)
            throw Error({.what = fmt::format("there are {} samples, but the model takes {} at a time", chosen, engines_.empty() ? 1 : engines_[0].batch), .where = settings_.data.string(),
                         .fix = "give at least as many"});
        for (const auto& [tensor, parts] : watched_)
            for (const Histogram& h : parts) totals_[tensor].add(h);
        warn_of_data(source);
        warn_of_activations();
        std::vector<float> scales(activations_.size());
        pool_.share(activations_.size(), [&](std::size_t t) {
            if (same_as_[t] == t) scales[t] = scale_of(threshold(totals_[t]));
        });
        Calibration c{.header = calibration_cache_header("8.5.3"), .means = means_.means(graph_, activations_), .samples = seen_, .skipped = skipped, .spread = spread()};
        for (std::size_t t = 0; t < activations_.size(); ++t) c.scales.emplace(graph_.value(activations_[t]).name, scales[same_as_[t]]);
        if (seen_ < 2) warn("one sample tells little about the ranges that values have: give some hundred");
        else if (c.spread > large_spread)
            warn(fmt::format("other {} samples would change a typical scale by {:.0f} %: give more (--calib-samples)", seen_, 100 * c.spread));
        return c;
    }

    Graph graph_;
    const CalibrationSettings& settings_;
    Preprocess preprocess_;
    Isa isa_;
    ThreadPool pool_;
    std::vector<ValueId> activations_;
    ChannelMeans means_;
    std::vector<std::string> names_;                         // of the inputs
    std::vector<std::vector<Tensor>> pending_;               // samples of one shape that have not been run
    std::vector<Engine> engines_;
    std::vector<Histogram> totals_;                          // by activation
    std::map<std::size_t, std::vector<Histogram>> watched_;  // by activation: histograms of groups of samples
    std::vector<std::size_t> same_as_;                       // by activation: whose histogram it has
    std::vector<std::string> skipped_, constant_;
    float least_ = 0, greatest_ = 0;
    std::int64_t seen_ = 0, left_over_ = 0;
};

void check(const CalibrationSettings& s) {
    if (s.samples < 1) throw Error({.what = fmt::format("{} samples", s.samples), .fix = "calibrate on at least one"});
    if (!(s.percentile > 0 && s.percentile <= 100)) throw Error({.what = fmt::format("the percentile {} is not in (0, 100]", s.percentile), .fix = "use 99.99"});
}

}  // namespace

Calibration calibrate(const std::filesystem::path& model, const CalibrationSettings& settings) {
    check(settings);
    Graph graph = read_model(model).graph;
    if (widen_halves(graph) > 0) graph.remove_dead();  // values of 16 bits are looked at as the f32 ones that engines compute, which have their names
    return Calibrating(std::move(graph), settings).run();
}

}  // namespace tercet
