// SPDX-License-Identifier: Apache-2.0
// The networks of bench/peers, by their shapes: every step has a fast tactic, and convolutions have several to choose from.
#include "engine/samples.h"
#include "ops/testing.h"
#include "passes/pass.h"
#include "plan/candidates.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <set>

namespace tercet {
namespace {

// Writes a network's graph, value by value, as PyTorch exports it.
class Network {
public:
    struct X {
        std::string name;
        int channels = 0, size = 0;
    };

    explicit Network(std::string input) : input_(std::move(input)) {}

    X add(X like, const std::string& call) {
        like.name = fmt::format("v{}", count_++);
        body_ += fmt::format("{} = {}\n", like.name, call);
        return like;
    }
    X conv(const X& x, int out, int kernel, int stride = 1, int groups = 1, std::string_view act = "") {
        const int pad = kernel / 2;
        const X y = add({"", out, (x.size + 2 * pad - kernel) / stride + 1},
                        fmt::format("Conv<pads = [{2}, {2}, {2}, {2}], strides = [{3}, {3}], group = {4}>({0}, const[{1},{5},{6},{6}], const[{1}])", x.name, out, pad, stride, groups, x.channels / groups, kernel));
        if (act == "relu") return add(y, fmt::format("Relu({})", y.name));
        if (act == "relu6") return add(y, fmt::format("Clip({}, f32{{0}}, f32{{6}})", y.name));
        if (act == "silu") return add(y, fmt::format("Mul({}, {})", y.name, add(y, fmt::format("Sigmoid({})", y.name)).name));
        return y;
    }
    X pool(const X& x, int kernel, int stride, int pad) {
        return add({"", x.channels, (x.size + 2 * pad - kernel) / stride + 1}, fmt::format("MaxPool<kernel_shape = [{1}, {1}], strides = [{2}, {2}], pads = [{3}, {3}, {3}, {3}]>({0})", x.name, kernel, stride, pad));
    }
    X plus(const X& a, const X& b) { return add(a, fmt::format("Add({}, {})", a.name, b.name)); }
    X concat(const std::vector<X>& parts) {
        X y{"", 0, parts[0].size};
        std::string names;
        for (const X& p : parts) y.channels += p.channels, names += (names.empty() ? "" : ", ") + p.name;
        return add(y, fmt::format("Concat<axis = 1>({})", names));
    }
    std::vector<X> halves(const X& x) {
        const int half = x.channels / 2;
        const X a{fmt::format("v{}", count_++), half, x.size}, b{fmt::format("v{}", count_++), half, x.size};
        body_ += fmt::format("{}, {} = Split<axis = 1>({}, i64[2]{{{}, {}}})\n", a.name, b.name, x.name, half, half);
        return {a, b};
    }
    X flat(const X& x) { return add(x, fmt::format("Flatten<axis = 1>({})", x.name)); }
    X gemm(const X& x, int features, int out) { return add({"", out, 1}, fmt::format("Gemm<transB = 1>({}, const[{},{}], const[{}])", x.name, out, features, out)); }
    X mean(const X& x) { return flat(add(x, fmt::format("GlobalAveragePool({})", x.name))); }

    std::string text(const std::vector<X>& outputs) const {
        std::string out;
        for (const X& x : outputs) out += fmt::format("{}f32[?] {}", out.empty() ? "" : ", ", x.name);
        return fmt::format("({}) => ({}) {{\n{}}}", input_, out, body_);
    }

private:
    std::string input_, body_;
    int count_ = 0;
};
using X = Network::X;

std::string cifar_vgg() {
    Network net("f32[N,32,32,3] image");
    X x = net.add({"", 3, 32}, "Transpose<perm = [0, 3, 1, 2]>(image)");
    for (const std::vector<int>& stage : {std::vector{64, 64}, {128, 128}, {256, 256, 256}}) {
        for (int out : stage) x = net.conv(x, out, 3, 1, 1, "relu");
        x = net.pool(x, 2, 2, 0);
    }
    const X hidden = net.gemm(net.flat(x), 4096, 512);
    return net.text({net.gemm(net.add(hidden, fmt::format("Relu({})", hidden.name)), 512, 10)});
}

std::string resnet50() {
    Network net("f32[N,3,224,224] image");
    X x = net.pool(net.conv({"image", 3, 224}, 64, 7, 2, 1, "relu"), 3, 2, 1);
    struct Stage { int width, blocks, stride; };
    for (const auto& [width, blocks, first] : {Stage{64, 3, 1}, {128, 4, 2}, {256, 6, 2}, {512, 3, 2}})
        for (int block = 0; block < blocks; ++block) {
            const int stride = block == 0 ? first : 1;
            const X y = net.conv(net.conv(net.conv(x, width, 1, 1, 1, "relu"), width, 3, stride, 1, "relu"), width * 4, 1);
            const X sum = net.plus(y, block == 0 ? net.conv(x, width * 4, 1, stride) : x);
            x = net.add(sum, fmt::format("Relu({})", sum.name));
        }
    return net.text({net.gemm(net.mean(x), 2048, 1000)});
}

struct Stage { int kernel, expand, out, repeats, stride; };
std::string inverted_residuals(const std::vector<Stage>& stages) {
    Network net("f32[N,3,224,224] image");
    X x = net.conv({"image", 3, 224}, 32, 3, 2, 1, "relu6");
    for (const Stage& s : stages)
        for (int i = 0; i < s.repeats; ++i) {
            const int wide = x.channels * s.expand, stride = i == 0 ? s.stride : 1;
            X y = s.expand > 1 ? net.conv(x, wide, 1, 1, 1, "relu6") : x;
            y = net.conv(net.conv(y, wide, s.kernel, stride, wide, "relu6"), s.out, 1);
            x = stride == 1 && x.channels == s.out ? net.plus(x, y) : y;
        }
    return net.text({net.gemm(net.mean(net.conv(x, 1280, 1, 1, 1, "relu6")), 1280, 1000)});
}

std::string yolov8n_backbone() {
    Network net("f32[N,3,320,320] images");
    X x = net.conv({"images", 3, 320}, 16, 3, 2, 1, "silu");
    std::vector<X> outputs;
    struct Level { int out, bottlenecks; };
    for (const auto& [out, bottlenecks] : {Level{32, 1}, {64, 2}, {128, 2}, {256, 1}}) {
        const X whole = net.conv(net.conv(x, out, 3, 2, 1, "silu"), out, 1, 1, 1, "silu");
        std::vector<X> parts = net.halves(whole);
        for (int b = 0; b < bottlenecks; ++b)
            parts.push_back(net.plus(parts.back(), net.conv(net.conv(parts.back(), out / 2, 3, 1, 1, "silu"), out / 2, 3, 1, 1, "silu")));
        x = net.conv(net.concat(parts), out, 1, 1, 1, "silu");
        outputs.push_back(x);
    }
    std::vector<X> pooled{net.conv(x, 128, 1, 1, 1, "silu")};
    for (int i = 0; i < 3; ++i) pooled.push_back(net.pool(pooled.back(), 5, 1, 2));
    return net.text({outputs[1], outputs[2], net.conv(net.concat(pooled), 256, 1, 1, 1, "silu")});
}

struct Model {
    std::string name, text;
    friend std::ostream& operator<<(std::ostream& out, const Model& m) { return out << m.name; }
};

class BenchModels : public ::testing::TestWithParam<Model> {};

TEST_P(BenchModels, HaveFastTacticsForEveryStepAndSeveralForConvolutions) {
    if (!host_isa().has(Isa::Level::avx2)) GTEST_SKIP() << "generated code needs AVX2";
    Graph g = testing::typed_graph(GetParam().text);
    optimize(g, {.disabled = {}});
    Program p = lower(g, {{"N", {1, 16, 32}}});
    EXPECT_EQ(batch_symbol(p), "N");  // its batches can run in slices
    for (const Isa isa : {Isa{Isa::Level::avx2}, host_isa()})
        for (const ProgramStep& s : p.steps)
            for (std::int64_t batch : {1, 4}) {
                const Step step = step_at(p, s, {{"N", batch}});
                std::set<std::string> tactics;
                std::map<std::string, int> variants;
                for (const Candidate& c : candidates_of(step, {.isa = isa}, false))
                    if (c.choice.tactic != "reference") ++variants[c.choice.tactic];
                EXPECT_FALSE(variants.empty()) << s.node.name << ": " << step.signature();
                if (s.node.op != "Conv") continue;
                EXPECT_GE(variants.size(), 3u) << s.node.name << ": " << step.signature();
                for (const auto& [tactic, count] : variants) EXPECT_GE(count, 2) << tactic << ": " << step.signature();
            }
}

INSTANTIATE_TEST_SUITE_P(All, BenchModels,
                         ::testing::Values(Model{"cifar_vgg", cifar_vgg()}, Model{"resnet50", resnet50()},
                                           Model{"mobilenet_v2", inverted_residuals({{3, 1, 16, 1, 1}, {3, 6, 24, 2, 2}, {3, 6, 32, 3, 2}, {3, 6, 64, 4, 2}, {3, 6, 96, 3, 1}, {3, 6, 160, 3, 2}, {3, 6, 320, 1, 1}})},
                                           Model{"efficientnet_lite0", inverted_residuals({{3, 1, 16, 1, 1}, {3, 6, 24, 2, 2}, {5, 6, 40, 2, 2}, {3, 6, 80, 3, 2}, {5, 6, 112, 3, 1}, {5, 6, 192, 4, 2}, {3, 6, 320, 1, 1}})},
                                           Model{"yolov8n_backbone", yolov8n_backbone()}),
                         [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace tercet
