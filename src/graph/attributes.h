// SPDX-License-Identifier: Apache-2.0
// Attributes of a node: ONNX's kinds, sorted by name. Looking one up never allocates, since reference implementations
// do it while an engine runs.
#pragma once

#include "tensor/tensor.h"

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace tercet {

using Attribute = std::variant<std::int64_t, float, std::string, std::vector<std::int64_t>, std::vector<float>,
                               std::vector<std::string>, Tensor>;

enum class AttributeKind { integer, real, text, integers, reals, texts, tensor };  // in the order of Attribute's types

class Attributes {
public:
    Attributes() = default;
    Attributes(std::initializer_list<std::pair<std::string, Attribute>> list) {
        for (auto& [name, value] : list) set(name, value);
    }

    bool has(std::string_view name) const { return find(name) != nullptr; }
    const Attribute* find(std::string_view name) const;
    void set(std::string_view name, Attribute value);
    void erase(std::string_view name);

    /// The attribute, or `missing` where the model does not give it. The kinds were checked against the operator's schema.
    std::int64_t integer(std::string_view name, std::int64_t missing) const { return get(name, missing); }
    float real(std::string_view name, float missing) const { return get(name, missing); }
    std::string_view text(std::string_view name, std::string_view missing) const;
    std::span<const std::int64_t> integers(std::string_view name) const;  // empty if not given
    std::span<const float> reals(std::string_view name) const;
    const Tensor* tensor(std::string_view name) const;

    auto begin() const { return list_.begin(); }
    auto end() const { return list_.end(); }
    bool empty() const { return list_.empty(); }
    friend bool operator==(const Attributes&, const Attributes&) = default;

private:
    template <class T>
    T get(std::string_view name, T missing) const {
        const Attribute* a = find(name);
        const T* v = a ? std::get_if<T>(a) : nullptr;
        return v ? *v : missing;
    }
    std::vector<std::pair<std::string, Attribute>> list_;
};

}  // namespace tercet
