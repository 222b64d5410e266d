// SPDX-License-Identifier: Apache-2.0
// Holds every tactic and variant to its numeric promise, at every ISA level that this machine has, on a table of steps.
// A step is a graph of one node; random values, fixed seeds.
#include "cpu/testing.h"
#include "graph/text.h"
#include "ops/testing.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <set>

namespace tercet::testing {
namespace {

struct Case {
    std::string_view name;
    std::string graph;
    std::vector<std::string_view> tactics;        // that must take it wherever there are vector instructions
    std::vector<std::string_view> generated{};    // and those of generated code: from AVX2 on
    bool specials = false;                        // NaN and infinities among the inputs
    friend std::ostream& operator<<(std::ostream& out, const Case& c) { return out << c.name; }
};

std::string with_channels_last(std::string_view op, std::string_view x, std::string_view w, std::string_view attributes, const std::string& bias, std::string_view tail, std::string_view extra) {
    return fmt::format("({} x{}) => (f32[?] y) {{ y = {}<layout = \"NHWC\"{}{}{}>(x, {}, {}{}) }}", x, extra.empty() ? "" : fmt::format(", {} r", extra), op,
                       attributes.empty() ? "" : ", ", attributes, tail.empty() ? "" : fmt::format(", tail = \"{}\"", tail), w, bias, extra.empty() ? "" : ", r");
}

std::string conv(std::string_view x, std::string_view w, std::string_view attributes, bool bias = true, std::string_view tail = "", std::string_view extra = "") {
    const std::string_view dims = w.substr(w.find('[') + 1);
    return with_channels_last("Conv", x, w, attributes, bias ? fmt::format("random[{}]", dims.substr(0, dims.find(','))) : "_", tail, extra);
}

// The bias has an element for each channel of the output.
std::string transposed_conv(std::string_view x, std::string_view w, std::string_view attributes, bool bias = true, std::string_view tail = "", std::string_view extra = "") {
    const Graph g = typed_graph(with_channels_last("ConvTranspose", x, w, attributes, "_", "", ""));
    const auto channels = constant_shape(g.value(g.outputs()[0].value).type.shape)->back();
    return with_channels_last("ConvTranspose", x, w, attributes, bias ? fmt::format("random[{}]", channels) : "_", tail, extra);
}

// Sums of bytes with a factor per channel and whatever is behind it, stored as `stored`.
std::string byte_conv(std::string_view x, std::string_view w, std::string_view attributes, std::string_view tail = "mul(x0, x1)", std::string_view stored = "stored = \"i8\"", std::string_view extra = "") {
    const std::string_view dims = w.substr(w.find('[') + 1), channels = dims.substr(0, dims.find(','));
    return fmt::format("({} x{}) => (f32[?] y) {{ y = \"tercet\":QuantizedConv<layout = \"NHWC\"{}{}, tail = \"{}\", {}>(x, random {}, random i32[{}], scales{}) }}", x,
                       (extra.empty() ? std::string() : fmt::format(", {} r", extra)) + fmt::format(", f32[{}] scales", channels), attributes.empty() ? "" : ", ", attributes, tail, stored, w, channels,
                       extra.empty() ? "" : ", r");
}

std::string byte_product(std::string_view x, std::string_view w, std::string_view columns, std::string_view attributes, std::string_view tail, std::string_view extra = "") {
    return fmt::format("({} x{}, f32[{}] scales) => (f32[?] y) {{ y = \"tercet\":QuantizedMatMul<{}, tail = \"{}\">(x, random {}, random i32[{}], scales{}) }}", x,
                       extra.empty() ? "" : fmt::format(", {} r", extra), columns, attributes, tail, w, columns, extra.empty() ? "" : ", r");
}

std::string half_conv(std::string_view x, std::string_view w, std::string_view attributes) {
    const std::string_view dims = w.substr(w.find('[') + 1), channels = dims.substr(0, dims.find(','));
    return fmt::format("({} x) => (f32[?] y) {{ y = Conv<layout = \"NHWC\"{}{}, stored = \"f32\">(x, random {}, random[{}]) }}", x, attributes.empty() ? "" : ", ", attributes, w, channels);
}

std::string pool_of(std::string_view op, std::string_view x, std::string_view attributes) {
    return fmt::format("({} x) => (f32[?] y) {{ y = {}<layout = \"NHWC\"{}{}>(x) }}", x, op, attributes.empty() ? "" : ", ", attributes);
}

const std::vector<Case>& cases() {
    constexpr std::string_view direct = "cpu/conv_direct_f32", gather = "cpu/conv_gather_f32", tiles = "cpu/matmul_tiles_f32", winograd2 = "cpu/conv_winograd2_f32",
                               winograd4 = "cpu/conv_winograd4_f32", winograd6 = "cpu/conv_winograd6_f32", chain = "cpu/pointwise_code_f32",
                               depthwise_code = "cpu/depthwise_code_f32", pool_code = "cpu/pool_code_f32", computed = "cpu/matmul_computed_f32",
                               attention_code = "cpu/attention_code_f32";
    constexpr std::string_view igemm = "cpu/conv_igemm_f32", patch = "cpu/conv_patch_f32", depthwise = "cpu/conv_depthwise_f32", pool = "cpu/pool_f32",
                               matmul = "cpu/matmul_f32", pointwise = "cpu/pointwise_f32", softmax = "cpu/softmax_f32", reduce = "cpu/reduce_f32",
                               transpose = "cpu/transpose", attention = "cpu/attention_f32", concat = "cpu/concat", split = "cpu/split", slice = "cpu/slice", pad = "cpu/pad", resize = "cpu/resize_nearest",
                               blend = "cpu/resize_blend_f32", layer_norm = "cpu/layer_normalization_f32", group_norm = "cpu/group_normalization_f32", gather_blocks = "cpu/gather",
                               expand = "cpu/expand", softmax_columns = "cpu/softmax_columns_f32", arg_max = "cpu/arg_max_f32", transposed = "cpu/conv_transpose_f32";
    constexpr std::string_view byte_direct = "cpu/quantized_direct", byte_gather = "cpu/quantized_gather", byte_loops = "cpu/quantized_loops";
    static const std::vector<Case> all{
        {"bytes, 1x1", byte_conv("i8[1,7,9,16]", "i8[17,16,1,1]", ""), {byte_loops}, {byte_direct, byte_gather}},
        {"bytes, 3x3 padded", byte_conv("i8[2,7,5,8]", "i8[33,8,3,3]", "pads = [1, 1, 1, 1]"), {byte_loops}, {byte_direct, byte_gather}},
        {"bytes, channels not in fours", byte_conv("i8[2,7,5,7]", "i8[9,7,3,3]", "pads = [1, 1, 1, 1]"), {byte_loops}, {byte_gather}},
        {"bytes, three channels, strided", byte_conv("i8[1,13,17,3]", "i8[35,3,7,7]", "pads = [3, 3, 3, 3], strides = [2, 2]", "relu(mul(x0, x1))"), {byte_loops}, {byte_gather}},
        {"bytes of activations that are not negative", byte_conv("i8[2,9,15,12]", "i8[20,12,3,3]", "x_least = 0, pads = [1, 1, 1, 1]", "relu(mul(x0, x1))"), {byte_loops}, {byte_direct, byte_gather}},
        {"unsigned bytes with zero points", byte_conv("u8[2,9,15,12]", "i8[20,12,3,3]", "x_zero = 131, pads = [1, 2, 1, 0]", "mul(x0, x1)", "stored = \"u8\", stored_zero = 100"), {byte_loops}, {byte_direct, byte_gather}},
        {"signed bytes with a zero point", byte_conv("i8[2,9,15,12]", "i8[20,12,3,3]", "x_zero = -37, pads = [1, 2, 1, 0]", "mul(x0, x1)"), {byte_loops}, {byte_direct, byte_gather}},
        {"signed bytes that count from -128", byte_conv("i8[1,9,15,12]", "i8[35,12,3,3]", "x_zero = -128, pads = [1, 1, 1, 1]", "mul(x0, x1)"), {byte_loops}, {byte_direct, byte_gather}},
        {"bytes to floats", byte_conv("i8[1,30,31,20]", "i8[70,20,3,3]", "pads = [1, 1, 1, 1]", "mul(x0, x1)", "stored = \"f32\""), {byte_loops}, {byte_direct, byte_gather}},
        {"bytes, residual behind", byte_conv("i8[2,7,7,36]", "i8[35,36,3,3]", "pads = [1, 1, 1, 1]", "relu(add(mul(x0, x1), mul(x2, 0.37)))", "stored = \"i8\"", "i8[2,7,7,35]"), {byte_loops}, {byte_direct, byte_gather}},
        {"bytes, floats added behind", byte_conv("u8[1,7,7,36]", "i8[35,36,1,1]", "x_zero = 3", "add(mul(x0, x1), x2)", "stored = \"i8\", stored_zero = -7", "f32[1,7,7,35]"), {byte_loops}, {byte_direct, byte_gather}},
        {"bytes, swish behind", byte_conv("i8[2,7,7,36]", "i8[35,36,3,3]", "pads = [1, 1, 1, 1]", "div(mul(mul(x0, x1), sigmoid(mul(x0, x1))), 0.031)"), {}, {byte_direct, byte_gather}},
        {"bytes, hard swish behind, a filter per channel", byte_conv("i8[2,9,11,35]", "i8[35,1,3,3]", "group = 35, pads = [1, 1, 1, 1]", "div(hard_swish(mul(mul(x0, x1), 0.0001)), 0.05)"), {}, {byte_gather, depthwise_code}},
        {"bytes, functions behind", byte_conv("i8[1,7,9,16]", "i8[17,16,1,1]", "", "mul(add(gelu(mul(x0, 0.0001)), add(mish(mul(x0, 0.0002)), tanh(mul(x0, x1)))), 7)"), {}, {byte_direct, byte_gather}},
        {"bytes, groups", byte_conv("i8[1,5,9,24]", "i8[34,12,3,3]", "group = 2, pads = [1, 1, 1, 1], dilations = [2, 1]"), {byte_loops}, {byte_direct, byte_gather}},
        {"bytes, long lines", byte_conv("i8[1,3,130,16]", "i8[33,16,3,3]", "pads = [1, 1, 1, 1]", "clip(mul(x0, x1), -3, 100)"), {byte_loops}, {byte_direct, byte_gather}},
        {"bytes, window in the padding", byte_conv("i8[1,3,5,4]", "i8[6,4,1,1]", "pads = [2, 1, 1, 3]"), {byte_loops}, {byte_direct, byte_gather}},
        {"bytes, 1 dimension", byte_conv("i8[2,33,8]", "i8[8,8,4]", "pads = [1, 2]"), {byte_loops}, {byte_direct, byte_gather}},
        {"bytes, 3 dimensions", byte_conv("i8[1,3,4,5,8]", "i8[5,8,2,3,2]", "strides = [1, 2, 1]"), {byte_loops}, {byte_gather}},
        {"bytes, no image", byte_conv("i8[0,5,5,4]", "i8[4,4,3,3]", ""), {byte_loops}, {byte_direct, byte_gather}},
        {"bytes, a filter per channel", byte_conv("i8[2,9,11,35]", "i8[35,1,3,3]", "group = 35, pads = [1, 1, 1, 1], strides = [2, 1]"), {byte_loops}, {byte_gather, depthwise_code}},
        {"bytes with a zero point, a filter per channel", byte_conv("u8[1,9,11,64]", "i8[64,1,5,5]", "x_zero = 7, group = 64, pads = [2, 2, 2, 2]", "relu(add(mul(x0, x1), mul(x2, 0.5)))", "stored = \"u8\"", "u8[1,9,11,64]"), {byte_loops}, {byte_gather, depthwise_code}},
        {"matrix of bytes", byte_product("i8[13,64]", "i8[64,35]", "35", "stored = \"f32\"", "mul(x0, x1)"), {byte_loops}, {byte_direct, byte_gather}},
        {"matrix of bytes, transposed", byte_product("u8[3,5,37]", "i8[70,37]", "70", "transB = 1, x_zero = 128, stored = \"i8\"", "relu(add(mul(x0, x1), x2))", "f32[3,5,70]"), {byte_loops}, {byte_gather}},
        {"matrix of signed bytes with a zero point", byte_product("i8[13,64]", "i8[64,35]", "35", "x_zero = 69, stored = \"u8\"", "mul(x0, x1)"), {byte_loops}, {byte_direct, byte_gather}},
        {"row of bytes", byte_product("i8[1,512]", "i8[512,100]", "100", "stored = \"i8\"", "mul(x0, x1)"), {byte_loops}, {byte_direct, byte_gather}},
        {"half floats, 1x1", half_conv("f32[1,7,9,13]", "f16[17,13,1,1]", ""), {}, {direct, gather}},
        {"half floats, 3x3", half_conv("f32[2,13,15,17]", "f16[35,17,3,3]", "pads = [1, 1, 1, 1]"), {}, {direct, gather, winograd2, winograd4, winograd6}},
        {"brain floats, strided", half_conv("f32[1,9,15,6]", "bf16[70,6,3,3]", "pads = [2, 1, 0, 1], strides = [2, 2]"), {}, {direct, gather}},
        {"half floats, a filter per channel", half_conv("f32[1,9,15,33]", "f16[33,1,3,3]", "pads = [1, 1, 1, 1], group = 33"), {}, {depthwise_code}},
        {"half floats, matrix", "(f32[7,9] x) => (f32[?] y) { y = Gemm<transB = 1, stored = \"f32\", tail = \"relu(x0)\">(x, random f16[65,9], random[65]) }", {}, {tiles}},
        {"brain floats, row", "(f32[1,300] x) => (f32[?] y) { y = MatMul<stored = \"f32\">(x, random bf16[300,130]) }", {}, {tiles}},
        {"greatest bytes of windows", "(i8[2,9,11,35] x) => (f32[?] y) { y = MaxPool<layout = \"NHWC\", kernel_shape = [3, 2], strides = [2, 2], pads = [1, 0, 1, 1]>(x) }", {}, {pool_code}},
        {"mean of bytes", "(i8[2,9,11,35] x) => (f32[?] y) { y = AveragePool<layout = \"NHWC\", kernel_shape = [3, 3], pads = [1, 1, 1, 1], tail = \"mul(x0, 0.73)\", stored = \"i8\">(x) }", {}, {pool_code}},
        {"mean of all bytes", "(u8[2,9,11,35] x) => (f32[?] y) { y = GlobalAveragePool<layout = \"NHWC\", tail = \"mul(x0, 0.013)\", stored = \"f32\">(x) }", {}, {pool_code}},
        {"to bytes", "(f32[3,70] x) => (f32[?] y) { y = \"tercet\":Pointwise<expr = \"div(x0, 0.0173)\", stored = \"i8\">(x) }", {}, {chain}},
        {"to unsigned bytes, NaN among them", "(f32[3,7,127] x) => (f32[?] y) { y = \"tercet\":Pointwise<expr = \"div(x0, 0.01)\", stored = \"u8\", stored_zero = 128>(x) }", {}, {chain}, true},
        {"from bytes", "(u8[3,7,5] x) => (f32[?] y) { y = \"tercet\":Pointwise<expr = \"mul(sub(x0, 3), 0.25)\", stored = \"f32\">(x) }", {}, {chain}},
        {"bytes added", "(i8[2,9,7,17] a, u8[2,9,7,17] b, f32[17] c) => (f32[?] y) { y = \"tercet\":Pointwise<expr = \"relu(add(add(mul(x0, 0.3), mul(x1, 0.7)), x2))\", stored = \"i8\">(a, b, c) }", {}, {chain}},
        {"from half floats", "(f16[5,33] x, bf16[5,33] z) => (f32[?] y) { y = \"tercet\":Pointwise<expr = \"add(x0, x1)\", stored = \"f32\">(x, z) }", {}, {chain}},
        {"1x1", conv("f32[1,7,9,13]", "random[17,13,1,1]", ""), {igemm}, {direct, gather}},
        {"1x1, rounded to half floats behind", conv("f32[1,7,9,13]", "random[17,13,1,1]", "", true, "relu(round_f16(add(round_f16(x0), x1)))", "f32[1,7,9,17]"), {igemm}, {direct, gather}},
        {"3x3 padded", conv("f32[2,7,5,8]", "random[33,8,3,3]", "pads = [1, 1, 1, 1]"), {igemm, patch}, {direct, gather}},
        {"3x3 one channel", conv("f32[3,9,15,1]", "random[15,1,3,3]", "pads = [0, 1, 2, 1]", false), {igemm, patch}, {direct, gather}},
        {"5x3 strided and dilated", conv("f32[1,17,15,3]", "random[7,3,5,3]", "strides = [2, 3], dilations = [2, 1], pads = [2, 0, 3, 1]"), {igemm, patch}, {direct, gather}},
        {"window larger than the input", conv("f32[1,2,2,9]", "random[4,9,5,5]", "pads = [2, 2, 2, 2]"), {igemm, patch}, {direct, gather}},
        {"groups", conv("f32[1,5,5,12]", "random[9,4,3,3]", "group = 3"), {igemm, patch}, {direct, gather}},
        {"1 dimension", conv("f32[2,33,5]", "random[8,5,4]", "pads = [1, 2]"), {igemm, patch}, {direct, gather}},
        {"3 dimensions", conv("f32[1,3,4,5,2]", "random[5,2,2,3,2]", "strides = [1, 2, 1]"), {igemm, patch}, {gather}},
        {"many channels", conv("f32[1,3,3,127]", "random[65,127,3,3]", "pads = [1, 1, 1, 1]"), {igemm, patch}, {direct, gather}},
        {"one pixel, one channel", conv("f32[1,1,1,1]", "random[1,1,1,1]", ""), {igemm}, {direct, gather}},
        {"empty batch", conv("f32[0,5,5,3]", "random[4,3,3,3]", ""), {igemm, patch}, {direct, gather}},
        {"relu behind", conv("f32[1,6,7,5]", "random[19,5,3,3]", "", true, "relu(x0)"), {igemm, patch}, {direct, gather}},
        {"residual behind", conv("f32[1,6,7,5]", "random[19,5,1,1]", "", true, "relu(add(x0, x1))", "f32[1,6,7,19]"), {igemm}, {direct, gather}},
        {"slope per channel behind", conv("f32[2,6,7,5]", "random[19,5,1,1]", "", true, "leaky_relu(x0, x1)", "f32[19]"), {igemm}, {direct, gather}},
        {"scalar behind", conv("f32[2,6,7,5]", "random[19,5,1,1]", "", true, "mul(x0, x1)", "f32[1]"), {igemm}, {direct, gather}},
        {"sigmoid behind", conv("f32[1,6,7,5]", "random[19,5,3,3]", "", true, "mul(x0, sigmoid(x0))"), {igemm, patch}, {direct, gather}},
        {"tiles of several lines", conv("f32[2,7,7,9]", "random[35,9,3,3]", "pads = [1, 1, 1, 1]", true, "relu(add(x0, x1))", "f32[2,7,7,35]"), {igemm, patch}, {direct, gather}},
        {"several short lines, strided", conv("f32[2,9,11,6]", "random[70,6,3,3]", "pads = [2, 1, 0, 1], strides = [2, 2]"), {igemm, patch}, {direct, gather}},
        {"long lines", conv("f32[1,3,130,17]", "random[33,17,3,3]", "pads = [1, 1, 1, 1]", true, "clip(x0, 0, 6)"), {igemm, patch}, {direct, gather}},
        {"wide window", conv("f32[1,13,31,3]", "random[35,3,7,7]", "pads = [3, 3, 3, 3], strides = [2, 2]"), {igemm, patch}, {direct, gather}},
        {"window in the padding", conv("f32[1,3,5,4]", "random[6,4,1,1]", "pads = [2, 1, 1, 3]"), {igemm}, {direct, gather}},
        {"groups with a rest", conv("f32[2,5,9,10]", "random[34,5,3,3]", "group = 2, pads = [1, 1, 1, 1]", true, "mul(x0, x1)", "f32[34]"), {igemm, patch}, {direct, gather}},
        {"filters per channel", conv("f32[1,5,7,6]", "random[12,1,3,3]", "group = 6, pads = [1, 1, 1, 1]"), {igemm}, {direct, gather}},
        {"1x1 strided", conv("f32[2,9,7,40]", "random[48,40,1,1]", "strides = [2, 2]", true, "relu(x0)"), {igemm}, {direct, gather}},
        {"deep 1x1", conv("f32[1,3,11,600]", "random[33,600,1,1]", ""), {igemm}, {direct, gather}},
        {"Winograd", conv("f32[2,13,15,17]", "random[35,17,3,3]", "pads = [1, 1, 1, 1]", true, "relu(add(x0, x1))", "f32[2,13,15,35]"), {igemm, patch}, {direct, gather, winograd2, winograd4, winograd6}},
        {"Winograd without padding", conv("f32[1,9,8,8]", "random[16,8,3,3]", "", false), {igemm, patch}, {direct, winograd2, winograd4, winograd6}},
        {"Winograd of one tile", conv("f32[1,6,6,33]", "random[9,33,3,3]", "pads = [1, 1, 1, 1]", true, "mul(x0, x1)", "f32[9]"), {igemm, patch}, {direct, winograd2, winograd4, winograd6}},
        {"Winograd, padded on one side", conv("f32[3,7,19,16]", "random[127,16,3,3]", "pads = [0, 2, 1, 0]", true, "clip(x0, 0, 6)"), {igemm, patch}, {direct, winograd2, winograd4, winograd6}},
        {"depthwise 3x3", conv("f32[2,9,7,19]", "random[19,1,3,3]", "group = 19, pads = [1, 1, 1, 1]"), {depthwise, igemm}, {depthwise_code}},
        {"depthwise 5x5 strided", conv("f32[1,15,13,33]", "random[33,1,5,5]", "group = 33, pads = [2, 2, 2, 2], strides = [2, 2]", false, "clip(x0, 0, 6)"), {depthwise}, {depthwise_code}},
        {"depthwise 7x7", conv("f32[1,9,33,17]", "random[17,1,7,7]", "group = 17, pads = [3, 3, 3, 3]"), {}, {depthwise_code}},
        {"depthwise, one channel", conv("f32[2,5,15,1]", "random[1,1,3,3]", "group = 1, pads = [1, 1, 1, 1], strides = [2, 2]"), {}, {depthwise_code}},
        {"depthwise, 7 channels, one column", conv("f32[1,8,1,7]", "random[7,1,3,3]", "group = 7, pads = [1, 1, 1, 1]", false), {}, {depthwise_code}},
        {"depthwise, 16 channels, two columns", conv("f32[1,7,2,16]", "random[16,1,3,3]", "group = 16, pads = [1, 1, 1, 1], strides = [1, 2]"), {}, {depthwise_code}},
        {"depthwise, many channels", conv("f32[1,8,8,96]", "random[96,1,3,3]", "group = 96, pads = [0, 0, 1, 1], strides = [2, 2]", true, "relu(x0)"), {}, {depthwise_code}},
        {"depthwise, 127 channels", conv("f32[1,4,8,127]", "random[127,1,3,1]", "group = 127, pads = [1, 0, 1, 0]"), {}, {depthwise_code}},
        {"depthwise, dilated", conv("f32[1,15,33,33]", "random[33,1,3,3]", "group = 33, pads = [2, 2, 2, 2], dilations = [2, 2]"), {}, {depthwise_code}},
        {"depthwise, dilated and strided", conv("f32[1,15,17,9]", "random[9,1,3,2]", "group = 9, pads = [1, 2, 0, 1], dilations = [2, 3], strides = [2, 2]"), {}, {depthwise_code}},
        {"depthwise, uneven padding", conv("f32[1,7,8,17]", "random[17,1,5,5]", "group = 17, pads = [0, 1, 3, 4]"), {}, {depthwise_code}},
        {"depthwise, kernel larger than the input", conv("f32[1,2,3,16]", "random[16,1,7,7]", "group = 16, pads = [3, 3, 3, 3]"), {}, {depthwise_code}},
        {"depthwise, windows in the padding", conv("f32[1,2,3,9]", "random[9,1,2,2]", "group = 9, pads = [3, 3, 3, 3]"), {}, {depthwise_code}},
        {"depthwise, wide kernel", conv("f32[1,33,17]", "random[17,1,31]", "group = 17, pads = [15, 15]"), {}, {depthwise_code}},
        {"depthwise, 1 dimension", conv("f32[2,33,33]", "random[33,1,4]", "group = 33, pads = [1, 2]"), {}, {depthwise_code}},
        {"depthwise, 3 dimensions, one of them of one pixel", conv("f32[1,1,5,9,8]", "random[8,1,1,3,3]", "group = 8"), {}, {depthwise_code}},
        {"depthwise, empty batch", conv("f32[0,5,5,3]", "random[3,1,3,3]", "group = 3"), {}, {depthwise_code}},
        {"depthwise, pixels 1 KiB apart", conv("f32[2,9,9,256]", "random[256,1,3,3]", "group = 256, pads = [1, 1, 1, 1]"), {depthwise}, {depthwise_code}},
        {"depthwise, pixels 2 KiB apart, strided and dilated", conv("f32[1,11,5,512]", "random[512,1,5,3]", "group = 512, pads = [3, 1, 0, 1], strides = [2, 1], dilations = [2, 1]", true, "clip(x0, 0, 6)"), {depthwise}, {depthwise_code}},
        {"depthwise, residual behind", conv("f32[2,5,15,33]", "random[33,1,3,3]", "group = 33, pads = [1, 1, 1, 1]", true, "relu(add(x0, x1))", "f32[2,5,15,33]"), {}, {depthwise_code}},
        {"depthwise, hard_swish behind", conv("f32[1,5,7,24]", "random[24,1,3,3]", "group = 24, pads = [1, 1, 1, 1]", true, "hard_swish(x0)"), {}, {depthwise_code}},
        {"depthwise, swish behind", conv("f32[1,5,16,40]", "random[40,1,3,3]", "group = 40, pads = [1, 1, 1, 1]", true, "mul(x0, sigmoid(x0))"), {}, {depthwise_code}},
        {"depthwise, slope per channel behind", conv("f32[1,5,7,33]", "random[33,1,3,3]", "group = 33", true, "leaky_relu(x0, x1)", "f32[33]"), {}, {depthwise_code}},
        {"depthwise, scalar behind", conv("f32[1,5,7,9]", "random[9,1,3,3]", "group = 9", true, "mul(x0, x1)", "f32[1]"), {}, {depthwise_code}},
        {"transposed 2x2, stride 2", transposed_conv("f32[2,5,9,17]", "random[17,33,2,2]", "strides = [2, 2]"), {transposed}},
        {"transposed 4x4, stride 2, padded", transposed_conv("f32[1,7,8,16]", "random[16,35,4,4]", "strides = [2, 2], pads = [1, 1, 1, 1]", true, "relu(x0)"), {transposed}},
        {"transposed 3x3, stride 1", transposed_conv("f32[1,7,33,3]", "random[3,9,3,3]", "pads = [1, 0, 0, 2]", false), {transposed}},
        {"transposed, stride above the kernel", transposed_conv("f32[2,3,5,4]", "random[4,7,2,1]", "strides = [3, 4], output_padding = [2, 1]"), {transposed}},
        {"transposed, dilated", transposed_conv("f32[1,6,7,5]", "random[5,8,3,2]", "strides = [2, 3], dilations = [2, 3], pads = [3, 1, 0, 2]"), {transposed}},
        {"transposed in groups", transposed_conv("f32[1,5,6,12]", "random[12,5,3,3]", "group = 3, strides = [2, 2], auto_pad = \"SAME_UPPER\"", true, "mul(x0, x1)", "f32[15]"), {transposed}},
        {"transposed to a shape", transposed_conv("f32[1,5,6,4]", "random[4,6,3,3]", "strides = [2, 2], output_shape = [10, 11]"), {transposed}},
        {"transposed, 1 dimension", transposed_conv("f32[2,33,5]", "random[5,8,5]", "strides = [4], pads = [7, 1]"), {transposed}},
        {"transposed, 3 dimensions", transposed_conv("f32[1,2,3,4,5]", "random[5,6,2,3,2]", "strides = [2, 1, 2]", true, "add(x0, x1)", "f32[1,4,5,8,6]"), {transposed}},
        {"transposed, empty batch", transposed_conv("f32[0,3,4,5]", "random[5,6,2,2]", "strides = [2, 2]"), {transposed}},
        {"max pool", pool_of("MaxPool", "f32[2,7,9,17]", "kernel_shape = [3, 2], strides = [2, 2], pads = [1, 0, 1, 1]"), {pool}, {pool_code}},
        {"max pool with relu", pool_of("MaxPool", "f32[1,7,9,5]", "kernel_shape = [2, 2], ceil_mode = 1, strides = [2, 2], tail = \"relu(x0)\""), {pool}, {pool_code}},
        {"max pool 3x3", pool_of("MaxPool", "f32[1,5,33,33]", "kernel_shape = [3, 3], pads = [1, 1, 1, 1]"), {pool}, {pool_code}},
        {"max pool 3x3 strided", pool_of("MaxPool", "f32[1,15,33,96]", "kernel_shape = [3, 3], strides = [2, 2], pads = [1, 1, 1, 1]"), {pool}, {pool_code}},
        {"max pool 5x5", pool_of("MaxPool", "f32[1,9,20,40]", "kernel_shape = [5, 5], pads = [2, 2, 2, 2]"), {pool}, {pool_code}},
        {"max pool 13x13", pool_of("MaxPool", "f32[1,15,17,8]", "kernel_shape = [13, 13], pads = [6, 6, 6, 6]"), {pool}, {pool_code}},
        {"max pool, pixels 1 KiB apart", pool_of("MaxPool", "f32[1,7,5,256]", "kernel_shape = [3, 3], pads = [1, 1, 1, 1]"), {pool}, {pool_code}},
        {"max pool, dilated", pool_of("MaxPool", "f32[1,9,15,7]", "kernel_shape = [2, 3], dilations = [3, 2], pads = [0, 1, 2, 3]"), {pool}, {pool_code}},
        {"max pool, gaps between windows", pool_of("MaxPool", "f32[1,9,16,16]", "kernel_shape = [2, 1], strides = [3, 4]"), {pool}, {pool_code}},
        {"max pool, larger than the input", pool_of("MaxPool", "f32[1,2,3,9]", "kernel_shape = [7, 7], pads = [3, 3, 3, 3]"), {pool}, {pool_code}},
        {"max pool, windows in the padding", pool_of("MaxPool", "f32[1,2,3,9]", "kernel_shape = [2, 2], pads = [3, 3, 3, 3]"), {pool}, {pool_code}},
        {"max pool, 1 dimension", pool_of("MaxPool", "f32[2,127,15]", "kernel_shape = [3], strides = [2]"), {pool}, {pool_code}},
        {"max pool, 3 dimensions", pool_of("MaxPool", "f32[1,3,4,5,8]", "kernel_shape = [2, 2, 2]"), {pool}},
        {"max pool of NaN and infinities", pool_of("MaxPool", "f32[1,7,33,17]", "kernel_shape = [3, 3], strides = [2, 2], pads = [1, 1, 1, 1]"), {pool}, {pool_code}, true},
        {"global max pool of NaN and infinities", pool_of("GlobalMaxPool", "f32[1,2,3,40]", ""), {pool}, {pool_code}, true},
        {"average pool", pool_of("AveragePool", "f32[2,7,9,17]", "kernel_shape = [3, 3], pads = [1, 1, 1, 1]"), {pool}, {pool_code}},
        {"average pool over padding", pool_of("AveragePool", "f32[1,8,8,3]", "kernel_shape = [3, 3], strides = [2, 2], ceil_mode = 1, count_include_pad = 1, pads = [1, 1, 0, 0]"), {pool}, {pool_code}},
        {"average pool 2x2", pool_of("AveragePool", "f32[1,15,33,33]", "kernel_shape = [2, 2], strides = [2, 2], ceil_mode = 1"), {pool}, {pool_code}},
        {"average pool, windows in the padding", pool_of("AveragePool", "f32[1,2,3,9]", "kernel_shape = [2, 2], pads = [3, 3, 3, 3]"), {pool}, {pool_code}},
        {"average pool, 1 dimension", pool_of("AveragePool", "f32[1,33,16]", "kernel_shape = [4], pads = [1, 2], count_include_pad = 1, tail = \"relu(x0)\""), {pool}, {pool_code}},
        {"global average pool", pool_of("GlobalAveragePool", "f32[3,7,5,33]", ""), {pool}, {pool_code}},
        {"global average pool of 127 pixels", pool_of("GlobalAveragePool", "f32[1,127,1,96]", "tail = \"relu(x0)\""), {pool}, {pool_code}},
        {"global average pool of one pixel", pool_of("GlobalAveragePool", "f32[2,1,1,7]", ""), {pool}, {pool_code}},
        {"global max pool", pool_of("GlobalMaxPool", "f32[1,7,33]", ""), {pool}, {pool_code}},
        {"global max pool, 3 dimensions", pool_of("GlobalMaxPool", "f32[1,2,4,3,127]", ""), {pool}, {pool_code}},
        {"matrix product", "(f32[33,17] x) => (f32[?] y) { y = MatMul(x, random[17,15]) }", {matmul}, {tiles}},
        {"vector by matrix", "(f32[1,127] x) => (f32[?] y) { y = MatMul<tail = \"gelu(add(x0, x1))\">(x, random[127,33], random[33]) }", {matmul}, {tiles}},
        {"row by wide matrix", "(f32[1,300] x) => (f32[?] y) { y = MatMul<tail = \"relu(x0)\">(x, random[300,257]) }", {matmul}, {tiles}},
        {"attention", "(f32[2,13,24] q, f32[2,17,24] k, f32[2,17,15] v) => (f32[?] y) { y = Attention<q_num_heads = 3, kv_num_heads = 3>(q, k, v) }", {attention}, {attention_code}},
        {"attention of heads", "(f32[2,2,5,64] q, f32[2,2,197,64] k, f32[2,2,197,64] v, f32[5,197] m) => (f32[?] y) { y = Attention<scale = 0.1>(q, k, v, m) }", {attention}, {attention_code}},
        {"attention, grouped", "(f32[1,7,24] q, f32[1,33,12] k, f32[1,33,12] v, bool[1,1,7,33] m) => (f32[?] y) { y = Attention<q_num_heads = 6, kv_num_heads = 3>(q, k, v, m) }", {attention}, {attention_code}},
        {"attention, causal", "(f32[1,2,37,8] q, f32[1,2,37,8] k, f32[1,2,37,8] v) => (f32[?] y) { y = Attention<is_causal = 1>(q, k, v) }", {attention}, {attention_code}},
        {"attention, causal, masked, more queries than keys", "(f32[1,2,40,8] q, f32[1,2,33,8] k, f32[1,2,33,8] v, f32[40,33] m) => (f32[?] y) { y = Attention<is_causal = 1>(q, k, v, m) }", {attention}, {attention_code}},
        {"attention, one key", "(f32[1,1,3,4] q, f32[1,1,1,4] k, f32[1,1,1,4] v) => (f32[?] y) { y = Attention(q, k, v) }", {attention}, {attention_code}},
        {"computed matrices", "(f32[13,37] x, f32[37,35] w) => (f32[?] y) { y = MatMul(x, w) }", {}, {computed}},
        {"computed matrix for all", "(f32[3,13,37] x, f32[1,37,5] w) => (f32[?] y) { y = MatMul(x, w) }", {}, {computed}},
        {"batch of computed matrices", "(f32[3,2,13,7] x, f32[3,2,7,35] w, f32[35] b, f32[3,2,13,35] r) => (f32[?] y) { y = MatMul<tail = \"relu(add(add(x0, x1), x2))\">(x, w, b, r) }", {}, {computed}},
        {"one matrix by a batch", "(f32[1,13,7] x, f32[5,7,17] w) => (f32[?] y) { y = MatMul(x, w) }", {}, {computed}},
        {"batch of constant matrices", "(f32[2,3,7] x) => (f32[?] y) { y = MatMul(x, random[2,7,17]) }", {}, {computed}},
        {"rank 3 by matrix", "(f32[2,5,8] x) => (f32[?] y) { y = MatMul(x, random[8,1]) }", {matmul}, {tiles}},
        {"gemm", "(f32[7,9] x) => (f32[?] y) { y = Gemm<transB = 1, tail = \"relu(x0)\">(x, random[65,9], random[65]) }", {matmul}, {tiles}},
        {"gemm without bias", "(f32[0,9] x) => (f32[?] y) { y = Gemm(x, random[9,4]) }", {matmul}, {tiles}},
        {"softmax", "(f32[5,33] x) => (f32[?] y) { y = Softmax(x) }", {softmax}},
        {"softmax of one", "(f32[3,1] x) => (f32[?] y) { y = Softmax<axis = 1>(x) }", {softmax}},
        {"softmax of many short rows", "(f32[3,257,10] x) => (f32[?] y) { y = Softmax<tail = \"mul(x0, x1)\">(x, f32[1]{0.5}) }", {softmax}},
        {"softmax of a long row", "(f32[2,3001] x) => (f32[?] y) { y = Softmax(x) }", {softmax}},
        {"softmax of whole vectors", "(f32[7,3,16] x) => (f32[?] y) { y = Softmax(x) }", {softmax}},
        {"softmax before extents of 1", "(f32[3,7,1,1] x) => (f32[?] y) { y = Softmax<axis = 1, tail = \"mul(x0, x1)\">(x, f32[1]{0.5}) }", {softmax}},
        {"softmax of columns", "(f32[2,16,4,33] x) => (f32[?] y) { y = Softmax<axis = 1>(x) }", {softmax_columns}},
        {"softmax of many columns", "(f32[3,700] x) => (f32[?] y) { y = Softmax<axis = -2>(x) }", {softmax_columns}},
        {"softmax of columns, with a tail", "(f32[3,7,5,9] x, f32[9] s) => (f32[?] y) { y = Softmax<axis = 1, tail = \"mul(x0, x1)\">(x, s) }", {softmax_columns}},
        {"layer normalization", "(f32[3,5,97] x) => (f32[?] y) { y = LayerNormalization(x, random[97], random[97]) }", {layer_norm}},
        {"layer normalization over two axes", "(f32[3,1,7,9] x) => (f32[?] y) { y = LayerNormalization<axis = 2>(x, random[1,7,9]) }", {layer_norm}},
        {"layer normalization of all", "(f32[3,70] x, f32[3,70] s, f32[3,70] b) => (f32[?] y) { y = LayerNormalization<axis = 0, epsilon = 0.1>(x, s, b) }", {layer_norm}},
        {"layer normalization with statistics", "(f32[129,16] x) => (f32[?] y, f32[?] m, f32[?] d) { y, m, d = LayerNormalization(x, random[16], random[16]) }", {layer_norm}},
        {"layer normalization, residual behind", "(f32[2,5,33] x, f32[2,5,33] r) => (f32[?] y) { y = LayerNormalization<tail = \"add(x0, x1)\">(x, random[33], _, r) }", {layer_norm}},
        {"layer normalization of one element", "(f32[5,1] x) => (f32[?] y) { y = LayerNormalization(x, random[1], random[1]) }", {layer_norm}},
        {"layer normalization of a long row", "(f32[1,9001] x) => (f32[?] y) { y = LayerNormalization(x, random[9001], random[9001]) }", {layer_norm}},
        {"RMS normalization", "(f32[3,5,127] x) => (f32[?] y) { y = RMSNormalization(x, random[127]) }", {layer_norm}},
        {"RMS normalization with a tail", "(f32[700,8] x, f32[1] s) => (f32[?] y) { y = RMSNormalization<tail = \"mul(x0, x1)\">(x, random[8], s) }", {layer_norm}},
        {"instance normalization", "(f32[2,5,7,9] x) => (f32[?] y) { y = InstanceNormalization(x, random[5], random[5]) }", {group_norm}},
        {"instance normalization, channels last", "(f32[2,7,9,67] x) => (f32[?] y) { y = InstanceNormalization<layout = \"NHWC\", tail = \"relu(x0)\">(x, random[67], random[67]) }", {group_norm}},
        {"group normalization", "(f32[2,12,5,3] x) => (f32[?] y) { y = GroupNormalization<num_groups = 4, tail = \"add(x0, x1)\">(x, random[12], random[12], f32[1]{0.5}) }", {group_norm}},
        {"group normalization, channels last", "(f32[2,33,40,48] x) => (f32[?] y) { y = GroupNormalization<num_groups = 3, layout = \"NHWC\">(x, random[48], random[48]) }", {group_norm}},
        {"group normalization, wide groups last", "(f32[1,3,200] x, f32[200] r) => (f32[?] y) { y = GroupNormalization<num_groups = 2, layout = \"NHWC\", tail = \"add(x0, x1)\">(x, random[200], random[200], r) }", {group_norm}},
        {"group normalization of a matrix", "(f32[3,34] x, f32[34] r) => (f32[?] y) { y = GroupNormalization<num_groups = 2, tail = \"add(x0, x1)\">(x, random[34], random[34], r) }", {group_norm}},
        {"greatest of rows", "(f32[9,127] x) => (i64[?] y) { y = ArgMax<axis = -1>(x) }", {arg_max}},
        {"greatest of short rows", "(f32[300,7] x) => (i64[?] y) { y = ArgMax<axis = 1, keepdims = 0>(x) }", {arg_max}},
        {"least of columns", "(f32[3,9,5,15] x) => (i64[?] y) { y = ArgMin<axis = 1>(x) }", {arg_max}},
        {"last greatest of ties", "(f32[2,65] a) => (i64[?] y) { y = ArgMax<axis = 1, select_last_index = 1>(a) }", {arg_max}, {}, true},
        {"first least of ties and NaN", "(f32[5,66] a) => (i64[?] y) { y = ArgMin<axis = 1>(a) }", {arg_max}, {}, true},
        {"greatest of columns with NaN", "(f32[13,33] a) => (i64[?] y) { y = ArgMax<axis = 0>(a) }", {arg_max}, {}, true},
        {"last least of columns with NaN", "(f32[14,300] a) => (i64[?] y) { y = ArgMin<axis = 0, select_last_index = 1>(a) }", {arg_max}, {}, true},
        {"mean over the last axis", "(f32[3,5,97] x) => (f32[?] y) { y = ReduceMean(x, i64[1]{-1}) }", {reduce}},
        {"sum over all", "(f32[3,5,7] x) => (f32[?] y) { y = ReduceSum<keepdims = 0>(x) }", {reduce}},
        {"maximum", "(f32[9,15] x) => (f32[?] y) { y = ReduceMax<keepdims = 0>(x, i64[1]{1}) }", {reduce}},
        {"mean with a tail", "(f32[9,15] x) => (f32[?] y) { y = ReduceMean<tail = \"sqrt(abs(x0))\">(x, i64[1]{1}) }", {reduce}},
        {"mean over the first axis", "(f32[130,33] x) => (f32[?] y) { y = ReduceMean(x, i64[1]{0}) }", {reduce}},
        {"mean over space", "(f32[2,33,7,5] x) => (f32[?] y) { y = ReduceMean<keepdims = 0>(x, i64[2]{2, 3}) }", {reduce}},
        {"mean over space, channels last", "(f32[2,7,5,67] x, f32[67] b) => (f32[?] y) { y = ReduceMean<tail = \"add(x0, x1)\">(x, i64[2]{1, 2}, b) }", {reduce}},
        {"sum over every other axis", "(f32[3,5,4,6,2] x) => (f32[?] y) { y = ReduceSum<keepdims = 0>(x, i64[3]{0, 2, 4}) }", {reduce}},
        {"sum over the axes between", "(f32[3,5,4,6,40] x) => (f32[?] y) { y = ReduceSum(x, i64[2]{1, 3}) }", {reduce}},
        {"least over batch and rows", "(f32[70,3,9] x) => (f32[?] y) { y = ReduceMin(x, i64[2]{0, 2}) }", {reduce}},
        {"greatest of columns", "(f32[9,3,150] x) => (f32[?] y) { y = ReduceMax<keepdims = 0>(x, i64[1]{0}) }", {reduce}, {}, true},
        {"greatest over batch and rows with NaN", "(f32[80,3,21] x) => (f32[?] y) { y = ReduceMax(x, i64[2]{0, 2}) }", {reduce}, {}, true},
        {"norms of rows", "(f32[5,70] x) => (f32[?] y) { y = ReduceL2(x, i64[1]{-1}) }", {reduce}},
        {"norms of columns", "(f32[70,15] x) => (f32[?] y) { y = ReduceL2(x, i64[1]{0}) }", {reduce}},
        {"sum of magnitudes", "(f32[9,3,70] x) => (f32[?] y) { y = ReduceL1(x, i64[2]{0, 2}) }", {reduce}},
        {"magnitudes down columns", "(f32[9,3,70] x) => (f32[?] y) { y = ReduceL1<tail = \"mul(x0, x1)\">(x, i64[1]{1}, f32[1]{0.5}) }", {reduce}},
        {"reduction of single elements", "(f32[9,1,3] x) => (f32[?] y) { y = ReduceSumSquare(x, i64[1]{1}) }", {reduce}},
        {"reduction of a scalar", "(f32[] x) => (f32[?] y) { y = ReduceL1(x) }", {reduce}},
        {"gather rows", "(f32[50,33] x) => (f32[?] y) { y = Gather(x, i64[2,4]{0, 49, -1, 7, 7, -50, 1, 2}) }", {gather_blocks}},
        {"gather by computed indices", "(f32[20,96] x, i64[3,300] i) => (f32[?] y) { y = Gather(x, i) }", {gather_blocks}},
        {"gather one large block", "(f32[3,4,5000] x) => (f32[?] y) { y = Gather<axis = 0>(x, i64{1}) }", {gather_blocks}},
        {"gather along a middle axis", "(u8[3,20,5] x, i32[4] i) => (u8[?] y) { y = Gather<axis = -2>(x, i) }", {gather_blocks}},
        {"gather single elements", "(i64[5,9] x) => (i64[?] y) { y = Gather<axis = 1>(x, i64[3]{8, 0, -2}) }", {gather_blocks}},
        {"gather nothing", "(f32[5,9] x, i64[0] i) => (f32[?] y) { y = Gather(x, i) }", {gather_blocks}},
        {"gather empty blocks", "(f32[20,0] x, i64[3] i) => (f32[?] y) { y = Gather(x, i) }", {}},
        {"expand", "(f32[3,1,17] x) => (f32[?] y) { y = Expand(x, i64[4]{2, 1, 5, 1}) }", {expand}},
        {"expand a scalar", "(u8[] x) => (u8[?] y) { y = Expand(x, i64[2]{3, 33}) }", {expand}},
        {"expand along the innermost axis", "(f32[3,5,1] x) => (f32[?] y) { y = Expand(x, i64[3]{1, 5, 9}) }", {expand}},
        {"expand to nothing", "(f32[1,5] x) => (f32[?] y) { y = Expand(x, i64[2]{0, 1}) }", {expand}},
        {"transpose to channels last", "(f32[2,3,17,19] x) => (f32[?] y) { y = Transpose<perm = [0, 2, 3, 1]>(x) }", {transpose}},
        {"transpose reversed", "(f32[3,5,7] x) => (f32[?] y) { y = Transpose(x) }", {transpose}},
        {"transpose of bytes", "(u8[1,33,1,2] x) => (u8[?] y) { y = Transpose<perm = [3, 1, 0, 2]>(x) }", {transpose}},
        {"transpose of 64-bit integers", "(i64[4,4] x) => (i64[?] y) { y = Transpose(x) }", {transpose}},
        {"transpose of whole squares", "(f32[2,64,48] x) => (f32[?] y) { y = Transpose<perm = [0, 2, 1]>(x) }", {transpose}},
        {"transpose of a large matrix", "(f32[130,1100] x) => (f32[?] y) { y = Transpose(x) }", {transpose}},
        {"transpose of three channels", "(f32[1,33,40,3] x) => (f32[?] y) { y = Transpose<perm = [0, 3, 1, 2]>(x) }", {transpose}},
        {"transpose of heads", "(f32[2,9,3,4,33] x) => (f32[?] y) { y = Transpose<perm = [2, 0, 3, 1, 4]>(x) }", {transpose}},
        {"transpose of heads to columns", "(f32[2,19,4,17] x) => (f32[?] y) { y = Transpose<perm = [0, 2, 3, 1]>(x) }", {transpose}},
        {"transpose that mixes all", "(i32[3,5,7,2,4] x) => (i32[?] y) { y = Transpose<perm = [4, 1, 3, 0, 2]>(x) }", {transpose}},
        {"transpose of half floats", "(f16[33,5,40] x) => (f16[?] y) { y = Transpose<perm = [2, 0, 1]>(x) }", {transpose}},
        {"transpose that keeps the order", "(f32[3,1,5] x) => (f32[?] y) { y = Transpose<perm = [1, 0, 2]>(x) }", {transpose}},
        {"transpose of one element", "(f32[1,1] x) => (f32[?] y) { y = Transpose(x) }", {transpose}},
        {"transpose of nothing", "(f32[3,0,5] x) => (f32[?] y) { y = Transpose(x) }", {transpose}},
        {"concat of channels", "(f32[2,7,5,9] a, f32[2,7,5,3] b, f32[2,7,5,17] c) => (f32[?] y) { y = Concat<axis = -1>(a, b, c) }", {concat}},
        {"concat of planes", "(f32[2,3,33,65] a, f32[2,1,33,65] b) => (f32[?] y) { y = Concat<axis = 1>(a, b) }", {concat}},
        {"concat of large parts", "(u8[1,70001] a, u8[0,70001] b, u8[3,70001] c) => (u8[?] y) { y = Concat<axis = 0>(a, b, c) }", {concat}},
        {"concat of one value twice", "(i64[5] a) => (i64[?] y) { y = Concat<axis = 0>(a, a) }", {concat}},
        {"split of channels", "(f32[3,7,33] x) => (f32[?] a, f32[?] b, f32[?] c) { a, b, c = Split<axis = 2>(x, i64[3]{1, 15, 17}) }", {split}},
        {"split in uneven parts", "(i64[5,8] x) => (i64[?] a, i64[?] b) { a, b = Split<num_outputs = 2>(x) }", {split}},
        {"split of bytes", "(u8[2,9,2] x) => (u8[?] a, u8[?] b) { a, b = Split<axis = 1>(x, i64[2]{9, 0}) }", {split}},
        {"slice", "(f32[3,9,17] x) => (f32[?] y) { y = Slice(x, i64[2]{1, -15}, i64[2]{9, 1000}, i64[2]{1, 2}) }", {slice}},
        {"slice with steps", "(f32[4,9,17] x) => (f32[?] y) { y = Slice(x, i64[3]{0, 8, 100}, i64[3]{4, -100, 0}, i64[3]{0, 1, -1}, i64[3]{2, -3, -2}) }", {slice}},
        {"cast of integers", "(i64[3,1701] x) => (f32[?] y) { y = Cast<to = 1>(x) }", {"cpu/cast"}},
        {"cast to bool", "(f32[33] x) => (bool[?] y) { y = Cast<to = 9>(x) }", {"cpu/cast"}, {}, true},
        {"cast of bools", "(bool[5,7] x) => (i32[?] y) { y = Cast<to = 6>(x) }", {"cpu/cast"}},
        {"cast of half floats", "(f16[3,1701] x) => (f32[?] y) { y = Cast<to = 1>(x) }", {"cpu/cast"}},
        {"cast of brain floats", "(bf16[3,1701] x) => (f32[?] y) { y = Cast<to = 1>(x) }", {"cpu/cast"}},
        {"cast to half floats", "(f32[3,1701] x) => (f16[?] y) { y = Cast<to = 10>(x) }", {"cpu/cast"}, {}, true},
        {"cast to brain floats", "(f32[3,1701] x) => (bf16[?] y) { y = Cast<to = 16>(x) }", {"cpu/cast"}, {}, true},
        {"rounded to half floats in a chain", "(f32[3,70] a, f32[70] b) => (f32[?] y) { y = \"tercet\":Pointwise<expr = \"relu(round_f16(add(round_f16(x0), x1)))\">(a, b) }", {pointwise}, {chain}, true},
        {"shape", "(f32[5,0,7] x) => (i64[?] y) { y = Shape(x) }", {"cpu/shape"}},
        {"part of a shape", "(f32[5,6,7] x) => (i64[?] y) { y = Shape<start = -2, end = 9>(x) }", {"cpu/shape"}},
        {"slice of bytes", "(u8[127,3] x) => (u8[?] y) { y = Slice(x, i64[1]{7}, i64[1]{120}) }", {slice}},
        {"slice of nothing", "(f32[3,9] x) => (f32[?] y) { y = Slice(x, i64[1]{5}, i64[1]{5}, i64[1]{1}) }", {slice}},
        {"slice of large blocks", "(f32[3,2,33333] x) => (f32[?] y) { y = Slice(x, i64[1]{1}, i64[1]{2}, i64[1]{1}) }", {slice}},
        {"pad", "(f32[2,7,5,3] x) => (f32[?] y) { y = Pad(x, i64[8]{0, 1, 2, 0, 0, 3, 0, 0}) }", {pad}},
        {"pad the innermost by a value", "(f32[2,7,5] x, f32[] v) => (f32[?] y) { y = Pad(x, i64[4]{1, 2, 0, 9}, v, i64[2]{0, -1}) }", {pad}},
        {"pad nothing", "(i64[3,5] x) => (i64[?] y) { y = Pad(x, i64[4]{0, 0, 0, 0}) }", {pad}},
        {"pad an empty value", "(u8[0,3] x) => (u8[?] y) { y = Pad(x, i64[4]{1, 0, 1, 1}, u8{7}) }", {pad}},
        {"pad a long row", "(f32[1,20001] x) => (f32[?] y) { y = Pad(x, i64[4]{1, 5, 1, 0}, f32{0.5}) }", {pad}},
        {"twice as large", "(f32[2,3,7,9] x) => (f32[?] y) { y = Resize<mode = \"nearest\", coordinate_transformation_mode = \"asymmetric\", nearest_mode = \"floor\">(x, _, f32[4]{1, 1, 2, 2}) }", {resize}},
        {"larger, channels last", "(f32[2,7,9,17] x) => (f32[?] y) { y = Resize<layout = \"NHWC\", mode = \"nearest\">(x, _, f32[4]{1, 1, 3, 2}) }", {resize}},
        {"to other sizes", "(u8[2,3,33,9] x) => (u8[?] y) { y = Resize<mode = \"nearest\", axes = [2, 3], nearest_mode = \"ceil\">(x, _, _, i64[2]{15, 17}) }", {resize}},
        {"resize nothing", "(f32[2,3,5] x) => (f32[?] y) { y = Resize<mode = \"nearest\">(x, _, f32[3]{1, 1, 1}) }", {resize}},
        {"linear, twice as large", "(f32[2,3,7,9] x) => (f32[?] y) { y = Resize<mode = \"linear\">(x, _, f32[4]{1, 1, 2, 2}) }", {blend}},
        {"linear, channels last", "(f32[2,7,9,17] x) => (f32[?] y) { y = Resize<layout = \"NHWC\", mode = \"linear\", coordinate_transformation_mode = \"align_corners\">(x, _, _, i64[4]{2, 17, 15, 33}) }", {blend}},
        {"linear, to smaller sizes, with a tail", "(f32[1,3,33,70] x) => (f32[?] y) { y = Resize<mode = \"linear\", axes = [2, 3], tail = \"relu(x0)\">(x, _, _, i64[2]{15, 40}) }", {blend}},
        {"linear along rows only", "(f32[3,5,9] x) => (f32[?] y) { y = Resize<mode = \"linear\", axes = [2]>(x, _, f32[1]{2.5}) }", {blend}},
        {"linear along the batch", "(f32[3,5,9] x) => (f32[?] y) { y = Resize<mode = \"linear\", axes = [0]>(x, _, f32[1]{2}) }", {blend}},
        {"linear in three dimensions", "(f32[1,2,3,4,5] x) => (f32[?] y) { y = Resize<mode = \"linear\", coordinate_transformation_mode = \"pytorch_half_pixel\">(x, _, f32[5]{1, 1, 2, 2, 2}) }", {blend}},
        {"cubic", "(f32[1,9,8,5] x) => (f32[?] y) { y = Resize<layout = \"NHWC\", mode = \"cubic\", exclude_outside = 1>(x, _, f32[4]{1, 1, 1.5, 2}) }", {blend}},
        {"cubic, antialiased rows", "(f32[2,3,9,64] x) => (f32[?] y) { y = Resize<mode = \"cubic\", antialias = 1, axes = [3]>(x, _, f32[1]{0.4}) }", {blend}},
        {"linear, nothing changes", "(f32[2,3,5] x) => (f32[?] y) { y = Resize<mode = \"linear\">(x, _, f32[3]{1, 1, 1}) }", {blend}},
        {"element-wise", "(f32[3,33] a, f32[3,33] b) => (f32[?] y) { y = Mul(a, b) }", {pointwise}, {chain}},
        {"broadcast row", "(f32[3,7,5] a, f32[5] b) => (f32[?] y) { y = Add(a, b) }", {pointwise}, {chain}},
        {"broadcast column", "(f32[3,7,5] a, f32[7,1] b) => (f32[?] y) { y = Sub(a, b) }", {pointwise}, {chain}},
        {"parameter that is no binary fraction", "(f32[3,33] x) => (f32[?] y) { y = LeakyRelu<alpha = 0.1>(x) }", {pointwise}, {chain}},
        {"limit left out", "(f32[3,33] x) => (f32[?] y) { y = Clip(x, _, f32{0.5}) }", {pointwise}, {chain}},
        {"broadcast both", "(f32[3,1,5] a, f32[7,1] b) => (f32[?] y) { y = Max(a, b) }", {pointwise}, {chain}},
        {"scalars", "(f32[] a, f32[] b) => (f32[?] y) { y = Div(a, b) }", {pointwise}, {chain}},
        {"large relu", "(f32[3,70001] x) => (f32[?] y) { y = Relu(x) }", {pointwise}, {chain}},
        {"swish", "(f32[2,7,127] x) => (f32[?] y) { y = \"tercet\":Pointwise<expr = \"mul(x0, sigmoid(x0))\">(x) }", {pointwise}, {chain}},
        {"gelu", "(f32[5,33,9] x) => (f32[?] y) { y = Gelu(x) }", {pointwise}, {chain}},
        {"residual and shift per channel", "(f32[2,9,7,17] a, f32[2,9,7,17] b, f32[17] c) => (f32[?] y) { y = \"tercet\":Pointwise<expr = \"relu(add(add(x0, x1), x2))\">(a, b, c) }", {pointwise}, {chain}},
        {"scaled per image and channel", "(f32[3,5,7,33] a, f32[3,1,1,33] b) => (f32[?] y) { y = Mul(a, b) }", {pointwise}, {chain}},
        {"many rows of one vector", "(f32[700,16] a, f32[700,1] b, f32[16] c) => (f32[?] y) { y = \"tercet\":Pointwise<expr = \"add(mul(x0, x1), x2)\">(a, b, c) }", {pointwise}, {chain}},
        {"first input broadcast", "(f32[] a, f32[33] b, f32[5,33] c) => (f32[?] y) { y = \"tercet\":Pointwise<expr = \"sub(mul(x0, x1), div(x2, x0))\">(a, b, c) }", {pointwise}, {chain}},
        {"no element", "(f32[0,33] a, f32[33] b) => (f32[?] y) { y = Add(a, b) }", {pointwise}, {chain}},
        {"fused chain", "(f32[2,300] a, f32[300] b, f32[] c) => (f32[?] y) { y = \"tercet\":Pointwise<expr = \"relu(sub(mul(x0, x1), mul(x2, tanh(x0))))\">(a, b, c) }", {pointwise}, {chain}},
    };
    return all;
}

std::vector<Isa> levels() {
    std::vector<Isa> all;
    for (auto name : isa_names())
        if (const Isa isa = *isa_named(name); host_isa().has(isa.level)) all.push_back(isa);
    return all;
}

// Terms that one output sums up.
double terms(const Step& s) {
    if (s.has(1) && s.inputs[1].shape.size() >= 2) return static_cast<double>(count_of(s.inputs[1].shape)) / static_cast<double>(std::max<std::int64_t>(1, s.inputs[1].shape[0]));
    return static_cast<double>(count_of(s.inputs[0].shape));
}

// How far an approximation may be off, per root of the number of terms: transforms over more points cancel more.
double approximation(const Tactic& t) { return t.name == "cpu/conv_winograd6_f32" ? 5e-6 : t.name == "cpu/conv_winograd4_f32" ? 2e-6 : 1e-6; }

class EveryTactic : public ::testing::TestWithParam<Case> {};

// NaN are equal, whatever their payload is.
bool same_bits(const Tensor& a, const Tensor& b) {
    if (!is_float(a.dtype())) return std::memcmp(a.data(), b.data(), a.bytes()) == 0;
    for (std::int64_t i = 0; i < a.count(); ++i) {
        const double x = a.get(i), y = b.get(i);
        if (std::isnan(x) ? !std::isnan(y) : x != y || std::signbit(x) != std::signbit(y)) return false;
    }
    return true;
}

TEST_P(EveryTactic, KeepsItsPromise) {
    const Graph g = typed_graph(GetParam().graph);
    const NodeId id = g.order().at(0);
    Step step{.node = &g.node(id), .inputs = {}, .outputs = {}};
    std::vector<Tensor> graph_inputs, inputs;
    for (std::size_t i = 0; i < g.inputs().size(); ++i) {
        const Type& t = g.value(g.inputs()[i]).type;
        graph_inputs.push_back(random_tensor(t.dtype, *constant_shape(t.shape), static_cast<unsigned>(i + 1)));
        for (std::int64_t k = 0; (t.dtype == DType::i8 || t.dtype == DType::u8) && GetParam().graph.find("stored") != std::string::npos && k < graph_inputs.back().count(); ++k) {
            const std::int64_t byte = k % 7 == 0 ? 127 + k % 2 : graph_inputs.back().get_int(k) * 51 + k * 29;  // of all sizes; the limits come often
            graph_inputs.back().writable().set_int_at(k, GetParam().graph.find("x_least = 0") != std::string::npos ? byte & 127 : byte);
        }
        constexpr double special[] = {NAN, INFINITY, -INFINITY};
        for (std::int64_t k = 0; GetParam().specials && k < graph_inputs.back().count(); k += 1 + k % 13) graph_inputs.back().writable().set_at(k, special[k % 3]);
    }
    const std::vector<Tensor> expected = evaluate(g, graph_inputs);
    for (ValueId v : g.node(id).inputs) {
        if (v == ValueId::none) {
            step.inputs.emplace_back();
            inputs.emplace_back();
            continue;
        }
        const auto at = std::ranges::find(g.inputs(), v) - g.inputs().begin();
        inputs.push_back(g.constant(v) ? *g.constant(v) : graph_inputs[static_cast<std::size_t>(at)]);
        step.inputs.push_back({inputs.back().dtype(), inputs.back().shape(), g.constant(v)});
    }
    for (const Tensor& t : expected) step.outputs.push_back({t.dtype(), t.shape(), nullptr});

    double scale = 1;
    for (std::int64_t i = 0; i < expected[0].count(); ++i) scale = std::max(scale, std::fabs(expected[0].get(i)));
    std::vector<Tensor> canonical;  // of the first tactic that promises the same bits as all others that do, at every level
    for (const Isa& isa : levels()) {
        std::set<std::string_view> ran;
        for (const Tactic* tactic : all_tactics()) {
            if (tactic->refuses(step, isa)) continue;
            ran.insert(tactic->name);
            if (isa.level > tactic->most && tactic->most != Isa::Level::reference) continue;  // runs there as at its own level
            const Numerics promise = tactic->numerics(step);
            const double tolerance = promise == Numerics::exact ? 0 : (promise == Numerics::reordered_sum ? 1e-7 : approximation(*tactic)) * scale * std::sqrt(terms(step));
            EXPECT_GE(tactic->cost(step, tactic->variants(step, isa).at(0), isa), 0);
            for (const Variant& v : tactic->variants(step, isa))
                for (auto flush : {GuardedBuffer::Flush::start, GuardedBuffer::Flush::end}) {
                    const auto actual = run_kernel(*tactic, step, v, isa, inputs, flush);
                    for (std::size_t i = 0; i < actual.size(); ++i)
                        if (!expect_close(actual[i], expected[i], tolerance, fmt::format("{} ({}) at {}: {}", tactic->name, v.text(), isa.name(), GetParam().graph))) return;
                    if (!tactic->canonical || !tactic->canonical(step, isa)) continue;
                    if (canonical.empty()) canonical = actual;
                    for (std::size_t i = 0; i < actual.size(); ++i)
                        ASSERT_TRUE(same_bits(actual[i], canonical[i])) << fmt::format("output {} of {} ({}) at {}: {}", i, tactic->name, v.text(), isa.name(), GetParam().graph);
                }
        }
        EXPECT_TRUE(ran.contains("reference"));
        std::vector<std::string_view> must;
        if (isa.has(Isa::Level::baseline)) must = GetParam().tactics;
        else EXPECT_EQ(ran.size(), 1u);
        if (isa.has(Isa::Level::avx2)) must.insert(must.end(), GetParam().generated.begin(), GetParam().generated.end());
        for (auto wanted : must) EXPECT_TRUE(ran.contains(wanted)) << wanted << " refuses at " << isa.name();
    }
}

INSTANTIATE_TEST_SUITE_P(Table, EveryTactic, ::testing::ValuesIn(cases()), [](const auto& row) {
    std::string name;
    for (char c : row.param.name) name += std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
    return name;
});

TEST(Tactics, EachIsInTheTable) {
    std::set<std::string_view> covered{"reference"};
    for (const Case& c : cases()) {
        covered.insert(c.tactics.begin(), c.tactics.end());
        covered.insert(c.generated.begin(), c.generated.end());
    }
    for (const Tactic* t : all_tactics()) EXPECT_TRUE(covered.contains(t->name)) << t->name << " has no case that it must take";
}

}  // namespace
}  // namespace tercet::testing
