// SPDX-License-Identifier: Apache-2.0
#include "ops/op.h"

#include "ops/expr.h"
#include "ops/extents.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <stdexcept>

namespace tercet {
namespace {

std::map<std::pair<std::string_view, std::string_view>, OpDef>& registry() {
    static std::map<std::pair<std::string_view, std::string_view>, OpDef> ops;  // (name, domain), filled before main
    return ops;
}

// How many inputs belong to the operator itself; those behind belong to its tail, or are left out.
std::size_t own_inputs(const OpDef& def, const Node& node) {
    return std::min(node.inputs.size(), static_cast<std::size_t>(def.inputs.max));
}

bool channels_last(const OpDef& def, const Attributes& a) { return def.channels && a.text("layout", "NCHW") == "NHWC"; }

Shape to_channels_first(const Shape& s) {
    Shape r = s;
    if (s.size() > 2) std::rotate(r.begin() + 1, r.end() - 1, r.end());
    return r;
}

Shape to_channels_last(const Shape& s) {
    Shape r = s;
    if (s.size() > 2) std::rotate(r.begin() + 1, r.begin() + 2, r.end());
    return r;
}

View channels_first_view(const View& v) {  // [N, spatial..., C] seen as [N, C, spatial...]
    if (v.rank() <= 2) return v;
    Dims order{0, v.rank() - 1};
    for (int i = 1; i < v.rank() - 1; ++i) order.push_back(i);
    return v.permuted(order);
}

constexpr char open_mark = '?';  // no other symbol begins with it
constexpr std::int64_t longest_list = 64;  // of which elements are followed that only the run tells

Dim open_element(ValueId v, std::size_t k) { return Dim::symbol(fmt::format("{}{}.{}", open_mark, static_cast<std::int64_t>(v), k)); }

// Elements of a value that may be a list of sizes, or one size.
std::optional<std::size_t> small_count(const Type& t) {
    if (t.shape.size() > 1) return std::nullopt;
    const auto n = t.shape.empty() ? std::optional<std::int64_t>(1) : t.shape[0].constant();
    return n && *n >= 0 && *n <= longest_list ? std::optional(static_cast<std::size_t>(*n)) : std::nullopt;
}

constexpr std::int64_t largest_evaluated = std::int64_t{1} << 32;  // elements of one value

constexpr std::string_view kind_names[] = {"an integer", "a float", "a string", "a list of integers", "a list of floats",
                                           "a list of strings", "a tensor"};

// What is stored in fewer bits than it is computed in, under `stored`.
bool is_narrow(DType t) { return t == DType::f16 || t == DType::bf16 || t == DType::i8 || t == DType::u8; }

constexpr std::array stored_types{DType::f32, DType::f16, DType::bf16, DType::i8, DType::u8};

std::optional<DType> stored_type(const Attributes& a) {
    const auto name = a.text("stored", "");
    const auto t = std::ranges::find(stored_types, name, [](DType d) { return name_of(d); });
    return t == stored_types.end() ? std::nullopt : std::optional(*t);
}

// f32 as the type that `stored` names; see op.h.
void store_as(const View& y, const float* from, std::int64_t zero) {
    if (is_float(y.dtype)) {
        for (const Dims& i : indices(y.shape)) y.set(i, *from++);
        return;
    }
    const bool is_signed = y.dtype == DType::i8;
    const auto least = static_cast<float>((is_signed ? -128 : 0) - zero), greatest = static_cast<float>((is_signed ? 127 : 255) - zero);
    for (const Dims& i : indices(y.shape)) {
        const float v = *from++, bounded = std::isnan(v) ? 0 : std::clamp(v, least, greatest);
        y.set_int(i, static_cast<std::int64_t>(std::nearbyint(bounded)) + zero);
    }
}

std::size_t stored_scratch(const View& y) { return (static_cast<std::size_t>(y.count()) * sizeof(float) + 63) / 64 * 64; }

std::vector<Inference::Known> known_inputs(const Graph& g, NodeId id) {
    std::vector<Inference::Known> in;
    for (ValueId v : g.node(id).inputs) {
        if (v == ValueId::none) in.push_back({});
        else {
            const Value& x = g.value(v);
            in.push_back({x.type, g.constant(v), x.content ? &*x.content : nullptr});
        }
    }
    return in;
}

}  // namespace

RegisteredOp::RegisteredOp(OpDef def) {
    const std::pair key{def.name, def.domain};
    if (!registry().emplace(key, std::move(def)).second) throw std::logic_error(fmt::format("operator {} is registered twice", key.first));
}

const OpDef* find_op(std::string_view name, std::string_view domain) {
    const auto it = registry().find({name, domain});
    return it == registry().end() ? nullptr : &it->second;
}

const OpDef& op_of(const Node& node) {
    if (const OpDef* def = find_op(node.op, node.domain)) return *def;
    throw Error({.what = node.domain.empty() ? fmt::format("unsupported operator {}", node.op)
                                             : fmt::format("unsupported operator {} of domain '{}'", node.op, node.domain),
                 .fix = "`tercet doctor --ops` lists those that run; export the model without it"});
}

std::vector<const OpDef*> all_ops() {
    std::vector<const OpDef*> all;
    for (const auto& [key, def] : registry()) all.push_back(&def);
    return all;
}

void check_schema(const OpDef& def, const Node& node) {
    std::size_t given = node.attributes.has("tail") ? own_inputs(def, node) : node.inputs.size();
    while (given > 0 && node.inputs[given - 1] == ValueId::none) --given;
    if (given < static_cast<std::size_t>(def.inputs.min) || given > static_cast<std::size_t>(def.inputs.max))
        throw Error({.what = fmt::format("has {} inputs, takes {}", given,
                                         def.inputs.min == def.inputs.max ? fmt::format("{}", def.inputs.min)
                                         : def.inputs.max == unlimited    ? fmt::format("{} or more", def.inputs.min)
                                                                          : fmt::format("{} to {}", def.inputs.min, def.inputs.max)),
                     .fix = "check the model with onnx.checker"});
    for (std::size_t i = 0; i < static_cast<std::size_t>(def.inputs.min); ++i)
        if (node.inputs[i] == ValueId::none) throw Error({.what = fmt::format("input {} is required but left out", i), .fix = "check the model with onnx.checker"});
    if (node.outputs.empty() || node.outputs.size() > static_cast<std::size_t>(def.outputs.max))
        throw Error({.what = fmt::format("has {} outputs, gives at most {}", node.outputs.size(), def.outputs.max), .fix = "check the model with onnx.checker"});
    if (node.outputs[0] == ValueId::none && def.outputs.max != unlimited && def.outputs.min > 0)  // a Split may lack any
        throw Error({.what = "its first output is left out", .fix = "check the model with onnx.checker"});
    for (const auto& [name, value] : node.attributes) {
        if (name == "tail" || (name == "layout" && def.channels)) {
            if (!std::holds_alternative<std::string>(value)) throw Error({.what = fmt::format("attribute '{}' is not a string", name)});
            continue;
        }
        if (name == "stored" && def.stores) {
            if (!stored_type(node.attributes)) throw Error({.what = "attribute 'stored' names no type that is stored", .fix = "it is f32, f16, bf16, i8 or u8"});
            continue;
        }
        if (name == "stored_zero" && def.stores) {
            const auto* zero = std::get_if<std::int64_t>(&value);
            if (!zero || *zero < -128 || *zero > 255) throw Error({.what = "attribute 'stored_zero' is no zero point of 8 bits"});
            continue;
        }
        const auto it = std::ranges::find(def.attributes, std::string_view(name), &AttributeDef::name);
        if (it == def.attributes.end())
            throw Error({.what = fmt::format("unknown attribute '{}'", name), .fix = "check the model with onnx.checker"});
        if (value.index() != static_cast<std::size_t>(it->kind))
            throw Error({.what = fmt::format("attribute '{}' is {}, should be {}", name, kind_names[value.index()], kind_names[static_cast<std::size_t>(it->kind)]),
                         .fix = "check the model with onnx.checker"});
    }
    for (const AttributeDef& a : def.attributes)
        if (a.required && !node.attributes.has(a.name))
            throw Error({.what = fmt::format("attribute '{}' is missing", a.name), .fix = "check the model with onnx.checker"});
}

Inference::Inference(const Node& n, std::span<const Known> known) : node(n), in(known), out(n.outputs.size()), contents(n.outputs.size()) {}

std::optional<std::vector<Dim>> Inference::content(std::size_t i) const {
    const Known& x = in[i];
    if (x.constant) {
        if (!is_integer(x.type.dtype)) return std::nullopt;
        std::vector<Dim> dims;
        for (std::int64_t v : x.constant->to_ints()) dims.emplace_back(v);
        return dims;
    }
    if (!is_integer(x.type.dtype)) return std::nullopt;
    if (x.content && x.content->size() != 1) return *x.content;
    const auto count = small_count(x.type);
    if (!count) return std::nullopt;
    if (x.content) return std::vector(*count, x.content->front());
    if (x.type.dtype != DType::i32 && x.type.dtype != DType::i64) return std::nullopt;
    std::vector<Dim> dims;
    for (std::size_t k = 0; k < *count; ++k) dims.push_back(open_input(i, k));
    return dims;
}

Dim Inference::open_input(std::size_t i, std::size_t element) const { return open_element(node.inputs[i], element); }
Dim Inference::open_output(std::size_t i, std::size_t element) const { return open_element(node.outputs[i], element); }

std::optional<Dim> Inference::uniform(std::size_t i) const {
    const Known& x = in[i];
    if (x.constant) return whole_number(*x.constant);
    if (!x.content || x.content->empty() || is_open(x.content->front())) return std::nullopt;
    return std::ranges::count(*x.content, x.content->front()) == std::ssize(*x.content) ? std::optional(x.content->front()) : std::nullopt;
}

std::optional<std::vector<std::int64_t>> Inference::numbers(std::size_t i) const {
    if (!is_integer(dtype(i))) throw Error({.what = fmt::format("input {} is of type {}, should be i64 or i32", i, name_of(dtype(i))), .fix = "check the model with onnx.checker"});
    const auto dims = content(i);
    if (!dims) return std::nullopt;
    std::vector<std::int64_t> values;
    for (const Dim& d : *dims) {
        const auto c = d.constant();
        if (!c) return std::nullopt;
        values.push_back(*c);
    }
    return values;
}

std::vector<std::int64_t> Inference::integers(std::size_t i, std::string_view what) const {
    if (auto values = numbers(i)) return *values;
    throw Error({.what = fmt::format("unsupported: {} (input {}) is computed while the model runs", what, i),
                 .fix = "make it a constant in the export"});
}

Dim Inference::unknown(std::string_view what, std::optional<Dim> bound) {
    std::int64_t id = 0;
    for (ValueId v : node.outputs)
        if (v != ValueId::none) id = static_cast<std::int64_t>(v);
    if (bound && is_open(*bound)) bound.reset();
    unknowns.push_back({fmt::format("{}?{}", what, id), std::move(bound)});
    return Dim::symbol(unknowns.back().symbol);
}

void Inference::examine_when_run() { unknown("examined", Dim(0)); }

void Inference::set(std::size_t i, DType dtype, Shape shape) {
    if (i >= out.size()) return;
    if (shape.size() > static_cast<std::size_t>(max_rank))
        throw Error({.what = fmt::format("unsupported: output {} has rank {}, at most {} is supported", i, shape.size(), max_rank),
                     .fix = "reshape it in the export"});
    for (std::size_t k = 0; k < shape.size(); ++k) {
        Dim& d = shape[k];
        if (const auto c = d.constant(); c && *c < 0)
            throw Error({.what = fmt::format("output {} would have the shape [{}]", i, text_of(shape)), .fix = "compare attributes and input shapes"});
        if (!is_open(d)) continue;
        auto at = std::ranges::find(closed_, d, &std::pair<Dim, Dim>::first);
        if (at == closed_.end()) at = closed_.insert(at, {d, unknown(i == 0 ? fmt::format("axis{}", k) : fmt::format("axis{}_of_{}", k, i))});
        d = at->second;
    }
    out[i] = {dtype, std::move(shape)};
}

void Inference::set_content(std::size_t i, std::vector<Dim> elements) {
    if (i >= contents.size()) return;
    if (elements.size() == 1) {  // a few are listed
        std::int64_t count = 1;
        for (const Dim& d : out[i].shape) count = count < 0 || !d.is_constant() || *d.constant() > longest_list ? -1 : count * *d.constant();
        if (count >= 0 && count <= longest_list) elements.resize(static_cast<std::size_t>(count), Dim(elements[0]));
    }
    contents[i] = std::move(elements);
}

bool is_open(const Dim& d) {
    if (d.is_constant()) return false;
    std::vector<std::string> names;
    d.collect_symbols(names);
    return std::ranges::any_of(names, [](const std::string& n) { return n.starts_with(open_mark); });
}

int checked_axis(std::int64_t axis, int rank) {
    if (axis < -rank || axis >= rank)
        throw Error({.what = fmt::format("axis {} of a value of rank {}", axis, rank), .fix = fmt::format("it must lie in [{}, {}]", -rank, rank - 1)});
    return static_cast<int>(axis < 0 ? axis + rank : axis);
}

Shape broadcast(const Shape& a, const Shape& b) {
    const Shape& longer = a.size() >= b.size() ? a : b;
    const Shape& shorter = a.size() >= b.size() ? b : a;
    Shape r = longer;
    for (std::size_t i = 0; i < shorter.size(); ++i) {
        Dim& x = r[longer.size() - shorter.size() + i];
        const Dim& y = shorter[i];
        if (x == y || y == Dim(1)) continue;
        if (x == Dim(1)) x = y;
        else if (x.is_constant() && y.is_constant())
            throw Error({.what = fmt::format("shapes [{}] and [{}] cannot be broadcast together", text_of(a), text_of(b)), .fix = "compare the inputs' shapes"});
        else if (x.is_constant() || y.is_constant()) x = x.is_constant() ? x : y;
        else x = max(x, y);
    }
    return r;
}

Inference infer(const Node& node, std::span<const Inference::Known> in) {
    const OpDef& def = op_of(node);
    if (!def.infer) throw Error({.what = fmt::format("operator {} of domain '{}' is for files only", node.op, node.domain), .fix = "import the model that has it"});
    check_schema(def, node);
    const std::size_t own = own_inputs(def, node);
    std::vector<Inference::Known> inputs(in.begin(), in.begin() + static_cast<std::ptrdiff_t>(std::min(own, in.size())));
    for (std::size_t i = 0; i < static_cast<std::size_t>(def.inputs.min); ++i)
        if (!inputs[i].type) throw Error({.what = fmt::format("input {} has no type", i)});
    const bool last = channels_last(def, node.attributes);
    if (last) inputs[0].type.shape = to_channels_first(inputs[0].type.shape);
    const auto stored = stored_type(node.attributes);
    for (Inference::Known& x : inputs)
        if (stored && is_narrow(x.type.dtype) && !(def.takes_bytes && is_integer(x.type.dtype))) x = {{DType::f32, x.type.shape}};
    Inference inner(node, inputs);
    def.infer(inner);
    Inference result(node, in);
    result.out = std::move(inner.out);
    result.contents = std::move(inner.contents);
    result.unknowns = std::move(inner.unknowns);
    if (last) result.out[0].shape = to_channels_last(result.out[0].shape);
    if (const auto tail = node.attributes.text("tail", ""); !tail.empty()) {
        const Expr expr = Expr::parse(tail);
        if (static_cast<std::size_t>(expr.arity()) > in.size() - own + 1)
            throw Error({.what = fmt::format("its tail '{}' reads {} values, has {}", tail, expr.arity(), in.size() - own + 1)});
        if (in.size() - own + 1 > static_cast<std::size_t>(Expr::max_inputs))
            throw Error({.what = fmt::format("its tail has {} inputs, at most {} are possible", in.size() - own, Expr::max_inputs - 1)});
        for (std::size_t i = own; i < in.size(); ++i)
            if (!in[i].type || broadcast(result.out[0].shape, in[i].type.shape) != result.out[0].shape)
                throw Error({.what = fmt::format("its tail's input {} of shape [{}] does not fit [{}]", i, text_of(in[i].type.shape), text_of(result.out[0].shape))});
    }
    if (stored) {
        if (def.measure || !result.unknowns.empty() || result.out[0].dtype != DType::f32)
            throw Error({.what = fmt::format("a result of type {} cannot be stored as {}", name_of(result.out[0].dtype), name_of(*stored))});
        result.out[0].dtype = *stored;
        result.contents[0].reset();
    }
    return result;
}

void infer_types(Graph& g, NodeId id) {
    const Node& node = g.node(id);
    const auto in = known_inputs(g, id);
    Inference r = infer(node, in);
    for (std::size_t i = 0; i < node.outputs.size(); ++i) {
        if (node.outputs[i] == ValueId::none) continue;
        if (!r.out[i]) throw std::logic_error(fmt::format("{}: inference left output {} without a type", g.where(id), i));
        g.set_type(node.outputs[i], std::move(r.out[i]));
        if (r.contents[i]) g.set_content(node.outputs[i], std::move(*r.contents[i]));
    }
}

void infer_types(Graph& g) {
    for (NodeId id : g.order()) at([&] { return g.where(id); }, [&] { infer_types(g, id); });
}

ValueId emit(Graph& g, Node node, std::string_view output_name, NodeId before, std::size_t outputs) {
    for (std::size_t i = 0; i < outputs; ++i) node.outputs.push_back(g.add_value(output_name));
    const NodeId id = before == NodeId::none ? g.add_node(std::move(node)) : g.insert_before(before, std::move(node));
    infer_types(g, id);
    return g.output(id);
}

void run_reference(const Call& given) {
    // What is stored in another type is computed in scratch memory first.
    Call call = given;
    std::array<View, 8> outputs{};  // operators of f32 results have few outputs
    const bool stored = given.attributes().has("stored");
    if (stored) {
        std::ranges::copy(given.out, outputs.begin());
        outputs[0] = View(DType::f32, given.out[0].shape, given.scratch.data());
        call.out = std::span(outputs).first(given.out.size());
        call.scratch = given.scratch.subspan(stored_scratch(given.out[0]));
    }
    const OpDef& def = op_of(call.node);
    const std::size_t own = std::min(own_inputs(def, call.node), call.in.size());
    if (!channels_last(def, call.attributes())) {
        def.reference({call.node, call.in.first(own), call.out, call.scratch});
    } else {
        std::array<View, 8> in{};  // operators with channels have few inputs
        std::ranges::copy(call.in.first(own), in.begin());
        in[0] = channels_first_view(in[0]);
        const View out = channels_first_view(call.out[0]);
        def.reference({call.node, std::span(in).first(own), {&out, 1}, call.scratch});
    }
    if (const auto* tail = call.attributes().find("tail")) {
        std::array<View, Expr::max_inputs> x{};
        x[0] = call.out[0];
        const auto extra = call.in.subspan(own);
        for (std::size_t i = 0; i < extra.size(); ++i) x[i + 1] = extra[i];
        Expr::parse(std::get<std::string>(*tail)).evaluate(std::span(x).first(extra.size() + 1), call.out[0], stored);
    }
    if (stored) store_as(given.out[0], reinterpret_cast<const float*>(given.scratch.data()), given.attributes().integer("stored_zero", 0));
}

std::size_t reference_scratch_bytes(const Call& call) {
    const OpDef& def = op_of(call.node);
    const std::size_t own = def.scratch_bytes ? def.scratch_bytes(call) : 0;
    return call.attributes().has("stored") && !call.out.empty() ? stored_scratch(call.out[0]) + own : own;
}

bool decides(const Graph& g, NodeId id) { return !infer(g.node(id), known_inputs(g, id)).unknowns.empty(); }

std::vector<std::int64_t> measure(const Node& node, std::span<const Inference::Known> in, std::span<const Type> out, std::span<const Unknown> unknowns, const Call& call) {
    std::vector<std::int64_t> extents(unknowns.size());
    if (const OpDef& def = op_of(node); def.measure) {
        def.measure(call, extents);
        return extents;
    }
    const Inference known = infer(node, in);
    for (std::size_t i = 0; i < out.size(); ++i) {
        if (!out[i]) continue;
        const Shape &expected = out[i].shape, &shape = known.out[i].shape;
        bool fits = shape.size() == expected.size();
        for (std::size_t d = 0; fits && d < shape.size(); ++d) {
            const auto n = shape[d].constant();
            if (!n) throw Error({.what = fmt::format("its data leave the extent {} of output {} open", shape[d].text(), i), .fix = "check the types of the inputs that decide it"});
            const auto u = std::ranges::find(unknowns, expected[d], [](const Unknown& x) { return Dim::symbol(x.symbol); });
            if (u != unknowns.end()) extents[static_cast<std::size_t>(u - unknowns.begin())] = *n;
            else fits = !expected[d].is_constant() || expected[d] == shape[d];
        }
        if (!fits)
            throw Error({.what = fmt::format("its data gives output {} the shape [{}], it should be [{}]", i, text_of(shape), text_of(expected)),
                         .fix = "check the values that decide it"});
    }
    return extents;
}

std::vector<Tensor> evaluate(const Graph& graph, std::span<const Tensor> inputs) {
    Graph g = graph;
    std::vector<Tensor> values(g.value_count());
    if (inputs.size() != g.inputs().size()) throw std::logic_error("evaluate: one tensor per input");
    for (std::size_t i = 0; i < inputs.size(); ++i) values[static_cast<std::size_t>(g.inputs()[i])] = inputs[i];
    for (std::size_t i = 0; i < g.value_count(); ++i)
        if (const Tensor* t = g.constant(static_cast<ValueId>(i))) values[i] = *t;
    for (NodeId id : g.order()) {
        at([&] { return g.where(id); }, [&] {
            const Node& node = g.node(id);
            std::vector<Inference::Known> known;
            std::vector<View> in, out;
            for (ValueId v : node.inputs) {
                const Tensor none{};
                const Tensor& t = v == ValueId::none ? none : values[static_cast<std::size_t>(v)];
                known.push_back({{t.dtype(), Shape(t.shape().begin(), t.shape().end())}, t ? &t : nullptr, nullptr});
                in.push_back(t ? t.view() : View());
            }
            const Inference types = infer(node, known);
            Call call{node, in, {}, {}};
            Tensor scratch;
            const auto make_scratch = [&] {
                scratch = Tensor::zeros(DType::u8, {static_cast<std::int64_t>(reference_scratch_bytes(call))});
                call.scratch = {scratch.writable().data, scratch.bytes()};
            };
            Symbols decided;
            if (!types.unknowns.empty()) {
                make_scratch();
                const std::vector<std::int64_t> extents = measure(node, known, types.out, types.unknowns, call);
                for (std::size_t i = 0; i < extents.size(); ++i) decided[types.unknowns[i].symbol] = extents[i];
            }
            for (std::size_t i = 0; i < node.outputs.size(); ++i) {
                out.emplace_back();
                if (node.outputs[i] == ValueId::none) continue;
                Dims shape;
                std::int64_t count = 1;
                for (const Dim& d : types.out[i].shape) {
                    shape.push_back(d.evaluate(decided));
                    if (__builtin_mul_overflow(count, shape.back(), &count) || count > largest_evaluated)
                        throw Error({.what = fmt::format("the shape [{}] is too large to compute", text_of(types.out[i].shape)), .fix = "check the model's shapes"});
                }
                Tensor t = Tensor::zeros(types.out[i].dtype, shape);
                out.back() = t.writable();
                values[static_cast<std::size_t>(node.outputs[i])] = std::move(t);
            }
            call.out = out;
            if (types.unknowns.empty()) make_scratch();
            run_reference(call);
        });
    }
    std::vector<Tensor> results;
    for (const GraphOutput& o : g.outputs()) results.push_back(values[static_cast<std::size_t>(o.value)]);
    return results;
}

}  // namespace tercet
