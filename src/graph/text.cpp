// SPDX-License-Identifier: Apache-2.0
#include "graph/text.h"

#include "tercet/error.h"

#include <fmt/format.h>

#include <cctype>
#include <charconv>
#include <random>

namespace tercet {
namespace {

bool name_char(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.' || c == '?'; }

// The literals' own words cannot be names, nor can anything that starts like a number.
bool is_identifier(std::string_view s) {
    if (s.empty() || s == "_" || s == "random" || s == "positive" || s == "const" || dtype_named(s)) return false;
    if (std::isdigit(static_cast<unsigned char>(s[0])) || s[0] == '.') return false;
    return std::ranges::all_of(s, name_char);
}

std::string quoted(std::string_view s) {
    std::string r = "\"";
    for (char c : s) {
        if (c == '"' || c == '\\') r += '\\';
        r += c;
    }
    return r + "\"";
}

std::string name_text(std::string_view s) { return is_identifier(s) ? std::string(s) : quoted(s); }

std::string literal(const Tensor& t, const TextOptions& o) {
    const std::string dims = fmt::format("{}", fmt::join(t.shape(), ","));
    if ((o.elide_floats && is_float(t.dtype())) || !computes(t.dtype()) || (o.max_elements >= 0 && t.count() > o.max_elements))
        return fmt::format("const[{}]", dims);
    std::string s = fmt::format("{}{}{{", name_of(t.dtype()), t.shape().empty() ? "" : "[" + dims + "]");
    for (std::int64_t i = 0; i < t.count(); ++i) {
        if (i) s += ", ";
        if (t.dtype() == DType::f32) s += fmt::format("{}", static_cast<float>(t.get(i)));
        else if (is_float(t.dtype())) s += fmt::format("{}", t.get(i));
        else if (t.dtype() == DType::u64) s += fmt::format("{}", static_cast<std::uint64_t>(t.get_int(i)));
        else s += fmt::format("{}", t.get_int(i));
    }
    return s + "}";
}

struct PrintAttribute {
    const TextOptions& options;
    std::string operator()(std::int64_t v) const { return fmt::format("{}", v); }
    std::string operator()(float v) const {
        std::string s = fmt::format("{}", v);
        return s.find_first_of(".en") == std::string::npos ? s + ".0" : s;  // "nan" and "inf" have an n
    }
    std::string operator()(const std::string& v) const { return quoted(v); }
    std::string operator()(const Tensor& v) const { return literal(v, options); }
    template <class T>
    std::string operator()(const std::vector<T>& v) const {
        std::string s = std::is_same_v<T, float> ? "f[" : std::is_same_v<T, std::string> ? "s[" : "[";
        for (std::size_t i = 0; i < v.size(); ++i) s += (i ? ", " : "") + (*this)(v[i]);
        return s + "]";
    }
};

}  // namespace

std::string print_text(const Graph& g, const TextOptions& options) {
    const auto value = [&](ValueId v) {
        if (v == ValueId::none) return std::string("_");
        if (const Tensor* t = g.constant(v)) return literal(*t, options);
        return name_text(g.value(v).name);
    };
    std::string s = g.name.empty() ? "(" : name_text(g.name) + " (";
    for (std::size_t i = 0; i < g.inputs().size(); ++i) {
        const Value& in = g.value(g.inputs()[i]);
        s += fmt::format("{}{} {}", i ? ", " : "", text_of(in.type), name_text(in.name));
    }
    s += ") => (";
    for (std::size_t i = 0; i < g.outputs().size(); ++i) {
        const GraphOutput& out = g.outputs()[i];
        const Value& v = g.value(out.value);
        s += fmt::format("{}{} {}", i ? ", " : "", text_of(v.type), name_text(out.name));
        if (g.constant(out.value) || v.name != out.name) s += " = " + value(out.value);
    }
    s += ") {\n";
    for (NodeId id : g.order()) {
        const Node& n = g.node(id);
        s += "    ";
        if (!n.name.empty()) s += "[" + name_text(n.name) + "] ";
        for (std::size_t i = 0; i < n.outputs.size(); ++i) s += (i ? ", " : "") + value(n.outputs[i]);
        s += " = " + (n.domain.empty() ? "" : quoted(n.domain) + ":") + n.op;
        bool first = true;
        for (const auto& [name, attribute] : n.attributes) {
            s += fmt::format("{}{} = {}", first ? "<" : ", ", name, std::visit(PrintAttribute{options}, attribute));
            first = false;
        }
        s += first ? "(" : ">(";
        for (std::size_t i = 0; i < n.inputs.size(); ++i) s += (i ? ", " : "") + value(n.inputs[i]);
        s += ")";
        if (options.types) {
            s += "  #";
            for (ValueId v : n.outputs)
                if (v != ValueId::none) s += " " + text_of(g.value(v).type);
        }
        s += "\n";
    }
    return s + "}\n";
}

namespace {

class Parser {
public:
    explicit Parser(std::string_view text) : text_(text) {}

    Graph graph() {
        if (skip(); peek() != '(') g_.name = name();
        want('(');
        for (bool more = !take(')'); more; more = comma_or(')')) {
            Type t = type();
            const std::string n = name();
            if (g_.find(n) != ValueId::none) fail(fmt::format("'{}' is defined twice", n));
            g_.add_input(n, std::move(t));
        }
        want('='), want('>'), want('(');
        struct Out {
            std::string name;
            std::string value;  // empty: constant
            ValueId constant = ValueId::none;
            std::size_t at = 0;
        };
        std::vector<Out> outs;
        for (bool more = !take(')'); more; more = comma_or(')')) {
            type();
            const std::size_t at = at_;
            Out o{.name = name(), .at = at};
            if (take('=')) {
                if (starts_literal()) o.constant = g_.add_constant("", tensor());
                else o.value = name();
            } else {
                o.value = o.name;
            }
            outs.push_back(std::move(o));
        }
        want('{');
        while (!take('}')) node();
        if (skip(); at_ != text_.size()) fail("the graph ended here");
        for (const Out& o : outs) {
            const ValueId v = o.constant != ValueId::none ? o.constant : g_.find(o.value);
            at_ = o.at;
            if (v == ValueId::none) fail(fmt::format("output '{}' is not computed", o.name));
            g_.add_output(o.name, v);
        }
        return std::move(g_);
    }

    Type type() {
        const std::string_view word = identifier();
        const auto dtype = dtype_named(word);
        if (!dtype) fail(fmt::format("'{}' is no element type", word));
        Type t{*dtype, {}};
        if (!take('[')) return t;
        if (take(']')) return t;
        do t.shape.push_back(dim());
        while (take(','));
        want(']');
        return t;
    }

    Tensor tensor() {
        const std::string_view word = identifier();
        if (const auto dtype = dtype_named(word)) {
            if (!computes(*dtype)) fail(fmt::format("constants of type {} cannot be written", word));
            const Dims dims = peek_is('[') ? shape() : Dims{};
            Tensor t = Tensor::zeros(*dtype, dims);
            want('{');
            for (std::int64_t i = 0; i < t.count(); ++i) {
                if (i) want(',');
                if (is_float(*dtype)) t.writable().set_at(i, number<double>());
                else if (*dtype == DType::u64) t.writable().set_int_at(i, static_cast<std::int64_t>(number<std::uint64_t>()));
                else t.writable().set_int_at(i, number<std::int64_t>());
            }
            want('}');
            return t;
        }
        DType as = DType::f32;
        if (word == "random" && !peek_is('[')) {
            const auto named = dtype_named(identifier());
            if (!named || !computes(*named)) fail("no element type of random constants");
            as = *named;
        }
        const Dims dims = shape();
        Tensor t = Tensor::zeros(as, dims);
        if (word == "const") return t;
        if (word != "random" && word != "positive") fail(fmt::format("'{}' is no constant", word));
        if (is_integer(as)) {  // of 8 bits, what is nearest to the limits comes often
            const double most = bits_of(as) == 8 ? 127 : 1000;
            for (std::int64_t i = 0; i < t.count(); ++i) t.writable().set_at(i, i % 5 == 0 ? (i % 2 ? most : -most) : std::floor((2 * uniform() - 1) * most));
            return t;
        }
        for (std::int64_t i = 0; i < t.count(); ++i) t.writable().set_at(i, word == "random" ? normal_() : 0.5 + uniform());
        return t;
    }

    void end() {
        if (skip(); at_ != text_.size()) fail("nothing may follow here");
    }

private:
    [[noreturn]] void fail(std::string_view what) const {
        const std::string_view before = text_.substr(0, std::min(at_, text_.size()));
        const auto line = std::ranges::count(before, '\n') + 1;
        const std::size_t start = before.rfind('\n');
        throw Error({.what = std::string(what),
                     .where = fmt::format("line {}, column {}", line, at_ - (start == std::string_view::npos ? 0 : start + 1) + 1)});
    }
    char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
    void skip() {
        while (at_ < text_.size()) {
            if (std::isspace(static_cast<unsigned char>(peek()))) ++at_;
            else if (peek() == '#') at_ = std::min(text_.find('\n', at_), text_.size());
            else break;
        }
    }
    bool peek_is(char c) {
        skip();
        return peek() == c;
    }
    bool take(char c) {
        if (!peek_is(c)) return false;
        ++at_;
        return true;
    }
    void want(char c) {
        if (!take(c)) fail(fmt::format("expected '{}'", c));
    }
    bool comma_or(char end) {
        if (take(end)) return false;
        want(',');
        return true;
    }
    std::string_view identifier() {
        skip();
        const std::size_t start = at_;
        while (name_char(peek())) ++at_;
        if (start == at_) fail("expected a name");
        return text_.substr(start, at_ - start);
    }
    std::string quoted_text() {
        want('"');
        std::string s;
        while (peek() != '"') {
            if (at_ >= text_.size()) fail("a string does not end");
            if (peek() == '\\') ++at_;
            s += peek();
            ++at_;
        }
        ++at_;
        return s;
    }
    std::string name() { return peek_is('"') ? quoted_text() : std::string(identifier()); }

    template <class T>
    T number() {
        skip();
        T v{};
        const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), v);
        if (error != std::errc()) fail("expected a number");
        at_ = static_cast<std::size_t>(end - text_.data());
        return v;
    }
    Dim dim() {
        skip();
        const std::size_t start = at_;
        int depth = 0;
        while (at_ < text_.size() && (depth > 0 || (peek() != ',' && peek() != ']'))) {
            depth += peek() == '(' ? 1 : peek() == ')' ? -1 : 0;
            ++at_;
        }
        return Dim::parse(text_.substr(start, at_ - start));
    }
    Dims shape() {
        Dims d;
        want('[');
        if (take(']')) return d;
        std::int64_t count = 1;
        do {
            if (d.size() == max_rank) fail(fmt::format("at most {} dimensions", max_rank));
            d.push_back(number<std::int64_t>());
            if (d.back() < 0 || __builtin_mul_overflow(count, std::max<std::int64_t>(d.back(), 1), &count) || count > (1 << 28)) fail("no such size");
        } while (take(','));
        want(']');
        return d;
    }
    bool starts_literal() {
        skip();
        std::size_t end = at_;
        while (end < text_.size() && name_char(text_[end])) ++end;
        const std::string_view word = text_.substr(at_, end - at_);
        return word == "random" || word == "positive" || word == "const" || dtype_named(word);
    }
    ValueId read_value() {
        if (peek_is('_') && !name_char(at_ + 1 < text_.size() ? text_[at_ + 1] : '\0')) {
            ++at_;
            return ValueId::none;
        }
        if (starts_literal()) return g_.add_constant("", tensor());
        const std::string n = name();
        const ValueId v = g_.find(n);
        if (v == ValueId::none) fail(fmt::format("'{}' is not defined above", n));
        return v;
    }
    Attribute attribute() {
        skip();
        if (peek() == '"') return quoted_text();
        if (starts_literal()) return tensor();
        if (peek() == 'f' && at_ + 1 < text_.size() && text_[at_ + 1] == '[') {
            ++at_;
            return list<float>();
        }
        if (peek() == 's' && at_ + 1 < text_.size() && text_[at_ + 1] == '[') {
            ++at_;
            return list<std::string>();
        }
        if (peek() == '[') return list<std::int64_t>();
        const std::size_t start = at_;
        while (name_char(peek()) || peek() == '-' || peek() == '+') ++at_;
        const std::string_view word = text_.substr(start, at_ - start);
        at_ = start;
        if (word.find_first_of(".enf") == std::string_view::npos) return number<std::int64_t>();
        return number<float>();
    }
    template <class T>
    std::vector<T> list() {
        std::vector<T> v;
        want('[');
        for (bool more = !take(']'); more; more = comma_or(']')) {
            if constexpr (std::is_same_v<T, std::string>) v.push_back(quoted_text());
            else v.push_back(number<T>());
        }
        return v;
    }
    void node() {
        Node n;
        if (take('[')) {
            n.name = name();
            want(']');
        }
        std::vector<std::string> outputs;
        do outputs.push_back(name());
        while (take(','));
        want('=');
        if (peek_is('"')) {
            n.domain = quoted_text();
            want(':');
        }
        n.op = identifier();
        if (take('<'))
            for (bool more = !take('>'); more; more = comma_or('>')) {
                const std::string key(identifier());
                want('=');
                n.attributes.set(key, attribute());
            }
        want('(');
        for (bool more = !take(')'); more; more = comma_or(')')) n.inputs.push_back(read_value());
        for (const std::string& o : outputs) {
            if (o != "_" && g_.find(o) != ValueId::none) fail(fmt::format("'{}' is defined twice", o));
            n.outputs.push_back(o == "_" ? ValueId::none : g_.add_value(o));
        }
        g_.add_node(std::move(n));
    }
    double uniform() { return static_cast<double>(random_() >> 8) / static_cast<double>(1 << 24); }
    // A normal variable, near enough, that is the same with every standard library: the sum of 12 uniform ones.
    double normal_() {
        double sum = -6;
        for (int i = 0; i < 12; ++i) sum += uniform();
        return sum;
    }

    std::string_view text_;
    std::size_t at_ = 0;
    Graph g_;
    std::mt19937 random_{1};
};

}  // namespace

Graph parse_text(std::string_view text) { return Parser(text).graph(); }

Tensor parse_tensor(std::string_view text) {
    Parser p(text);
    Tensor t = p.tensor();
    p.end();
    return t;
}

Type parse_type(std::string_view text) {
    Parser p(text);
    Type t = p.type();
    p.end();
    return t;
}

}  // namespace tercet
