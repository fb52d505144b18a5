// The members of a device's record, named once for all that writes or reads them: the JSON forms
// (json_forms.cpp), and the reader of the store's documents (fleet/record_reader.h).
//
// `visit` has must_have(name, member) for what every document holds, and may_have(name, member) for
// what older documents lack: then the default stays.
#pragma once

#include <concepts>
#include <type_traits>

#include "model/device.h"

namespace ota::model {

// A T, const where it is written.
template <class Value, class T>
concept Some = std::same_as<std::remove_const_t<Value>, T>;

template <Some<Image> Value, class Visit>
void each_member(Value& image, Visit& visit) {
  visit.may_have("sha256", image.sha256);
  visit.must_have("version", image.version);
}

template <Some<Facts> Value, class Visit>
void each_member(Value& facts, Visit& visit) {
  visit.may_have("assigned", facts.assigned);
  visit.may_have("booted", facts.booted);
  visit.may_have("confirmed", facts.confirmed);
  visit.may_have("previous", facts.previous);
  visit.may_have("written", facts.written);
}

template <Some<DeviceRecord> Value, class Visit>
void each_member(Value& record, Visit& visit) {
  visit.may_have("agent", record.agent);
  visit.may_have("attention", record.attention);
  visit.may_have("certificate_expires", record.certificate_expires);
  visit.may_have("certificate_serial", record.certificate_serial);
  visit.may_have("ddi", record.ddi);
  visit.may_have("earlier_keys", record.earlier_keys);
  visit.may_have("end_told", record.end_told);
  visit.may_have("enrolled", record.enrolled);
  visit.may_have("enrolled_at", record.enrolled_at);
  visit.may_have("facts", record.facts);
  visit.may_have("fetched", record.fetched);
  visit.may_have("hardware", record.hardware);
  visit.must_have("id", record.id);
  visit.may_have("in_two_places", record.in_two_places);
  visit.may_have("key_fingerprint", record.key_fingerprint);
  visit.may_have("last_seen", record.last_seen);
  visit.may_have("patch_format", record.patch_format);
  visit.may_have("previous_serial", record.previous_serial);
  visit.may_have("rejected", record.rejected);
  visit.may_have("renewal_until", record.renewal_until);
  visit.may_have("revoked", record.revoked);
  visit.may_have("rollback_at", record.rollback_at);
  visit.may_have("rollback_requested", record.rollback_requested);
  visit.may_have("second_key_seen", record.second_key_seen);
  visit.may_have("slot", record.slot);
  visit.may_have("trusted", record.trusted);
  visit.may_have("version_floor", record.version_floor);
}

}  // namespace ota::model
