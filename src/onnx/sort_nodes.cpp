// SPDX-License-Identifier: Apache-2.0
#include "onnx/sort_nodes.h"

#include "tercet/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <queue>

namespace tercet::onnx {

std::vector<std::size_t> sort_nodes(std::span<const FileNode> nodes) {
    std::map<std::string_view, std::size_t> producer;
    for (std::size_t i = 0; i < nodes.size(); ++i)
        for (const std::string& o : nodes[i].outputs)
            if (!o.empty()) producer.emplace(o, i);

    std::vector<std::vector<std::size_t>> producers(nodes.size()), users(nodes.size());  // once per use
    const auto read = [&](std::size_t user, const std::string& name) {
        const auto p = producer.find(name);
        if (p == producer.end()) return;
        producers[user].push_back(p->second);
        users[p->second].push_back(user);
    };
    std::priority_queue<std::size_t, std::vector<std::size_t>, std::greater<>> ready;
    std::vector<std::size_t> waits(nodes.size());
    for (std::size_t i = 0; i < nodes.size(); ++i) {
        for (const std::string& name : nodes[i].inputs) read(i, name);
        for (const auto& [attribute, body] : nodes[i].bodies)
            for (const std::string& name : body->captured) read(i, name);
        waits[i] = producers[i].size();
        if (waits[i] == 0) ready.push(i);
    }
    std::vector<std::size_t> sorted;
    while (!ready.empty()) {
        const std::size_t i = ready.top();
        ready.pop();
        sorted.push_back(i);
        for (std::size_t user : users[i])
            if (--waits[user] == 0) ready.push(user);
    }
    if (sorted.size() == nodes.size()) return sorted;

    // From any node that still waits, a walk to producers that wait, too, ends in a circle.
    const auto is_waiting = [&](std::size_t i) { return waits[i] > 0; };
    std::size_t at = 0;
    while (!is_waiting(at)) ++at;
    for (std::set<std::size_t> seen; seen.insert(at).second;) at = *std::ranges::find_if(producers[at], is_waiting);
    throw Error({.what = fmt::format("its nodes form a cycle, '{}' stands in it", nodes[at].label()), .fix = "check the model with onnx.checker"});
}

}  // namespace tercet::onnx
