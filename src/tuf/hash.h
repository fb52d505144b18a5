// Checks a stream against the hashes that metadata lists, in constant memory: every listed hash of
// a known algorithm (sha256, sha512) must match. Thread: one.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ota::tuf {

class HashCheck {
 public:
  // `hashes`: algorithm -> lower-case hex. Others than sha256 and sha512 are passed over.
  explicit HashCheck(const std::vector<std::pair<std::string, std::string>>& hashes);
  ~HashCheck();
  HashCheck(HashCheck&&) noexcept;
  HashCheck& operator=(HashCheck&&) noexcept;

  // At least one algorithm is known; otherwise nothing can be vouched for.
  bool possible() const;
  void update(std::string_view bytes);
  // Ends the stream; false also where no hash was checked.
  bool matches();

 private:
  struct One;
  std::vector<One> running_;
};

}  // namespace ota::tuf
