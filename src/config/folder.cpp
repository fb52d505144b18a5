#include "config/folder.h"

#include <sys/stat.h>

#include <utility>

#include "base/beneath.h"

namespace ota::config {
namespace {

// The value takes the file's place in the settings, where the file is right.
template <class T>
std::vector<Problem> take_parsed(Parsed<T> parsed, T& place) {
  if (parsed.ok()) place = std::move(parsed.value);
  return std::move(parsed.problems);
}

bool same(const std::vector<Problem>& a, const std::vector<Problem>& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i].text() != b[i].text()) return false;
  }
  return true;
}

}  // namespace

Folder::Folder(std::filesystem::path root, std::shared_ptr<const model::Settings> initial)
    : root_(std::move(root)), in_force_(std::move(initial)) {
  for (std::size_t i = 0; i < files_.size(); ++i)
    files_[i].name = "config/" + std::string(kFileNames[i]);
}

Folder::Stamp Folder::stamp_of(const File& file) const {
  struct stat status {};
  if (::stat((root_ / file.name).c_str(), &status) != 0) return {};
  return {status.st_ino, static_cast<std::uint64_t>(status.st_size),
          status.st_mtim.tv_sec * 1'000'000'000 + status.st_mtim.tv_nsec};
}

bool Folder::looks_changed() const {
  for (const File& file : files_) {
    if (stamp_of(file) != file.stamp) return true;
  }
  return false;
}

bool Folder::refresh() {
  return refresh_some([](std::string_view) { return true; });
}

bool Folder::refresh_all_but_whitelist() {
  return refresh_some([](std::string_view name) { return name != kWhitelistFile; });
}

bool Folder::refresh_some(const std::function<bool(std::string_view)>& wanted) {
  std::shared_ptr<model::Settings> settings;  // made where a file has another text
  bool changed = false;
  for (std::size_t i = 0; i < files_.size(); ++i) {
    if (wanted(kFileNames[i])) changed = refresh(i, settings) || changed;
  }
  if (settings && !(*settings == *in_force_)) {
    in_force_ = std::move(settings);
    changed = true;
  }
  return changed;
}

// True where the problems changed.
bool Folder::refresh(std::size_t index, std::shared_ptr<model::Settings>& settings) {
  File& file = files_[index];
  file.stamp = stamp_of(file);
  auto text = read_beneath(root_ / "config", kFileNames[index], kMaxFileBytes);
  std::vector<Problem> problems;
  if (!text) {
    const std::string what = text.error().code == Errc::kNotFound
                                 ? "the file is missing; accepted: a file such as the shipped one "
                                   "(config/README.md)"
                                 : text.error().text();
    problems.push_back({file.name, 0, 0, what});
    file.read = false;
  } else if (file.read && *text == file.text) {
    return false;
  } else {
    file.text = std::move(*text);
    file.read = true;
    if (!settings) settings = std::make_shared<model::Settings>(*in_force_);
    take(index, file, *settings, problems);
  }
  const bool changed = !same(problems, file.problems);
  file.problems = std::move(problems);
  return changed;
}

bool Folder::take(std::size_t index, const File& file, model::Settings& settings,
                  std::vector<Problem>& problems) {
  switch (index) {
    case 0:
      problems = take_parsed(parse_console(file.text, file.name), settings.console);
      break;
    case 1:
      problems = take_parsed(parse_thresholds(file.text, file.name), settings.thresholds);
      break;
    case 2:
      problems = take_parsed(parse_whitelist(file.text, file.name), settings.whitelist);
      break;
    default:
      problems = take_parsed(parse_ota_settings(file.text, file.name), settings.ota);
      break;
  }
  return problems.empty();
}

std::vector<Problem> Folder::problems() const {
  std::vector<Problem> all;
  for (const File& file : files_)
    all.insert(all.end(), file.problems.begin(), file.problems.end());
  return all;
}

}  // namespace ota::config
