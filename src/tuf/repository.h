// The signing side: a TUF repository in `firmware/` with its online keys in `state/keys/`.
//
//   firmware/metadata/N.root.json  N.targets.json  N.snapshot.json  timestamp.json  (consistent
//   snapshots, TUF 6.2)   N.model-MODEL.json   firmware/targets/MODEL/HASH.NAME    images
//
// Each change writes new files first and the timestamp last, so a reader sees the old repository or
// the new one, and a crash in between leaves the old one. A lock file keeps two processes apart.
// All calls block on files.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/file.h"
#include "base/result.h"
#include "model/release.h"
#include "tuf/firmware.h"
#include "tuf/role_status.h"

namespace ota::tuf {

// A packed image or a patch that was made of an image, to be published beside it. The file is linked
// into the repository where that is on the same disk: nobody writes to it any more.
struct PatchFile {
  Patch patch;
  std::filesystem::path file;
  std::string makes;  // sha256 of the image
};

class Repository {
 public:
  // Opens what is there; kNotFound where there is none (see create()).
  static Result<Repository> open(const std::filesystem::path& firmware,
                                 const std::filesystem::path& keys, const Clock& clock);
  // Makes keys and an empty, signed repository. kExists where there is one.
  static Result<Repository> create(const std::filesystem::path& firmware,
                                   const std::filesystem::path& keys, const Clock& clock);
  Repository(Repository&&) noexcept;
  Repository& operator=(Repository&&) noexcept;
  ~Repository();

  // What is published, verified against the root; newest version first, one for each model.
  Result<std::vector<model::Release>> releases() const;
  // Copies the image in, signs it in the role of each of its models (and the delegation of a new
  // one in targets), then snapshot and timestamp. `release.target` may name the file; it comes back
  // as the target of the first model, with `length` and `sha256` of the file. kExists: the version,
  // or the name, is published with other bytes for one of its models. tuf::Errc::kThreshold where
  // the keys are offline: the change is kept as a draft, on which further ones build, until a
  // ceremony (ceremony.h) has signed it.
  // `rollback_floor`: once a device knows this release, it never again takes a version below.
  // `patches` are added to those that are published for the same image. kConflict: one of them
  // makes another image.
  Result<model::Release> add(const std::filesystem::path& image, model::Release release,
                             std::optional<model::Version> rollback_floor = {},
                             const std::vector<PatchFile>& patches = {});
  // The same of a file that is open and was looked at already: kConflict where its bytes are not
  // those of `release.sha256` any more.
  Result<model::Release> add(const FileDescriptor& image, model::Release release,
                             std::optional<model::Version> rollback_floor = {},
                             const std::vector<PatchFile>& patches = {});
  // Where the image of a published release lies.
  std::filesystem::path image_of(const model::Release& release) const;
  Result<void> remove(const model::Version& version);
  // Signs a new timestamp (and snapshot) where the present one ends within `margin`. True where it
  // did.
  Result<bool> refresh_if_due(std::chrono::seconds margin);
  Result<std::vector<RoleStatus>> status() const;
  // The newest root, as published: what a device pins when it joins.
  Result<std::string> root() const;

 private:
  Result<model::Release> do_add(const FileDescriptor& image, model::Release release,
                                std::optional<model::Version> rollback_floor,
                                const std::vector<PatchFile>& patches);
  Result<void> do_remove(const model::Version& version);

  struct Impl;
  explicit Repository(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace ota::tuf
