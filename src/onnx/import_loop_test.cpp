// SPDX-License-Identifier: Apache-2.0
// Loop and Scan are unrolled.
#include "onnx/testing.h"
#include "ops/op.h"
#include "tercet/error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

using namespace onnx;
using protozero::pbf_writer;

std::vector<double> values_of(const Tensor& t) {
    std::vector<double> v;
    for (std::int64_t i = 0; i < t.count(); ++i) v.push_back(t.get(i));
    return v;
}

std::vector<std::string> names(std::vector<std::string> of) {
    for (std::string& n : of) n = name_message(n);
    return of;
}

// x[k+1] = x[k] + x[k] and the list of x[k] + k, as long as k < limit.
ModelFile doubling(std::vector<std::string> condition = {}) {
    ModelFile f{.inputs = names({"k", "go", "a"}), .outputs = names({"on", "b", "s"}),
                .nodes = {node_message("Add", {"a", "a"}, {"b"}, {}, "double"), node_message("Cast", {"k"}, {"kf"}, {integer_attribute("to", 1)}), node_message("Add", {"a", "kf"}, {"s"})}};
    f.nodes.push_back(condition.empty() ? node_message("Identity", {"go"}, {"on"}) : node_message("Less", condition, {"on"}));
    return f;
}

ModelFile loop_model(std::vector<std::string> inputs, const ModelFile& body, std::vector<std::string> outputs = {"y", "z"}) {
    return {.inputs = {value_message("x", DType::f32, {"2"})}, .outputs = names(outputs),
            .initializers = {tensor_message("three", Tensor::scalar(DType::i64, 3)), tensor_message("yes", Tensor::scalar(DType::boolean, 1)),
                             tensor_message("no", Tensor::scalar(DType::boolean, 0)), tensor_message("none", Tensor::scalar(DType::i64, 0)),
                             tensor_message("many", Tensor::scalar(DType::i64, 1e18))},
            .nodes = {node_message("Loop", std::move(inputs), outputs, {graph_attribute("body", body)}, "loop")}};
}

const Tensor x2 = Tensor::of<float>(DType::f32, {2}, std::vector<float>{1, 10});

TEST(Loop, IsUnrolled) {
    for (const std::vector<std::string>& inputs : std::vector<std::vector<std::string>>{{"three", "yes", "x"}, {"three", "", "x"}}) {
        const Model m = read(loop_model(inputs, doubling()));
        verify(m.graph);
        const auto results = evaluate(m.graph, std::array{x2});
        EXPECT_THAT(values_of(results.at(0)), ::testing::ElementsAre(8, 80));
        EXPECT_EQ(results.at(1).shape(), (Dims{3, 2}));
        EXPECT_THAT(values_of(results.at(1)), ::testing::ElementsAre(1, 10, 3, 21, 6, 42));
        EXPECT_EQ(m.graph.label(m.graph.producer(m.graph.outputs()[0].value)), "loop/2/double");
        EXPECT_EQ(m.graph.label(m.graph.producer(m.graph.outputs()[1].value)), "loop");
    }
}

TEST(Loop, StopsWhereItsConditionSaysSo) {
    for (const char* trips : {"", "many"}) {  // k < 1 after the iterations 0 and 1
        SCOPED_TRACE(trips);
        ModelFile f = loop_model({trips, "yes", "x"}, doubling({"k", "one"}));
        f.initializers.push_back(tensor_message("one", Tensor::scalar(DType::i64, 1)));
        if (std::string_view(trips) == "many") {
            expect_read_error(f, "loop (Loop, opset 17): unsupported: it runs more than 64 times");
            continue;
        }
        EXPECT_THAT(values_of(evaluate(read(f).graph, std::array{x2}).at(0)), ::testing::ElementsAre(4, 40));
    }
    ModelFile f = loop_model({"three", "no", "x"}, doubling(), {"y"});
    EXPECT_EQ(text_in_one_line(f), "g (f32[2] x) => (f32[2] y = x) { }");
    f = loop_model({"none", "yes", "x"}, doubling(), {"y"});
    EXPECT_EQ(text_in_one_line(f), "g (f32[2] x) => (f32[2] y = x) { }");
    expect_read_error(loop_model({"none", "yes", "x"}, doubling()), "it runs 0 times, which leaves the shape of its output 'z' open");
}

TEST(Loop, RefusesWhatOnlyTheRunKnows) {
    ModelFile f = loop_model({"m", "yes", "x"}, doubling());
    f.inputs.push_back(value_message("m", DType::i64, {}));
    expect_read_error(f, "loop (Loop, opset 17): unsupported: how often it runs is computed while the model runs");
    f = loop_model({"three", "c", "x"}, doubling());
    f.inputs.push_back(value_message("c", DType::boolean, {}));
    expect_read_error(f, "unsupported: whether it goes on is computed while the model runs");
    f = loop_model({"three", "yes", "x"}, doubling({"a", "a"}));
    f.inputs[0] = value_message("x", DType::f32, {});
    expect_read_error(f, "unsupported: whether it goes on is computed while the model runs");
    expect_read_error(loop_model({"", "", "x"}, doubling()), "it runs more than 64 times");
}

TEST(Loop, RefusesWhatIsNone) {
    expect_read_error(loop_model({"yes", "yes", "x"}, doubling()), "its trip count is bool[], should be one i64");
    expect_read_error(loop_model({"three", "three", "x"}, doubling()), "its condition is i64[], should be one bool");
    expect_read_error(loop_model({"three", "yes"}, doubling()), "its body has 3 inputs, should have 2");
    expect_read_error(loop_model({"three", "yes", "x", "x"}, doubling()), "its body has 3 inputs, should have 4");
    expect_read_error(loop_model({"three", "yes", "x"}, doubling(), {"y", "z", "w"}), "its body has 3 outputs, should have 4 or more");
    ModelFile body = doubling();
    body.outputs.clear();
    expect_read_error(loop_model({"three", "yes", "x"}, body), "its body has 0 outputs");
    expect_read_error(loop_model({"three", "yes", "x"}, {.inputs = names({"k", "go", "a"}), .outputs = names({"go", "k", "q"})}), "loop/0: nothing computes the output 'q'");
    ModelFile f = loop_model({"three", "yes", "x"}, body);
    f.nodes = {node_message("Loop", {"three", "yes", "x"}, {"y", "z"}, {}, "loop")};
    expect_read_error(f, "loop (Loop, opset 17): attribute 'body' is no subgraph");
}

TEST(Loop, InLoopsMayNotGrowWithoutBound) {
    ModelFile body{.inputs = names({"k", "go", "a"}), .outputs = names({"go", "a"})};
    for (int i = 0; i < 10; ++i)
        body = {.inputs = names({"k", "go", "a"}), .outputs = names({"go", "b"}), .nodes = {node_message("Loop", {"sixty", "yes", "a"}, {"b"}, {graph_attribute("body", body)})}};
    ModelFile f = loop_model({"three", "yes", "x"}, body, {"y"});
    f.initializers.push_back(tensor_message("sixty", Tensor::scalar(DType::i64, 60)));
    expect_read_error(f, "come to more than 30000 nodes");
}

// The sums so far, and each sum plus the element twice.
ModelFile sums() {
    return {.inputs = names({"sum", "e"}), .outputs = names({"next", "out"}), .nodes = {node_message("Add", {"sum", "e"}, {"next"}, {}, "add"), node_message("Add", {"next", "e"}, {"out"})}};
}

ModelFile scan_model(std::vector<std::string> attributes, const std::vector<std::string>& shape = {"3", "2"}, std::int64_t opset = 17) {
    attributes.push_back(graph_attribute("body", sums()));
    attributes.push_back(integer_attribute("num_scan_inputs", 1));
    return {.inputs = {value_message("i", DType::f32, {"2"}), value_message("x", DType::f32, shape)}, .outputs = names({"y", "z"}),
            .nodes = {node_message("Scan", {"i", "x"}, {"y", "z"}, attributes, "scan")}, .opset = opset};
}

std::string ints_attribute(std::string_view name, std::int64_t value) {
    return attribute_message(name, attribute_type::integers, [&](pbf_writer& w) { w.add_int64(attribute_field::ints, value); });
}

TEST(Scan, IsUnrolled) {
    const Tensor i = Tensor::zeros(DType::f32, {2}), x = Tensor::of<float>(DType::f32, {3, 2}, std::vector<float>{1, 2, 3, 4, 5, 6});
    const Tensor t = Tensor::of<float>(DType::f32, {2, 3}, std::vector<float>{1, 3, 5, 2, 4, 6});
    struct Case {
        std::vector<std::string> attributes;
        const Tensor& x;
        std::vector<double> z;
    };
    const Case cases[] = {
        {{}, x, {2, 4, 7, 10, 14, 18}},
        {{ints_attribute("scan_input_axes", -1)}, t, {2, 4, 7, 10, 14, 18}},
        {{ints_attribute("scan_input_directions", 1)}, x, {10, 12, 11, 14, 10, 14}},
        {{ints_attribute("scan_output_directions", 1)}, x, {14, 18, 7, 10, 2, 4}},
        {{ints_attribute("scan_output_axes", -1)}, x, {2, 7, 14, 4, 10, 18}},
    };
    for (const Case& c : cases) {
        const Model m = read(scan_model(c.attributes, {std::to_string(c.x.shape()[0]), std::to_string(c.x.shape()[1])}));
        verify(m.graph);
        const auto results = evaluate(m.graph, std::array{i, c.x});
        EXPECT_THAT(values_of(results.at(0)), ::testing::ElementsAre(9, 12));
        EXPECT_THAT(values_of(results.at(1)), ::testing::ElementsAreArray(c.z));
        EXPECT_EQ(m.graph.label(m.graph.producer(m.graph.outputs()[0].value)), "scan/2/add");
    }
}

TEST(Scan, RefusesWhatItCannotUnroll) {
    expect_read_error(scan_model({}, {"N", "2"}), "scan (Scan, opset 17): unsupported: it runs once per element of the dynamic extent");
    expect_read_error(scan_model({}, {"65", "2"}), "unsupported: it runs more than 64 times");
    expect_read_error(scan_model({}, {"0", "2"}), "it runs 0 times, which leaves the shape of its output 'z' open");
    expect_read_error(scan_model({}, {"3", "2"}, 8), "unsupported: Scan with a batch axis");
    expect_read_error(scan_model({ints_attribute("scan_input_axes", 2)}), "axis 2");
    expect_read_error(scan_model({ints_attribute("scan_output_axes", 2)}), "axis 2");
    expect_read_error(scan_model({attribute_message("scan_output_axes", attribute_type::integers, [](pbf_writer& w) { w.add_int64(attribute_field::ints, 0), w.add_int64(attribute_field::ints, 0); })}),
                      "its attribute 'scan_output_axes' has 2 elements, should have 1");
    ModelFile f = scan_model({});
    for (const auto& [count, part] : std::vector<std::pair<int, std::string>>{{0, "has 2 inputs, 0 of them to be scanned"}, {3, "has 2 inputs, 3 of them"}, {-1, "has 2 inputs, -1 of them"}}) {
        f.nodes = {node_message("Scan", {"i", "x"}, {"y", "z"}, {graph_attribute("body", sums()), integer_attribute("num_scan_inputs", count)}, "scan")};
        expect_read_error(f, part);
    }
    f.nodes = {node_message("Scan", {"i", "x"}, {"y", "z"}, {graph_attribute("body", sums()), integer_attribute("num_scan_inputs", 2)}, "scan")};
    expect_read_error(f, "its scan inputs have 2 and 3 elements");
}

}  // namespace
}  // namespace tercet::testing
