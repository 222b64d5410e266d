// SPDX-License-Identifier: Apache-2.0
// The C interface as a C compiler sees it: numbers and layouts that must not change, and one round from model to results.
// src/api/c_interface_test.cpp has the rest.
//
//     c_interface_test examples/fashion_mnist/model.onnx ENGINE      writes the engine there
#include "tercet/tercet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(TERCET_OK == 0 && TERCET_ERROR == 1 && TERCET_MISUSE == 2 && TERCET_OUT_OF_MEMORY == 3 && TERCET_CANCELLED == 4 && TERCET_INTERNAL == 5, "statuses");
_Static_assert(TERCET_F32 == 1 && TERCET_U8 == 2 && TERCET_I8 == 3 && TERCET_U16 == 4 && TERCET_I16 == 5 && TERCET_I32 == 6 && TERCET_I64 == 7
               && TERCET_BOOL == 9 && TERCET_F16 == 10 && TERCET_F64 == 11 && TERCET_U32 == 12 && TERCET_U64 == 13 && TERCET_BF16 == 16, "types are ONNX's");
_Static_assert(TERCET_TUNE_NONE == 0 && TERCET_TUNE_FAST == 1 && TERCET_TUNE_FULL == 2, "ways to tune");
_Static_assert(sizeof(tercet_status) == 4 && sizeof(tercet_dtype) == 4 && sizeof(tercet_tune) == 4, "numbers have fixed sizes");
#define LAYOUT(type) \
    _Static_assert(offsetof(type, dtype) == 0 && offsetof(type, rank) == 4 && offsetof(type, shape) == 8 \
                   && offsetof(type, data) == 8 + sizeof(void*) && offsetof(type, bytes) == 8 + 2 * sizeof(void*) && sizeof(type) == 8 + 3 * sizeof(void*), #type)
LAYOUT(tercet_input);
LAYOUT(tercet_output);
LAYOUT(tercet_result);

static void must(int holds, const char* what) {
    if (holds) return;
    fprintf(stderr, "%s; the last error was: %s\n", what, tercet_last_error());
    exit(1);
}

static int count(void* user, const char* line) {
    must(strlen(line) > 0, "a log line is empty");
    ++*(int*)user;
    return 0;
}

int main(int argc, char** argv) {
    must(argc == 3, "usage: c_interface_test MODEL ENGINE");

    tercet_build_options* options = NULL;
    int lines = 0;
    must(tercet_build_options_create(&options) == TERCET_OK, "no options");
    must(tercet_build_options_set_tune(options, TERCET_TUNE_NONE) == TERCET_OK, "no tune");
    must(tercet_build_options_set_log(options, count, &lines) == TERCET_OK, "no log");
    must(tercet_build(argv[1], argv[2], options) == TERCET_OK, "no engine");
    tercet_build_options_destroy(options);
    must(lines > 0, "no line was logged");

    tercet_engine* engine = NULL;
    tercet_context* context = NULL;
    must(tercet_engine_open(argv[2], NULL, &engine) == TERCET_OK, "it does not load");
    must(tercet_context_create(engine, 2, &context) == TERCET_OK, "no context");

    const tercet_tensor_info* const info = tercet_engine_input(engine, 0);
    tercet_input input = {.dtype = tercet_tensor_info_dtype(info), .rank = tercet_tensor_info_rank(info), .shape = tercet_tensor_info_max_shape(info)};
    const int64_t bytes = tercet_tensor_bytes(input.dtype, input.rank, input.shape);
    must(bytes == 32 * 28 * 28 * 4, "the input's size");
    input.bytes = (size_t)bytes;
    float* const pixels = calloc(1, input.bytes);
    input.data = pixels;

    tercet_result result;
    must(tercet_context_run(context, &input, 1, &result, 1) == TERCET_OK, "it does not run");
    must(result.dtype == TERCET_F32 && result.rank == 2 && result.shape[0] == 32 && result.shape[1] == 10 && result.bytes == 32 * 10 * 4, "the result");

    int64_t shape[TERCET_MAX_RANK];
    int32_t rank = 0;
    must(tercet_context_output_shape(context, &input, 1, 0, shape, TERCET_MAX_RANK, &rank) == TERCET_OK, "no shape");
    float scores[320];
    const tercet_output output = {TERCET_F32, rank, shape, scores, sizeof scores};
    const void* const first = result.data;
    float kept[320];
    memcpy(kept, first, sizeof kept);
    must(tercet_context_run_into(context, &input, 1, &output, 1) == TERCET_OK, "it does not run into the caller's memory");
    must(memcmp(scores, kept, sizeof scores) == 0, "the two ways differ");

    must(tercet_context_run(NULL, &input, 1, &result, 1) == TERCET_MISUSE, "no context was taken for one");
    must(strcmp(tercet_last_error(), "'context' is null") == 0, "the message");

    tercet_context_destroy(context);
    tercet_engine_destroy(engine);
    free(pixels);
    return 0;
}
