// Every kind of event of the log: its word, how grave it is as a rule, what it says, and what to
// do.
//
// The words stand here and nowhere else (a check of tools/lint): a new kind is a constant and its
// line in the table, and docs/events.md follows by `make approve`. Old logs may hold kinds that are
// not here any more, so Event::kind stays a text. Pure; any thread.
#pragma once

#include <array>
#include <string_view>

#include "model/event.h"

namespace ota::model {

namespace event_kind {

inline constexpr const char* kAgentExit = "agent.exit";
inline constexpr const char* kAgentNotStarted = "agent.not-started";
inline constexpr const char* kAgentStartFailed = "agent.start-failed";
inline constexpr const char* kAgentStopped = "agent.stopped";
inline constexpr const char* kAuditAcknowledged = "audit.acknowledged";
inline constexpr const char* kAuditCut = "audit.cut";
inline constexpr const char* kAuditFork = "audit.fork";
inline constexpr const char* kAuditFromChain = "audit.from-chain";
inline constexpr const char* kAuditImport = "audit.import";
inline constexpr const char* kAuditImported = "audit.imported";
inline constexpr const char* kAuditNewKey = "audit.new-key";
inline constexpr const char* kAuditNoHead = "audit.no-head";
inline constexpr const char* kAuditRetired = "audit.retired";
inline constexpr const char* kAuditSignFailed = "audit.sign-failed";
inline constexpr const char* kAuditUnreadable = "audit.unreadable";
inline constexpr const char* kAuthExpired = "auth.expired";
inline constexpr const char* kAuthFail = "auth.fail";
inline constexpr const char* kClockJump = "clock.jump";
inline constexpr const char* kConfigApplied = "config.applied";
inline constexpr const char* kConfigBad = "config.bad";
inline constexpr const char* kConfigRestartNeeded = "config.restart-needed";
inline constexpr const char* kDdiAccepted = "ddi.accepted";
inline constexpr const char* kDdiAttributes = "ddi.attributes";
inline constexpr const char* kDdiAttributesAsked = "ddi.attributes-asked";
inline constexpr const char* kDdiCancelRefused = "ddi.cancel-refused";
inline constexpr const char* kDdiDownloadedAgain = "ddi.downloaded-again";
inline constexpr const char* kDdiFailed = "ddi.failed";
inline constexpr const char* kDdiGatewayToken = "ddi.gateway-token";
inline constexpr const char* kDdiJoined = "ddi.joined";
inline constexpr const char* kDdiLateReport = "ddi.late-report";
inline constexpr const char* kDdiRejected = "ddi.rejected";
inline constexpr const char* kDdiSuccessWithoutDownload = "ddi.success-without-download";
inline constexpr const char* kDdiToken = "ddi.token";
inline constexpr const char* kDdiVersion = "ddi.version";
inline constexpr const char* kDdiWaiting = "ddi.waiting";
inline constexpr const char* kDdiWithheld = "ddi.withheld";
inline constexpr const char* kDeviceAcknowledged = "device.acknowledged";
inline constexpr const char* kDeviceBaseline = "device.baseline";
inline constexpr const char* kDeviceClockOff = "device.clock-off";
inline constexpr const char* kDeviceClockRight = "device.clock-right";
inline constexpr const char* kDeviceFallback = "device.fallback";
inline constexpr const char* kDeviceGone = "device.gone";
inline constexpr const char* kDeviceHardwareMismatch = "device.hardware-mismatch";
inline constexpr const char* kDeviceInTwoPlaces = "device.in-two-places";
inline constexpr const char* kDeviceOffline = "device.offline";
inline constexpr const char* kDeviceOnline = "device.online";
inline constexpr const char* kDeviceReach = "device.reach";
inline constexpr const char* kDeviceReadingsRefused = "device.readings-refused";
inline constexpr const char* kDeviceTwoClients = "device.two-clients";
inline constexpr const char* kDeviceUnexpectedImage = "device.unexpected-image";
inline constexpr const char* kDeviceUnlisted = "device.unlisted";
inline constexpr const char* kEnrolExpired = "enrol.expired";
inline constexpr const char* kEnrolExpiring = "enrol.expiring";
inline constexpr const char* kEnrolKeyTaken = "enrol.key-taken";
inline constexpr const char* kEnrolOk = "enrol.ok";
inline constexpr const char* kEnrolOpened = "enrol.opened";
inline constexpr const char* kEnrolRefused = "enrol.refused";
inline constexpr const char* kEnrolRenewalAllowed = "enrol.renewal-allowed";
inline constexpr const char* kEnrolRenewed = "enrol.renewed";
inline constexpr const char* kEnrolRevoked = "enrol.revoked";
inline constexpr const char* kEnrolSecondKey = "enrol.second-key";
inline constexpr const char* kFirmwareAdd = "firmware.add";
inline constexpr const char* kFirmwareRemove = "firmware.remove";
inline constexpr const char* kFirmwareSampleFailed = "firmware.sample-failed";
inline constexpr const char* kFirmwareSignFailed = "firmware.sign-failed";
inline constexpr const char* kFirmwareUnreadable = "firmware.unreadable";
inline constexpr const char* kGateAllow = "gate.allow";
inline constexpr const char* kGateBlock = "gate.block";
inline constexpr const char* kGateOverride = "gate.override";
inline constexpr const char* kGateSkip = "gate.skip";
inline constexpr const char* kJobCancelRequested = "job.cancel-requested";
inline constexpr const char* kJobCancelTooLate = "job.cancel-too-late";
inline constexpr const char* kJobCancelled = "job.cancelled";
inline constexpr const char* kJobExpired = "job.expired";
inline constexpr const char* kJobFailed = "job.failed";
inline constexpr const char* kJobForceQuit = "job.force-quit";
inline constexpr const char* kJobHealthy = "job.healthy";
inline constexpr const char* kJobLeft = "job.left";
inline constexpr const char* kJobRefused = "job.refused";
inline constexpr const char* kJobRegressed = "job.regressed";
inline constexpr const char* kJobRetry = "job.retry";
inline constexpr const char* kJobRolledBack = "job.rolled-back";
inline constexpr const char* kJobStep = "job.step";
inline constexpr const char* kJobSucceeded = "job.succeeded";
inline constexpr const char* kJobUnwatched = "job.unwatched";
inline constexpr const char* kKeysDiscard = "keys.discard";
inline constexpr const char* kKeysJournal = "keys.journal";
inline constexpr const char* kKeysRotate = "keys.rotate";
inline constexpr const char* kKeysSign = "keys.sign";
inline constexpr const char* kKeysSubmit = "keys.submit";
inline constexpr const char* kKeysTakeOffline = "keys.take-offline";
inline constexpr const char* kOperatorAdmitted = "operator.admitted";
inline constexpr const char* kOperatorRevoked = "operator.revoked";
inline constexpr const char* kPkiCreated = "pki.created";
inline constexpr const char* kPkiNote = "pki.note";
inline constexpr const char* kPkiRenewalFailed = "pki.renewal-failed";
inline constexpr const char* kPkiRenewed = "pki.renewed";
inline constexpr const char* kSecurityRefused = "security.refused";
inline constexpr const char* kServerAway = "server.away";
inline constexpr const char* kServerBack = "server.back";
inline constexpr const char* kServerCrowded = "server.crowded";
inline constexpr const char* kServerUp = "server.up";
inline constexpr const char* kStoreRecovered = "store.recovered";
inline constexpr const char* kStoreUnreadable = "store.unreadable";
inline constexpr const char* kStoreUnwritable = "store.unwritable";
inline constexpr const char* kTrustKeysOffline = "trust.keys-offline";
inline constexpr const char* kTrustKeysOnline = "trust.keys-online";
inline constexpr const char* kTrustPublished = "trust.published";
inline constexpr const char* kTrustUnreadable = "trust.unreadable";
inline constexpr const char* kUpdatesResumed = "updates.resumed";
inline constexpr const char* kUpdatesStopped = "updates.stopped";
inline constexpr const char* kVerdictAlarm = "verdict.alarm";
inline constexpr const char* kVerdictBlockEscalated = "verdict.block-escalated";
inline constexpr const char* kVerdictCritical = "verdict.critical";
inline constexpr const char* kVerdictStable = "verdict.stable";
inline constexpr const char* kVerdictUnknown = "verdict.unknown";
inline constexpr const char* kVerdictWatch = "verdict.watch";

}  // namespace event_kind

struct EventKind {
  std::string_view word;
  Severity severity;  // as a rule; the event itself has the last word
  std::string_view sentence;
  std::string_view remedy;  // what an operator does; empty: nothing
};

// In the order of their words.
inline constexpr std::array<EventKind, 117> kEventKinds{{
    {event_kind::kAgentExit, Severity::kWarning,
     "A local agent ended by itself and is started again after a pause.",
     "View 5 shows its last lines."},
    {event_kind::kAgentNotStarted, Severity::kError,
     "A local agent could not be prepared or started.",
     "The message says what is in its way; `otactl agents` and view 5 show its state."},
    {event_kind::kAgentStartFailed, Severity::kError,
     "A local agent's program could not be started.",
     "Look at the program's path and rights; it is tried again."},
    {event_kind::kAgentStopped, Severity::kInfo,
     "A local agent was stopped, by an operator or with the console.", ""},
    {event_kind::kAuditAcknowledged, Severity::kNotice,
     "An operator has seen to an import of a state.", ""},
    {event_kind::kAuditCut, Severity::kError,
     "The log is shorter than, or another than, its signed head says.",
     "Compare with a backup: `otactl audit verify`."},
    {event_kind::kAuditFork, Severity::kError, "The log is not what was signed.",
     "Compare with a backup and with what others keep: `otactl audit verify`."},
    {event_kind::kAuditFromChain, Severity::kNotice,
     "The log was a chain of hashes until here and goes on as a tree.", ""},
    {event_kind::kAuditImport, Severity::kError, "Somebody is about to import a state.",
     "Ask who did, and why."},
    {event_kind::kAuditImported, Severity::kError, "The whole state was replaced by an import.",
     "Once you know why: `otactl audit acknowledge EVENT`."},
    {event_kind::kAuditNewKey, Severity::kWarning,
     "The key that signs the log is another one than before.",
     "Where nobody changed it: ask who did; `otactl audit verify`."},
    {event_kind::kAuditNoHead, Severity::kWarning,
     "The log had no signed head; it is signed from now on.",
     "Where one should have been: ask who removed it."},
    {event_kind::kAuditRetired, Severity::kInfo,
     "Old events left the log by their age or number; their hashes stay.", ""},
    {event_kind::kAuditSignFailed, Severity::kError, "The log's head could not be signed.",
     "The message says why; it is tried again."},
    {event_kind::kAuditUnreadable, Severity::kError, "The signed head cannot be read.",
     "Restore `state/` from a backup, or remove the file to sign anew."},
    {event_kind::kAuthExpired, Severity::kWarning,
     "A known device came with a certificate that has ended.",
     "`otactl device ID` says how it is let in again."},
    {event_kind::kAuthFail, Severity::kWarning,
     "A connection or request was refused for who it is.",
     "Of a known device: `otactl device ID`; of strangers: look at the address."},
    {event_kind::kClockJump, Severity::kWarning, "This host's clock jumped.",
     "Look at its time service."},
    {event_kind::kConfigApplied, Severity::kInfo,
     "An edit of `config/` is in force; the message names each value.", ""},
    {event_kind::kConfigBad, Severity::kError,
     "A file of `config/` is refused; what it last held right stays in force.",
     "Mend the line that the message names."},
    {event_kind::kConfigRestartNeeded, Severity::kNotice,
     "An edit counts only from the next start on.", "Start the console anew when it suits."},
    {event_kind::kDdiAccepted, Severity::kNotice, "An operator let a waiting DDI device in.", ""},
    {event_kind::kDdiAttributes, Severity::kInfo, "A DDI device sent its attributes.", ""},
    {event_kind::kDdiAttributesAsked, Severity::kInfo,
     "An operator asked a DDI device for its attributes.", ""},
    {event_kind::kDdiCancelRefused, Severity::kWarning,
     "A DDI device refused to cancel an update, which goes on.",
     "Wait for its end, or end it here: `otactl cancel JOB --force`."},
    {event_kind::kDdiDownloadedAgain, Severity::kWarning,
     "A DDI device downloads again what it has: its boot counter may send it round in circles.",
     "Look at the device's log."},
    {event_kind::kDdiFailed, Severity::kError, "An update over DDI failed.",
     "`otactl device ID` shows the client's log, errors first."},
    {event_kind::kDdiGatewayToken, Severity::kWarning,
     "The gateway token was made, replaced or turned off.", ""},
    {event_kind::kDdiJoined, Severity::kInfo,
     "A device polls over DDI for the first time, or with another client.", ""},
    {event_kind::kDdiLateReport, Severity::kNotice,
     "A DDI device reported the end of an update that had ended here before.", ""},
    {event_kind::kDdiRejected, Severity::kWarning, "A DDI device will not take an update now.",
     "It is offered again at its next polls."},
    {event_kind::kDdiSuccessWithoutDownload, Severity::kWarning,
     "A DDI device reported a success for an image that it never downloaded whole.",
     "Push it again; look at the device's client."},
    {event_kind::kDdiToken, Severity::kNotice, "An operator made a device's DDI token.", ""},
    {event_kind::kDdiVersion, Severity::kNotice,
     "A DDI device says that it runs another version than before.",
     "Where nobody changed it: look at the device."},
    {event_kind::kDdiWaiting, Severity::kNotice, "An unknown id speaks with the gateway token.",
     "`otactl ddi waiting` says what to do for each."},
    {event_kind::kDdiWithheld, Severity::kWarning,
     "An update is not offered to a DDI device, for the reason that is named.", ""},
    {event_kind::kDeviceAcknowledged, Severity::kInfo,
     "An operator has seen to a failed update or a fall-back.", ""},
    {event_kind::kDeviceBaseline, Severity::kInfo, "A device told for the first time what it runs.",
     ""},
    {event_kind::kDeviceClockOff, Severity::kWarning,
     "A device's clock differs from the server's; its readings cannot be used until it is right.",
     "The agent stamps by the server's time by itself; where it is old: mend the clock."},
    {event_kind::kDeviceClockRight, Severity::kInfo, "A device's clock is right again.", ""},
    {event_kind::kDeviceFallback, Severity::kWarning, "A device fell back to its old slot.",
     "Mend the release; it is not offered to this device again without `--again`."},
    {event_kind::kDeviceGone, Severity::kWarning,
     "A device left the list of the fleet (said by `otactl watch` alone).", ""},
    {event_kind::kDeviceHardwareMismatch, Severity::kWarning,
     "A device says that it is another model than `config/devices.json` does.",
     "Correct the list, or look at the device."},
    {event_kind::kDeviceInTwoPlaces, Severity::kError,
     "One identity speaks from two devices at once; it gets no updates meanwhile.",
     "Give one of them its own (delete its `identity/`, enrol it under its own name), then "
     "acknowledge "
     "the device."},
    {event_kind::kDeviceOffline, Severity::kNotice, "A device has been silent for too long.",
     "See that it is powered and connected."},
    {event_kind::kDeviceOnline, Severity::kInfo, "A device is heard again.", ""},
    {event_kind::kDeviceReach, Severity::kNotice,
     "Another one takes a device's updates: its agent or a DDI client.",
     "`otactl ddi use` decides it."},
    {event_kind::kDeviceReadingsRefused, Severity::kWarning,
     "A device is connected, but its readings cannot be used.", "The message names why."},
    {event_kind::kDeviceTwoClients, Severity::kWarning,
     "An agent and a DDI client ask for a device's updates at once; it gets none meanwhile.",
     "Stop one of them, or say which one counts: `otactl ddi use`."},
    {event_kind::kDeviceUnexpectedImage, Severity::kWarning,
     "A device confirmed an image that the server does not know for it.",
     "It gets no updates until it runs a known one: roll it back or look at it."},
    {event_kind::kDeviceUnlisted, Severity::kWarning,
     "A device left `config/devices.json` and is cut off.", ""},
    {event_kind::kEnrolExpired, Severity::kError,
     "A device's certificate has ended: it cannot speak any more.",
     "The message names the word that lets it renew."},
    {event_kind::kEnrolExpiring, Severity::kWarning,
     "A device's certificate ends soon and was not renewed.", "See that its agent runs."},
    {event_kind::kEnrolKeyTaken, Severity::kError,
     "A key that another device has, or had, asked for a certificate.",
     "Find the copied key; enrol with a new one."},
    {event_kind::kEnrolOk, Severity::kInfo, "A device is enrolled with a key of its own.", ""},
    {event_kind::kEnrolOpened, Severity::kInfo,
     "An operator opened a device's enrolment for a time.", ""},
    {event_kind::kEnrolRefused, Severity::kWarning,
     "An enrolment with a wrong or used code was refused.",
     "Where it was yours: make a new code with `otactl enroll ID`."},
    {event_kind::kEnrolRenewalAllowed, Severity::kNotice,
     "An operator let a device renew its certificate that has ended.", ""},
    {event_kind::kEnrolRenewed, Severity::kInfo, "A device's certificate was renewed.", ""},
    {event_kind::kEnrolRevoked, Severity::kWarning, "An operator withdrew a device's certificate.",
     ""},
    {event_kind::kEnrolSecondKey, Severity::kError,
     "A second key tried to enrol under a name that has one.",
     "Find out which device is the right one; `otactl revoke ID` lets a new one in."},
    {event_kind::kFirmwareAdd, Severity::kNotice, "An image was published.", ""},
    {event_kind::kFirmwareRemove, Severity::kNotice,
     "A version, or patches, were taken out of what is published.", ""},
    {event_kind::kFirmwareSampleFailed, Severity::kError,
     "The sample images of a first run could not be published.", "The next start tries it again."},
    {event_kind::kFirmwareSignFailed, Severity::kError,
     "The timestamp or snapshot could not be renewed.",
     "Devices refuse updates once it expires: mend what the message names."},
    {event_kind::kFirmwareUnreadable, Severity::kError, "The published metadata cannot be read.",
     "`otactl firmware list` says more; restore `firmware/`."},
    {event_kind::kGateAllow, Severity::kInfo, "The gate allowed an update; its record is kept.",
     ""},
    {event_kind::kGateBlock, Severity::kWarning,
     "The gate refused an update; the message and `otactl explain` say why.",
     "Do what the refusal names."},
    {event_kind::kGateOverride, Severity::kWarning,
     "An operator let a release pass a refusal, with a reason.", ""},
    {event_kind::kGateSkip, Severity::kInfo, "The device runs the version already.", ""},
    {event_kind::kJobCancelRequested, Severity::kNotice,
     "An operator asked to stop an update; the device answers.", ""},
    {event_kind::kJobCancelTooLate, Severity::kWarning,
     "The device was installing already and was not stopped.",
     "Roll it back after it, where that is meant."},
    {event_kind::kJobCancelled, Severity::kNotice,
     "An update was cancelled; the device keeps its image.", ""},
    {event_kind::kJobExpired, Severity::kWarning,
     "An update ended unheard: the device did not take it in time, or may still install it.",
     "Is it online? Its page says what it runs. Push again."},
    {event_kind::kJobFailed, Severity::kError, "An update failed; the device keeps its image.",
     "Mend the cause that is named, push again, and acknowledge."},
    {event_kind::kJobForceQuit, Severity::kWarning,
     "An operator ended an update on this side alone.", "The device may still install it."},
    {event_kind::kJobHealthy, Severity::kInfo,
     "The device stayed healthy through its watch period.", ""},
    {event_kind::kJobLeft, Severity::kNotice,
     "The watch after an update ended: the device runs another image.", ""},
    {event_kind::kJobRefused, Severity::kWarning, "An update was refused before anything was sent.",
     ""},
    {event_kind::kJobRegressed, Severity::kError, "The device turned critical after an update.",
     "Roll it back: `otactl rollback ID`."},
    {event_kind::kJobRetry, Severity::kNotice,
     "An update is tried again after a failure on the way.", ""},
    {event_kind::kJobRolledBack, Severity::kWarning,
     "The device did not pass its health check and fell back.",
     "Mend the release; this device is not offered it again without `--again`."},
    {event_kind::kJobStep, Severity::kInfo, "A device reported a step of an update.", ""},
    {event_kind::kJobSucceeded, Severity::kInfo, "The device runs and confirmed the new version.",
     ""},
    {event_kind::kJobUnwatched, Severity::kWarning,
     "Nothing tells whether the device stayed healthy after an update.", ""},
    {event_kind::kKeysDiscard, Severity::kNotice,
     "A change that waited for signatures was dropped.", ""},
    {event_kind::kKeysJournal, Severity::kError,
     "The journal of key changes cannot be read or written.", ""},
    {event_kind::kKeysRotate, Severity::kNotice,
     "Keys of a role were replaced, or their replacement asked for.", ""},
    {event_kind::kKeysSign, Severity::kNotice, "A waiting change was signed on this host.", ""},
    {event_kind::kKeysSubmit, Severity::kNotice, "A signature was taken in.", ""},
    {event_kind::kKeysTakeOffline, Severity::kNotice, "Signing keys were moved out of the server.",
     ""},
    {event_kind::kOperatorAdmitted, Severity::kInfo, "An operator's certificate was taken up.",
     "One that you do not know: `otactl operator revoke NAME`."},
    {event_kind::kOperatorRevoked, Severity::kWarning,
     "Every certificate of an operator was withdrawn.", ""},
    {event_kind::kPkiCreated, Severity::kNotice,
     "The certificate authority was made; the fingerprint is what devices are given.", ""},
    {event_kind::kPkiNote, Severity::kWarning, "Something about the server's own certificates.",
     "Do what the message says."},
    {event_kind::kPkiRenewalFailed, Severity::kError,
     "The server's certificate could not be renewed.",
     "The message says why; it is tried again in an hour."},
    {event_kind::kPkiRenewed, Severity::kInfo, "The server shows a new certificate.", ""},
    {event_kind::kSecurityRefused, Severity::kError,
     "A device refused an image for its content: an attack, until somebody has looked.",
     "`otactl trace JOB`; compare the image with what was signed."},
    {event_kind::kServerAway, Severity::kError, "No server answers (said by `otactl watch` alone).",
     "Start the console."},
    {event_kind::kServerBack, Severity::kInfo,
     "The server answers again (said by `otactl watch` alone).", ""},
    {event_kind::kServerCrowded, Severity::kWarning,
     "Connections are refused: too many from one place, or of strangers.",
     "Look at the address that is named; the limits are in `config/console.json`."},
    {event_kind::kServerUp, Severity::kInfo, "The server serves.", ""},
    {event_kind::kStoreRecovered, Severity::kNotice, "The state is saved again.", ""},
    {event_kind::kStoreUnreadable, Severity::kError,
     "An event cannot be read out of the database; it stands in its place.",
     "Restore `state/` from a backup; `otactl audit verify`."},
    {event_kind::kStoreUnwritable, Severity::kError,
     "The state cannot be saved; no update is started.",
     "Free the disk or mend it; it goes on by itself."},
    {event_kind::kTrustKeysOffline, Severity::kNotice,
     "The publishing keys are not on the server any more.", ""},
    {event_kind::kTrustKeysOnline, Severity::kWarning,
     "The publishing keys lie on the server: whoever breaks in can publish.",
     "`otactl keys take-offline DIR`."},
    {event_kind::kTrustPublished, Severity::kNotice, "Published metadata changed.", ""},
    {event_kind::kTrustUnreadable, Severity::kError, "The published metadata does not verify.",
     "Restore `firmware/` from a backup."},
    {event_kind::kUpdatesResumed, Severity::kWarning, "An operator lets updates start again.", ""},
    {event_kind::kUpdatesStopped, Severity::kWarning,
     "An operator stopped all updates: none starts, and what was not installed is cancelled.",
     "`otactl resume`, or `!` in the console, when the reason is gone."},
    {event_kind::kVerdictAlarm, Severity::kWarning,
     "Readings of a device are unusual, while its verdict stays what it is.",
     "The message names the signals; `otactl device ID` shows them."},
    {event_kind::kVerdictBlockEscalated, Severity::kError,
     "A device has been critical for long and gets no updates meanwhile.", "See to the device."},
    {event_kind::kVerdictCritical, Severity::kWarning, "A device's verdict turned critical.",
     "The message names the signals; `otactl device ID` what would clear them."},
    {event_kind::kVerdictStable, Severity::kInfo, "A device's verdict is stable again.", ""},
    {event_kind::kVerdictUnknown, Severity::kNotice,
     "Nothing can be said of a device: too few or old readings.", ""},
    {event_kind::kVerdictWatch, Severity::kInfo, "A device comes near a limit.", ""},
}};

// Null: no kind of this release.
constexpr const EventKind* find_event_kind(std::string_view word) {
  for (const EventKind& kind : kEventKinds) {
    if (word == kind.word) return &kind;
  }
  return nullptr;
}

}  // namespace ota::model
