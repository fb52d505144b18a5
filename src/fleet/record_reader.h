// Reads device records as the store keeps them, in a tenth of the time that values of JSON take:
// with 100,000 devices these would be most of a start.
//
// The members are those of model/device_members.h, so that it reads what dump_json() of a record
// wrote, and what older versions wrote. Text that is no JSON, nested deeper than 16, longer than
// 1 MiB or of other types is refused; of a member that stands twice the first counts.
//
// Holds buffers: one reader for many records. Thread: one.
#pragma once

#include <memory>
#include <string_view>

#include "base/result.h"
#include "model/device.h"

namespace ota::fleet {

class RecordReader {
 public:
  RecordReader();
  ~RecordReader();

  // kInvalid: with the member's name where one is wrong.
  Result<model::DeviceRecord> read(std::string_view document);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ota::fleet
