// SPDX-License-Identifier: Apache-2.0
// tercet doctor
#include "cli/options.h"
#include "cli/print.h"
#include "cli/verbs.h"
#include "tercet/machine.h"
#include "tercet/tensorrt.h"
#include "tercet/version.h"

#include <algorithm>
#include <cstdlib>
#include <memory>

namespace tercet::cli {
namespace {

struct Options {
    bool ops = false, json = false;
    std::string python;
};

// What a Python has of TensorRT, as one line.
std::string text_of(const TensorRtModule& m) {
    if (m.version.empty()) return fmt::format("{} of {} cannot be imported: {}", m.module, m.python, one_line(m.problem));
    return fmt::format("{} {} ({})", m.module, m.version, m.file);
}

void print_targets(const TensorRtSearch& search) {
    fmt::print("targets\n");
    std::vector<std::vector<std::string>> rows{{"cpu", "yes", "fp32, fp16, bf16, int8"}};
    for (const TensorRtModule& m : search.modules) rows.push_back({m.target.empty() ? m.module : m.target, m.target.empty() ? "no" : "yes", text_of(m)});
    if (search.modules.empty())
        rows.push_back({fmt::format("{}", fmt::join(tensorrt_target_names(), ", ")), "no", search.pythons.empty() ? "no python3 in PATH, whose TensorRT modules build engines"
                                                                                      : fmt::format("no TensorRT module in {}; docs/tensorrt.md says how to get one, or use --job", fmt::join(search.pythons, ", "))});
    for (const std::string& problem : search.problems) rows.push_back({"", "", problem});
    print_table({}, rows);
}

void print_operators() {
    std::vector<std::vector<std::string>> rows;
    for (const SupportedOperator& op : supported_operators())
        rows.push_back({op.domain.empty() ? op.name : op.domain + "." + op.name, fmt::format("{}", fmt::join(op.versions, ", "))});
    fmt::print("{} operators, up to operator set {}; forms from:\n", rows.size(), newest_operator_set());
    print_table({}, rows);
}

void print_machine(const Machine& m) {
    fmt::print("tercet {}\n", version);
    const char* cap = std::getenv("TERCET_MAX_ISA");
    print_table({}, {{"processor", m.processor},
                     {"instructions", cap && *cap ? fmt::format("{} (TERCET_MAX_ISA={}; the machine has {})", usable_isa(), cap, m.isa) : m.isa},
                     {"levels", fmt::format("{}", fmt::join(isa_levels(), ", "))},
                     {"cores", fmt::format("{} usable", m.usable_cores)},
                     {"memory", text_of_bytes(m.memory_bytes)},
                     {"operators", fmt::format("{} supported, up to operator set {}; `tercet doctor --ops` lists them", supported_operators().size(), newest_operator_set())}});
}

Json json_of(const Machine& m, bool ops, const TensorRtSearch& search) {
    Json j{{"version", version},   {"processor", m.processor},       {"isa", usable_isa()},           {"machine_isa", m.isa}, {"levels", isa_levels()},
           {"cores", m.usable_cores}, {"memory_bytes", m.memory_bytes}, {"newest_opset", newest_operator_set()}, {"targets", Json::array()}, {"tensorrt", Json::array()}, {"pythons", search.pythons}};
    j["targets"].push_back({{"name", "cpu"}, {"available", true}});
    for (const std::string& target : tensorrt_target_names())
        j["targets"].push_back({{"name", target}, {"available", std::ranges::find(search.modules, target, &TensorRtModule::target) != search.modules.end()}});
    for (const TensorRtModule& module : search.modules)
        j["tensorrt"].push_back({{"module", module.module}, {"version", module.version}, {"target", module.target}, {"python", module.python}, {"file", module.file}, {"problem", module.problem}});
    if (!ops) return j;
    j["operators"] = Json::array();
    for (const SupportedOperator& op : supported_operators()) j["operators"].push_back({{"name", op.name}, {"domain", op.domain}, {"versions", op.versions}});
    return j;
}

}  // namespace

void add_doctor(CLI::App& app) {
    auto o = std::make_shared<Options>();
    CLI::App* verb = app.add_subcommand("doctor", "what this machine can run, and what to install for the rest");
    verb->add_flag("--ops", o->ops, "list the supported operators and the operator sets of their forms");
    verb->add_option("--python", o->python, "look for TensorRT in this one only")->type_name("FILE");
    verb->add_flag("--json", o->json, "one JSON document on standard output");
    verb->footer("Example:\n  TERCET_MAX_ISA=avx2 tercet doctor");
    verb->callback([o] {
        isa_cap();  // a wrong name is wrong usage here, too
        if (o->ops && !o->json) return print_operators();
        const TensorRtSearch search = find_tensorrt(o->python);
        if (o->json) return print_json(json_of(this_machine(), o->ops, search));
        print_machine(this_machine());
        print_targets(search);
    });
}

}  // namespace tercet::cli
