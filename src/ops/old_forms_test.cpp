// SPDX-License-Identifier: Apache-2.0
#include "ops/old_forms.h"

#include "ops/testing.h"
#include "ops/upgrade_testing.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

void expect_upgraded(std::string_view text, int opset, const std::vector<std::string>& inputs, std::string_view y) {
    std::vector<Tensor> in;
    for (const std::string& i : inputs) in.push_back(parse_tensor(i));
    expect_close(evaluate(upgraded(text, opset), in)[0], parse_tensor(y), 1e-6, text);
}

void expect_refused(std::string_view text, int opset, std::string_view part) {
    try {
        upgraded(text, opset);
        ADD_FAILURE() << text << " was accepted";
    } catch (const Error& e) {
        EXPECT_NE(std::string_view(e.what()).find(part), std::string_view::npos) << e.what();
    }
}

TEST(OldForms, ForgetWhichInputsTheyConsume) {
    for (std::string_view call : {"Abs<consumed_inputs = [0]>(x)", "Add<consumed_inputs = [0, 0]>(x, x)", "Clip<consumed_inputs = [0], max = 1.0>(x)",
                                  "Dropout<consumed_inputs = [0], is_test = 1>(x)", "Max<consumed_inputs = [0, 0]>(x, x)",
                                  "Mean<consumed_inputs = [0]>(x)", "Reshape<consumed_inputs = [0], shape = [2, 3]>(x)", "Sum<consumed_inputs = [0]>(x)"}) {
        const Graph g = upgraded(fmt::format("(f32[2,3] x) => (f32[2,3] y) {{ y = {} }}", call), 1);
        EXPECT_TRUE(g.node(g.producer(g.outputs()[0].value)).attributes.empty()) << call;
    }
}

TEST(OldForms, BroadcastTheSecondInputFromAnAxisOn) {
    const std::vector<std::string> x{"f32[2,2,2]{1,2,3,4,5,6,7,8}", "f32[2]{10,20}"};
    const auto text = [](std::string_view op, std::string_view attributes) {
        return fmt::format("(f32[2,2,2] a, f32[2] b) => (f32[2,2,2] y) {{ y = {}<{}>(a, b) }}", op, attributes);
    };
    expect_upgraded(text("Add", "broadcast = 1"), 6, x, "f32[2,2,2]{11,22,13,24,15,26,17,28}");
    expect_upgraded(text("Add", "broadcast = 1, axis = 2"), 6, x, "f32[2,2,2]{11,22,13,24,15,26,17,28}");
    expect_upgraded(text("Sub", "broadcast = 1, axis = 1"), 1, x, "f32[2,2,2]{-9,-8,-17,-16,-5,-4,-13,-12}");
    expect_upgraded(text("Mul", "broadcast = 1, axis = 0"), 6, x, "f32[2,2,2]{10,20,30,40,100,120,140,160}");
    expect_upgraded(text("Div", "broadcast = 1, axis = -2"), 6, x, "f32[2,2,2]{0.1,0.2,0.15,0.2,0.5,0.6,0.35,0.4}");
    expect_upgraded("(f32[2,2] a) => (f32[2,2] y) { y = Pow<broadcast = 1, axis = 0>(a, f32[2]{2, 3}) }", 1, {"f32[2,2]{1,2,3,4}"}, "f32[2,2]{1,4,27,64}");
    expect_upgraded("(f32[2,2] a) => (bool[2,2] y) { y = Less<broadcast = 1, axis = 0>(a, f32[2]{2, 4}) }", 6, {"f32[2,2]{1,2,3,4}"}, "bool[2,2]{1,0,1,0}");
    expect_upgraded("(bool[2,2] a, bool[2] b) => (bool[2,2] y) { y = And<broadcast = 1, axis = 0>(a, b) }", 6, {"bool[2,2]{1,0,1,0}", "bool[2]{0,1}"},
                    "bool[2,2]{0,0,1,0}");
    expect_upgraded("(f32[2,2] a, f32[1] b) => (f32[2,2] y) { y = Add<broadcast = 1, axis = 0>(a, b) }", 6, {"f32[2,2]{1,2,3,4}", "f32[1]{1}"}, "f32[2,2]{2,3,4,5}");
}

TEST(OldForms, AlignConstantsWithoutAddingANode) {
    const Graph g = upgraded("(f32[N,3,H,W] a) => (f32[N,3,H,W] y) { y = Add<broadcast = 1, axis = 1>(a, f32[3]{1, 2, 3}) }", 6);
    ASSERT_EQ(g.order().size(), 1u);
    EXPECT_EQ(g.constant(g.order()[0], 1)->shape(), (Dims{3, 1, 1}));
}

TEST(OldForms, RefuseShapesThatDoNotFit) {
    expect_refused("(f32[2,2] a, f32[2] b) => (f32[2,2] y) { y = Add(a, b) }", 6, "inputs of the shapes [2,2] and [2]; before operator set 7 they must be equal unless broadcast = 1");
    expect_refused("(f32[2] a, f32[2,2] b) => (f32[2,2] y) { y = Add<broadcast = 1>(a, b) }", 6, "only the second one is broadcast");
    for (int axis : {2, -3}) expect_refused(fmt::format("(f32[2,2] a, f32[2] b) => (f32[2,2] y) {{ y = Add<broadcast = 1, axis = {}>(a, b) }}", axis), 6, "does not fit the first");
    expect_refused("(f32[2,2] a, f32[2] b) => (f32[2,2] y) { y = Add<broadcast = 1.5>(a, b) }", 6, "attribute 'broadcast' is of the wrong kind");
    expect_refused("(f32[2,2] a, f32[2] b) => (f32[2,2] y) { y = Add<broadcast = 1>(a, b) }", 7, "unknown attribute 'broadcast'");
}

TEST(OldForms, GivePReluOneSlopePerChannel) {
    const char* text = "(f32[1,2,2] x, f32[2] s) => (f32[1,2,2] y) { y = PRelu(x, s) }";
    expect_upgraded(text, 6, {"f32[1,2,2]{-1,-2,-3,4}", "f32[2]{2,3}"}, "f32[1,2,2]{-2,-4,-9,4}");
    expect_upgraded(text, 7, {"f32[1,2,2]{-1,-2,-3,4}", "f32[2]{2,3}"}, "f32[1,2,2]{-2,-6,-6,4}");
    expect_upgraded("(f32[1,2,2] x) => (f32[1,2,2] y) { y = PRelu<consumed_inputs = [0, 0]>(x, f32[1]{0.5}) }", 1, {"f32[1,2,2]{-1,-2,-3,4}"}, "f32[1,2,2]{-0.5,-1,-1.5,4}");
}

TEST(OldForms, HaveConstantsOfTheirOwn) {
    expect_upgraded("(f32[2] x) => (f32[2] y) { y = Selu<consumed_inputs = [0]>(x) }", 1, {"f32[2]{100000, -100}"}, "f32[2]{105070, -1.75803124}");
    expect_upgraded("(f32[2] x) => (f32[2] y) { y = Selu(x) }", 6, {"f32[2]{100000, -100}"}, "f32[2]{105070.102, -1.75809933}");
    expect_upgraded("(f32[2] x) => (f32[2] y) { y = Selu<alpha = 1.0, gamma = 2.0>(x) }", 1, {"f32[2]{3, -100}"}, "f32[2]{6, -2}");
}

TEST(OldForms, NameTypesByText) {
    expect_upgraded(R"((f32[2] x) => (i32[2] y) { y = Cast<to = "INT32">(x) })", 5, {"f32[2]{1.5, -2.5}"}, "i32[2]{1, -2}");
    expect_refused(R"((f32[2] x) => (i32[2] y) { y = Cast<to = "int">(x) })", 5, "cast to the type 'int'");
    expect_refused(R"((f32[2] x) => (i32[2] y) { y = Cast<to = "INT32">(x) })", 6, "attribute 'to' is a string, should be an integer");
}

TEST(OldForms, HavePowersAsFloats) {
    expect_upgraded("(f32[1,1,2] x) => (f32[1,1,1] y) { y = GlobalLpPool(x) }", 1, {"f32[1,1,2]{3, 4}"}, "f32[1,1,1]{5}");
    expect_upgraded("(f32[1,1,2] x) => (f32[1,1,1] y) { y = LpPool<p = 1.0, kernel_shape = [2]>(x) }", 1, {"f32[1,1,2]{3, 4}"}, "f32[1,1,1]{7}");
    expect_refused("(f32[1,1,2] x) => (f32[1,1,1] y) { y = GlobalLpPool<p = 1.5>(x) }", 1, "unsupported: the p-norm of p = 1.5");
    expect_refused("(f32[1,1,2] x) => (f32[1,1,1] y) { y = GlobalLpPool<p = 2.0>(x) }", 2, "attribute 'p' is a float, should be an integer");
}

TEST(OldForms, SplitByAnInputOfTheDatasType) {
    const Graph g = upgraded("(f32[6] x) => (f32[2] a, f32[4] b) { a, b = Split<axis = 0>(x, f32[2]{2, 4}) }", 1);
    EXPECT_EQ(text_of(g.value(g.outputs()[1].value).type), "f32[4]");
    expect_refused("(f32[6] x, f32[2] s) => (f32[2] a, f32[4] b) { a, b = Split<axis = 0>(x, s) }", 1, "computed while the model runs");
    expect_refused("(f32[6] x) => (f32[3] a, f32[3] b) { a, b = Split(x) }", 1, "has no axis");
}

TEST(OldForms, TileOneAxis) {
    expect_upgraded("(f32[2,1] x) => (f32[2,2] y) { y = Tile(x, f32{2}, f32{1}) }", 1, {"f32[2,1]{1, 2}"}, "f32[2,2]{1, 1, 2, 2}");
    expect_refused("(f32[2] x) => (f32[2] y) { y = Tile(x, f32{1}, f32{1}) }", 1, "axis 1 of a value of rank 1");
    expect_refused("(f32[2] x, f32 t) => (f32[2] y) { y = Tile(x, t, f32{0}) }", 1, "the number of tiles (input 1) is no constant number");
}

TEST(OldForms, PadAndUpsampleByOtherNames) {
    expect_upgraded("(f32[2] x) => (f32[5] y) { y = Pad<paddings = [1, 2], value = 9.0>(x) }", 1, {"f32[2]{1, 2}"}, "f32[5]{9, 1, 2, 9, 9}");
    expect_upgraded("(f32[1,1,1,2] x) => (f32[1,1,2,6] y) { y = Upsample<height_scale = 2.0, width_scale = 3.0>(x) }", 1, {"f32[1,1,1,2]{1, 2}"},
                    "f32[1,1,2,6]{1,1,1,2,2,2,1,1,1,2,2,2}");
    expect_refused("(f32[1,1,1,2] x) => (f32[1,1,2,6] y) { y = Upsample<height_scale = 2.0>(x) }", 1, "attribute 'width_scale' is missing");
}

TEST(OldForms, OfGemmBroadcastTheSummandByItsLastAxes) {
    expect_upgraded("(f32[2,1] a, f32[1,2] b, f32[2] c) => (f32[2,2] y) { y = Gemm<broadcast = 1>(a, b, c) }", 6, {"f32[2,1]{1,2}", "f32[1,2]{3,4}", "f32[2]{10,20}"},
                    "f32[2,2]{13,24,16,28}");
}

TEST(OldForms, TellTrainingByIsTest) {
    const auto norm = [](std::string_view outputs, int is_test) {
        return fmt::format("(f32[1,1,2] x) => (f32[1,1,2] y) {{ {} = BatchNormalization<is_test = {}, epsilon = 0.0>(x, f32[1]{{1}}, f32[1]{{0}}, f32[1]{{1}}, f32[1]{{4}}) }}", outputs, is_test);
    };
    expect_upgraded(norm("y", 1), 6, {"f32[1,1,2]{1,3}"}, "f32[1,1,2]{0,1}");
    expect_upgraded(norm("y, m, v, sm, sv", 1), 1, {"f32[1,1,2]{1,3}"}, "f32[1,1,2]{0,1}");
    expect_upgraded(norm("y", 0), 6, {"f32[1,1,2]{1,3}"}, "f32[1,1,2]{0,1}");
    expect_refused(norm("y, m, v, sm, sv", 0), 6, "is_test = 0, a training step");
    expect_refused("(f32[2] x) => (f32[2] y) { y = Dropout(x) }", 6, "Dropout in training mode");
    expect_upgraded("(f32[2] x) => (f32[2] y) { y = Dropout<ratio = 0.0>(x) }", 6, {"f32[2]{1, 2}"}, "f32[2]{1, 2}");
}

}  // namespace
}  // namespace tercet::testing
