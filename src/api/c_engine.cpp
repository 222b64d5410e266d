// SPDX-License-Identifier: Apache-2.0
#include "api/c_engine.h"

#include <charconv>
#include <cstddef>
#include <memory>
#include <optional>

using namespace tercet;

struct tercet_load_options {
    std::optional<bool> copy{};
    std::string max_isa{};
};

namespace {

std::int64_t number_or_dynamic(const std::string& extent) {
    std::int64_t n = 0;
    const char* const end = extent.data() + extent.size();
    const auto [stop, failure] = std::from_chars(extent.data(), end, n);
    return failure == std::errc() && stop == end ? n : -1;
}

std::vector<tercet_tensor_info> infos_of(std::span<const TensorInfo> tensors) {
    std::vector<tercet_tensor_info> infos;
    for (const TensorInfo& t : tensors) {
        infos.push_back({.info = &t});
        for (const std::string& extent : t.shape) infos.back().shape.push_back(number_or_dynamic(extent));
    }
    return infos;
}

tercet_engine* handle_of(Engine engine) {
    auto handle = std::make_unique<tercet_engine>(tercet_engine{.engine = std::move(engine)});
    const Engine& e = handle->engine;
    handle->model = e.model();
    handle->precision = e.precision();
    handle->isa = e.isa();
    handle->inputs = infos_of(e.inputs());
    handle->outputs = infos_of(e.outputs());
    return handle.release();
}

}  // namespace

tercet_status tercet_load_options_create(tercet_load_options** options) {
    return c_call([&] { give(options, "options", [] { return new tercet_load_options; }); });
}

void tercet_load_options_destroy(tercet_load_options* options) { delete options; }

tercet_status tercet_load_options_set_copy(tercet_load_options* options, int32_t copy) {
    return c_call([&] { given(options, "options").copy = copy != 0; });
}

tercet_status tercet_load_options_set_max_isa(tercet_load_options* options, const char* isa) {
    return c_call([&] { given(options, "options").max_isa = isa ? isa : ""; });
}

tercet_status tercet_engine_open(const char* file, const tercet_load_options* options, tercet_engine** engine) {
    return c_call([&] {
        give(engine, "engine", [&] {
            const tercet_load_options o = options ? *options : tercet_load_options{};
            return handle_of(Engine::open(given_text(file, "file"), o.copy.value_or(false) ? Load::copy : Load::map, o.max_isa));
        });
    });
}

tercet_status tercet_engine_from_memory(const void* data, size_t bytes, const tercet_load_options* options, tercet_engine** engine) {
    return c_call([&] {
        give(engine, "engine", [&] {
            const tercet_load_options o = options ? *options : tercet_load_options{};
            const std::span file(&given(static_cast<const std::byte*>(data), "data"), bytes);
            std::shared_ptr<const void> owner;
            if (!o.copy.value_or(true)) owner = {data, [](const void*) {}};  // the caller keeps it
            return handle_of(Engine::from_memory(file, std::move(owner), o.max_isa));
        });
    });
}

void tercet_engine_destroy(tercet_engine* engine) { delete engine; }

const char* tercet_engine_model(const tercet_engine* engine) { return engine ? engine->model.c_str() : nullptr; }
const char* tercet_engine_precision(const tercet_engine* engine) { return engine ? engine->precision.c_str() : nullptr; }
const char* tercet_engine_isa(const tercet_engine* engine) { return engine ? engine->isa.c_str() : nullptr; }
uint64_t tercet_engine_bytes(const tercet_engine* engine) { return engine ? engine->engine.bytes() : 0; }
size_t tercet_engine_input_count(const tercet_engine* engine) { return engine ? engine->inputs.size() : 0; }
size_t tercet_engine_output_count(const tercet_engine* engine) { return engine ? engine->outputs.size() : 0; }

const tercet_tensor_info* tercet_engine_input(const tercet_engine* engine, size_t index) {
    return engine && index < engine->inputs.size() ? &engine->inputs[index] : nullptr;
}

const tercet_tensor_info* tercet_engine_output(const tercet_engine* engine, size_t index) {
    return engine && index < engine->outputs.size() ? &engine->outputs[index] : nullptr;
}

const char* tercet_tensor_info_name(const tercet_tensor_info* info) { return info ? info->info->name.c_str() : nullptr; }
tercet_dtype tercet_tensor_info_dtype(const tercet_tensor_info* info) { return info ? static_cast<tercet_dtype>(info->info->dtype) : TERCET_UNDEFINED; }
int32_t tercet_tensor_info_rank(const tercet_tensor_info* info) { return info ? static_cast<int32_t>(info->shape.size()) : -1; }
const int64_t* tercet_tensor_info_shape(const tercet_tensor_info* info) { return info ? info->shape.data() : nullptr; }

const char* tercet_tensor_info_extent(const tercet_tensor_info* info, int32_t axis) {
    if (!info || axis < 0 || static_cast<std::size_t>(axis) >= info->shape.size()) return nullptr;
    return info->info->shape[static_cast<std::size_t>(axis)].c_str();
}

const int64_t* tercet_tensor_info_min_shape(const tercet_tensor_info* info) { return info ? info->info->min_shape.data() : nullptr; }
const int64_t* tercet_tensor_info_opt_shape(const tercet_tensor_info* info) { return info ? info->info->opt_shape.data() : nullptr; }
const int64_t* tercet_tensor_info_max_shape(const tercet_tensor_info* info) { return info ? info->info->max_shape.data() : nullptr; }
