// A request is hostile bytes in pieces of any size. Whatever comes: the parser never takes more
// than it was shown, ends in the same state however the bytes were cut, keeps to its header limit,
// and what it lets through has a path without dot segments or controls.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "http/range.h"
#include "http/request_parser.h"
#include "http/target.h"

namespace {

using ota::http::RequestParser;
using Progress = RequestParser::Progress;

constexpr std::uint32_t kHeaderBytes = 1024;
constexpr std::uint64_t kBodyBytes = 4096;

void require(bool holds) {
  if (!holds) std::abort();
}

struct Outcome {
  Progress progress = Progress::kMore;
  std::size_t used = 0;
  std::string body;
};

Outcome run(std::string_view text, std::size_t step) {
  RequestParser parser;
  parser.start(kHeaderBytes);
  Outcome outcome;
  for (std::size_t shown = 0; outcome.progress == Progress::kMore && shown < text.size();) {
    shown = std::min(text.size(), shown + step);
    do {
      const std::string_view rest = text.substr(outcome.used, shown - outcome.used);
      std::size_t used = 0;
      outcome.progress = parser.feed(rest, used);
      require(used <= rest.size());
      outcome.used += used;
      if (outcome.progress == Progress::kHead && parser.head().content_length > kBodyBytes) {
        return outcome;  // 413
      }
    } while (outcome.progress == Progress::kHead);
  }
  if (outcome.progress == Progress::kFailed) require(parser.failure() >= 400);
  if (outcome.progress != Progress::kDone) return outcome;
  outcome.body = parser.body();
  require(outcome.body.size() == parser.head().content_length);
  ota::http::Target target;
  if (target.parse(parser.head().target)) {
    require(target.path.starts_with('/'));
    require(("/" + std::string(target.path) + "/").find("/../") == std::string::npos);
    for (const char sign : target.path)
      require(static_cast<unsigned char>(sign) >= 0x20);
  }
  const auto choice = ota::http::choose_range(parser.head().range, 1000);
  require(choice.first + choice.length <= 1000);
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2 || size > 8192) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Outcome whole = run(text, text.size());
  const Outcome pieces = run(text, data[0] + 1U);
  // Beast may find a fault early or go on waiting for the header's end; both come to an answer of
  // 4xx.
  require((whole.progress == Progress::kDone) == (pieces.progress == Progress::kDone));
  if (whole.progress == Progress::kDone) {
    require(whole.used == pieces.used);
    require(whole.body == pieces.body);
  }
  return 0;
}
