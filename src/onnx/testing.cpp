// SPDX-License-Identifier: Apache-2.0
#include "onnx/testing.h"

#include "graph/text.h"
#include "tercet/error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

namespace tercet::testing {

using namespace onnx;

namespace {

void add_all(protozero::pbf_writer& w, Field field, const std::vector<std::string>& messages) {
    for (const std::string& m : messages) w.add_message(field, m);
}

}  // namespace

std::string message(const Fill& fill) {
    std::string bytes;
    protozero::pbf_writer w(bytes);
    if (fill) fill(w);
    return bytes;
}

std::string tensor_message(std::string_view name, std::int64_t type, std::vector<std::int64_t> dims, const Fill& fill) {
    return message([&](protozero::pbf_writer& w) {
        for (std::int64_t d : dims) w.add_int64(tensor_field::dims, d);
        w.add_int64(tensor_field::data_type, type);
        w.add_string(tensor_field::name, std::string(name));
        fill(w);
    });
}

std::string tensor_message(std::string_view name, const Tensor& t) {
    return tensor_message(name, static_cast<std::int64_t>(t.dtype()), {t.shape().begin(), t.shape().end()}, [&](protozero::pbf_writer& w) {
        w.add_bytes(tensor_field::raw_data, reinterpret_cast<const char*>(t.data()), t.bytes());
    });
}

std::string value_message(std::string_view name, DType dtype, const std::vector<std::string>& shape) {
    const std::string dims = message([&](protozero::pbf_writer& w) {
        for (const std::string& d : shape)
            w.add_message(shape_field::dim, message([&](protozero::pbf_writer& dim) {
                const bool number = !d.empty() && d.find_first_not_of("-0123456789") == std::string::npos;
                if (number) dim.add_int64(dim_field::value, std::stoll(d));
                else if (!d.empty()) dim.add_string(dim_field::param, d);
            }));
    });
    const std::string tensor = message([&](protozero::pbf_writer& w) {
        w.add_int64(tensor_type_field::element, static_cast<std::int64_t>(dtype));
        w.add_message(tensor_type_field::shape, dims);
    });
    return message([&](protozero::pbf_writer& w) {
        w.add_string(value_field::name, std::string(name));
        w.add_message(value_field::type, message([&](protozero::pbf_writer& type) { type.add_message(type_field::tensor, tensor); }));
    });
}

std::string attribute_message(std::string_view name, std::int64_t type, const Fill& fill) {
    return message([&](protozero::pbf_writer& w) {
        w.add_string(attribute_field::name, std::string(name));
        fill(w);
        if (type != attribute_type::undefined) w.add_int64(attribute_field::type, type);
    });
}

std::string integer_attribute(std::string_view name, std::int64_t value) {
    return attribute_message(name, attribute_type::integer, [&](protozero::pbf_writer& w) { w.add_int64(attribute_field::i, value); });
}

std::string tensor_attribute(std::string_view name, const std::string& tensor) {
    return attribute_message(name, attribute_type::tensor, [&](protozero::pbf_writer& w) { w.add_message(attribute_field::t, tensor); });
}

std::string node_message(std::string_view op, const std::vector<std::string>& inputs, const std::vector<std::string>& outputs,
                         const std::vector<std::string>& attributes, std::string_view name, std::string_view domain) {
    return message([&](protozero::pbf_writer& w) {
        for (const std::string& i : inputs) w.add_string(node_field::input, i);
        for (const std::string& o : outputs) w.add_string(node_field::output, o);
        if (!name.empty()) w.add_string(node_field::name, std::string(name));
        w.add_string(node_field::op_type, std::string(op));
        add_all(w, node_field::attribute, attributes);
        if (!domain.empty()) w.add_string(node_field::domain, std::string(domain));
    });
}

std::string reference_attribute(std::string_view name, std::int64_t type, std::string_view to) {
    return attribute_message(name, type, [&](protozero::pbf_writer& w) { w.add_string(attribute_field::ref_attr_name, std::string(to)); });
}

std::string graph_message(const ModelFile& f) {
    return message([&](protozero::pbf_writer& w) {
        add_all(w, graph_field::node, f.nodes);
        w.add_string(graph_field::name, "g");
        add_all(w, graph_field::initializer, f.initializers);
        add_all(w, graph_field::input, f.inputs);
        add_all(w, graph_field::output, f.outputs);
        if (f.more_graph) f.more_graph(w);
    });
}

std::string graph_attribute(std::string_view name, const ModelFile& file) {
    return attribute_message(name, attribute_type::graph, [&](protozero::pbf_writer& w) { w.add_message(attribute_field::g, graph_message(file)); });
}

std::string name_message(std::string_view name) {
    return message([&](protozero::pbf_writer& w) { w.add_string(value_field::name, std::string(name)); });
}

std::string opset_message(std::string_view domain, std::int64_t version) {
    return message([&](protozero::pbf_writer& o) {
        o.add_string(opset_field::domain, std::string(domain));
        o.add_int64(opset_field::version, version);
    });
}

std::string FunctionFile::bytes() const {
    return message([&](protozero::pbf_writer& w) {
        w.add_string(function_field::name, name);
        for (const std::string& i : inputs) w.add_string(function_field::input, i);
        for (const std::string& o : outputs) w.add_string(function_field::output, o);
        for (const std::string& a : attributes) w.add_string(function_field::attribute, a);
        add_all(w, function_field::node, nodes);
        if (opset != 0) w.add_message(function_field::opset_import, opset_message("", opset));
        w.add_string(function_field::domain, domain);
        add_all(w, function_field::default_value, defaults);
        if (!overload.empty()) w.add_string(function_field::overload, overload);
    });
}

ModelFile with_functions(ModelFile file, const std::vector<FunctionFile>& functions) {
    file.more_model = [functions](protozero::pbf_writer& w) {
        for (const FunctionFile& f : functions) w.add_message(model_field::functions, f.bytes());
    };
    return file;
}

std::string ModelFile::bytes() const {
    return message([&](protozero::pbf_writer& w) {
        w.add_int64(model_field::ir_version, ir);
        w.add_string(model_field::producer_name, "maker");
        w.add_string(model_field::producer_version, "1.2");
        w.add_message(model_field::graph, graph_message(*this));
        if (opset != 0) w.add_message(model_field::opset_import, opset_message("", opset));
        if (more_model) more_model(w);
    });
}

std::string text_in_one_line(const ModelFile& file, const ReadSettings& settings) {
    const Model m = read(file, settings);
    verify(m.graph);
    std::string s;
    for (char c : print_text(m.graph))
        if (c != '\n') s += c == ' ' && !s.empty() && s.back() == ' ' ? std::string() : std::string(1, c);
        else if (!s.empty() && s.back() != ' ') s += ' ';
    while (!s.empty() && s.back() == ' ') s.pop_back();
    return s;
}

Model read(std::string bytes, const ReadSettings& settings, const std::filesystem::path& folder) {
    // Exactly as long as the content, so that a sanitizer sees the first byte beyond.
    const std::shared_ptr<char[]> kept(new char[bytes.size()]);
    std::ranges::copy(bytes, kept.get());
    return read_model(std::as_bytes(std::span(kept.get(), bytes.size())), kept, folder, settings);
}

ModelFile flatten_model(std::vector<std::string> shape) {
    return {.inputs = {value_message("x", DType::f32, shape)}, .outputs = {value_message("y", DType::f32, {"", ""})}, .nodes = {node_message("Flatten", {"x"}, {"y"}, {}, "flat")}};
}

void expect_read_error(const std::string& bytes, std::string_view part, const ReadSettings& settings) {
    try {
        read(bytes, settings);
        ADD_FAILURE() << "was read; expected: " << part;
    } catch (const Error& e) {
        EXPECT_THAT(e.what(), ::testing::HasSubstr(std::string(part)));
        EXPECT_FALSE(e.fault().fix.empty()) << e.what();
    }
}

}  // namespace tercet::testing
