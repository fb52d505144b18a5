#include "delta/apply.h"

namespace ota::delta {

Result<void> apply_block(BlockDecoder& decoder, std::size_t block, ByteView coded,
                         const BlockPorts& ports) {
  if (auto begun = decoder.begin(block, coded); !begun) return begun;
  for (;;) {
    const auto step = decoder.next();
    if (!step) return step.error();
    switch (step->kind) {
      case Step::Kind::kRead:
        if (auto read = ports.read(step->source, step->offset, step->into); !read) return read;
        break;
      case Step::Kind::kGive:
        if (auto written = ports.write(step->output); !written) return written;
        break;
      case Step::Kind::kDone:
        return {};
    }
  }
}

}  // namespace ota::delta
