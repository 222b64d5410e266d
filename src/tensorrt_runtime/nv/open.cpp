// SPDX-License-Identifier: Apache-2.0
// Opening a TensorRT engine: from the file's bytes to what is known of its inputs and outputs.
#include "system/mapped_file.h"
#include "tensorrt_runtime/nv/calls.h"
#include "tensorrt_runtime/nv/cuda.h"
#include "tensorrt_runtime/nv/engine.h"
#include "tensorrt_runtime/nv/log.h"
#include "tensorrt_runtime/plan_file.h"
#include "tensorrt_runtime/profiles.h"
#include "tensorrt_runtime/tensor_types.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <algorithm>

namespace tercet {
namespace nv {
namespace {

static_assert(dtype_of_tensorrt(static_cast<int>(nvinfer1::DataType::kFLOAT)) == DType::f32);
static_assert(dtype_of_tensorrt(static_cast<int>(nvinfer1::DataType::kHALF)) == DType::f16);
static_assert(dtype_of_tensorrt(static_cast<int>(nvinfer1::DataType::kINT8)) == DType::i8);
static_assert(dtype_of_tensorrt(static_cast<int>(nvinfer1::DataType::kINT32)) == DType::i32);
static_assert(dtype_of_tensorrt(static_cast<int>(nvinfer1::DataType::kBOOL)) == DType::boolean);

// Types that not every version has.
template <class T>
constexpr bool numbers_hold() {
    bool all = true;
    const auto is = [](T type, DType ours) { return dtype_of_tensorrt(static_cast<int>(type)) == ours; };
    if constexpr (requires { T::kUINT8; }) all = all && is(T::kUINT8, DType::u8);
    if constexpr (requires { T::kFP8; }) all = all && is(T::kFP8, DType::f8e4m3fn);
    if constexpr (requires { T::kBF16; }) all = all && is(T::kBF16, DType::bf16);
    if constexpr (requires { T::kINT64; }) all = all && is(T::kINT64, DType::i64);
    if constexpr (requires { T::kINT4; }) all = all && is(T::kINT4, DType::i4);
    if constexpr (requires { T::kFP4; }) all = all && is(T::kFP4, DType::f4e2m1);
    if constexpr (requires { T::kE8M0; }) all = all && is(T::kE8M0, DType::f8e8m0);
    return all;
}
static_assert(numbers_hold<nvinfer1::DataType>());

#ifdef TRT_MAJOR_RTX
constexpr bool is_rtx = true;
#else
constexpr bool is_rtx = false;
#endif

std::string runtime_name(std::string version) { return PlanFile{.rtx = is_rtx, .version = std::move(version)}.name(); }

// The operators that TensorRT keeps in a library of its own register themselves, if that library is there. Before version 10, the
// ONNX parser makes them of some of ONNX's operators, too.
void register_plugins() {
    static const bool once = [] {
        void* library = ::dlopen(fmt::format("libnvinfer_plugin.so.{}", NV_TENSORRT_MAJOR).c_str(), RTLD_NOW | RTLD_LOCAL);
        void* init = library ? ::dlsym(library, "initLibNvInferPlugins") : nullptr;
        return init && reinterpret_cast<bool (*)(void*, const char*)>(init)(&log(), "");
    }();
    static_cast<void>(once);
}

// Error if Tercet cannot give or take such a tensor.
void check_tensor(const TensorInfo& info, bool linear) {
    const auto refuse = [&](const std::string& what, const char* fix) { throw Error({.what = fmt::format("'{}' {}", info.name, what), .fix = fix}); };
    if (!computes(info.dtype)) refuse(fmt::format("is of the type {}, which is no type to exchange data in", name_of(info.dtype)), "build the engine with FP32 or FP16 inputs and outputs");
    if (!linear) refuse("is not laid out row by row", "build the engine without formats for its inputs and outputs (trtexec's --inputIOFormats, --outputIOFormats)");
}

std::vector<std::int64_t> range_of(const nvinfer1::ICudaEngine& e, const char* name, int profile, OptProfileSelector which) {
    const nvinfer1::Dims dims = profile_dims(e, name, profile, which);
    return shape_of(dims.nbDims >= 0 ? dims : dims_in(e, name));  // an engine without dynamic shapes may have none
}

TensorRtProfile::Input profile_of(const nvinfer1::ICudaEngine& e, const char* name, int profile) {
    TensorRtProfile::Input in{.min_shape = range_of(e, name, profile, OptProfileSelector::kMIN), .opt_shape = range_of(e, name, profile, OptProfileSelector::kOPT),
                              .max_shape = range_of(e, name, profile, OptProfileSelector::kMAX)};
    if (!holds_sizes(e, name)) return in;
    std::size_t count = 1;
    for (std::int64_t d : in.opt_shape) count *= static_cast<std::size_t>(std::max<std::int64_t>(d, 0));
    in.min_values = profile_values(e, name, profile, OptProfileSelector::kMIN, count);
    in.opt_values = profile_values(e, name, profile, OptProfileSelector::kOPT, count);
    in.max_values = profile_values(e, name, profile, OptProfileSelector::kMAX, count);
    return in;
}

void describe(Engine& engine) {
    const nvinfer1::ICudaEngine& e = *engine.trt_engine;
    if (has_implicit_batch(e)) throw Error({.what = "the engine has an implicit batch", .fix = "build it from ONNX, whose batch is an axis"});
    engine.profiles.resize(static_cast<std::size_t>(std::max(1, e.getNbOptimizationProfiles())));
    for (int i = 0; i < tensor_count(e); ++i) {
        const char* name = tensor_name(e, i);
        TensorInfo info{.name = name, .dtype = dtype_of_tensorrt(static_cast<int>(type_of(e, name))), .shape = extents_of(shape_of(dims_in(e, name)))};
        check_tensor(info, is_linear(e, name));
        if (is_input(e, name)) {
            for (std::size_t p = 0; p < engine.profiles.size(); ++p) engine.profiles[p].inputs.push_back(profile_of(e, name, static_cast<int>(p)));
            set_ranges(info, engine.inputs.size(), engine.profiles);
            engine.inputs.push_back(std::move(info));
        } else {
            if (std::ranges::find(info.shape, "?") == info.shape.end()) info.min_shape = info.opt_shape = info.max_shape = shape_of(dims_in(e, name));
            engine.outputs.push_back(std::move(info));
        }
    }
}

// How an engine that this library refuses could be run.
std::string fix_for(const std::optional<PlanFile>& plan, const std::string& runtime) {
    if (plan && !plan->version.empty() && !(plan->name() + ".").starts_with(runtime + "."))
        return fmt::format("it was built by {}, and this is {}: build it again with this version, or run it with that one", plan->name(), runtime);
    return "an engine runs on the TensorRT and the kind of GPU that it was built for: build it again here";
}

}  // namespace

void fail(const Engine&, std::string_view doing, std::string fix) { throw Error({.what = fmt::format("TensorRT cannot {}: {}", doing, log().take_errors()), .fix = std::move(fix)}); }

std::unique_ptr<TensorRtExecution> Engine::new_execution() const { return make_execution(shared_from_this()); }

std::shared_ptr<const Engine> open(const std::filesystem::path& file) {
    const FileBytes content = map_file(file);
    require_gpu();
    auto engine = std::make_shared<Engine>();
    engine->file = file;
    engine->bytes = content.bytes.size();
    engine->runtime = runtime_name(version_of_number(getInferLibVersion()));
    log().take_errors();
    log().take_warnings();
    engine->trt_runtime.reset(nvinfer1::createInferRuntime(log()));
    if (!engine->trt_runtime) fail(*engine, "start", fmt::format("this tercet was built with {}, and the library found is {}", tensorrt_runtime(), engine->runtime));
    register_plugins();
    engine->trt_engine.reset(engine->trt_runtime->deserializeCudaEngine(content.bytes.data(), content.bytes.size()));
    if (!engine->trt_engine) fail(*engine, "open it", fix_for(read_plan_file(content.bytes), engine->runtime));
    describe(*engine);
    engine->warnings = log().take_warnings();
    return engine;
}

}  // namespace nv

std::string_view tensorrt_runtime() {
    static const std::string name = nv::runtime_name(fmt::format("{}.{}.{}", NV_TENSORRT_MAJOR, NV_TENSORRT_MINOR, NV_TENSORRT_PATCH));
    return name;
}

std::shared_ptr<const TensorRtEngineData> open_tensorrt_engine(const std::filesystem::path& file) {
    return at([&] { return file.string(); }, [&] { return nv::open(file); });
}

}  // namespace tercet
