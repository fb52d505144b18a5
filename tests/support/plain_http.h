// A web server for tests that says exactly what a test wants: HTTP/1.0 over plain TCP on a free
// port of 127.0.0.1, one connection at a time, every request recorded.
//
// Thread: any; serves on one of its own.
#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/file.h"

namespace ota::test {

struct PlainAnswer {
  int status = 200;
  std::string body;
  std::string extra_header;  // whole lines with their ends
  enum class End { kWhole, kNoAnswer, kCutOff, kEndless } end = End::kWhole;
};

class PlainHttpServer {
 public:
  using Handler = std::function<PlainAnswer(const std::string& path)>;
  // `handler` runs on the server's thread.
  explicit PlainHttpServer(Handler handler);
  ~PlainHttpServer();
  PlainHttpServer(const PlainHttpServer&) = delete;
  PlainHttpServer& operator=(const PlainHttpServer&) = delete;

  // "http://127.0.0.1:PORT"
  std::string url() const;
  // Paths as they came, in order; clears the record.
  std::vector<std::string> take_requests();

 private:
  void serve(std::stop_token stop);
  void answer(int connection);

  Handler handler_;
  FileDescriptor listener_;
  unsigned port_ = 0;
  std::mutex mutex_;
  std::vector<std::string> requests_;
  std::jthread thread_;
};

}  // namespace ota::test
