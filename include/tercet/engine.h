// SPDX-License-Identifier: Apache-2.0
/// @file
/// Running an engine file. An Engine is opened once and shared; every caller, on every thread, gets a Context of its own.
///
///     tercet::Context context(tercet::Engine::open("model_cpu_fp32.engine"));
///     const std::int64_t shape[] = {1, 28, 28, 1};
///     auto outputs = context.run({{{tercet::DType::f32, shape, pixels}}});
///     const float* probabilities = outputs[0].as<float>();
#pragma once

#include "tercet/dtype.h"
#include "tercet/error.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace [[gnu::visibility("default")]] tercet {

/// One input or output of an engine. A dimension is a number or an expression over symbols: {"N", "28", "28", "1"}. An extent that
/// depends on the data is a symbol with a question mark, "count?12", and 0 in min_shape.
struct TensorInfo {
    std::string name;
    DType dtype = DType::undefined;
    std::vector<std::string> shape;
    std::vector<std::int64_t> min_shape, opt_shape, max_shape;  ///< within the engine's profile
};

/// A dense, row-major tensor in the caller's memory; the shape, too, is the caller's.
struct InputView {
    DType dtype = DType::undefined;
    std::span<const std::int64_t> shape;
    const void* data = nullptr;  ///< aligned as its element type wants
};

/// Memory of the caller's for an output, dense and row-major.
struct OutputView {
    DType dtype = DType::undefined;
    std::span<const std::int64_t> shape;
    void* data = nullptr;
};

/// A result in a context's memory, valid until the context's next run.
struct ResultView {
    DType dtype = DType::undefined;
    std::span<const std::int64_t> shape;
    const void* data = nullptr;
    /// The elements, T being what C++ calls `dtype`.
    template <class T>
    const T* as() const { return static_cast<const T*>(data); }
};

struct EngineData;

/// What becomes of an engine's bytes when it is opened.
enum class Load {
    map,   ///< weights are used from the mapped file, which must not be truncated in place (replacing it by rename is safe)
    copy,  ///< the file is read whole; afterwards nothing that happens to it matters
};

/// An engine file, opened. Immutable and cheap to copy; safe to use from any thread.
class Engine {
public:
    /// Error if the file is missing, damaged, of another version, or needs instructions beyond `max_isa` (a level's name as
    /// `tercet doctor` lists them; empty: what the processor has).
    static Engine open(const std::filesystem::path& file, Load load = Load::map, std::string_view max_isa = {});

    /// The same from a file's bytes in memory. With an `owner` they are used in place: they start at a multiple of 64, stay as they
    /// are, and `owner` is kept for as long as the engine or a context of it lives. Without one they are copied.
    static Engine from_memory(std::span<const std::byte> file, std::shared_ptr<const void> owner = {}, std::string_view max_isa = {});

    std::span<const TensorInfo> inputs() const;   ///< in the order that Context::run takes them
    std::span<const TensorInfo> outputs() const;  ///< in the order that Context::run gives them
    std::string_view precision() const;  ///< "fp32"
    std::string_view isa() const;        ///< the level its kernels were chosen for: "avx2"
    std::string_view model() const;      ///< the model's name
    std::uint64_t bytes() const;         ///< of the file

    explicit Engine(std::shared_ptr<const EngineData> data) : data_(std::move(data)) {}    ///< for Tercet itself
    const std::shared_ptr<const EngineData>& data() const { return data_; }                ///< for Tercet itself

private:
    std::shared_ptr<const EngineData> data_;
};

/// What one step of an engine is and how it runs.
struct StepInfo {
    std::string name;                  ///< the model's nodes in it, the first one leading
    std::string op;
    std::string tactic;
    std::string variant;
    std::string shape;                 ///< of its first output
    DType type = DType::undefined;     ///< of its first input
    double multiply_adds = 0;          ///< by the direct algorithm, whatever the tactic does
    double element_operations = 0;     ///< of a step without multiply-adds
    double bytes = 0;                  ///< of inputs, weights and outputs, each once
    double microseconds = 0;           ///< of the last profiled run
};

/// One caller's buffers and threads. Not thread-safe; several contexts of one engine run independently.
class Context {
public:
    /// threads: 0 takes all processors that the process may use.
    explicit Context(Engine engine, int threads = 0);
    ~Context();
    Context(Context&&) noexcept;             ///< the other can only be destroyed or assigned to afterwards
    Context& operator=(Context&&) noexcept;  ///< the same

    /// Runs on inputs in the engine's order. The first run at a shape prepares kernels and memory for it; later ones at that
    /// shape allocate nothing (unless sizes inside depend on the data, as behind NonZero). Error if a dtype or shape is not the
    /// engine's, or lies outside its profile (names both).
    std::span<const ResultView> run(std::span<const InputView> inputs);

    /// The same, with results in the caller's memory. Error if an output's dtype or shape is not what comes out: before it
    /// runs, or, where shapes depend on the data, afterwards.
    void run(std::span<const InputView> inputs, std::span<const OutputView> outputs);

    /// The outputs' shapes for these input shapes, without running or reading data (its addresses may be null); -1 for an extent
    /// that depends on the data.
    std::vector<std::vector<std::int64_t>> output_shapes(std::span<const InputView> inputs);

    /// Runs once, timing every step; the results are as of run().
    std::vector<StepInfo> profile(std::span<const InputView> inputs);

    const Engine& engine() const;  ///< what it runs
    int threads() const;           ///< how many it runs on, the caller of run() included

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace tercet
