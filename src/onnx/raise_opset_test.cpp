// SPDX-License-Identifier: Apache-2.0
#include "onnx/raise_opset.h"

#include "onnx/testing.h"
#include "ops/op.h"
#include "system/mapped_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

using namespace onnx;

std::string ints(std::string_view name, std::vector<std::int64_t> values) { return attribute_of(name, values).message; }
std::string reals(std::string_view name, std::vector<float> values) { return attribute_of(name, values).message; }
std::string real(std::string_view name, float value) { return attribute_of(name, value).message; }
std::string text(std::string_view name, std::string value) { return attribute_of(name, value).message; }

ModelTree raised(const ModelFile& file, std::int64_t to) {
    const auto owner = std::make_shared<const std::string>(file.bytes());
    ModelTree tree = read_tree(*owner, Source{owner, ExternalData({})});
    raise_opset(tree, to, read(file).graph);
    return tree;
}

Graph graph_of(ModelTree& tree) {
    const TemporaryFolder folder;
    write_tree(folder.path() / "m.onnx", tree);
    return read_model(folder.path() / "m.onnx").graph;
}

struct Change {
    std::string what;
    std::int64_t from, to;
    ModelFile file;
    std::string op;          // of the last node, afterwards
    std::size_t inputs;      // of that node
    std::string gone{};      // attribute that it has no longer
};

ModelFile on(std::vector<std::string> nodes, std::vector<std::string> shape = {"1", "4", "6", "6"}) {
    return {.inputs = {value_message("x", DType::f32, shape)}, .outputs = {name_message("y")},
            .initializers = {tensor_message("scales", Tensor::of<float>(DType::f32, {4}, std::vector<float>{1, 1, 2, 2})),
                             tensor_message("per_group", Tensor::of<float>(DType::f32, {2}, std::vector<float>{1, 2}))},
            .nodes = std::move(nodes)};
}

std::vector<Change> changes() {
    return {
        {"Squeeze", 11, 13, on({node_message("Squeeze", {"x"}, {"y"}, {ints("axes", {0})}, "n")}), "Squeeze", 2, "axes"},
        {"Unsqueeze", 11, 13, on({node_message("Unsqueeze", {"x"}, {"y"}, {ints("axes", {0, 3})}, "n")}), "Unsqueeze", 2, "axes"},
        {"ReduceSum", 11, 13, on({node_message("ReduceSum", {"x"}, {"y"}, {ints("axes", {1})}, "n")}), "ReduceSum", 2, "axes"},
        {"ReduceMean", 13, 22, on({node_message("ReduceMean", {"x"}, {"y"}, {ints("axes", {1})}, "n")}), "ReduceMean", 2, "axes"},
        {"Split", 11, 13, on({node_message("Split", {"x"}, {"y", "z"}, {integer_attribute("axis", 1), ints("split", {1, 3})}, "n")}), "Split", 2, "split"},
        {"Split in equal parts", 13, 18, on({node_message("Split", {"x"}, {"y", "z"}, {integer_attribute("axis", 1)}, "n")}), "Split", 1},
        {"Softmax over some axes", 11, 13, on({node_message("Softmax", {"x"}, {"y"}, {integer_attribute("axis", 2)}, "n")}), "Reshape", 2, "axis"},
        {"Softmax over one axis", 11, 13, on({node_message("Softmax", {"x"}, {"y"}, {integer_attribute("axis", 3)}, "n")}), "Softmax", 1},
        {"Clip", 7, 13, on({node_message("Clip", {"x"}, {"y"}, {real("min", -0.5f), real("max", 0.25f)}, "n")}), "Clip", 3, "max"},
        {"Pad", 10, 13, on({node_message("Pad", {"x"}, {"y"}, {ints("pads", {0, 0, 1, 0, 0, 0, 2, 1}), real("value", 2)}, "n")}), "Pad", 3, "pads"},
        {"Slice", 9, 13, on({node_message("Slice", {"x"}, {"y"}, {ints("axes", {2}), ints("starts", {1}), ints("ends", {4})}, "n")}), "Slice", 4, "starts"},
        {"TopK", 9, 13, on({node_message("TopK", {"x"}, {"y", "i"}, {integer_attribute("k", 2)}, "n")}), "TopK", 2, "k"},
        {"Dropout", 11, 13, on({node_message("Dropout", {"x"}, {"y"}, {real("ratio", 0.25f)}, "n")}), "Dropout", 2, "ratio"},
        {"Upsample 7", 8, 13, on({node_message("Upsample", {"x"}, {"y"}, {text("mode", "nearest"), reals("scales", {1, 1, 2, 3})}, "n")}), "Resize", 3, "scales"},
        {"Upsample 9", 9, 13, on({node_message("Upsample", {"x", "scales"}, {"y"}, {}, "n")}), "Resize", 3},
        {"Resize 10", 10, 13, on({node_message("Resize", {"x", "scales"}, {"y"}, {text("mode", "linear")}, "n")}), "Resize", 3},
        {"GroupNormalization", 18, 22, on({node_message("GroupNormalization", {"x", "per_group", "per_group"}, {"y"}, {integer_attribute("num_groups", 2)}, "n")}),
         "GroupNormalization", 3},
    };
}

TEST(RaiseOpset, ConvertsFormsThatChanged) {
    for (Change c : changes()) {
        SCOPED_TRACE(c.what);
        c.file.opset = c.from;
        ModelTree tree = raised(c.file, c.to);
        EXPECT_EQ(tree.opset(), c.to);
        const TreeNode& last = tree.graph.nodes.back();
        EXPECT_EQ(last.op, c.op);
        EXPECT_EQ(last.name, "n");
        EXPECT_EQ(last.inputs.size(), c.inputs);
        EXPECT_TRUE(c.gone.empty() || !last.find(c.gone));
        const Graph before = read(c.file).graph, after = graph_of(tree);
        Tensor x = Tensor::zeros(DType::f32, {1, 4, 6, 6});
        for (std::int64_t i = 0; i < x.count(); ++i) x.writable().set_at(i, static_cast<double>(i * 37 % 101) / 50 - 1);
        EXPECT_EQ(evaluate(after, std::vector{x}), evaluate(before, std::vector{x}));
    }
}

TEST(RaiseOpset, LeavesOtherNodesAsTheyAre) {
    ModelFile file = on({node_message("Relu", {"x"}, {"r"}), node_message("Squeeze", {"r"}, {"y"}, {ints("axes", {0})}, "n")});
    file.opset = 11;
    const ModelTree tree = raised(file, 13);
    EXPECT_EQ(tree.graph.nodes[0].op, "Relu");
    EXPECT_EQ(tree.graph.nodes[1].op, "Constant");
    EXPECT_EQ(tree.graph.nodes.size(), 3u);
    EXPECT_EQ(raised(file, 11).graph.nodes.size(), 2u);
    EXPECT_EQ(raised(file, 9).opset(), 11);  // never lower
}

TEST(RaiseOpset, ReachesIntoSubgraphsAndFunctions) {
    const ModelFile branch{.outputs = {name_message("b")}, .nodes = {node_message("Squeeze", {"x"}, {"b"}, {ints("axes", {0})}, "inner")}};
    const FunctionFile f{.name = "F", .inputs = {"a"}, .outputs = {"r"}, .nodes = {node_message("Unsqueeze", {"a"}, {"r"}, {ints("axes", {0})}, "u")}, .opset = 11};
    ModelFile file = on({node_message("If", {"c"}, {"z"}, {graph_attribute("then_branch", branch), graph_attribute("else_branch", branch)}, "if"),
                         node_message("F", {"z"}, {"y"}, {}, "call", "f")});
    file.inputs.push_back(value_message("c", DType::boolean, {}));
    file.opset = 11;
    ModelTree tree = raised(with_functions(file, {f}), 13);
    for (const TreeAttribute& a : tree.graph.nodes[0].attributes) EXPECT_EQ(a.body->nodes.back().inputs.size(), 2u) << a.name;
    EXPECT_EQ(tree.functions[0].nodes.back().inputs.size(), 2u);
    EXPECT_EQ(tree.functions[0].opsets[0].second, 13);
}

TEST(RaiseOpset, WhatCannotBeConvertedIsNamed) {
    const FunctionFile f{.name = "F", .inputs = {"a"}, .outputs = {"r"},
                         .nodes = {node_message("Squeeze", {"a"}, {"r"}, {reference_attribute("axes", attribute_type::integers, "which")}, "u")}, .attributes = {"which"}, .opset = 11};
    ModelFile file = on({node_message("F", {"x"}, {"y"}, {ints("which", {0})}, "call", "f")});
    file.opset = 11;
    try {
        raised(with_functions(file, {f}), 13);
        ADD_FAILURE();
    } catch (const Error& e) {
        EXPECT_THAT(e.what(), ::testing::HasSubstr("function 'F': u (Squeeze, opset 11): cannot be written in opset 13"));
    }
}

TEST(RaiseOpset, TheIrVersionFollows) {
    ModelFile file = on({node_message("Relu", {"x"}, {"y"})});
    file.opset = 9;
    file.ir = 3;
    EXPECT_EQ(raised(file, 13).ir_version, 7);
    EXPECT_EQ(raised(file, 22).ir_version, 10);
    EXPECT_EQ(raised(file, 9).ir_version, 3);
}

}  // namespace
}  // namespace tercet::testing
