// SPDX-License-Identifier: Apache-2.0
// tercet convert MODEL
#include "tercet/convert.h"

#include "cli/options.h"
#include "cli/print.h"
#include "cli/verbs.h"

#include <memory>
#include <optional>

namespace tercet::cli {
namespace {

struct Options {
    std::filesystem::path model;
    ConvertSettings settings;
    std::string shapes, types, python = "python3";
    std::vector<std::string> install;
    bool no_check = false, json = false;
};

// "ids:int64,mask:bool"
std::map<std::string, std::string> parse_types(const std::string& text) {
    std::map<std::string, std::string> types;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find(',', at), text.size()), colon = text.rfind(':', end - 1);
        const std::size_t begin = colon == std::string::npos || colon < at ? at : colon + 1;
        const std::string type = text.substr(begin, end - begin);
        if (!CLI::IsMember({"float64", "float32", "float16", "int64", "int32", "int16", "int8", "uint8", "bool"})(std::string(type)).empty() || !types.emplace(text.substr(at, begin > at ? begin - 1 - at : 0), type).second)
            throw CLI::ValidationError("--input-type", fmt::format("'{}': write name:int64, or another type of float64, float32, float16, int64, int32, int16, int8, uint8, bool", text));
        at = end + 1;
    }
    return types;
}

void install(const Options& o) {
    const std::string framework = o.install[0].empty() ? framework_of(o.model) : o.install[0];
    if (!CLI::IsMember(converter_frameworks())(std::string(framework)).empty())
        throw CLI::ValidationError("--install", fmt::format("there is no '{}'; there are {}; a model comes first: tercet convert MODEL --install", framework, fmt::join(converter_frameworks(), ", ")));
    const bool new_one = install_converter(framework, o.settings.environment, o.python);
    const auto place = o.settings.environment.empty() ? converter_environment(framework) : o.settings.environment;
    fmt::print(stderr, "{}: {} in {}\n", framework, new_one ? "installed" : "is installed already", place.string());
}

void print_summary(const Conversion& c) {
    fmt::print("{}\n  {}, from {} by {}\n", c.path.string(), text_of_bytes(c.bytes), c.format, c.converter);
    std::vector<std::vector<std::string>> rows;
    for (const TensorInfo& i : c.inputs) rows.push_back({"input", one_line(text_of(i))});
    for (const TensorInfo& i : c.outputs) rows.push_back({"output", one_line(text_of(i))});
    print_table({}, rows);
    for (const std::string& note : c.notes) fmt::print("  note: {}\n", one_line(note));
    if (c.batches.empty()) return;
    fmt::print("  checked against the original on {} random batches (of {}): an FP32 engine differs by\n", c.batches.size(), fmt::join(c.batches, ", "));
    rows.clear();
    for (const ConversionError& e : c.outputs_checked)
        rows.push_back({one_line(e.name), fmt::format("{:.3g}", e.max_abs_error), fmt::format("{:.3g}", e.bound), fmt::to_string(e.values)});
    print_table({"output", "at most", "bound", "values"}, rows, "    ", {1, 2, 3});
}

Json json_of(const std::vector<TensorInfo>& infos) {
    Json j = Json::array();
    for (const TensorInfo& i : infos) j.push_back(cli::json_of(i));
    return j;
}

void print(const Conversion& c, bool json) {
    if (!json) return print_summary(c);
    Json j{{"path", c.path.string()}, {"bytes", c.bytes}, {"format", c.format}, {"converter", c.converter}, {"inputs", json_of(c.inputs)}, {"outputs", json_of(c.outputs)},
           {"notes", c.notes}, {"batches", c.batches}, {"checked", Json::array()}};
    for (const ConversionError& e : c.outputs_checked) j["checked"].push_back({{"output", e.name}, {"values", e.values}, {"max_abs_error", e.max_abs_error}, {"bound", e.bound}});
    print_json(j);
}

void run(Options& o) {
    if (o.model.empty() && (o.install.empty() || o.install[0].empty()))
        throw CLI::RequiredError(o.install.empty() ? "MODEL" : fmt::format("--install without MODEL: a framework ({})", fmt::join(converter_frameworks(), ", ")));
    o.settings.input_shapes = parse_shapes("--input-shape", o.shapes);
    o.settings.input_types = parse_types(o.types);
    o.settings.check = !o.no_check;
    if (!o.install.empty()) install(o);
    if (!o.model.empty()) print(convert(o.model, o.settings), o.json);
}

}  // namespace

void add_convert(CLI::App& app) {
    auto o = std::make_shared<Options>();
    CLI::App* verb = app.add_subcommand("convert", "make an ONNX model of a Keras, TensorFlow, PyTorch or scikit-learn model");
    verb->add_option("MODEL", o->model, "a Keras model (.keras, .h5), SavedModel folder, .tflite, .pt2, TorchScript, pickled PyTorch module or scikit-learn model")->option_text(" ");
    verb->add_option("-o,--output", o->settings.output, "the ONNX model to write (MODEL.onnx in the current folder)")->type_name("FILE");
    verb->add_flag("--static", o->settings.fixed_batch, "keep the original's batch, or 1 (otherwise it is N)");
    verb->add_option("--input-shape", o->shapes, "name:1x3x224x224,...: shapes of PyTorch's inputs, or of sizes that are left open")->type_name("SHAPES");
    verb->add_option("--input-type", o->types, "name:int64,...: types of PyTorch's inputs (float32)")->type_name("TYPES");
    verb->add_option("--signature", o->settings.signature, "of a SavedModel (serving_default)")->type_name("NAME");
    verb->add_option("--opset", o->settings.opset, "the operator set to write (what the converter writes best)")->check(quiet(CLI::Range(7, 28)))->type_name("N");
    verb->add_flag("--allow-code", o->settings.allow_code, "load pickles and Lambda layers: Python code in the file runs");
    verb->add_option("--python-path", o->settings.python_path, "a folder with classes that a pickle needs (may be repeated)")->allow_extra_args(false)->type_name("DIR");
    verb->add_flag("--no-check", o->no_check, "do not run original and result on random inputs");
    verb->add_option("--install", o->install, "download converter and framework into a virtual environment: tensorflow, pytorch, scikit-learn, or what MODEL needs")
        ->expected(0, 1)->default_str("")->type_name("[NAME]");
    verb->add_option("--venv", o->settings.environment, "the virtual environment (~/.local/share/tercet/convert-FRAMEWORK)")->type_name("DIR");
    verb->add_option("--python", o->python, "the Python that --install makes it with (python3)")->type_name("PROGRAM");
    verb->add_flag("-v,--verbose", o->settings.verbose, "what the converter says, on standard error");
    verb->add_flag("--json", o->json, "one JSON document on standard output");
    verb->footer("The result is checked: original and ONNX model run on three random batches. One that differs by more than 0.001 of the greatest\n"
                 "value is an error, and no file is written, nor one that an engine cannot be built from; --no-check writes both.\n"
                 "Examples:\n"
                 "  tercet convert --install tensorflow\n"
                 "  tercet convert model.keras -o model.onnx\n"
                 "  tercet convert module.pt --input-shape image:1x3x224x224");
    verb->callback([o] { run(*o); });
}

}  // namespace tercet::cli
