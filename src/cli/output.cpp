#include "cli/output.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <ostream>

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
  out_ << paint(printable(text, kMaxLine), tone) << '\n';
}

void Output::table(const Table& table) {
  if (json()) return;
  out_ << table.text(colour_ == Colour::kColour ? &paint_cell : nullptr);
}

void Output::document(const Json& document) {
  if (!json()) return;
  out_ << document.dump(2, ' ', false, Json::error_handler_t::replace) << '\n';
}

void Output::record(const Json& document) {
  if (!json()) return;
  out_ << dump_json(document) << '\n';
  out_.flush();
}

void Output::raw(std::string_view text) {
  out_ << text;
}

void Output::flush() {
  out_.flush();
}

void Output::problem(std::string_view text, std::string_view hint) {
  out_.flush();
  if (json()) {
    Json document{{"error", printable(text, kMaxLine)}};
    if (!hint.empty()) document["hint"] = hint;
    err_ << dump_json(document) << '\n';
    return;
  }
  err_ << "otactl: " << printable(text, kMaxLine) << '\n';
  if (!hint.empty()) err_ << "  " << printable(hint, kMaxLine) << '\n';
}

}  // namespace ota::cli
