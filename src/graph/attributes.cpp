// SPDX-License-Identifier: Apache-2.0
#include "graph/attributes.h"

#include <algorithm>

namespace tercet {
namespace {

constexpr auto by_name = [](const auto& entry) { return std::string_view(entry.first); };

}  // namespace

const Attribute* Attributes::find(std::string_view name) const {
    const auto it = std::ranges::lower_bound(list_, name, {}, by_name);
    return it != list_.end() && it->first == name ? &it->second : nullptr;
}

void Attributes::set(std::string_view name, Attribute value) {
    const auto it = std::ranges::lower_bound(list_, name, {}, by_name);
    if (it != list_.end() && it->first == name) it->second = std::move(value);
    else list_.emplace(it, std::string(name), std::move(value));
}

void Attributes::erase(std::string_view name) {
    std::erase_if(list_, [&](const auto& entry) { return entry.first == name; });
}

std::string_view Attributes::text(std::string_view name, std::string_view missing) const {
    const Attribute* a = find(name);
    const auto* v = a ? std::get_if<std::string>(a) : nullptr;
    return v ? std::string_view(*v) : missing;
}

std::span<const std::int64_t> Attributes::integers(std::string_view name) const {
    const Attribute* a = find(name);
    const auto* v = a ? std::get_if<std::vector<std::int64_t>>(a) : nullptr;
    return v ? std::span<const std::int64_t>(*v) : std::span<const std::int64_t>();
}

std::span<const float> Attributes::reals(std::string_view name) const {
    const Attribute* a = find(name);
    const auto* v = a ? std::get_if<std::vector<float>>(a) : nullptr;
    return v ? std::span<const float>(*v) : std::span<const float>();
}

const Tensor* Attributes::tensor(std::string_view name) const {
    const Attribute* a = find(name);
    return a ? std::get_if<Tensor>(a) : nullptr;
}

}  // namespace tercet
