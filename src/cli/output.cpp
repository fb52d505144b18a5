#include "cli/output.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <ostream>
#include <system_error>

#include "base/text.h"

namespace ota::cli {
namespace {

struct ToneWord {
  std::string_view word;
  Tone tone;
};
constexpr std::array<ToneWord, 28> kToneWords{{
    {"ONLINE", Tone::kGood},     {"OFFLINE", Tone::kDim},
    {"UNKNOWN", Tone::kDim},     {"UPDATING", Tone::kWarning},
    {"BLOCKED", Tone::kBad},     {"ROLLBACK", Tone::kWarning},
    {"FAILED", Tone::kBad},      {"stable", Tone::kGood},
    {"watch", Tone::kWarning},   {"critical", Tone::kBad},
    {"unknown", Tone::kDim},     {"succeeded", Tone::kGood},
    {"failed", Tone::kBad},      {"rolled-back", Tone::kWarning},
    {"cancelled", Tone::kDim},   {"expired", Tone::kBad},
    {"warning", Tone::kWarning}, {"error", Tone::kBad},
    {"allow", Tone::kGood},      {"skip", Tone::kDim},
    {"block", Tone::kBad},       {"pass", Tone::kGood},
    {"warn", Tone::kWarning},    {"overridden", Tone::kWarning},
    {"regressed", Tone::kBad},   {"healthy", Tone::kGood},
    {"running", Tone::kGood},    {"waiting", Tone::kWarning},
}};

constexpr std::string_view sequence(Tone tone) {
  switch (tone) {
    case Tone::kGood:
      return "\x1b[32m";
    case Tone::kWarning:
      return "\x1b[33m";
    case Tone::kBad:
      return "\x1b[1;31m";
    case Tone::kDim:
      return "\x1b[2m";
    case Tone::kPlain:
      break;
  }
  return "";
}

constexpr std::size_t kMaxLine = 4096;

std::string painted(std::string_view text, Tone tone) {
  return std::string(sequence(tone)) + std::string(text) + "\x1b[0m";
}

// JSON in ASCII alone: escapes keep its meaning, and no control or bidirectional character reaches
// a terminal. What is no UTF-8 becomes U+FFFD.
std::string ascii(const Json& document, int indent) {
  return document.dump(indent, ' ', true, Json::error_handler_t::replace);
}

// The same of JSON that is text already: outside ASCII it has strings alone.
std::string in_ascii(std::string_view json) {
  constexpr std::uint32_t kPlanes = 0x10000;
  constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  const auto escape = [&](std::uint32_t unit) {
    out += "\\u";
    for (int shift = 12; shift >= 0; shift -= 4)
      out += kHex[(unit >> static_cast<unsigned>(shift)) & 0xfU];
  };
  for (std::size_t at = 0; at < json.size();) {
    const auto first = static_cast<unsigned char>(json[at]);
    if (first < 0x7f) {
      out += json[at++];
      continue;
    }
    std::size_t length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    const std::string_view piece = json.substr(at, length);
    if (!is_utf8(piece)) {
      escape(0xfffd);
      ++at;
      continue;
    }
    std::uint32_t point = length == 1 ? first : first & (0xffU >> (length + 1));
    for (const char c : piece.substr(1))
      point = (point << 6U) | (static_cast<unsigned char>(c) & 0x3fU);
    if (point < kPlanes) {
      escape(point);
    } else {
      escape(0xd800 + ((point - kPlanes) >> 10U));
      escape(0xdc00 + ((point - kPlanes) & 0x3ffU));
    }
    at += length;
  }
  return out;
}

std::string paint_cell(std::size_t, const std::string& value, const std::string& padded) {
  const Tone tone = tone_of(value);
  return tone == Tone::kPlain ? padded : painted(padded, tone);
}

}  // namespace

Colour colour_of_terminal(int fd) {
  const char* no_colour = std::getenv("NO_COLOR");  // no-color.org: set and not empty
  const char* term = std::getenv("TERM");
  const bool dumb = term == nullptr || std::string_view(term) == "dumb";
  if (isatty(fd) == 0 || dumb || (no_colour != nullptr && *no_colour != '\0')) {
    return Colour::kPlain;
  }
  return Colour::kColour;
}

Tone tone_of(std::string_view word) {
  const auto found = std::find_if(kToneWords.begin(), kToneWords.end(),
                                  [&](const ToneWord& entry) { return entry.word == word; });
  return found == kToneWords.end() ? Tone::kPlain : found->tone;
}

std::string Output::paint(std::string_view text, Tone tone) const {
  if (colour_ == Colour::kPlain || tone == Tone::kPlain) return std::string(text);
  return painted(text, tone);
}

void Output::line(std::string_view text, Tone tone) {
  if (json()) return;
  put(paint(printable(text, kMaxLine), tone) + '\n');
}

void Output::table(const Table& table) {
  if (json()) return;
  put(table.text(colour_ == Colour::kColour ? &paint_cell : nullptr));
}

void Output::document(const Json& document) {
  if (!json()) return;
  put(ascii(document, 2) + '\n');
}

void Output::record(const Json& document) {
  if (!json()) return;
  put(ascii(document, -1) + '\n');
  flush();
}

void Output::raw(std::string_view text) {
  put(text);
}

void Output::put(std::string_view text) {
  errno = 0;
  out_ << text;
  note_loss();
}

void Output::json_text(std::string_view json) {
  put(in_ascii(json));
}

void Output::flush() {
  errno = 0;
  out_.flush();
  note_loss();
}

void Output::note_loss() {
  if (!out_ && lost_ == 0) lost_ = errno != 0 ? errno : EIO;
}

std::string Output::why_lost() const {
  if (lost_ == 0 || lost_ == EPIPE) return {};
  return std::generic_category().message(lost_);
}

void Output::warning(std::string_view text) {
  flush();
  if (json()) {
    err_ << ascii(Json{{"warning", printable(text, kMaxLine)}}, -1) << '\n';
  } else {
    err_ << "otactl: note: " << printable(text, kMaxLine) << '\n';
  }
}

void Output::problem(std::string_view text, std::string_view hint) {
  flush();
  if (json()) {
    Json document{{"error", printable(text, kMaxLine)}};
    if (!hint.empty()) document["hint"] = hint;
    err_ << ascii(document, -1) << '\n';
    return;
  }
  err_ << "otactl: " << printable(text, kMaxLine) << '\n';
  if (!hint.empty()) err_ << "  " << printable(hint, kMaxLine) << '\n';
}

}  // namespace ota::cli
