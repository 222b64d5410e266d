// SPDX-License-Identifier: Apache-2.0
// From a rewritten graph to a program: steps, tactics, packed weights, places in memory.
#pragma once

#include "engine/program.h"
#include "tercet/build.h"

namespace tercet {

class TimingCache;

struct PlanSettings {
    Profile profile;
    Isa isa = host_isa();
    int threads = 1;
    Tune tune = Tune::fast;
    bool strict = false;
    bool canonical = false;  // only what gives the same bits at every level that has vector instructions, where there is such
    std::uint64_t workspace_bytes = std::uint64_t{1} << 30;
    TimingCache* timings = nullptr;  // read and extended; null: what is measured is forgotten
    std::function<void(const Progress&)> progress{};
    std::function<void(const std::string&)> log{};
};

/// Graph -> steps and values, without tactics or places (lower.cpp). Reshapes become views.
Program lower(const Graph& graph, const Profile& profile);

/// How large slices of a batch are best (slice.cpp); 0 where a batch cannot be run in slices.
std::int64_t choose_slice(const Program& program);

/// Chooses each step's tactics at the profile's three points (tune.cpp). A step's choices are of one packing. Sets the
/// program's level to the highest that a chosen tactic uses.
void choose_tactics(Program& program, const PlanSettings& settings);

/// Packs the weights as the choices want them (pack.cpp).
void pack_weights(Program& program);

/// All of it. Error if what runs at the profile's maximum does not fit into the workspace.
Program make_program(const Graph& graph, const PlanSettings& settings);

/// Bytes that a context needs beside the weights at the profile's maximum: the arena and the kernels' scratch memory.
std::uint64_t workspace_needed(const Program& program, int threads);

}  // namespace tercet
