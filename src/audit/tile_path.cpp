#include "audit/tile_path.h"

#include <charconv>

#include "audit/tile_tree.h"

namespace ota::audit {
namespace {

constexpr std::string_view kTile = "tile/";
constexpr std::string_view kEntries = "entries";
constexpr std::uint64_t kPart = 1000;  // of a number in one folder

std::string three_digits(std::uint64_t number) {
  std::string text = std::to_string(number);
  text.insert(0, 3 - text.size(), '0');
  return text;
}

// Digits, with the zeros in front that paths have.
std::optional<std::uint64_t> padded_number(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

std::string TilePath::text() const {
  std::string number = three_digits(n % kPart);
  for (std::uint64_t rest = n / kPart; rest > 0; rest /= kPart)
    number.insert(0, "x" + three_digits(rest % kPart) + "/");
  std::string out =
      std::string(kTile) + (level ? std::to_string(*level) : std::string(kEntries)) + "/" + number;
  if (width != kTileWidth) out += ".p/" + std::to_string(width);
  return out;
}

Result<TilePath> TilePath::parse(std::string_view text) {
  constexpr std::size_t kMostText = 64;
  constexpr std::string_view kPartial = ".p/";
  const Error wrong = fail(Errc::kInvalid, "no path of a tile");
  if (!text.starts_with(kTile) || text.size() > kMostText) return wrong;
  TilePath path{std::nullopt, 0, kTileWidth};
  std::string_view rest = text.substr(kTile.size());
  const std::string_view level = rest.substr(0, rest.find('/'));
  if (level.size() == rest.size()) return wrong;
  rest.remove_prefix(level.size() + 1);
  if (level != kEntries) {
    const auto number = padded_number(level);
    if (!number || *number >= kMostLevels) return wrong;
    path.level = static_cast<unsigned>(*number);
  }
  if (const auto partial = rest.find(kPartial); partial != std::string_view::npos) {
    const auto width = padded_number(rest.substr(partial + kPartial.size()));
    if (!width || *width == 0 || *width >= kTileWidth) return wrong;
    path.width = *width;
    rest = rest.substr(0, partial);
  }
  for (bool last = false; !last;) {
    const std::string_view part = rest.substr(0, rest.find('/'));
    last = part.size() == rest.size();
    const auto number = padded_number(last || part.empty() ? part : part.substr(1));
    if (!number || *number >= kPart || path.n > UINT64_MAX / kPart - 1) return wrong;
    path.n = path.n * kPart + *number;
    rest.remove_prefix(last ? part.size() : part.size() + 1);
  }
  // One way to write each: what this path would be written as must be what was read.
  if (path.text() != text) return wrong;
  return path;
}

Result<void> append_entry(std::string& bundle, std::string_view entry) {
  if (entry.size() > kMaxEntryBytes) {
    return fail(Errc::kLimit, "an entry of the log is at most " + std::to_string(kMaxEntryBytes) +
                                  " bytes, not " + std::to_string(entry.size()));
  }
  bundle += static_cast<char>(entry.size() >> 8U);
  bundle += static_cast<char>(entry.size() & 0xffU);
  bundle += entry;
  return {};
}

Result<std::vector<std::string>> entries_of(std::string_view bundle) {
  std::vector<std::string> entries;
  while (!bundle.empty()) {
    if (bundle.size() < 2) return fail(Errc::kInvalid, "the bundle of entries is cut off");
    const std::size_t length = static_cast<std::size_t>(static_cast<std::uint8_t>(bundle[0]))
                                   << 8U |
                               static_cast<std::uint8_t>(bundle[1]);
    bundle.remove_prefix(2);
    if (bundle.size() < length) return fail(Errc::kInvalid, "the bundle of entries is cut off");
    entries.emplace_back(bundle.substr(0, length));
    bundle.remove_prefix(length);
  }
  return entries;
}

}  // namespace ota::audit
