#include "world/simulated_disk.h"

#include <sqlite3.h>

#include <algorithm>
#include <cstring>
#include <new>

namespace ota::world {
namespace {

using File = SimulatedDisk::File;

struct Handle {
  sqlite3_file base;
  SimulatedDisk* disk;
  std::shared_ptr<File>* file;
  std::uint64_t life;
  int lock;
  unsigned shared_locks;  // bits: of the shared memory's
  bool delete_on_close;
};

Handle* own(sqlite3_file* file) {
  return reinterpret_cast<Handle*>(file);
}
File& file_of(sqlite3_file* file) {
  return **own(file)->file;
}
bool dead(sqlite3_file* file) {
  return own(file)->life != own(file)->disk->life();
}

int unlock(sqlite3_file* handle, int kind) {
  Handle* self = own(handle);
  if (dead(handle)) return SQLITE_OK;
  File& file = file_of(handle);
  if (kind < SQLITE_LOCK_EXCLUSIVE && file.exclusive == self) file.exclusive = nullptr;
  if (kind < SQLITE_LOCK_RESERVED && file.reserved == self) file.reserved = nullptr;
  if (kind == SQLITE_LOCK_NONE && self->lock >= SQLITE_LOCK_SHARED) --file.readers;
  self->lock = std::min(self->lock, kind);
  return SQLITE_OK;
}

int lock(sqlite3_file* handle, int kind) {
  Handle* self = own(handle);
  if (dead(handle)) return SQLITE_IOERR_LOCK;
  File& file = file_of(handle);
  if (kind <= self->lock) return SQLITE_OK;
  if (file.exclusive != nullptr && file.exclusive != self) return SQLITE_BUSY;
  if (self->lock == SQLITE_LOCK_NONE) {
    ++file.readers;
    self->lock = SQLITE_LOCK_SHARED;
  }
  if (kind >= SQLITE_LOCK_RESERVED) {
    if (file.reserved != nullptr && file.reserved != self) return SQLITE_BUSY;
    file.reserved = self;
    self->lock = SQLITE_LOCK_RESERVED;
  }
  if (kind == SQLITE_LOCK_EXCLUSIVE) {
    if (file.readers > 1) return SQLITE_BUSY;
    file.exclusive = self;
    self->lock = kind;
  }
  return SQLITE_OK;
}

int check_lock(sqlite3_file* handle, int* held) {
  *held = file_of(handle).reserved != nullptr ? 1 : 0;
  return SQLITE_OK;
}

int shm_unmap(sqlite3_file* handle, int remove) {
  if (dead(handle)) return SQLITE_OK;
  if (remove != 0) file_of(handle).memory.clear();
  return SQLITE_OK;
}

int shm_lock(sqlite3_file* handle, int offset, int count, int flags) {
  if (dead(handle)) return SQLITE_IOERR_SHMLOCK;
  Handle* self = own(handle);
  File& file = file_of(handle);
  const bool shared = (flags & SQLITE_SHM_SHARED) != 0;
  for (int i = offset; (flags & SQLITE_SHM_LOCK) != 0 && i < offset + count; ++i) {
    const File::Lock& lock = file.locks[i];
    if (lock.writer != nullptr && lock.writer != self) return SQLITE_BUSY;
    const int others = lock.readers - ((self->shared_locks >> i & 1U) != 0 ? 1 : 0);
    if (!shared && others > 0) return SQLITE_BUSY;
  }
  for (int i = offset; i < offset + count; ++i) {
    File::Lock& lock = file.locks[i];
    const unsigned bit = 1U << static_cast<unsigned>(i);
    if ((flags & SQLITE_SHM_UNLOCK) != 0) {
      if (lock.writer == self) lock.writer = nullptr;
      if (shared && (self->shared_locks & bit) != 0) {
        --lock.readers;
        self->shared_locks &= ~bit;
      }
    } else if (!shared) {
      lock.writer = self;
    } else if ((self->shared_locks & bit) == 0) {
      ++lock.readers;
      self->shared_locks |= bit;
    }
  }
  return SQLITE_OK;
}

int close(sqlite3_file* handle) {
  Handle* self = own(handle);
  unlock(handle, SQLITE_LOCK_NONE);
  if (!dead(handle)) shm_lock(handle, 0, 8, SQLITE_SHM_UNLOCK | SQLITE_SHM_SHARED);
  delete self->file;
  self->file = nullptr;
  return SQLITE_OK;
}

int read(sqlite3_file* handle, void* to, int count, sqlite3_int64 at) {
  if (dead(handle)) return SQLITE_IOERR_READ;
  const std::string& content = file_of(handle).content;
  const auto from = static_cast<std::size_t>(at);
  const auto wanted = static_cast<std::size_t>(count);
  const std::size_t there =
      from < content.size() ? std::min(wanted, content.size() - from) : std::size_t{0};
  if (there > 0) std::memcpy(to, content.data() + from, there);
  if (there == wanted) return SQLITE_OK;
  std::memset(static_cast<char*>(to) + there, 0, wanted - there);
  return SQLITE_IOERR_SHORT_READ;
}

void carry_out(std::string& content, const SimulatedDisk::Write& write) {
  if (write.truncation) {
    content.resize(write.offset);
    return;
  }
  if (content.size() < write.offset + write.bytes.size())
    content.resize(write.offset + write.bytes.size());
  content.replace(write.offset, write.bytes.size(), write.bytes);
}

int write(sqlite3_file* handle, const void* from, int count, sqlite3_int64 at) {
  if (dead(handle)) return SQLITE_IOERR_WRITE;
  if (own(handle)->disk->full()) return SQLITE_FULL;
  File& file = file_of(handle);
  file.unsynced.push_back(
      {static_cast<std::uint64_t>(at),
       std::string(static_cast<const char*>(from), static_cast<std::size_t>(count)), false});
  carry_out(file.content, file.unsynced.back());
  return SQLITE_OK;
}

int truncate(sqlite3_file* handle, sqlite3_int64 size) {
  if (dead(handle)) return SQLITE_IOERR_TRUNCATE;
  File& file = file_of(handle);
  file.unsynced.push_back({static_cast<std::uint64_t>(size), {}, true});
  carry_out(file.content, file.unsynced.back());
  return SQLITE_OK;
}

int sync(sqlite3_file* handle, int) {
  if (dead(handle)) return SQLITE_IOERR_FSYNC;
  if (own(handle)->disk->full()) return SQLITE_FULL;
  File& file = file_of(handle);
  for (const SimulatedDisk::Write& one : file.unsynced)
    carry_out(file.durable, one);
  file.unsynced.clear();
  own(handle)->disk->count_sync();
  return SQLITE_OK;
}

int file_size(sqlite3_file* handle, sqlite3_int64* size) {
  if (dead(handle)) return SQLITE_IOERR_FSTAT;
  *size = static_cast<sqlite3_int64>(file_of(handle).content.size());
  return SQLITE_OK;
}

int control(sqlite3_file*, int, void*) {
  return SQLITE_NOTFOUND;
}
int sector_size(sqlite3_file*) {
  return 4096;
}
int characteristics(sqlite3_file*) {
  return SQLITE_IOCAP_POWERSAFE_OVERWRITE;  // as SQLite takes the system's files to be
}

int shm_map(sqlite3_file* handle, int page, int size, int extend, void volatile** to) {
  if (dead(handle)) return SQLITE_IOERR_SHMMAP;
  auto& memory = file_of(handle).memory;
  const auto wanted = static_cast<std::size_t>(page);
  *to = nullptr;
  if (memory.size() <= wanted && extend == 0) return SQLITE_OK;
  while (memory.size() <= wanted)
    memory.push_back(std::make_unique<char[]>(static_cast<std::size_t>(size)));
  *to = memory[wanted].get();
  return SQLITE_OK;
}
void shm_barrier(sqlite3_file*) {}

constexpr sqlite3_io_methods kMethods{
    2,         close,      read,    write,       truncate,        sync,    file_size, lock,
    unlock,    check_lock, control, sector_size, characteristics, shm_map, shm_lock,  shm_barrier,
    shm_unmap, nullptr,    nullptr};

SimulatedDisk& disk_of(sqlite3_vfs* vfs) {
  return *static_cast<SimulatedDisk*>(vfs->pAppData);
}

int vfs_open(sqlite3_vfs* vfs, sqlite3_filename name, sqlite3_file* file, int flags,
             int* out_flags) {
  Handle* made = new (file) Handle{};
  made->disk = &disk_of(vfs);
  made->life = made->disk->life();
  // The store makes its file itself before SQLite opens it.
  const bool create = (flags & (SQLITE_OPEN_CREATE | SQLITE_OPEN_MAIN_DB)) != 0 || name == nullptr;
  auto found = name == nullptr ? std::make_shared<File>() : made->disk->open(name, create);
  if (!found) return SQLITE_CANTOPEN;
  made->file = new std::shared_ptr<File>(std::move(found));
  made->base.pMethods = &kMethods;
  if (out_flags != nullptr) *out_flags = flags;
  return SQLITE_OK;
}

int vfs_delete(sqlite3_vfs* vfs, const char* name, int) {
  disk_of(vfs).remove(name);
  return SQLITE_OK;
}
int vfs_access(sqlite3_vfs* vfs, const char* name, int, int* result) {
  *result = disk_of(vfs).exists(name) ? 1 : 0;
  return SQLITE_OK;
}
int vfs_full_path(sqlite3_vfs*, const char* name, int size, char* out) {
  sqlite3_snprintf(size, out, "%s", name);
  return SQLITE_OK;
}
int vfs_sleep(sqlite3_vfs*, int micros) {
  return micros;  // in a world nobody else would go on meanwhile
}

}  // namespace

struct SimulatedDisk::Layer {
  sqlite3_vfs vfs;
};

SimulatedDisk::SimulatedDisk(std::string name) : name_(std::move(name)), layer_(new Layer{}) {
  layer_->vfs = *sqlite3_vfs_find(nullptr);  // its randomness and its clock for SQLite's own use
  layer_->vfs.pNext = nullptr;
  layer_->vfs.zName = name_.c_str();
  layer_->vfs.szOsFile = static_cast<int>(sizeof(Handle));
  layer_->vfs.pAppData = this;
  layer_->vfs.xOpen = vfs_open;
  layer_->vfs.xDelete = vfs_delete;
  layer_->vfs.xAccess = vfs_access;
  layer_->vfs.xFullPathname = vfs_full_path;
  layer_->vfs.xSleep = vfs_sleep;
  sqlite3_vfs_register(&layer_->vfs, 0);
}

SimulatedDisk::~SimulatedDisk() {
  sqlite3_vfs_unregister(&layer_->vfs);
}

std::shared_ptr<File> SimulatedDisk::open(const std::string& path, bool create) {
  const auto found = files_.find(path);
  if (found != files_.end()) return found->second;
  if (!create) return nullptr;
  return files_[path] = std::make_shared<File>();
}

void SimulatedDisk::kill() {
  ++life_;
  for (const auto& [path, file] : files_) {
    file->memory.clear();
    file->reserved = file->exclusive = nullptr;
    file->readers = 0;
    for (File::Lock& one : file->locks)
      one = {};
  }
}

void SimulatedDisk::power_cut(Random& random) {
  kill();
  for (const auto& [path, file] : files_) {
    const auto fate = random.below(3);  // of what was not synced: none, all, some of it
    std::string left = file->durable;
    for (Write& one : file->unsynced) {
      if (fate == 0 || (fate == 2 && random.chance(0.5))) continue;
      if (fate == 2 && !one.truncation && random.chance(0.2))
        one.bytes.resize(random.below(one.bytes.size() + 1));  // torn
      carry_out(left, one);
    }
    file->unsynced.clear();
    file->content = file->durable = std::move(left);
  }
}

std::size_t SimulatedDisk::unsynced() const {
  std::size_t count = 0;
  for (const auto& [path, file] : files_)
    count += file->unsynced.size();
  return count;
}

}  // namespace ota::world
