// SPDX-License-Identifier: Apache-2.0
// ModelTree -> file. A message that holds others is written into its parent's bytes in place, so that weights are copied once.
#include "onnx/model_tree.h"
#include "system/output_file.h"

#include <protozero/pbf_writer.hpp>

#include <fmt/format.h>

namespace tercet::onnx {
namespace {

using protozero::pbf_writer;

constexpr std::size_t alignment = 64;
constexpr std::uint64_t least_external_bytes = 1024;  // smaller ones are mostly shapes and axes, which readers want at hand

// Elements that lie in a file beside the model.
struct DataFile {
    DataFile(std::string file_name, const std::filesystem::path& place) : name(std::move(file_name)), file(place) {}

    std::string name;
    OutputFile file;

    std::uint64_t add(const Tensor& t) {
        const std::string padding((alignment - file.position() % alignment) % alignment, '\0');
        file.write(padding);
        const std::uint64_t offset = file.position();
        file.write(std::span(t.data(), t.bytes()));
        return offset;
    }
};

void write_entry(pbf_writer& w, std::string_view key, const std::string& value) {
    pbf_writer entry(w, tensor_field::external_data);
    entry.add_string(entry_field::key, std::string(key));
    entry.add_string(entry_field::value, value);
}

std::uint64_t bytes_in(const TreeTensor& t) { return t.changed ? t.changed.bytes() : t.message.size(); }

class Writer {
public:
    Writer(ModelTree& tree, DataFile* data) : tree_(tree), data_(data) {}

    std::string model() {
        pbf_writer w(bytes_);
        w.add_int64(model_field::ir_version, tree_.ir_version);
        for (const auto& [domain, version] : tree_.opsets) opset(w, model_field::opset_import, domain, version);
        bytes_ += tree_.others;
        graph(w, model_field::graph, tree_.graph);
        for (const TreeFunction& f : tree_.functions) {
            pbf_writer function(w, model_field::functions);
            function.add_string(function_field::name, f.name);
            for (const TreeNode& n : f.nodes) node(function, function_field::node, n);
            for (const auto& [domain, version] : f.opsets) opset(function, function_field::opset_import, domain, version);
            bytes_ += f.others;
        }
        return std::move(bytes_);
    }

private:
    static void opset(pbf_writer& w, Field field, const std::string& domain, std::int64_t version) {
        pbf_writer set(w, field);
        set.add_string(opset_field::domain, domain);
        set.add_int64(opset_field::version, version);
    }

    void graph(pbf_writer& parent, Field field, const TreeGraph& g) {
        pbf_writer w(parent, field);
        for (const TreeNode& n : g.nodes) node(w, graph_field::node, n);
        for (const TreeTensor& t : g.initializers) tensor(w, t);
        for (const TreeValue& v : g.inputs) w.add_message(graph_field::input, v.message);
        for (const TreeValue& v : g.outputs) w.add_message(graph_field::output, v.message);
        for (const TreeValue& v : g.values) w.add_message(graph_field::value_info, v.message);
        bytes_ += g.others;
    }

    void node(pbf_writer& parent, Field field, const TreeNode& n) {
        pbf_writer w(parent, field);
        for (const std::string& i : n.inputs) w.add_string(node_field::input, i);
        for (const std::string& o : n.outputs) w.add_string(node_field::output, o);
        if (!n.name.empty()) w.add_string(node_field::name, n.name);
        w.add_string(node_field::op_type, n.op);
        for (const TreeAttribute& a : n.attributes) {
            pbf_writer attribute(w, node_field::attribute);
            bytes_ += a.message;
            if (a.body) graph(attribute, attribute_field::g, *a.body);
        }
        if (!n.domain.empty()) w.add_string(node_field::domain, n.domain);
        bytes_ += n.others;
    }

    void tensor(pbf_writer& parent, const TreeTensor& t) {
        const bool external = data_ && bytes_in(t) >= least_external_bytes;
        if (!t.changed && !external) return parent.add_message(graph_field::initializer, t.message.data(), t.message.size());
        const Tensor x = elements_of(t, tree_.source);
        if (x.dtype() == DType::string) return parent.add_message(graph_field::initializer, t.message.data(), t.message.size());
        pbf_writer w(parent, graph_field::initializer);
        for (std::int64_t d : x.shape()) w.add_int64(tensor_field::dims, d);
        w.add_int32(tensor_field::data_type, static_cast<std::int32_t>(x.dtype()));
        w.add_string(tensor_field::name, t.name);
        bytes_ += documentation_of(t);
        if (!external) return w.add_bytes(tensor_field::raw_data, reinterpret_cast<const char*>(x.data()), x.bytes());
        write_entry(w, "location", data_->name);
        write_entry(w, "offset", std::to_string(data_->add(x)));
        write_entry(w, "length", std::to_string(x.bytes()));
        w.add_int32(tensor_field::data_location, 1);
    }

    ModelTree& tree_;
    DataFile* data_;
    std::string bytes_;  // of the model; a writer of an inner message appends to them, and so do fields that are encoded already
};

std::uint64_t tensor_bytes(const TreeGraph& g) {
    std::uint64_t bytes = 0;
    for (const TreeTensor& t : g.initializers) bytes += bytes_in(t);
    for (const TreeNode& n : g.nodes)
        for (const TreeAttribute& a : n.attributes) bytes += a.message.size() + (a.body ? tensor_bytes(*a.body) : 0);
    return bytes;
}

}  // namespace

void write_tree(const std::filesystem::path& file, ModelTree& tree, const WriteSettings& settings) {
    std::optional<DataFile> data;
    if (tensor_bytes(tree.graph) > settings.most_bytes) {
        std::filesystem::path beside = file;
        beside += ".data";
        data.emplace(beside.filename().string(), beside);
    }
    const std::string bytes = Writer(tree, data ? &*data : nullptr).model();
    if (bytes.size() > settings.most_bytes)
        throw Error({.what = fmt::format("comes to {} bytes without its weights, more than a model file can hold", bytes.size()), .where = file.string(),
                     .fix = "make constants of nodes initializers: onnxsim, or onnxruntime's basic optimizations"});
    OutputFile out(file);
    out.write(bytes);
    if (data) data->file.commit();
    out.commit();
}

}  // namespace tercet::onnx
