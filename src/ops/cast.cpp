// SPDX-License-Identifier: Apache-2.0
// Cast, CastLike: elements as another type. Floats to integers truncate and saturate; integers wrap; bool is x != 0.
// Identity: y = x. Dropout of a trained model, or with a ratio of 0: y = x, mask = all true.
#include "ops/elementwise.h"
#include "ops/extents.h"
#include "ops/moves.h"
#include "ops/old_forms.h"

#include <fmt/format.h>

namespace tercet {
namespace {

// A number or a size as another type, where that is the same for sure.
std::optional<Dim> cast_number(const Dim& d, DType to) {
    const auto v = d.constant();
    if (is_boolean(to)) return v ? std::optional(Dim(*v != 0)) : std::nullopt;
    if (!v) return bits_of(to) < 32 || (is_open(d) && to != DType::i64) ? std::nullopt : std::optional(d);
    const bool fits = with_type(to, [&]<class T>(TypeTag<T>) {
        if constexpr (std::is_integral_v<T>) return std::in_range<T>(*v);
        else return static_cast<double>(to_element<T>(static_cast<double>(*v))) == static_cast<double>(*v);
    });
    return fits ? std::optional(d) : std::nullopt;
}

void set_cast(Inference& c, DType to) {
    if (!computes(to) || !computes(c.dtype(0)))
        throw Error({.what = fmt::format("unsupported: a cast from {} to {}", name_of(c.dtype(0)), name_of(to)),
                     .fix = "export the model without it"});
    c.set(0, to, c.shape(0));
    const auto content = known_elements(c, 0);
    if (!content) return;
    std::vector<std::optional<Dim>> result;
    for (const Dim& d : *content) result.push_back(cast_number(d, to));
    if (!is_float(to) || std::ranges::all_of(result, [](const auto& d) { return d.has_value(); })) set_elements(c, result);
}

void infer_cast(Inference& c) {
    const std::int64_t to = c.attributes().integer("to", 0);
    if (!is_dtype(to))
        throw Error({.what = fmt::format("cast to the type {}, which ONNX does not know", to), .fix = "check the model with onnx.checker"});
    set_cast(c, static_cast<DType>(to));
}

// The type was the name that onnx.proto gives the number.
void type_by_number(Graph& g, NodeId id) {
    constexpr std::pair<std::string_view, DType> names[] = {
        {"FLOAT", DType::f32}, {"UINT8", DType::u8}, {"INT8", DType::i8}, {"UINT16", DType::u16}, {"INT16", DType::i16},
        {"INT32", DType::i32}, {"INT64", DType::i64}, {"STRING", DType::string}, {"BOOL", DType::boolean}, {"FLOAT16", DType::f16},
        {"DOUBLE", DType::f64}, {"UINT32", DType::u32}, {"UINT64", DType::u64}, {"COMPLEX64", DType::c64}, {"COMPLEX128", DType::c128}};
    const std::string to(g.node(id).attributes.text("to", ""));
    const auto named = std::ranges::find(names, std::string_view(to), &std::pair<std::string_view, DType>::first);
    if (named == std::end(names))
        throw Error({.what = fmt::format("cast to the type '{}', which ONNX does not know", to), .fix = "check the model with onnx.checker"});
    g.attributes(id).set("to", static_cast<std::int64_t>(named->second));
}

void infer_cast_like(Inference& c) { set_cast(c, c.dtype(1)); }

template <class To, class From>
To converted(From v) {
    constexpr bool direct = std::is_integral_v<To> || std::is_same_v<To, float>;  // wraps, or is rounded once
    if constexpr (std::is_integral_v<From> && direct) return static_cast<To>(v);
    else return to_element<To>(static_cast<double>(v));
}

void cast(const Call& c) {
    const View &x = c.in[0], &y = c.out[0];
    if (x.dtype == y.dtype) return copy_view(x, y);
    if (y.dtype == DType::boolean) return test_elements(std::array{x}, y, [](auto v) { return v != 0; });
    with_type(x.dtype, [&]<class From>(TypeTag<From>) {
        with_type(y.dtype, [&]<class To>(TypeTag<To>) {
            for_each_offset(y.shape, std::array{x, y}, [&](const std::array<std::int64_t, 2>& o) {
                store<To>(y.address(o[1]), converted<To>(load<From>(x.address(o[0]))));
            });
        });
    });
}

void infer_identity(Inference& c) {
    c.set(0, c.dtype(0), c.shape(0));
    if (auto content = known_elements(c, 0)) c.set_content(0, std::move(*content));
}

void identity(const Call& c) {
    if (bits_of(c.in[0].dtype) >= 8) return copy_view(c.in[0], c.out[0]);
    std::memcpy(c.out[0].data, c.in[0].data, bytes_of(c.in[0].dtype, c.in[0].count()));  // packed
}

void infer_dropout(Inference& c) {
    refuse_old_attribute(c, "ratio");
    if (c.has(2)) {
        constexpr const char* fix = "export the model in evaluation mode";
        const auto *trains = c.in[2].constant, *ratio = c.has(1) ? c.in[1].constant : nullptr;
        if (!trains) throw Error({.what = "unsupported: whether Dropout is in training mode (input 2) is computed while the model runs", .fix = fix});
        if (trains->count() != 1 || trains->get_int(0) != 0) {  // nothing is left to chance only if nothing is left out
            if (c.has(1) && !ratio) throw Error({.what = "unsupported: the ratio of Dropout in training mode (input 1) is computed while the model runs", .fix = fix});
            if (!ratio || ratio->count() != 1 || ratio->get(0) != 0) throw Error({.what = "unsupported: Dropout in training mode", .fix = fix});
        }
    }
    c.set(0, c.dtype(0), c.shape(0));
    c.set(1, DType::boolean, c.shape(0));
}

void dropout(const Call& c) {
    if (c.wants(0)) copy_view(c.in[0], c.out[0]);
    if (!c.wants(1)) return;
    for_each_offset(c.out[1].shape, std::array{c.out[1]}, [&](const auto& o) { store_at<std::uint8_t>(c.out[1], o[0], 1); });
}

void drop_is_test(Graph& g, NodeId id) {
    if (take_integer(g, id, "is_test").value_or(0) == 0 && g.node(id).attributes.real("ratio", 0.5f) != 0)
        throw Error({.what = "unsupported: is_test = 0, Dropout in training mode", .fix = "export the model in evaluation mode"});
}

// The mask was of the data's type; nobody reads it in a trained model.
void mask_to_bool(Graph& g, NodeId id) {
    const auto& outputs = g.node(id).outputs;
    if (outputs.size() > 1 && outputs[1] != ValueId::none && g.uses(outputs[1]) > 0)
        throw Error({.what = "unsupported: the mask of a Dropout older than opset 10", .fix = "export the model with opset 12 or newer"});
}

void ratio_to_input(Graph& g, NodeId id) {
    if (!g.node(id).attributes.has("ratio")) return;
    const double ratio = g.node(id).attributes.real("ratio", 0.5f);
    g.set_input(id, 1, g.add_constant(fmt::format("{}_ratio", g.label(id)), Tensor::scalar(DType::f32, ratio)));
    g.attributes(id).erase("ratio");
}

const RegisteredOp cast_op{{.name = "Cast", .versions = {{1}, {6, type_by_number}, {9}, {13}, {19}, {21}, {23}, {24}, {25}, {28}},
                            .attributes = {{"to", AttributeKind::integer, true}, {"to", AttributeKind::text}, {"saturate", AttributeKind::integer},
                                           {"round_mode", AttributeKind::text}},
                            .infer = infer_cast, .reference = cast}};
const RegisteredOp cast_like_op{{.name = "CastLike", .versions = {{15}, {19}, {21}, {23}, {24}, {25}}, .inputs = {2, 2},
                                 .attributes = {{"saturate", AttributeKind::integer}, {"round_mode", AttributeKind::text}},
                                 .infer = infer_cast_like, .reference = cast}};
const RegisteredOp identity_op{{.name = "Identity", .versions = {{1}, {13}, {14}, {16}, {19}, {21}, {23}, {24}, {25}},
                                .infer = infer_identity, .reference = identity, .pure_view = true}};
const RegisteredOp dropout_op{{.name = "Dropout", .versions = {{1}, {6, drop_consumed_inputs}, {7, drop_is_test}, {10, mask_to_bool}, {12, ratio_to_input}, {13}, {22}},
                               .inputs = {1, 3}, .outputs = {1, 2},
                               .attributes = {{"ratio", AttributeKind::real}, {"seed", AttributeKind::integer}},
                               .infer = infer_dropout, .reference = dropout}};

}  // namespace
}  // namespace tercet
