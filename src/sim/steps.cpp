#include "sim/steps.h"

#include "sim/steps/all.h"

namespace ota::sim {
namespace {

constexpr Need kMust = Need::kRequired;
constexpr Need kMay = Need::kOptional;
const Key kWithin{"within_s", KeyType::kNumber, kMay, "patience in seconds"};

std::vector<Key> event_keys() {
  return {{"kind", KeyType::kText, kMay, "begins so"},
          {"source", KeyType::kText, kMay, "who it is about"},
          {"severity", KeyType::kText, kMay, "info, notice, warning or error"},
          {"message", KeyType::kText, kMay, "contains"}};
}

std::vector<Key> with(std::vector<Key> keys, std::vector<Key> further) {
  keys.insert(keys.end(), further.begin(), further.end());
  return keys;
}

std::vector<Key> field_keys() {
  return {{"device", KeyType::kText, kMust, "which device"},
          {"field", KeyType::kText, kMust, "state, verdict, version, job_state, ..."},
          {"op", KeyType::kText, kMay, "is, is-not, contains, above, below, reached"},
          {"value", KeyType::kAny, kMust, "what it is compared with"}};
}

std::vector<Key> what_keys() {
  return {{"what", KeyType::kTexts, kMust, "console, agents or devices"}};
}

std::vector<StepKind> system_kinds() {
  return {
      {"start", "starts the console (and waits until it serves) or agents (and enrols them)",
       what_keys(), &run_start},
      {"stop", "ends programs by SIGTERM and waits for them", what_keys(), &run_stop},
      {"restart", "stops what runs and starts it", what_keys(), &run_restart},
      {"kill",
       "sends a signal, at once or as soon as something is seen",
       {{"what", KeyType::kText, kMust, "console or a device"},
        {"signal", KeyType::kText, kMay, "KILL, TERM, STOP, CONT"},
        {"when_log", KeyType::kText, kMay, "wait for this text in its output first"},
        {"when_file", KeyType::kText, kMay, "wait until this file below the root exists first"},
        kWithin},
       &run_kill},
      {"network",
       "cuts, slows or heals the wire between devices and the server",
       {{"state", KeyType::kText, kMust, "cut, slow or whole"},
        {"device", KeyType::kTexts, kMay, "whose wire (all)"},
        {"bytes_per_second", KeyType::kNumber, kMay, "of slow (16384)"}},
       &run_network},
      {"tamper",
       "changes files below the root behind the programs' backs",
       {{"file", KeyType::kText, kMust, "path below the root; one * in its last part"},
        {"how", KeyType::kText, kMust,
         "flip-byte, flip-last-byte, truncate, append, replace, own-patch, remove"},
        {"with", KeyType::kText, kMay, "what is appended or put there"}},
       &run_tamper},
      {"keep",
       "copies a folder or file of the root aside",
       {{"path", KeyType::kText, kMust, "below the root"}, {"as", KeyType::kText, kMust, "a name"}},
       &run_keep},
      {"put-back",
       "copies what was kept over what is there now",
       {{"path", KeyType::kText, kMust, "below the root"},
        {"as", KeyType::kText, kMust, "the name"},
        {"exactly", KeyType::kSwitch, kMay, "remove what is newer first"}},
       &run_put_back},
      {"publish",
       "signs and publishes a release and waits until the console sees it",
       {{"version", KeyType::kText, kMust, "its version"},
        {"hardware", KeyType::kTexts, kMay, "models (sim-a)"},
        {"class", KeyType::kText, kMay, "functional, security, remediation"},
        {"lines", KeyType::kText, kMay, "marker lines of the image"},
        {"pad_kib", KeyType::kNumber, kMay, "KiB appended"},
        {"mixed", KeyType::kSwitch, kMay, "padding that is not zeros alone (false)"},
        {"like", KeyType::kText, kMay, "a version whose sample image it is, but for its lines"}},
       &run_publish},
      {"fill-disk",
       "makes the disk of the console's state full, or gives it room again",
       {{"state", KeyType::kText, kMust, "full or room"}},
       &run_fill_disk},
      {"move-clock",
       "moves the wall clock of programs; their monotonic clock goes on",
       {{"what", KeyType::kTexts, kMust, "console, agents or devices"},
        {"by_s", KeyType::kSigned, kMust, "seconds; negative: back"}},
       &run_move_clock},
      {"lie",
       "sends samples with the device's own key, as a manipulated agent would; its own is stopped",
       {{"device", KeyType::kText, kMust, "who lies"},
        {"how", KeyType::kText, kMust,
         "honest, stuck, perfect, replayed, impossible, future, old, repeated, backwards, "
         "just-under, missing, restarting, drifting, mining, nightly, hot, dropping"},
        {"samples", KeyType::kNumber, kMay, "how many (40)"},
        {"interval_ms", KeyType::kNumber, kMay, "from one to the next (50)"},
        {"each_s", KeyType::kNumber, kMay,
         "instead: so many seconds pass for the console with each sample, so that days do in "
         "seconds"}},
       &run_lie},
      {"forge-certificate",
       "replaces a device's certificate by one of a foreign authority",
       {{"device", KeyType::kText, kMust, "whose"}},
       &run_forge_certificate},
      {"join",
       "lets a device enrol, and expects how it ends",
       {{"device", KeyType::kText, kMust, "which"},
        {"code", KeyType::kText, kMay, "a join code; else a fresh one is asked for"},
        {"wrong_fingerprint", KeyType::kSwitch, kMay, "the code names another authority"},
        {"expect", KeyType::kText, kMay, "joined, or a text of the refusal"}},
       &run_join},
  };
}

std::vector<StepKind> expecting_kinds() {
  return {
      {"wait-until", "waits until a device's field is so", with(field_keys(), {kWithin}),
       &run_wait_until},
      {"expect", "a device's field is so now", field_keys(), &run_expect},
      {"push",
       "asks for an update and expects the answer's headline",
       {{"devices", KeyType::kTexts, kMust, "which"},
        {"version", KeyType::kText, kMay, "else the target version"},
        {"override", KeyType::kText, kMay, "a reason"},
        {"again", KeyType::kSwitch, kMay, "also what it fell back from"},
        {"dry_run", KeyType::kSwitch, kMay, "ask only"},
        {"expect", KeyType::kTexts, kMust, "the headline (for each device, or for all)"},
        {"eventually", KeyType::kSwitch, kMay, "ask again until it is so"},
        {"end", KeyType::kText, kMay, "wait for this end of the job"},
        kWithin},
       &run_push},
      {"expect-event", "waits for an event",
       with(event_keys(), {{"count", KeyType::kNumber, kMay, "at least so many (1)"}, kWithin}),
       &run_expect_event},
      {"expect-no-event", "no such event has happened so far", event_keys(), &run_expect_no_event},
      {"expect-log",
       "waits until a program has printed a text",
       {{"what", KeyType::kText, kMust, "console or a device"},
        {"text", KeyType::kText, kMust, "the text"},
        kWithin},
       &run_expect_log},
      {"expect-no-log",
       "a program has not printed a text so far",
       {{"what", KeyType::kText, kMust, "console or a device"},
        {"text", KeyType::kText, kMust, "the text"}},
       &run_expect_no_log},
      {"expect-slots",
       "the device would boot from exactly one whole slot",
       {{"device", KeyType::kText, kMust, "which"}},
       &run_expect_slots},
      {"otactl",
       "runs otactl and expects its exit code and parts of its output",
       {{"args", KeyType::kTexts, kMust, "the command line"},
        {"exit", KeyType::kNumber, kMay, "0"},
        {"output", KeyType::kTexts, kMay, "each of these is in what it printed"}},
       &run_otactl},
      {"audit",
       "the chain of events is intact",
       {{"intact", KeyType::kSwitch, kMay, "true"}},
       &run_audit},
  };
}

std::vector<StepKind> drill_kinds() {
  return {
      {"stolen-server",
       "a server in an attacker's hand, whose offline keys lie elsewhere, and a device that trusts "
       "it",
       {{"installer", KeyType::kText, kMay, "a shell command with a hand on the device's disk"}},
       &run_stolen_server},
      {"sign",
       "those who may sign publish a release",
       {{"version", KeyType::kText, kMust, "its version"},
        {"model", KeyType::kText, kMay, "for another model than the device's"},
        {"floor", KeyType::kText, kMay, "below which no device may go after it"}},
       &run_sign},
      {"rotate",
       "a ceremony gives roles new keys",
       {{"roles", KeyType::kTexts, kMust, "root, targets, snapshot, timestamp, director"}},
       &run_rotate},
      {"attack",
       "what the attacker does to the files",
       {{"how", KeyType::kText, kMust, "arbitrary-image, rollback, freeze, ..."},
        {"role", KeyType::kText, kMay, "of a rollback: timestamp, snapshot, targets, model, root"}},
       &run_attack},
      {"ask-signers",
       "the attacker has a change of his own signed as a mere renewal, by a request whose "
       "comparison "
       "is forged",
       {{"role", KeyType::kText, kMust, "root or model"},
        {"expect", KeyType::kText, kMust,
         "signed, shown (the words tell of the change), or the refusal's code"}},
       &run_ask_signers},
      {"roll-back",
       "the attacker's server tells the device to go back to its other slot",
       {{"word", KeyType::kText, kMay,
         "of the director: none, other-device, other-image, expired, replayed"},
        {"expect", KeyType::kText, kMust,
         "the version that it runs then, or a part of why it stays"},
        kWithin},
       &run_roll_back},
      {"rollback-storm",
       "the attacker's server answers every poll with a rollback",
       {{"word", KeyType::kText, kMay, "of the director, as of roll-back"},
        {"seconds", KeyType::kNumber, kMust, "for so long"},
        {"most_restarts", KeyType::kNumber, kMust, "of the device meanwhile"}},
       &run_rollback_storm},
      {"restore", "the honest metadata is there again", {}, &run_restore},
      {"order",
       "the attacker's server tells the device to install, and the device answers",
       {{"version", KeyType::kText, kMust, "what"},
        {"model", KeyType::kText, kMay, "an image of another model"},
        {"word", KeyType::kText, kMay,
         "of the director: none, other-device, other-image, changed, expired, replayed"},
        {"expect", KeyType::kText, kMay, "installed, or the refusal's code"},
        {"log", KeyType::kText, kMay, "wait for this text of the device instead"},
        kWithin},
       &run_order},
      {"device-clock",
       "the device looks at the metadata with a clock that is years off",
       {{"years_ahead", KeyType::kNumber, kMay, "how far"},
        {"years_behind", KeyType::kNumber, kMay, "or how far the other way"},
        {"expect", KeyType::kText, kMust, "fresh, or the refusal's code"},
        {"clock", KeyType::kText, kMay, "what it thinks of its clock (plausible)"}},
       &run_device_clock},
  };
}

}  // namespace

std::span<const StepKind> step_kinds() {
  static const std::vector<StepKind> kTable = [] {
    std::vector<StepKind> table = system_kinds();
    for (StepKind& kind : expecting_kinds())
      table.push_back(std::move(kind));
    for (StepKind& kind : drill_kinds())
      table.push_back(std::move(kind));
    return table;
  }();
  return kTable;
}

const StepKind* find_step_kind(std::string_view name) {
  for (const StepKind& kind : step_kinds()) {
    if (kind.name == name) return &kind;
  }
  return nullptr;
}

}  // namespace ota::sim
