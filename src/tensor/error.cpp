// SPDX-License-Identifier: Apache-2.0
#include "tercet/error.h"

namespace tercet {
namespace {

std::string line_of(const Fault& f) {
    std::string line = f.where.empty() ? f.what : f.where + ": " + f.what;
    if (!f.fix.empty()) line += "; " + f.fix;
    for (char& c : line)  // names come from files: one line whatever they hold
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
    return line;
}

}  // namespace

Error::Error(Fault fault) : fault_(std::move(fault)), line_(line_of(fault_)) {}

void Error::add_where(std::string_view outer) {
    fault_.where = fault_.where.empty() ? std::string(outer) : std::string(outer) + ": " + fault_.where;
    line_ = line_of(fault_);
}

}  // namespace tercet
