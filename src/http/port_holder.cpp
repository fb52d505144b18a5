#include "http/port_holder.h"

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "base/text.h"

namespace ota::http {
namespace fs = std::filesystem;
namespace {

// The inodes of sockets that listen on the port, of one table of /proc/net. Its columns: number,
// local address:port (hexadecimal), remote, state, ...; the tenth is the inode.
void add_listeners(const char* table, std::uint16_t port, std::set<std::string>& inodes) {
  constexpr std::string_view kListening = "0A";
  std::ifstream in(table);
  std::string line;
  std::getline(in, line);  // headings
  while (std::getline(in, line)) {
    std::istringstream words(line);
    std::string word;
    std::string local;
    std::string state;
    std::string inode;
    for (int column = 0; column < 10 && words >> word; ++column) {
      if (column == 1) local = word;
      if (column == 3) state = word;
      if (column == 9) inode = word;
    }
    const std::size_t colon = local.rfind(':');
    if (state != kListening || colon == std::string::npos) continue;
    if (std::strtoul(local.c_str() + colon + 1, nullptr, 16) == port) inodes.insert(inode);
  }
}

bool has_socket(const fs::path& process, const std::set<std::string>& inodes) {
  std::error_code error;
  for (fs::directory_iterator entry(process / "fd", error), end; !error && entry != end;
       entry.increment(error)) {
    std::error_code gone;
    const std::string target = fs::read_symlink(entry->path(), gone).string();
    if (!target.starts_with("socket:[")) continue;
    if (inodes.contains(target.substr(8, target.size() - 9))) return true;
  }
  return false;
}

}  // namespace

std::string port_holder(std::uint16_t port) {
  std::set<std::string> inodes;
  add_listeners("/proc/net/tcp", port, inodes);
  add_listeners("/proc/net/tcp6", port, inodes);
  if (inodes.empty()) return {};
  std::error_code error;
  for (fs::directory_iterator entry("/proc", error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string pid = entry->path().filename().string();
    if (pid.find_first_not_of("0123456789") != std::string::npos) continue;
    if (!has_socket(entry->path(), inodes)) continue;
    std::ifstream in(entry->path() / "comm");
    std::string name;
    std::getline(in, name);
    return "pid " + pid + " (" + printable(name, 32) + ")";
  }
  return {};
}

}  // namespace ota::http
