// SPDX-License-Identifier: Apache-2.0
// The directory stands at the end (all little-endian):
//     end of directory   "PK\5\6"  u16 at 20: bytes of the comment behind it; u32 at 16: the directory's offset, 0xffffffff in a zip64
//     zip64 locator      "PK\6\7"  20 bytes in front of that; u64 at 8: offset of the zip64 end, "PK\6\6", u64 at 48: the directory's offset
//     directory entry    "PK\1\2"  u16 at 8: flags, 10: method; u32 at 20: packed bytes; u16 at 28: length of the name, 30: extra,
//                                  32: comment; u32 at 42: offset of the member; 46: the name, then extra fields: u16 id, u16 bytes;
//                                  id 1 holds a u64 for each of unpacked bytes, packed bytes and offset that is 0xffffffff above
//     before the data    "PK\3\4"  u16 at 26: length of the name, 28: extra; 30: the name
#include "system/zip_directory.h"

#include <cstdint>

namespace tercet {
namespace {

using Bytes = std::span<const std::byte>;

constexpr std::uint64_t beyond = 0xffffffff;

std::uint64_t number(Bytes bytes, std::size_t at, int size) {
    std::uint64_t v = 0;
    for (int i = 0; i < size; ++i) v |= std::to_integer<std::uint64_t>(bytes[at + static_cast<std::size_t>(i)]) << 8 * i;
    return v;
}

// The bytes from `offset` on, if they begin with this signature and are as many as that.
std::optional<Bytes> part(Bytes archive, std::uint64_t offset, std::uint64_t signature, std::size_t least) {
    if (offset > archive.size() || archive.size() - offset < least) return std::nullopt;
    const Bytes found = archive.subspan(offset);
    if (number(found, 0, 4) != signature) return std::nullopt;
    return found;
}

std::optional<std::uint64_t> directory_offset(Bytes archive) {
    constexpr std::size_t end_bytes = 22, locator_bytes = 20;
    for (std::size_t back = end_bytes; back <= archive.size() && back <= end_bytes + 65535; ++back) {
        const std::size_t at = archive.size() - back;
        const auto end = part(archive, at, 0x06054b50, end_bytes);
        if (!end || number(*end, 20, 2) != back - end_bytes) continue;
        if (const std::uint64_t offset = number(*end, 16, 4); offset != beyond) return offset;
        if (at < locator_bytes) return std::nullopt;
        const auto locator = part(archive, at - locator_bytes, 0x07064b50, locator_bytes);
        const auto end64 = locator ? part(archive, number(*locator, 8, 8), 0x06064b50, 56) : std::nullopt;
        if (!end64) return std::nullopt;
        return number(*end64, 48, 8);
    }
    return std::nullopt;
}

// Where a member is and how long, when they stand in the extra field.
void read_zip64(Bytes extra, std::uint64_t unpacked, std::uint64_t& packed, std::uint64_t& offset) {
    while (extra.size() >= 4) {
        const std::uint64_t id = number(extra, 0, 2), size = number(extra, 2, 2);
        if (size > extra.size() - 4) return;
        Bytes field = extra.subspan(4, size);
        extra = extra.subspan(4 + size);
        if (id != 1) continue;
        std::uint64_t ignored = unpacked;
        for (std::uint64_t* value : {&ignored, &packed, &offset}) {
            if (*value != beyond || field.size() < 8) continue;
            *value = number(field, 0, 8);
            field = field.subspan(8);
        }
    }
}

Bytes stored_bytes(Bytes archive, Bytes entry, Bytes extra) {
    std::uint64_t packed = number(entry, 20, 4), offset = number(entry, 42, 4);
    if (number(entry, 8, 2) % 2 != 0 || number(entry, 10, 2) != 0) return {};
    read_zip64(extra, number(entry, 24, 4), packed, offset);
    const auto local = part(archive, offset, 0x04034b50, 30);
    if (!local) return {};
    const std::uint64_t begin = 30 + number(*local, 26, 2) + number(*local, 28, 2);
    if (begin > local->size() || packed > local->size() - begin) return {};
    return local->subspan(begin, packed);
}

}  // namespace

std::optional<std::vector<ZipMember>> read_zip_directory(Bytes archive) {
    constexpr std::size_t entry_bytes = 46;
    const auto offset = directory_offset(archive);
    if (!offset) return std::nullopt;
    std::vector<ZipMember> members;
    for (auto entry = part(archive, *offset, 0x02014b50, entry_bytes); entry;) {
        const std::size_t name = number(*entry, 28, 2), extra = number(*entry, 30, 2), all = entry_bytes + name + extra + number(*entry, 32, 2);
        if (all > entry->size()) return std::nullopt;
        members.push_back({.name = {reinterpret_cast<const char*>(entry->data()) + entry_bytes, name},
                           .stored = stored_bytes(archive, *entry, entry->subspan(entry_bytes + name, extra))});
        entry = part(*entry, all, 0x02014b50, entry_bytes);
    }
    return members;
}

}  // namespace tercet
