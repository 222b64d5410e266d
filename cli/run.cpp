// SPDX-License-Identifier: Apache-2.0
// tercet run ENGINE, of ours on the CPU or of TensorRT's on the GPU
#include "cli/data_options.h"
#include "cli/options.h"
#include "cli/print.h"
#include "cli/verbs.h"
#include "tercet/error.h"
#include "tercet/inputs.h"
#include "tercet/tensorrt_engine.h"

#include <cmath>
#include <functional>
#include <memory>

namespace tercet::cli {
namespace {

struct Options {
    std::filesystem::path engine, output;
    std::vector<std::string> inputs;
    std::string shapes;
    Preprocess preprocess;
    bool json = false;
    int threads = 0;
};

std::string names_of(std::span<const TensorInfo> infos) {
    std::string names;
    for (const TensorInfo& i : infos) names += (names.empty() ? "" : ", ") + i.name;
    return names;
}

const TensorInfo* find(std::span<const TensorInfo> infos, std::string_view name) {
    for (const TensorInfo& i : infos)
        if (i.name == name) return &i;
    return nullptr;
}

// An input without a file.
using MakeInput = std::function<Array(std::size_t input, std::span<const std::int64_t> shape)>;

std::vector<Array> load_inputs(std::span<const TensorInfo> inputs, const MakeInput& make, const Options& o) {
    const auto files = parse_files("--input", o.inputs);
    Shapes shapes = parse_shapes("--shapes", o.shapes);
    if (shapes.size() == 1 && shapes.begin()->first.empty() && inputs.size() == 1) shapes = {{inputs[0].name, shapes.begin()->second}};
    for (const auto& [name, file] : files)
        if (!find(inputs, name))
            throw Error({.what = fmt::format("there is no input '{}'", name), .where = o.engine.string(), .fix = "its inputs are: " + names_of(inputs)});
    for (const auto& [name, shape] : shapes)
        if (!find(inputs, name) || files.contains(name))
            throw Error({.what = files.contains(name) ? fmt::format("'{}' has a file and a shape", name) : fmt::format("there is no input '{}'", name),
                         .where = o.engine.string(), .fix = "--shapes is for random inputs; its inputs are: " + names_of(inputs)});
    std::vector<Array> arrays;
    for (const TensorInfo& input : inputs) {
        if (const auto file = files.find(input.name); file != files.end()) {
            arrays.push_back(load_input(file->second, input, preprocess_for(input, o.preprocess)));
        } else if (!files.empty()) {
            throw Error({.what = fmt::format("input '{}' has no file", input.name), .where = o.engine.string(),
                         .fix = fmt::format("add --input {}=FILE, or give no files for random inputs", input.name)});
        } else {
            const auto shape = shapes.find(input.name);
            arrays.push_back(make(arrays.size(), shape != shapes.end() ? shape->second : input.opt_shape));
        }
    }
    return arrays;
}

std::filesystem::path save(const std::filesystem::path& folder, std::string name, const ResultView& y) {
    for (char& c : name)
        if (c == '/' || c == '\0') c = '_';
    const std::filesystem::path file = folder / (name + ".npy");
    const auto count = static_cast<std::size_t>(statistics_of(y.dtype, y.shape, y.data).count);
    save_array(file, y.dtype, y.shape, {y.as<std::byte>(), bytes_of(y.dtype, static_cast<std::int64_t>(count))});
    return file;
}

std::vector<InputView> views_of(const std::vector<Array>& arrays) {
    std::vector<InputView> views;
    for (const Array& a : arrays) views.push_back({a.dtype, a.shape, a.data.data()});
    return views;
}

void report(std::span<const TensorInfo> inputs, const std::vector<Array>& arrays, std::span<const TensorInfo> outputs, std::span<const ResultView> results, const Options& o) {
    if (!o.output.empty()) {
        std::error_code error;
        std::filesystem::create_directories(o.output, error);
        if (!std::filesystem::is_directory(o.output))
            throw Error({.what = "cannot make this folder: " + error.message(), .where = o.output.string(), .fix = "name another one by --output"});
    }
    Json document{{"engine", o.engine.string()}, {"inputs", Json::array()}, {"outputs", Json::array()}};
    for (std::size_t i = 0; i < arrays.size(); ++i) {
        const bool random = o.inputs.empty();
        document["inputs"].push_back({{"name", inputs[i].name}, {"dtype", name_of(arrays[i].dtype)}, {"shape", arrays[i].shape}, {"random", random}});
        if (!o.json) fmt::print("input   {} {} {}{}\n", one_line(inputs[i].name), name_of(arrays[i].dtype), text_of_shape(arrays[i].shape), random ? ", random" : "");
    }
    for (std::size_t i = 0; i < results.size(); ++i) {
        const ResultView& y = results[i];
        const std::string& name = outputs[i].name;
        const Statistics s = statistics_of(y.dtype, y.shape, y.data);
        Json& j = document["outputs"].emplace_back(Json{{"name", name}, {"dtype", name_of(y.dtype)}, {"shape", Json(std::vector(y.shape.begin(), y.shape.end()))},
                                                        {"min", s.min}, {"max", s.max}, {"mean", s.mean}, {"nan", s.nans}});
        if (!o.output.empty()) j["path"] = save(o.output, name, y).string();
        if (!o.json) {
            fmt::print("output  {} {} {}: min {:.6g}, max {:.6g}, mean {:.6g}, NaN {}\n", one_line(name), name_of(y.dtype), text_of_shape(y.shape), s.min, s.max, s.mean, s.nans);
            if (!o.output.empty()) fmt::print("        {}\n", j["path"].get<std::string>());
        }
    }
    if (o.json) print_json(document);
}

void run(const Options& o) {
    const Engine engine = Engine::open(o.engine, Load::map, isa_cap());
    const auto make = [&](std::size_t i, std::span<const std::int64_t> shape) { return random_array(engine.inputs()[i].dtype, shape, i + 1); };
    const std::vector<Array> arrays = load_inputs(engine.inputs(), make, o);
    Context context(engine, o.threads);
    report(engine.inputs(), arrays, engine.outputs(), context.run(views_of(arrays)), o);
}

void run_tensorrt(const Options& o) {
    if (o.threads != 0) throw CLI::ValidationError("--threads", "is for CPU engines");
    const TensorRtEngine engine = TensorRtEngine::open(o.engine);
    for (const std::string& warning : engine.warnings()) fmt::print(stderr, "tercet: warning: {}\n", one_line(warning));
    const auto make = [&](std::size_t i, std::span<const std::int64_t> shape) { return random_input(engine, i, shape); };
    const std::vector<Array> arrays = load_inputs(engine.inputs(), make, o);
    TensorRtContext context(engine);
    report(engine.inputs(), arrays, engine.outputs(), context.run(views_of(arrays)), o);
}

}  // namespace

void add_run(CLI::App& app) {
    auto o = std::make_shared<Options>();
    CLI::App* verb = app.add_subcommand("run", "run an engine once, on files or on random inputs");
    add_file(*verb, o->engine, "ENGINE", "--loadEngine", "the engine file");
    verb->add_option("-i,--input", o->inputs, "a file for an input: NPY, PB, JPEG, PNG, CSV, IDX or a folder of pictures (may be repeated)")
        ->allow_extra_args(false)->type_name("NAME=FILE");
    verb->add_option("-o,--output", o->output, "write every output to NAME.npy in this folder")->type_name("DIR");
    verb->add_option("--shapes", o->shapes, "shapes of random inputs, name:1x3x224x224,... (the engine's optimum)")->type_name("SHAPES");
    verb->add_option("--threads", o->threads, "threads (all)")->check(quiet(CLI::Range(0, 4096)))->type_name("N");
    verb->add_flag("--json", o->json, "one JSON document on standard output");
    add_data_options(*verb, o->preprocess);
    verb->footer("Example:\n  tercet run model_cpu_fp32.engine --input image=cat.jpg --mean 0.485,0.456,0.406 --std 0.229,0.224,0.225 --output results");
    verb->callback([o] {
        require_file(o->engine, "ENGINE");
        if (is_tensorrt_engine(o->engine)) run_tensorrt(*o);
        else run(*o);
    });
}

}  // namespace tercet::cli
