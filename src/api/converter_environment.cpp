// SPDX-License-Identifier: Apache-2.0
// An environment is complete when it holds a copy of the list that it was made from: pip is done then. An empty copy is written first,
// so that one that was not completed is known for ours.
#include "api/converter_environment.h"

#include "system/child_process.h"
#include "system/mapped_file.h"
#include "system/output_file.h"
#include "system/share_file.h"
#include "tercet/convert.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

namespace tercet {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view list_name = "tercet-requirements.txt";

std::string text_of(const fs::path& file) {
    const FileBytes content = read_file(file);
    return {reinterpret_cast<const char*>(content.bytes.data()), content.bytes.size()};
}

fs::path requirements_of(std::string_view framework) {
    const auto known = converter_frameworks();
    if (std::ranges::find(known, framework) == known.end())
        throw Error({.what = fmt::format("there is no framework '{}'", framework), .fix = fmt::format("one of {}", fmt::join(known, ", "))});
    return share_file(fmt::format("convert/requirements-{}.txt", framework));
}

void write(const fs::path& file, std::string_view text) {
    OutputFile output(file);
    output.write(text);
    output.commit();
}

}  // namespace

std::vector<std::string> converter_frameworks() { return {"tensorflow", "pytorch", "scikit-learn"}; }

std::string framework_of(onnx::ModelFormat format) {
    using enum onnx::ModelFormat;
    switch (format) {
        case keras:
        case hdf5:
        case saved_model:
        case tflite: return "tensorflow";
        case torch_export:
        case torch_script:
        case torch_pickle: return "pytorch";
        case pickle: return "scikit-learn";
        default: return "";
    }
}

fs::path converter_environment(std::string_view framework) {
    const char* data = std::getenv("XDG_DATA_HOME");
    const char* home = std::getenv("HOME");
    if ((!data || !*data) && (!home || !*home)) throw Error({.what = "neither XDG_DATA_HOME nor HOME says where the converter is", .fix = "name its folder by --venv"});
    const fs::path folder = data && *data ? fs::path(data) : fs::path(home) / ".local" / "share";
    return folder / "tercet" / fmt::format("convert-{}", framework);
}

bool is_complete(const fs::path& environment, std::string_view framework) {
    std::error_code failed;
    return fs::exists(environment / "bin" / "python", failed) && fs::exists(environment / list_name, failed) && text_of(environment / list_name) == text_of(requirements_of(framework));
}

bool install_converter(std::string_view framework, const fs::path& named, const std::string& python) {
    const fs::path environment = named.empty() ? converter_environment(framework) : named, requirements = requirements_of(framework);
    if (is_complete(environment, framework)) return false;
    std::error_code failed;
    if (fs::exists(environment, failed) && !fs::exists(environment / list_name, failed) && !(fs::is_directory(environment, failed) && fs::is_empty(environment, failed)))
        throw Error({.what = "is there already, and was not made by `tercet convert`", .where = environment.string(), .fix = "name a new folder by --venv"});
    fs::create_directories(environment, failed);
    if (failed) throw Error({.what = fmt::format("cannot make this folder ({})", failed.message()), .where = environment.string(), .fix = "name another one by --venv"});
    write(environment / list_name, "");
    try {
        run_shown({python, "-m", "venv", environment.string()});
    } catch (const Error&) {
        throw Error({.what = fmt::format("{} cannot make a virtual environment", python), .where = environment.string(), .fix = "apt install python3-venv, or name another Python by --python"});
    }
    try {
        run_shown({(environment / "bin" / "python").string(), "-I", "-m", "pip", "install", "--disable-pip-version-check", "--no-deps", "--only-binary", ":all:", "-r", requirements.string()});
    } catch (const Error&) {
        throw Error({.what = "pip cannot install the packages", .where = environment.string(),
                     .fix = "see what it wrote; where a version is missing for this Python, name one of 3.11 to 3.13 by --python"});
    }
    write(environment / list_name, text_of(requirements));
    return true;
}

}  // namespace tercet
