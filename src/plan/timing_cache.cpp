// SPDX-License-Identifier: Apache-2.0
#include "plan/timing_cache.h"

#include "system/mapped_file.h"
#include "system/output_file.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cmath>

namespace tercet {
namespace {

constexpr std::string_view format = "tercet timing cache";

}  // namespace

TimingCache TimingCache::read(const std::filesystem::path& file) {
    TimingCache cache;
    if (!std::filesystem::exists(file)) return cache;
    const FileBytes bytes = read_file(file);
    return at(file.string(), [&] {
        try {
            const auto* text = reinterpret_cast<const char*>(bytes.bytes.data());
            const auto json = nlohmann::json::parse(text, text + bytes.bytes.size());
            if (json.at("format") != format || json.at("version") != 1) throw Error({.what = "a timing cache of another version", .fix = "delete it: building makes a new one"});
            for (const auto& [machine, steps] : json.at("machines").items())
                for (const auto& [signature, candidates] : steps.items())
                    for (const auto& c : candidates) {
                        const double us = c.at(5);
                        if (!(us >= 0) || !std::isfinite(us)) throw Error({.what = "a time in it is no number", .fix = "delete it: building makes a new one"});
                        cache.entries_[machine][signature][{c.at(0), {c.at(1), c.at(2), c.at(3), c.at(4)}}] = us;
                    }
        } catch (const nlohmann::json::exception&) {
            throw Error({.what = "not a timing cache", .fix = "name another file, or delete it: building makes a new one"});
        }
        return std::move(cache);
    });
}

void TimingCache::write(const std::filesystem::path& file) const {
    nlohmann::json json{{"format", format}, {"version", 1}, {"machines", nlohmann::json::object()}};
    for (const auto& [machine, steps] : entries_)
        for (const auto& [signature, times] : steps) {
            auto& list = json["machines"][machine][signature] = nlohmann::json::array();
            for (const auto& [c, us] : times) list.push_back({c.tactic, c.variant.rows, c.variant.cols, c.variant.depth, c.variant.tile, us});
        }
    OutputFile out(file);
    out.write(json.dump(1) + "\n");
    out.commit();
}

std::string TimingCache::machine_key(const Isa& isa, int threads, std::string_view effort) {
    return fmt::format("{}, {}, {} thread{}, {}", processor_name(), isa.name(), threads, threads == 1 ? "" : "s", effort);
}

const TimingCache::Times* TimingCache::find(const std::string& machine, const std::string& signature) const {
    const auto m = entries_.find(machine);
    if (m == entries_.end()) return nullptr;
    const auto s = m->second.find(signature);
    return s == m->second.end() ? nullptr : &s->second;
}

void TimingCache::set(const std::string& machine, const std::string& signature, Times times) { entries_[machine][signature] = std::move(times); }

std::size_t TimingCache::size() const {
    std::size_t n = 0;
    for (const auto& [machine, steps] : entries_) n += steps.size();
    return n;
}

}  // namespace tercet
