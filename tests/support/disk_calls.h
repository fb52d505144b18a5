// What the program asks the disk to do, in order, while an object of this lives: "sync PATH SIZE"
// and "rename FROM TO". The C library's fsync and rename are taken over by this test program and go
// on to the system. Thread: any; one object at a time.
#pragma once

#include <string>
#include <vector>

namespace ota::test {

class DiskCalls {
 public:
  DiskCalls();
  ~DiskCalls();
  DiskCalls(const DiskCalls&) = delete;
  DiskCalls& operator=(const DiskCalls&) = delete;

  std::vector<std::string> calls() const;
};

}  // namespace ota::test
