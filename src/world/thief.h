// Whoever has taken the server's place before some agents, with what lies on it: he answers in its
// name, also with the director's key where he found it.
//
// He sends what was true once (older metadata, commands of then, those of other devices), what was
// never true (bytes of images that are changed, commands that he made up), and lets the rest pass.
// What he may reach with that and what not is docs/threat-model.md's "the server in other hands".
//
// Thread: the world's.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/json.h"
#include "http/requester.h"
#include "world/link.h"
#include "world/random.h"
#include "world/server.h"
#include "world/trace.h"

namespace ota::world {

struct PublishedImage;

class Thief final : public Tap {
 public:
  enum class Keys : std::uint8_t { kNone, kDirectors };
  Thief(Trace& trace, Server& server, Random random, Keys keys,
        const std::map<std::string, PublishedImage>& images);

  // From now on he answers, or only listens.
  void take_over(bool on) { on_ = on; }
  bool has_keys() const { return keys_ == Keys::kDirectors; }

  void heard(const Request& asked, http::Reply& reply) override;
  void piece(std::string& bytes) override;

 private:
  void metadata(const Request& asked, http::Reply& reply);
  void commands(const Request& asked, http::Reply& reply);
  Json made_up(const std::string& device);
  Json update_for(const std::string& device);

  Trace& trace_;
  Server& server_;
  Random random_;
  Keys keys_;
  const std::map<std::string, PublishedImage>& images_;
  bool on_ = false;
  std::map<std::string, std::vector<std::string>> seen_;  // bodies of metadata, by path
  std::vector<Json> told_;                                // commands, whoever's
  std::set<std::string> jobs_;
};

}  // namespace ota::world
