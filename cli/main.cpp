// SPDX-License-Identifier: Apache-2.0
// tercet VERB ...   Exit status: 0 done, 1 the input is at fault, 2 wrong usage, 3 a bug of ours.
#include "cli/definitions.h"
#include "cli/print.h"
#include "cli/verbs.h"
#include "tercet/error.h"
#include "tercet/version.h"

#include <cstdio>
#include <new>

namespace {

using namespace tercet;
using namespace tercet::cli;

int fail(int status, std::string_view line) {
    std::fflush(stdout);
    fmt::print(stderr, "tercet: error: {}\n", one_line(line));
    return status;
}

int finish(int status) {
    if (std::fflush(stdout) != 0 || std::ferror(stdout)) return fail(1, "cannot write to standard output; is the disk full?");
    return status;
}

std::string usage_hint(const CLI::App& app) {
    const auto verbs = app.get_subcommands();
    return verbs.empty() ? "see `tercet --help`" : fmt::format("see `tercet {} --help`", verbs.front()->get_name());
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app{"Tercet makes precision engines from trained ONNX models and runs them.", "tercet"};
    app.set_version_flag("--version", "tercet " + std::string(version));
    app.require_subcommand(1);
    app.get_formatter()->column_width(36);
    app.footer("Examples:\n"
               "  tercet build model.onnx                    writes model_cpu_fp32.engine\n"
               "  tercet run model_cpu_fp32.engine --input image=cat.jpg\n"
               "  tercet bench model_cpu_fp32.engine\n"
               "`tercet VERB --help` shows the options of a verb. The environment variable TERCET_MAX_ISA caps the instructions that are\n"
               "used; `tercet doctor` lists the levels.");
    try {
        for (auto add : {add_build, add_calibrate, add_run, add_bench, add_compare, add_inspect, add_check, add_export, add_convert, add_doctor}) add(app);
        add_manual(app);
        app.parse(argc, argv);
        return finish(0);
    } catch (const CLI::Success& e) {  // --help, --version, --man, --completion
        return finish(app.exit(e));
    } catch (const CLI::RuntimeError& e) {
        return e.get_exit_code();
    } catch (const CLI::ParseError& e) {
        if (app.get_subcommands().empty() && argc > 1 && argv[1][0] != '-') return fail(2, fmt::format("unknown verb '{}'; {}", argv[1], usage_hint(app)));
        return fail(2, fmt::format("{}; {}", e.what(), usage_hint(app)));
    } catch (const Error& e) {
        return fail(1, e.what());
    } catch (const std::bad_alloc&) {
        return fail(1, "out of memory; close other programs, or use a smaller batch");
    } catch (const std::exception& e) {
        return fail(3, fmt::format("a bug of ours, please report it with the model: {}", e.what()));
    }
}
