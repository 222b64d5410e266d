// SPDX-License-Identifier: Apache-2.0
/// @file
/// An error says what is wrong, where, and what to do about it, in one line:
///     model.onnx: conv1 (Conv, opset 11): input has 3 channels, weights read 4; compare 'group' with the shape of the weights
#pragma once

#include <exception>
#include <string>
#include <string_view>
#include <utility>

namespace [[gnu::visibility("default")]] tercet {

/// What an Error is made of.
struct Fault {
    std::string what{};   ///< what is wrong
    std::string where{};  ///< file, node; filled from the inside outwards by add_where
    std::string fix{};    ///< what the user can do
};

/// The input is at fault: a file, a model, an option's value. The command line exits with status 1.
class Error : public std::exception {
public:
    explicit Error(Fault fault);  ///< what() is made from it

    /// Puts an outer place in front of those known so far: first the node, then the file.
    void add_where(std::string_view outer);

    const Fault& fault() const noexcept { return fault_; }                 ///< its parts
    const char* what() const noexcept override { return line_.c_str(); }   ///< all of it, in one line

private:
    Fault fault_;
    std::string line_;
};

/// Calls `f`; an Error that passes through gets `where` put in front. `where` is only read then.
template <class Where, class F>
decltype(auto) at(const Where& where, F&& f) {
    try {
        return std::forward<F>(f)();
    } catch (Error& e) {
        if constexpr (std::is_invocable_v<const Where&>) e.add_where(where());
        else e.add_where(where);
        throw;
    }
}

}  // namespace tercet
