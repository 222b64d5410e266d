// SPDX-License-Identifier: Apache-2.0
// Expansions: forms of an engine's weights that are larger than they are (Tactic::expand). Each is made once, when the first
// shape is prepared whose kernels read it, and shared by all of the engine's contexts from then on.
#pragma once

#include "engine/program.h"

#include <list>
#include <mutex>

namespace tercet {

class Expansions {
public:
    struct Key {
        ValueId weights = ValueId::none;
        std::string tactic, expansion;
        const Node* node = nullptr;  // of the program: with another `group` or `transB` the same weights lie differently
        friend bool operator==(const Key& a, const Key& b) {
            return a.weights == b.weights && a.tactic == b.tactic && a.expansion == b.expansion && a.node->op == b.node->op && a.node->attributes == b.node->attributes;
        }
    };

    class Entry {
    public:
        explicit Entry(Key k) : key(std::move(k)) {}
        /// The first who asks makes it; whoever asks meanwhile waits.
        template <class F>
        const Tensor& get(F&& make) {
            std::call_once(once_, [&] { tensor_ = make(); });
            return tensor_;
        }
        const Key key;

    private:
        std::once_flag once_;
        Tensor tensor_;
    };

    /// Lives as long as this does. Safe to call from any thread.
    Entry& entry(Key key) {
        const std::lock_guard lock(mutex_);
        for (Entry& e : entries_)
            if (e.key == key) return e;
        return entries_.emplace_back(std::move(key));
    }

private:
    std::mutex mutex_;
    std::list<Entry> entries_;
};

}  // namespace tercet
