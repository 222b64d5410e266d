// SPDX-License-Identifier: Apache-2.0
#include "onnx/read_model.h"

#include "graph/text.h"
#include "onnx/testing.h"
#include "tercet/error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <random>

namespace tercet::testing {
namespace {

using namespace onnx;
using protozero::pbf_writer;

const std::string x34 = value_message("x", DType::f32, {"3", "4"});
const std::string y34 = value_message("y", DType::f32, {"3", "4"});

std::string text(const ModelFile& file, const ReadSettings& settings = {}) {
    const Model m = read(file, settings);
    verify(m.graph);
    return print_text(m.graph);
}

TEST(ReadModel, GivesGraphAndVersions) {
    const Model m = read(flatten_model());
    EXPECT_EQ(text_in_one_line(flatten_model()), "g (f32[N,3,4] x) => (f32[N,12] y) { [flat] y = Flatten(x) }");
    EXPECT_EQ(m.graph.name, "g");
    EXPECT_EQ(m.producer, "maker 1.2");
    EXPECT_EQ(m.ir_version, 8);
    EXPECT_EQ(m.opset, 17);
}

TEST(ReadModel, TakesTheDomainByBothNames) {
    ModelFile f = flatten_model();
    f.opset = 0;
    f.nodes = {node_message("Flatten", {"x"}, {"y"}, {}, {}, "ai.onnx")};
    f.more_model = [](pbf_writer& w) {
        w.add_message(model_field::opset_import, message([](pbf_writer& o) {
            o.add_string(opset_field::domain, "ai.onnx");
            o.add_int64(opset_field::version, 13);
        }));
    };
    EXPECT_EQ(read(f).opset, 13);
    f.opset = 12;
    expect_read_error(f, "two operator sets");
}

TEST(ReadModel, RefusesOtherVersions) {
    for (std::int64_t good : {3, 14}) {
        ModelFile f = flatten_model();
        f.ir = good;
        EXPECT_EQ(read(f).ir_version, good);
    }
    for (std::int64_t bad : {-1, 0, 2, 15}) {
        ModelFile f = flatten_model();
        f.ir = bad;
        expect_read_error(f, "has IR version " + std::to_string(bad) + ", supported are 3 to 14");
    }
    for (std::int64_t good : {1, 28}) {
        ModelFile f = flatten_model();
        f.opset = good;
        EXPECT_EQ(read(f).opset, good);
    }
    for (std::int64_t bad : {-1, 29}) {
        ModelFile f = flatten_model();
        f.opset = bad;
        expect_read_error(f, "uses operator set " + std::to_string(bad) + ", supported are 1 to 28");
    }
    ModelFile f = flatten_model();
    f.opset = 0;
    expect_read_error(f, "does not say which operator set");
    f.more_model = [](pbf_writer& w) {
        w.add_message(model_field::opset_import, message([](pbf_writer& o) {
            o.add_string(opset_field::domain, "ai.onnx.ml");
            o.add_int64(opset_field::version, 3);
        }));
    };
    expect_read_error(f, "imports operators of 'ai.onnx.ml' only");
}

TEST(ReadModel, NamesSymbols) {
    struct Case {
        std::vector<std::string> dims;
        const char* type;
    };
    const Case cases[] = {
        {{"batch_size", "3"}, "f32[batch_size,3]"},
        {{"batch size", "batch size"}, "f32[batch_size,batch_size]"},
        {{"a.b", "a_b", "a-b"}, "f32[a_b_2,a_b,a_b_3]"},
        {{"2*N", "N"}, "f32[_2_N,N]"},
        {{"", "-1"}, "f32[x_0,x_1]"},
        {{"?", "?"}, "f32[x_0,x_1]"},
        {{"", "x_0"}, "f32[x_0_2,x_0]"},
        {{"0", "5"}, "f32[0,5]"},
        {{}, "f32[]"},
    };
    for (const Case& c : cases) {
        ModelFile f = flatten_model(c.dims);
        f.nodes.clear();
        f.outputs = {value_message("x", DType::f32, c.dims)};
        EXPECT_THAT(text(f), ::testing::StartsWith("g (" + std::string(c.type) + " x)"));
    }
}

TEST(ReadModel, SharesSymbolsAmongInputs) {
    ModelFile f = flatten_model({"my batch", "4"});
    f.inputs.push_back(value_message("z", DType::i64, {"my batch"}));
    EXPECT_THAT(text(f), ::testing::StartsWith("g (f32[my_batch,4] x, i64[my_batch] z)"));
}

TEST(ReadModel, RefusesImpossibleInputs) {
    const auto input = [](const Fill& type) {
        ModelFile f = flatten_model();
        f.inputs = {message([&](pbf_writer& w) {
            w.add_string(value_field::name, "x");
            w.add_message(value_field::type, message(type));
        })};
        return f;
    };
    expect_read_error(input([](pbf_writer& w) { w.add_message(type_field::sequence, std::string()); }), "'x' is a sequence");
    expect_read_error(input([](pbf_writer& w) { w.add_message(type_field::optional, std::string()); }), "'x' is optional");
    expect_read_error(input([](pbf_writer& w) {
        w.add_message(type_field::tensor, message([](pbf_writer& t) { t.add_int64(tensor_type_field::element, 1); }));
    }), "give its shape");
    expect_read_error(input([](pbf_writer& w) {
        w.add_message(type_field::tensor, message([](pbf_writer& t) { t.add_int64(tensor_type_field::element, 99); }));
    }), "unknown element type 99");
    expect_read_error(input([](pbf_writer&) {}), "input 'x' has no element type");
    expect_read_error(flatten_model({"1", "1", "1", "1", "1", "1", "1", "1", "1"}), "rank 9, at most 8");
    expect_read_error(flatten_model({"1099511627776", "N", "1099511627776"}), "input 'x': the shape [1099511627776,N,1099511627776] is impossibly large");
    ModelFile f = flatten_model();
    f.inputs = {value_message("x", DType::string, {"2"})};
    expect_read_error(f, "input 'x' is of strings");
    f.inputs = {value_message("x", DType::f8e5m2, {"2"})};
    expect_read_error(f, "flat (Flatten, opset 17): unsupported: reads 'x' of type f8e5m2");
    f.inputs = {x34, x34};
    expect_read_error(f, "the value 'x' is defined twice");
    f.inputs = {value_message("", DType::f32, {"2"})};
    expect_read_error(f, "an input has no name");
}

TEST(ReadModel, MakesConstantsOfInitializersAndConstantNodes) {
    const Tensor w = Tensor::ints(std::vector<std::int64_t>{1, 2});
    for (std::int64_t ir : {3, 8}) {
        ModelFile f{.outputs = {value_message("w", DType::i64, {"2"})}, .initializers = {tensor_message("w", w)}, .ir = ir};
        if (ir == 3) f.inputs = {value_message("w", DType::i64, {"2"})};
        const Model m = read(f);
        EXPECT_TRUE(m.graph.inputs().empty());
        ASSERT_NE(m.graph.constant(m.graph.outputs()[0].value), nullptr);
        EXPECT_EQ(*m.graph.constant(m.graph.outputs()[0].value), w);
    }
    struct Case {
        std::string attribute;
        Tensor value;
    };
    const Case cases[] = {
        {tensor_attribute("value", tensor_message("", w)), w},
        {integer_attribute("value_int", -5), Tensor::scalar(DType::i64, -5)},
        {attribute_message("value_float", 1, [](pbf_writer& a) { a.add_float(attribute_field::f, 0.5f); }), Tensor::scalar(DType::f32, 0.5)},
        {attribute_message("value_ints", 7, [](pbf_writer& a) { a.add_int64(attribute_field::ints, 1), a.add_int64(attribute_field::ints, 2); }), w},
        {attribute_message("value_ints", 7, [](pbf_writer&) {}), Tensor::zeros(DType::i64, {0})},
        {attribute_message("value_floats", 6, [](pbf_writer& a) { a.add_float(attribute_field::floats, 0); }), Tensor::zeros(DType::f32, {1})},
        {attribute_message("value_int", 0, [](pbf_writer& a) { a.add_int64(attribute_field::i, 3); }), Tensor::scalar(DType::i64, 3)},
    };
    for (const Case& c : cases) {
        const Model m = read(ModelFile{.outputs = {message([](pbf_writer& o) { o.add_string(value_field::name, "c"); })},
                                       .nodes = {node_message("Constant", {}, {"c"}, {c.attribute})}});
        const Tensor* t = m.graph.constant(m.graph.find("c"));
        ASSERT_NE(t, nullptr);
        EXPECT_EQ(t->dtype(), c.value.dtype());
        EXPECT_EQ(t->shape(), c.value.shape());
        EXPECT_EQ(t->count() == 0 ? 0 : t->get(0), c.value.count() == 0 ? 0 : c.value.get(0));
        EXPECT_TRUE(m.graph.order().empty());
    }
}

TEST(ReadModel, RefusesConstantNodesWithoutAValue) {
    const auto constant = [](std::vector<std::string> attributes) {
        return ModelFile{.outputs = {y34}, .nodes = {node_message("Constant", {}, {"y"}, attributes, "c1")}};
    };
    expect_read_error(constant({}), "c1 (Constant, opset 17): has to have one output, one attribute");
    expect_read_error(constant({integer_attribute("value_int", 1), integer_attribute("value_ints", 1)}), "one attribute");
    expect_read_error(constant({integer_attribute("value", 1)}), "its attribute 'value' holds no constant");
    expect_read_error(constant({attribute_message("sparse_value", 11, [](pbf_writer&) {})}), "c1 (Constant, opset 17): unsupported: sparse tensor attribute 'sparse_value'");
    expect_read_error(constant({attribute_message("value", 4, [](pbf_writer&) {})}), "attribute 'value' has no value");
    expect_read_error(constant({tensor_attribute("value", tensor_message("", 1, {2}, [](pbf_writer&) {}))}), "c1 (Constant, opset 17): attribute 'value': tensor '': holds");
}

TEST(ReadModel, CarriesStringsAsLongAsNothingReadsThem) {
    const auto strings = tensor_message("s", 8, {1}, [](pbf_writer& w) { w.add_bytes(tensor_field::string_data, "label"); });
    ModelFile f = flatten_model();
    f.initializers = {strings};
    f.nodes.push_back(node_message("Constant", {}, {"t"}, {attribute_message("value_string", 3, [](pbf_writer& a) { a.add_bytes(attribute_field::s, "label"); })}));
    EXPECT_EQ(read(f).graph.order().size(), 1u);
    f.nodes[0] = node_message("Flatten", {"s"}, {"y"}, {}, "flat");
    expect_read_error(f, "flat (Flatten, opset 17): unsupported: reads 's' of type string");
    f = flatten_model();
    f.initializers = {strings};
    f.outputs = {value_message("s", DType::string, {"1"})};
    expect_read_error(f, "output 's' is of strings");
}

TEST(ReadModel, FixesInputs) {
    ModelFile f = flatten_model({"N", "4"});
    f.inputs.push_back(value_message("z", DType::i64, {"N"}));
    f.inputs.push_back(value_message("k", DType::i64, {"2"}));
    EXPECT_EQ(text_in_one_line(f, {.fixed_inputs = {{"z", Tensor::zeros(DType::i64, {5})}}}), "g (f32[5,4] x, i64[2] k) => (f32[5,4] y) { [flat] y = Flatten(x) }");
    const auto error = [&](const std::string& name, const Tensor& t, const std::string& part) { expect_read_error(f, part, {.fixed_inputs = {{name, t}}}); };
    error("w", Tensor::zeros(DType::i64, {2}), "there is no input 'w' to fix; its inputs are: x, z, k");
    error("k", Tensor::zeros(DType::i32, {2}), "input 'k' is i64, its fixed value i32");
    error("k", Tensor::zeros(DType::i64, {3}), "input 'k' has the shape [2], its fixed value [3]");
    error("k", Tensor::zeros(DType::i64, {2, 1}), "input 'k' has the shape [2], its fixed value [2,1]");
    f.inputs.push_back(value_message("m", DType::i64, {"N", "N"}));
    error("m", Tensor::zeros(DType::i64, {3, 4}), "input 'm' has the shape [N,N], its fixed value [3,4]");
}

TEST(ReadModel, SortsNodes) {
    const ModelFile f{.inputs = {x34}, .outputs = {y34},
                      .nodes = {node_message("Flatten", {"b"}, {"y"}), node_message("Flatten", {"x"}, {"a"}), node_message("Flatten", {"a"}, {"b"})}};
    EXPECT_EQ(text_in_one_line(f), "g (f32[3,4] x) => (f32[3,4] y) { a = Flatten(x) b = Flatten(a) y = Flatten(b) }");
}

TEST(ReadModel, RefusesBrokenWiring) {
    const auto nodes = [](std::vector<std::string> n) { return ModelFile{.inputs = {x34}, .outputs = {y34}, .nodes = std::move(n)}; };
    expect_read_error(nodes({node_message("Flatten", {"x"}, {"y"}), node_message("Flatten", {"b"}, {"a"}), node_message("Flatten", {"a"}, {"b"}),
                             node_message("Flatten", {"a"}, {"c"})}), "its nodes form a cycle, '");
    expect_read_error(nodes({node_message("Flatten", {"y"}, {"y"}, {}, "self")}), "its nodes form a cycle, 'self' stands in it");
    expect_read_error(nodes({node_message("Flatten", {"q"}, {"y"}, {}, "n1")}), "n1 (Flatten, opset 17): reads 'q', which is no input");
    expect_read_error(nodes({node_message("Flatten", {"x"}, {"x"}, {}, "n1")}), "n1 (Flatten, opset 17): the value 'x' is defined twice");
    expect_read_error(nodes({node_message("Flatten", {"x"}, {"y"}), node_message("Flatten", {"x"}, {"y"})}), "the value 'y' is defined twice");
    expect_read_error(nodes({node_message("Flatten", {"x"}, {"z"})}), "nothing computes the output 'y'");
    expect_read_error(nodes({node_message("Flatten", {""}, {"y"})}), "y (Flatten, opset 17): has no first input");
    expect_read_error(nodes({node_message("Flatten", {"x"}, {}, {}, "n1")}), "n1 (Flatten, opset 17): has no outputs");
    expect_read_error(nodes({node_message("Flatten", {"x", "x"}, {"y"})}), "y (Flatten, opset 17): has 2 inputs, takes 1");
    expect_read_error(nodes({node_message("", {"x"}, {"y"})}), "node 'y' has no operator");
    ModelFile f = flatten_model();
    f.outputs.push_back(f.outputs[0]);
    expect_read_error(f, "the output 'y' is there twice");
    f.outputs.clear();
    expect_read_error(f, "the graph has no outputs");
    f = flatten_model();
    f.initializers = {tensor_message("w", Tensor::zeros(DType::i8, {1})), tensor_message("w", Tensor::zeros(DType::i8, {1}))};
    expect_read_error(f, "the initializer 'w' is there twice");
    f.initializers = {tensor_message("", Tensor::zeros(DType::i8, {1}))};
    expect_read_error(f, "an initializer has no name");
    f.initializers = {tensor_message("y", Tensor::zeros(DType::i8, {1}))};
    expect_read_error(f, "the value 'y' is defined twice");
}

TEST(ReadModel, RefusesWhatItCannotRun) {
    const auto node = [](std::string n) { return ModelFile{.inputs = {x34}, .outputs = {y34}, .nodes = {std::move(n)}}; };
    expect_read_error(node(node_message("Frobnicate", {"x"}, {"y"}, {}, "f1")), "f1 (Frobnicate, opset 17): unsupported operator Frobnicate");
    expect_read_error(node(node_message("Flatten", {"x"}, {"y"}, {}, "f1", "com.example")), "f1 (Flatten of com.example): unsupported operator Flatten of domain 'com.example'");
    expect_read_error(node(node_message("Pointwise", {"x"}, {"y"}, {}, "f1", "tercet")), "unsupported operator Pointwise of domain 'tercet'");
    expect_read_error(node(node_message("Flatten", {"x"}, {"y"}, {graph_attribute("axis", {})}, "f1")), "f1 (Flatten, opset 17): unsupported: subgraph attribute 'axis'");
    expect_read_error(node(node_message("SequenceMap", {"x"}, {"y"}, {graph_attribute("body", {})}, "f1")), "unsupported operator SequenceMap");
    expect_read_error(node(node_message("Flatten", {"x"}, {"y"}, {attribute_message("axis", 10, [](pbf_writer&) {})}, "f1")), "f1 (Flatten, opset 17): unsupported: subgraph list attribute 'axis'");
    expect_read_error(node(node_message("Flatten", {"x"}, {"y"}, {integer_attribute("axis", 1), integer_attribute("axis", 1)})), "attribute 'axis' is given twice");
    expect_read_error(node(node_message("Flatten", {"x"}, {"y"}, {integer_attribute("axes", 1)})), "unknown attribute 'axes'");
    expect_read_error(node(node_message("Flatten", {"x"}, {"y"}, {integer_attribute("axis", 9)}, "f1")), "f1 (Flatten, opset 17): axis 9");
    expect_read_error(node(node_message("Flatten", {"x"}, {"y"}, {attribute_message("axis", 1, [](pbf_writer& a) { a.add_float(attribute_field::f, 1); })})),
                      "attribute 'axis' is of the wrong kind");
    expect_read_error(node(node_message("Flatten", {"x"}, {"y"}, {attribute_message("tail", 3, [](pbf_writer& a) { a.add_bytes(attribute_field::s, "relu(x0)"); })})),
                      "unknown attribute 'tail'");
    expect_read_error(node(node_message("GlobalAveragePool", {"x"}, {"y"}, {attribute_message("stored", 3, [](pbf_writer& a) { a.add_bytes(attribute_field::s, "i8"); })})),
                      "unknown attribute 'stored'");
    expect_read_error(node(node_message("Flatten", {"x"}, {"y"}, {attribute_message("axis", 2, [](pbf_writer& a) { a.add_string(attribute_field::ref_attr_name, "k"); })})),
                      "refers to a function's");
    ModelFile f = flatten_model();
    f.more_graph = [](pbf_writer& w) { w.add_message(graph_field::sparse_initializer, std::string()); };
    expect_read_error(f, "sparse initializers");
}

TEST(ReadModel, IgnoresWhatDoesNotMatter) {
    ModelFile f = flatten_model();
    f.more_graph = [](pbf_writer& w) {
        w.add_string(10, "a doc string");
        w.add_message(13, value_message("y", DType::i8, {"77"}));  // value_info
        w.add_message(14, std::string());                          // quantization_annotation
        w.add_int64(999, 1);
    };
    f.more_model = [](pbf_writer& w) {
        w.add_message(14, std::string());  // metadata_props
        w.add_message(20, std::string());  // training_info
    };
    EXPECT_EQ(text(f), text(flatten_model()));
}

TEST(ReadModel, ChecksDeclaredOutputs) {
    const auto declared = [](DType dtype, std::vector<std::string> shape) {
        ModelFile f = flatten_model({"N", "3", "4"});
        f.outputs = {value_message("y", dtype, shape)};
        return f;
    };
    for (const auto& shape : std::vector<std::vector<std::string>>{{"N", "12"}, {"7", "12"}, {"", "D"}, {"-1", "-1"}})
        EXPECT_NO_THROW(read(declared(DType::f32, shape)));
    EXPECT_NO_THROW(read(declared(DType::undefined, {"N", "12"})));
    expect_read_error(declared(DType::f32, {"N", "13"}), "output 'y' is declared as [N,13], but is f32[N,12]");
    expect_read_error(declared(DType::f32, {"N"}), "output 'y' is declared as [N], but is f32[N,12]");
    expect_read_error(declared(DType::i8, {"N", "12"}), "output 'y' is declared as i8, but is f32[N,12]");
}

TEST(ReadModel, KeepsNamesOfValuesFromUpgrades) {
    // Squeeze's axes were an attribute before operator set 13: its upgrade makes a constant, whatever the model calls its own.
    ModelFile f{.inputs = {value_message("x", DType::f32, {"3", "1", "4"})}, .outputs = {y34},
                .nodes = {node_message("Squeeze", {"x"}, {"axes"}, {attribute_message("axes", 7, [](pbf_writer& a) { a.add_int64(attribute_field::ints, 1); })}),
                          node_message("Flatten", {"axes"}, {"y"})},
                .opset = 11};
    const Model m = read(f);
    verify(m.graph);
    const NodeId squeeze = m.graph.nodes("Squeeze").at(0);
    EXPECT_EQ(m.graph.value(m.graph.output(squeeze)).name, "axes");
    ASSERT_NE(m.graph.constant(squeeze, 1), nullptr);
    EXPECT_EQ(m.graph.constant(squeeze, 1)->to_ints(), std::vector<std::int64_t>{1});
    f.opset = 13;
    expect_read_error(f, "attribute 'axes'");
}

TEST(ReadModel, OfAnOlderOperatorSetHasNoYoungerOperators) {
    const ModelFile f{.inputs = {x34}, .outputs = {y34}, .nodes = {node_message("HardSwish", {"x"}, {"y"}, {}, "h")}, .opset = 13};
    expect_read_error(f, "h (HardSwish, opset 13): the operator is in operator sets from 14 on only");
}

TEST(ReadModel, LeavesWeightsInTheMappedFile) {
    const TemporaryFolder folder;
    ModelFile f = flatten_model();
    const Tensor w = Tensor::of<float>(DType::f32, {3}, std::vector<float>{1, 2, 3});
    f.initializers = {tensor_message("w", w)};
    f.nodes.push_back(node_message("Constant", {}, {"c"}, {tensor_attribute("value", tensor_message("", w))}));
    f.outputs.push_back(value_message("w", DType::f32, {"3"}));
    f.outputs.push_back(value_message("c", DType::f32, {"3"}));
    const auto path = folder.write("model.onnx", f.bytes());
    const Model m = read_model(path);
    const Tensor* a = m.graph.constant(m.graph.find("w"));
    const Tensor* b = m.graph.constant(m.graph.find("c"));
    ASSERT_TRUE(a && b);
    EXPECT_EQ(*a, w);
    EXPECT_EQ(*b, w);
    EXPECT_LT(std::abs(a->data() - b->data()), static_cast<std::ptrdiff_t>(f.bytes().size())) << "both lie in one mapping";
    EXPECT_EQ(a->storage().owner_before(b->storage()), b->storage().owner_before(a->storage()));
    std::filesystem::remove(path);
    EXPECT_EQ(a->get(2), 3) << "the mapping outlives the file's name";
}

TEST(ReadModel, FindsExternalDataBesideTheFile) {
    const TemporaryFolder folder;
    const float v[] = {5, 6};
    folder.write("w.bin", {reinterpret_cast<const char*>(v), sizeof v});
    ModelFile f = flatten_model();
    f.initializers = {tensor_message("w", 1, {2}, [](pbf_writer& w) {
        w.add_message(tensor_field::external_data, message([](pbf_writer& e) {
            e.add_string(entry_field::key, "location");
            e.add_string(entry_field::value, "w.bin");
        }));
        w.add_int32(tensor_field::data_location, 1);
    })};
    const Model m = read_model(folder.write("model.onnx", f.bytes()));
    EXPECT_EQ(m.graph.constant(m.graph.find("w"))->get(1), 6);
    expect_read_error(f, "tensor 'w': external data 'w.bin' has no folder");
}

TEST(ReadModel, SaysWhatIsWrongWithAFile) {
    const TemporaryFolder folder;
    std::filesystem::create_directories(folder.path() / "saved");
    folder.write("saved/saved_model.pb", "x");
    const std::string whole = flatten_model().bytes();
    ModelFile broken = flatten_model();
    broken.nodes = {node_message("Flatten", {"q"}, {"y"}, {}, "n1")};
    struct Case {
        std::string name, content, part;
    };
    const Case cases[] = {
        {"missing.onnx", "-", "missing.onnx: ONNX model not found; make one of a Keras, TensorFlow, PyTorch or scikit-learn model by `tercet convert`"},
        {"", "-", "is a folder, not an ONNX model"},
        {"saved", "-", "saved: is a TensorFlow SavedModel, not an ONNX model; convert it: tercet convert "},
        {"empty.onnx", "", "empty.onnx: is empty; make one of"},
        {"a.txt", "some notes\nfor me\n", "a.txt: is not an ONNX model but a text file"},
        {"a.png", "\x89PNG\r\n\x1a\n....", "a PNG image"},
        {"a.trt", std::string("ftrt\0\0\0\0", 8), "a TensorRT engine"},
        {"a.pt", std::string("PK\x03\x04\x00\x00", 6), "a zip archive"},
        {"a.h5", "\x89HDF\r\n\x1a\n .. model_config ..", "/a.h5: is a Keras model, not an ONNX model; convert it: tercet convert /"},
        {"w.h5", "\x89HDF\r\n\x1a\n", "weights only"},
        {"a.tflite", std::string("\x1c\0\0\0TFL3\0\0", 10), "a.tflite: is a TensorFlow Lite model, not an ONNX model; convert it: tercet convert "},
        {"lfs.onnx", "version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"},
        {"cut.onnx", whole.substr(0, whole.size() - 10), "cut.onnx: is truncated"},
        {"cut2.onnx", whole.substr(0, whole.size() / 2), "is truncated"},
        {"tensor.pb", tensor_message("t", Tensor::zeros(DType::f32, {2})), "is not an ONNX model or is damaged"},
        {"noise.onnx", std::string("\x0b\x0c\xff\xfe"), "is not an ONNX model or is damaged"},
        {"broken.onnx", broken.bytes(), "broken.onnx: n1 (Flatten, opset 17): reads 'q'"},
    };
    for (const Case& c : cases) {
        const auto path = c.content == "-" ? folder.path() / c.name : folder.write(c.name, c.content);
        try {
            read_model(path);
            ADD_FAILURE() << c.name << " was read";
        } catch (const Error& e) {
            EXPECT_THAT(e.what(), ::testing::HasSubstr(c.part));
            EXPECT_THAT(e.what(), ::testing::StartsWith(folder.path().string()));
            EXPECT_FALSE(e.fault().fix.empty()) << e.what();
        }
    }
}

TEST(ReadModel, RefusesNamesThatAreNoText) {
    ModelFile f = flatten_model();
    f.nodes = {node_message("Flatten", {"x"}, {"y"}, {}, "\xff\xfe")};
    expect_read_error(f, "a name is not UTF-8");
}

// A model that reaches most of the reader.
ModelFile rich_model() {
    ModelFile f{.inputs = {value_message("x", DType::f32, {"N", "1", "4", "4"}), value_message("k", DType::i64, {"2"})},
                .outputs = {value_message("y", DType::f32, {"", ""}), value_message("c", DType::f32, {"2"})},
                .initializers = {tensor_message("w", Tensor::of<float>(DType::f32, {1, 1, 2, 2}, std::vector<float>{1, 2, 3, 4})),
                                 tensor_message("b", 1, {1}, [](pbf_writer& w) { w.add_float(tensor_field::float_data, 1); }),
                                 tensor_message("i", 6, {2}, [](pbf_writer& w) {
                                     const std::int32_t v[] = {-1, 300};
                                     w.add_packed_int32(tensor_field::int32_data, std::begin(v), std::end(v));
                                 })},
                .nodes = {node_message("Conv", {"x", "w", "b"}, {"h"}, {attribute_message("kernel_shape", 7, [](pbf_writer& a) {
                                                                           const std::int64_t v[] = {2, 2};
                                                                           a.add_packed_int64(attribute_field::ints, std::begin(v), std::end(v));
                                                                       })}, "conv"),
                          node_message("Relu", {"h"}, {"r"}),
                          node_message("Constant", {}, {"c"}, {attribute_message("value_floats", 6, [](pbf_writer& a) {
                                                                  a.add_float(attribute_field::floats, 1), a.add_float(attribute_field::floats, 2);
                                                              })}),
                          node_message("Flatten", {"r"}, {"y"}, {integer_attribute("axis", 1)})},
                .opset = 11};
    return f;
}

// A model of functions and subgraphs.
ModelFile nested_model() {
    const auto branches = [](std::string_view then_op, std::string_view else_op) {
        const auto branch = [](std::string_view op) { return ModelFile{.outputs = {name_message("b")}, .nodes = {node_message(op, {"a"}, {"b"})}}; };
        return std::vector{graph_attribute("then_branch", branch(then_op)), graph_attribute("else_branch", branch(else_op))};
    };
    const std::vector<std::string> in{name_message("i"), name_message("go"), name_message("a")}, out{name_message("go"), name_message("b"), name_message("b")};
    const FunctionFile inner{.name = "I", .inputs = {"a", "c"}, .outputs = {"b"}, .nodes = {node_message("If", {"c"}, {"b"}, branches("Relu", "Neg"), "if")}};
    const FunctionFile outer{.name = "O", .inputs = {"a", "c"}, .outputs = {"r", "s"},
                             .nodes = {node_message("Loop", {"n", "", "a"}, {"r", "s"},
                                                    {graph_attribute("body", {.inputs = in, .outputs = out, .nodes = {node_message("I", {"a", "c"}, {"b"}, {}, "call", "f")}})}, "loop"),
                                       node_message("Constant", {}, {"n"}, {reference_attribute("value_int", attribute_type::integer, "n")})},
                             .attributes = {}, .defaults = {integer_attribute("n", 2)}};
    const ModelFile step{.inputs = {name_message("s"), name_message("e")}, .outputs = {name_message("t"), name_message("t")}, .nodes = {node_message("Add", {"s", "e"}, {"t"})}};
    return with_functions({.inputs = {value_message("x", DType::f32, {"N"}), value_message("c", DType::boolean, {})},
                           .outputs = {value_message("r", DType::f32, {"N"}), value_message("t", DType::f32, {"2", "N"})},
                           .nodes = {node_message("O", {"x", "c"}, {"r", "s"}, {integer_attribute("n", 2)}, "call", "f"),
                                     node_message("Scan", {"r", "s"}, {"", "t"}, {graph_attribute("body", step), integer_attribute("num_scan_inputs", 1)}, "scan")}},
                          {outer, inner});
}

// Either a graph or an Error that says something.
bool gives_graph_or_error(std::string bytes) {
    try {
        verify(read(std::move(bytes)).graph);
        return true;
    } catch (const Error& e) {
        EXPECT_STRNE(e.what(), "");
        return false;
    }
}

TEST(ReadModel, SurvivesTruncationAnywhere) {
    for (const ModelFile& model : {rich_model(), nested_model()}) {
        const std::string whole = model.bytes();
        ASSERT_TRUE(gives_graph_or_error(whole));
        for (std::size_t size = 0; size < whole.size(); ++size) EXPECT_FALSE(gives_graph_or_error(whole.substr(0, size))) << size;
    }
}

TEST(ReadModel, SurvivesChangedBytes) {
    for (const ModelFile& model : {rich_model(), nested_model()}) {
        const std::string whole = model.bytes();
        std::mt19937 random(7);
        int read = 0;
        for (int round = 0; round < 2000; ++round) {
            std::string changed = whole;
            for (unsigned n = 1 + random() % 3; n > 0; --n) changed[random() % changed.size()] ^= static_cast<char>(1u << random() % 8);
            SCOPED_TRACE(round);
            read += gives_graph_or_error(std::move(changed));
        }
        EXPECT_GT(read, 50);
        EXPECT_LT(read, 1900);
    }
}

}  // namespace
}  // namespace tercet::testing
