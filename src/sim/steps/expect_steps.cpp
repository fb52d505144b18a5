// Steps that ask and expect: wait-until, expect, push, expect-event, expect-log, expect-no-log,
// expect-slots, otactl, audit.
#include "base/text.h"
#include "sim/steps/all.h"
#include "sim/steps/common.h"

namespace ota::sim {
namespace {

// None where the device is as `keys` wants it; else how it is.
std::optional<std::string> mismatch(World& world, const Json& keys) {
  const std::string id = keys.at("device").get<std::string>();
  const std::string field = keys.at("field").get<std::string>();
  const std::string op = keys.value("op", "is");
  const Json& wanted = keys.at("value");
  const std::string value = wanted.is_string() ? wanted.get<std::string>() : wanted.dump();
  const auto device = world.device(id);
  if (!device) return id + ": " + device.error().text();
  const std::string found = field_of(*device, field);
  const auto met = compare(found, op, value);
  if (!met) return met.error().text();
  if (*met) return std::nullopt;
  return id + ": " + field + " is '" + found + "', expected: " + op + " '" + value + "'";
}

bool matches(const Json& event, const Json& keys) {
  for (const char* key : {"source", "severity"}) {
    if (keys.contains(key) && cli::text_at(event, key) != keys.at(key).get<std::string>()) {
      return false;
    }
  }
  if (keys.contains("kind") && !cli::text_at(event, "kind").starts_with(keys.value("kind", ""))) {
    return false;
  }
  return cli::text_at(event, "message").find(keys.value("message", "")) != std::string::npos;
}

Result<void> expect_end(World& world, const std::string& job, const std::string& end,
                        milliseconds patience) {
  return wait_until(world, patience, [&]() -> std::optional<std::string> {
    const auto answer = world.get("/v1/jobs/" + cli::url_escape(job));
    if (!answer) return job + ": " + answer.error().text();
    const std::string state = cli::text_at(*answer, "state");
    if (state == end) return std::nullopt;
    return job + " is " + state + " (" + cli::text_at(*answer, "error_code") + " " +
           cli::text_at(*answer, "detail") + "), expected: " + end;
  });
}

// The first answer that is not the expected headline, with what did not pass; one headline may
// stand for all devices.
std::optional<std::string> unexpected(const Json& results,
                                      const std::vector<std::string>& expected) {
  std::size_t i = 0;
  for (const Json& result : results) {
    const Json& decision = cli::object_at(result, "decision");
    const std::string& wanted = expected[std::min(i++, expected.size() - 1)];
    if (cli::text_at(decision, "headline") == wanted) continue;
    std::string words = cli::text_at(decision, "device") + ": '" +
                        cli::text_at(decision, "headline") + "', expected: '" + wanted + "'";
    for (const Json& check : cli::list_at(decision, "checks")) {
      if (cli::text_at(check, "result") == "pass") continue;
      words.append("; ").append(cli::text_at(check, "check")).append(": ");
      words += cli::text_at(check, "observed");
    }
    return words;
  }
  return std::nullopt;
}

}  // namespace

Result<void> run_wait_until(World& world, const Json& keys) {
  return wait_until(world, within_of(world, keys), [&] { return mismatch(world, keys); });
}

Result<void> run_expect(World& world, const Json& keys) {
  if (const auto instead = mismatch(world, keys)) return fail(Errc::kConflict, *instead);
  return {};
}

Result<void> run_push(World& world, const Json& keys) {
  Json body{{"devices", texts_of(keys, "devices")}};
  for (const char* key : {"version", "override", "again", "dry_run"}) {
    if (keys.contains(key)) body[key] = keys.at(key);
  }
  Json results;
  const auto once = [&]() -> std::optional<std::string> {
    const auto answer = world.post("/v1/push", body);
    if (!answer) return answer.error().text();
    results = cli::list_at(*answer, "results");
    return unexpected(results, texts_of(keys, "expect"));
  };
  const bool again = keys.value("eventually", false);
  const auto answered = wait_until(world, again ? within_of(world, keys) : milliseconds(0), once);
  if (!answered) return fail(Errc::kConflict, answered.error().context);
  if (!keys.contains("end")) return {};
  for (const Json& result : results) {
    const auto ended = expect_end(world, cli::text_at(result, "job"),
                                  keys.at("end").get<std::string>(), within_of(world, keys));
    if (!ended) return ended.error();
  }
  return {};
}

Result<void> run_expect_event(World& world, const Json& keys) {
  const double least = keys.value("count", 1.0);
  return wait_until(world, within_of(world, keys), [&]() -> std::optional<std::string> {
    const auto events = world.events();
    if (!events) return events.error().text();
    double found = 0;
    for (const Json& event : *events)
      found += matches(event, keys) ? 1 : 0;
    if (found >= least) return std::nullopt;
    return "no such event: " + keys.dump();
  });
}

Result<void> run_expect_no_event(World& world, const Json& keys) {
  const auto events = world.events();
  if (!events) return events.error();
  for (const Json& event : *events) {
    if (matches(event, keys)) return fail(Errc::kConflict, "there is: " + event.dump());
  }
  return {};
}

Result<void> run_expect_log(World& world, const Json& keys) {
  const std::string what = keys.at("what").get<std::string>();
  const std::string text = keys.at("text").get<std::string>();
  return wait_until(world, within_of(world, keys), [&]() -> std::optional<std::string> {
    if (world.log_of(what).find(text) != std::string::npos) return std::nullopt;
    return what + " never printed: " + text;
  });
}

Result<void> run_expect_no_log(World& world, const Json& keys) {
  const std::string what = keys.at("what").get<std::string>();
  const std::string text = keys.at("text").get<std::string>();
  if (world.log_of(what).find(text) == std::string::npos) return {};
  return fail(Errc::kConflict, what + " printed: " + text);
}

Result<void> run_otactl(World& world, const Json& keys) {
  const auto said = world.otactl(texts_of(keys, "args"));
  if (!said) return said.error();
  const int exit = static_cast<int>(keys.value("exit", 0.0));
  if (said->status != exit) {
    return fail(Errc::kConflict, "exit " + std::to_string(said->status) + ", expected " +
                                     std::to_string(exit) + ": " + printable(said->output, 600));
  }
  for (const std::string& text : texts_of(keys, "output")) {
    if (said->output.find(text) == std::string::npos) {
      return fail(Errc::kConflict, "no '" + text + "' in: " + printable(said->output, 600));
    }
  }
  return {};
}

Result<void> run_audit(World& world, const Json& keys) {
  const auto answer = world.get("/v1/audit/verify");
  if (!answer) return answer.error();
  if (cli::is_set(*answer, "ok") == keys.value("intact", true)) return {};
  return fail(Errc::kConflict, "the chain of events: " + answer->dump());
}

Result<void> run_expect_slots(World& world, const Json& keys) {
  return check_slots(world, keys.at("device").get<std::string>());
}

}  // namespace ota::sim
