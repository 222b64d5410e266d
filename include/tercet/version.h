// SPDX-License-Identifier: Apache-2.0
/// @file
/// The version, of headers and library.
#pragma once

#include <string_view>

/// Tercet's C++ interface. It throws tercet::Error for what its caller can put right, and std::bad_alloc.
namespace [[gnu::visibility("default")]] tercet {

inline constexpr std::string_view version = "0.1.0";  ///< of these headers; CMakeLists.txt has the same

}  // namespace tercet
