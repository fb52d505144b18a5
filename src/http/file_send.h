// A file on its way to a client. Shared by the connection, which owns the position, and by the job
// that reads a piece, which uses the descriptor alone and hands the piece over when it is done.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "http/connection.h"
#include "http/file_pool.h"

namespace ota::http {

struct Connection::FileSend {
  OpenFile file;
  std::uint64_t offset = 0;
  std::uint64_t remaining = 0;
  std::string piece;                 // written by the job, read by the connection after it
  bool piece_goes_out = false;       // the connection writes a piece now, not the answer's head
  std::shared_ptr<FileWatch> watch;  // told after each piece; may be none

  void tell(std::uint64_t first, std::uint64_t length) const {
    if (watch && length > 0) watch->sent(first, length);
  }
};

}  // namespace ota::http
