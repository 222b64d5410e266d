// SPDX-License-Identifier: Apache-2.0
#include "api/c_engine.h"
#include "tensor/dims.h"

#include <fmt/format.h>

#include <algorithm>

using namespace tercet;

static_assert(TERCET_MAX_RANK == max_rank);
static_assert(TERCET_F32 == static_cast<int>(DType::f32) && TERCET_U64 == static_cast<int>(DType::u64) && TERCET_BF16 == static_cast<int>(DType::bf16));

struct tercet_context {
    Context context;
    std::vector<InputView> inputs{};    // room for a run's arguments
    std::vector<OutputView> outputs{};
};

namespace {

// The elements' bytes, each extent and the product being what they can be; -1 if not.
std::int64_t checked_bytes(tercet_dtype dtype, std::int32_t rank, const std::int64_t* shape) {
    if (!is_dtype(dtype) || rank < 0 || rank > max_rank || (rank > 0 && !shape)) return -1;
    const auto bits = bits_of(static_cast<DType>(dtype));
    if (bits == 0 || std::any_of(shape, shape + rank, [](std::int64_t d) { return d < 0; })) return -1;
    std::int64_t count = 1, all = 0;
    if (std::find(shape, shape + rank, 0) != shape + rank) return 0;
    for (std::int32_t i = 0; i < rank; ++i)
        if (__builtin_mul_overflow(count, shape[i], &count)) return -1;
    if (__builtin_mul_overflow(count, bits, &all) || all > std::numeric_limits<std::int64_t>::max() - 7) return -1;
    return (all + 7) / 8;
}

// What a caller says about a tensor is whole: from here on its shape can be read, and its data as far as the shape goes.
template <class Tensor>
void check_tensor(const Tensor& t, std::string_view what, std::size_t i, std::string_view name, bool with_data) {
    const auto misuse = [&](std::string_view problem) { throw Misuse{fmt::format("{} {} ('{}'): {}", what, i, name, problem)}; };
    if (!is_dtype(t.dtype)) misuse(fmt::format("its dtype is {}, which is none of TERCET_F32, ...", t.dtype));
    if (t.rank < 0 || t.rank > max_rank) misuse(fmt::format("its rank is {}, should be 0 to {}", t.rank, max_rank));
    if (t.rank > 0 && !t.shape) misuse("its shape is null");
    const std::int64_t needed = checked_bytes(t.dtype, t.rank, t.shape);
    const std::span shape(t.shape, static_cast<std::size_t>(t.rank));
    if (needed < 0) misuse(fmt::format("no tensor is {}[{}]", name_of(static_cast<DType>(t.dtype)), fmt::join(shape, ",")));
    if (!with_data) return;
    if (needed > 0 && !t.data) misuse("its data is null");
    if (t.bytes < static_cast<std::uint64_t>(needed))
        misuse(fmt::format("{}[{}] takes {} bytes, its memory has {}", name_of(static_cast<DType>(t.dtype)), fmt::join(shape, ","), needed, t.bytes));
}

// `given` of `count` tensors as views, in room that is there already.
template <class View, class Tensor>
std::span<const View> views_of(std::vector<View>& room, const Tensor* tensors, std::size_t count, std::span<const TensorInfo> infos, std::string_view what, bool with_data = true) {
    if (count != infos.size()) throw Misuse{fmt::format("{} {}s given, the engine has {}", count, what, infos.size())};
    room.clear();
    for (std::size_t i = 0; i < count; ++i) {
        const Tensor& t = (&given(tensors, what == "input" ? "inputs" : "outputs"))[i];
        check_tensor(t, what, i, infos[i].name, with_data);
        room.push_back({static_cast<DType>(t.dtype), std::span(t.shape, static_cast<std::size_t>(t.rank)), t.data});
    }
    return room;
}

}  // namespace

const char* tercet_dtype_name(tercet_dtype dtype) { return is_dtype(dtype) ? name_of(static_cast<DType>(dtype)).data() : nullptr; }

int64_t tercet_tensor_bytes(tercet_dtype dtype, int32_t rank, const int64_t* shape) { return checked_bytes(dtype, rank, shape); }

tercet_status tercet_context_create(const tercet_engine* engine, int32_t threads, tercet_context** context) {
    return c_call([&] {
        give(context, "context", [&] {
            const Engine& e = given(engine, "engine").engine;
            if (threads < 0) throw Misuse{"'threads' is negative"};
            auto handle = std::make_unique<tercet_context>(tercet_context{.context = Context(e, threads)});
            handle->inputs.reserve(e.inputs().size());
            handle->outputs.reserve(e.outputs().size());
            return handle.release();
        });
    });
}

void tercet_context_destroy(tercet_context* context) { delete context; }

int32_t tercet_context_threads(const tercet_context* context) { return context ? context->context.threads() : 0; }

tercet_status tercet_context_output_shape(tercet_context* context, const tercet_input* inputs, size_t input_count, size_t output,
                                          int64_t* shape, int32_t capacity, int32_t* rank) {
    return c_call([&] {
        given(rank, "rank") = 0;
        const Engine& e = given(context, "context").context.engine();
        if (output >= e.outputs().size()) throw Misuse{fmt::format("no output {}, the engine has {}", output, e.outputs().size())};
        const auto in = views_of(context->inputs, inputs, input_count, e.inputs(), "input", false);
        const std::vector<std::int64_t> extents = context->context.output_shapes(in)[output];
        if (std::cmp_less(capacity, extents.size())) throw Misuse{fmt::format("'capacity' is {}, the output has rank {}", capacity, extents.size())};
        if (!extents.empty()) std::ranges::copy(extents, &given(shape, "shape"));
        *rank = static_cast<std::int32_t>(extents.size());
    });
}

tercet_status tercet_context_run(tercet_context* context, const tercet_input* inputs, size_t input_count, tercet_result* results, size_t result_count) {
    return c_call([&] {
        if (result_count > 0) given(results, "results");
        Context& c = given(context, "context").context;
        const Engine& e = c.engine();
        if (result_count > e.outputs().size()) throw Misuse{fmt::format("{} results asked for, the engine has {} outputs", result_count, e.outputs().size())};
        std::fill_n(results, result_count, tercet_result{});
        const std::span<const ResultView> made = c.run(views_of(context->inputs, inputs, input_count, e.inputs(), "input"));
        for (std::size_t i = 0; i < result_count; ++i) {
            const ResultView& r = made[i];
            std::int64_t count = count_of(r.shape);
            results[i] = {.dtype = static_cast<tercet_dtype>(r.dtype), .rank = static_cast<std::int32_t>(r.shape.size()),
                          .shape = r.shape.empty() ? nullptr : r.shape.data(), .data = r.data, .bytes = bytes_of(r.dtype, count)};
        }
    });
}

tercet_status tercet_context_run_into(tercet_context* context, const tercet_input* inputs, size_t input_count, const tercet_output* outputs, size_t output_count) {
    return c_call([&] {
        Context& c = given(context, "context").context;
        const Engine& e = c.engine();
        const auto in = views_of(context->inputs, inputs, input_count, e.inputs(), "input");
        c.run(in, views_of(context->outputs, outputs, output_count, e.outputs(), "output"));
    });
}
