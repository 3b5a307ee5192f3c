// Sockets that leave from an address which this system does not have: Node sets no option before it binds. IP_FREEBIND lets
// anybody bind; the system sends from such an address where a route makes it local, or with IP_TRANSPARENT, which wants
// CAP_NET_ADMIN. Never blocks. What fails is the errno; nothing is left open then.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "door.h"
#include "js.h"

namespace mta {
namespace {

// The length of the address; 0 for what is none.
socklen_t read_address(const std::string& text, uint16_t port, sockaddr_storage& into) {
  auto& v4 = reinterpret_cast<sockaddr_in&>(into);
  auto& v6 = reinterpret_cast<sockaddr_in6&>(into);
  if (inet_pton(AF_INET, text.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    return sizeof v4;
  }
  if (inet_pton(AF_INET6, text.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    return sizeof v6;
  }
  return 0;
}

int open_bound(const std::string& text, uint16_t port, bool is_stream) {
  sockaddr_storage address{};
  const socklen_t length = read_address(text, port, address);
  if (length == 0) return -EINVAL;
  const int kind = is_stream ? SOCK_STREAM : SOCK_DGRAM;
  const int descriptor = socket(address.ss_family, kind | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return -errno;
  const int on = 1;
  const bool is_v4 = address.ss_family == AF_INET;
  const int level = is_v4 ? int{IPPROTO_IP} : int{IPPROTO_IPV6};
  // Refused without the capability; connect() says then whether a route does.
  setsockopt(descriptor, level, is_v4 ? IP_TRANSPARENT : IPV6_TRANSPARENT, &on, sizeof on);
  const bool is_bound =
      setsockopt(descriptor, level, is_v4 ? IP_FREEBIND : IPV6_FREEBIND, &on, sizeof on) == 0 &&
      bind(descriptor, reinterpret_cast<sockaddr*>(&address), length) == 0;
  if (is_bound) return descriptor;
  const int error = errno;
  close(descriptor);
  return -error;
}

}  // namespace

// boundSocket(address, port, isStream): its descriptor, which the caller closes; a negative errno
napi_value bound_socket(napi_env env, napi_callback_info info) {
  return js::boundary(env, [&] {
    js::Arguments<3> arguments(env, info);
    const std::string address = js::to_text(env, arguments[0]);
    const auto port = static_cast<uint16_t>(js::to_number(env, arguments[1]));
    return js::number(env, open_bound(address, port, js::to_boolean(env, arguments[2])));
  });
}

}  // namespace mta
