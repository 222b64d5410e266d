// SPDX-License-Identifier: Apache-2.0
// What every function of the C interface does: it turns exceptions into a status and this thread's message, and refuses null.
#pragma once

#include "tercet/tercet.h"

#include <string>

namespace tercet {

/// The call itself is at fault.
struct Misuse {
    std::string what;
};

/// A callback wants the call to end.
struct Cancelled {};

/// In a handler: the status of the exception being handled; its text becomes this thread's message.
tercet_status c_failure() noexcept;

/// The status of f(), which may throw.
template <class F>
tercet_status c_call(F&& f) noexcept {
    try {
        f();
        return TERCET_OK;
    } catch (...) {
        return c_failure();
    }
}

/// `p` as a reference; Misuse, naming the parameter, if it is null.
template <class T>
T& given(T* p, const char* parameter) {
    if (!p) throw Misuse{std::string("'") + parameter + "' is null"};
    return *p;
}

/// The text at `p`; Misuse if it is null.
inline const char* given_text(const char* p, const char* parameter) { return &given(p, parameter); }

/// Sets `*out` to what make() gives, and to null before, so that it is null if that throws.
template <class T, class Make>
void give(T** out, const char* parameter, Make&& make) {
    given(out, parameter) = nullptr;
    *out = make();
}

}  // namespace tercet
