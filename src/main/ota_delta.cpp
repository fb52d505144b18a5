// ota-delta: makes, applies and shows patches between images.
#include <csignal>
#include <iostream>
#include <string>
#include <vector>

#include "base/standard_streams.h"
#include "delta/program.h"

int main(int argc, char** argv) {
  ota::open_standard_streams();
  std::signal(SIGPIPE, SIG_IGN);
  const std::vector<std::string> words(argv + 1, argv + argc);
  return ota::end_standard_output("ota-delta", ota::delta::run(words, std::cout, std::cerr));
}
