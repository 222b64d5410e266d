// SPDX-License-Identifier: Apache-2.0
// make_seeds OUTPUT [FOLDER]   writes what fuzzing starts from to OUTPUT/{onnx,text,engine}: the small models (*.onnx) in
// FOLDER and some graphs that are fused on the way, each as a model's file, as text and as an engine's parts.
#include "engine_parts.h"
#include "graph/text.h"
#include "onnx/read_model.h"
#include "ops/op.h"
#include "passes/pass.h"
#include "plan/plan.h"
#include "plan/profile.h"

#include <fmt/format.h>

#include <fstream>
#include <iostream>

namespace {

using namespace tercet;
namespace fs = std::filesystem;

constexpr std::uintmax_t most_bytes = 4096;

constexpr std::array fused{
    R"((f32[N,3,6,6] x) => (f32[N,4] y) {
        c = Conv<pads = [1, 1, 1, 1]>(x, random[4,3,3,3])  n = BatchNormalization(c, random[4], random[4], random[4], positive[4])
        r = Relu(n)  d = Conv<group = 4, kernel_shape = [3, 3]>(r, random[4,1,3,3], random[4])  a = Clip(d, f32{0}, f32{6})
        g = GlobalAveragePool(a)  f = Flatten(g)  m = MatMul(f, random[4,4])  y = Softmax(m) })",
    R"((f32[N,5,8] x) => (f32[N,5,8] y) {
        n = LayerNormalization(x, random[8], random[8])  q = MatMul(n, random[8,8])  t = Transpose<perm = [0, 2, 1]>(n)
        s = MatMul(q, t)  p = Softmax(s)  o = MatMul(p, n)  y = Add(o, x) })",
    R"((f32[N,2,4,4] x, i64[2] i) => (f32[N,2,8,8] y, f32[N,2,4] z) {
        m = MaxPool<kernel_shape = [2, 2]>(x)  u = Resize(m, _, f32[4]{1, 1, 2.5, 2.5})  y = Pad(u, i64[8]{0, 0, 1, 1, 0, 0, 2, 2})
        z = ReduceMean<keepdims = 0>(x, i64[1]{3})  w = Gather<axis = 2>(x, i) })",
};

void write(const fs::path& file, std::string_view bytes) {
    fs::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

// A graph that can be neither planned nor written is left out: not every model can.
void add(const fs::path& output, const std::string& name, Graph graph) try {
    write(output / "text" / name, print_text(graph));
    const Profile profile = make_profile(graph, {}, {}, {});
    optimize(graph);
    write(output / "text" / (name + "_optimized"), print_text(graph));
    const auto parts = engine_parts(make_program(graph, {.profile = profile, .isa = {Isa::Level::baseline}, .tune = Tune::none}));
    if (parts.size() <= most_bytes) write(output / "engine" / name, {reinterpret_cast<const char*>(parts.data()), parts.size()});
} catch (const Error&) {
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) return 2;
    const fs::path output = argv[1];
    for (std::size_t i = 0; i < fused.size(); ++i) {
        try {
            Graph graph = parse_text(fused[i]);
            infer_types(graph);
            add(output, fmt::format("fused{}", i), std::move(graph));
        } catch (const Error& e) {
            std::cerr << "fused" << i << ": " << e.what() << '\n';
            return 3;
        }
    }
    if (argc < 3) return 0;
    for (const auto& entry : fs::recursive_directory_iterator(argv[2])) {
        if (entry.path().extension() != ".onnx" || entry.file_size() > most_bytes) continue;
        const std::string name = entry.path().parent_path().filename().string();
        fs::create_directories(output / "onnx");
        fs::copy_file(entry.path(), output / "onnx" / name, fs::copy_options::overwrite_existing);
        try {
            add(output, name, read_model(entry.path()).graph);
        } catch (const Error&) {
        }
    }
}
