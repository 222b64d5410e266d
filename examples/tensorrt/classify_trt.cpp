// SPDX-License-Identifier: Apache-2.0
// Classifies pictures, or rows of a CSV file, with a TensorRT engine on the GPU:
//
//     tercet build model.onnx --target trt10x -o model.trt
//     classify_trt model.trt photos/ --labels labels.txt
//
// Prints the most probable class of every sample, and, where the pictures lie in a folder per class or the CSV file has a
// column of labels, the accuracy. The labels file has one name per line, in the order of the classes.
#include "tercet/data.h"
#include "tercet/inputs.h"
#include "tercet/tensorrt_engine.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <exception>
#include <fstream>
#include <string>
#include <vector>

namespace {

std::vector<std::string> read_lines(const std::string& file) {
    std::vector<std::string> lines;
    std::ifstream in(file);
    if (!in) throw tercet::Error({.what = "cannot be read", .where = file, .fix = "give a text file with one label per line"});
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
}

void classify(const std::string& file, const std::string& data, const std::vector<std::string>& labels) {
    tercet::TensorRtContext context(tercet::TensorRtEngine::open(file));  // one per thread; the engine itself may be shared
    const tercet::TensorRtEngine& engine = context.engine();
    if (engine.inputs().size() != 1 || engine.outputs().empty() || engine.outputs()[0].dtype != tercet::DType::f32 || engine.inputs()[0].shape.empty())
        throw tercet::Error({.what = "is no classifier with one input and f32 scores", .where = file, .fix = "build the engine from another model"});
    const tercet::TensorInfo& input = engine.inputs()[0];

    // Size, layout and colors follow from the input's shape. A model that wants a mean subtracted needs it set here.
    const tercet::Samples samples = tercet::load_samples(data, tercet::preprocess_for(input));
    const tercet::Array& values = samples.values;
    const std::int64_t count = samples.count();
    const std::size_t sample_bytes = values.data.size() / static_cast<std::size_t>(count);

    const std::int64_t max_batch = std::max<std::int64_t>(1, input.max_shape[0]);
    std::int64_t correct = 0;
    std::vector<std::int64_t> shape = values.shape;
    std::vector<std::byte> batch;
    for (std::int64_t first = 0; first < count; first += max_batch) {
        const std::int64_t samples_here = std::min(max_batch, count - first);
        shape[0] = std::max(samples_here, input.min_shape[0]);  // an engine for batches of 32 gets zeros behind the last sample
        batch.assign(static_cast<std::size_t>(shape[0]) * sample_bytes, std::byte{0});
        std::memcpy(batch.data(), values.data.data() + static_cast<std::size_t>(first) * sample_bytes, static_cast<std::size_t>(samples_here) * sample_bytes);

        const tercet::InputView in{values.dtype, shape, batch.data()};
        const tercet::ResultView out = context.run({&in, 1})[0];
        std::size_t classes = 1;
        for (std::size_t d = 1; d < out.shape.size(); ++d) classes *= static_cast<std::size_t>(out.shape[d]);
        for (std::int64_t i = 0; i < samples_here; ++i) {
            const auto sample = static_cast<std::size_t>(first + i);
            const float* scores = out.as<float>() + static_cast<std::size_t>(i) * classes;
            const auto best = static_cast<std::size_t>(std::max_element(scores, scores + classes) - scores);
            const std::string name = best < labels.size() ? labels[best] : "class " + std::to_string(best);
            std::printf("%s: %s %.4f\n", samples.ids[sample].c_str(), name.c_str(), static_cast<double>(scores[best]));
            if (!samples.labels.empty()) correct += static_cast<int>(best) == samples.labels[sample];
        }
    }
    if (!samples.labels.empty()) std::printf("accuracy: %.2f %% of %lld\n", 100.0 * static_cast<double>(correct) / static_cast<double>(count), static_cast<long long>(count));
}

}  // namespace

int main(int argc, char** argv) {
    const std::vector<std::string> words(argv + 1, argv + argc);
    if (words.size() != 2 && !(words.size() == 4 && words[2] == "--labels")) {
        std::fprintf(stderr, "usage: classify_trt ENGINE PICTURES|CSV [--labels FILE]\n");
        return 2;
    }
    try {
        classify(words[0], words[1], words.size() == 4 ? read_lines(words[3]) : std::vector<std::string>());
        return 0;
    } catch (const std::exception& e) {
        std::fprintf(stderr, "classify_trt: error: %s\n", e.what());
        return 1;
    }
}
