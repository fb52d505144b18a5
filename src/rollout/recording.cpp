#include "rollout/recording.h"

#include <array>
#include <charconv>
#include <cmath>
#include <istream>
#include <memory>
#include <unordered_map>

#include "base/json.h"
#include "base/text.h"
#include "rollout/recording_head.h"

namespace ota::rollout {
namespace {

// A number of the output: so many digits that it is right to 1e-6, and so few that the last bits of
// a processor's arithmetic do not show.
std::string json_number(double value) {
  constexpr int kDigits = 9;
  std::array<char, 32> text{};
  const auto [end, problem] = std::to_chars(text.data(), text.data() + text.size(), value,
                                            std::chars_format::general, kDigits);
  std::string out(text.data(), end);
  if (out.find_first_of(".e") == std::string::npos) out += ".0";
  return out;
}

std::string json_text(std::string_view text) {
  return dump_json(Json(std::string(text)));
}

std::string json_stamp(WallTime at) {
  return json_text(format_rfc3339(at, Fraction::kNone));
}

std::string json_of(const Evidence& evidence) {
  std::string out = R"({"test":)" + json_text(evidence.test) + R"(,"model":)" +
                    json_text(evidence.model) + R"(,"p":)" + json_number(evidence.p) +
                    R"(,"adjusted":)" + json_number(evidence.adjusted) + R"(,"of":)" +
                    std::to_string(evidence.updated);
  if (evidence.shift) {
    out += R"(,"shift":)" + json_number(*evidence.shift);
  } else {
    out += R"(,"bad":)" + std::to_string(evidence.bad) + R"(,"controls":)" +
           std::to_string(evidence.controls) + R"(,"bad_controls":)" +
           std::to_string(evidence.bad_controls);
  }
  return out + "}";
}

std::string json_of(const LookReport& report) {
  const LookFound& found = report.found;
  std::string out = R"({"at":)" + json_stamp(report.at) + R"(,"phase":)" +
                    std::to_string(report.phase) + R"(,"look":)" + std::to_string(report.look) +
                    R"(,"age_s":)" + std::to_string(report.age.count()) + R"(,"updated":)" +
                    std::to_string(found.updated) + R"(,"controls":{)";
  bool first = true;
  for (const auto& [model, count] : found.controls) {
    out += (first ? "" : ",") + json_text(model) + ":" + std::to_string(count);
    first = false;
  }
  out += R"(},"decision":)" + json_text(to_text(found.decision));
  if (found.decision == Decision::kHold) {
    out += R"(,"reason":{"hold":)" + json_text(to_text(found.hold));
    if (found.hold == HoldReason::kNoData) {
      out += R"(,"with_data":)" + std::to_string(found.with_data);
    }
    if (found.hold == HoldReason::kOneGroup) {
      out += R"(,"group":)" + json_text(found.group) + R"(,"evidence":)" +
             json_of(found.evidence[*found.reason]);
    }
    out += "}";
  } else if (found.decision == Decision::kHalt) {
    out += R"(,"reason":)" + json_of(found.evidence[*found.reason]);
  }
  out += R"(,"evidence":[)";
  first = true;
  for (const Evidence& evidence : found.evidence) {
    out += (first ? "" : ",") + json_of(evidence);
    first = false;
  }
  return out + "]}";
}

std::string json_of(const FailureReport& report) {
  return R"({"at":)" + json_stamp(report.at) +
         R"(,"decision":"halt","reason":{"test":"failures","evidence":)" +
         json_number(report.evidence) + R"(,"failed":)" + std::to_string(report.failed) +
         R"(,"of":)" + std::to_string(report.ended) + "}}";
}

class Recording {
 public:
  Recording(std::istream& in, const RecordingOptions& options) : in_(in), options_(options) {}

  Result<RecordingSummary> judge() {
    if (auto done = read_first(); !done) return done.error().within(where());
    for (;;) {
      const auto more = next_line();
      if (!more) return more.error().within(where());
      if (!*more) break;
      if (auto done = take_row(); !done) return done.error().within(where());
      if (judge_->halted() || in_.eof()) break;  // or nobody reads what is written
    }
    RecordingSummary summary{judge_->halted(), judge_->looks(), judge_->offered(),
                             judge_->cohort().devices.size()};
    options_.write(line_of(summary) + "\n");
    return summary;
  }

 private:
  std::string where() const { return "line " + std::to_string(line_); }

  // The next line that is not blank; false at the end.
  Result<bool> next_line() {
    do {
      text_.clear();
      ++line_;
      std::streambuf& from = *in_.rdbuf();
      int next = from.sbumpc();
      if (next == std::char_traits<char>::eof()) return false;
      for (; next != std::char_traits<char>::eof() && next != '\n'; next = from.sbumpc()) {
        if (text_.size() == kLongestRow) {
          return fail(Errc::kLimit, "longer than " + std::to_string(kLongestRow) + " bytes");
        }
        text_.push_back(static_cast<char>(next));
      }
      ended_ = next == std::char_traits<char>::eof();
    } while (text_.find_first_not_of(" \t\r") == std::string::npos);
    return true;
  }

  Result<Json> parse_line() const {
    constexpr std::size_t kDepth = 6;
    auto row = parse_json(text_, {.max_bytes = kLongestRow, .max_depth = kDepth});
    if (!row) {
      // A file that was cut ends within a row.
      return ended_ ? row.error().within("the file ends within a row: cut off?") : row.error();
    }
    if (!row->is_object()) return fail(Errc::kInvalid, "a row is an object of JSON");
    return row;
  }

  Result<void> read_first() {
    const auto more = next_line();
    if (!more) return more.error();
    if (!*more) return fail(Errc::kInvalid, "the file is empty");
    const auto row = parse_line();
    if (!row) return row.error();
    auto head = read_head(*row, options_);
    if (!head) return head.error();
    for (std::size_t i = 0; i < head->cohort.devices.size(); ++i)
      places_.emplace(head->cohort.devices[i].id, i);
    values_.resize(head->cohort.columns.size());
    judge_ = std::make_unique<Judge>(
        std::move(head->settings), std::move(head->cohort),
        [this](const Report& report) { options_.write(line_of(report) + "\n"); });
    return {};
  }

  Result<void> take_row() {
    const auto row = parse_line();
    if (!row) return row.error();
    const auto at = read_minute(*row, "t");
    if (!at) return at.error();
    if (*at < at_) {
      return fail(Errc::kInvalid, format_rfc3339(*at, Fraction::kNone) + " comes after " +
                                      format_rfc3339(at_, Fraction::kNone) +
                                      ": rows stand in the order of time");
    }
    at_ = *at;
    judge_->advance(*at);
    if (judge_->halted()) return {};
    const auto type = row->find("type");
    if (type == row->end() || !type->is_string()) {
      return fail(Errc::kInvalid, "type: offer, confirmed, failed, boot or minute is needed");
    }
    const auto& word = type->get_ref<const std::string&>();
    if (word == "minute") return take_minutes(*row);
    if (word == "rollout") return fail(Errc::kInvalid, "a second rollout begins: one a file");
    return take_event(*row, word);
  }

  Result<std::size_t> device_of(const std::string& id) const {
    const auto found = places_.find(id);
    if (found == places_.end()) {
      return fail(Errc::kInvalid,
                  "'" + printable(id, 64) + "' is no device of this rollout's first row");
    }
    return found->second;
  }

  Result<void> take_event(const Json& row, const std::string& word) {
    const bool offer = word == "offer";
    if (!offer && word != "confirmed" && word != "failed" && word != "boot") {
      return fail(Errc::kInvalid,
                  "type '" + printable(word, 40) +
                      "' is not known: offer, confirmed, failed, boot or minute is");
    }
    const auto id = row.find("device");
    if (id == row.end() || !id->is_string()) {
      return fail(Errc::kInvalid, "device: the id of a device is needed");
    }
    const auto device = device_of(id->get_ref<const std::string&>());
    if (!device) return device.error();
    if (word == "confirmed") return judge_->confirmed(*device);
    if (word == "failed") return judge_->failed(*device);
    if (!offer) {
      judge_->booted(*device);
      return {};
    }
    if (at_ < judge_->cohort().start) {
      return fail(Errc::kInvalid, "an offer before the rollout's start");
    }
    const auto phase = row.find("phase");
    if (phase == row.end() || !phase->is_number_unsigned() ||
        phase->get<std::uint64_t>() >= judge_->cohort().phases) {
      return fail(Errc::kInvalid, "phase: a number from 0 to " +
                                      std::to_string(judge_->cohort().phases - 1) + " is needed");
    }
    return judge_->offered(*device, phase->get<std::uint32_t>());
  }

  Result<void> take_minutes(const Json& row) {
    const auto devices = row.find("devices");
    if (devices == row.end() || !devices->is_object()) {
      return fail(Errc::kInvalid, "devices: an object of lists by device is needed");
    }
    for (const auto& [id, list] : devices->items()) {
      const auto device = device_of(id);
      if (!device) return device.error();
      if (auto done = read_values(id, list); !done) return done.error();
      if (auto done = judge_->minute(*device, values_); !done) return done.error();
    }
    return {};
  }

  Result<void> read_values(const std::string& id, const Json& list) {
    if (!list.is_array() || list.size() != values_.size()) {
      return fail(Errc::kInvalid, printable(id, 64) + ": a list of " +
                                      std::to_string(values_.size()) +
                                      " values is needed, one a metric");
    }
    for (std::size_t i = 0; i < values_.size(); ++i) {
      const Json& value = list[i];
      if (value.is_null()) {
        values_[i] = kNoValue;
        continue;
      }
      if (!value.is_number() || std::abs(value.get<double>()) > kLargestReading) {
        return fail(Errc::kInvalid,
                    printable(id, 64) + ": " + printable(dump_json(value), 40) + " is no reading");
      }
      values_[i] = value.get<double>();
    }
    return {};
  }

  std::istream& in_;
  const RecordingOptions& options_;
  std::string text_;
  std::uint64_t line_ = 0;
  bool ended_ = false;
  WallTime at_;
  std::unordered_map<std::string, std::size_t> places_;
  std::vector<double> values_;
  std::unique_ptr<Judge> judge_;
};

}  // namespace

std::string line_of(const Report& report) {
  return std::visit([](const auto& one) { return json_of(one); }, report);
}

std::string line_of(const RecordingSummary& summary) {
  return R"({"summary":true,"halted":)" + (summary.halted ? json_stamp(*summary.halted) : "null") +
         R"(,"looks":)" + std::to_string(summary.looks) + R"(,"offered":)" +
         std::to_string(summary.offered) + R"(,"devices":)" + std::to_string(summary.devices) + "}";
}

Result<RecordingSummary> judge_recording(std::istream& in, const RecordingOptions& options) {
  return Recording(in, options).judge();
}

}  // namespace ota::rollout
