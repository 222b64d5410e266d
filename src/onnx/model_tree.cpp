// SPDX-License-Identifier: Apache-2.0
#include "onnx/model_tree.h"

#include "onnx/sort_nodes.h"

#include <protozero/pbf_writer.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace tercet::onnx {
namespace {

using protozero::pbf_writer;

// A message's fields: those that `take` knows it reads and returns true; the others are appended to `others` as they stand.
template <class F>
void read_fields(std::string_view bytes, std::string& others, F&& take) {
    Message m(bytes);
    for (std::size_t start = 0; m.next(); start = bytes.size() - m.left())
        if (!take(m)) {
            m.skip();
            others += bytes.substr(start, bytes.size() - m.left() - start);
        }
}

TreeGraph read_graph(std::string_view bytes, Source& source, int depth);

// Whether a TensorProto keeps its elements in another file.
bool is_external(std::string_view tensor) {
    for (Message m(tensor); m.next();) {
        if (m.field() == tensor_field::data_location) {
            if (m.integer() == 1) return true;
        } else {
            m.skip();
        }
    }
    return false;
}

std::string write_tensor(const TreeTensor& t) {
    std::string bytes;
    pbf_writer w(bytes);
    for (std::int64_t d : t.changed.shape()) w.add_int64(tensor_field::dims, d);
    w.add_int32(tensor_field::data_type, static_cast<std::int32_t>(t.changed.dtype()));
    w.add_string(tensor_field::name, t.name);
    w.add_bytes(tensor_field::raw_data, reinterpret_cast<const char*>(t.changed.data()), t.changed.bytes());
    return bytes;
}

TreeAttribute read_attribute(std::string_view bytes, Source& source, int depth) {
    TreeAttribute a;
    read_fields(bytes, a.message, [&](Message& m) {
        switch (m.field()) {
            case attribute_field::name: a.name = m.text(); return true;
            case attribute_field::g: a.body = std::make_shared<TreeGraph>(read_graph(m.bytes(), source, depth + 1)); return true;
            case attribute_field::t: {
                const std::string_view tensor = m.bytes();
                const bool external = is_external(tensor);
                auto named = external ? read_tensor(Message(tensor), source) : NamedTensor{};
                pbf_writer(a.message).add_message(attribute_field::t, external ? write_tensor({named.name, tensor, named.tensor}) : std::string(tensor));
                return true;
            }
            default: return false;
        }
    });
    pbf_writer(a.message).add_string(attribute_field::name, a.name);
    return a;
}

TreeNode read_node(std::string_view bytes, Source& source, int depth) {
    TreeNode n;
    read_fields(bytes, n.others, [&](Message& m) {
        switch (m.field()) {
            case node_field::input: n.inputs.emplace_back(m.text()); return true;
            case node_field::output: n.outputs.emplace_back(m.text()); return true;
            case node_field::name: n.name = m.text(); return true;
            case node_field::op_type: n.op = m.text(); return true;
            case node_field::domain: n.domain = domain_name(m.text()); return true;
            case node_field::attribute: n.attributes.push_back(read_attribute(m.bytes(), source, depth)); return true;
            default: return false;
        }
    });
    return n;
}

TreeValue read_value(std::string_view bytes) {
    TreeValue v{.name = {}, .message = std::string(bytes)};
    for (Message m(bytes); m.next();) {
        if (m.field() == value_field::name) v.name = m.text();
        else m.skip();
    }
    return v;
}

TreeTensor read_initializer(std::string_view bytes, Source& source) {
    TreeTensor t{.name = {}, .message = bytes};
    for (Message m(bytes); m.next();) {
        if (m.field() == tensor_field::name) t.name = m.text();
        else m.skip();
    }
    if (is_external(bytes)) t.changed = read_tensor(Message(bytes), source).tensor;
    return t;
}

TreeGraph read_graph(std::string_view bytes, Source& source, int depth) {
    if (depth > deepest_nesting)
        throw Error({.what = fmt::format("unsupported: subgraphs stand in each other more than {} deep", deepest_nesting),
                     .fix = "export the model without control flow, for fixed arguments"});
    TreeGraph g;
    read_fields(bytes, g.others, [&](Message& m) {
        switch (m.field()) {
            case graph_field::node: g.nodes.push_back(read_node(m.bytes(), source, depth)); return true;
            case graph_field::initializer: g.initializers.push_back(read_initializer(m.bytes(), source)); return true;
            case graph_field::input: g.inputs.push_back(read_value(m.bytes())); return true;
            case graph_field::output: g.outputs.push_back(read_value(m.bytes())); return true;
            case graph_field::value_info: g.values.push_back(read_value(m.bytes())); return true;
            default: return false;
        }
    });
    return g;
}

std::pair<std::string, std::int64_t> read_opset(Message m) {
    std::pair<std::string, std::int64_t> set;
    while (m.next()) {
        if (m.field() == opset_field::domain) set.first = domain_name(m.text());
        else if (m.field() == opset_field::version) set.second = m.integer();
        else m.skip();
    }
    return set;
}

TreeFunction read_function(std::string_view bytes, Source& source) {
    TreeFunction f;
    read_fields(bytes, f.others, [&](Message& m) {
        switch (m.field()) {
            case function_field::name: f.name = m.text(); return true;
            case function_field::node: f.nodes.push_back(read_node(m.bytes(), source, 0)); return true;
            case function_field::opset_import: f.opsets.push_back(read_opset(m.message())); return true;
            default: return false;
        }
    });
    return f;
}

// Writes ValueInfoProto > TypeProto > Tensor with another element type.
std::string with_element(std::string_view tensor_type, DType dtype) {
    std::string bytes;
    read_fields(tensor_type, bytes, [](Message& m) {
        const bool is_element = m.field() == tensor_type_field::element;
        if (is_element) m.skip();
        return is_element;
    });
    pbf_writer(bytes).add_int32(tensor_type_field::element, static_cast<std::int32_t>(dtype));
    return bytes;
}

void add_captured(const TreeGraph& g, std::set<std::string>& names) {
    std::set<std::string> read, own;
    for (const TreeValue& o : g.outputs) read.insert(o.name);
    for (const TreeNode& n : g.nodes) {
        read.insert(n.inputs.begin(), n.inputs.end());
        read.merge(captured_names(n));
        own.insert(n.outputs.begin(), n.outputs.end());
    }
    for (const TreeValue& i : g.inputs) own.insert(i.name);
    for (const TreeTensor& t : g.initializers) own.insert(t.name);
    for (const std::string& name : read)
        if (!name.empty() && !own.contains(name)) names.insert(name);
}

void add_names(const std::vector<TreeNode>& nodes, std::set<std::string, std::less<>>& names);

void add_names(const TreeGraph& g, std::set<std::string, std::less<>>& names) {
    add_names(g.nodes, names);
    for (const auto* values : {&g.inputs, &g.outputs, &g.values})
        for (const TreeValue& v : *values) names.insert(v.name);
    for (const TreeTensor& t : g.initializers) names.insert(t.name);
}

void add_names(const std::vector<TreeNode>& nodes, std::set<std::string, std::less<>>& names) {
    for (const TreeNode& n : nodes) {
        names.insert(n.name);
        names.insert(n.inputs.begin(), n.inputs.end());
        names.insert(n.outputs.begin(), n.outputs.end());
        for (const TreeAttribute& a : n.attributes)
            if (a.body) add_names(*a.body, names);
    }
}

}  // namespace

std::string documentation_of(const TreeTensor& t) {
    std::string others;
    read_fields(t.message, others, [](Message& m) {
        const bool known = m.field() <= tensor_field::uint64_data || m.field() == tensor_field::external_data || m.field() == tensor_field::data_location;
        if (known) m.skip();
        return known;
    });
    return others;
}

std::string TreeNode::label() const {
    if (!name.empty()) return name;
    const auto named = std::ranges::find_if(outputs, [](const std::string& o) { return !o.empty(); });
    return named != outputs.end() ? *named : op;
}

const TreeAttribute* TreeNode::find(std::string_view attribute) const {
    const auto found = std::ranges::find(attributes, attribute, &TreeAttribute::name);
    return found != attributes.end() ? &*found : nullptr;
}

std::int64_t ModelTree::opset() const {
    const auto own = std::ranges::find(opsets, std::string(), &std::pair<std::string, std::int64_t>::first);
    return own != opsets.end() ? own->second : 0;
}

ModelTree read_tree(std::string_view bytes, Source source) {
    ModelTree t{.graph = {}, .source = std::move(source)};
    std::string_view graph;
    read_fields(bytes, t.others, [&](Message& m) {
        switch (m.field()) {
            case model_field::ir_version: t.ir_version = m.integer(); return true;
            case model_field::opset_import: t.opsets.push_back(read_opset(m.message())); return true;
            case model_field::graph: graph = m.bytes(); return true;
            case model_field::functions: t.functions.push_back(read_function(m.bytes(), t.source)); return true;
            default: return false;
        }
    });
    t.graph = read_graph(graph, t.source, 0);
    return t;
}

Tensor elements_of(const TreeTensor& t, Source& source) {
    return t.changed ? t.changed : read_tensor(Message(t.message), source).tensor;
}

bool is_constant(const TreeNode& n) { return n.op == "Constant" && n.domain.empty() && n.outputs.size() == 1; }

Tensor constant_of(const TreeNode& n, Source& source) {
    const FileNode file = file_node_of(n, source, {});
    if (const Tensor* t = file.attributes.tensor("value")) return *t;
    if (n.find("value_float")) return Tensor::scalar(DType::f32, file.attributes.real("value_float", 0));
    if (n.find("value_floats")) {
        const auto values = file.attributes.reals("value_floats");
        return Tensor::of<float>(DType::f32, {static_cast<std::int64_t>(values.size())}, values);
    }
    return {};
}

FileNode file_node_of(const TreeNode& n, Source& source, const OperatorSets& sets) {
    std::string bytes;
    pbf_writer w(bytes);
    for (const std::string& i : n.inputs) w.add_string(node_field::input, i);
    for (const std::string& o : n.outputs) w.add_string(node_field::output, o);
    w.add_string(node_field::name, n.name);
    w.add_string(node_field::op_type, n.op);
    w.add_string(node_field::domain, n.domain);
    for (const TreeAttribute& a : n.attributes)
        if (!a.body) w.add_message(node_field::attribute, a.message);
    const auto owner = std::make_shared<const std::string>(std::move(bytes));  // tensors of attributes lie in it
    Source own{owner, source.external};
    return read_node(Message(*owner), own, sets);
}

TreeAttribute attribute_of(std::string_view name, const Attribute& value) {
    TreeAttribute a{.name = std::string(name), .message = {}};
    pbf_writer w(a.message);
    w.add_string(attribute_field::name, a.name);
    std::int64_t type = attribute_type::undefined;
    std::visit([&]<class T>(const T& v) {
        if constexpr (std::is_same_v<T, std::int64_t>) w.add_int64(attribute_field::i, v), type = attribute_type::integer;
        else if constexpr (std::is_same_v<T, float>) w.add_float(attribute_field::f, v), type = attribute_type::real;
        else if constexpr (std::is_same_v<T, std::string>) w.add_bytes(attribute_field::s, v), type = attribute_type::text;
        else if constexpr (std::is_same_v<T, Tensor>) w.add_message(attribute_field::t, write_tensor({{}, {}, v})), type = attribute_type::tensor;
        else if constexpr (std::is_same_v<T, std::vector<std::int64_t>>) {
            for (std::int64_t i : v) w.add_int64(attribute_field::ints, i);
            type = attribute_type::integers;
        } else if constexpr (std::is_same_v<T, std::vector<float>>) {
            for (float f : v) w.add_float(attribute_field::floats, f);
            type = attribute_type::reals;
        } else {
            for (const std::string& s : v) w.add_bytes(attribute_field::strings, s);
            type = attribute_type::texts;
        }
    }, value);
    w.add_int64(attribute_field::type, type);
    return a;
}

DType declared_type(const TreeValue& v) {
    std::int64_t element = 0;
    for (Message m(v.message); m.next();) {
        if (m.field() != value_field::type) {
            m.skip();
            continue;
        }
        for (Message type = m.message(); type.next();) {
            if (type.field() != type_field::tensor) {
                type.skip();
                continue;
            }
            for (Message tensor = type.message(); tensor.next();) {
                if (tensor.field() == tensor_type_field::element) element = tensor.integer();
                else tensor.skip();
            }
        }
    }
    return is_dtype(element) ? static_cast<DType>(element) : DType::undefined;
}

TreeValue with_type(const TreeValue& v, DType dtype) {
    TreeValue changed{.name = v.name, .message = {}};
    read_fields(v.message, changed.message, [&](Message& m) {
        if (m.field() != value_field::type) return false;
        std::string type;
        read_fields(m.bytes(), type, [&](Message& t) {
            if (t.field() != type_field::tensor) return false;
            pbf_writer(type).add_message(type_field::tensor, with_element(t.bytes(), dtype));
            return true;
        });
        pbf_writer(changed.message).add_message(value_field::type, type);
        return true;
    });
    return changed;
}

std::set<std::string> captured_names(const TreeNode& n) {
    std::set<std::string> names;
    for (const TreeAttribute& a : n.attributes)
        if (a.body) add_captured(*a.body, names);
    return names;
}

std::set<std::string, std::less<>> all_names(const ModelTree& t) {
    std::set<std::string, std::less<>> names;
    add_names(t.graph, names);
    for (const TreeFunction& f : t.functions) add_names(f.nodes, names);
    return names;
}

void sort_nodes(TreeGraph& g) {
    std::vector<FileNode> bare;
    for (const TreeNode& n : g.nodes) {
        bare.push_back({.name = n.name, .op = n.op, .inputs = n.inputs, .outputs = n.outputs});
        for (const std::string& name : captured_names(n)) bare.back().inputs.push_back(name);
    }
    std::vector<TreeNode> sorted;
    for (std::size_t i : sort_nodes(bare)) sorted.push_back(std::move(g.nodes[i]));
    g.nodes = std::move(sorted);
}

}  // namespace tercet::onnx
