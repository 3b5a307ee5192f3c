// The door between TypeScript (net/socket-addon.ts) and the batch. Each function here is one of SocketAddon there. All run on
// the loop's thread; the batch is one for a process, and a second environment (a worker) is refused. libuv watches the one
// descriptor of the batch, and keeps the process running while the batch has sockets.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <uv.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "../src/js.h"
#include "batch.h"

namespace mta {
namespace {

// A gathered write of more is sent in parts: what is left goes with the next.
constexpr size_t kMostPieces = 64;

struct Door {
  Batch batch;
  napi_env env = nullptr;
  napi_ref receiver = nullptr;
  napi_ref on_turn = nullptr;
  napi_ref arena_owner = nullptr;
  napi_ref found_owner = nullptr;
  napi_async_context context = nullptr;
  napi_async_cleanup_hook_handle hook = nullptr;
  char* arena = nullptr;
  size_t room = 0;
  Found* found = nullptr;
  uv_poll_t poll{};
};

Door* door = nullptr;

void keep_running() {
  auto* handle = reinterpret_cast<uv_handle_t*>(&door->poll);
  if (door->batch.size() > 0) uv_ref(handle);
  else uv_unref(handle);
}

void tell(size_t count) {
  js::Scope scope(door->env);
  napi_value argument = js::number(door->env, static_cast<double>(count));
  napi_value ignored = nullptr;
  const napi_status status = napi_make_callback(door->env, door->context, js::behind(door->env, door->receiver),
                                                js::behind(door->env, door->on_turn), 1, &argument, &ignored);
  if (status != napi_pending_exception) return;
  napi_value problem = nullptr;
  napi_get_and_clear_last_exception(door->env, &problem);
  napi_fatal_exception(door->env, problem);
}

void take_turn(uv_poll_t*, int, int) {
  const size_t count = door->batch.turn(door->arena, door->room, door->found);
  try {
    if (count > 0) tell(count);
  } catch (const std::exception&) {
    // The environment is on its way out, and its sockets with it.
  }
  door->batch.rest();
}

int32_t integer(napi_env env, napi_value value) {
  int32_t number = 0;
  js::check(napi_get_value_int32(env, value, &number));
  return number;
}

int32_t slot_in(napi_env env, napi_value value) {
  const int32_t slot = integer(env, value);
  if (door == nullptr || !door->batch.has(slot)) throw js::JsError("no such socket");
  return slot;
}

napi_value answer(napi_env env, int32_t number) {
  napi_value value = nullptr;
  js::check(napi_create_int32(env, number, &value));
  return value;
}

void finish(napi_async_cleanup_hook_handle hook, void*) {
  door->hook = hook;
  uv_close(reinterpret_cast<uv_handle_t*>(&door->poll), [](uv_handle_t*) {
    napi_remove_async_cleanup_hook(door->hook);
    delete std::exchange(door, nullptr);
  });
}

// open(arena, found, onTurn): arena a Buffer, found an Int32Array with room for all that a turn may find.
napi_value open(napi_env env, napi_callback_info info) {
  return js::boundary(env, [&] {
    js::Arguments<3> arguments(env, info);
    if (door != nullptr) throw js::JsError("the sockets of a process are opened once");
    auto fresh = std::make_unique<Door>();
    fresh->env = env;
    void* arena = nullptr;
    void* found = nullptr;
    size_t length = 0;
    js::check(napi_get_buffer_info(env, arguments[0], &arena, &fresh->room));
    js::check(napi_get_typedarray_info(env, arguments[1], nullptr, &length, &found, nullptr, nullptr));
    if (fresh->room < Batch::kLeastRoom || length < 3 * Batch::kMostFound) {
      throw js::JsError("too little room for what a turn finds");
    }
    fresh->arena = static_cast<char*>(arena);
    fresh->found = static_cast<Found*>(found);
    napi_value receiver = js::object(env);
    js::check(napi_create_reference(env, receiver, 1, &fresh->receiver));
    js::check(napi_create_reference(env, arguments[0], 1, &fresh->arena_owner));
    js::check(napi_create_reference(env, arguments[1], 1, &fresh->found_owner));
    js::check(napi_create_reference(env, arguments[2], 1, &fresh->on_turn));
    js::check(napi_async_init(env, receiver, js::text(env, "sockets"), &fresh->context));
    uv_loop_t* loop = nullptr;
    js::check(napi_get_uv_event_loop(env, &loop));
    if (uv_poll_init(loop, &fresh->poll, fresh->batch.descriptor()) != 0) throw js::JsError("uv_poll_init");
    // From here on it is libuv's, and freed when that has let go of it.
    door = fresh.release();
    uv_poll_start(&door->poll, UV_READABLE, take_turn);
    keep_running();
    js::check(napi_add_async_cleanup_hook(env, finish, nullptr, nullptr));
    return js::undefined(env);
  });
}

// adopt(fd): the slot, or minus an errno.
napi_value adopt(napi_env env, napi_callback_info info) {
  return js::boundary(env, [&] {
    js::Arguments<1> arguments(env, info);
    if (door == nullptr) throw js::JsError("the sockets were not opened");
    const int32_t slot = door->batch.adopt(integer(env, arguments[0]));
    keep_running();
    return answer(env, slot);
  });
}

// listen(fd): the slot, or minus an errno.
napi_value listen(napi_env env, napi_callback_info info) {
  return js::boundary(env, [&] {
    js::Arguments<1> arguments(env, info);
    if (door == nullptr) throw js::JsError("the sockets were not opened");
    const int32_t slot = door->batch.listen(integer(env, arguments[0]));
    keep_running();
    return answer(env, slot);
  });
}

// Two more elements: the address as text and the port; "" and 0 where there is none.
void put_end(napi_env env, napi_value into, uint32_t at, const sockaddr_storage& end) {
  char text[INET6_ADDRSTRLEN] = "";
  in_port_t port = 0;
  if (end.ss_family == AF_INET) {
    const auto& four = reinterpret_cast<const sockaddr_in&>(end);
    inet_ntop(AF_INET, &four.sin_addr, text, sizeof text);
    port = four.sin_port;
  } else if (end.ss_family == AF_INET6) {
    const auto& six = reinterpret_cast<const sockaddr_in6&>(end);
    inet_ntop(AF_INET6, &six.sin6_addr, text, sizeof text);
    port = six.sin6_port;
  }
  js::put(env, into, at, js::bytes(env, text));
  js::put(env, into, at + 1, answer(env, ntohs(port)));
}

// accept(slot): [slot, remote address, its port, local address, its port], or minus an errno.
napi_value accept(napi_env env, napi_callback_info info) {
  return js::boundary(env, [&] {
    js::Arguments<1> arguments(env, info);
    sockaddr_storage remote{};
    const int32_t slot = door->batch.accept(slot_in(env, arguments[0]), &remote);
    if (slot < 0) return answer(env, slot);
    sockaddr_storage local{};
    door->batch.local(slot, &local);
    napi_value found = js::array(env, 5);
    js::put(env, found, 0, answer(env, slot));
    put_end(env, found, 1, remote);
    put_end(env, found, 3, local);
    return found;
  });
}

// wish(slot, wishes): 0, or minus an errno.
napi_value wish(napi_env env, napi_callback_info info) {
  return js::boundary(env, [&] {
    js::Arguments<2> arguments(env, info);
    const int32_t slot = slot_in(env, arguments[0]);
    return answer(env, door->batch.wish(slot, static_cast<uint32_t>(integer(env, arguments[1])) & 3));
  });
}

// look(slot): how many things it found, none or one.
napi_value look(napi_env env, napi_callback_info info) {
  return js::boundary(env, [&] {
    js::Arguments<1> arguments(env, info);
    const int32_t slot = slot_in(env, arguments[0]);
    return answer(env, static_cast<int32_t>(door->batch.look(slot, door->arena, door->room, door->found)));
  });
}

iovec piece_in(napi_env env, napi_value buffer) {
  iovec piece{};
  js::check(napi_get_buffer_info(env, buffer, &piece.iov_base, &piece.iov_len));
  return piece;
}

// send(slot, buffer): bytes, or minus an errno.
napi_value send(napi_env env, napi_callback_info info) {
  return js::boundary(env, [&] {
    js::Arguments<2> arguments(env, info);
    const int32_t slot = slot_in(env, arguments[0]);
    const iovec piece = piece_in(env, arguments[1]);
    return answer(env, door->batch.send(slot, &piece, 1));
  });
}

// sendAll(slot, buffers): bytes, or minus an errno.
napi_value send_all(napi_env env, napi_callback_info info) {
  return js::boundary(env, [&] {
    js::Arguments<2> arguments(env, info);
    const int32_t slot = slot_in(env, arguments[0]);
    uint32_t count = 0;
    js::check(napi_get_array_length(env, arguments[1], &count));
    iovec pieces[kMostPieces];
    count = std::min(count, static_cast<uint32_t>(kMostPieces));
    for (uint32_t i = 0; i < count; ++i) {
      napi_value buffer = nullptr;
      js::check(napi_get_element(env, arguments[1], i, &buffer));
      pieces[i] = piece_in(env, buffer);
    }
    return answer(env, door->batch.send(slot, pieces, count));
  });
}

napi_value end(napi_env env, napi_callback_info info) {
  return js::boundary(env, [&] {
    js::Arguments<1> arguments(env, info);
    door->batch.end(slot_in(env, arguments[0]));
    return js::undefined(env);
  });
}

napi_value close(napi_env env, napi_callback_info info) {
  return js::boundary(env, [&] {
    js::Arguments<1> arguments(env, info);
    door->batch.close(slot_in(env, arguments[0]));
    keep_running();
    return js::undefined(env);
  });
}

// release(slot): the descriptor, from now on the caller's.
napi_value release(napi_env env, napi_callback_info info) {
  return js::boundary(env, [&] {
    js::Arguments<1> arguments(env, info);
    const int fd = door->batch.release(slot_in(env, arguments[0]));
    keep_running();
    return answer(env, fd);
  });
}

}  // namespace
}  // namespace mta

NAPI_MODULE_INIT() {
  const napi_property_descriptor functions[] = {
      {"open", nullptr, mta::open, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"adopt", nullptr, mta::adopt, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"listen", nullptr, mta::listen, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"accept", nullptr, mta::accept, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"wish", nullptr, mta::wish, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"look", nullptr, mta::look, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"send", nullptr, mta::send, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"sendAll", nullptr, mta::send_all, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"end", nullptr, mta::end, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"close", nullptr, mta::close, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"release", nullptr, mta::release, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
  };
  napi_define_properties(env, exports, sizeof functions / sizeof functions[0], functions);
  return exports;
}
