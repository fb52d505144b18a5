#include "fleet/operator_registry.h"

#include <algorithm>

#include "model/event_kind.h"
#include "model/time_json.h"
#include "pki/authority.h"
#include "store/store.h"

namespace ota::fleet {
namespace {

constexpr const char* kCollection = "operators";
constexpr const char* kName = "operator";  // the one that the authority makes
constexpr const char* kRole = "admin";

model::Event notice(model::Severity severity, std::string kind, std::string message) {
  model::Event event;
  event.severity = severity;
  event.kind = std::move(kind);
  event.source = "operators";
  event.message = std::move(message);
  return event;
}

}  // namespace

OperatorRegistry::OperatorRegistry(store::Store& store, pki::Authority& authority,
                                   const Clock& clock, std::function<void(model::Event)> record)
    : store_(store), authority_(authority), clock_(clock), record_(std::move(record)) {}

Result<void> OperatorRegistry::open() {
  const auto stored = store_.get(kCollection, kName);
  if (!stored) return stored.error();
  const MutexLock lock(mutex_);
  if (*stored) {
    const auto json = parse_json(**stored);
    if (!json) return json.error().within("operators/operator");
    try {
      key_ = json->at("key").get<std::string>();
      for (const Json& entry : json->at("serials"))
        admitted_.push_back({entry.at("serial").get<std::string>(), model::time_at(entry, "ends")});
    } catch (const std::exception&) {
      return fail(Errc::kInvalid, "operators/operator: a member is missing or of another type");
    }
  }
  const pki::IssuedCertificate& own = authority_.operator_certificate();
  if (std::ranges::find(admitted_, own.serial, &Admitted::serial) != admitted_.end()) return {};
  const bool first = !*stored;
  const bool renewed = key_ == own.key_fingerprint;
  if (!renewed) admitted_.clear();
  std::erase_if(admitted_, [&](const Admitted& entry) { return entry.ends <= clock_.wall(); });
  admitted_.push_back({own.serial, own.expires});
  key_ = own.key_fingerprint;
  save(
      notice(first ? model::Severity::kInfo : model::Severity::kNotice,
             model::event_kind::kOperatorAdmitted,
             first     ? "the operator's certificate in state/pki rules"
             : renewed ? "the operator's certificate in state/pki was renewed; earlier ones of its "
                         "key rule to their end"
                       : "another operator's certificate lies in state/pki: earlier ones are "
                         "withdrawn"),
      {});
  return {};
}

Result<void> OperatorRegistry::admit(const std::string& name, const std::string& serial) const {
  const MutexLock lock(mutex_);
  const bool known =
      name == kName && std::ranges::find(admitted_, serial, &Admitted::serial) != admitted_.end();
  if (known) return {};
  return fail(Errc::kDenied, "this operator's certificate was withdrawn");
}

Json OperatorRegistry::list() const {
  const MutexLock lock(mutex_);
  Json serials = Json::array();
  for (const Admitted& entry : admitted_)
    serials.push_back({{"serial", entry.serial}, {"ends", model::time_json(entry.ends)}});
  return Json::array({{{"name", kName}, {"role", kRole}, {"serials", std::move(serials)}}});
}

void OperatorRegistry::revoke(const std::string& name, const std::string& actor,
                              std::function<void(Result<void>)> done) {
  if (name != kName) return done(fail(Errc::kNotFound, "no operator is called '" + name + "'"));
  MutexLock lock(mutex_);
  const auto fresh = authority_.replace_operator();
  if (!fresh) {
    lock.unlock();
    return done(fresh.error());
  }
  admitted_.assign({{fresh->serial, fresh->expires}});
  key_ = fresh->key_fingerprint;
  model::Event event =
      notice(model::Severity::kWarning, model::event_kind::kOperatorRevoked,
             actor + " withdrew the certificates of " + name + "; a new one is in state/pki");
  event.actor = actor;
  save(std::move(event), std::move(done));
}

std::string OperatorRegistry::document() const {
  Json serials = Json::array();
  for (const Admitted& entry : admitted_)
    serials.push_back({{"serial", entry.serial}, {"ends", model::time_json(entry.ends)}});
  return dump_json({{"role", kRole}, {"key", key_}, {"serials", std::move(serials)}});
}

// The event goes its own way: where the document cannot be written, it still tells what rules now.
void OperatorRegistry::save(model::Event event, std::function<void(Result<void>)> done) {
  store::Batch batch;
  batch.puts.push_back({kCollection, kName, document()});
  store_.commit(std::move(batch),
                [done = std::move(done)](const Result<store::Committed>& committed) {
                  if (done) done(committed ? Result<void>() : committed.error());
                });
  record_(std::move(event));
}

}  // namespace ota::fleet
