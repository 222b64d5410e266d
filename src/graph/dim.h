// SPDX-License-Identifier: Apache-2.0
// Dim: one extent of a shape, an integer or an expression over named symbols (N, 2*N, N*49, floor((H + 1)/2)).
// Always in canonical form (a polynomial whose factors are symbols or opaque floor/min/max terms), so that equal
// expressions compare equal: 2*N + N == 3*N, (4*N + 2)/2 == 2*N + 1.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tercet {

using Symbols = std::map<std::string, std::int64_t, std::less<>>;

struct Range {
    std::int64_t min = 0, max = 0;
};
using SymbolRanges = std::map<std::string, Range, std::less<>>;

class Dim {
public:
    Dim(std::int64_t constant = 0) : constant_(constant) {}
    static Dim symbol(std::string name);

    bool is_constant() const { return terms_.empty(); }
    std::optional<std::int64_t> constant() const { return is_constant() ? std::optional(constant_) : std::nullopt; }
    bool is_symbol() const;  // a symbol alone

    /// Error when a symbol has no value, on overflow, and on division by zero.
    std::int64_t evaluate(const Symbols&) const;
    /// Bounds over all values of the symbols within their ranges (interval arithmetic: never too narrow).
    Range bounds(const SymbolRanges&) const;
    /// Adds the names of the symbols in it.
    void collect_symbols(std::vector<std::string>& names) const;

    std::string text() const;
    static Dim parse(std::string_view text);  // Error on anything but what text() writes

    friend Dim operator+(const Dim&, const Dim&);
    friend Dim operator-(const Dim&, const Dim&);
    friend Dim operator*(const Dim&, const Dim&);
    friend Dim floor_div(const Dim&, const Dim&);  // towards minus infinity
    friend Dim min(const Dim&, const Dim&);
    friend Dim max(const Dim&, const Dim&);
    friend bool operator==(const Dim&, const Dim&);

private:
    enum class Kind { symbol, floor_div, min, max };
    struct Factor {  // ordered and compared by its text
        std::string text;
        Kind kind = Kind::symbol;
        std::shared_ptr<const std::pair<Dim, Dim>> args;  // of floor_div, min, max
    };
    struct Term {  // coefficient * product of factors (sorted)
        std::int64_t coefficient = 1;
        std::vector<Factor> factors;
    };
    static Dim of(Factor f);
    static Dim opaque(Kind, const Dim& a, const Dim& b);
    static Dim sum(const Dim& a, const Dim& b, std::int64_t sign);
    static std::optional<Dim> divide_exactly(const Dim& a, const Dim& b);
    static bool is_bound_by(const Dim& d, Kind kind, const Dim& part);
    static std::string text_of(const Term&);
    template <class V, class Symbol, class Divide, class Min, class Max>
    V fold(Symbol&& symbol, Divide&& divide, Min&& lesser, Max&& greater) const;

    std::int64_t constant_ = 0;
    std::vector<Term> terms_;  // sorted by the factors' texts, no coefficient 0
};

inline Dim ceil_div(const Dim& a, const Dim& b) { return floor_div(a + b - Dim(1), b); }

using Shape = std::vector<Dim>;

std::string text_of(const Shape&);  // "N,3,224,224"

}  // namespace tercet
