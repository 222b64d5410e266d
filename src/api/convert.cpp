// SPDX-License-Identifier: Apache-2.0
// share/convert/worker.py loads the original, converts it and runs it on random inputs; what it is asked and answers is said there.
// Here the result is checked by an engine, and put in its place.
#include "tercet/convert.h"

#include "api/conversion_check.h"
#include "api/converter_environment.h"
#include "onnx/foreign_file.h"
#include "system/child_process.h"
#include "system/mapped_file.h"
#include "system/output_file.h"
#include "system/share_file.h"
#include "system/temporary_folder.h"
#include "tercet/inspect.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <optional>

namespace tercet {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

// Of the request; the same in share/convert/worker.py.
std::string name_of_format(onnx::ModelFormat format) {
    using enum onnx::ModelFormat;
    switch (format) {
        case keras: return "keras";
        case hdf5: return "hdf5";
        case saved_model: return "saved_model";
        case tflite: return "tflite";
        case torch_export: return "torch_export";
        case torch_script: return "torch_script";
        case torch_pickle: return "torch_pickle";
        default: return "pickle";
    }
}

onnx::ModelFormat format_of(const fs::path& model) {
    std::error_code failed;
    if (!fs::exists(model, failed)) throw Error({.what = "not found", .where = model.string(), .fix = "name a Keras, TensorFlow, PyTorch or scikit-learn file, or a SavedModel folder"});
    const onnx::ModelFormat format = onnx::model_format_of(model);
    if (onnx::is_convertible(format)) return format;
    if (format != onnx::ModelFormat::none)
        throw Error({.what = fmt::format("is {}", onnx::description_of(format)), .where = model.string(), .fix = std::string(onnx::how_to_save_whole(format))});
    if (fs::is_directory(model, failed)) throw Error({.what = "is a folder without saved_model.pb", .where = model.string(), .fix = "name a SavedModel folder, or the file in it"});
    try {
        inspect_model(model);
    } catch (const Error&) {
        throw Error({.what = "is no model that can be converted", .where = model.string(),
                     .fix = "it takes .keras, .h5, SavedModel folders, .tflite, .pt2, TorchScript, and pickled PyTorch modules and scikit-learn models"});
    }
    throw Error({.what = "is an ONNX model already", .where = model.string(), .fix = fmt::format("build it: tercet build {}", model.string())});
}

fs::path environment_for(const std::string& framework, std::string_view what, const fs::path& model, const ConvertSettings& settings) {
    const bool named = !settings.environment.empty();
    const fs::path environment = named ? settings.environment : converter_environment(framework);
    std::error_code failed;
    const bool there = fs::exists(environment / "bin" / "python", failed);
    if (named ? there : is_complete(environment, framework)) return environment;
    throw Error({.what = there ? fmt::format("is {}, whose converter is of another version of Tercet, or incomplete", what) : fmt::format("is {}, whose converter is not installed", what),
                 .where = model.string(), .fix = fmt::format("install it: tercet convert --install {}{}", framework, named ? " --venv " + environment.string() : "")});
}

void refuse_code(onnx::ModelFormat format, const fs::path& model, const ConvertSettings& settings) {
    const bool runs_code = format == onnx::ModelFormat::torch_pickle || format == onnx::ModelFormat::pickle;
    if (runs_code && !settings.allow_code)
        throw Error({.what = fmt::format("is {}: loading it runs Python code that lies in it", onnx::description_of(format)), .where = model.string(),
                     .fix = "add --allow-code, if you trust whoever made it"});
}

struct Answer {
    Conversion conversion;
    bool forced = false;  // the original has one batch only, the result is to take any
    std::vector<ConversionSample> samples;
    std::map<std::string, double> steps;
};

std::map<std::string, fs::path> files_of(const Json& j) {
    std::map<std::string, fs::path> files;
    for (const auto& [name, file] : j.items()) files[name] = file.get<std::string>();
    return files;
}

Answer read_answer(const fs::path& file, const fs::path& model) {
    const FileBytes content = read_file(file);
    const Json j = Json::parse(std::string_view(reinterpret_cast<const char*>(content.bytes.data()), content.bytes.size()));
    if (const auto error = j.find("error"); error != j.end())
        throw Error({.what = error->at("what").get<std::string>(), .where = model.string(), .fix = error->at("fix").get<std::string>()});
    Answer a;
    a.conversion.converter = j.at("converter");
    a.conversion.notes = j.at("notes").get<std::vector<std::string>>();
    a.forced = j.at("batch") == "forced";
    a.steps = j.at("tolerance").get<std::map<std::string, double>>();
    for (const Json& sample : j.at("samples")) a.samples.push_back({files_of(sample.at("inputs")), files_of(sample.at("outputs"))});
    a.conversion.batches = j.at("batches").get<std::vector<std::int64_t>>();
    return a;
}

Answer run_worker(const fs::path& model, onnx::ModelFormat format, const fs::path& environment, const fs::path& onnx_file, const fs::path& folder, bool fixed_batch, const ConvertSettings& settings) {
    const fs::path request = folder / "request.json", answer = folder / "answer.json";
    Json paths = Json::array();
    for (const fs::path& p : settings.python_path) paths.push_back(fs::absolute(p).string());
    const Json j{{"format", name_of_format(format)}, {"model", model.string()}, {"output", onnx_file.string()}, {"answer", answer.string()},
                 {"samples", settings.check ? folder.string() : ""}, {"static", fixed_batch}, {"opset", settings.opset}, {"shapes", settings.input_shapes},
                 {"types", settings.input_types}, {"signature", settings.signature}, {"allow_code", settings.allow_code}, {"python_path", paths}};
    OutputFile file(request);
    file.write(j.dump());
    file.commit();
    const std::vector<std::string> command{(environment / "bin" / "python").string(), "-I", "-B", share_file("convert/worker.py").string(), request.string()};
    try {
        if (settings.verbose) run_shown(command);
        else output_of_program(command);
    } catch (const Error& e) {
        throw Error({.what = fmt::format("the converter broke down: {}", e.fault().what), .where = model.string(), .fix = "see all that it says with --verbose"});
    }
    return read_answer(answer, model);
}

void require_within_bounds(const std::vector<ConversionError>& errors) {
    for (const ConversionError& e : errors)
        if (!(e.max_abs_error <= e.bound))
            throw Error({.what = fmt::format("the ONNX model does not compute what the original does: output '{}' differs by up to {:.3g}, {:.3g} is the bound", e.name, e.max_abs_error, e.bound)});
}

// Why the check failed; empty if it did not.
std::optional<std::string> check(Answer& answer, const fs::path& onnx_file, const fs::path& folder) {
    try {
        answer.conversion.outputs_checked = check_conversion(onnx_file, answer.samples, answer.steps, folder);
        require_within_bounds(answer.conversion.outputs_checked);
        return std::nullopt;
    } catch (const Error& e) {
        const Fault& fault = e.fault();
        std::string place = fault.where;
        if (place.starts_with(onnx_file.string())) place.erase(0, onnx_file.string().size());  // a file that nobody knows
        place.erase(0, place.find_first_not_of(": "));
        return place.empty() ? fault.what : place + ": " + fault.what;
    }
}

void put_in_place(const fs::path& from, const fs::path& to) {
    const FileBytes content = map_file(from);
    OutputFile output(to);
    output.write(content.bytes);
    output.commit();
}

}  // namespace

std::string framework_of(const fs::path& model) { return framework_of(format_of(model)); }

Conversion convert(const fs::path& model, const ConvertSettings& settings) {
    const onnx::ModelFormat format = format_of(model);
    refuse_code(format, model, settings);
    const fs::path environment = environment_for(framework_of(format), onnx::description_of(format), model, settings);
    fs::path stem = fs::absolute(model).lexically_normal();
    if (!stem.has_filename()) stem = stem.parent_path();  // "folder/"
    const fs::path output = settings.output.empty() ? fs::path(stem.stem().string() + ".onnx") : settings.output;
    { const OutputFile probe{output}; }  // what cannot be written is better known before

    const TemporaryFolder folder;
    const fs::path onnx_file = folder.path() / output.filename();  // external data is found by its name
    Answer answer = run_worker(model, format, environment, onnx_file, folder.path(), settings.fixed_batch, settings);
    if (settings.check) {
        auto fault = check(answer, onnx_file, folder.path());
        if (fault && answer.forced) {
            const std::string why = *fault;
            answer = run_worker(model, format, environment, onnx_file, folder.path(), true, settings);
            answer.conversion.notes.push_back(fmt::format("the batch stays as in the original, for with any other: {}", why));
            fault = check(answer, onnx_file, folder.path());
        }
        if (fault)
            throw Error({.what = fmt::format("converted, but not written, for the check failed: {}", *fault), .where = model.string(),
                         .fix = "--no-check writes it all the same"});
    } else {
        answer.conversion.notes.emplace_back("not checked against the original");
    }
    Conversion& c = answer.conversion;
    c.path = output;
    c.format = onnx::description_of(format);
    const ModelInfo info = inspect_model(onnx_file);
    c.inputs = info.inputs;
    c.outputs = info.outputs;
    c.bytes = fs::file_size(onnx_file);
    const fs::path data = onnx_file.string() + ".data";
    if (fs::exists(data)) put_in_place(data, output.string() + ".data");
    put_in_place(onnx_file, output);
    return std::move(answer.conversion);
}

}  // namespace tercet
