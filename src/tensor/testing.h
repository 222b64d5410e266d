// SPDX-License-Identifier: Apache-2.0
// For tests: what an Error says.
#pragma once

#include "tercet/error.h"

#include <string>

namespace tercet::testing {

/// The line of the Error that `f` throws; empty if it throws none.
template <class F>
std::string error_of(F&& f) {
    try {
        f();
    } catch (const Error& e) {
        return e.what();
    }
    return {};
}

}  // namespace tercet::testing
