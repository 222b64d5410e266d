// SPDX-License-Identifier: Apache-2.0
// What candidates took, per machine, step and thread count, so that tactics follow from the cache alone and the same cache
// gives the same engine. A JSON file; entries of other machines are kept and not used.
#pragma once

#include "engine/program.h"

#include <filesystem>

namespace tercet {

class TimingCache {
public:
    using Times = std::map<Choice, double>;  // microseconds

    TimingCache() = default;
    /// An absent file gives an empty cache. Error if it is there but is not a timing cache.
    static TimingCache read(const std::filesystem::path& file);
    void write(const std::filesystem::path& file) const;

    /// Under which the times of this machine stand: processor, instruction set, threads, effort.
    static std::string machine_key(const Isa& isa, int threads, std::string_view effort);

    const Times* find(const std::string& machine, const std::string& signature) const;
    void set(const std::string& machine, const std::string& signature, Times times);

    std::size_t size() const;
    const std::map<std::string, std::map<std::string, Times>>& entries() const { return entries_; }

private:
    std::map<std::string, std::map<std::string, Times>> entries_;
};

}  // namespace tercet
