// SPDX-License-Identifier: Apache-2.0
// What Debian's archives lack where they become part of a wheel.
#include <fmt/format-inl.h>

#include <cstdio>

// fmt is there as a shared library alone: what Tercet uses of it is compiled here.
template fmt::detail::thousands_sep_result<char> fmt::detail::thousands_sep_impl<char>(fmt::detail::locale_ref);
template char fmt::detail::decimal_point_impl<char>(fmt::detail::locale_ref);

// libjpeg and libpng are compiled for programs, which may have a stderr of their own; a shared library may not. The copies that are
// linked (CMakeLists.txt) name this one instead.
extern "C" {
std::FILE* tercet_stderr = stderr;
}
