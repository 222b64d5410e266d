// SPDX-License-Identifier: Apache-2.0
// The engine file, little-endian:
//
//     0   char[8]  magic "TERCET\r\n"      24  u64  XXH3 of bytes 0-23 and the section table
//     8   u32      version                 32  section table: per section
//     12  u32      number of sections            char[8] name, u64 offset, u64 bytes, u64 XXH3 of its bytes
//     16  u64      bytes of the file       ... sections, each at a multiple of 4096, zeros between them
//
// Section "program" is a Program as CBOR (program_json.h); "weights" holds the constants, each at a multiple of 64.
// Data only: no machine code, no time, host name or path. Any flipped bit is found on opening.
#pragma once

#include "engine/program.h"
#include "system/mapped_file.h"

#include <filesystem>

namespace tercet {

inline constexpr std::uint32_t engine_version = 4;
inline constexpr std::string_view engine_magic{"TERCET\r\n", 8};

/// Writes by rename. Returns the file's size.
std::uint64_t write_engine(const std::filesystem::path& file, const Program& program);

/// Checksums, then everything check_program looks at. The program's constants point into `file`.
Program read_engine(const FileBytes& file);

}  // namespace tercet
