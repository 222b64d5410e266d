// SPDX-License-Identifier: Apache-2.0
// A case goes the way of any model: build() writes an engine, Engine::open reads it, Context::run runs it.
#include "tercet/check.h"

#include "onnx/read_model.h"
#include "tercet/build.h"
#include "tercet/engine.h"
#include "tercet/inspect.h"
#include "system/temporary_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <set>

namespace tercet {
namespace {

namespace fs = std::filesystem;
using Status = CheckCase::Status;

struct NamedInput {
    std::string name;
    fs::path file;
    Tensor value;
};

struct DataSet {
    std::vector<NamedInput> inputs;
    std::vector<Tensor> outputs;
};

std::vector<fs::path> data_sets(const fs::path& folder) {
    std::vector<fs::path> sets;
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(folder, ignored))
        if (entry.path().filename().string().starts_with("test_data_set_") && entry.is_directory(ignored)) sets.push_back(entry.path());
    std::ranges::sort(sets);
    return sets;
}

bool is_case(const fs::path& folder) {
    std::error_code ignored;
    return fs::is_regular_file(folder / "model.onnx", ignored) && !data_sets(folder).empty();
}

// Name and folder of every case, sorted.
std::vector<std::pair<std::string, fs::path>> find_cases(const fs::path& folder) {
    std::error_code error;
    if (!fs::is_directory(folder, error))
        throw Error({.what = fs::exists(folder, error) ? "is no folder" : "there is no such folder", .where = folder.string(),
                     .fix = "name a folder with test cases, as in onnx/backend/test/data/node"});
    const fs::path given = folder.has_filename() ? folder : folder.parent_path();  // without a slash at its end
    if (is_case(given)) return {{fs::absolute(given).filename().string(), given}};
    std::vector<std::pair<std::string, fs::path>> cases;
    for (fs::recursive_directory_iterator it(given, fs::directory_options::skip_permission_denied, error), end; !error && it != end; it.increment(error))
        if (it->is_directory(error) && is_case(it->path())) {
            cases.emplace_back(fs::relative(it->path(), given).generic_string(), it->path());
            it.disable_recursion_pending();
        }
    if (cases.empty())
        throw Error({.what = "holds no test case", .where = folder.string(), .fix = "a case is a folder with model.onnx and test_data_set_0/input_0.pb, output_0.pb"});
    return cases;
}

// Old releases of ONNX's cases hold bf16 as the u16 of the same bits.
Tensor as_declared(const Tensor& t, DType declared) {
    if (t.dtype() != DType::u16 || declared != DType::bf16) return t;
    return Tensor(DType::bf16, t.shape(), t.storage(), t.data());
}

// Names of the tensors in a file may be left out or be others than the model's: then the model's, in order, count.
DataSet read_data_set(const fs::path& folder, const std::vector<TensorInfo>& model_inputs) {
    DataSet set;
    std::set<std::string> known;
    for (const TensorInfo& input : model_inputs) known.insert(input.name);
    bool named = true;
    for (int i = 0; fs::exists(folder / fmt::format("input_{}.pb", i)); ++i) {
        const fs::path file = folder / fmt::format("input_{}.pb", i);
        auto [name, value] = read_tensor(file);
        named = named && known.erase(name) == 1;
        set.inputs.push_back({name, file, value});
    }
    for (std::size_t i = 0; !named && i < set.inputs.size(); ++i) {
        if (i >= model_inputs.size())
            throw Error({.what = fmt::format("there are {} inputs, the model has {}", set.inputs.size(), model_inputs.size()), .where = folder.string()});
        set.inputs[i].name = model_inputs[i].name;
    }
    for (NamedInput& input : set.inputs)
        if (const auto declared = std::ranges::find(model_inputs, input.name, &TensorInfo::name); declared != model_inputs.end())
            input.value = as_declared(input.value, declared->dtype);
    for (int i = 0; fs::exists(folder / fmt::format("output_{}.pb", i)); ++i) set.outputs.push_back(read_tensor(folder / fmt::format("output_{}.pb", i)).second);
    return set;
}

// Empty if the values are equal within the tolerance; integers and booleans have to be equal.
std::string difference(std::string_view name, const ResultView& got, const Tensor& expected, const CheckSettings& settings) {
    const Tensor want = as_declared(expected, got.dtype);
    const int units = expected.dtype() == want.dtype() ? 0 : 1;  // those releases made bf16 by cutting bits off, without rounding
    if (got.dtype != want.dtype()) return fmt::format("output '{}' is {}, expected {}", name, name_of(got.dtype), name_of(want.dtype()));
    if (!std::ranges::equal(got.shape, want.shape()))
        return fmt::format("output '{}' has the shape [{}], expected [{}]", name, fmt::join(got.shape, ", "), fmt::join(want.shape(), ", "));
    const View a(got.dtype, want.shape(), got.data), b = want.view();
    if (!computes(got.dtype)) return fmt::format("output '{}' is {}, which cannot be compared", name, name_of(got.dtype));
    std::int64_t differing = 0;
    double worst = -1;
    std::string where;
    for (const Dims& i : indices(want.shape())) {
        const double x = a.get(i), y = b.get(i);
        const bool same = is_float(got.dtype) ? x == y || (x != x && y != y) : a.get_int(i) == b.get_int(i);
        if (units > 0 && std::abs(load<std::uint16_t>(a.address(i)) - load<std::uint16_t>(b.address(i))) <= units) continue;
        const double error = std::fabs(x - y);
        if (same || (is_float(got.dtype) && std::isfinite(y) && error <= settings.absolute_tolerance + settings.relative_tolerance * std::fabs(y))) continue;
        ++differing;
        if (const double badness = error == error ? error : HUGE_VAL; badness > worst) {
            worst = badness;
            where = fmt::format("at [{}]: {}, expected {}", fmt::join(i, ", "), x, y);
        }
    }
    if (differing == 0) return {};
    return fmt::format("output '{}' differs in {} of {} elements, most {}", name, differing, want.count(), where);
}

// What the engine of a case gives on a set; `fixed` inputs are built in.
std::string run_set(const fs::path& model, const DataSet& set, const std::vector<TensorInfo>& model_inputs, const std::set<std::string>& fixed,
                    const fs::path& engine_file, const CheckSettings& settings) {
    BuildSettings build_settings{.output = engine_file, .tune = Tune::none, .isa = settings.isa, .threads = settings.threads};
    for (const NamedInput& input : set.inputs) {
        if (fixed.contains(input.name)) {
            build_settings.fixed_inputs[input.name] = input.file;
            continue;
        }
        const auto declared = std::ranges::find(model_inputs, input.name, &TensorInfo::name);
        if (declared == model_inputs.end()) continue;
        std::vector<std::int64_t> shape(input.value.shape().begin(), input.value.shape().end());
        bool declared_so = declared->shape.size() == shape.size();
        if (!declared_so && !declared->shape.empty())
            throw Error({.what = fmt::format("the test data contradict the model: '{}' has {} dimensions, its data {}", input.name, declared->shape.size(), shape.size()),
                         .fix = "make the case again with one shape for both"});
        for (std::size_t i = 0; declared_so && i < shape.size(); ++i) declared_so = declared->shape[i] == fmt::to_string(shape[i]);
        if (declared_so) continue;
        build_settings.min_shapes[input.name] = build_settings.opt_shapes[input.name] = build_settings.max_shapes[input.name] = std::move(shape);
    }
    build(model, build_settings);

    const Engine engine = Engine::open(engine_file, Load::map, settings.isa);
    std::vector<InputView> in;
    for (const TensorInfo& info : engine.inputs()) {
        const auto input = std::ranges::find(set.inputs, info.name, &NamedInput::name);
        if (input == set.inputs.end()) return fmt::format("the test data has no input '{}'", info.name);
        in.push_back({input->value.dtype(), input->value.shape(), input->value.data()});
    }
    Context context(engine, settings.threads);
    const auto out = context.run(in);
    if (out.size() != set.outputs.size()) return fmt::format("there are {} outputs, expected {}", out.size(), set.outputs.size());
    for (std::size_t i = 0; i < out.size(); ++i)
        if (std::string d = difference(engine.outputs()[i].name, out[i], set.outputs[i], settings); !d.empty()) return d;
    return {};
}

// Inputs that may hold a shape, axes, a count, ...
std::set<std::string> parameters(const DataSet& set, bool floats_too) {
    std::set<std::string> names;
    for (const NamedInput& input : set.inputs)
        if (input.value.shape().size() <= 1 && (floats_too || !is_float(input.value.dtype()))) names.insert(input.name);
    return names;
}

bool wants_constants(std::string_view line) { return line.find("computed while the model runs") != std::string_view::npos; }

// An error's line without the path that leads to the model.
std::string line_without(std::string line, const fs::path& model) {
    if (const std::string prefix = model.string() + ": "; line.starts_with(prefix)) line.erase(0, prefix.size());
    return line;
}

CheckCase run_case(const std::string& name, const fs::path& folder, const fs::path& engine_file, const CheckSettings& settings) {
    const fs::path model = folder / "model.onnx";
    const auto result = [&](Status status, std::string reason) { return CheckCase{name, status, std::move(reason)}; };
    std::set<std::string> fixed;
    try {
        const ModelInfo info = inspect_model(model);
        if (!info.problem.empty() && !wants_constants(info.problem))
            return result(Status::unsupported, line_without(info.problem, model));
        for (const fs::path& data : data_sets(folder)) {
            const DataSet set = read_data_set(data, info.inputs);
            std::vector<std::set<std::string>> attempts{{}, parameters(set, false), parameters(set, true)};
            attempts.erase(std::unique(attempts.begin(), attempts.end()), attempts.end());
            for (std::size_t i = 0; i < attempts.size(); ++i) {
                try {
                    if (std::string wrong = run_set(model, set, info.inputs, attempts[i], engine_file, settings); !wrong.empty())
                        return result(Status::failed, fmt::format("{}: {}", data.filename().string(), wrong));
                    fixed.insert(attempts[i].begin(), attempts[i].end());
                    break;
                } catch (const Error& e) {
                    if (!wants_constants(e.what()) || i + 1 == attempts.size()) throw;
                }
            }
        }
    } catch (const Error& e) {
        return result(Status::unsupported, line_without(e.what(), model));
    } catch (const std::bad_alloc&) {
        return result(Status::failed, "out of memory");
    } catch (const std::exception& e) {
        return result(Status::failed, fmt::format("a bug of ours: {}", e.what()));
    }
    return result(Status::passed, fixed.empty() ? "" : fmt::format("with fixed inputs: {}", fmt::join(fixed, ", ")));
}

}  // namespace

CheckResult check(std::span<const fs::path> folders, const CheckSettings& settings) {
    std::vector<std::pair<std::string, fs::path>> all;
    for (const fs::path& folder : folders) std::ranges::move(find_cases(folder), std::back_inserter(all));
    std::ranges::sort(all);
    const TemporaryFolder temporary;
    CheckResult result;
    for (const auto& [name, folder] : all) {
        if (settings.progress) settings.progress(static_cast<std::int64_t>(result.cases.size()), static_cast<std::int64_t>(all.size()));
        const CheckCase& c = result.cases.emplace_back(run_case(name, folder, temporary.path() / "case.engine", settings));
        ++(c.status == Status::passed ? result.passed : c.status == Status::failed ? result.failed : result.unsupported);
    }
    return result;
}

}  // namespace tercet
