// SPDX-License-Identifier: Apache-2.0
// roofline   measures this machine's peak per data type and its bandwidth per level of the memory, on one thread and on all.
// README.md beside it says how to read what it prints.
#include "cli/print.h"
#include "tercet/machine.h"
#include "tercet/roof.h"

#include <CLI/CLI.hpp>

#include <cmath>

namespace {

using namespace tercet;
using namespace tercet::cli;

std::string text_of_rate(double per_s) { return fmt::format("{:.1f}", per_s * 1e-9); }

// Columns of one thread and of all, or one column where all are one.
void add_rate(std::vector<std::string>& row, const Roof& roof, const Roof::Rate& rate) {
    row.push_back(text_of_rate(rate.one_thread));
    if (roof.threads > 1) row.push_back(text_of_rate(rate.all_threads));
}
void add_header(std::vector<std::string>& row, const Roof& roof, const char* what) {
    row.push_back(fmt::format("{}1 thread", what));
    if (roof.threads > 1) row.push_back(fmt::format("{} threads", roof.threads));
}

void print_roof(const Roof& roof) {
    fmt::print("{}, {}, {}\n\n", one_line(this_machine().processor), roof.threads == 1 ? "1 thread" : fmt::format("{} threads", roof.threads), roof.isa);
    std::vector<std::string> header{"peak, Gop/s", "instruction"};
    std::vector<std::vector<std::string>> rows;
    add_header(header, roof, "");
    for (const Roof::Peak& p : roof.peaks) add_rate(rows.emplace_back(std::vector{std::string(name_of(p.type)), p.instruction}), roof, p.operations);
    print_table(header, rows, "  ", {2, 3});

    header = {"bandwidth, GB/s", "size", "measured on"};
    rows.clear();
    add_header(header, roof, "read: ");
    add_header(header, roof, "copy: ");
    for (const Roof::Level& l : roof.levels) {
        rows.push_back({l.name, std::isinf(l.capacity_bytes) ? "" : text_of_bytes(static_cast<std::uint64_t>(l.capacity_bytes)), text_of_bytes(static_cast<std::uint64_t>(l.measured_bytes))});
        add_rate(rows.back(), roof, l.read);
        add_rate(rows.back(), roof, l.copy);
    }
    fmt::print("\n");
    print_table(header, rows, "  ", {1, 2, 3, 4, 5, 6});
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app{"This machine's roof: peak per data type, bandwidth per level of the memory.", "roofline"};
    RoofSettings settings;
    bool json = false;
    app.add_option("--threads", settings.threads, "threads of the second figure (all)")->check(CLI::Range(0, 4096))->type_name("N");
    app.add_option("--isa", settings.max_isa, "the level of instructions to stay within")->check(CLI::IsMember(isa_levels()))->type_name("LEVEL");
    app.add_flag("--json", json, "one JSON document on standard output");
    try {
        app.parse(argc, argv);
        const Roof roof = measure_roof(settings);
        if (json) print_json(json_of(roof));
        else print_roof(roof);
        return 0;
    } catch (const CLI::ParseError& e) {
        return app.exit(e) == 0 ? 0 : 2;
    } catch (const std::exception& e) {
        fmt::print(stderr, "roofline: error: {}\n", one_line(e.what()));
        return 1;
    }
}
