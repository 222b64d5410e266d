// SPDX-License-Identifier: Apache-2.0
#include "tercet/machine.h"

#include "ops/op.h"
#include "system/thread_pool.h"
#include "target/isa.h"

#include <algorithm>
#include <fstream>

#include <unistd.h>

namespace tercet {
namespace {

std::uint64_t memory_bytes() {
    const auto pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    std::uint64_t bytes = pages > 0 && page > 0 ? static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(page) : 0;
    for (const char* file : {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
        std::uint64_t limit = 0;  // "max" where there is none
        if (std::ifstream(file) >> limit && limit > 0) bytes = std::min(bytes, limit);
    }
    return bytes;
}

}  // namespace

Machine this_machine() {
    return {.processor = std::string(processor_name()),
            .isa = std::string(host_isa().name()),
            .usable_cores = usable_processors(),
            .memory_bytes = memory_bytes()};
}

std::vector<std::string> isa_levels() {
    const auto names = isa_names();
    return {names.begin(), names.end()};
}

std::vector<SupportedOperator> supported_operators() {
    std::vector<SupportedOperator> all;
    for (const OpDef* def : all_ops()) {
        if (def->domain == "tercet") continue;  // made by passes only
        SupportedOperator& op = all.emplace_back(SupportedOperator{std::string(def->name), std::string(def->domain), {}});
        for (const OpVersion& v : def->versions) op.versions.push_back(v.since);
    }
    return all;
}

int newest_operator_set() { return newest_opset; }

}  // namespace tercet
