// SPDX-License-Identifier: Apache-2.0
#include "onnx/model_tree.h"

#include "graph/text.h"
#include "onnx/testing.h"
#include "system/mapped_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

using namespace onnx;
using ::testing::HasSubstr;

constexpr Field unknown_field = 500;

ModelTree tree_of(const std::string& bytes, const std::filesystem::path& folder = {}) {
    const auto owner = std::make_shared<const std::string>(bytes);
    return read_tree(*owner, Source{owner, ExternalData(folder)});
}

std::string bytes_of_file(const std::filesystem::path& file) {
    const FileBytes content = read_file(file);
    return {reinterpret_cast<const char*>(content.bytes.data()), content.bytes.size()};
}

std::string written(ModelTree& tree, const WriteSettings& settings = {}) {
    const TemporaryFolder folder;
    write_tree(folder.path() / "m.onnx", tree, settings);
    return bytes_of_file(folder.path() / "m.onnx");
}

const Tensor four = Tensor::of<float>(DType::f32, {4}, std::vector<float>{1, 2, 3, 4});

// A subgraph, a function, an old-style constant input, and fields that nobody knows on every level.
ModelFile rich_model() {
    const auto mark = [](const char* text) { return [text](protozero::pbf_writer& w) { w.add_string(unknown_field, text); }; };
    ModelFile branch{.outputs = {name_message("b")}, .nodes = {node_message("Add", {"x", "w"}, {"b"}, {}, "inner")}, .more_graph = mark("in the branch")};
    ModelFile other{.outputs = {name_message("d")}, .nodes = {node_message("Relu", {"x"}, {"d"})}};
    ModelFile f{.inputs = {value_message("x", DType::f32, {"N", "4"}), value_message("c", DType::boolean, {}), value_message("w", DType::f32, {"4"})},
                .outputs = {value_message("y", DType::f32, {"N", "4"})},
                .initializers = {tensor_message("w", four) + message(mark("in the tensor"))},
                .nodes = {node_message("If", {"c"}, {"z"}, {graph_attribute("then_branch", branch), graph_attribute("else_branch", other)}, "if") + message(mark("in the node")),
                          node_message("F", {"z"}, {"y"}, {}, "call", "f")},
                .more_graph = mark("in the graph")};
    const FunctionFile function{.name = "F", .inputs = {"a"}, .outputs = {"r"}, .nodes = {node_message("Relu", {"a"}, {"r"})}};
    f.more_model = [=](protozero::pbf_writer& w) {
        w.add_message(model_field::functions, function.bytes() + message(mark("in the function")));
        w.add_message(model_field::opset_import, message([](protozero::pbf_writer& o) { o.add_string(opset_field::domain, "f"), o.add_int64(opset_field::version, 1); }));
        w.add_string(unknown_field, "in the model");
    };
    return f;
}

TEST(ModelTree, WrittenAgainIsTheSameModel) {
    const std::string bytes = rich_model().bytes();
    ModelTree tree = tree_of(bytes);
    const std::string again = written(tree);
    EXPECT_EQ(print_text(read(again).graph), print_text(read(bytes).graph));
    EXPECT_EQ(again.size(), bytes.size());
    for (const char* place : {"model", "graph", "node", "branch", "tensor", "function"}) EXPECT_THAT(again, HasSubstr(std::string("in the ") + place));
    ModelTree twice = tree_of(again);
    EXPECT_EQ(written(twice), again);
}

TEST(ModelTree, ChangedElementsKeepWhatElseATensorSays) {
    ModelTree tree = tree_of(rich_model().bytes());
    tree.graph.initializers[0].changed = Tensor::of<float>(DType::f32, {4}, std::vector<float>{5, 6, 7, 8});
    const std::string again = written(tree);
    EXPECT_THAT(again, HasSubstr("in the tensor"));
    EXPECT_THAT(print_text(read(again).graph), HasSubstr("f32[4]{5, 6, 7, 8}"));
}

TEST(ModelTree, KnowsNamesThatSubgraphsRead) {
    const ModelTree tree = tree_of(rich_model().bytes());
    EXPECT_THAT(captured_names(tree.graph.nodes[0]), ::testing::ElementsAre("w", "x"));
    EXPECT_TRUE(all_names(tree).contains("inner"));
    EXPECT_TRUE(all_names(tree).contains("r"));
}

TEST(ModelTree, LargeModelsKeepTheirTensorsBesideThem) {
    ModelFile file{.inputs = {value_message("x", DType::f32, {"N", "300"})}, .outputs = {value_message("y", DType::f32, {"N", "300"})},
                   .initializers = {tensor_message("w", Tensor::of<float>(DType::f32, {300}, std::vector<float>(300, 2.5f))), tensor_message("small", Tensor::scalar(DType::f32, 3))},
                   .nodes = {node_message("Add", {"x", "w"}, {"s"}), node_message("Mul", {"s", "small"}, {"y"})}};
    ModelTree tree = tree_of(file.bytes());
    const TemporaryFolder folder, elsewhere;
    write_tree(folder.path() / "m.onnx", tree, {.most_bytes = 1000});
    EXPECT_LT(std::filesystem::file_size(folder.path() / "m.onnx"), 500u);
    EXPECT_EQ(std::filesystem::file_size(folder.path() / "m.onnx.data"), 1200u);
    const TextOptions all{.max_elements = -1};
    EXPECT_EQ(print_text(read_model(folder.path() / "m.onnx").graph, all), print_text(read(file).graph, all));

    ModelTree external = tree_of(bytes_of_file(folder.path() / "m.onnx"), folder.path());
    write_tree(elsewhere.path() / "m.onnx", external);  // where the data file is not
    EXPECT_EQ(print_text(read_model(elsewhere.path() / "m.onnx").graph, all), print_text(read(file).graph, all));
}

TEST(ModelTree, TooLargeWithoutItsTensorsIsRefused) {
    ModelTree tree = tree_of(rich_model().bytes());
    EXPECT_THROW(written(tree, {.most_bytes = 100}), Error);
}

TEST(ModelTree, AValuesTypeChangesAndNothingElse) {
    const TreeValue v{"x", value_message("x", DType::f32, {"N", "4"})};
    EXPECT_EQ(declared_type(v), DType::f32);
    const TreeValue changed = with_type(v, DType::f16);
    EXPECT_EQ(declared_type(changed), DType::f16);
    EXPECT_EQ(with_type(changed, DType::f32).message.size(), v.message.size());
    EXPECT_EQ(declared_type({"x", name_message("x")}), DType::undefined);
}

TEST(ModelTree, NodesAreSortedWithWhatSubgraphsRead) {
    ModelTree tree = tree_of(rich_model().bytes());
    tree.graph.nodes.push_back({.op = "Relu", .inputs = {"q"}, .outputs = {"x2"}});
    tree.graph.nodes.push_back({.op = "Relu", .inputs = {"c2"}, .outputs = {"q"}});
    sort_nodes(tree.graph);
    EXPECT_EQ(tree.graph.nodes[2].outputs[0], "q");
    tree.graph.nodes.push_back({.op = "Add", .inputs = {"p", "p"}, .outputs = {"p"}});
    EXPECT_THROW(sort_nodes(tree.graph), Error);
}

TEST(ModelTree, RefusesWhatIsDamaged) {
    const std::string bytes = rich_model().bytes();
    for (std::size_t length : {bytes.size() - 1, bytes.size() / 2, std::size_t{5}}) EXPECT_THROW(tree_of(bytes.substr(0, length)), Error) << length;
}

}  // namespace
}  // namespace tercet::testing
