// The file of what was learnt of devices, so that a restart of the server neither
// forgets an incident nor begins to learn anew: state/detectors.bin.
//
//   "ota-detectors 1\n"
//   for each device: u16 length of the id, id, u32 length, that many bytes (anomaly/memory.h)
//   u16 0, u32 number of devices: without this end the file was cut
//
// All numbers are little-endian. Written every five minutes, a part of the devices at each tick,
// into a file beside it that takes its place when it is whole; and at an ordered end. A file of
// another program, one that was cut or damaged, a device that is gone: ignored, with a word in the
// log. It is soft: nothing acknowledged is in it, and losing it means to learn again.
//
// Thread: one, the host's. Blocks on files.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/file.h"
#include "base/result.h"
#include "model/event.h"

namespace ota::fleet {

class Fleet;

inline constexpr std::string_view kDetectorFile = "detectors.bin";  // in state/

class MemoryFile {
 public:
  using Record = std::function<void(model::Severity, std::string kind, std::string message)>;

  // What is passed by reference outlives it.
  MemoryFile(const std::filesystem::path& root, Fleet& fleet, const Clock& clock, Record record);

  // Before the server starts: gives the devices back what is in the file.
  void open();
  // Every five minutes begins a snapshot, and writes a part of the one that was begun.
  void save_part();
  // A whole one, for at most two seconds: a fleet that takes longer keeps the last one.
  void save_last();

 private:
  Result<void> begin();
  Result<void> write_devices(std::size_t most);
  Result<void> finish();
  Result<void> advance(std::size_t most);
  void give_up(const Error& error);
  std::string read(std::string_view file, std::size_t& restored);

  std::filesystem::path file_;
  Fleet& fleet_;
  const Clock& clock_;
  Record record_;
  MonoTime next_;
  bool failed_ = false;  // the last one; told once
  // Of the snapshot that is being written.
  FileDescriptor to_;
  std::vector<std::string> left_;
  std::uint32_t written_ = 0;
  std::uint64_t bytes_ = 0;
};

}  // namespace ota::fleet
