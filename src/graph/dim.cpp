// SPDX-License-Identifier: Apache-2.0
#include "graph/dim.h"

#include "tercet/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace tercet {
namespace {

[[noreturn]] void overflow() { throw Error({.what = "a size does not fit into 64 bits", .fix = "check the model's shapes"}); }

std::int64_t add(std::int64_t a, std::int64_t b) {
    std::int64_t r;
    if (__builtin_add_overflow(a, b, &r)) overflow();
    return r;
}

std::int64_t multiply(std::int64_t a, std::int64_t b) {
    std::int64_t r;
    if (__builtin_mul_overflow(a, b, &r)) overflow();
    return r;
}

std::int64_t divide(std::int64_t a, std::int64_t b) {
    if (b == 0) throw Error({.what = "a size is divided by 0", .fix = "check the model's shapes"});
    if (a == INT64_MIN && b == -1) overflow();
    return a / b - (a % b != 0 && (a < 0) != (b < 0));
}

Range add(Range a, Range b) { return {add(a.min, b.min), add(a.max, b.max)}; }

template <class Op>
Range corners(Range a, Range b, Op op) {
    const auto [lo, hi] = std::minmax({op(a.min, b.min), op(a.min, b.max), op(a.max, b.min), op(a.max, b.max)});
    return {lo, hi};
}

Range multiply(Range a, Range b) {
    return corners(a, b, [](std::int64_t x, std::int64_t y) { return multiply(x, y); });
}

Range divide(Range a, Range b) {
    if (b.min <= 0 && b.max >= 0) b = {b.max > 0 ? 1 : b.min, b.max > 0 ? b.max : -1};  // 0 itself is an error at run
    return corners(a, b, [](std::int64_t x, std::int64_t y) { return divide(x, y); });
}

bool identifier_char(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.' || c == '?'; }

}  // namespace

Dim Dim::symbol(std::string name) { return of({.text = std::move(name), .kind = Kind::symbol, .args = nullptr}); }

Dim Dim::of(Factor f) {
    Dim d;
    d.terms_.push_back({1, {std::move(f)}});
    return d;
}

bool Dim::is_symbol() const {
    return constant_ == 0 && terms_.size() == 1 && terms_[0].coefficient == 1 && terms_[0].factors.size() == 1 &&
           terms_[0].factors[0].kind == Kind::symbol;
}

std::string Dim::text_of(const Term& t) {
    std::string s;
    for (const Factor& f : t.factors) s += (s.empty() ? "" : "*") + f.text;
    return s;
}

Dim Dim::opaque(Kind kind, const Dim& a, const Dim& b) {
    const char* name = kind == Kind::floor_div ? "floor" : kind == Kind::min ? "min" : "max";
    Factor f{.text = kind == Kind::floor_div ? fmt::format("floor(({})/({}))", a.text(), b.text())
                                             : fmt::format("{}({}, {})", name, a.text(), b.text()),
             .kind = kind,
             .args = std::make_shared<const std::pair<Dim, Dim>>(a, b)};
    if (f.text.size() > 4096) throw Error({.what = "a symbolic size grows too long to follow", .fix = "give the input fixed sizes"});
    return of(std::move(f));
}

Dim Dim::sum(const Dim& a, const Dim& b, std::int64_t sign) {
    Dim r = a;
    r.constant_ = add(r.constant_, multiply(sign, b.constant_));
    for (const Term& t : b.terms_) {
        const std::string key = text_of(t);
        auto at = std::find_if(r.terms_.begin(), r.terms_.end(), [&](const Term& u) { return text_of(u) >= key; });
        if (at != r.terms_.end() && text_of(*at) == key) {
            at->coefficient = add(at->coefficient, multiply(sign, t.coefficient));
            if (at->coefficient == 0) r.terms_.erase(at);
        } else {
            r.terms_.insert(at, {multiply(sign, t.coefficient), t.factors});
        }
    }
    return r;
}

Dim operator+(const Dim& a, const Dim& b) { return Dim::sum(a, b, 1); }
Dim operator-(const Dim& a, const Dim& b) { return Dim::sum(a, b, -1); }

Dim operator*(const Dim& a, const Dim& b) {
    if (a.is_constant() && b.is_constant()) return multiply(a.constant_, b.constant_);
    Dim r;
    const auto add_product = [&](const Dim::Term& x, const Dim::Term& y) {
        Dim d;
        d.terms_.push_back({multiply(x.coefficient, y.coefficient), x.factors});
        auto& f = d.terms_[0].factors;
        f.insert(f.end(), y.factors.begin(), y.factors.end());
        std::ranges::sort(f, {}, &Dim::Factor::text);
        if (f.empty()) d = Dim(d.terms_[0].coefficient);
        r = r + d;
    };
    const Dim::Term one_a{a.constant_, {}}, one_b{b.constant_, {}};
    if (a.terms_.size() * b.terms_.size() > 256)
        throw Error({.what = "a symbolic size grows too long to follow", .fix = "give the input fixed sizes"});
    for (const auto& x : a.terms_) {
        for (const auto& y : b.terms_) add_product(x, y);
        if (b.constant_ != 0) add_product(x, one_b);
    }
    if (a.constant_ != 0)
        for (const auto& y : b.terms_) add_product(one_a, y);
    r.constant_ = add(r.constant_, multiply(a.constant_, b.constant_));
    return r;
}

// a/b where b is one product that stands in every term of a.
std::optional<Dim> Dim::divide_exactly(const Dim& a, const Dim& b) {
    if (b.constant_ != 0 || b.terms_.size() != 1 || a.constant_ != 0) return std::nullopt;
    const Term& by = b.terms_[0];
    Dim r;
    for (const Term& t : a.terms_) {
        if (t.coefficient % by.coefficient != 0) return std::nullopt;
        Dim d;
        d.terms_.push_back({t.coefficient / by.coefficient, t.factors});
        auto& left = d.terms_[0].factors;
        for (const Factor& f : by.factors) {
            auto at = std::ranges::find(left, f.text, &Factor::text);
            if (at == left.end()) return std::nullopt;
            left.erase(at);
        }
        if (left.empty()) d = Dim(d.terms_[0].coefficient);
        r = r + d;
    }
    return r;
}

Dim floor_div(const Dim& a, const Dim& b) {
    if (a == b && !a.is_constant()) return 1;
    if (!b.is_constant()) {
        if (auto exact = Dim::divide_exactly(a, b)) return *exact;
        if (a.is_constant() && a.constant_ == 0) return 0;
        return Dim::opaque(Dim::Kind::floor_div, a, b);
    }
    const std::int64_t k = b.constant_;
    if (a.is_constant()) return divide(a.constant_, k);
    if (k == 1) return a;
    if (k <= 0) return Dim::opaque(Dim::Kind::floor_div, a, b);
    // What is divisible comes out: floor((k*q + r)/k) = q + floor(r/k).
    Dim whole = divide(a.constant_, k), rest = a.constant_ - multiply(divide(a.constant_, k), k);
    for (const auto& t : a.terms_) {
        Dim d;
        const bool divisible = t.coefficient % k == 0;
        d.terms_.push_back({divisible ? t.coefficient / k : t.coefficient, t.factors});
        (divisible ? whole : rest) = (divisible ? whole : rest) + d;
    }
    if (rest.is_constant()) return whole;
    // floor(floor(x/m)/k) = floor(x/(m*k))
    if (rest.constant_ == 0 && rest.terms_.size() == 1 && rest.terms_[0].coefficient == 1 && rest.terms_[0].factors.size() == 1) {
        const auto& f = rest.terms_[0].factors[0];
        if (f.kind == Dim::Kind::floor_div && f.args->second.is_constant() && f.args->second.constant_ > 0)
            return whole + floor_div(f.args->first, multiply(f.args->second.constant_, k));
    }
    return whole + Dim::opaque(Dim::Kind::floor_div, rest, b);
}

// Whether d is kind(x, y) alone, with x or y equal to `part`.
bool Dim::is_bound_by(const Dim& d, Kind kind, const Dim& part) {
    if (d.constant_ != 0 || d.terms_.size() != 1 || d.terms_[0].coefficient != 1 || d.terms_[0].factors.size() != 1) return false;
    const Factor& f = d.terms_[0].factors[0];
    return f.kind == kind && (f.args->first == part || f.args->second == part);
}

// min(a, max(a, b)) == a, max(a, min(a, b)) == a, and the same twice adds nothing.
Dim min(const Dim& a, const Dim& b) {
    if (const auto d = (a - b).constant()) return *d <= 0 ? a : b;
    if (Dim::is_bound_by(b, Dim::Kind::max, a) || Dim::is_bound_by(a, Dim::Kind::min, b)) return a;
    if (Dim::is_bound_by(a, Dim::Kind::max, b) || Dim::is_bound_by(b, Dim::Kind::min, a)) return b;
    return a.text() < b.text() ? Dim::opaque(Dim::Kind::min, a, b) : Dim::opaque(Dim::Kind::min, b, a);
}

Dim max(const Dim& a, const Dim& b) {
    if (const auto d = (a - b).constant()) return *d >= 0 ? a : b;
    if (Dim::is_bound_by(b, Dim::Kind::min, a) || Dim::is_bound_by(a, Dim::Kind::max, b)) return a;
    if (Dim::is_bound_by(a, Dim::Kind::min, b) || Dim::is_bound_by(b, Dim::Kind::max, a)) return b;
    return a.text() < b.text() ? Dim::opaque(Dim::Kind::max, a, b) : Dim::opaque(Dim::Kind::max, b, a);
}

bool operator==(const Dim& a, const Dim& b) {
    return a.constant_ == b.constant_ &&
           std::ranges::equal(a.terms_, b.terms_, [](const Dim::Term& x, const Dim::Term& y) {
               return x.coefficient == y.coefficient &&
                      std::ranges::equal(x.factors, y.factors, {}, &Dim::Factor::text, &Dim::Factor::text);
           });
}

template <class V, class Symbol, class Divide, class Min, class Max>
V Dim::fold(Symbol&& symbol, Divide&& quotient, Min&& lesser, Max&& greater) const {
    const auto number = [](std::int64_t x) {
        if constexpr (std::is_same_v<V, Range>) return Range{x, x};
        else return x;
    };
    V total = number(constant_);
    for (const Term& t : terms_) {
        V product = number(t.coefficient);
        for (const Factor& f : t.factors) {
            const auto arg = [&](const Dim& d) { return d.fold<V>(symbol, quotient, lesser, greater); };
            product = multiply(product, f.kind == Kind::symbol      ? symbol(f.text)
                                        : f.kind == Kind::floor_div ? quotient(arg(f.args->first), arg(f.args->second))
                                        : f.kind == Kind::min       ? lesser(arg(f.args->first), arg(f.args->second))
                                                                    : greater(arg(f.args->first), arg(f.args->second)));
        }
        total = add(total, product);
    }
    return total;
}

std::int64_t Dim::evaluate(const Symbols& symbols) const {
    using I = std::int64_t;
    return fold<I>(
        [&](const std::string& name) {
            const auto it = symbols.find(name);
            if (it == symbols.end()) throw Error({.what = fmt::format("the size '{}' has no value", name), .fix = "give the shape of every input"});
            return it->second;
        },
        [](I a, I b) { return divide(a, b); }, [](I a, I b) { return std::min(a, b); }, [](I a, I b) { return std::max(a, b); });
}

Range Dim::bounds(const SymbolRanges& ranges) const {
    return fold<Range>(
        [&](const std::string& name) {
            const auto it = ranges.find(name);
            if (it == ranges.end()) throw Error({.what = fmt::format("the size '{}' has no bounds", name), .fix = "give the input fixed sizes"});
            return it->second;
        },
        [](Range a, Range b) { return divide(a, b); },
        [](Range a, Range b) { return Range{std::min(a.min, b.min), std::min(a.max, b.max)}; },
        [](Range a, Range b) { return Range{std::max(a.min, b.min), std::max(a.max, b.max)}; });
}

void Dim::collect_symbols(std::vector<std::string>& names) const {
    for (const Term& t : terms_)
        for (const Factor& f : t.factors) {
            if (f.kind == Kind::symbol) {
                if (std::ranges::find(names, f.text) == names.end()) names.push_back(f.text);
            } else {
                f.args->first.collect_symbols(names);
                f.args->second.collect_symbols(names);
            }
        }
}

std::string Dim::text() const {
    std::string s;
    const auto sign = [&](std::int64_t c) { s += s.empty() ? (c < 0 ? "-" : "") : (c < 0 ? " - " : " + "); };
    const auto magnitude = [](std::int64_t c) { return c < 0 ? 0 - static_cast<std::uint64_t>(c) : static_cast<std::uint64_t>(c); };
    for (const Term& t : terms_) {
        sign(t.coefficient);
        if (t.coefficient != 1 && t.coefficient != -1) s += fmt::format("{}*", magnitude(t.coefficient));
        s += text_of(t);
    }
    if (constant_ != 0 || s.empty()) {
        sign(constant_);
        s += fmt::format("{}", magnitude(constant_));
    }
    return s;
}

namespace {

// sum := ["-"] product {("+"|"-") product};  product := atom {"*" atom}
// atom := integer | symbol | "(" sum ")" | "floor" "(" "(" sum ")" "/" "(" sum ")" ")" | ("min"|"max") "(" sum "," sum ")"
class Parser {
public:
    explicit Parser(std::string_view text) : text_(text) {}
    Dim all() {
        Dim d = sum();
        if (skip(); at_ != text_.size()) fail();
        return d;
    }

private:
    [[noreturn]] void fail() const {
        throw Error({.what = fmt::format("'{}' is not a size", text_), .fix = "write an integer, a name, or a sum of products of these"});
    }
    void skip() {
        while (at_ < text_.size() && text_[at_] == ' ') ++at_;
    }
    bool take(char c) {
        skip();
        if (at_ >= text_.size() || text_[at_] != c) return false;
        ++at_;
        return true;
    }
    void want(char c) {
        if (!take(c)) fail();
    }
    Dim sum() {
        if (++depth_ > 64) fail();
        Dim d = take('-') ? Dim(0) - product() : product();
        while (true) {
            if (take('+')) d = d + product();
            else if (take('-')) d = d - product();
            else break;
        }
        --depth_;
        return d;
    }
    Dim product() {
        Dim d = atom();
        while (take('*')) d = d * atom();
        return d;
    }
    Dim atom() {
        if (take('(')) {
            Dim d = sum();
            want(')');
            return d;
        }
        const std::size_t start = at_;
        while (at_ < text_.size() && identifier_char(text_[at_])) ++at_;
        const std::string word(text_.substr(start, at_ - start));
        if (word.empty()) fail();
        if (std::ranges::all_of(word, [](unsigned char c) { return std::isdigit(c); })) {
            std::int64_t n = 0;
            for (char c : word) n = add(multiply(n, 10), c - '0');
            return n;
        }
        if (word == "floor" && take('(')) {
            const Dim a = (want('('), sum());
            want(')'), want('/'), want('(');
            const Dim b = sum();
            want(')'), want(')');
            return floor_div(a, b);
        }
        if ((word == "min" || word == "max") && take('(')) {
            const Dim a = sum();
            want(',');
            const Dim b = sum();
            want(')');
            return word == "min" ? min(a, b) : max(a, b);
        }
        return Dim::symbol(word);
    }

    std::string_view text_;
    std::size_t at_ = 0;
    int depth_ = 0;
};

}  // namespace

Dim Dim::parse(std::string_view text) { return Parser(text).all(); }

std::string text_of(const Shape& shape) {
    std::string s;
    for (const Dim& d : shape) s += (s.empty() ? "" : ",") + d.text();
    return s;
}

}  // namespace tercet
