#include "tests/support/failing_vfs.h"

#include <sqlite3.h>

#include <new>

namespace ota::test {
namespace {

// SQLite allocates szOsFile bytes for each file: this, and the real layer's file behind it.
struct File {
  sqlite3_file base;
  FailingVfs* faults;
  sqlite3_file* real;
};

File* own(sqlite3_file* file) {
  return reinterpret_cast<File*>(file);
}
sqlite3_file* real(sqlite3_file* file) {
  return own(file)->real;
}

int close(sqlite3_file* file) {
  return real(file)->pMethods->xClose(real(file));
}
int read(sqlite3_file* file, void* to, int count, sqlite3_int64 at) {
  return real(file)->pMethods->xRead(real(file), to, count, at);
}
int write(sqlite3_file* file, const void* from, int count, sqlite3_int64 at) {
  if (const int error = own(file)->faults->next_write(count); error != SQLITE_OK) return error;
  return real(file)->pMethods->xWrite(real(file), from, count, at);
}
int truncate(sqlite3_file* file, sqlite3_int64 size) {
  return real(file)->pMethods->xTruncate(real(file), size);
}
int sync(sqlite3_file* file, int flags) {
  if (const int error = own(file)->faults->next_write(0); error != SQLITE_OK) return error;
  own(file)->faults->count_sync();
  return real(file)->pMethods->xSync(real(file), flags);
}
int file_size(sqlite3_file* file, sqlite3_int64* size) {
  return real(file)->pMethods->xFileSize(real(file), size);
}
int lock(sqlite3_file* file, int kind) {
  return real(file)->pMethods->xLock(real(file), kind);
}
int unlock(sqlite3_file* file, int kind) {
  return real(file)->pMethods->xUnlock(real(file), kind);
}
int check_lock(sqlite3_file* file, int* held) {
  return real(file)->pMethods->xCheckReservedLock(real(file), held);
}
int control(sqlite3_file* file, int operation, void* argument) {
  return real(file)->pMethods->xFileControl(real(file), operation, argument);
}
int sector_size(sqlite3_file* file) {
  return real(file)->pMethods->xSectorSize(real(file));
}
int characteristics(sqlite3_file* file) {
  return real(file)->pMethods->xDeviceCharacteristics(real(file));
}
int shm_map(sqlite3_file* file, int page, int size, int extend, void volatile** to) {
  if (extend != 0) {  // it may take space
    if (const int error = own(file)->faults->next_write(0); error != SQLITE_OK) return error;
  }
  return real(file)->pMethods->xShmMap(real(file), page, size, extend, to);
}
int shm_lock(sqlite3_file* file, int offset, int count, int flags) {
  return real(file)->pMethods->xShmLock(real(file), offset, count, flags);
}
void shm_barrier(sqlite3_file* file) {
  real(file)->pMethods->xShmBarrier(real(file));
}
int shm_unmap(sqlite3_file* file, int remove) {
  return real(file)->pMethods->xShmUnmap(real(file), remove);
}

constexpr sqlite3_io_methods kMethods{
    2,         close,      read,    write,       truncate,        sync,    file_size, lock,
    unlock,    check_lock, control, sector_size, characteristics, shm_map, shm_lock,  shm_barrier,
    shm_unmap, nullptr,    nullptr};

}  // namespace

struct FailingVfs::Layer {
  sqlite3_vfs vfs;
  sqlite3_vfs* real;
  FailingVfs* faults;

  static int open(sqlite3_vfs* vfs, sqlite3_filename name, sqlite3_file* file, int flags,
                  int* out_flags) {
    auto* layer = static_cast<Layer*>(vfs->pAppData);
    File* made = new (file) File{};
    made->faults = layer->faults;
    made->real = reinterpret_cast<sqlite3_file*>(made + 1);
    const int code = layer->real->xOpen(layer->real, name, made->real, flags, out_flags);
    if (code == SQLITE_OK) made->base.pMethods = &kMethods;
    return code;
  }
};

FailingVfs::FailingVfs(std::string name) : name_(std::move(name)), layer_(new Layer{}) {
  layer_->real = sqlite3_vfs_find(nullptr);
  layer_->faults = this;
  layer_->vfs = *layer_->real;  // all calls but open go to the real layer
  layer_->vfs.pNext = nullptr;
  layer_->vfs.zName = name_.c_str();
  layer_->vfs.szOsFile = static_cast<int>(sizeof(File)) + layer_->real->szOsFile;
  layer_->vfs.pAppData = layer_.get();
  layer_->vfs.xOpen = Layer::open;
  sqlite3_vfs_register(&layer_->vfs, 0);
}

FailingVfs::~FailingVfs() {
  sqlite3_vfs_unregister(&layer_->vfs);
}

void FailingVfs::fail(int after, int error) {
  left_ = after;
  error_ = error;
  armed_ = true;
}

void FailingVfs::recover() {
  armed_ = false;
  room_ = INT64_MAX;
}

void FailingVfs::leave_room(std::int64_t bytes) {
  room_ = bytes;
  armed_ = false;
}

int FailingVfs::next_write(int bytes) {
  if (bytes > 0 && room_ != INT64_MAX) {
    if (room_ < bytes) room_ = 0;
    if (room_.fetch_sub(bytes) < bytes) {
      ++refused_;
      return SQLITE_FULL;
    }
  }
  if (!armed_ || left_.fetch_sub(1) > 0) return SQLITE_OK;
  left_ = 0;
  ++refused_;
  return error_;
}

}  // namespace ota::test
