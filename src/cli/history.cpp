#include "cli/history.h"

#include "anomaly/csv_rows.h"
#include "cli/fetch.h"
#include "cli/local_store.h"

namespace ota::cli {
namespace {

constexpr std::size_t kHistoryPage = 1000;

Result<WallTime> time_option(const Context& context, const char* name, WallTime fallback) {
  if (!context.arguments.has(name)) return fallback;
  const std::string given = context.arguments.text(name);
  const bool age =
      !given.empty() && std::string_view("smhd").find(given.back()) != std::string::npos;
  if (age) {
    const auto ago = parse_duration(given);
    if (!ago) return usage_error(std::string(name) + " " + ago.error().context);
    return context.clock.wall() - *ago;
  }
  const auto at = anomaly::parse_stamp(given);
  if (!at) {
    return usage_error(std::string(name) + " " + given +
                       ": no time such as 2026-08-20T14:03:00Z, nor an age such as 24h");
  }
  return *at;
}

bool within(const Json& event, const Span& span) {
  const WallTime at = stamp_at(event, "at");
  return at >= span.from && at < span.to;
}

}  // namespace

Result<Span> span_of(const Context& context) {
  const auto from = time_option(context, "--from", WallTime(milliseconds(1)));
  if (!from) return from.error();
  const auto to = time_option(context, "--to", context.clock.wall() + std::chrono::minutes(1));
  if (!to) return to.error();
  if (*from >= *to) return usage_error("--from is not before --to");
  return Span{*from, *to};
}

Result<History> History::open(Context& context) {
  History history(context);
  if (!context.arguments.has("--offline")) return history;
  auto store = open_local_store(context);
  if (!store) return store.error();
  history.store_ = std::move(*store);
  return history;
}

Result<std::vector<fleet::Minute>> History::minutes(const std::string& device, const Span& span) {
  if (store_) return fleet::read_all_minutes(*store_, device, span.from, span.to);
  std::vector<fleet::Minute> out;
  std::string from = format_rfc3339(span.from);
  while (!from.empty()) {
    const auto page = context_->api.get("/v1/devices/" + url_escape(device) +
                                        "/minutes?from=" + url_escape(from) +
                                        "&to=" + url_escape(format_rfc3339(span.to)));
    if (!page) return page.error();
    for (const Json& entry : list_at(*page, "minutes")) {
      auto minute = fleet::parse_minute(stamp_at(entry, "at"), entry);
      if (!minute) return minute.error();
      out.push_back(std::move(*minute));
    }
    from = text_at(*page, "next");
  }
  return out;
}

Result<std::vector<Json>> History::events(const std::string& kind, const Span& span) {
  std::vector<Json> out;
  store::EventQuery query;
  query.kind_prefix = kind;
  query.limit = kHistoryPage;
  for (;;) {
    Json events;
    if (store_) {
      const auto read = store_->events(query);
      if (!read) return read.error();
      events = *read;
    } else {
      const auto page =
          context_->api.get("/v1/events?after=" + std::to_string(query.after) +
                            "&limit=" + std::to_string(kHistoryPage) + "&kind=" + url_escape(kind));
      if (!page) return page.error();
      events = list_at(*page, "events");
    }
    for (Json& event : events) {
      query.after = std::max(query.after, count_at(event, "seq"));
      if (within(event, span)) out.push_back(std::move(event));
    }
    if (events.size() < kHistoryPage) return out;
  }
}

Result<std::vector<std::string>> History::devices() {
  std::vector<std::string> out;
  if (store_) {
    const auto documents = store_->load("devices");
    if (!documents) return documents.error();
    for (const store::Document& document : *documents)
      out.push_back(document.key);
    return out;
  }
  const auto rows = fetch_devices(context_->api);
  if (!rows) return rows.error();
  for (const Json& row : *rows)
    out.push_back(text_at(row, "id"));
  return out;
}

}  // namespace ota::cli
