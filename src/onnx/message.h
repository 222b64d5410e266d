// SPDX-License-Identifier: Apache-2.0
// Message: one protobuf message, read field by field. It differs from protozero's reader in that a field of another wire
// type than asked for is an Error, that text has to be UTF-8, and that repeated numbers come packed or not, as the file
// has them. Views point into the message's bytes. A malformed message throws Error, too.
#pragma once

#include "onnx/model_fields.h"
#include "tercet/error.h"

#include <protozero/pbf_reader.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace tercet::onnx {

class Message {
public:
    Message() = default;
    explicit Message(std::string_view bytes) : reader_(bytes.data(), bytes.size()), size_(bytes.size()) {}

    /// Goes to the next field, whose value is then read by one of the functions below; false at the end.
    bool next();
    Field field() const { return reader_.tag(); }
    std::size_t size() const { return size_; }      // bytes of the whole message
    std::size_t left() const { return reader_.length(); }  // bytes not yet read

    std::int64_t integer();
    float real();
    std::string_view bytes();
    std::string_view text();
    Message message() { return Message(bytes()); }
    void skip();

    /// Appends this field's number or numbers.
    void append(std::vector<std::int64_t>& to);
    void append(std::vector<float>& to);

    /// Calls f(int64) for this field's number, or for each of its packed numbers.
    template <class F>
    void each_integer(F&& f) {
        if (is(protozero::pbf_wire_type::varint)) return f(integer());
        Packed numbers(bytes());
        while (!numbers.done()) f(numbers.next());
    }
    /// The bytes of this field's fixed-size numbers: one, or packed. Error unless a multiple of `size`, which is 4 or 8.
    std::string_view fixed(std::size_t size);

private:
    class Packed {  // varints one after the other
    public:
        explicit Packed(std::string_view bytes) : at_(bytes.data()), end_(at_ + bytes.size()) {}
        bool done() const { return at_ == end_; }
        std::int64_t next();

    private:
        const char* at_;
        const char* end_;
    };
    bool is(protozero::pbf_wire_type type) const { return reader_.has_wire_type(type); }
    void want(protozero::pbf_wire_type type) const;

    protozero::pbf_reader reader_{};
    std::size_t size_ = 0;
};

/// The file's content makes no sense, so that it may be something else than a model.
struct DamagedModel : Error {
    using Error::Error;
};

/// "is not an ONNX model or is damaged (why)".
[[noreturn]] void fail_damaged(std::string_view why);

bool is_utf8(std::string_view);

}  // namespace tercet::onnx
