#include "batch.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace mta {
namespace {

uint32_t events_of(uint32_t wishes) {
  uint32_t events = 0;
  if ((wishes & Batch::kRead) != 0) events |= EPOLLIN;
  if ((wishes & Batch::kWrite) != 0) events |= EPOLLOUT;
  return events;
}

// What is left divided among those that are left, so that a few that send much keep nobody from being read.
size_t share(size_t left, size_t sockets) { return std::min(left / sockets, Batch::kMostShare); }

// Any file does.
int open_spare() { return ::open("/", O_RDONLY | O_CLOEXEC); }

}  // namespace

Batch::Batch() : epoll_(epoll_create1(EPOLL_CLOEXEC)), spare_(open_spare()) {
  if (epoll_ < 0) throw std::system_error(errno, std::generic_category(), "epoll_create1");
}

Batch::~Batch() {
  for (const Slot& slot : slots_) {
    if (slot.fd >= 0) ::close(slot.fd);
  }
  if (spare_ >= 0) ::close(spare_);
  ::close(epoll_);
}

bool Batch::has(int32_t slot) const {
  return slot >= 0 && static_cast<size_t>(slot) < slots_.size() && slots_[static_cast<size_t>(slot)].fd >= 0;
}

// The slot comes first: where there is no memory for one, no descriptor is left open. Each that is in use holds one, so that the
// descriptors that a process may open bound them.
void Batch::make_room() {
  if (!free_.empty()) return;
  slots_.emplace_back();
  free_.push_back(static_cast<int32_t>(slots_.size() - 1));
}

int32_t Batch::keep(int fd) {
  const int32_t slot = free_.back();
  free_.pop_back();
  slots_[static_cast<size_t>(slot)] = {fd};
  ++live_;
  return slot;
}

int32_t Batch::adopt(int fd) {
  make_room();
  const int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
  return own < 0 ? -errno : keep(own);
}

int32_t Batch::listen(int fd) {
  const int32_t slot = adopt(fd);
  if (slot < 0) return slot;
  Slot& socket = slots_[static_cast<size_t>(slot)];
  socket.listens = true;
  // Its connections inherit it.
  const int yes = 1;
  setsockopt(socket.fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  return slot;
}

int32_t Batch::accept(int32_t slot, sockaddr_storage* from) {
  make_room();
  const int fd = accept_from(slots_[static_cast<size_t>(slot)].fd, from);
  return fd < 0 ? -errno : keep(fd);
}

// As libuv: without it the connection would go on waiting, and each turn would find it. The system looks for a descriptor before
// it looks whether a connection waits, so that only the second attempt tells.
int Batch::accept_from(int fd, sockaddr_storage* from) {
  const auto take = [&] {
    socklen_t length = sizeof *from;
    return accept4(fd, reinterpret_cast<sockaddr*>(from), &length, SOCK_CLOEXEC | SOCK_NONBLOCK);
  };
  if (spare_ < 0) spare_ = open_spare();
  const int got = take();
  if (got >= 0 || (errno != EMFILE && errno != ENFILE) || spare_ < 0) return got;
  ::close(spare_);
  const int unwanted = take();
  const int error = unwanted < 0 ? errno : EMFILE;
  if (unwanted >= 0) ::close(unwanted);
  spare_ = open_spare();
  errno = error;
  return -1;
}

bool Batch::local(int32_t slot, sockaddr_storage* address) const {
  socklen_t length = sizeof *address;
  return getsockname(slots_[static_cast<size_t>(slot)].fd, reinterpret_cast<sockaddr*>(address), &length) == 0;
}

// A socket without wishes is taken out: epoll tells of broken connections whether one asks or not, without end.
int32_t Batch::wish(int32_t slot, uint32_t wishes) {
  Slot& socket = slots_[static_cast<size_t>(slot)];
  if (socket.wishes == wishes) return 0;
  epoll_event event{};
  event.events = events_of(wishes);
  event.data.u32 = static_cast<uint32_t>(slot);
  const int how = wishes == 0 ? EPOLL_CTL_DEL : socket.wishes == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
  if (epoll_ctl(epoll_, how, socket.fd, &event) < 0) return -errno;
  socket.wishes = wishes;
  return 0;
}

int32_t Batch::send(int32_t slot, const iovec* pieces, size_t count) {
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(pieces);
  message.msg_iovlen = count;
  ssize_t sent = -1;
  do {
    sent = sendmsg(slots_[static_cast<size_t>(slot)].fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  } while (sent < 0 && errno == EINTR);
  if (sent < 0) return errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS ? 0 : -errno;
  return static_cast<int32_t>(sent);
}

void Batch::end(int32_t slot) { shutdown(slots_[static_cast<size_t>(slot)].fd, SHUT_WR); }

void Batch::close(int32_t slot) { ::close(release(slot)); }

int Batch::release(int32_t slot) {
  // Said, not left to the closing: a child that is just being made may hold the connection open.
  wish(slot, 0);
  const int fd = slots_[static_cast<size_t>(slot)].fd;
  leave(slot);
  return fd;
}

void Batch::leave(int32_t slot) {
  slots_[static_cast<size_t>(slot)] = {};
  --live_;
  (turning_ ? resting_ : free_).push_back(slot);
}

void Batch::rest() {
  turning_ = false;
  free_.insert(free_.end(), resting_.begin(), resting_.end());
  resting_.clear();
}

size_t Batch::turn(char* into, size_t room, Found* found) {
  rest();
  turning_ = true;
  epoll_event ready[kSocketsATurn];
  const int count = epoll_wait(epoll_, ready, kSocketsATurn, 0);
  Found* next = found;
  size_t offset = 0;
  for (int i = 0; i < count; ++i) {
    const auto slot = static_cast<int32_t>(ready[i].data.u32);
    if (!has(slot)) continue;
    const uint32_t wishes = slots_[static_cast<size_t>(slot)].wishes;
    const uint32_t events = ready[i].events;
    const bool broken = (events & (EPOLLERR | EPOLLHUP)) != 0;
    // Sending will tell what is broken where nobody reads.
    if ((wishes & kWrite) != 0 && ((events & EPOLLOUT) != 0 || broken)) *next++ = {slot, kReady, 0};
    if ((wishes & kRead) == 0 || ((events & EPOLLIN) == 0 && !broken)) continue;
    if (slots_[static_cast<size_t>(slot)].listens) {
      *next++ = {slot, kReady, 0};
      continue;
    }
    offset += read(slot, into, share(room - offset, static_cast<size_t>(count - i)), offset, next);
  }
  return static_cast<size_t>(next - found);
}

size_t Batch::look(int32_t slot, char* into, size_t room, Found* found) {
  const Slot& socket = slots_[static_cast<size_t>(slot)];
  if ((socket.wishes & kRead) == 0 || socket.listens) return 0;
  Found* next = found;
  read(slot, into, share(room, 1), 0, next);
  return static_cast<size_t>(next - found);
}

size_t Batch::read(int32_t slot, char* into, size_t room, size_t offset, Found*& found) {
  Slot& socket = slots_[static_cast<size_t>(slot)];
  const ssize_t got = recv(socket.fd, into + offset, room, MSG_DONTWAIT);
  if (got > 0) {
    *found++ = {slot, static_cast<int32_t>(got), static_cast<int32_t>(offset)};
    return static_cast<size_t>(got);
  }
  const int error = got == 0 ? 0 : errno;
  if (error == EAGAIN || error == EWOULDBLOCK || error == EINTR) return 0;
  wish(slot, error == 0 ? socket.wishes & ~kRead : 0);
  *found++ = {slot, -error, 0};
  return 0;
}

}  // namespace mta
