// Names on the wire and on disk, and which names a delegation covers. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ota::tuf {

// RFC 3986 unreserved characters stay, all else becomes %XX with upper-case digits, "/" too.
std::string percent_encode(std::string_view name);

// "3.snapshot.json" or, without a version, "timestamp.json"; the role percent-encoded.
std::string metadata_path(std::string_view role, std::optional<std::uint64_t> version);
// "dir/HASH.file" with the hash before the last segment, each segment percent-encoded; without a
// hash just the encoded name.
std::string target_url_path(std::string_view target, std::string_view hash);
// The name under which a trusted role's file lies in the store: percent-encoded and ".json"; a name
// too long for a file system is replaced by its digest. Injective.
std::string stored_name(std::string_view role);

// A shell pattern of a delegation: "*", "?" and "[...]" within one segment, as many segments in
// both, case-sensitive (TUF 1.0.34 section 4.5, PATHPATTERN).
bool pattern_matches(std::string_view pattern, std::string_view target);

}  // namespace ota::tuf
