// SPDX-License-Identifier: Apache-2.0
// NPZ: a zip archive of NPY files. Its directory stands at the end; what matters here (all little-endian):
//     end of directory   "PK\5\6"  u16 at 10: entries, u32 at 12: bytes of the directory, u32 at 16: its offset, u16 at 20: comment
//     directory entry    "PK\1\2"  u16 at 8: flags, 10: method; u32 at 16: CRC-32, 20: packed bytes, 24: unpacked bytes;
//                                  u16 at 28: length of the name, 30: extra, 32: comment; u32 at 42: offset; 46: the name
//     before the data    "PK\3\4"  u16 at 26: length of the name, 28: extra; 30: the name
#include "data/inflate.h"
#include "data/npy.h"
#include "tercet/error.h"

#include <fmt/format.h>
#include <zlib.h>

namespace tercet {
namespace {

constexpr std::size_t end_bytes = 22, entry_bytes = 46, local_bytes = 30;

[[noreturn]] void damaged(std::string what) {
    throw Error({.what = std::move(what), .fix = "save the arrays again with numpy.savez"});
}

std::uint64_t number(std::span<const std::byte> bytes, std::size_t at, int size) {
    std::uint64_t v = 0;
    for (int i = 0; i < size; ++i) v |= std::to_integer<std::uint64_t>(bytes[at + static_cast<std::size_t>(i)]) << 8 * i;
    return v;
}

bool starts_with(std::span<const std::byte> bytes, std::uint64_t signature) {
    return bytes.size() >= 4 && number(bytes, 0, 4) == signature;
}

// Where the end of the directory stands: the last place from which its comment reaches the end of the file exactly.
std::size_t find_end(std::span<const std::byte> zip) {
    for (std::size_t back = end_bytes; back <= zip.size() && back <= end_bytes + 65535; ++back) {
        const auto end = zip.subspan(zip.size() - back);
        if (starts_with(end, 0x06054b50) && number(end, 20, 2) == back - end_bytes) return zip.size() - back;
    }
    damaged("the zip archive has no directory; it may be truncated");
}

FileBytes member(const FileBytes& zip, std::span<const std::byte> entry) {
    const std::uint64_t flags = number(entry, 8, 2), method = number(entry, 10, 2), crc = number(entry, 16, 4);
    const std::uint64_t packed = number(entry, 20, 4), unpacked = number(entry, 24, 4), offset = number(entry, 42, 4);
    if (flags & 1) throw Error({.what = "it is encrypted", .fix = "save the arrays without a password"});
    if (packed == 0xffffffff || unpacked == 0xffffffff || offset == 0xffffffff)
        throw Error({.what = "the archive is a zip64, larger than 4 GiB", .fix = "save each array as an NPY file"});

    if (offset > zip.bytes.size() || zip.bytes.size() - offset < local_bytes) damaged("its place lies outside the archive");
    const auto local = zip.bytes.subspan(offset);
    if (!starts_with(local, 0x04034b50)) damaged("its place in the archive does not hold it");
    const std::uint64_t begin = local_bytes + number(local, 26, 2) + number(local, 28, 2);
    if (begin > local.size() || packed > local.size() - begin) damaged("it reaches past the end of the archive");
    const auto data = local.subspan(begin, packed);

    FileBytes file{.owner = zip.owner, .bytes = data};
    if (method == 8) {
        auto whole = std::make_shared<std::vector<std::byte>>(inflate_exactly(data, unpacked));
        file = {.owner = whole, .bytes = *whole};
    } else if (method != 0 || packed != unpacked) {
        throw Error({.what = fmt::format("it is compressed by zip's method {}", method),
                     .fix = "save the arrays with numpy.savez or savez_compressed"});
    }
    if (crc32_z(0, reinterpret_cast<const Bytef*>(file.bytes.data()), file.bytes.size()) != crc) damaged("its checksum is wrong");
    return file;
}

}  // namespace

bool is_zip(std::span<const std::byte> bytes) noexcept {
    return starts_with(bytes, 0x04034b50) || starts_with(bytes, 0x06054b50);
}

std::map<std::string, Tensor> parse_npz(const FileBytes& file) {
    const std::size_t end_at = find_end(file.bytes);
    const auto end = file.bytes.subspan(end_at);
    const std::uint64_t entries = number(end, 10, 2), size = number(end, 12, 4), offset = number(end, 16, 4);
    if (offset > end_at || size > end_at - offset) {
        if (offset == 0xffffffff || size == 0xffffffff)
            throw Error({.what = "the archive is a zip64, larger than 4 GiB",
                         .fix = "save each array as an NPY file"});
        damaged("the zip directory lies outside the archive");
    }

    std::map<std::string, Tensor> arrays;
    std::uint64_t packed = 0;
    auto directory = file.bytes.subspan(offset, size);
    for (std::uint64_t i = 0; i < entries; ++i) {
        if (directory.size() < entry_bytes || !starts_with(directory, 0x02014b50)) damaged("the zip directory is damaged");
        const auto entry = directory;
        const std::uint64_t name_bytes = number(entry, 28, 2), all = entry_bytes + name_bytes + number(entry, 30, 2) + number(entry, 32, 2);
        if (all > directory.size()) damaged("the zip directory is damaged");
        directory = directory.subspan(all);
        packed += number(entry, 20, 4);
        if (packed > file.bytes.size()) damaged("the archive's members overlap");  // one stream, unpacked thousands of times

        std::string name(reinterpret_cast<const char*>(entry.data()) + entry_bytes, name_bytes);
        at([&] { return fmt::format("array '{}'", name); }, [&] {
            const FileBytes npy = member(file, entry);
            if (!name.ends_with(".npy")) return;
            name.resize(name.size() - 4);
            if (!arrays.emplace(name, parse_npy(npy)).second) damaged("the archive holds it twice");
        });
    }
    return arrays;
}

}  // namespace tercet
