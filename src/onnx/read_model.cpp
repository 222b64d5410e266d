// SPDX-License-Identifier: Apache-2.0
#include "onnx/read_model.h"

#include "onnx/build_graph.h"
#include "onnx/foreign_file.h"
#include "system/mapped_file.h"

#include <fmt/format.h>

namespace tercet {
namespace {

using namespace onnx;

constexpr std::int64_t oldest_ir = 3, newest_ir = 14;

struct Header {
    Model model;
    std::string producer_version;
    std::optional<Message> graph;
    FileGraph file;
};

// A file cut off anywhere ends within a field, unless it was cut between two.
void check_whole(std::string_view bytes) {
    try {
        for (protozero::pbf_reader r(bytes.data(), bytes.size()); r.next();) r.skip();
    } catch (const protozero::end_of_buffer_exception&) {
        throw DamagedModel({.what = fmt::format("is truncated: it ends after {} bytes, within a field", bytes.size()),
                            .fix = "copy or export it again"});
    } catch (const protozero::exception& e) {
        fail_damaged(e.what());
    }
}

Header read_header(Message m) {
    Header h;
    while (m.next()) {
        switch (m.field()) {
            case model_field::ir_version: h.model.ir_version = m.integer(); break;
            case model_field::producer_name: h.model.producer = m.text(); break;
            case model_field::producer_version: h.producer_version = m.text(); break;
            case model_field::graph: h.graph = m.message(); break;
            case model_field::opset_import: read_opset(m.message(), h.file.sets); break;
            case model_field::functions: h.file.functions.add(m.message()); break;
            default: m.skip();
        }
    }
    if (!h.producer_version.empty()) h.model.producer += (h.model.producer.empty() ? "" : " ") + h.producer_version;
    return h;
}

void check_versions(const Header& h) {
    if (!h.graph) fail_damaged("it holds no graph");
    if (h.model.ir_version < oldest_ir || h.model.ir_version > newest_ir)
        throw Error({.what = fmt::format("has IR version {}, supported are {} to {}", h.model.ir_version, oldest_ir, newest_ir),
                     .fix = "export it again with another version of the exporter"});
    const auto opset = h.file.sets.versions.find("");
    if (opset == h.file.sets.versions.end() && !h.file.sets.versions.empty())
        throw Error({.what = fmt::format("unsupported: imports operators of '{}' only, none of ONNX's own", h.file.sets.versions.begin()->first),
                     .fix = "export a neural network instead"});
    if (opset == h.file.sets.versions.end())
        throw Error({.what = "does not say which operator set it uses", .fix = "export it again; it may have been cut off"});
    check_opset(opset->second);
}

void read_graph(Message m, FileGraph& file, Source& source) {
    while (m.next()) {
        switch (m.field()) {
            case graph_field::name: file.name = m.text(); break;
            case graph_field::node: file.nodes.push_back(read_node(m.message(), source, file.sets)); break;
            case graph_field::initializer: file.initializers.push_back(onnx::read_tensor(m.message(), source)); break;
            case graph_field::input: file.inputs.push_back(read_declared(m.message())); break;
            case graph_field::output: file.outputs.push_back(read_declared(m.message())); break;
            case graph_field::sparse_initializer:
                throw Error({.what = "unsupported: it has sparse initializers", .fix = "export the model with dense weights"});
            default: m.skip();  // declared types of inner values, too: they follow from the graph
        }
    }
}

std::filesystem::path folder_of(const std::filesystem::path& file) {
    return file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
}

std::string_view view_of(std::span<const std::byte> bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

}  // namespace

Model read_model(std::span<const std::byte> bytes, std::shared_ptr<const void> owner, const std::filesystem::path& folder,
                 const ReadSettings& settings) {
    if (bytes.empty()) throw Error({.what = "is empty", .fix = how_to_export()});
    try {
        check_whole(view_of(bytes));
        Header h = read_header(Message(view_of(bytes)));
        check_versions(h);
        h.model.opset = h.file.sets.version("");
        Source source{std::move(owner), ExternalData(folder)};
        read_graph(*h.graph, h.file, source);
        h.model.graph = build_graph(std::move(h.file), source, settings.fixed_inputs);
        return std::move(h.model);
    } catch (const DamagedModel&) {
        if (auto known = recognize_foreign(bytes, settings.name)) throw Error(*std::move(known));
        throw;
    }
}

Model read_model(const std::filesystem::path& file, const ReadSettings& settings) {
    std::error_code ignored;
    const auto status = std::filesystem::status(file, ignored);
    if (status.type() == std::filesystem::file_type::not_found)
        throw Error({.what = "ONNX model not found", .where = file.string(), .fix = how_to_export()});
    if (std::filesystem::is_directory(status)) {
        if (std::filesystem::exists(file / "saved_model.pb", ignored)) {
            Fault fault = foreign_model(ModelFormat::saved_model, file.string());
            fault.where = file.string();
            throw Error(std::move(fault));
        }
        throw Error({.what = "is a folder, not an ONNX model", .where = file.string(), .fix = "name the .onnx file in it"});
    }
    const FileBytes content = map_file(file);
    return at(file.string(), [&] {
        ReadSettings named = settings;
        named.name = file.string();
        return read_model(content.bytes, content.owner, folder_of(file), named);
    });
}

std::pair<std::string, Tensor> read_tensor(const std::filesystem::path& file) {
    const FileBytes content = map_file(file);
    return at(file.string(), [&] {
        Source source{content.owner, ExternalData(folder_of(file))};
        auto [name, tensor] = [&] {
            try {
                return onnx::read_tensor(Message(view_of(content.bytes)), source);
            } catch (const DamagedModel&) {
                throw Error({.what = "is not an ONNX tensor or is damaged",
                             .fix = "write it by onnx.numpy_helper.from_array(array).SerializeToString()"});
            }
        }();
        if (tensor.dtype() == DType::string) throw Error({.what = "unsupported: it is a tensor of strings", .fix = "give numbers"});
        return std::pair(std::move(name), std::move(tensor));
    });
}

}  // namespace tercet
