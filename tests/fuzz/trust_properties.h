// What must hold for any bytes that reach a device from its server, or a signer from his: the
// bodies of the fuzz targets, which the unit tests replay over the committed corpus in a plain
// build.
//
// Each takes one input, returns normally, and asserts (OTA_ASSERT) what must never happen.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <string>
#include <string_view>

#include "agents/answer.h"
#include "agents/command.h"
#include "agents/update_state.h"
#include "base/assert.h"
#include "base/file.h"
#include "base/text.h"
#include "cli/swu_archive.h"
#include "cli/swu_description.h"
#include "tuf/director.h"
#include "tuf/request.h"
#include "tuf/signer.h"

namespace ota::fuzz {

// An answer of the server, whatever was asked. The first byte chooses the status.
inline void agent_answer(std::string_view input) {
  constexpr unsigned kStatuses[] = {200, 204, 302, 400, 401, 403, 404, 409, 429, 500, 503, 999};
  if (input.empty()) return;
  http::Reply reply;
  reply.status = kStatuses[static_cast<unsigned char>(input.front()) % std::size(kStatuses)];
  reply.body = input.substr(1);
  reply.retry_after = input.substr(1, 12);
  const std::string words = agent::problem_words(reply);
  OTA_ASSERT(words.size() <= 256 && printable(words, 256) == words);
  static_cast<void>(agent::status_of(reply).has_value());
  if (const auto pause = agent::asked_pause(reply))
    OTA_ASSERT(*pause > milliseconds{0} && *pause <= milliseconds{300000});
  const auto commands = agent::parse_commands(reply.body);
  if (!commands) return;
  OTA_ASSERT(commands->size() <= 64);
  for (const agent::Command& command : *commands) {
    OTA_ASSERT(command.job.size() <= 64);
    for (const std::string* digest : {&command.release.sha256, &command.from, &command.to})
      OTA_ASSERT(digest->empty() || digest->size() == 64);
    // A nonce that is remembered as used must be one.
    OTA_ASSERT(command.nonce.empty() || command.nonce.size() == 32);
  }
}

// What is read of update.json is written as what reads as the same.
inline void update_state(std::string_view input) {
  const auto document = parse_json(input);
  if (!document) return;
  const auto state = agent::from_document(*document);
  if (!state) return;
  const Json written = agent::to_document(*state);
  const auto again = agent::from_document(written);
  OTA_ASSERT(again.has_value());
  OTA_ASSERT(agent::to_document(*again) == written);
}

// A word that nobody signed: its claims are read, or refused.
inline void director_word(std::string_view input) {
  if (const auto job = tuf::read_word(input)) OTA_ASSERT(job->nonce.size() == 32);
  if (const auto back = tuf::read_rollback_word(input)) OTA_ASSERT(back->nonce.size() == 32);
}

// A request, a signature and a memory that nobody vouches for.
inline void signing_request(std::string_view input) {
  const auto request = tuf::parse_request(input);
  if (request) {
    const auto again = tuf::parse_request(tuf::write_request(*request));
    OTA_ASSERT(again && again->part == request->part && again->role == request->role);
  }
  if (const auto read = tuf::read_request(input, std::nullopt)) {
    OTA_ASSERT(!read->verified && !read->after);
    for (const std::string& line : read->words)
      OTA_ASSERT(printable(line, line.size()) == line);
  }
  if (const auto signature = tuf::parse_signature_file(input)) {
    const auto again = tuf::parse_signature_file(tuf::write_signature_file(*signature));
    OTA_ASSERT(again && again->sha256 == signature->sha256);
  }
  if (const auto memory = tuf::read_memory(input))
    OTA_ASSERT(tuf::read_memory(tuf::write_memory(*memory)).has_value());
}

// An archive as a file; and its first bytes as a description.
inline void swu(std::string_view input) {
  const FileDescriptor file(::memfd_create("swu", MFD_CLOEXEC));
  OTA_ASSERT(file && write_all(file.get(), input).has_value());
  const auto archive = cli::read_swu("/proc/self/fd/" + std::to_string(file.get()));
  const auto description = cli::parse_sw_description(archive ? archive->description : input);
  if (!archive || !description) return;
  if (!cli::check_payloads(*archive, description->files)) return;
  for (const cli::SwuArchive::Payload& payload : archive->payloads)
    OTA_ASSERT(payload.sha256.size() == 64);
}

}  // namespace ota::fuzz
