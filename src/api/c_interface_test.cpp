// SPDX-License-Identifier: Apache-2.0
// The C interface against the C++ one: the same results, and a status with a message for whatever is wrong.
#include "api/allocation_counter.h"
#include "api/c_call.h"
#include "system/mapped_file.h"
#include "system/temporary_folder.h"
#include "tercet/build.h"
#include "tercet/engine.h"
#include "tercet/tercet.h"
#include "tercet/version.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <new>
#include <thread>
#include <vector>

namespace tercet {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;

const std::string fashion = std::string(TERCET_SOURCE_DIR) + "/examples/fashion_mnist/model.onnx";

struct Destroy {
    void operator()(tercet_build_options* p) const { tercet_build_options_destroy(p); }
    void operator()(tercet_load_options* p) const { tercet_load_options_destroy(p); }
    void operator()(tercet_engine* p) const { tercet_engine_destroy(p); }
    void operator()(tercet_context* p) const { tercet_context_destroy(p); }
};
template <class T>
using Handle = std::unique_ptr<T, Destroy>;

Handle<tercet_build_options> quick_options() {
    tercet_build_options* options = nullptr;
    EXPECT_EQ(tercet_build_options_create(&options), TERCET_OK);
    EXPECT_EQ(tercet_build_options_set_tune(options, TERCET_TUNE_NONE), TERCET_OK);
    return Handle<tercet_build_options>(options);
}

Handle<tercet_engine> open(const std::string& file, const tercet_load_options* options = nullptr) {
    tercet_engine* engine = nullptr;
    EXPECT_EQ(tercet_engine_open(file.c_str(), options, &engine), TERCET_OK) << tercet_last_error();
    return Handle<tercet_engine>(engine);
}

Handle<tercet_context> context_of(const tercet_engine* engine, int threads = 1) {
    tercet_context* context = nullptr;
    EXPECT_EQ(tercet_context_create(engine, threads, &context), TERCET_OK) << tercet_last_error();
    return Handle<tercet_context>(context);
}

std::vector<std::int64_t> extents(const std::int64_t* shape, std::int32_t rank) { return {shape, shape + rank}; }

class CInterface : public ::testing::Test {
protected:
    void SetUp() override {
        ASSERT_EQ(tercet_build(fashion.c_str(), file_.c_str(), quick_options().get()), TERCET_OK) << tercet_last_error();
        for (std::size_t i = 0; i < pixels_.size(); ++i) pixels_[i] = static_cast<float>(i % 97) / 97;
    }
    std::string path(const std::string& name) const { return (folder_.path() / name).string(); }
    tercet_input image(std::int64_t batch = 1) {
        shape_[0] = batch;
        return {TERCET_F32, 4, shape_.data(), pixels_.data(), static_cast<std::size_t>(batch) * 784 * sizeof(float)};
    }
    // By the C++ interface.
    std::vector<float> expected(std::int64_t batch = 1) {
        Context context(Engine::open(file_), 1);
        const std::int64_t shape[] = {batch, 28, 28, 1};
        const InputView in{DType::f32, shape, pixels_.data()};
        const auto* p = context.run({&in, 1})[0].as<float>();
        return {p, p + batch * 10};
    }

    TemporaryFolder folder_;
    const std::string file_ = path("fashion.engine");
    std::array<std::int64_t, 4> shape_{1, 28, 28, 1};
    std::vector<float> pixels_ = std::vector<float>(32 * 784);
};

TEST(CInterfaceVersion, OfHeaderAndLibraryAreOne) {
    EXPECT_EQ(tercet_version(), fmt::format("{}.{}.{}", TERCET_VERSION_MAJOR, TERCET_VERSION_MINOR, TERCET_VERSION_PATCH));
    EXPECT_EQ(tercet_version(), version);
}

TEST_F(CInterface, DescribesInputsAndOutputs) {
    const auto engine = open(file_);
    EXPECT_STREQ(tercet_engine_model(engine.get()), "model");
    EXPECT_STREQ(tercet_engine_precision(engine.get()), "fp32");
    EXPECT_EQ(tercet_engine_isa(engine.get()), std::string(Engine::open(file_).isa()));
    EXPECT_EQ(tercet_engine_bytes(engine.get()), std::filesystem::file_size(file_));
    ASSERT_EQ(tercet_engine_input_count(engine.get()), 1u);
    ASSERT_EQ(tercet_engine_output_count(engine.get()), 1u);

    const tercet_tensor_info* in = tercet_engine_input(engine.get(), 0);
    EXPECT_STREQ(tercet_tensor_info_name(in), "image");
    EXPECT_EQ(tercet_tensor_info_dtype(in), TERCET_F32);
    ASSERT_EQ(tercet_tensor_info_rank(in), 4);
    EXPECT_THAT(extents(tercet_tensor_info_shape(in), 4), ElementsAre(-1, 28, 28, 1));
    EXPECT_STREQ(tercet_tensor_info_extent(in, 0), "N");
    EXPECT_STREQ(tercet_tensor_info_extent(in, 1), "28");
    EXPECT_THAT(extents(tercet_tensor_info_min_shape(in), 4), ElementsAre(1, 28, 28, 1));
    EXPECT_THAT(extents(tercet_tensor_info_opt_shape(in), 4), ElementsAre(16, 28, 28, 1));
    EXPECT_THAT(extents(tercet_tensor_info_max_shape(in), 4), ElementsAre(32, 28, 28, 1));

    const tercet_tensor_info* out = tercet_engine_output(engine.get(), 0);
    EXPECT_STREQ(tercet_tensor_info_name(out), "probabilities");
    EXPECT_THAT(extents(tercet_tensor_info_shape(out), 2), ElementsAre(-1, 10));

    EXPECT_EQ(tercet_engine_input(engine.get(), 1), nullptr);
    EXPECT_EQ(tercet_engine_output(engine.get(), 1), nullptr);
    EXPECT_EQ(tercet_tensor_info_extent(in, 4), nullptr);
    EXPECT_EQ(tercet_tensor_info_extent(in, -1), nullptr);
}

TEST_F(CInterface, GivesTheResultsOfTheOtherOne) {
    const auto engine = open(file_);
    for (const int threads : {1, 2}) {
        const auto context = context_of(engine.get(), threads);
        EXPECT_EQ(tercet_context_threads(context.get()), threads);
        for (const std::int64_t batch : {1, 7}) {
            const std::vector<float> right = expected(batch);
            const tercet_input in = image(batch);
            tercet_result result{};
            ASSERT_EQ(tercet_context_run(context.get(), &in, 1, &result, 1), TERCET_OK) << tercet_last_error();
            EXPECT_EQ(result.dtype, TERCET_F32);
            EXPECT_THAT(extents(result.shape, result.rank), ElementsAre(batch, 10));
            ASSERT_EQ(result.bytes, right.size() * sizeof(float));
            const auto* p = static_cast<const float*>(result.data);
            EXPECT_EQ(std::vector<float>(p, p + right.size()), right);
            EXPECT_EQ(tercet_context_run(context.get(), &in, 1, nullptr, 0), TERCET_OK);

            std::vector<float> own(right.size());
            const std::int64_t shape[] = {batch, 10};
            const tercet_output out{TERCET_F32, 2, shape, own.data(), own.size() * sizeof(float)};
            ASSERT_EQ(tercet_context_run_into(context.get(), &in, 1, &out, 1), TERCET_OK) << tercet_last_error();
            EXPECT_EQ(own, right);
        }
    }
}

TEST_F(CInterface, SecondRunAtAShapeAllocatesNothing) {
    if (!testing::counts_allocations()) GTEST_SKIP() << "a sanitizer has its own allocator";
    const auto engine = open(file_);
    const auto context = context_of(engine.get(), 2);
    const tercet_input in = image(32);
    std::vector<float> own(320);
    const std::int64_t shape[] = {32, 10};
    const tercet_output out{TERCET_F32, 2, shape, own.data(), own.size() * sizeof(float)};
    tercet_result result{};
    const auto run = [&] { return tercet_context_run(context.get(), &in, 1, &result, 1) + tercet_context_run_into(context.get(), &in, 1, &out, 1); };
    ASSERT_EQ(run(), TERCET_OK);
    const auto before = testing::allocations();
    for (int i = 0; i < 5; ++i) EXPECT_EQ(run(), TERCET_OK);
    EXPECT_EQ(testing::allocations(), before);
}

TEST_F(CInterface, KnowsTheOutputsShapeWithoutData) {
    const auto engine = open(file_);
    const auto context = context_of(engine.get());
    const std::int64_t shape[] = {3, 28, 28, 1};
    const tercet_input in{TERCET_F32, 4, shape, nullptr, 0};
    std::int64_t out[TERCET_MAX_RANK];
    std::int32_t rank = -1;
    ASSERT_EQ(tercet_context_output_shape(context.get(), &in, 1, 0, out, TERCET_MAX_RANK, &rank), TERCET_OK) << tercet_last_error();
    EXPECT_THAT(extents(out, rank), ElementsAre(3, 10));
    EXPECT_EQ(tercet_context_output_shape(context.get(), &in, 1, 0, out, 1, &rank), TERCET_MISUSE);
    EXPECT_EQ(rank, 0);
    EXPECT_EQ(tercet_context_output_shape(context.get(), &in, 1, 1, out, TERCET_MAX_RANK, &rank), TERCET_MISUSE);
}

TEST_F(CInterface, LoadsFromMemory) {
    const FileBytes aligned = read_file(file_);
    std::vector<std::byte> bytes(aligned.bytes.size() + 1);
    std::ranges::copy(aligned.bytes, bytes.begin() + 1);  // wherever it may lie
    const std::vector<float> right = expected();
    const tercet_input in = image();
    const auto runs_right = [&](const tercet_engine* engine) {
        tercet_result result{};
        const auto context = context_of(engine);
        ASSERT_EQ(tercet_context_run(context.get(), &in, 1, &result, 1), TERCET_OK) << tercet_last_error();
        EXPECT_EQ(std::memcmp(result.data, right.data(), result.bytes), 0);
    };

    tercet_engine* engine = nullptr;
    ASSERT_EQ(tercet_engine_from_memory(bytes.data() + 1, bytes.size() - 1, nullptr, &engine), TERCET_OK) << tercet_last_error();
    const Handle<tercet_engine> copied(engine);
    std::ranges::fill(bytes, std::byte{0xff});  // it is a copy
    runs_right(copied.get());

    tercet_load_options* options = nullptr;
    ASSERT_EQ(tercet_load_options_create(&options), TERCET_OK);
    const Handle<tercet_load_options> in_place(options);
    ASSERT_EQ(tercet_load_options_set_copy(options, 0), TERCET_OK);
    ASSERT_EQ(tercet_engine_from_memory(aligned.bytes.data(), aligned.bytes.size(), options, &engine), TERCET_OK) << tercet_last_error();
    runs_right(Handle<tercet_engine>(engine).get());

    std::ranges::copy(aligned.bytes, bytes.begin() + 1);
    EXPECT_EQ(tercet_engine_from_memory(bytes.data() + 1, bytes.size() - 1, options, &engine), TERCET_ERROR);
    EXPECT_THAT(tercet_last_error(), HasSubstr("multiple of 64"));
    EXPECT_EQ(engine, nullptr);
}

TEST_F(CInterface, AFileThatWasCopiedMayBeOverwritten) {
    tercet_load_options* options = nullptr;
    ASSERT_EQ(tercet_load_options_create(&options), TERCET_OK);
    const Handle<tercet_load_options> owned(options);
    ASSERT_EQ(tercet_load_options_set_copy(options, 1), TERCET_OK);
    const std::vector<float> right = expected();
    const auto engine = open(file_, options);
    std::filesystem::resize_file(file_, 0);
    const auto context = context_of(engine.get());
    const tercet_input in = image();
    tercet_result result{};
    ASSERT_EQ(tercet_context_run(context.get(), &in, 1, &result, 1), TERCET_OK) << tercet_last_error();
    EXPECT_EQ(std::memcmp(result.data, right.data(), result.bytes), 0);
}

TEST_F(CInterface, AContextOutlivesTheHandleOfItsEngine) {
    auto engine = open(file_);
    const auto context = context_of(engine.get());
    engine.reset();
    const tercet_input in = image();
    EXPECT_EQ(tercet_context_run(context.get(), &in, 1, nullptr, 0), TERCET_OK) << tercet_last_error();
}

TEST_F(CInterface, OptionsReachTheBuild) {
    const auto options = quick_options();
    const std::int64_t min[] = {2, 28, 28, 1}, opt[] = {3, 28, 28, 1}, max[] = {5, 28, 28, 1};
    ASSERT_EQ(tercet_build_options_set_profile(options.get(), "image", 4, min, opt, max), TERCET_OK);
    ASSERT_EQ(tercet_build_options_set_isa(options.get(), "baseline"), TERCET_OK);
    ASSERT_EQ(tercet_build_options_set_strict(options.get(), 1), TERCET_OK);
    ASSERT_EQ(tercet_build_options_set_threads(options.get(), 1), TERCET_OK);
    std::vector<std::string> lines;
    const auto keep = [](void* user, const char* line) { return static_cast<std::vector<std::string>*>(user)->emplace_back(line), 0; };
    ASSERT_EQ(tercet_build_options_set_log(options.get(), keep, &lines), TERCET_OK);
    const std::string file = path("profile.engine");
    ASSERT_EQ(tercet_build(fashion.c_str(), file.c_str(), options.get()), TERCET_OK) << tercet_last_error();
    EXPECT_FALSE(lines.empty());

    const auto engine = open(file);
    EXPECT_STREQ(tercet_engine_isa(engine.get()), "baseline");
    const tercet_tensor_info* in = tercet_engine_input(engine.get(), 0);
    EXPECT_THAT(extents(tercet_tensor_info_min_shape(in), 4), ElementsAre(2, 28, 28, 1));
    EXPECT_THAT(extents(tercet_tensor_info_opt_shape(in), 4), ElementsAre(3, 28, 28, 1));
    EXPECT_THAT(extents(tercet_tensor_info_max_shape(in), 4), ElementsAre(5, 28, 28, 1));

    ASSERT_EQ(tercet_build_options_set_workspace_bytes(options.get(), 1), TERCET_OK);
    EXPECT_EQ(tercet_build(fashion.c_str(), file.c_str(), options.get()), TERCET_ERROR);
    ASSERT_EQ(tercet_build_options_set_precision(options.get(), "fp7"), TERCET_OK);
    EXPECT_EQ(tercet_build(fashion.c_str(), file.c_str(), options.get()), TERCET_ERROR);
    EXPECT_THAT(tercet_last_error(), HasSubstr("fp7"));
}

TEST_F(CInterface, ACallbackCancelsTheBuildAndNoFileIsLeft) {
    const auto options = quick_options();
    const std::string file = path("cancelled.engine");
    const auto cancel_log = [](void* user, const char*) { return ++*static_cast<int*>(user); };
    int calls = 0;
    ASSERT_EQ(tercet_build_options_set_log(options.get(), cancel_log, &calls), TERCET_OK);
    EXPECT_EQ(tercet_build(fashion.c_str(), file.c_str(), options.get()), TERCET_CANCELLED);
    EXPECT_EQ(calls, 1);
    EXPECT_STREQ(tercet_last_error(), "cancelled by a callback");

    ASSERT_EQ(tercet_build_options_set_log(options.get(), nullptr, nullptr), TERCET_OK);
    const auto cancel_progress = [](void* user, const char* what, std::int64_t, std::int64_t) {
        EXPECT_STREQ(what, "tuning");
        return ++*static_cast<int*>(user);
    };
    ASSERT_EQ(tercet_build_options_set_progress(options.get(), cancel_progress, &calls), TERCET_OK);
    ASSERT_EQ(tercet_build_options_set_tune(options.get(), TERCET_TUNE_FAST), TERCET_OK);
    EXPECT_EQ(tercet_build(fashion.c_str(), file.c_str(), options.get()), TERCET_CANCELLED);
    EXPECT_EQ(calls, 2);
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_.path()), {}), 1) << "more than fashion.engine is there";
}

TEST_F(CInterface, RefusesInputsThatAreNotTheEngines) {
    const auto engine = open(file_);
    const auto context = context_of(engine.get());
    const std::int64_t batch33[] = {33, 28, 28, 1}, negative[] = {-1, 28, 28, 1}, huge[] = {INT64_MAX, INT64_MAX, 28, 1};
    struct Case {
        const char* name;
        tercet_input input;
        std::size_t count;
        tercet_status status;
        const char* says;
    };
    const tercet_input good = image();
    const auto with = [&](auto change) { tercet_input in = good; change(in); return in; };
    const Case cases[] = {
        {"no input", good, 0, TERCET_MISUSE, "0 inputs given, the engine has 1"},
        {"two inputs", good, 2, TERCET_MISUSE, "2 inputs given"},
        {"too few bytes", with([](auto& in) { in.bytes -= 1; }), 1, TERCET_MISUSE, "takes 3136 bytes, its memory has 3135"},
        {"no data", with([](auto& in) { in.data = nullptr; }), 1, TERCET_MISUSE, "data is null"},
        {"no shape", with([](auto& in) { in.shape = nullptr; }), 1, TERCET_MISUSE, "shape is null"},
        {"rank 9", with([](auto& in) { in.rank = 9; }), 1, TERCET_MISUSE, "rank is 9"},
        {"rank -1", with([](auto& in) { in.rank = -1; }), 1, TERCET_MISUSE, "rank is -1"},
        {"dtype 99", with([](auto& in) { in.dtype = 99; }), 1, TERCET_MISUSE, "dtype is 99"},
        {"negative extent", with([&](auto& in) { in.shape = negative; }), 1, TERCET_MISUSE, "no tensor is f32[-1,28,28,1]"},
        {"more than there is", with([&](auto& in) { in.shape = huge; }), 1, TERCET_MISUSE, "no tensor is"},
        {"another type", with([](auto& in) { in.dtype = TERCET_I32; }), 1, TERCET_ERROR, "input 'image' is i32, the engine takes f32"},
        {"another rank", with([](auto& in) { in.rank = 3; }), 1, TERCET_ERROR, "image"},
        {"beyond the profile", with([&](auto& in) { in.shape = batch33; in.bytes *= 33; }), 1, TERCET_ERROR, "33"},
    };
    for (const Case& c : cases) {
        SCOPED_TRACE(c.name);
        tercet_result result{TERCET_F32, 1, good.shape, &result, 1};
        const std::array<tercet_input, 2> inputs{c.input, c.input};
        EXPECT_EQ(tercet_context_run(context.get(), inputs.data(), c.count, &result, 1), c.status);
        EXPECT_THAT(tercet_last_error(), HasSubstr(c.says));
        EXPECT_TRUE(result.dtype == TERCET_UNDEFINED && !result.data && !result.shape && result.rank == 0 && result.bytes == 0);
    }
    EXPECT_EQ(tercet_context_run(context.get(), &good, 1, nullptr, 0), TERCET_OK) << "the context is as before";
    tercet_result two[2];
    EXPECT_EQ(tercet_context_run(context.get(), &good, 1, two, 2), TERCET_MISUSE);
}

TEST_F(CInterface, RefusesOutputsThatDoNotFit) {
    const auto engine = open(file_);
    const auto context = context_of(engine.get());
    const tercet_input in = image();
    std::vector<float> own(11, -1);
    const std::int64_t right[] = {1, 10}, wrong[] = {1, 11};
    const auto run = [&](tercet_dtype dtype, const std::int64_t* shape, void* data, std::size_t bytes, std::size_t count = 1) {
        const tercet_output out{dtype, 2, shape, data, bytes};
        return tercet_context_run_into(context.get(), &in, 1, &out, count);
    };
    EXPECT_EQ(run(TERCET_F32, right, own.data(), 39), TERCET_MISUSE);
    EXPECT_THAT(tercet_last_error(), HasSubstr("output 0 ('probabilities')"));
    EXPECT_EQ(run(TERCET_F32, right, nullptr, 40), TERCET_MISUSE);
    EXPECT_EQ(run(TERCET_F32, nullptr, own.data(), 40), TERCET_MISUSE);
    EXPECT_EQ(run(TERCET_F32, right, own.data(), 40, 0), TERCET_MISUSE);
    EXPECT_EQ(run(TERCET_F32, wrong, own.data(), 44), TERCET_ERROR);
    EXPECT_EQ(run(TERCET_I32, right, own.data(), 40), TERCET_ERROR);
    EXPECT_EQ(own, std::vector<float>(11, -1)) << "nothing is written";
    EXPECT_EQ(tercet_context_run_into(context.get(), &in, 1, nullptr, 1), TERCET_MISUSE);
    EXPECT_EQ(run(TERCET_F32, right, own.data(), 40), TERCET_OK);
    EXPECT_EQ(own.back(), -1);
}

TEST_F(CInterface, RefusesNullEverywhere) {
    const auto engine_handle = open(file_);
    const auto context_handle = context_of(engine_handle.get());
    const auto options_handle = quick_options();
    tercet_build_options* o = options_handle.get();
    tercet_context* c = context_handle.get();
    tercet_engine* engine = nullptr;
    tercet_context* context = nullptr;
    std::int64_t shape[TERCET_MAX_RANK] = {1, 28, 28, 1};
    std::int32_t rank = 0;
    tercet_result result{};
    const tercet_input in = image();
    const std::pair<const char*, tercet_status> calls[] = {
        {"options", tercet_build_options_create(nullptr)},
        {"options", tercet_build_options_set_precision(nullptr, "fp32")},
        {"precision", tercet_build_options_set_precision(o, nullptr)},
        {"options", tercet_build_options_set_profile(nullptr, "image", 4, shape, shape, shape)},
        {"input", tercet_build_options_set_profile(o, nullptr, 4, shape, shape, shape)},
        {"min", tercet_build_options_set_profile(o, "image", 4, nullptr, shape, shape)},
        {"opt", tercet_build_options_set_profile(o, "image", 4, shape, nullptr, shape)},
        {"max", tercet_build_options_set_profile(o, "image", 4, shape, shape, nullptr)},
        {"options", tercet_build_options_set_fixed_input(nullptr, "image", "file")},
        {"input", tercet_build_options_set_fixed_input(o, nullptr, "file")},
        {"file", tercet_build_options_set_fixed_input(o, "image", nullptr)},
        {"options", tercet_build_options_set_workspace_bytes(nullptr, 1)},
        {"options", tercet_build_options_set_tune(nullptr, TERCET_TUNE_NONE)},
        {"options", tercet_build_options_set_timing_cache(nullptr, "file")},
        {"options", tercet_build_options_set_isa(nullptr, "avx2")},
        {"options", tercet_build_options_set_threads(nullptr, 1)},
        {"options", tercet_build_options_set_strict(nullptr, 1)},
        {"options", tercet_build_options_disable_pass(nullptr, "all")},
        {"pass", tercet_build_options_disable_pass(o, nullptr)},
        {"options", tercet_build_options_set_progress(nullptr, nullptr, nullptr)},
        {"options", tercet_build_options_set_log(nullptr, nullptr, nullptr)},
        {"model", tercet_build(nullptr, path("x").c_str(), o)},
        {"engine", tercet_build(fashion.c_str(), nullptr, o)},
        {"options", tercet_load_options_create(nullptr)},
        {"options", tercet_load_options_set_copy(nullptr, 1)},
        {"options", tercet_load_options_set_max_isa(nullptr, "avx2")},
        {"file", tercet_engine_open(nullptr, nullptr, &engine)},
        {"engine", tercet_engine_open(file_.c_str(), nullptr, nullptr)},
        {"data", tercet_engine_from_memory(nullptr, 10, nullptr, &engine)},
        {"engine", tercet_engine_from_memory(&in, sizeof in, nullptr, nullptr)},
        {"engine", tercet_context_create(nullptr, 1, &context)},
        {"context", tercet_context_create(engine_handle.get(), 1, nullptr)},
        {"context", tercet_context_output_shape(nullptr, &in, 1, 0, shape, TERCET_MAX_RANK, &rank)},
        {"inputs", tercet_context_output_shape(c, nullptr, 1, 0, shape, TERCET_MAX_RANK, &rank)},
        {"shape", tercet_context_output_shape(c, &in, 1, 0, nullptr, TERCET_MAX_RANK, &rank)},
        {"rank", tercet_context_output_shape(c, &in, 1, 0, shape, TERCET_MAX_RANK, nullptr)},
        {"context", tercet_context_run(nullptr, &in, 1, &result, 1)},
        {"inputs", tercet_context_run(c, nullptr, 1, &result, 1)},
        {"results", tercet_context_run(c, &in, 1, nullptr, 1)},
        {"context", tercet_context_run_into(nullptr, &in, 1, nullptr, 0)},
        {"inputs", tercet_context_run_into(c, nullptr, 1, nullptr, 0)},
    };
    for (std::size_t i = 0; i < std::size(calls); ++i) EXPECT_EQ(calls[i].second, TERCET_MISUSE) << i << ": " << calls[i].first;
    EXPECT_EQ(engine, nullptr);
    EXPECT_EQ(context, nullptr);
    EXPECT_EQ(tercet_build_options_set_precision(o, nullptr), TERCET_MISUSE);
    EXPECT_STREQ(tercet_last_error(), "'precision' is null");

    tercet_build_options_destroy(nullptr);
    tercet_load_options_destroy(nullptr);
    tercet_engine_destroy(nullptr);
    tercet_context_destroy(nullptr);
    EXPECT_EQ(tercet_engine_model(nullptr), nullptr);
    EXPECT_EQ(tercet_engine_precision(nullptr), nullptr);
    EXPECT_EQ(tercet_engine_isa(nullptr), nullptr);
    EXPECT_EQ(tercet_engine_bytes(nullptr), 0u);
    EXPECT_EQ(tercet_engine_input_count(nullptr), 0u);
    EXPECT_EQ(tercet_engine_output_count(nullptr), 0u);
    EXPECT_EQ(tercet_engine_input(nullptr, 0), nullptr);
    EXPECT_EQ(tercet_engine_output(nullptr, 0), nullptr);
    EXPECT_EQ(tercet_tensor_info_name(nullptr), nullptr);
    EXPECT_EQ(tercet_tensor_info_dtype(nullptr), TERCET_UNDEFINED);
    EXPECT_EQ(tercet_tensor_info_rank(nullptr), -1);
    EXPECT_EQ(tercet_tensor_info_shape(nullptr), nullptr);
    EXPECT_EQ(tercet_tensor_info_extent(nullptr, 0), nullptr);
    EXPECT_EQ(tercet_tensor_info_min_shape(nullptr), nullptr);
    EXPECT_EQ(tercet_tensor_info_opt_shape(nullptr), nullptr);
    EXPECT_EQ(tercet_tensor_info_max_shape(nullptr), nullptr);
    EXPECT_EQ(tercet_context_threads(nullptr), 0);
}

TEST_F(CInterface, RefusesNumbersOutOfRange) {
    const auto options = quick_options();
    const std::int64_t shape[9] = {};
    EXPECT_EQ(tercet_build_options_set_tune(options.get(), 3), TERCET_MISUSE);
    EXPECT_EQ(tercet_build_options_set_threads(options.get(), -1), TERCET_MISUSE);
    EXPECT_EQ(tercet_build_options_set_profile(options.get(), "image", 9, shape, shape, shape), TERCET_MISUSE);
    EXPECT_EQ(tercet_build_options_set_profile(options.get(), "image", -1, shape, shape, shape), TERCET_MISUSE);
    EXPECT_EQ(tercet_build_options_set_profile(options.get(), "image", 0, nullptr, nullptr, nullptr), TERCET_OK) << "a scalar";
    EXPECT_EQ(tercet_build(fashion.c_str(), "", options.get()), TERCET_MISUSE);
    const auto engine = open(file_);
    tercet_context* context = nullptr;
    EXPECT_EQ(tercet_context_create(engine.get(), -1, &context), TERCET_MISUSE);
    EXPECT_EQ(context, nullptr);
}

TEST_F(CInterface, SaysWhatIsWrongWithAFile) {
    auto* engine = reinterpret_cast<tercet_engine*>(this);  // anything but null
    EXPECT_EQ(tercet_engine_open(path("missing").c_str(), nullptr, &engine), TERCET_ERROR);
    EXPECT_THAT(tercet_last_error(), AllOf(HasSubstr(path("missing")), HasSubstr("no such file")));
    EXPECT_EQ(engine, nullptr);
    EXPECT_EQ(tercet_engine_open(fashion.c_str(), nullptr, &engine), TERCET_ERROR);
    EXPECT_THAT(tercet_last_error(), HasSubstr("not an engine file"));
    EXPECT_EQ(tercet_engine_from_memory("TERCET\r\n and more", 17, nullptr, &engine), TERCET_ERROR);
    EXPECT_THAT(tercet_last_error(), HasSubstr("damaged"));
    EXPECT_EQ(tercet_build(path("missing").c_str(), path("x").c_str(), nullptr), TERCET_ERROR);

    tercet_load_options* options = nullptr;
    ASSERT_EQ(tercet_load_options_create(&options), TERCET_OK);
    const Handle<tercet_load_options> owned(options);
    ASSERT_EQ(tercet_load_options_set_max_isa(options, "z80"), TERCET_OK);
    EXPECT_EQ(tercet_engine_open(file_.c_str(), options, &engine), TERCET_ERROR);
    EXPECT_THAT(tercet_last_error(), HasSubstr("unknown instruction set 'z80'"));
}

TEST(CInterfaceErrors, AreTheThreadsOwn) {
    ASSERT_EQ(tercet_load_options_create(nullptr), TERCET_MISUSE);
    std::thread([] {
        EXPECT_STREQ(tercet_last_error(), "");
        EXPECT_EQ(tercet_load_options_set_copy(nullptr, 1), TERCET_MISUSE);
    }).join();
    EXPECT_STREQ(tercet_last_error(), "'options' is null");
}

TEST(CInterfaceErrors, AreCutBetweenCharacters) {
    for (const std::string& before : {std::string("x"), std::string("xx"), std::string("xxx")}) {
        std::string text = before;
        while (text.size() < 3000) text += "\u20ac";  // three bytes
        EXPECT_EQ(c_call([&] { throw Misuse{text}; }), TERCET_MISUSE);
        const std::string got = tercet_last_error();
        EXPECT_GE(got.size(), 2045u);
        EXPECT_LE(got.size(), 2047u);
        EXPECT_THAT(got, EndsWith("\u20ac"));
    }
}

TEST(CInterfaceErrors, CoverWhateverIsThrown) {
    EXPECT_EQ(c_call([] { throw std::bad_alloc(); }), TERCET_OUT_OF_MEMORY);
    EXPECT_STREQ(tercet_last_error(), "out of memory");
    EXPECT_EQ(c_call([] { throw std::logic_error("two\nlines"); }), TERCET_INTERNAL);
    EXPECT_STREQ(tercet_last_error(), "two lines");
    EXPECT_EQ(c_call([] { throw 1; }), TERCET_INTERNAL);
}

TEST(CInterfaceTensors, TakeSoManyBytes) {
    const std::int64_t shape[] = {2, 3, 5}, none[] = {INT64_MAX, INT64_MAX, 0}, negative[] = {2, -3, 5};
    const std::int64_t large[] = {INT64_MAX / 8 - 1, 1, 1}, larger[] = {INT64_MAX / 32 + 1, 1, 1};
    EXPECT_EQ(tercet_tensor_bytes(TERCET_F32, 3, shape), 120);
    EXPECT_EQ(tercet_tensor_bytes(TERCET_F64, 0, nullptr), 8);
    EXPECT_EQ(tercet_tensor_bytes(TERCET_BOOL, 3, none), 0);
    EXPECT_EQ(tercet_tensor_bytes(TERCET_U8, 3, large), large[0]);
    EXPECT_EQ(tercet_tensor_bytes(TERCET_F32, 3, larger), -1);
    EXPECT_EQ(tercet_tensor_bytes(TERCET_F32, 3, negative), -1);
    EXPECT_EQ(tercet_tensor_bytes(TERCET_F32, 3, nullptr), -1);
    EXPECT_EQ(tercet_tensor_bytes(TERCET_F32, 9, shape), -1);
    EXPECT_EQ(tercet_tensor_bytes(TERCET_F32, -1, shape), -1);
    EXPECT_EQ(tercet_tensor_bytes(TERCET_UNDEFINED, 3, shape), -1);
    EXPECT_EQ(tercet_tensor_bytes(8, 3, shape), -1) << "strings";
    EXPECT_EQ(tercet_tensor_bytes(-1, 3, shape), -1);
    EXPECT_STREQ(tercet_dtype_name(TERCET_BF16), "bf16");
    EXPECT_EQ(tercet_dtype_name(TERCET_UNDEFINED), nullptr);
    EXPECT_EQ(tercet_dtype_name(1000), nullptr);
}

}  // namespace
}  // namespace tercet
