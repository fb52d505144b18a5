#include "console/key.h"

#include <algorithm>
#include <array>
#include <utility>

#include "console/glyphs.h"

namespace ota::console {
namespace {

using Kind = Key::Kind;

constexpr std::string_view kPasteStart = "\033[200~";
constexpr std::string_view kPasteEnd = "\033[201~";
constexpr std::size_t kLongestSequence = 32;

struct Named {
  Kind kind;
  std::string_view name;
  std::string_view bytes;  // what a script sends for it
};
constexpr std::array<Named, 27> kNamed{{
    {Kind::kEnter, "Enter", "\r"},
    {Kind::kEscape, "Esc", "\033"},
    {Kind::kTab, "Tab", "\t"},
    {Kind::kBackTab, "BackTab", "\033[Z"},
    {Kind::kBackspace, "Backspace", "\177"},
    {Kind::kDelete, "Delete", "\033[3~"},
    {Kind::kUp, "Up", "\033[A"},
    {Kind::kDown, "Down", "\033[B"},
    {Kind::kLeft, "Left", "\033[D"},
    {Kind::kRight, "Right", "\033[C"},
    {Kind::kPageUp, "PgUp", "\033[5~"},
    {Kind::kPageDown, "PgDn", "\033[6~"},
    {Kind::kHome, "Home", "\033[H"},
    {Kind::kEnd, "End", "\033[F"},
    {Kind::kF1, "F1", "\033OP"},
    {Kind::kF2, "F2", "\033OQ"},
    {Kind::kF3, "F3", "\033OR"},
    {Kind::kF4, "F4", "\033OS"},
    {Kind::kF5, "F5", "\033[15~"},
    {Kind::kF6, "F6", "\033[17~"},
    {Kind::kF7, "F7", "\033[18~"},
    {Kind::kF8, "F8", "\033[19~"},
    {Kind::kF9, "F9", "\033[20~"},
    {Kind::kF10, "F10", "\033[21~"},
    {Kind::kF11, "F11", "\033[23~"},
    {Kind::kF12, "F12", "\033[24~"},
    {Kind::kPaste, "Paste", ""},
}};

// The final part of CSI and SS3 sequences, parameters of modifiers removed.
constexpr std::array<std::pair<std::string_view, Kind>, 40> kSequences{{
    {"A", Kind::kUp},      {"B", Kind::kDown},    {"C", Kind::kRight},     {"D", Kind::kLeft},
    {"H", Kind::kHome},    {"F", Kind::kEnd},     {"Z", Kind::kBackTab},   {"P", Kind::kF1},
    {"1~", Kind::kHome},   {"7~", Kind::kHome},   {"4~", Kind::kEnd},      {"8~", Kind::kEnd},
    {"3~", Kind::kDelete}, {"5~", Kind::kPageUp}, {"6~", Kind::kPageDown}, {"11~", Kind::kF1},
    {"[A", Kind::kF1},     {"M", Kind::kEnter},   {"I", Kind::kTab},       {"j", Kind::kText},
    {"k", Kind::kText},    {"m", Kind::kText},    {"Q", Kind::kF2},        {"R", Kind::kF3},
    {"S", Kind::kF4},      {"12~", Kind::kF2},    {"13~", Kind::kF3},      {"14~", Kind::kF4},
    {"15~", Kind::kF5},    {"17~", Kind::kF6},    {"18~", Kind::kF7},      {"19~", Kind::kF8},
    {"20~", Kind::kF9},    {"21~", Kind::kF10},   {"23~", Kind::kF11},     {"24~", Kind::kF12},
    {"[B", Kind::kF2},     {"[C", Kind::kF3},     {"[D", Kind::kF4},       {"[E", Kind::kF5},
}};

bool is_final(char c) {
  return c >= '@' && c <= '~';
}

// "1;5A" -> "A", "3;2~" -> "3~": modifiers do not make another key here.
std::string without_modifiers(std::string_view sequence) {
  const std::size_t semicolon = sequence.find(';');
  std::string out(sequence.substr(0, semicolon));
  if (semicolon != std::string_view::npos) out += sequence.back();
  if (out.size() == 2 && out[0] == '1' && out[1] != '~') out.erase(0, 1);
  return out;
}

}  // namespace

std::string Key::name() const {
  if (kind == Kind::kCtrl) {
    return std::string("Ctrl-") + static_cast<char>(point - U'a' + U'A');
  }
  if (kind == Kind::kText) {
    if (point == U' ') return "Space";
    return point < 0x80 ? std::string(1, static_cast<char>(point)) : std::string("?");
  }
  for (const Named& named : kNamed) {
    if (named.kind == kind) return std::string(named.name);
  }
  return "?";
}

std::optional<std::string> bytes_of_key(std::string_view name) {
  if (name == "Space") return " ";
  for (const Named& named : kNamed) {
    if (named.name == name && !named.bytes.empty()) return std::string(named.bytes);
  }
  if (name.size() == 6 && name.substr(0, 5) == "Ctrl-" && name[5] >= 'A' && name[5] <= 'Z') {
    return std::string(1, static_cast<char>(name[5] - 'A' + 1));
  }
  if (name.empty()) return std::nullopt;
  const Glyph glyph = first_glyph(name);
  if (glyph.bytes != name.size() || glyph.point == 0xfffd) return std::nullopt;
  return std::string(name);
}

void KeyDecoder::feed(std::string_view bytes, std::vector<Key>& out) {
  held_ += bytes;
  while (!held_.empty()) {
    if (pasting_) {
      take_paste(out);
      if (pasting_) return;
      continue;
    }
    const std::size_t used = take(held_, out);
    if (used == 0) return;
    held_.erase(0, used);
  }
}

void KeyDecoder::flush(std::vector<Key>& out) {
  if (pasting_ || held_.empty()) return;
  const std::string rest = std::exchange(held_, {});
  if (rest == "\033") out.push_back({Kind::kEscape, 0, {}});
  // Else: a sequence that never ended, or half a character; nothing that a key could mean.
}

// How many bytes the key at the front took; 0: more are needed.
std::size_t KeyDecoder::take(std::string_view bytes, std::vector<Key>& out) {
  const auto lead = static_cast<unsigned char>(bytes[0]);
  if (lead == 0x1b) return take_escape(bytes, out);
  if (lead == '\r' || lead == '\n') return out.push_back({Kind::kEnter, 0, {}}), 1;
  if (lead == '\t') return out.push_back({Kind::kTab, 0, {}}), 1;
  if (lead == 0x7f || lead == 0x08) return out.push_back({Kind::kBackspace, 0, {}}), 1;
  if (lead == 0) return 1;
  if (lead < 0x1b) return out.push_back({Kind::kCtrl, U'a' + lead - 1U, {}}), 1;
  if (lead < 0x20) return 1;
  const std::size_t length = lead < 0x80    ? 1
                             : lead >= 0xf0 ? 4
                             : lead >= 0xe0 ? 3
                             : lead >= 0xc2 ? 2
                                            : 1;
  if (bytes.size() < length) return 0;
  const Glyph glyph = first_glyph(bytes);
  if (glyph.point != 0xfffd) out.push_back({Kind::kText, glyph.point, {}});
  return glyph.bytes;
}

std::size_t KeyDecoder::take_escape(std::string_view bytes, std::vector<Key>& out) {
  if (bytes.size() < 2) return 0;
  if (bytes[1] == '\033') return out.push_back({Kind::kEscape, 0, {}}), 1;
  if (bytes[1] != '[' && bytes[1] != 'O') {
    // Alt and a key: the key alone means something else, so both go.
    const std::size_t length = first_glyph(bytes.substr(1)).bytes;
    return 1 + length;
  }
  if (bytes.substr(0, kPasteStart.size()) == kPasteStart) {
    pasting_ = true;
    pasted_.clear();
    return kPasteStart.size();
  }
  // The linux console's function keys: ESC [ [ A.
  std::size_t end = 2;
  if (bytes.size() > 2 && bytes[1] == '[' && bytes[2] == '[') ++end;
  while (end < bytes.size() && !is_final(bytes[end])) {
    ++end;
  }
  if (end >= bytes.size()) return bytes.size() > kLongestSequence ? bytes.size() : 0;
  const std::string sequence = without_modifiers(bytes.substr(2, end - 1));
  for (const auto& [text, kind] : kSequences) {
    if (text != sequence) continue;
    // Application keypad (vt100): ESC O j..y are the signs of the main block.
    if (kind == Kind::kText) {
      if (bytes[1] == 'O') out.push_back({Kind::kText, static_cast<char32_t>(text[0] - 0x40), {}});
    } else if (bytes[1] == 'O' || (text != "M" && text != "I" && text != "R")) {
      out.push_back({kind, 0, {}});
    }
    break;
  }
  return end + 1;
}

void KeyDecoder::take_paste(std::vector<Key>& out) {
  const std::size_t end = held_.find(kPasteEnd);
  // Half an end mark may be at the tail; it stays until the rest is there.
  const std::size_t keep =
      end == std::string::npos ? std::min(held_.size(), kPasteEnd.size() - 1) : 0;
  const std::size_t taken = end == std::string::npos ? held_.size() - keep : end;
  pasted_.append(held_, 0, std::min(taken, kMaxPaste - std::min(kMaxPaste, pasted_.size())));
  held_.erase(0, end == std::string::npos ? taken : end + kPasteEnd.size());
  if (end == std::string::npos) return;
  pasting_ = false;
  out.push_back({Kind::kPaste, 0, std::exchange(pasted_, {})});
}

}  // namespace ota::console
