// Keys, and the decoder that makes them of the bytes that a terminal sends.
//
// The decoder knows UTF-8, CSI and SS3 sequences (xterm, vt100, linux, rxvt), bracketed paste, and
// an ESC that stands alone: it holds the ESC back until more bytes come or until `flush()` says
// that none did. Unknown sequences are swallowed whole. Input is bounded: a paste ends at kMaxPaste
// bytes, a sequence at 32. The script driver feeds the same decoder. Pure; one thread at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ota::console {

struct Key {
  enum class Kind : std::uint8_t {
    kText,   // `point`
    kCtrl,   // `point` is the letter: 'l' for Ctrl-L
    kPaste,  // `text`; never read as commands
    kEnter,
    kEscape,
    kTab,
    kBackTab,
    kBackspace,
    kDelete,
    kUp,
    kDown,
    kLeft,
    kRight,
    kPageUp,
    kPageDown,
    kHome,
    kEnd,
    kF1,
    kF2,
    kF3,
    kF4,
    kF5,
    kF6,
    kF7,
    kF8,
    kF9,
    kF10,
    kF11,
    kF12,
  };
  Kind kind = Kind::kText;
  char32_t point = 0;
  std::string text;

  bool operator==(const Key& other) const { return kind == other.kind && point == other.point; }
  // As help and scripts write it: "a", "Space", "Ctrl-L", "PgDn".
  std::string name() const;
};

constexpr std::size_t kMaxPaste = 4096;

class KeyDecoder {
 public:
  // Takes bytes and appends the keys that are complete to `out`.
  void feed(std::string_view bytes, std::vector<Key>& out);
  // True while an ESC or the start of a sequence is held back: call flush() when nothing follows
  // within 25 ms.
  bool waiting() const { return !held_.empty() && !pasting_; }
  void flush(std::vector<Key>& out);

 private:
  std::size_t take(std::string_view bytes, std::vector<Key>& out);
  std::size_t take_escape(std::string_view bytes, std::vector<Key>& out);
  void take_paste(std::vector<Key>& out);
  std::string held_;
  bool pasting_ = false;
  std::string pasted_;
};

// The bytes that a terminal would send for a key by its name; none for a name that is no key's.
std::optional<std::string> bytes_of_key(std::string_view name);

}  // namespace ota::console
