// Makes the rest of an image of a patch (or a packed image) that is fetched block by block.
//
// The base is looked at first: another one costs no byte of the network, one that differs in places
// is mended where that is cheap (mended_base.h). Then the head, which must
// be the signed one; then each block: its digest before it reaches the decoder, the digest of what
// it makes before it counts. A block that comes out wrong is taken back, and one of them is fetched
// once more. What is there of the image already, from whichever way, stays as far as its last whole
// block fits.
//
// The patch itself is never stored; memory: a coded block (2.1 MB at most) and the decoder's.
// Blocks on network and files. Thread: one at a time.
#pragma once

#include <filesystem>
#include <functional>

#include "agents/mended_base.h"
#include "agents/slot_store.h"
#include "http/requester.h"
#include "tuf/firmware.h"

namespace ota::agent {

struct PatchOrder {
  const model::Release& release;
  const tuf::Patch& patch;
  const std::string& path;  // to fetch it from
  // Of no meaning where the patch is a packed image.
  const BaseFiles& base;
  const std::string& base_path;      // to fetch pieces of the base from; empty: not to be had
  http::Requester::Download limits;  // its time and speed
  // At each piece that comes; an error ends the work with it.
  std::function<Result<void>()> go_on;
  std::function<void(const std::string&)> say;  // lines for people
};

// Errors: delta::Errc where the patch does not lead to the image (kResult is left to who verifies
// the whole); kNotFound where the server does not have it; kUnavailable, kTimeout: worth another
// try; kFull, kIo of the disk.
Result<void> fetch_patch(http::Requester& client, const PatchOrder& order, PartialImage& into);

}  // namespace ota::agent
