// SPDX-License-Identifier: Apache-2.0
/// @file
/// Tercet's C interface (C11, and C++): building an engine from a model, loading it, running it.
///
///     tercet_engine* engine = NULL;
///     tercet_context* context = NULL;
///     tercet_result scores;
///     const int64_t shape[] = {1, 28, 28, 1};
///     const tercet_input image = {TERCET_F32, 4, shape, pixels, sizeof pixels};
///     if (tercet_engine_open("fashion.engine", NULL, &engine) != TERCET_OK || tercet_context_create(engine, 0, &context) != TERCET_OK
///         || tercet_context_run(context, &image, 1, &scores, 1) != TERCET_OK)
///         fprintf(stderr, "%s\n", tercet_last_error());
///
/// **Errors.** A call that can fail returns a #tercet_status. Anything but #TERCET_OK comes with one line of text, which
/// tercet_last_error() gives on the same thread. No exception leaves the library, and nothing is printed. A null handle, pointer or
/// name is refused with #TERCET_MISUSE where it is not said to be allowed; getters answer it with null, 0 or -1. A call that fails
/// sets what it would have given to null or zeros, and leaves its handles as they were.
///
/// **Lifetimes.** Whoever creates a handle destroys it. A context keeps what it needs of its engine, so that the two may be destroyed
/// in any order. Text and shapes that a getter gives belong to the handle and last as long as it does. What is handed over (names,
/// shapes, options) is copied before the call returns, unless it is said to be used in place.
///
/// **Threads.** Different handles may be used at the same time. An engine is immutable: any number of threads may use it at once.
/// Options and contexts are one thread's at a time; to run in parallel, create a context for each thread. A context's own threads do
/// not survive fork(): create it in the process that runs it.
///
/// **State.** There is none but the handles and each thread's last message: environment, signals and the caller's
/// floating-point mode are neither read nor changed.
///
/// **Stability.** Within a soname no function changes or goes away, no number changes its meaning, and no structure grows: what is
/// new comes as new functions and new numbers. Handles are opaque, numbers have fixed sizes.
#pragma once

#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

/// @name Version
/// @{
#define TERCET_VERSION_MAJOR 0 ///< of this header
#define TERCET_VERSION_MINOR 1 ///< of this header
#define TERCET_VERSION_PATCH 0 ///< of this header

/// The version of the library that runs: "0.1.0".
const char* tercet_version(void);
/// @}

/// @name Errors
/// @{
typedef int32_t tercet_status; ///< how a call went: #TERCET_OK, or why not; a number not known here is a failure, too
enum {
    TERCET_OK = 0,            ///< done
    TERCET_ERROR = 1,         ///< what was given is at fault: a file, a model, a shape, an option's value; the message says what to do
    TERCET_MISUSE = 2,        ///< the call is at fault: a null pointer, a number out of range, too little memory for a tensor
    TERCET_OUT_OF_MEMORY = 3, ///< memory is short
    TERCET_CANCELLED = 4,     ///< a callback asked for it
    TERCET_INTERNAL = 5       ///< a mistake in Tercet: please report it
};

/// What the last call that failed on this thread had to say: one line of UTF-8 without its end, of at most 2047 bytes. Never null;
/// empty if no call has failed. It lasts until another call fails on this thread.
const char* tercet_last_error(void);
/// @}

/// @name Tensors
/// Dense and row-major, of at most #TERCET_MAX_RANK axes. The structures are filled in by position or by name; their layout is fixed.
/// @{
typedef int32_t tercet_dtype; ///< the type of a tensor's elements, by ONNX's numbers (TensorProto.DataType)
enum {
    TERCET_UNDEFINED = 0, ///< no type
    TERCET_F32 = 1,       ///< float
    TERCET_U8 = 2,        ///< uint8_t
    TERCET_I8 = 3,        ///< int8_t
    TERCET_U16 = 4,       ///< uint16_t
    TERCET_I16 = 5,       ///< int16_t
    TERCET_I32 = 6,       ///< int32_t
    TERCET_I64 = 7,       ///< int64_t
    TERCET_BOOL = 9,      ///< a byte, 0 or 1
    TERCET_F16 = 10,      ///< IEEE binary16
    TERCET_F64 = 11,      ///< double
    TERCET_U32 = 12,      ///< uint32_t
    TERCET_U64 = 13,      ///< uint64_t
    TERCET_BF16 = 16      ///< the upper half of a float
};
enum {
    TERCET_MAX_RANK = 8   ///< no tensor has more axes
};

/// The short name of a type: "f32". Null if the number is none of ONNX's.
const char* tercet_dtype_name(tercet_dtype dtype);

/// The bytes that a tensor takes; -1 if the type has no size, an extent is negative, the rank is not 0 to #TERCET_MAX_RANK, or the
/// number is too large. `shape` may be null for rank 0.
int64_t tercet_tensor_bytes(tercet_dtype dtype, int32_t rank, const int64_t* shape);

/// An input of a run, in the caller's memory, which is read in place and must not change until the run is over.
typedef struct tercet_input {
    tercet_dtype dtype;   ///< the engine's own for this input
    int32_t rank;         ///< extents in `shape`
    const int64_t* shape; ///< may be null for rank 0
    const void* data;     ///< aligned as its elements want; may be null if there are none
    size_t bytes;         ///< that `data` holds: at least what type and shape take
} tercet_input;

/// Memory of the caller's for an output of a run, which writes it in place.
typedef struct tercet_output {
    tercet_dtype dtype;   ///< the engine's own for this output
    int32_t rank;         ///< extents in `shape`
    const int64_t* shape; ///< what tercet_context_output_shape() says; may be null for rank 0
    void* data;           ///< aligned as its elements want; may be null if there are none
    size_t bytes;         ///< that `data` has room for: at least what type and shape take
} tercet_output;

/// An output of a run, in the context's memory: it lasts until the context's next run or its end.
typedef struct tercet_result {
    tercet_dtype dtype;   ///< of the elements
    int32_t rank;         ///< extents in `shape`
    const int64_t* shape; ///< null for rank 0
    const void* data;     ///< may be null if there are no elements
    size_t bytes;         ///< that the elements take
} tercet_result;
/// @}

/// @name Building
/// @{
typedef struct tercet_build_options tercet_build_options; ///< how tercet_build() builds

typedef int32_t tercet_tune; ///< how much a build measures
enum {
    TERCET_TUNE_NONE = 0, ///< choose by estimated cost, time nothing
    TERCET_TUNE_FAST = 1, ///< time the candidates, dropping losers early
    TERCET_TUNE_FULL = 2  ///< time all candidates at length
};

/// Told how far a build has come, on the thread that called tercet_build(). Anything but 0 cancels the build. It must return: neither
/// a C++ exception nor longjmp may leave it.
typedef int (*tercet_progress_callback)(void* user, const char* what, int64_t done, int64_t total);

/// Told in one line what a pass did or what a tuning found; otherwise the same.
typedef int (*tercet_log_callback)(void* user, const char* line);

/// Options as tercet_build() has them without any.
tercet_status tercet_build_options_create(tercet_build_options** options);
/// Null is allowed.
void tercet_build_options_destroy(tercet_build_options* options);

/// The arithmetic: "fp32", which is also the default.
tercet_status tercet_build_options_set_precision(tercet_build_options* options, const char* precision);
/// The shapes between which an input may lie, and the one to tune for; each of them `rank` extents. Without it, a dynamic first
/// dimension is 1 to 32 and tuned for 16.
tercet_status tercet_build_options_set_profile(tercet_build_options* options, const char* input, int32_t rank, const int64_t* min,
                                               const int64_t* opt, const int64_t* max);
/// An input that becomes a constant, with its value from an NPY or TensorProto (.pb) file.
tercet_status tercet_build_options_set_fixed_input(tercet_build_options* options, const char* input, const char* file);
/// Bytes for activations and kernels' scratch at the largest shapes; 1 GiB unless set.
tercet_status tercet_build_options_set_workspace_bytes(tercet_build_options* options, uint64_t bytes);
/// One of TERCET_TUNE_...; #TERCET_TUNE_FAST unless set.
tercet_status tercet_build_options_set_tune(tercet_build_options* options, tercet_tune tune);
/// A file of timings, read and extended. The same timings give the same engine, and a later build times only what is new to it.
/// Null, as at first: none.
tercet_status tercet_build_options_set_timing_cache(tercet_build_options* options, const char* file);
/// The instruction set to build for, by its name ("avx2"). Null, as at first: this processor's.
tercet_status tercet_build_options_set_isa(tercet_build_options* options, const char* isa);
/// The threads that contexts are expected to have; 0, as at first: all that the process may use.
tercet_status tercet_build_options_set_threads(tercet_build_options* options, int32_t threads);
/// Other than 0: no kernel that changes the arithmetic, such as Winograd's convolution.
tercet_status tercet_build_options_set_strict(tercet_build_options* options, int32_t strict);
/// A rewrite of the graph that is not to be done; "all": every optional one. May be called repeatedly.
tercet_status tercet_build_options_disable_pass(tercet_build_options* options, const char* pass);
/// Null, as at first: none. `user` is handed to it.
tercet_status tercet_build_options_set_progress(tercet_build_options* options, tercet_progress_callback callback, void* user);
/// Null, as at first: none. `user` is handed to it.
tercet_status tercet_build_options_set_log(tercet_build_options* options, tercet_log_callback callback, void* user);

/// Builds an engine from the ONNX file `model` and writes it to the file `engine`, which appears whole or not at all. `options` may
/// be null. Takes seconds to minutes, and loads the machine, unless it tunes nothing.
tercet_status tercet_build(const char* model, const char* engine, const tercet_build_options* options);
/// @}

/// @name Loading
/// @{
typedef struct tercet_load_options tercet_load_options; ///< how an engine is loaded
typedef struct tercet_engine tercet_engine;             ///< an engine, immutable
typedef struct tercet_tensor_info tercet_tensor_info;   ///< what an input or output is; belongs to the handle of the engine

/// Options as loading has them without any.
tercet_status tercet_load_options_create(tercet_load_options** options);
/// Null is allowed.
void tercet_load_options_destroy(tercet_load_options* options);

/// Whether the engine's bytes are copied, or used where they are. A file is mapped unless this is set to other than 0: its weights are
/// read when they are first used, and shared among processes; replacing the file by rename is safe, truncating it in place is not.
/// Memory is copied unless this is set to 0: then it starts at a multiple of 64, and stays as it is until the engine and all its
/// contexts are destroyed.
tercet_status tercet_load_options_set_copy(tercet_load_options* options, int32_t copy);
/// The highest instruction set to use, by its name; an engine that needs more is refused. Null, as at first: this processor's.
tercet_status tercet_load_options_set_max_isa(tercet_load_options* options, const char* isa);

/// Loads an engine from a file. #TERCET_ERROR if that is missing, damaged, of another version of the format, or for another processor:
/// then it helps to build it again. `options` may be null.
tercet_status tercet_engine_open(const char* file, const tercet_load_options* options, tercet_engine** engine);
/// The same from a file's bytes in memory.
tercet_status tercet_engine_from_memory(const void* data, size_t bytes, const tercet_load_options* options, tercet_engine** engine);
/// Contexts of the engine stay usable. Null is allowed.
void tercet_engine_destroy(tercet_engine* engine);

const char* tercet_engine_model(const tercet_engine* engine);     ///< the model's name
const char* tercet_engine_precision(const tercet_engine* engine); ///< "fp32"
const char* tercet_engine_isa(const tercet_engine* engine);       ///< the instruction set that it needs: "avx2"
uint64_t tercet_engine_bytes(const tercet_engine* engine);        ///< of the file
size_t tercet_engine_input_count(const tercet_engine* engine);    ///< how many inputs a run takes
size_t tercet_engine_output_count(const tercet_engine* engine);   ///< how many outputs a run gives

/// An input, by its place in a run. Null if there is none.
const tercet_tensor_info* tercet_engine_input(const tercet_engine* engine, size_t index);
/// An output, by its place in a run. Null if there is none.
const tercet_tensor_info* tercet_engine_output(const tercet_engine* engine, size_t index);

const char* tercet_tensor_info_name(const tercet_tensor_info* info);   ///< as in the model
tercet_dtype tercet_tensor_info_dtype(const tercet_tensor_info* info); ///< of its elements
int32_t tercet_tensor_info_rank(const tercet_tensor_info* info);       ///< how many axes it has

/// Its extents, -1 where they may differ from run to run.
const int64_t* tercet_tensor_info_shape(const tercet_tensor_info* info);
/// What an extent is: a number or an expression over symbols ("N", "2*N"); equal ones are equal in every run. Null if there is no such
/// axis.
const char* tercet_tensor_info_extent(const tercet_tensor_info* info, int32_t axis);
/// The least shape that the engine takes or gives; 0 where an extent depends on the data.
const int64_t* tercet_tensor_info_min_shape(const tercet_tensor_info* info);
/// The shape that the engine was tuned for.
const int64_t* tercet_tensor_info_opt_shape(const tercet_tensor_info* info);
/// The greatest shape that the engine takes or gives.
const int64_t* tercet_tensor_info_max_shape(const tercet_tensor_info* info);
/// @}

/// @name Running
/// @{
typedef struct tercet_context tercet_context; ///< one caller's buffers and threads

/// A context that runs on so many threads, of which one is the caller's; 0: as many as the process may use processors. With 1 no thread
/// is started.
tercet_status tercet_context_create(const tercet_engine* engine, int32_t threads, tercet_context** context);
/// Null is allowed.
void tercet_context_destroy(tercet_context* context);
/// How many it runs on, the caller's included.
int32_t tercet_context_threads(const tercet_context* context);

/// An output's shape for inputs of these types and shapes, whose data is not read and may be null (with 0 bytes). Writes the extents to
/// `shape`, which has room for `capacity` of them (#TERCET_MAX_RANK is enough), and how many they are to `rank`; -1 stands for an
/// extent that depends on the data.
tercet_status tercet_context_output_shape(tercet_context* context, const tercet_input* inputs, size_t input_count, size_t output,
                                          int64_t* shape, int32_t capacity, int32_t* rank);

/// Runs on all inputs, in the engine's order, and describes the first `result_count` outputs (none: `results` may be null) where they
/// are in the context's memory. The first run at a shape prepares kernels and memory for it; later ones at that shape allocate
/// nothing (unless sizes inside depend on the data). #TERCET_ERROR if a type or shape is not the engine's or lies outside its profile.
tercet_status tercet_context_run(tercet_context* context, const tercet_input* inputs, size_t input_count, tercet_result* results,
                                 size_t result_count);

/// The same, with all outputs in the caller's memory. #TERCET_ERROR if a type or shape is not what comes out: before anything is
/// written, or, where shapes depend on the data, afterwards.
tercet_status tercet_context_run_into(tercet_context* context, const tercet_input* inputs, size_t input_count, const tercet_output* outputs,
                                      size_t output_count);
/// @}

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop
