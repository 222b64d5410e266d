// SPDX-License-Identifier: Apache-2.0
// Models are written in memory, exported, and read again; what is compared is the graph that our import makes of the result,
// as text without constants' elements.
#include "precision/write_model.h"

#include "graph/text.h"
#include "onnx/testing.h"
#include "system/mapped_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

using namespace onnx;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr auto fp32 = Precision::fp32, fp16 = Precision::fp16, bf16 = Precision::bf16, int8 = Precision::int8;

Tensor ones(Dims shape, float value = 1) { return Tensor::of<float>(DType::f32, shape, std::vector<float>(static_cast<std::size_t>(count_of(shape)), value)); }

struct Result {
    Written written;
    ModelTree tree;  // of the file written
    Graph graph;

    const TreeNode& node(std::string_view name) const {
        const auto n = std::ranges::find(tree.graph.nodes, name, &TreeNode::name);
        if (n == tree.graph.nodes.end()) throw std::runtime_error("no node " + std::string(name));
        return *n;
    }
    int count(std::string_view op) const { return static_cast<int>(std::ranges::count(tree.graph.nodes, op, &TreeNode::op)); }
    DType type(std::string_view value) const { return graph.value(graph.find(value)).type.dtype; }
    Tensor constant(const std::string& name) const {
        const auto t = std::ranges::find(tree.graph.initializers, name, &TreeTensor::name);
        if (t == tree.graph.initializers.end()) return {};
        Source source = tree.source;
        return elements_of(*t, source);
    }
    const LayerPlan& layer(std::string_view name) const { return *written.plan.find(name); }
};

struct Options {
    bool keep_io_types = true;
    std::int64_t newest_opset = tercet::newest_opset;
};

Result exported(const ModelFile& file, const std::function<PrecisionPlan(ModelEdit&)>& plan, const Options& options = {}) {
    const TemporaryFolder folder;
    const auto in = folder.write("in.onnx", file.bytes());
    const auto out = folder.path() / "out.onnx";
    Written written = write_model(in, {.plan = plan, .output = [&](const PrecisionPlan&) { return out; }, .keep_io_types = options.keep_io_types,
                                       .newest_opset = options.newest_opset});
    const FileBytes content = read_file(out);
    return {std::move(written), read_tree({reinterpret_cast<const char*>(content.bytes.data()), content.bytes.size()}, Source{content.owner, ExternalData({})}),
            read_model(out).graph};
}

Result exported(const ModelFile& file, const PrecisionPlan& plan, const Options& options = {}) {
    return exported(file, [&](ModelEdit&) { return plan; }, options);
}

Result exported(const ModelFile& file, Precision p, const Options& options = {}) { return exported(file, PrecisionPlan{.precision = p}, options); }

std::string error_of(const ModelFile& file, const PrecisionPlan& plan, const Options& options = {}) {
    try {
        exported(file, plan, options);
    } catch (const Error& e) {
        return e.what();
    }
    return {};
}

// x [N,3,5,5] -> conv1 -> relu -> conv2 -> y
ModelFile convolutions() {
    return {.inputs = {value_message("x", DType::f32, {"N", "3", "5", "5"})}, .outputs = {value_message("y", DType::f32, {"N", "2", "5", "5"})},
            .initializers = {tensor_message("w1", ones({4, 3, 1, 1}, 0.5f)), tensor_message("b1", ones({4})), tensor_message("w2", ones({2, 4, 1, 1}))},
            .nodes = {node_message("Conv", {"x", "w1", "b1"}, {"c"}, {}, "conv1"), node_message("Relu", {"c"}, {"r"}, {}, "relu"),
                      node_message("Conv", {"r", "w2"}, {"y"}, {}, "conv2")},
            .more_graph = [](protozero::pbf_writer& w) { w.add_message(graph_field::value_info, value_message("c", DType::f32, {"N", "4", "5", "5"})); }};
}

const Scales convolution_scales{{"x", 0.1f}, {"r", 0.2f}};

TEST(WriteModel, Fp16CastsAtTheBordersOnly) {
    const Result r = exported(convolutions(), fp16);
    EXPECT_EQ(r.count("Cast"), 2);
    EXPECT_EQ(r.constant("w1").dtype(), DType::f16);
    EXPECT_EQ(r.constant("b1").dtype(), DType::f16);
    EXPECT_EQ(r.type("c"), DType::f16);
    EXPECT_EQ(declared_type(r.tree.graph.values[0]), DType::f16);
    EXPECT_EQ(r.type("x"), DType::f32);
    EXPECT_EQ(r.type("y"), DType::f32);
    EXPECT_EQ(r.written.opset, 17);
    EXPECT_EQ(r.tree.graph.initializers.size(), 3u);
}

TEST(WriteModel, InputsAndOutputsChangeWhenAsked) {
    const Result r = exported(convolutions(), fp16, {.keep_io_types = false});
    EXPECT_EQ(r.count("Cast"), 0);
    EXPECT_EQ(declared_type(r.tree.graph.inputs[0]), DType::f16);
    EXPECT_EQ(declared_type(r.tree.graph.outputs[0]), DType::f16);
}

TEST(WriteModel, LayersKeptInFp32StandBetweenCasts) {
    const Result r = exported(convolutions(), {.precision = fp16, .layers = {{"relu", "Relu", fp32, fp32, "kept"}}});
    EXPECT_EQ(r.count("Cast"), 4);
    EXPECT_EQ(r.node("relu").inputs[0], "c_fp32");
    EXPECT_EQ(r.node("conv2").inputs[0], "r_fp16");
    EXPECT_EQ(r.layer("relu").reason, "kept");
}

TEST(WriteModel, PrecisionsMix) {
    const Result r = exported(convolutions(), {.precision = fp16, .scales = convolution_scales, .layers = {{"relu", "Relu", bf16, bf16}, {"conv2", "Conv", int8, int8}}});
    EXPECT_EQ(r.type("c"), DType::f16);
    EXPECT_EQ(r.type("r"), DType::bf16);
    EXPECT_EQ(r.node("conv2").inputs[0], "r_dequantized");
    EXPECT_EQ(r.written.opset, 17);
}

TEST(WriteModel, Bf16RaisesTheOperatorSetForConvolutionsOnly) {
    EXPECT_EQ(exported(convolutions(), bf16).written.opset, 22);
    ModelFile relu{.inputs = {value_message("x", DType::f32, {"2"})}, .outputs = {value_message("y", DType::f32, {"2"})}, .nodes = {node_message("Relu", {"x"}, {"y"})}};
    EXPECT_EQ(exported(relu, bf16).written.opset, 17);
    relu.opset = 9;
    EXPECT_EQ(exported(relu, bf16).written.opset, 13);
    relu.nodes = {node_message("Sin", {"x"}, {"y"}, {}, "sin")};
    const Result sin = exported(relu, bf16);
    EXPECT_EQ(sin.layer("sin").chosen, fp32);
    EXPECT_THAT(sin.layer("sin").reason, HasSubstr("Sin takes BF16 in opset 22 and newer"));
}

TEST(WriteModel, NothingIsRaisedAboveWhatTheReaderReads) {
    const Result r = exported(convolutions(), bf16, {.newest_opset = 21});
    EXPECT_EQ(r.written.opset, 17);
    EXPECT_EQ(r.layer("conv1").chosen, fp32);
    EXPECT_EQ(r.layer("relu").chosen, bf16);
    EXPECT_THAT(error_of(convolutions(), {.precision = fp16}, {.newest_opset = 13}), HasSubstr("has opset 17, the newest allowed is 13"));
}

TEST(WriteModel, ConstantsThatFp16CannotHoldAreNamed) {
    ModelFile f = convolutions();
    f.initializers[2] = tensor_message("w2", ones({2, 4, 1, 1}, 1e5f));
    EXPECT_THAT(error_of(f, {.precision = fp16}), HasSubstr("conv2 (Conv): constant 'w2' holds 100000, FP16 ends at 65504"));
    const Result kept = exported(f, [](ModelEdit& edit) { return make_export_plan(edit, fp16, {}, {}); });
    EXPECT_EQ(kept.layer("conv2").chosen, fp32);
    EXPECT_THAT(kept.layer("conv2").reason, HasSubstr("|x| reaches 100000 in 'w2'"));
    EXPECT_EQ(kept.constant("w2").dtype(), DType::f32);
}

TEST(WriteModel, ConstantsReadInTwoPrecisionsAreThereTwice) {
    ModelFile f{.inputs = {value_message("x", DType::f32, {"2"})}, .outputs = {value_message("y", DType::f32, {"2"})}, .initializers = {tensor_message("w", ones({2}))},
                .nodes = {node_message("Constant", {}, {"k"}, {tensor_attribute("value", tensor_message("", ones({2})))}), node_message("Add", {"x", "w"}, {"a"}, {}, "a"),
                          node_message("Mul", {"a", "w"}, {"m"}, {}, "m"), node_message("Mul", {"m", "k"}, {"y"}, {}, "y")}};
    const Result r = exported(f, {.precision = fp16, .layers = {{"m", "Mul", fp32, fp32}}});
    EXPECT_EQ(r.constant("w").dtype(), DType::f32);
    EXPECT_EQ(r.constant("w_fp16").dtype(), DType::f16);
    EXPECT_EQ(r.node("a").inputs[1], "w_fp16");
    EXPECT_EQ(r.node("m").inputs[1], "w");
    EXPECT_EQ(r.type("k"), DType::f16);  // the Constant itself has changed
}

TEST(WriteModel, WhatSubgraphsReadStaysFp32) {
    const ModelFile branch{.outputs = {name_message("b")}, .nodes = {node_message("Add", {"r", "w"}, {"b"})}};
    const ModelFile f{.inputs = {value_message("x", DType::f32, {"2"}), value_message("c", DType::boolean, {})}, .outputs = {value_message("y", DType::f32, {"2"})},
                      .initializers = {tensor_message("w", ones({2}))},
                      .nodes = {node_message("Mul", {"x", "w"}, {"r"}, {}, "mul"),
                                node_message("If", {"c"}, {"z"}, {graph_attribute("then_branch", branch), graph_attribute("else_branch", branch)}, "if"),
                                node_message("Relu", {"z"}, {"y"}, {}, "relu")}};
    const Result r = exported(f, fp16);
    EXPECT_EQ(r.node("mul").outputs[0], "r_fp16");
    EXPECT_EQ(r.type("r"), DType::f32);
    EXPECT_EQ(r.constant("w").dtype(), DType::f32);
    EXPECT_EQ(r.constant("w_fp16").dtype(), DType::f16);
    EXPECT_EQ(r.layer("if").chosen, fp32);
    EXPECT_EQ(r.layer("relu").chosen, fp16);
}

TEST(WriteModel, SizesAndScalesStayFp32) {
    const ModelFile f{.inputs = {value_message("x", DType::f32, {"1", "1", "2", "2"})}, .outputs = {value_message("y", DType::f32, {"1", "1", "4", "4"})},
                      .initializers = {tensor_message("s", Tensor::of<float>(DType::f32, {4}, std::vector<float>{1, 1, 2, 2}))},
                      .nodes = {node_message("Resize", {"x", "", "s"}, {"y"}, {}, "resize")}};
    const Result r = exported(f, fp16);
    EXPECT_EQ(r.constant("s").dtype(), DType::f32);
    EXPECT_EQ(r.node("resize").inputs[0], "x_fp16");
    EXPECT_EQ(r.node("resize").inputs[1], "");
}

TEST(WriteModel, ACastToFp32InAnFp16LayerIsOneToFp16) {
    const ModelFile f{.inputs = {value_message("i", DType::i32, {"2"})}, .outputs = {value_message("y", DType::f32, {"2"}), value_message("j", DType::i32, {"2"})},
                      .nodes = {node_message("Cast", {"i"}, {"x"}, {integer_attribute("to", 1)}, "cast"), node_message("Relu", {"x"}, {"y"}),
                                node_message("Cast", {"x"}, {"j"}, {integer_attribute("to", 6)}, "back")}};
    const Result r = exported(f, fp16);
    EXPECT_EQ(r.type("x"), DType::f16);
    EXPECT_EQ(r.type("j"), DType::i32);
    EXPECT_EQ(r.count("Cast"), 3);  // theirs, and the output's
}

TEST(WriteModel, Int8QuantizesActivationsAndWeights) {
    const Result r = exported(convolutions(), {.precision = int8, .scales = convolution_scales});
    EXPECT_EQ(r.count("QuantizeLinear"), 2);
    EXPECT_EQ(r.count("DequantizeLinear"), 4);
    EXPECT_EQ(r.constant("w1"), Tensor());
    EXPECT_EQ(r.constant("w1_quantized").dtype(), DType::i8);
    EXPECT_EQ(r.constant("w1_scale"), ones({4}, 0.5f / 127));
    EXPECT_EQ(r.constant("w1_zero_point").shape(), Dims({4}));
    EXPECT_EQ(r.constant("x_scale"), Tensor::scalar(DType::f32, 0.1f));
    EXPECT_EQ(r.constant("b1").dtype(), DType::f32);
    EXPECT_EQ(r.node("conv1").inputs, (std::vector<std::string>{"x_dequantized", "w1_dequantized", "b1"}));
    EXPECT_EQ(r.layer("conv1").chosen, int8);
    EXPECT_EQ(r.layer("relu").chosen, fp32);
    EXPECT_EQ(r.written.opset, 17);
}

TEST(WriteModel, LayersWithoutAScaleStayFp32) {
    const Result r = exported(convolutions(), {.precision = int8, .scales = {{"r", 0.2f}}});
    EXPECT_EQ(r.layer("conv1").chosen, fp32);
    EXPECT_EQ(r.layer("conv1").reason, "no scale for tensor 'x'");
    EXPECT_EQ(r.layer("conv2").chosen, int8);
    EXPECT_EQ(r.node("conv1").inputs[0], "x");
}

TEST(WriteModel, Int8NeedsOperatorSet13) {
    ModelFile f = convolutions();
    f.opset = 11;
    f.ir = 3;
    for (const char* name : {"w1", "b1", "w2"}) f.inputs.push_back(value_message(name, DType::f32, {"", "", "", ""}));
    f.inputs[2] = value_message("b1", DType::f32, {""});
    const Result r = exported(f, {.precision = int8, .scales = convolution_scales});
    EXPECT_EQ(r.written.opset, 13);
    EXPECT_EQ(r.tree.ir_version, 7);
    EXPECT_EQ(r.tree.graph.inputs.size(), 2u);  // x and the bias: the weights, which are no longer there, are no inputs either
    const Result old = exported(f, {.precision = int8, .scales = convolution_scales}, {.newest_opset = 12});
    EXPECT_EQ(old.written.opset, 11);
    EXPECT_THAT(old.layer("conv1").reason, HasSubstr("per-channel scales are in opset 13"));
    EXPECT_EQ(exported(f, {.precision = int8}).written.opset, 11);  // nothing to quantize
}

TEST(WriteModel, ResidualBranchesAreQuantized) {
    ModelFile f = convolutions();
    f.initializers[2] = tensor_message("w2", ones({4, 4, 1, 1}));
    f.outputs = {value_message("y", DType::f32, {"N", "4", "5", "5"})};
    f.nodes[2] = node_message("Conv", {"r", "w2"}, {"d"}, {}, "conv2");
    f.nodes.push_back(node_message("Add", {"d", "r"}, {"y"}, {}, "add"));
    const Result r = exported(f, {.precision = int8, .scales = convolution_scales});
    EXPECT_EQ(r.node("add").inputs, (std::vector<std::string>{"d", "r_dequantized"}));
    EXPECT_EQ(r.count("QuantizeLinear"), 2);  // one pair for r, however many read it
    EXPECT_EQ(r.layer("add").chosen, int8);

    f.nodes.back() = node_message("Add", {"c", "d"}, {"y"}, {}, "add");  // of two convolutions the earlier one is the branch
    const Result two = exported(f, {.precision = int8, .scales = {{"x", 0.1f}, {"r", 0.2f}, {"c", 0.3f}}});
    EXPECT_EQ(two.node("add").inputs, (std::vector<std::string>{"c_dequantized", "d"}));
    EXPECT_EQ(exported(f, {.precision = int8, .scales = convolution_scales}).layer("add").reason, "no scale for tensor 'c'");
    EXPECT_EQ(exported(f, {.precision = int8, .scales = {{"x", 0.1f}, {"r", 0.2f}, {"c", 0.3f}}, .layers = {{"add", "Add", fp32, fp32}}}).node("add").inputs[0], "c");
}

TEST(WriteModel, MatricesHaveAScalePerOutput) {
    const ModelFile f{.inputs = {value_message("x", DType::f32, {"2", "3"})}, .outputs = {value_message("y", DType::f32, {"2", "3"})},
                      .initializers = {tensor_message("w", ones({3, 4})), tensor_message("v", ones({5, 4})), tensor_message("u", ones({5, 3})), tensor_message("l", ones({2, 2}))},
                      .nodes = {node_message("MatMul", {"x", "w"}, {"a"}, {}, "right"), node_message("Gemm", {"a", "v"}, {"b"}, {integer_attribute("transB", 1)}, "transposed"),
                                node_message("Gemm", {"b", "u"}, {"c"}, {}, "plain"), node_message("MatMul", {"l", "c"}, {"y"}, {}, "left"),
                                node_message("MatMul", {"x", "w"}, {"z"}, {}, "shared")}};
    const Result r = exported(f, {.precision = int8, .scales = {{"x", 1}, {"a", 1}, {"b", 1}, {"c", 1}}});
    EXPECT_EQ(r.constant("w_scale").shape(), Dims({4}));
    EXPECT_EQ(r.constant("v_scale").shape(), Dims({5}));
    EXPECT_EQ(r.constant("u_scale").shape(), Dims({3}));
    EXPECT_EQ(r.constant("l_scale").shape(), Dims{});
    EXPECT_EQ(r.node("shared").inputs, r.node("right").inputs);
    EXPECT_EQ(r.count("DequantizeLinear"), 8);
}

TEST(WriteModel, ProductsOfActivationsNeedBothScales) {
    const ModelFile f{.inputs = {value_message("x", DType::f32, {"2", "2"}), value_message("z", DType::f32, {"2", "2"})}, .outputs = {value_message("y", DType::f32, {"2", "2"})},
                      .nodes = {node_message("MatMul", {"x", "z"}, {"y"}, {}, "m")}};
    EXPECT_EQ(exported(f, {.precision = int8, .scales = {{"x", 1}, {"z", 1}}}).count("QuantizeLinear"), 2);
    EXPECT_EQ(exported(f, {.precision = int8, .scales = {{"x", 1}}}).layer("m").reason, "no scale for tensor 'z'");
}

TEST(WriteModel, NodesMayShareALabel) {
    ModelFile f = convolutions();
    f.nodes[2] = node_message("Conv", {"r", "w2"}, {"y"}, {}, "conv1");
    const Result r = exported(f, {.precision = int8, .scales = {{"x", 0.1f}}});  // and the second one has no scale
    EXPECT_EQ(r.count("QuantizeLinear"), 1);
    EXPECT_EQ(r.written.plan.layers.size(), 2u);
}

TEST(WriteModel, WhatALoopGivesIsFp32) {
    const ModelFile body{.inputs = {value_message("i", DType::i64, {}), value_message("go", DType::boolean, {}), value_message("s", DType::f32, {"2"})},
                         .outputs = {value_message("on", DType::boolean, {}), value_message("t", DType::f32, {"2"})},
                         .nodes = {node_message("Identity", {"go"}, {"on"}), node_message("Add", {"s", "r"}, {"t"})}};
    const ModelFile f{.inputs = {value_message("x", DType::f32, {"2"})}, .outputs = {value_message("y", DType::f32, {"2"})},
                      .initializers = {tensor_message("n", Tensor::scalar(DType::i64, 3)), tensor_message("yes", Tensor::scalar(DType::boolean, 1))},
                      .nodes = {node_message("Relu", {"x"}, {"r"}, {}, "before"), node_message("Loop", {"n", "yes", "r"}, {"z"}, {graph_attribute("body", body)}, "loop"),
                                node_message("Relu", {"z"}, {"y"}, {}, "after")}};
    const Result r = exported(f, fp16);
    EXPECT_EQ(r.node("loop").inputs[2], "r");
    EXPECT_EQ(r.type("r"), DType::f32);
    EXPECT_EQ(r.node("after").inputs[0], "z_fp16");
}

TEST(WriteModel, WhatIsQuantizedAlreadyStays) {
    const Result once = exported(convolutions(), {.precision = int8, .scales = convolution_scales});
    const TemporaryFolder folder;
    ModelTree tree = once.tree;
    write_tree(folder.path() / "q.onnx", tree);
    const Written again = write_model(folder.path() / "q.onnx", {.plan = [](ModelEdit&) { return PrecisionPlan{.precision = int8, .scales = convolution_scales}; },
                                                                 .output = [&](const PrecisionPlan&) { return folder.path() / "qq.onnx"; }});
    EXPECT_EQ(again.plan.find("conv1")->chosen, int8);
    EXPECT_EQ(print_text(read_model(folder.path() / "qq.onnx").graph), print_text(once.graph));
}

TEST(WriteModel, NotFiniteWeightsAreNamed) {
    ModelFile f = convolutions();
    f.initializers[0] = tensor_message("w1", ones({4, 3, 1, 1}, std::numeric_limits<float>::infinity()));
    EXPECT_THAT(error_of(f, {.precision = int8, .scales = convolution_scales}), HasSubstr("conv1: 'w1': element 0 of the weights is inf"));
}

TEST(WriteModel, ThePlansLayersAreTheModels) {
    EXPECT_THAT(error_of(convolutions(), {.precision = fp16, .layers = {{"conv9", "Conv", fp32, fp32}}}), HasSubstr("names the layer 'conv9', which the model has not"));
    const Result r = exported(convolutions(), {.precision = fp16, .layers = {{"conv1/inner", "Conv", fp32, fp32}}});
    EXPECT_EQ(r.written.plan.layers.size(), 3u);
    EXPECT_EQ(r.written.plan.model, "in");
}

TEST(ExportPlan, WishesOverrideInTheirOrder) {
    PrecisionPlan plan{.layers = {{"conv1", "Conv", fp16, fp16}, {"conv2", "Conv", fp16, fp16}, {"relu", "Relu", fp16, fp16}}};
    apply({{"conv*", "fp32"}, {"conv2", "bf16"}}, plan);
    EXPECT_EQ(plan.layers[0].chosen, fp32);
    EXPECT_EQ(plan.layers[1].chosen, bf16);
    EXPECT_EQ(plan.layers[2].chosen, fp16);
    for (const LayerPrecisions& bad : {LayerPrecisions{{"a", "fp16"}}, LayerPrecisions{{"relu", "fp8"}}}) EXPECT_THROW(apply(bad, plan), Error) << bad[0].first;
}

TEST(ExportPlan, SaysWhyALayerStaysFp32) {
    const Result r = exported(convolutions(), [](ModelEdit& edit) { return make_export_plan(edit, int8, {{"r", 0.2f}}, {}); });
    EXPECT_EQ(r.layer("conv1").asked, int8);
    EXPECT_EQ(r.layer("conv1").chosen, fp32);
    EXPECT_EQ(r.layer("conv1").reason, "no scale for tensor 'x'");
    EXPECT_EQ(r.layer("relu").reason, "has no Q/DQ of its own");
    EXPECT_EQ(r.layer("conv2").chosen, int8);
}

}  // namespace
}  // namespace tercet::testing
