// SPDX-License-Identifier: Apache-2.0
#include "api/c_call.h"

#include "tercet/error.h"
#include "tercet/version.h"

#include <algorithm>
#include <array>
#include <exception>
#include <new>
#include <stdexcept>
#include <string_view>

namespace tercet {
namespace {

// Memory of its own: a message can be kept when there is no other, and nothing is left to free when the thread ends.
thread_local std::array<char, 2048> message{};

tercet_status fail(tercet_status status, std::string_view text) noexcept {
    std::size_t n = std::min(text.size(), message.size() - 1);
    if (n < text.size())
        while (n > 0 && (static_cast<unsigned char>(text[n]) & 0xc0) == 0x80) --n;  // between two characters of UTF-8
    std::ranges::replace_copy(text.substr(0, n), message.begin(), '\n', ' ');
    message[n] = '\0';
    return status;
}

}  // namespace

tercet_status c_failure() noexcept {
    try {
        throw;
    } catch (const Misuse& e) {
        return fail(TERCET_MISUSE, e.what);
    } catch (const Error& e) {
        return fail(TERCET_ERROR, e.what());
    } catch (const Cancelled&) {
        return fail(TERCET_CANCELLED, "cancelled by a callback");
    } catch (const std::bad_alloc&) {
        return fail(TERCET_OUT_OF_MEMORY, "out of memory");
    } catch (const std::length_error&) {  // more than a container can hold
        return fail(TERCET_OUT_OF_MEMORY, "out of memory");
    } catch (const std::exception& e) {
        return fail(TERCET_INTERNAL, e.what());
    } catch (...) {
        return fail(TERCET_INTERNAL, "unknown exception");
    }
}

}  // namespace tercet

const char* tercet_version(void) { return tercet::version.data(); }

const char* tercet_last_error(void) { return tercet::message.data(); }
