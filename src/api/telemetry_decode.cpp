#include "api/telemetry_decode.h"

#include <simdjson.h>

#include <cstring>
#include <string>

#include "base/clock.h"

namespace ota::api {
namespace {

using simdjson::ondemand::object;
using simdjson::ondemand::value;

// Which of a sample's members were seen, so that none may stand twice.
enum Seen : unsigned { kSeq = 1, kBoot = 2, kTime = 4, kMetrics = 8, kFirstMetric = 16 };

bool valid_metric_name(std::string_view name) {
  constexpr std::size_t kLongest = 24;
  if (name.empty() || name.size() > kLongest) return false;
  for (const char c : name) {
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_')) return false;
  }
  return true;
}

// Null where all is well, else what is wrong, in a few words.
const char* read_extra(value& in, std::vector<model::ExtraMetric>& out) {
  object metrics;
  if (in.get_object().get(metrics) != simdjson::SUCCESS) return "metrics is no object";
  for (auto field : metrics) {
    std::string_view name;
    double number = 0;
    if (field.unescaped_key().get(name) != simdjson::SUCCESS || !valid_metric_name(name)) {
      return "a metric's name is not of the form [a-z0-9_]{1,24}";
    }
    const std::string kept(name);
    if (field.value().get_double().get(number) != simdjson::SUCCESS) return "a metric is no number";
    for (const model::ExtraMetric& known : out) {
      if (known.name == kept) return "a metric stands twice";
    }
    if (out.size() == model::kMaxExtraMetrics) return "more than 8 further metrics";
    out.push_back({kept, number});
  }
  return nullptr;
}

// A value that is not looked at: simdjson skips such a one without reading it, and what is no JSON
// would be taken. `depth`: how many levels it may have.
const char* read_unknown(value& in, std::size_t depth);

const char* read_unknown_members(value& in, std::size_t depth) {
  object members;
  if (in.get_object().get(members) != simdjson::SUCCESS) return "malformed JSON";
  for (auto field : members) {
    std::string_view key;
    value member;
    if (field.unescaped_key().get(key) != simdjson::SUCCESS ||
        field.value().get(member) != simdjson::SUCCESS) {
      return "malformed JSON";
    }
    if (const char* problem = read_unknown(member, depth)) return problem;
  }
  return nullptr;
}

const char* read_unknown_elements(value& in, std::size_t depth) {
  simdjson::ondemand::array elements;
  if (in.get_array().get(elements) != simdjson::SUCCESS) return "malformed JSON";
  for (auto element : elements) {
    value member;
    if (element.get(member) != simdjson::SUCCESS) return "malformed JSON";
    if (const char* problem = read_unknown(member, depth)) return problem;
  }
  return nullptr;
}

const char* read_unknown(value& in, std::size_t depth) {
  using simdjson::ondemand::json_type;
  constexpr const char* kMalformed = "malformed JSON";
  json_type type{};
  if (in.type().get(type) != simdjson::SUCCESS) return kMalformed;
  if ((type == json_type::object || type == json_type::array) && depth == 0) {
    return "nested too deeply";
  }
  std::string_view text;
  double number = 0;
  bool flag = false;
  switch (type) {
    case json_type::object:
      return read_unknown_members(in, depth - 1);
    case json_type::array:
      return read_unknown_elements(in, depth - 1);
    case json_type::string:
      return in.get_string().get(text) == simdjson::SUCCESS ? nullptr : kMalformed;
    case json_type::number:
      return in.get_double().get(number) == simdjson::SUCCESS ? nullptr : kMalformed;
    case json_type::boolean:
      return in.get_bool().get(flag) == simdjson::SUCCESS ? nullptr : kMalformed;
    case json_type::null:
      return in.is_null().get(flag) == simdjson::SUCCESS && flag ? nullptr : kMalformed;
    default:
      return kMalformed;
  }
}

// `depth`: how many levels a member may have.
const char* read_member(std::string_view key, value& in, std::size_t depth, model::Sample& sample,
                        unsigned& seen) {
  const auto first = [&seen](unsigned bit) {
    const bool fresh = (seen & bit) == 0;
    seen |= bit;
    return fresh;
  };
  std::string_view text;
  if (key == "seq") {
    if (!first(kSeq)) return "seq stands twice";
    return in.get_uint64().get(sample.seq) == simdjson::SUCCESS ? nullptr
                                                                : "seq is no whole number";
  }
  if (key == "boot_id") {
    if (!first(kBoot)) return "boot_id stands twice";
    if (in.get_string().get(text) != simdjson::SUCCESS) return "boot_id is no text";
    const auto boot = model::BootId::parse(text);
    if (!boot) return "boot_id is not 32 hex digits";
    sample.boot = *boot;
    return nullptr;
  }
  if (key == "time") {
    if (!first(kTime)) return "time stands twice";
    if (in.get_string().get(text) != simdjson::SUCCESS) return "time is no text";
    const auto time = parse_rfc3339(text);
    if (!time) return "time is not RFC 3339";
    sample.at = *time;
    return nullptr;
  }
  if (key == "metrics") {
    return first(kMetrics) ? read_extra(in, sample.extra) : "metrics stands twice";
  }
  const auto metric = model::parse_metric(key);
  if (!metric) return read_unknown(in, depth);  // a newer agent's member
  if (!first(kFirstMetric << static_cast<unsigned>(*metric))) return "a metric stands twice";
  bool null = false;
  if (in.is_null().get(null) == simdjson::SUCCESS && null) return nullptr;
  double number = 0;
  if (in.get_double().get(number) != simdjson::SUCCESS) return "a metric is no number";
  sample.value(*metric) = number;
  return nullptr;
}

const char* read_sample(object& in, std::size_t depth, model::Sample& sample) {
  unsigned seen = 0;
  for (auto field : in) {
    std::string_view key;
    value member;
    if (field.unescaped_key().get(key) != simdjson::SUCCESS ||
        field.value().get(member) != simdjson::SUCCESS) {
      return "malformed JSON";
    }
    if (const char* problem = read_member(key, member, depth, sample, seen)) return problem;
  }
  constexpr unsigned kNeeded = kSeq | kBoot | kTime;
  if ((seen & kNeeded) != kNeeded) return "seq, boot_id and time are required";
  return nullptr;
}

Error bad(std::size_t index, const char* problem) {
  return fail(Errc::kInvalid, "sample " + std::to_string(index + 1) + ": " + problem);
}

// simdjson reads a little past the end: the body goes into a buffer of the thread's own with that
// room.
std::string_view padded(std::string_view body, std::size_t& capacity) {
  static thread_local std::vector<char> buffer;
  if (buffer.size() < body.size() + simdjson::SIMDJSON_PADDING) {
    buffer.resize(body.size() + simdjson::SIMDJSON_PADDING);
  }
  std::memcpy(buffer.data(), body.data(), body.size());
  std::memset(buffer.data() + body.size(), 0, simdjson::SIMDJSON_PADDING);
  capacity = buffer.size();
  return {buffer.data(), body.size()};
}

}  // namespace

Result<void> decode_telemetry(std::string_view body, const TelemetryLimits& limits,
                              std::vector<model::Sample>& out) {
  const auto left = [&](std::size_t levels) {
    return limits.depth > levels ? limits.depth - levels : 0;
  };
  static thread_local simdjson::ondemand::parser parser;
  out.clear();
  if (body.empty()) return fail(Errc::kInvalid, "the body is empty");
  std::size_t capacity = 0;
  const std::string_view text = padded(body, capacity);
  simdjson::ondemand::document document;
  if (parser.iterate(text.data(), text.size(), capacity).get(document) != simdjson::SUCCESS) {
    return fail(Errc::kInvalid, "malformed JSON");
  }
  simdjson::ondemand::json_type type{};
  if (document.type().get(type) != simdjson::SUCCESS) return fail(Errc::kInvalid, "malformed JSON");
  if (type == simdjson::ondemand::json_type::object) {
    object sample;
    if (document.get_object().get(sample) != simdjson::SUCCESS) return bad(0, "malformed JSON");
    if (const char* problem = read_sample(sample, left(1), out.emplace_back()))
      return bad(0, problem);
  } else if (type == simdjson::ondemand::json_type::array) {
    simdjson::ondemand::array samples;
    if (document.get_array().get(samples) != simdjson::SUCCESS) return bad(0, "malformed JSON");
    for (auto entry : samples) {
      if (out.size() == limits.samples) {
        return fail(Errc::kLimit,
                    "more than " + std::to_string(limits.samples) + " samples in one request");
      }
      object sample;
      if (entry.get_object().get(sample) != simdjson::SUCCESS) return bad(out.size(), "no object");
      if (const char* problem = read_sample(sample, left(2), out.emplace_back()))
        return bad(out.size() - 1, problem);
    }
  } else {
    return fail(Errc::kInvalid, "neither a sample nor an array of samples");
  }
  const char* rest = nullptr;  // past the end it has no place any more
  if (document.current_location().get(rest) == simdjson::SUCCESS) {
    return fail(Errc::kInvalid, "something follows the document");
  }
  return {};
}

}  // namespace ota::api
