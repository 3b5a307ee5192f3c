// A set of stream sockets that are accepted, read and written without one event of Node's for each: the sockets that have
// something are read together, into one buffer. Knows neither Node nor JavaScript. Not for more than one thread.
#pragma once

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace mta {

// What a turn found: one or two for each socket that had something.
struct Found {
  int32_t slot;
  // More than 0: so many bytes at `offset`. 0: the other side ends. `kReady`. Else minus an errno; nothing is read any more.
  int32_t what;
  int32_t offset;
};

class Batch {
 public:
  // It can be written, or, where it listens, a connection waits.
  static constexpr int32_t kReady = -1'000'000;
  // Wishes of a socket.
  static constexpr uint32_t kRead = 1;
  static constexpr uint32_t kWrite = 2;
  static constexpr size_t kSocketsATurn = 64;
  static constexpr size_t kMostFound = 2 * kSocketsATurn;
  // No socket reads more than this in a turn.
  static constexpr size_t kMostShare = 65'536;
  // With it each socket that is ready reads 4 KiB or more in its turn, however much the others send.
  static constexpr size_t kLeastRoom = kSocketsATurn * 4096;

  Batch();
  ~Batch();
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;

  // Readable whenever a turn would find something.
  int descriptor() const { return epoll_; }
  size_t size() const { return live_; }

  // Takes a descriptor of its own for the same connection. Its slot, or minus an errno. Nothing is wished yet.
  int32_t adopt(int fd);
  // The same for a socket that listens. Its connections send without delay.
  int32_t listen(int fd);
  // The slot of a connection that waits, with the address it comes from, or minus an errno: EAGAIN when none waits. One for which
  // there is no room is taken and closed, so that it does not wait for ever.
  int32_t accept(int32_t slot, sockaddr_storage* from);
  // False when the system does not know it any more.
  bool local(int32_t slot, sockaddr_storage* address) const;
  // Minus an errno when the system refuses.
  int32_t wish(int32_t slot, uint32_t wishes);
  // How many bytes the system took, 0 for a full buffer, or minus an errno.
  int32_t send(int32_t slot, const iovec* pieces, size_t count);
  // No more will be sent. Harmless when the connection is gone.
  void end(int32_t slot);
  void close(int32_t slot);
  // The descriptor, from now on the caller's.
  int release(int32_t slot);
  bool has(int32_t slot) const;

  // Reads what is there into `into`, which has room for `room` bytes, `kLeastRoom` or more. The slots of what it found are given to nobody else before the next
  // turn begins or `rest` is called.
  size_t turn(char* into, size_t room, Found* found);
  // The same for one socket, in whatever turn it would come: of more than `kSocketsATurn` that are ready some have to wait. Between
  // turns only. Nothing where reading is not wished, or where it listens.
  size_t look(int32_t slot, char* into, size_t room, Found* found);
  void rest();

 private:
  struct Slot {
    int fd = -1;
    uint32_t wishes = 0;
    bool listens = false;
  };

  void make_room();
  int32_t keep(int fd);
  int accept_from(int fd, sockaddr_storage* from);
  size_t read(int32_t slot, char* into, size_t room, size_t offset, Found*& found);
  void leave(int32_t slot);

  int epoll_ = -1;
  // Given up for a moment where the process may open no more, so that the connection that waits can be taken and closed.
  int spare_ = -1;
  size_t live_ = 0;
  bool turning_ = false;
  std::vector<Slot> slots_;
  std::vector<int32_t> free_;
  // Free behind this turn: what it found may still name them.
  std::vector<int32_t> resting_;
};

}  // namespace mta
