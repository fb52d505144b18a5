// The four files of a root's `config/` with what is in force of them: a passive object that is told
// to look. The watcher drives it; tests do so without a thread.
//
// Each file stands for itself: a bad edit keeps that file's last good content and takes the others.
// Thread: one.
#pragma once

#include <array>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "model/settings.h"

namespace ota::config {

class Folder {
 public:
  Folder(std::filesystem::path root, std::shared_ptr<const model::Settings> initial);

  // Reads the files whose text is not the one that was read last. True where what is in force or
  // the problems changed.
  bool refresh();
  // The same without the whitelist, which alone may be long: a start does other things beside it.
  bool refresh_all_but_whitelist();
  // True where a file's size, time or inode is not that of the last refresh: cheap, for a look now
  // and then.
  bool looks_changed() const;

  const std::filesystem::path& root() const { return root_; }
  std::shared_ptr<const model::Settings> in_force() const { return in_force_; }
  // Of all files, in kFileNames' order.
  std::vector<Problem> problems() const;

 private:
  struct Stamp {
    std::uint64_t inode = 0;
    std::uint64_t size = 0;
    std::int64_t modified_ns = 0;
    bool operator==(const Stamp&) const = default;
  };
  struct File {
    std::string name;   // "config/console.json"
    std::string text;   // as read last
    bool read = false;  // `text` is what the file held at the last refresh
    Stamp stamp;
    std::vector<Problem> problems;
  };

  Stamp stamp_of(const File& file) const;
  bool refresh_some(const std::function<bool(std::string_view)>& wanted);
  bool refresh(std::size_t index, std::shared_ptr<model::Settings>& settings);
  static bool take(std::size_t index, const File& file, model::Settings& settings,
                   std::vector<Problem>& problems);

  std::filesystem::path root_;
  std::shared_ptr<const model::Settings> in_force_;
  std::array<File, kFileNames.size()> files_;
};

}  // namespace ota::config
