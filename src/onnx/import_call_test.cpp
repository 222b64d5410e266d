// SPDX-License-Identifier: Apache-2.0
// Functions that a model defines are inlined.
#include "onnx/testing.h"
#include "ops/op.h"
#include "tercet/error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

using namespace onnx;
using protozero::pbf_writer;

ModelFile model(std::vector<std::string> nodes, std::int64_t opset = 17) {
    return {.inputs = {value_message("x", DType::f32, {"N", "4"})}, .outputs = {value_message("y", DType::f32, {"", ""})}, .nodes = std::move(nodes), .opset = opset};
}

std::string call(std::string_view function, std::vector<std::string> attributes = {}) {
    return node_message(function, {"x"}, {"y"}, std::move(attributes), "call", "f");
}

std::string ints_attribute(std::string_view name, std::vector<std::int64_t> values) {
    return attribute_message(name, attribute_type::integers, [&](pbf_writer& w) { w.add_packed_int64(attribute_field::ints, values.begin(), values.end()); });
}

const FunctionFile relu_twice{.name = "Twice", .inputs = {"a"}, .outputs = {"b"},
                              .nodes = {node_message("Relu", {"a"}, {"x"}, {}, "first"), node_message("Relu", {"x"}, {"b"})}};

TEST(Functions, BecomeTheirNodesNamedAfterTheCaller) {
    EXPECT_EQ(text_in_one_line(with_functions(model({call("Twice")}), {relu_twice})),
              "g (f32[N,4] x) => (f32[N,4] y) { [\"call/first\"] \"call/x\" = Relu(x) [\"call/b\"] y = Relu(\"call/x\") }");
}

TEST(Functions, AreCalledManyTimesAndByEachOther) {
    const FunctionFile four{.name = "Four", .inputs = {"x"}, .outputs = {"y"},
                            .nodes = {node_message("Twice", {"x"}, {"t"}, {}, "one", "f"), node_message("Twice", {"t"}, {"y"}, {}, "/two", "f")}};
    const Model m = read(with_functions(model({node_message("Four", {"x"}, {"h"}, {}, "p", "f"), node_message("Four", {"h"}, {"y"}, {}, {}, "f")}), {four, relu_twice}));
    verify(m.graph);
    std::vector<std::string> labels;
    for (NodeId id : m.graph.order()) labels.push_back(m.graph.label(id));
    EXPECT_THAT(labels, ::testing::ElementsAre("p/one/first", "p/one/b", "p/two/first", "p/two/b", "y/one/first", "y/one/b", "y/two/first", "y/two/b"));
}

TEST(Functions, AreReadByTheirOwnOperatorSets) {
    // Squeeze's axes are an attribute up to operator set 12, an input from 13 on.
    ModelFile f = model({call("Old")});
    f.inputs = {value_message("x", DType::f32, {"3", "1", "4"})};
    FunctionFile old{.name = "Old", .inputs = {"a"}, .outputs = {"b"}, .nodes = {node_message("Squeeze", {"a"}, {"b"}, {ints_attribute("axes", {1})}, "s")}, .opset = 11};
    EXPECT_EQ(text_in_one_line(with_functions(f, {old})), "g (f32[3,1,4] x) => (f32[3,4] y) { [\"call/s\"] y = Squeeze(x, i64[1]{1}) }");
    old.opset = 17;
    expect_read_error(with_functions(f, {old}), "call/s (Squeeze, opset 17): ");
    old.opset = 0;
    f.opset = 11;
    EXPECT_NO_THROW(read(with_functions(f, {old}))) << "without imports, the model's are in force";
    old.opset = 99;
    expect_read_error(with_functions(f, {old}), "call (Old of f): function Old: uses operator set 99");
}

TEST(Functions, TakeAttributes) {
    const FunctionFile inner{.name = "Inner", .inputs = {"a"}, .outputs = {"b"},
                             .nodes = {node_message("Flatten", {"a"}, {"b"}, {reference_attribute("axis", attribute_type::integer, "k")})}, .attributes = {"k"}};
    const FunctionFile outer{.name = "Outer", .inputs = {"a"}, .outputs = {"b"},
                             .nodes = {node_message("Inner", {"a"}, {"b"}, {reference_attribute("k", attribute_type::integer, "axis")}, "in", "f")},
                             .attributes = {}, .defaults = {integer_attribute("axis", 2)}};
    const auto shape = [&](const std::string& node) {
        ModelFile f = model({node});
        f.inputs = {value_message("x", DType::f32, {"2", "3", "5"})};
        const Model m = read(with_functions(f, {inner, outer}));
        return text_of(m.graph.value(m.graph.outputs()[0].value).type);
    };
    EXPECT_EQ(shape(call("Inner", {integer_attribute("k", 0)})), "f32[1,30]");
    EXPECT_EQ(shape(call("Inner")), "f32[2,15]") << "left out here, left out there";
    EXPECT_EQ(shape(call("Outer")), "f32[6,5]") << "the default";
    EXPECT_EQ(shape(call("Outer", {integer_attribute("axis", 0)})), "f32[1,30]");
    expect_read_error(with_functions(model({call("Inner", {integer_attribute("axis", 0)})}), {inner}), "call (Inner of f): unknown attribute 'axis'");
    expect_read_error(with_functions(model({call("Inner", {ints_attribute("k", {0})})}), {inner}), "call/b (Flatten, opset 17): attribute 'axis' is of the wrong kind");
    expect_read_error(with_functions(model({call("Inner", {graph_attribute("k", {})})}), {inner}), "subgraph attribute 'k' of a function");
}

TEST(Functions, MakeConstantsOfAttributes) {
    const FunctionFile f{.name = "Shaped", .inputs = {"a"}, .outputs = {"b"},
                         .nodes = {node_message("Constant", {}, {"size"}, {reference_attribute("value_ints", attribute_type::integers, "shape")}),
                                   node_message("Reshape", {"a", "size"}, {"b"})},
                         .attributes = {"shape"}};
    ModelFile m = model({node_message("Shaped", {"x"}, {"h"}, {ints_attribute("shape", {2, 2})}, "c", "f"), node_message("Shaped", {"h"}, {"y"}, {ints_attribute("shape", {1, 4})}, "d", "f")});
    m.inputs = {value_message("x", DType::f32, {"4"})};
    EXPECT_EQ(text_in_one_line(with_functions(m, {f})),
              "g (f32[4] x) => (f32[1,4] y) { [\"c/b\"] h = Reshape(x, i64[2]{2, 2}) [\"d/b\"] y = Reshape(h, i64[2]{1, 4}) }");
    expect_read_error(with_functions(model({call("Shaped")}), {f}), "call/size (Constant, opset 17): has to have one output, one attribute");
}

TEST(Functions, MayComputeSizesFromAttributes) {
    const FunctionFile f{.name = "Negated", .inputs = {"a"}, .outputs = {"b"},
                         .nodes = {node_message("Constant", {}, {"minus"}, {reference_attribute("value_ints", attribute_type::integers, "minus")}),
                                   node_message("Cast", {"minus"}, {"float"}, {integer_attribute("to", 1)}), node_message("Abs", {"float"}, {"abs"}),
                                   node_message("Cast", {"abs"}, {"size"}, {integer_attribute("to", 7)}), node_message("Reshape", {"a", "size"}, {"b"})},
                         .attributes = {"minus"}};
    ModelFile m = model({call("Negated", {ints_attribute("minus", {-2, 2})})});
    m.inputs = {value_message("x", DType::f32, {"4"})};
    const Model read_back = read(with_functions(m, {f}));
    verify(read_back.graph);
    EXPECT_EQ(text_of(read_back.graph.value(read_back.graph.outputs()[0].value).type), "f32[2,2]");
    m = model({call("Negated", {ints_attribute("minus", {-3, -5})})});
    m.inputs = {value_message("x", DType::f32, {"4"})};
    expect_read_error(with_functions(m, {f}), "call/b (Reshape, opset 17): ");
}

TEST(Functions, MayBeCalledWithLess) {
    const FunctionFile f{.name = "Clipped", .inputs = {"a", "low", "high"}, .outputs = {"b", "other"},
                         .nodes = {node_message("Clip", {"a", "low", "high"}, {"b"}), node_message("Neg", {"b"}, {"other"})}};
    ModelFile m = model({node_message("Clipped", {"x", "", "one"}, {"y"}, {}, "c", "f")});
    m.initializers = {tensor_message("one", Tensor::scalar(DType::f32, 1))};
    EXPECT_EQ(text_in_one_line(with_functions(m, {f})), "g (f32[N,4] x) => (f32[N,4] y) { [\"c/b\"] y = Clip(x, _, f32{1}) [\"c/other\"] \"c/other\" = Neg(y) }");
    m.nodes = {node_message("Clipped", {"x"}, {"", "y"}, {}, "c", "f")};
    EXPECT_EQ(text_in_one_line(with_functions(m, {f})), "g (f32[N,4] x) => (f32[N,4] y) { [\"c/b\"] \"c/b\" = Clip(x) [\"c/other\"] y = Neg(\"c/b\") }");
    m.nodes = {node_message("Clipped", {"x", "x", "x", "x"}, {"y"}, {}, "c", "f")};
    expect_read_error(with_functions(m, {f}), "c (Clipped of f): has 4 inputs, the function takes at most 3");
    m.nodes = {node_message("Clipped", {"x"}, {"y", "z", "w"}, {}, "c", "f")};
    expect_read_error(with_functions(m, {f}), "c (Clipped of f): has 3 outputs, the function gives at most 2");
}

TEST(Functions, MayAskWhetherAnInputIsThere) {
    const FunctionFile f{.name = "Biased", .inputs = {"a", "bias"}, .outputs = {"b"},
                         .nodes = {node_message("OptionalHasElement", {"bias"}, {"has"}),
                                   node_message("If", {"has"}, {"b"}, {graph_attribute("then_branch", {.outputs = {name_message("s")}, .nodes = {node_message("OptionalGetElement", {"bias"}, {"e"}), node_message("Add", {"a", "e"}, {"s"})}}),
                                                                       graph_attribute("else_branch", {.outputs = {name_message("a")}})}, "if")},
                         .opset = 18};
    EXPECT_EQ(text_in_one_line(with_functions(model({node_message("Biased", {"x", "x"}, {"y"}, {}, "c", "f")}), {f})),
              "g (f32[N,4] x) => (f32[N,4] y) { [\"c/if/s\"] y = Add(x, x) }");
    EXPECT_EQ(text_in_one_line(with_functions(model({node_message("Biased", {"x"}, {"y"}, {}, "c", "f")}), {f})), "g (f32[N,4] x) => (f32[N,4] y = x) { }");
}

TEST(Functions, MayGiveBackAnInputOrAConstant) {
    const FunctionFile f{.name = "Same", .inputs = {"a"}, .outputs = {"a", "c"}, .nodes = {node_message("Constant", {}, {"c"}, {integer_attribute("value_int", 3)})}};
    ModelFile m = model({node_message("Same", {"x"}, {"h", "c"}, {}, "s", "f"), node_message("Relu", {"h"}, {"y"})});
    m.outputs.push_back(value_message("c", DType::i64, {}));
    EXPECT_EQ(text_in_one_line(with_functions(m, {f})), "g (f32[N,4] x) => (f32[N,4] y, i64[] c = i64{3}) { y = Relu(x) }");
}

TEST(Functions, HaveNamesAndValuesOfTheirOwn) {
    FunctionFile hidden = relu_twice;
    hidden.nodes[1] = node_message("Add", {"x", "outside"}, {"b"});
    ModelFile m = model({call("Twice")});
    m.initializers = {tensor_message("outside", Tensor::scalar(DType::f32, 1))};
    expect_read_error(with_functions(m, {hidden}), "call/b (Add, opset 17): reads 'outside', which is no input");
    hidden.nodes = {node_message("Relu", {"a"}, {"c"})};
    expect_read_error(with_functions(m, {hidden}), "call: nothing computes the output 'b' of its function");
    hidden.nodes = {node_message("Relu", {"b"}, {"b"})};
    expect_read_error(with_functions(m, {hidden}), "its nodes form a cycle, 'b' stands in it");
    hidden.nodes = {node_message("Relu", {"a"}, {"a"})};
    expect_read_error(with_functions(m, {hidden}), "the value 'a' is defined twice");
    hidden.inputs = {"a", "a"};
    expect_read_error(with_functions(m, {hidden}), "the function's input 'a' is there twice");
}

TEST(Functions, AreToldApartByDomainAndOverload) {
    const auto one_node = [](std::string_view op, std::string_view overload, std::string_view domain = "f") {
        return FunctionFile{.name = "F", .inputs = {"a"}, .outputs = {"b"}, .nodes = {node_message(op, {"a"}, {"b"}, {}, "n")}, .domain = std::string(domain), .overload = std::string(overload)};
    };
    const std::string overloaded = call("F") + message([](pbf_writer& w) { w.add_string(node_field::overload, "int"); });
    EXPECT_THAT(text_in_one_line(with_functions(model({overloaded}), {one_node("Relu", ""), one_node("Neg", "int"), one_node("Abs", "", "other")})), ::testing::HasSubstr("y = Neg(x)"));
    EXPECT_THAT(text_in_one_line(with_functions(model({call("F")}), {one_node("Abs", "", "other"), one_node("Neg", "int"), one_node("Relu", "")})), ::testing::HasSubstr("y = Relu(x)"));
    expect_read_error(with_functions(model({call("F")}), {one_node("Abs", "", "other")}), "call (F of f): unsupported operator F of domain 'f'");
    expect_read_error(with_functions(model({call("F")}), {one_node("Abs", ""), one_node("Neg", "")}), "defines the function F of domain 'f' twice");
}

TEST(Functions, ThatNothingCallsAreNotRead) {
    FunctionFile broken = relu_twice;
    broken.name = "Broken";
    broken.nodes = {"\xff\xff"};
    EXPECT_NO_THROW(read(with_functions(model({call("Twice")}), {broken, relu_twice})));
    expect_read_error(with_functions(model({call("Broken")}), {broken}), "is not an ONNX model or is damaged");
}

TEST(Functions, MayNotCallThemselves) {
    const auto calls = [](std::string_view name, std::string_view other) {
        return FunctionFile{.name = std::string(name), .inputs = {"a"}, .outputs = {"b"}, .nodes = {node_message(other, {"a"}, {"b"}, {}, "n", "f")}};
    };
    expect_read_error(with_functions(model({call("A")}), {calls("A", "A")}), "call/n (A of f): the function A calls itself");
    expect_read_error(with_functions(model({call("A")}), {calls("A", "B"), calls("B", "A")}), "call/n/n (A of f): the function A calls itself");
    std::vector<FunctionFile> chain;
    for (int i = 0; i < 1000; ++i) chain.push_back(calls("A" + std::to_string(i), "A" + std::to_string(i + 1)));
    expect_read_error(with_functions(model({call("A0")}), chain), "stand in each other more than 64 deep");
}

TEST(Functions, MayNotGrowWithoutBound) {
    // Each calls the one below twice.
    std::vector<FunctionFile> bomb{{.name = "A0", .inputs = {"a"}, .outputs = {"a"}}};
    for (int i = 1; i < 40; ++i) {
        const std::string below = "A" + std::to_string(i - 1);
        bomb.push_back({.name = "A" + std::to_string(i), .inputs = {"a"}, .outputs = {"b"}, .nodes = {node_message(below, {"a"}, {"h"}, {}, "n", "f"), node_message(below, {"h"}, {"b"}, {}, "m", "f")}});
    }
    expect_read_error(with_functions(model({call("A39")}), bomb), "its functions and subgraphs come to more than 30000 nodes");
    // The same in names: few nodes, long labels.
    const std::string long_name(1'000'000, 'n');
    bomb = {{.name = "A", .inputs = {"a"}, .outputs = {"b"}, .nodes = {}}};
    for (int i = 0; i < 1000; ++i) bomb[0].nodes.push_back(node_message("Relu", {"a"}, {i == 0 ? "b" : "b" + std::to_string(i)}));
    expect_read_error(with_functions(model({node_message("A", {"x"}, {"y"}, {}, long_name, "f")}), bomb), "more than 256 MiB of names and attributes");
}

// In the style of torch.onnx.export(dynamo=True): functions of torch_lib, with others of their own in them.
TEST(Functions, OfTorchLibAreInlined) {
    const FunctionFile is_scalar{.name = "IsScalar", .inputs = {"input"}, .outputs = {"result"},
                                 .nodes = {node_message("Shape", {"input"}, {"shape"}), node_message("Size", {"shape"}, {"rank"}),
                                           node_message("Constant", {}, {"zero"}, {integer_attribute("value_int", 0)}), node_message("Equal", {"rank", "zero"}, {"result"})},
                                 .domain = "pkg.onnxscript.torch_lib.common", .opset = 18};
    const FunctionFile mean{.name = "aten_mean_dim", .inputs = {"self", "dim"}, .outputs = {"result"},
                            .nodes = {node_message("IsScalar", {"self"}, {"scalar"}, {}, "n0", "pkg.onnxscript.torch_lib.common"),
                                      node_message("If", {"scalar"}, {"result"},
                                                   {graph_attribute("then_branch", {.outputs = {name_message("same")}, .nodes = {node_message("Identity", {"self"}, {"same"})}}),
                                                    graph_attribute("else_branch", {.outputs = {name_message("mean")},
                                                                                    .nodes = {node_message("Constant", {}, {"minus"}, {ints_attribute("value_ints", {-1})}),
                                                                                              node_message("Reshape", {"dim", "minus"}, {"dims"}),
                                                                                              node_message("ReduceMean", {"self", "dims"}, {"mean"}, {reference_attribute("keepdims", attribute_type::integer, "keepdim")}, "reduce")}})},
                                                   "n1")},
                            .defaults = {integer_attribute("keepdim", 0)}, .domain = "pkg.onnxscript.torch_lib", .opset = 18};
    ModelFile m = model({node_message("Constant", {}, {"dim"}, {integer_attribute("value_int", 1)}),
                         node_message("aten_mean_dim", {"x", "dim"}, {"y"}, {integer_attribute("keepdim", 1)}, "mean", "pkg.onnxscript.torch_lib")}, 18);
    const Model read_back = read(with_functions(m, {is_scalar, mean}));
    verify(read_back.graph);
    const NodeId reduce = read_back.graph.nodes("ReduceMean").at(0);
    EXPECT_EQ(read_back.graph.label(reduce), "mean/n1/reduce");
    EXPECT_EQ(text_of(read_back.graph.value(read_back.graph.output(reduce)).type), "f32[N,1]");
    EXPECT_TRUE(read_back.graph.nodes("Identity").empty());
    const Tensor y = evaluate(read_back.graph, std::array{Tensor::of<float>(DType::f32, {1, 4}, std::vector<float>{1, 2, 3, 6})}).at(0);
    EXPECT_EQ(y.get(0), 3);
}

}  // namespace
}  // namespace tercet::testing
