// Reads the members of one JSON object into typed values, and writes down every problem on the way.
//
// Each call names a key once, with its range; the same calls also list the keys for the manual
// (describe_keys() in config.h), so that code and manual cannot differ. A key that is absent leaves
// the value as it is: the default. Thread: one.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "config/json_tree.h"
#include "model/version.h"

namespace ota::config {

// What is found out while one file is read.
struct Report {
  std::string file;
  std::vector<Problem> problems;
  std::vector<KeyInfo> keys;  // filled where a described object is read

  void add(Place place, std::string message);
};

// The whole number that a node is, where it is one of that range (of numbers that JSON carries
// exactly: up to 2^53); and that in words.
std::optional<std::uint64_t> whole_number(const JsonNode& node, std::uint64_t least,
                                          std::uint64_t most);
std::string whole_number_words(std::uint64_t least, std::uint64_t most);

class Section {
 public:
  // `node` none: nothing is read and each key only describes itself.
  Section(const JsonNode* node, std::string path, Report& report);

  void number(std::string_view key, double& value, double least, double most);
  void count(std::string_view key, std::uint32_t& value, std::uint32_t least, std::uint32_t most);
  void count(std::string_view key, std::uint64_t& value, std::uint64_t least, std::uint64_t most);
  // In the file: `unit`s as a number, decimals allowed.
  void duration(std::string_view key, std::chrono::milliseconds& value, double least, double most,
                std::chrono::milliseconds unit = std::chrono::seconds(1));
  // `accepted` says in words what `good` takes: "a number from ..." style.
  void text(std::string_view key, std::string& value, std::string_view accepted,
            const std::function<bool(const std::string&)>& good);
  // The same, and the key must be there.
  void required_text(std::string_view key, std::string& value, std::string_view accepted,
                     const std::function<bool(const std::string&)>& good);
  // An array of texts; `take` is given each one that `good` accepts.
  void texts(std::string_view key, std::string_view accepted,
             const std::function<bool(const std::string&)>& good,
             const std::function<void(const std::string&)>& take);
  // null: none.
  void version(std::string_view key, std::optional<model::Version>& value);

  // The member, where it is there and of the kind; a problem where it is of another. A described
  // object (no node) gives none.
  const JsonMember* object(std::string_view key, std::string_view accepted);
  const JsonMember* array(std::string_view key, std::string_view accepted);
  // The same, and the key must be there.
  const JsonMember* required_array(std::string_view key, std::string_view accepted);

  // A key of earlier releases: files may go on having it, it says nothing and is offered to nobody.
  void former(std::string_view key) { former_.push_back(key); }

  // Complains about every key that no call above has named.
  void finish();

  std::string path_of(std::string_view key) const;
  void complain(const JsonNode& node, std::string_view key, std::string_view accepted);

 private:
  // `default_text()` is asked for where the key describes itself.
  template <class Text>
  const JsonMember* known(std::string_view key, std::string_view accepted,
                          const Text& default_text);
  const JsonMember* of_kind(std::string_view key, std::string_view accepted, JsonNode::Kind kind,
                            std::string_view default_text);
  void require(std::string_view key, std::string_view accepted);

  const JsonNode* node_;
  std::string path_;
  Report& report_;
  std::vector<std::string_view> names_;   // keys are literals
  std::vector<std::string_view> former_;  // of earlier releases
};

}  // namespace ota::config
