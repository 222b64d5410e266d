// SPDX-License-Identifier: Apache-2.0
#include "engine/program_json.h"

#include "graph/text.h"

#include <fmt/format.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <utility>

namespace tercet {
namespace {

using nlohmann::json;
using Place = ProgramValue::Place;

constexpr std::array<std::string_view, 4> place_names{"input", "constant", "arena", "view"};

json tensor_to_json(const Tensor& t, WeightsWriter& weights) {
    return {{"type", name_of(t.dtype())}, {"shape", std::vector<std::int64_t>(t.shape().begin(), t.shape().end())}, {"at", weights.add(t)}};
}

json attribute_to_json(const Attribute& a, WeightsWriter& weights) {
    return std::visit(
        [&](const auto& v) -> json {
            using T = std::decay_t<decltype(v)>;
            if constexpr (std::is_same_v<T, Tensor>) return {static_cast<int>(AttributeKind::tensor), tensor_to_json(v, weights)};
            else return {static_cast<int>(a.index()), v};
        },
        a);
}

json ids(const std::vector<ValueId>& values) {
    json j = json::array();
    for (ValueId v : values) j.push_back(static_cast<std::int32_t>(v));
    return j;
}

[[noreturn]] void damaged(std::string_view what) { throw Error({.what = fmt::format("the engine is damaged: {}", what), .fix = "build it again"}); }

// A number that nlohmann-json would otherwise convert from anything: from a fraction, or by dropping bits.
template <class T>
T integer(const json& j) {
    if (!j.is_number_integer() || (j.is_number_unsigned() && j.get<std::uint64_t>() > std::uint64_t{INT64_MAX})) damaged("a number");
    const auto n = j.get<std::int64_t>();
    if (!std::in_range<T>(n)) damaged("a number");
    return static_cast<T>(n);
}

std::vector<std::int64_t> integers(const json& j) {
    std::vector<std::int64_t> v;
    for (const json& n : j) v.push_back(integer<std::int64_t>(n));
    return v;
}

ValueId id(const json& j) { return static_cast<ValueId>(integer<std::int32_t>(j)); }

class Reader {
public:
    Reader(std::span<const std::byte> weights, const std::shared_ptr<const void>& owner) : weights_(weights), owner_(owner) {}

    Program program(const json& j) const {
        Program p;
        p.model = j.at("model");
        p.precision = j.at("precision");
        p.precision_plan = j.at("precision_plan");
        const auto isa = isa_named(j.at("isa").get<std::string>());
        if (!isa) throw Error({.what = fmt::format("it needs the unknown instruction set '{}'", j.at("isa").get<std::string>()), .fix = "run it with the version that built it"});
        p.isa = *isa;
        p.arena_bytes = integer<std::int64_t>(j.at("arena_bytes"));
        p.slice = integer<std::int64_t>(j.at("slice"));
        for (const auto& [name, range] : j.at("profile").items()) p.profile[name] = {integer<std::int64_t>(range.at(0)), integer<std::int64_t>(range.at(1)), integer<std::int64_t>(range.at(2))};
        for (const json& v : j.at("values")) p.values.push_back(value(v));
        for (const json& s : j.at("steps")) p.steps.push_back(step(s));
        p.inputs = values(j.at("inputs"));
        for (const json& o : j.at("outputs")) p.outputs.push_back({o.at(0), id(o.at(1))});
        return p;
    }

private:
    Tensor tensor(const json& j) const {
        const auto dtype = dtype_named(j.at("type").get<std::string>());
        if (!dtype || bits_of(*dtype) == 0) damaged("a constant's type");
        const auto extents = integers(j.at("shape"));
        if (extents.size() > static_cast<std::size_t>(max_rank)) damaged("a constant's shape");
        std::int64_t count = 1;
        for (std::int64_t d : extents)
            if (d < 0 || __builtin_mul_overflow(count, std::max<std::int64_t>(d, 1), &count) || count > (std::int64_t{1} << 48)) damaged("a constant's shape");
        const std::uint64_t bytes = bytes_of(*dtype, count_of(extents)), offset = integer<std::uint64_t>(j.at("at"));
        if (offset % 64 != 0 || offset > weights_.size() || bytes > weights_.size() - offset) damaged("a constant's place");
        return Tensor(*dtype, Dims(extents), owner_, weights_.data() + offset);
    }

    std::vector<ValueId> values(const json& j) const {
        std::vector<ValueId> v;
        for (const json& x : j) v.push_back(id(x));
        return v;
    }

    ProgramValue value(const json& j) const {
        ProgramValue v;
        v.name = j.at("name");
        v.type = parse_type(j.at("type").get<std::string>());
        if (v.type.shape.size() > static_cast<std::size_t>(max_rank)) damaged("a value's shape");
        const auto place = std::ranges::find(place_names, j.at("place").get<std::string>());
        if (place == place_names.end()) damaged("a value's place");
        v.place = static_cast<Place>(place - place_names.begin());
        if (v.place == Place::constant) v.constant = tensor(j.at("constant"));
        if (v.place == Place::view) v.of = id(j.at("of"));
        return v;
    }

    Attribute attribute(const json& j) const {
        const json& v = j.at(1);
        switch (static_cast<AttributeKind>(integer<int>(j.at(0)))) {
            case AttributeKind::integer: return integer<std::int64_t>(v);
            case AttributeKind::real: return v.get<float>();
            case AttributeKind::text: return v.get<std::string>();
            case AttributeKind::integers: return integers(v);
            case AttributeKind::reals: return v.get<std::vector<float>>();
            case AttributeKind::texts: return v.get<std::vector<std::string>>();
            case AttributeKind::tensor: return tensor(v);
        }
        damaged("an attribute's kind");
    }

    ProgramStep step(const json& j) const {
        ProgramStep s;
        s.node.op = j.at("op");
        s.node.domain = j.at("domain");
        s.node.name = j.at("name");
        s.node.layers = j.at("layers").get<std::vector<std::string>>();
        s.node.inputs = values(j.at("inputs"));
        s.node.outputs = values(j.at("outputs"));
        for (const auto& [name, a] : j.at("attributes").items()) s.node.attributes.set(name, attribute(a));
        s.packing = j.at("packing");
        for (const json& d : j.at("decides")) {
            Unknown& u = s.decides.emplace_back(Unknown{d.at(0), std::nullopt});
            if (const std::string bound = d.at(1); !bound.empty()) u.bound = Dim::parse(bound);
        }
        if (j.at("choices").size() != s.choices.size()) damaged("a step's choices");
        for (std::size_t i = 0; i < s.choices.size(); ++i) {
            const json& c = j.at("choices").at(i);
            s.choices[i] = {c.at(0), {integer<int>(c.at(1)), integer<int>(c.at(2)), integer<int>(c.at(3)), integer<int>(c.at(4))}};
        }
        return s;
    }

    std::span<const std::byte> weights_;
    std::shared_ptr<const void> owner_;
};

// What the parser may be given: it calls itself for what is nested, and would exhaust the stack. So items have a length,
// at most 16 stand within each other (a program has 7), and none says that it is longer than the bytes that follow.
bool is_harmless_cbor(std::span<const std::byte> bytes) {
    std::vector<std::uint64_t> left{1};  // items to come, per level
    for (std::size_t at = 0; !left.empty();) {
        if (left.back() == 0) {
            left.pop_back();
            continue;
        }
        --left.back();
        if (at == bytes.size()) return false;
        const auto first = std::to_integer<unsigned>(bytes[at++]);
        const unsigned major = first >> 5, info = first & 31;
        std::uint64_t value = info;
        if (info >= 24) {
            const std::size_t n = std::size_t{1} << (info - 24);
            if (info > 27 || n > bytes.size() - at) return false;
            value = 0;
            for (std::size_t i = 0; i < n; ++i) value = value << 8 | std::to_integer<std::uint64_t>(bytes[at++]);
        }
        if (major == 2 || major == 3) {  // bytes, text
            if (value > bytes.size() - at) return false;
            at += value;
        } else if (major == 4 || major == 5) {  // array, map
            if (value > bytes.size() - at || left.size() > 16) return false;
            left.push_back(major == 5 ? 2 * value : value);
        } else if (major == 6) {  // tag
            return false;
        }
    }
    return true;
}

}  // namespace

std::uint64_t WeightsWriter::add(const Tensor& t) {
    const std::uint64_t hash = XXH3_64bits(t.data(), t.bytes());
    for (auto [it, end] = by_hash_.equal_range(hash); it != end; ++it) {
        const Tensor& known = blobs_[it->second].second;
        if (known.bytes() == t.bytes() && std::memcmp(known.data(), t.data(), t.bytes()) == 0) return blobs_[it->second].first;
    }
    by_hash_.emplace(hash, blobs_.size());
    blobs_.emplace_back(bytes_, t);
    bytes_ += (t.bytes() + 63) / 64 * 64;
    return blobs_.back().first;
}

json program_to_json(const Program& p, WeightsWriter& weights) {
    json j{{"model", p.model}, {"precision", p.precision}, {"precision_plan", p.precision_plan}, {"isa", p.isa.name()}, {"arena_bytes", p.arena_bytes}, {"slice", p.slice}, {"profile", json::object()},
           {"values", json::array()}, {"steps", json::array()}, {"inputs", ids(p.inputs)}, {"outputs", json::array()}};
    for (const auto& [name, s] : p.profile) j["profile"][name] = {s.min, s.opt, s.max};
    for (const ProgramValue& v : p.values) {
        json value{{"name", v.name}, {"type", text_of(v.type)}, {"place", place_names[static_cast<std::size_t>(v.place)]}};
        if (v.place == Place::constant) value["constant"] = tensor_to_json(v.constant, weights);
        if (v.place == Place::view) value["of"] = static_cast<std::int32_t>(v.of);
        j["values"].push_back(std::move(value));
    }
    for (const ProgramStep& s : p.steps) {
        json attributes = json::object(), choices = json::array();
        for (const auto& [name, a] : s.node.attributes) attributes[name] = attribute_to_json(a, weights);
        json decides = json::array();
        for (const Unknown& u : s.decides) decides.push_back({u.symbol, u.bound ? u.bound->text() : ""});
        for (const Choice& c : s.choices) choices.push_back({c.tactic, c.variant.rows, c.variant.cols, c.variant.depth, c.variant.tile});
        j["steps"].push_back({{"op", s.node.op}, {"domain", s.node.domain}, {"name", s.node.name}, {"layers", s.node.layers},
                              {"inputs", ids(s.node.inputs)}, {"outputs", ids(s.node.outputs)}, {"attributes", std::move(attributes)},
                              {"packing", s.packing}, {"choices", std::move(choices)}, {"decides", std::move(decides)}});
    }
    for (const GraphOutput& o : p.outputs) j["outputs"].push_back({o.name, static_cast<std::int32_t>(o.value)});
    return j;
}

json json_from_cbor(std::span<const std::byte> bytes) {
    if (!is_harmless_cbor(bytes)) damaged("its program");
    json j = json::from_cbor(bytes.begin(), bytes.end(), true, false);
    if (j.is_discarded()) damaged("its program");
    return j;
}

Program program_from_json(const json& j, std::span<const std::byte> weights, const std::shared_ptr<const void>& owner) {
    try {
        return Reader(weights, owner).program(j);
    } catch (const json::exception& e) {
        damaged(e.what());
    }
}

}  // namespace tercet
