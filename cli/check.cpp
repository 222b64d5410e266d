// SPDX-License-Identifier: Apache-2.0
// tercet check DIR...
#include "tercet/check.h"

#include "cli/options.h"
#include "cli/print.h"
#include "cli/progress.h"
#include "cli/verbs.h"

#include <memory>

namespace tercet::cli {
namespace {

struct Options {
    std::vector<std::filesystem::path> folders;
    CheckSettings check;
    bool json = false;
};

std::string_view name_of(CheckCase::Status s) {
    return s == CheckCase::Status::passed ? "passed" : s == CheckCase::Status::failed ? "failed" : "unsupported";
}

void print_result(const CheckResult& r, bool json) {
    if (!json) {
        std::vector<std::vector<std::string>> rows;
        for (const CheckCase& c : r.cases)
            if (c.status != CheckCase::Status::passed) rows.push_back({std::string(name_of(c.status)), c.name, c.reason});
        print_table({}, rows, "");
        fmt::print("{} passed, {} failed, {} unsupported\n", r.passed, r.failed, r.unsupported);
        return;
    }
    Json j{{"passed", r.passed}, {"failed", r.failed}, {"unsupported", r.unsupported}, {"cases", Json::array()}};
    for (const CheckCase& c : r.cases) j["cases"].push_back({{"name", c.name}, {"status", name_of(c.status)}, {"reason", c.reason}});
    print_json(j);
}

}  // namespace

void add_check(CLI::App& app) {
    auto o = std::make_shared<Options>();
    CLI::App* verb = app.add_subcommand("check", "run ONNX backend test cases: folders with model.onnx and test_data_set_*");
    verb->add_option("DIR", o->folders, "cases, or folders that hold cases")->required()->type_name("");
    verb->add_option("--rtol", o->check.relative_tolerance, "relative tolerance (1e-3, as ONNX has it)")->check(quiet(CLI::NonNegativeNumber))->type_name("X");
    verb->add_option("--atol", o->check.absolute_tolerance, "absolute tolerance (1e-7)")->check(quiet(CLI::NonNegativeNumber))->type_name("X");
    verb->add_option("--threads", o->check.threads, "threads (1)")->check(quiet(CLI::Range(0, 4096)))->type_name("N");
    verb->add_flag("--json", o->json, "one JSON document on standard output");
    verb->footer("Exit status 1 if a case failed; unsupported ones do not count.\nExample:\n  tercet check onnx/backend/test/data/node");
    verb->callback([o] {
        ProgressBar bar;
        o->check.isa = isa_cap();
        o->check.progress = [&](std::int64_t done, std::int64_t total) { bar.update("checking", done, total); };
        const CheckResult r = check(o->folders, o->check);
        bar.clear();
        print_result(r, o->json);
        if (r.failed > 0) throw CLI::RuntimeError(1);
    });
}

}  // namespace tercet::cli
