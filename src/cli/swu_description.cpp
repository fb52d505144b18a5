#include "cli/swu_description.h"

#include <libconfig.h>

#include <algorithm>
#include <memory>

#include "base/text.h"

namespace ota::cli {
namespace {

constexpr std::size_t kLongestText = 127;
constexpr int kMostBoards = 64;
constexpr int kMostRevisions = 64;
constexpr std::size_t kMostFiles = 4096;
constexpr int kDeepest = 16;
constexpr std::size_t kLongestFileName = 256;

struct Free {
  void operator()(config_t* config) const {
    config_destroy(config);
    delete config;
  }
};

std::string text_at(const config_setting_t* group, const char* key) {
  const char* value = nullptr;
  if (config_setting_lookup_string(group, key, &value) != CONFIG_TRUE) return {};
  return printable(value, kLongestText);
}

void add_hardware(const config_setting_t* group, std::vector<std::string>& hardware) {
  const config_setting_t* list = config_setting_get_member(group, "hardware-compatibility");
  if (list == nullptr) return;
  const int count = std::min(config_setting_length(list), kMostRevisions);
  for (int i = 0; i < count; ++i) {
    const char* value = config_setting_get_string_elem(list, i);
    if (value == nullptr) continue;
    const std::string word = printable(value, kLongestText);
    if (std::find(hardware.begin(), hardware.end(), word) == hardware.end()) {
      hardware.push_back(word);
    }
  }
}

// Every group that names a file, at any depth: boards, modes and copies nest them.
Result<void> add_files(const config_setting_t* setting, std::vector<SwuFile>& files, int depth) {
  if (depth > kDeepest) return fail(Errc::kLimit, "sw-description is nested too deep");
  const char* name = nullptr;
  if (config_setting_is_group(setting) == CONFIG_TRUE &&
      config_setting_lookup_string(setting, "filename", &name) == CONFIG_TRUE) {
    if (files.size() == kMostFiles)
      return fail(Errc::kLimit, "sw-description names too many files");
    std::string digest = text_at(setting, "sha256");
    std::ranges::transform(digest, digest.begin(), [](char c) {
      return c >= 'A' && c <= 'F' ? static_cast<char>(c + ('a' - 'A')) : c;
    });
    files.push_back({printable(name, kLongestFileName), std::move(digest)});
  }
  if (config_setting_is_aggregate(setting) != CONFIG_TRUE) return {};
  const auto count = static_cast<unsigned>(config_setting_length(setting));
  for (unsigned i = 0; i < count; ++i) {
    auto done = add_files(config_setting_get_elem(setting, i), files, depth + 1);
    if (!done) return done;
  }
  return {};
}

}  // namespace

Result<SwuDescription> parse_sw_description(std::string_view text) {
  if (text.find("@include") != std::string_view::npos) {
    return fail(Errc::kInvalid, "sw-description includes a file, which nobody has signed");
  }
  const std::unique_ptr<config_t, Free> config(new config_t);
  config_init(config.get());
  if (config_read_string(config.get(), std::string(text).c_str()) != CONFIG_TRUE) {
    return fail(Errc::kInvalid, "sw-description line " +
                                    std::to_string(config_error_line(config.get())) + ": " +
                                    config_error_text(config.get()));
  }
  const config_setting_t* software = config_lookup(config.get(), "software");
  if (software == nullptr || config_setting_is_group(software) != CONFIG_TRUE) {
    return fail(Errc::kInvalid, "sw-description has no group \"software\"");
  }
  SwuDescription out;
  out.name = text_at(software, "name");
  if (out.name.empty()) out.name = text_at(software, "description");
  out.version = text_at(software, "version");
  if (out.version.empty()) return fail(Errc::kInvalid, "sw-description has no software.version");
  add_hardware(software, out.hardware);
  const int members = std::min(config_setting_length(software), kMostBoards);
  for (int i = 0; i < members; ++i) {
    const config_setting_t* board = config_setting_get_elem(software, static_cast<unsigned>(i));
    if (config_setting_is_group(board) == CONFIG_TRUE) add_hardware(board, out.hardware);
  }
  if (auto done = add_files(config_root_setting(config.get()), out.files, 0); !done)
    return done.error();
  if (out.hardware.empty()) {
    return fail(Errc::kInvalid,
                "sw-description has no hardware-compatibility: SWUpdate refuses it");
  }
  return out;
}

}  // namespace ota::cli
