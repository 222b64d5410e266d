// SPDX-License-Identifier: Apache-2.0
// Classifies pictures, or rows of a CSV file, with an engine:
//
//     tercet build model.onnx -o model.engine
//     classify model.engine photos/ --top 3 --labels labels.txt
//
// Prints, per sample, the most probable classes. The labels file has one name per line, in the order of the classes.
// With --truth FILE (the samples' true classes: CSV, IDX or NPY), or where the pictures lie in a folder per class, it ends
// with the accuracy; --quiet prints that alone.
#include "tercet/data.h"
#include "tercet/engine.h"
#include "tercet/inputs.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <numeric>
#include <string>
#include <vector>

namespace {

struct Arguments {
    std::string engine, data, labels, truth;
    int top = 3;
    bool quiet = false;
};

// Engine and data by place, the rest by name; false if something is missing or unknown.
bool parse(int argc, char** argv, Arguments& a) {
    for (int i = 1; i < argc; ++i) {
        const std::string word = argv[i];
        if (word == "--top" && i + 1 < argc) a.top = std::atoi(argv[++i]);
        else if (word == "--labels" && i + 1 < argc) a.labels = argv[++i];
        else if (word == "--truth" && i + 1 < argc) a.truth = argv[++i];
        else if (word == "--quiet") a.quiet = true;
        else if (a.engine.empty() && !word.starts_with("--")) a.engine = word;
        else if (a.data.empty() && !word.starts_with("--")) a.data = word;
        else return false;
    }
    return !a.engine.empty() && !a.data.empty() && a.top > 0;
}

std::vector<std::string> read_lines(const std::string& file) {
    std::vector<std::string> lines;
    std::ifstream in(file);
    if (!in) throw tercet::Error({.what = "cannot be read", .where = file, .fix = "give a text file with one label per line"});
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
}

// Scores of one sample as probabilities: as they are if they sum to 1, else by softmax.
std::vector<double> probabilities(const float* scores, std::size_t classes) {
    std::vector<double> p(scores, scores + classes);
    const bool given = std::abs(std::accumulate(p.begin(), p.end(), 0.0) - 1) < 1e-3 && std::ranges::all_of(p, [](double x) { return x >= 0; });
    if (given) return p;
    const double greatest = *std::ranges::max_element(p);
    for (double& x : p) x = std::exp(x - greatest);
    const double sum = std::accumulate(p.begin(), p.end(), 0.0);
    for (double& x : p) x /= sum;
    return p;
}

void print_sample(const std::string& id, const std::vector<double>& p, int top, const std::vector<std::string>& labels) {
    std::vector<std::size_t> order(p.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) { return p[a] > p[b]; });
    std::printf("%s:", id.c_str());
    for (std::size_t i = 0; i < std::min(order.size(), static_cast<std::size_t>(top)); ++i) {
        const std::string label = order[i] < labels.size() ? labels[order[i]] : "class " + std::to_string(order[i]);
        std::printf("%s %s %.4f", i ? "," : "", label.c_str(), p[order[i]]);
    }
    std::printf("\n");
}

void classify(const Arguments& a) {
    tercet::Context context(tercet::Engine::open(a.engine));  // one per thread; the engine itself may be shared
    const tercet::Engine& engine = context.engine();
    if (engine.inputs().size() != 1 || engine.outputs().empty() || engine.outputs()[0].dtype != tercet::DType::f32 || engine.inputs()[0].shape.empty())
        throw tercet::Error({.what = "is no classifier with one input and f32 scores", .where = a.engine, .fix = "build the engine from another model"});
    const tercet::TensorInfo& input = engine.inputs()[0];
    const std::vector<std::string> labels = a.labels.empty() ? std::vector<std::string>() : read_lines(a.labels);

    // Size, layout and colors follow from the input's shape. A model that wants a mean subtracted needs it set here.
    tercet::Samples samples = tercet::load_samples(a.data, tercet::preprocess_for(input));
    if (!a.truth.empty()) samples.labels = tercet::load_labels(a.truth, samples.ids, samples.class_names).labels;
    std::int64_t correct = 0;
    const tercet::Array& values = samples.values;
    const std::size_t sample_bytes = values.data.size() / static_cast<std::size_t>(samples.count());

    const std::int64_t max_batch = std::max<std::int64_t>(1, input.max_shape[0]), min_batch = input.min_shape[0];
    std::vector<std::int64_t> shape = values.shape;
    std::vector<std::byte> batch;
    for (std::int64_t first = 0; first < samples.count(); first += max_batch) {
        const std::int64_t count = std::min(max_batch, samples.count() - first);
        shape[0] = std::max(count, min_batch);  // an engine for batches of 32 gets zeros behind the last sample
        batch.assign(static_cast<std::size_t>(shape[0]) * sample_bytes, std::byte{0});
        std::copy_n(values.data.begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(first) * sample_bytes), static_cast<std::size_t>(count) * sample_bytes, batch.begin());

        const tercet::InputView in{values.dtype, shape, batch.data()};
        const tercet::ResultView out = context.run({&in, 1})[0];
        const auto elements = std::accumulate(out.shape.begin(), out.shape.end(), std::int64_t{1}, std::multiplies());
        const auto classes = static_cast<std::size_t>(elements / shape[0]);
        for (std::int64_t i = 0; i < count; ++i) {
            const auto sample = static_cast<std::size_t>(first + i);
            const float* scores = out.as<float>() + static_cast<std::size_t>(i) * classes;
            if (!samples.labels.empty()) correct += std::max_element(scores, scores + classes) - scores == samples.labels[sample];
            if (!a.quiet) print_sample(samples.ids[sample], probabilities(scores, classes), a.top, labels);
        }
    }
    if (!samples.labels.empty())
        std::printf("accuracy: %.2f %% of %lld\n", 100.0 * static_cast<double>(correct) / static_cast<double>(samples.count()), static_cast<long long>(samples.count()));
}

}  // namespace

int main(int argc, char** argv) {
    Arguments arguments;
    if (!parse(argc, argv, arguments)) {
        std::fprintf(stderr, "usage: classify ENGINE PICTURES|CSV [--top 3] [--labels FILE] [--truth FILE] [--quiet]\n");
        return 2;
    }
    try {
        classify(arguments);
        return 0;
    } catch (const std::exception& e) {
        std::fprintf(stderr, "classify: error: %s\n", e.what());
        return 1;
    }
}
