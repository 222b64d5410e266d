// SPDX-License-Identifier: Apache-2.0
#include "plan/profile.h"

#include <fmt/format.h>

#include <array>

namespace tercet {
namespace {

constexpr std::array<std::string_view, 3> options{"--min-shapes", "--opt-shapes", "--max-shapes"};

void check_given(const Graph& g, std::string_view option, const Shapes& shapes) {
    for (const auto& [name, shape] : shapes) {
        const auto input = std::ranges::find(g.inputs(), name, [&](ValueId v) { return g.value(v).name; });
        if (input == g.inputs().end()) {
            std::vector<std::string> names;
            for (ValueId v : g.inputs()) names.push_back(g.value(v).name);
            throw Error({.what = fmt::format("{}: the model has no input '{}'", option, name), .fix = fmt::format("its inputs: {}", fmt::join(names, ", "))});
        }
        const Type& type = g.value(*input).type;
        if (shape.size() != type.shape.size())
            throw Error({.what = fmt::format("{}: '{}' has {} dimensions, {} are given", option, name, type.shape.size(), shape.size()), .fix = fmt::format("it is {}", text_of(type))});
        for (std::size_t i = 0; i < shape.size(); ++i) {
            if (shape[i] < 0) throw Error({.what = fmt::format("{}: the size {} of '{}' is negative", option, shape[i], name), .fix = "give sizes from 0 on"});
            if (const auto c = type.shape[i].constant(); c && *c != shape[i])
                throw Error({.what = fmt::format("{}: dimension {} of '{}' is fixed to {}, {} is given", option, i, name, *c, shape[i]), .fix = fmt::format("it is {}", text_of(type))});
        }
    }
}

}  // namespace

Profile make_profile(const Graph& g, const Shapes& min, const Shapes& opt, const Shapes& max) {
    const std::array<const Shapes*, 3> given{&min, &opt, &max};
    for (std::size_t i = 0; i < given.size(); ++i) check_given(g, options[i], *given[i]);
    Profile profile;
    for (ValueId v : g.inputs()) {
        const Value& input = g.value(v);
        for (std::size_t d = 0; d < input.type.shape.size(); ++d) {
            const Dim& dim = input.type.shape[d];
            if (dim.is_constant()) continue;
            const std::string symbol = dim.text();
            std::array<std::optional<std::int64_t>, 3> sizes;
            for (std::size_t i = 0; i < sizes.size(); ++i)
                if (const auto it = given[i]->find(input.name); it != given[i]->end()) sizes[i] = it->second[d];
            if (!sizes[0] && !sizes[1] && !sizes[2]) continue;
            // What is left out takes its neighbour's size: one shape alone fixes the engine to it.
            const std::int64_t o = sizes[1] ? *sizes[1] : sizes[2] ? *sizes[2] : *sizes[0];
            const SymbolProfile p{sizes[0].value_or(o), o, sizes[2].value_or(o)};
            if (p.min > p.opt || p.opt > p.max)
                throw Error({.what = fmt::format("input '{}': the sizes {}, {}, {} of '{}' do not rise", input.name, p.min, p.opt, p.max, symbol), .fix = "give min <= opt <= max"});
            if (const auto [it, fresh] = profile.emplace(symbol, p); !fresh && it->second != p)
                throw Error({.what = fmt::format("the size '{}' gets two ranges", symbol), .fix = "give inputs that share it the same sizes"});
        }
    }
    for (ValueId v : g.inputs()) {
        const Value& input = g.value(v);
        for (std::size_t d = 0; d < input.type.shape.size(); ++d) {
            const Dim& dim = input.type.shape[d];
            if (dim.is_constant() || profile.contains(dim.text())) continue;
            if (d == 0) profile[dim.text()] = {1, 16, 32};
        }
    }
    for (ValueId v : g.inputs()) {
        const Value& input = g.value(v);
        for (const Dim& dim : input.type.shape)
            if (!dim.is_constant() && !profile.contains(dim.text())) {
                std::string example;
                for (const Dim& d : input.type.shape) example += (example.empty() ? "" : "x") + (d.is_constant() ? d.text() : "<" + d.text() + ">");
                throw Error({.what = fmt::format("input '{}' has the dynamic size '{}'", input.name, dim.text()),
                             .fix = fmt::format("say which sizes it may have: --min-shapes {0}:{1} --opt-shapes {0}:{1} --max-shapes {0}:{1}", input.name, example)});
            }
    }
    return profile;
}

}  // namespace tercet
