// A message or file as a C FILE*, made of pieces: bytes in memory and ranges of open files. So a large mail with a
// changed header costs the header's memory only. Reads with pread, so many streams may share a descriptor. The
// stream owns duplicates of the descriptors; closing is the last holder's. Reading past a file that got shorter
// is the end of the file; an I/O error is the FILE's error.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

namespace mta {

struct Piece {
  std::string bytes;  // used when fd is -1
  int fd = -1;
  int64_t offset = 0;
  int64_t length = 0;
};

class Stream {
 public:
  // Takes the pieces and their descriptors.
  explicit Stream(std::vector<Piece> pieces);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  // Positioned at the start when first asked for; nullptr when the C library has no memory left.
  FILE* file();

 private:
  static ssize_t read(void* self, char* to, size_t count);
  static int seek(void* self, off64_t* offset, int whence);
  // Somebody called fclose(): the FILE is gone, and must not be closed again.
  static int closed(void* self);

  std::vector<Piece> pieces_;
  int64_t length_ = 0;
  int64_t position_ = 0;
  FILE* file_ = nullptr;
};

}  // namespace mta
