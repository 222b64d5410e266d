// SPDX-License-Identifier: Apache-2.0
// Models are scanned message by message here, besides being imported: the import stops at the first thing that it cannot
// represent, and whoever looks into a model wants to know of all of them.
#include "tercet/inspect.h"

#include "engine/engine_file.h"
#include "onnx/declared.h"
#include "onnx/import_nodes.h"
#include "onnx/read_model.h"
#include "ops/op.h"
#include "plan/timing_cache.h"
#include "precision/calibration_cache.h"
#include "system/mapped_file.h"
#include "tensorrt_runtime/plan_file.h"
#include "tercet/tensorrt_engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

namespace tercet {
namespace {

using namespace onnx;

std::string_view view_of(const FileBytes& file) { return {reinterpret_cast<const char*>(file.bytes.data()), file.bytes.size()}; }

using Opsets = std::map<std::string, std::int64_t, std::less<>>;               // by domain

struct Use {
    int count = 0;
    std::string unsupported{};
};

struct Scan {
    ModelInfo info;
    Opsets opsets;
    std::set<std::pair<std::string, std::string>, std::less<>> functions;      // (domain, name) that the model defines
    std::map<std::pair<std::string, std::string>, Use> operators;              // (domain, name)
    std::set<std::string, std::less<>> constants;                              // old models list them among the inputs, too
    std::vector<TensorInfo> declared_inputs;
};

void scan_opset(Message m, Opsets& opsets) {
    std::string domain;
    std::int64_t version = 0;
    while (m.next()) {
        if (m.field() == opset_field::domain) domain = domain_name(m.text());
        else if (m.field() == opset_field::version) version = m.integer();
        else m.skip();
    }
    opsets.emplace(domain, version);
}

void scan_function_name(Message m, Scan& scan) {
    std::string domain, name;
    while (m.next()) {
        if (m.field() == function_field::domain) domain = domain_name(m.text());
        else if (m.field() == function_field::name) name = m.text();
        else m.skip();
    }
    scan.functions.emplace(domain, name);
}

void scan_initializer(Message m, Scan& scan) {
    std::vector<std::int64_t> dims;
    DType dtype = DType::undefined;
    while (m.next()) {
        if (m.field() == tensor_field::name) scan.constants.emplace(m.text());
        else if (m.field() == tensor_field::dims) m.append(dims);
        else if (m.field() == tensor_field::data_type) {
            if (const std::int64_t type = m.integer(); is_dtype(type)) dtype = static_cast<DType>(type);
        } else m.skip();
    }
    if (!is_float(dtype) && dtype != DType::i8 && dtype != DType::u8) return;  // shapes and indices are no weights
    constexpr std::int64_t limit = std::int64_t{1} << 48;
    std::int64_t count = 1;
    for (std::int64_t d : dims)
        if (d < 0 || __builtin_mul_overflow(count, d, &count) || count > limit) return;  // a damaged model; its import says so
    scan.info.parameters += count;
    scan.info.parameter_bytes += bytes_of(dtype, count);
}

std::string why_unsupported(const Scan& scan, const Opsets& opsets, const std::string& domain, const std::string& op) {
    if (scan.functions.contains(std::pair(domain, op)) || is_replaced(op, domain)) return {};
    const OpDef* def = domain == "tercet" ? nullptr : find_op(op, domain);
    if (!def) return "unsupported operator";
    const auto opset = opsets.find(domain);
    if (opset != opsets.end() && !def->versions.empty() && def->versions.front().since > opset->second)
        return fmt::format("supported from operator set {} on", def->versions.front().since);
    return {};
}

void scan_subgraph(Message m, const Opsets& opsets, int depth, Scan& scan);

void scan_node(Message m, const Opsets& opsets, int depth, Scan& scan) {
    std::string op, domain;
    while (m.next()) {
        if (m.field() == node_field::op_type) op = m.text();
        else if (m.field() == node_field::domain) domain = domain_name(m.text());
        else if (m.field() == node_field::attribute) {
            for (Message a = m.message(); a.next();) {
                if (a.field() == attribute_field::g) scan_subgraph(a.message(), opsets, depth + 1, scan);
                else a.skip();
            }
        } else m.skip();
    }
    ++scan.info.nodes;
    Use& use = scan.operators[{domain, op}];
    ++use.count;
    if (use.unsupported.empty()) use.unsupported = why_unsupported(scan, opsets, domain, op);
}

void scan_subgraph(Message m, const Opsets& opsets, int depth, Scan& scan) {
    if (depth > deepest_nesting) return;  // its import says so
    while (m.next()) {
        if (m.field() == graph_field::node) scan_node(m.message(), opsets, depth, scan);
        else if (m.field() == graph_field::initializer) scan_initializer(m.message(), scan);
        else m.skip();
    }
}

// A function's nodes are of the operator sets that it imports itself.
void scan_function(const Message& message, Scan& scan) {
    Opsets opsets;
    for (Message m = message; m.next();) {
        if (m.field() == function_field::opset_import) scan_opset(m.message(), opsets);
        else m.skip();
    }
    opsets.insert(scan.opsets.begin(), scan.opsets.end());
    for (Message m = message; m.next();) {
        if (m.field() == function_field::node) scan_node(m.message(), opsets, 0, scan);
        else m.skip();
    }
}

TensorInfo scan_value(Message m) {
    Message again = m;
    TensorInfo info;
    try {
        Declared d = read_declared(m);
        info.name = d.name;
        info.dtype = d.dtype;
        if (!d.shape) return info;
        for (const DeclaredDim& dim : *d.shape) info.shape.push_back(dim.size ? fmt::to_string(*dim.size) : dim.symbol.empty() ? "?" : dim.symbol);
    } catch (const DamagedModel&) {
        throw;
    } catch (const Error&) {  // no tensor; its name is known all the same
        while (again.next()) {
            if (again.field() == value_field::name) info.name = again.text();
            else again.skip();
        }
    }
    return info;
}

void scan_graph(Message m, Scan& scan) {
    while (m.next()) {
        switch (m.field()) {
            case graph_field::name: scan.info.name = m.text(); break;
            case graph_field::node: scan_node(m.message(), scan.opsets, 0, scan); break;
            case graph_field::initializer: scan_initializer(m.message(), scan); break;
            case graph_field::input: scan.declared_inputs.push_back(scan_value(m.message())); break;
            case graph_field::output: scan.info.outputs.push_back(scan_value(m.message())); break;
            default: m.skip();
        }
    }
}

Scan scan_model(std::string_view bytes) {
    Scan scan;
    std::string producer_version;
    std::vector<Message> graphs, functions;  // read when all imports and names are known
    for (Message m(bytes); m.next();) {
        switch (m.field()) {
            case model_field::ir_version: scan.info.ir_version = m.integer(); break;
            case model_field::producer_name: scan.info.producer = m.text(); break;
            case model_field::producer_version: producer_version = m.text(); break;
            case model_field::opset_import: scan_opset(m.message(), scan.opsets); break;
            case model_field::functions: functions.push_back(m.message()); break;
            case model_field::graph: graphs.push_back(m.message()); break;
            default: m.skip();
        }
    }
    for (const Message& f : functions) scan_function_name(f, scan);
    for (const Message& g : graphs) scan_graph(g, scan);
    for (const Message& f : functions) scan_function(f, scan);
    if (!producer_version.empty()) scan.info.producer += " " + producer_version;
    if (const auto opset = scan.opsets.find(""); opset != scan.opsets.end()) scan.info.opset = opset->second;
    for (TensorInfo& input : scan.declared_inputs)
        if (!scan.constants.contains(input.name)) scan.info.inputs.push_back(std::move(input));
    for (const auto& [key, use] : scan.operators)
        scan.info.operators.push_back({.name = key.second, .domain = key.first, .count = use.count, .unsupported = use.unsupported});
    std::ranges::stable_sort(scan.info.operators, std::greater{}, &OperatorUse::count);
    return scan;
}

}  // namespace

FileKind recognize(const std::filesystem::path& file) {
    if (std::error_code failed; std::filesystem::is_directory(file, failed)) return FileKind::model;
    const FileBytes content = map_file(file);
    const std::string_view bytes = view_of(content);
    if (bytes.starts_with(engine_magic)) return FileKind::engine;
    if (read_plan_file(content.bytes)) return FileKind::tensorrt_engine;
    if (is_calibration_cache(bytes)) return FileKind::calibration_cache;
    const std::size_t first = bytes.substr(0, 256).find_first_not_of(" \t\r\n");
    if (first == std::string_view::npos || bytes[first] != '{') return FileKind::model;
    return bytes.find("\"layers\"") != std::string_view::npos ? FileKind::precision_plan : FileKind::timing_cache;
}

ModelInfo inspect_model(const std::filesystem::path& file) {
    ModelInfo info;
    if (std::error_code failed; std::filesystem::is_directory(file, failed)) read_model(file);  // knows what it may be
    try {
        const FileBytes content = map_file(file);
        info = at(file.string(), [&] { return scan_model(view_of(content)).info; });
    } catch (const DamagedModel&) {
        read_model(file);  // knows better what the file is
        throw;
    }
    try {
        read_model(file);
        for (OperatorUse& use : info.operators) use.unsupported.clear();  // branches that are never taken may hold some
    } catch (const DamagedModel&) {
        throw;
    } catch (const Error& e) {
        if (info.nodes == 0) throw;
        info.problem = e.what();
    }
    return info;
}

TensorRtEngineInfo inspect_tensorrt_engine(const std::filesystem::path& file) {
    const FileBytes content = map_file(file);
    const auto plan = read_plan_file(content.bytes);
    if (!plan) throw Error({.what = "begins like no TensorRT engine", .where = file.string(), .fix = "make one with `tercet build MODEL.onnx --target trt10x`"});
    TensorRtEngineInfo info{.rtx = plan->rtx, .version = plan->version, .bytes = content.bytes.size()};
    try {
        const TensorRtEngine engine = TensorRtEngine::open(file);
        info.inputs.assign(engine.inputs().begin(), engine.inputs().end());
        info.outputs.assign(engine.outputs().begin(), engine.outputs().end());
        info.profiles = static_cast<int>(engine.profiles().size());
    } catch (const Error& e) {
        info.problem = tensorrt_runtime().empty() ? "this tercet was built without TensorRT" : e.fault().what;
    }
    return info;
}

TimingCacheInfo inspect_timing_cache(const std::filesystem::path& file) {
    TimingCacheInfo info{.bytes = map_file(file).bytes.size(), .groups = {}};
    const TimingCache cache = TimingCache::read(file);
    for (const auto& [machine, steps] : cache.entries()) {
        info.groups.push_back({machine, static_cast<std::int64_t>(steps.size())});
        info.entries += info.groups.back().entries;
    }
    return info;
}

}  // namespace tercet
