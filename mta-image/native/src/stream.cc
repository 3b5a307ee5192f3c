// FILE* over pieces, through the C library's custom streams; see stream.h.
#include "stream.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace mta {

Stream::Stream(std::vector<Piece> pieces) : pieces_(std::move(pieces)) {
  for (auto& piece : pieces_) {
    if (piece.fd < 0) piece.length = static_cast<int64_t>(piece.bytes.size());
    length_ += piece.length;
  }
}

Stream::~Stream() {
  if (file_ != nullptr) fclose(file_);
  for (auto& piece : pieces_) {
    if (piece.fd >= 0) close(piece.fd);
  }
}

FILE* Stream::file() {
  if (file_ == nullptr) {
    cookie_io_functions_t functions{};
    functions.read = &Stream::read;
    functions.seek = &Stream::seek;
    functions.close = &Stream::closed;
    file_ = fopencookie(this, "r", functions);
  }
  return file_;
}

ssize_t Stream::read(void* self, char* to, size_t count) {
  auto& stream = *static_cast<Stream*>(self);
  int64_t start = 0;
  for (const auto& piece : stream.pieces_) {
    int64_t within = stream.position_ - start;
    start += piece.length;
    if (within >= piece.length) continue;
    auto wanted = static_cast<size_t>(std::min<int64_t>(static_cast<int64_t>(count), piece.length - within));
    ssize_t got = static_cast<ssize_t>(wanted);
    if (piece.fd < 0) {
      memcpy(to, piece.bytes.data() + within, wanted);
    } else {
      do {
        got = pread(piece.fd, to, wanted, piece.offset + within);
      } while (got < 0 && errno == EINTR);
    }
    if (got > 0) stream.position_ += got;
    return got;
  }
  return 0;
}

int Stream::seek(void* self, off64_t* offset, int whence) {
  auto& stream = *static_cast<Stream*>(self);
  int64_t base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? stream.position_ : stream.length_;
  int64_t target = 0;
  if (__builtin_add_overflow(base, static_cast<int64_t>(*offset), &target) || target < 0) {
    errno = EINVAL;
    return -1;
  }
  stream.position_ = target;
  *offset = target;
  return 0;
}

int Stream::closed(void* self) {
  static_cast<Stream*>(self)->file_ = nullptr;
  return 0;
}

}  // namespace mta
