// SPDX-License-Identifier: Apache-2.0
// tercet doctor
#include "cli/options.h"
#include "cli/print.h"
#include "cli/verbs.h"
#include "tercet/machine.h"
#include "tercet/version.h"

#include <cstdlib>
#include <memory>

namespace tercet::cli {
namespace {

struct Options {
    bool ops = false, json = false;
};

struct Target {
    std::string_view name;
    bool available;
    std::string_view note;
};

constexpr Target targets[] = {
    {"cpu", true, "fp32"},
    {"tensorrt", false, "not yet in this version: TensorRT 8.x, 10.x, 11.x and RTX are to come; nothing has to be installed for the rest"},
};

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
    fmt::print("targets\n");
    std::vector<std::vector<std::string>> rows;
    for (const Target& t : targets) rows.push_back({std::string(t.name), t.available ? "yes" : "no", std::string(t.note)});
    print_table({}, rows);
}

Json json_of(const Machine& m, bool ops) {
    Json j{{"version", version},   {"processor", m.processor},       {"isa", usable_isa()},           {"machine_isa", m.isa}, {"levels", isa_levels()},
           {"cores", m.usable_cores}, {"memory_bytes", m.memory_bytes}, {"newest_opset", newest_operator_set()}, {"targets", Json::array()}};
    for (const Target& t : targets) j["targets"].push_back({{"name", t.name}, {"available", t.available}, {"note", t.note}});
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
    verb->add_flag("--json", o->json, "one JSON document on standard output");
    verb->footer("Example:\n  TERCET_MAX_ISA=avx2 tercet doctor");
    verb->callback([o] {
        isa_cap();  // a wrong name is wrong usage here, too
        if (o->json) print_json(json_of(this_machine(), o->ops));
        else if (o->ops) print_operators();
        else print_machine(this_machine());
    });
}

}  // namespace tercet::cli
