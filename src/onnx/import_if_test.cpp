// SPDX-License-Identifier: Apache-2.0
#include "onnx/testing.h"
#include "ops/op.h"
#include "tercet/error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

using namespace onnx;

// One node, or none and an output from outside.
ModelFile branch(std::string_view op, const std::string& output = "b", std::vector<std::string> inputs = {"x"}) {
    ModelFile f{.outputs = {name_message(output)}};
    if (!op.empty()) f.nodes = {node_message(op, inputs, {output}, {}, "n")};
    return f;
}

std::string if_node(const std::string& condition, const ModelFile& then_branch, const ModelFile& else_branch, const std::string& name = "if") {
    return node_message("If", {condition}, {"y"}, {graph_attribute("then_branch", then_branch), graph_attribute("else_branch", else_branch)}, name);
}

const std::string condition_input = value_message("c", DType::boolean, {});

// f32[N,1,4] x, the nodes, y.
ModelFile model(std::vector<std::string> nodes, std::vector<std::string> shape = {"N", "1", "4"}) {
    return {.inputs = {value_message("x", DType::f32, shape)}, .outputs = {name_message("y")},
            .initializers = {tensor_message("one", Tensor::scalar(DType::i64, 1)), tensor_message("yes", Tensor::scalar(DType::boolean, 1)),
                             tensor_message("no", Tensor::zeros(DType::boolean, {1}))},
            .nodes = std::move(nodes)};
}

TEST(If, OfAConstantConditionIsTheBranchTaken) {
    const std::string relu = "g (f32[N,1,4] x) => (f32[N,1,4] y) { [\"if/n\"] y = Relu(x) }";
    // The other branch need not even make sense.
    EXPECT_EQ(text_in_one_line(model({if_node("yes", branch("Relu"), branch("Frobnicate", "b", {"q"}))})), relu);
    EXPECT_EQ(text_in_one_line(model({if_node("no", branch("Frobnicate", "b", {"q"}), branch("Relu"))})), relu);
    EXPECT_EQ(text_in_one_line(model({node_message("Constant", {}, {"k"}, {tensor_attribute("value", tensor_message("", Tensor::scalar(DType::boolean, 0)))}),
                                      if_node("k", branch("Neg"), branch("Relu"))})), relu);
    EXPECT_EQ(text_in_one_line(model({node_message("Not", {"no"}, {"k"}), node_message("Identity", {"k"}, {"l"}), node_message("Relu", {"x"}, {"r"}), if_node("l", branch("", "r"), branch("Neg"))})),
              "g (f32[N,1,4] x) => (f32[N,1,4] y = r) { k = Not(bool[1]{0}) l = Identity(k) r = Relu(x) }") << "computed while importing";
}

// torch.onnx writes x.squeeze(1) so: the rank of y depends on a size.
TEST(If, OnAKnownSizeIsTheBranchTaken) {
    const auto squeeze = [](std::string axis) {
        return std::vector{node_message("Shape", {"x"}, {"s"}), node_message("Gather", {"s", axis}, {"e"}), node_message("Equal", {"e", "one"}, {"c"}),
                           if_node("c", branch("Squeeze", "b", {"x", "axes"}), branch("Identity"))};
    };
    const auto type = [&](std::vector<std::string> shape) {
        ModelFile f = model(squeeze("one"), std::move(shape));
        f.initializers.push_back(tensor_message("axes", Tensor::ints(std::vector<std::int64_t>{1})));
        const Model m = read(f);
        return text_of(m.graph.value(m.graph.outputs()[0].value).type);
    };
    EXPECT_EQ(type({"N", "1", "4"}), "f32[N,4]");
    EXPECT_EQ(type({"N", "5", "4"}), "f32[N,5,4]");
    try {
        type({"N", "M", "4"});
        ADD_FAILURE() << "M may be 1 or not";
    } catch (const Error& e) {
        EXPECT_THAT(e.what(), ::testing::HasSubstr("if (If, opset 17): unsupported: its condition is computed while the model runs, so that both branches have to be; its then_branch: if/then_branch/n (Squeeze, opset 17): "));
    }
}

TEST(If, OnWhatOnlyTheRunKnowsComputesBothBranches) {
    ModelFile f = model({if_node("c", branch("Relu"), branch("Neg"))});
    f.inputs.push_back(condition_input);
    EXPECT_EQ(text_in_one_line(f), "g (f32[N,1,4] x, bool[] c) => (f32[N,1,4] y) { [\"if/then_branch/n\"] \"if/then_branch/b\" = Relu(x) "
                                   "[\"if/else_branch/n\"] \"if/else_branch/b\" = Neg(x) [if] y = \"tercet\":Select(c, \"if/then_branch/b\", \"if/else_branch/b\") }");
    const Model m = read(f);
    const Tensor x = Tensor::of<float>(DType::f32, {1, 1, 4}, std::vector<float>{-1, 2, -3, 4});
    for (const bool c : {true, false}) EXPECT_EQ(evaluate(m.graph, std::array{x, Tensor::scalar(DType::boolean, c)}).at(0).get(0), c ? 0 : 1);
    EXPECT_EQ(text_in_one_line(f, {.fixed_inputs = {{"c", Tensor::scalar(DType::boolean, 0)}}}), "g (f32[N,1,4] x) => (f32[N,1,4] y) { [\"if/n\"] y = Neg(x) }");
    f.nodes = {if_node("c", branch("", "x"), branch("", "x"))};
    EXPECT_EQ(text_in_one_line(f), "g (f32[N,1,4] x, bool[] c) => (f32[N,1,4] y = x) { }") << "no choice where both are one";
}

TEST(If, RefusesBranchesThatCannotBothBeComputed) {
    const auto refused = [](const ModelFile& then_branch, const ModelFile& else_branch, const std::string& reason) {
        ModelFile f = model({if_node("c", then_branch, else_branch)});
        f.inputs.push_back(condition_input);
        expect_read_error(f, "if (If, opset 17): unsupported: its condition is computed while the model runs, so that both branches have to be; " + reason);
    };
    refused(branch("Relu"), branch("Frobnicate"), "its else_branch: if/else_branch/n (Frobnicate, opset 17): unsupported operator");
    refused(branch("Relu"), branch("Flatten"), "output 0: what is chosen is f32[N,1,4] in one case and f32[N,4] in the other");
    refused(branch("Relu"), branch("Shape"), "output 0: what is chosen is f32[N,1,4] in one case and i64[3] in the other");
}

TEST(If, ReadsNamesFromOutside) {
    // In a branch of a branch, by its own name for something else, and before the node that gives it stands in the file.
    ModelFile inner = branch("Add", "x2", {"late", "x"});
    ModelFile outer{.outputs = {name_message("y")}, .nodes = {node_message("Neg", {"x"}, {"x2"}), if_node("yes", inner, branch("Relu"), "inner")}};
    const ModelFile f = model({if_node("yes", outer, branch("Relu"), "outer"), node_message("Relu", {"x"}, {"late"}, {}, "late")});
    EXPECT_EQ(text_in_one_line(f), "g (f32[N,1,4] x) => (f32[N,1,4] y) { [late] late = Relu(x) [\"outer/x2\"] \"outer/x2\" = Neg(x) [\"outer/inner/n\"] y = Add(late, x) }");
    expect_read_error(model({if_node("yes", branch("Relu", "b", {"y"}), branch("Neg"))}), "its nodes form a cycle, 'if' stands in it");
    expect_read_error(model({if_node("yes", branch("Relu", "b", {"q"}), branch("Neg"))}), "if/n (Relu, opset 17): reads 'q', which is no input");
}

TEST(If, BranchesHaveConstantsOfTheirOwn) {
    ModelFile taken = branch("Mul", "b", {"x", "w"});
    taken.initializers = {tensor_message("w", Tensor::scalar(DType::f32, 2))};
    ModelFile f = model({if_node("yes", taken, branch("Relu"))});
    f.initializers.push_back(tensor_message("w", Tensor::scalar(DType::f32, 3)));
    EXPECT_EQ(text_in_one_line(f), "g (f32[N,1,4] x) => (f32[N,1,4] y) { [\"if/n\"] y = Mul(x, f32{2}) }");
}

TEST(If, MayGiveSeveralOutputsOrFewerThanItsBranches) {
    const ModelFile both{.outputs = {name_message("a"), name_message("b")}, .nodes = {node_message("Relu", {"x"}, {"a"}), node_message("Neg", {"x"}, {"b"})}};
    const std::vector<std::string> branches{graph_attribute("then_branch", both), graph_attribute("else_branch", both)};
    ModelFile f = model({node_message("If", {"yes"}, {"", "y"}, branches, "if")});
    EXPECT_EQ(text_in_one_line(f), "g (f32[N,1,4] x) => (f32[N,1,4] y) { [\"if/a\"] \"if/a\" = Relu(x) [\"if/b\"] y = Neg(x) }");
    f.inputs.push_back(condition_input);
    f.nodes = {node_message("If", {"c"}, {"z", "y"}, branches, "if")};
    EXPECT_EQ(read(f).graph.order().size(), 6u);
    f.nodes = {node_message("If", {"yes"}, {"y", "z", "w"}, branches, "if")};
    expect_read_error(f, "its then_branch has 2 outputs, the node 3");
}

TEST(If, RefusesWhatIsNone) {
    const auto node = [](std::vector<std::string> inputs, std::vector<std::string> attributes) { return model({node_message("If", std::move(inputs), {"y"}, std::move(attributes), "if")}); };
    const std::string good = graph_attribute("then_branch", branch("Relu")), other = graph_attribute("else_branch", branch("Relu"));
    expect_read_error(node({}, {good, other}), "if (If, opset 17): has to have one input");
    expect_read_error(node({"yes", "no"}, {good, other}), "has to have one input");
    expect_read_error(node({"one"}, {good, other}), "its condition is i64[], should be one bool");
    expect_read_error(node({"q"}, {good, other}), "reads 'q'");
    expect_read_error(node({"no"}, {good}), "attribute 'else_branch' is no subgraph");
    expect_read_error(node({"yes"}, {integer_attribute("then_branch", 1), other}), "attribute 'then_branch' is no subgraph");
    expect_read_error(node({"yes"}, {attribute_message("then_branch", attribute_type::graph, [](protozero::pbf_writer&) {}), other}), "attribute 'then_branch' has no value");
    ModelFile with_input = branch("Relu");
    with_input.inputs = {name_message("i")};
    expect_read_error(node({"yes"}, {graph_attribute("then_branch", with_input), other}), "its then_branch has inputs");
    expect_read_error(node({"yes"}, {graph_attribute("then_branch", {.outputs = {name_message("b")}}), other}), "if: nothing computes the output 'b' of its function or subgraph");
    ModelFile f = model({if_node("many", branch("Relu"), branch("Neg"))});
    f.initializers.push_back(tensor_message("many", Tensor::zeros(DType::boolean, {2})));
    expect_read_error(f, "its condition is bool[2], should be one bool");
}

TEST(If, MayNotStandInItselfWithoutBound) {
    ModelFile nested = branch("Relu");
    for (int i = 0; i < 200; ++i) nested = {.outputs = {name_message("y")}, .nodes = {if_node("yes", nested, branch("Relu"), "i")}};
    expect_read_error(model({if_node("yes", nested, branch("Relu"))}), "subgraphs stand in each other more than 64 deep");
}

}  // namespace
}  // namespace tercet::testing
