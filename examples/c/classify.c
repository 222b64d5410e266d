// SPDX-License-Identifier: Apache-2.0
// Classifies one sample with an engine, in C:
//
//     tercet build model.onnx -o model.engine
//     classify_c model.engine pixels.f32
//
// The file holds the input's elements as they lie in memory (f32, little-endian); without one, all are 0.5. Prints the three
// classes with the highest scores.
#include <tercet/tercet.h>

#include <stdio.h>
#include <stdlib.h>

static int fail(const char* what, const char* why) {
    fprintf(stderr, "classify_c: error: %s: %s\n", what, why);
    return 1;
}

// Fills `elements` from the file, or with 0.5 if there is none; 0 if the file does not hold exactly so many.
static int fill(float* elements, size_t count, const char* name) {
    if (!name) {
        for (size_t i = 0; i < count; ++i) elements[i] = 0.5f;
        return 1;
    }
    FILE* const file = fopen(name, "rb");
    if (!file) return 0;
    const int fits = fread(elements, sizeof *elements, count, file) == count && fgetc(file) == EOF;
    fclose(file);
    return fits;
}

static void print_top(const float* scores, size_t classes) {
    size_t last = classes;
    for (int place = 1; place <= 3 && (size_t)place <= classes; ++place) {
        size_t best = classes;  // the highest score behind the last one printed; of equal ones, the first
        for (size_t i = 0; i < classes; ++i) {
            const int printed = last < classes && (scores[i] > scores[last] || (scores[i] == scores[last] && i <= last));
            if (!printed && (best == classes || scores[i] > scores[best])) best = i;
        }
        if (best == classes) return;  // what is left is no number
        printf("%d. class %zu %.4f\n", place, best, (double)scores[best]);
        last = best;
    }
}

static int classify(tercet_context* context, const tercet_tensor_info* image, const char* file) {
    // A dynamic extent gets the least that the engine takes: a batch of one.
    const int64_t* const shape = tercet_tensor_info_min_shape(image);
    tercet_input input = {tercet_tensor_info_dtype(image), tercet_tensor_info_rank(image), shape, NULL, 0};
    const int64_t bytes = tercet_tensor_bytes(input.dtype, input.rank, input.shape);
    if (input.dtype != TERCET_F32 || bytes <= 0) return fail(tercet_tensor_info_name(image), "is no f32 input");
    float* const elements = malloc((size_t)bytes);
    if (!elements) return fail("input", "out of memory");
    input.data = elements;
    input.bytes = (size_t)bytes;

    int status = 0;
    tercet_result scores;
    if (!fill(elements, input.bytes / sizeof *elements, file)) {
        status = fail(file, "cannot be read, or is not of the input's size");
    } else if (tercet_context_run(context, &input, 1, &scores, 1) != TERCET_OK) {
        status = fail("running", tercet_last_error());
    } else if (scores.dtype != TERCET_F32) {
        status = fail("output", "is not f32");
    } else {
        const size_t samples = input.rank > 0 && shape[0] > 0 ? (size_t)shape[0] : 1;
        print_top(scores.data, scores.bytes / sizeof(float) / samples);  // of the first sample
    }
    free(elements);
    return status;
}

int main(int argc, char** argv) {
    if (argc != 2 && argc != 3) {
        fprintf(stderr, "usage: classify_c ENGINE [FILE]\n");
        return 2;
    }
    tercet_engine* engine = NULL;
    tercet_context* context = NULL;
    int status = 0;
    if (tercet_engine_open(argv[1], NULL, &engine) != TERCET_OK) {
        status = fail("loading", tercet_last_error());
    } else if (tercet_engine_input_count(engine) != 1 || tercet_engine_output_count(engine) == 0) {
        status = fail(argv[1], "is no classifier with one input");
    } else if (tercet_context_create(engine, 0, &context) != TERCET_OK) {  // 0: as many threads as there are processors
        status = fail("preparing", tercet_last_error());
    } else {
        status = classify(context, tercet_engine_input(engine, 0), argc == 3 ? argv[2] : NULL);
    }
    tercet_context_destroy(context);
    tercet_engine_destroy(engine);
    return status;
}
