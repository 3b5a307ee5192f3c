// What the engine asks of plugins besides scripts: commands, deliveries, queue hooks; and what it tells the native
// side: servers, answers, ids that ended.
#include <link.h>
#include <sys/socket.h>

#include <map>

#include "blame.h"
#include "door.h"
#include "inject.h"
#include "loading.h"
#include "marshal.h"
#include "openssl.h"
#include "queue_book.h"

namespace mta {
namespace {

// Streams that foreign functions have, by their FILE*.
std::map<FILE*, std::shared_ptr<Stream>>& files() {
  static auto& one = *new std::map<FILE*, std::shared_ptr<Stream>>;
  return one;
}

napi_value answer_to_js(napi_env env, bool good, char* out, size_t length) {
  napi_value result = js::object(env);
  constexpr size_t unset = static_cast<size_t>(-1);
  const std::string text = out == nullptr ? "" : length == unset ? std::string(out) : std::string(out, length);
  free(out);
  js::set(env, result, "ok", js::boolean(env, good));
  js::set(env, result, "text", js::bytes(env, text));
  return result;
}

}  // namespace

// command(index, arguments): {ok, text}
napi_value command(napi_env env, napi_callback_info info) {
  return js::boundary(env, [&] {
    js::Arguments<2> arguments(env, info);
    Plugin& plugin = plugin_in(env, arguments[0]);
    const auto words = js::to_texts(env, arguments[1]);
    std::vector<const char*> argv;
    std::vector<size_t> lengths;
    for (const auto& word : words) {
      argv.push_back(word.c_str());
      lengths.push_back(word.size());
    }
    char* out = nullptr;
    size_t length = static_cast<size_t>(-1);
    bool good = false;
    HalonCommandExecuteContext context;
    auto* function =
        plugin.symbol<bool(HalonCommandExecuteContext*, size_t, const char**, size_t*, char**, size_t*)>(
            "Halon_command_execute");
    run_exported(plugin, "Halon_command_execute",
                 [&] { good = function(&context, argv.size(), argv.data(), lengths.data(), &out, &length); });
    return answer_to_js(env, good, out, length);
  });
}

// plainCommand(index, text): the form of 5.6
napi_value plain_command(napi_env env, napi_callback_info info) {
  return js::boundary(env, [&] {
    js::Arguments<2> arguments(env, info);
    Plugin& plugin = plugin_in(env, arguments[0]);
    const std::string text = js::to_text(env, arguments[1]);
    char* out = nullptr;
    size_t length = static_cast<size_t>(-1);
    bool good = false;
    auto* function = plugin.symbol<bool(const char*, size_t, char**, size_t*)>("Halon_plugin_command");
    run_exported(plugin, "Halon_plugin_command",
                 [&] { good = function(text.c_str(), text.size(), &out, &length); });
    return answer_to_js(env, good, out, length);
  });
}

// deliver(index, message, pieces, arguments): the token of the event "delivered"
napi_value deliver(napi_env env, napi_callback_info info) {
  return js::boundary(env, [&] {
    js::Arguments<4> arguments(env, info);
    Plugin& plugin = plugin_in(env, arguments[0]);
    auto* function = plugin.symbol<void(HalonDeliverContext*)>("Halon_deliver");
    if (function == nullptr) throw js::JsError("it does not export Halon_deliver");
    refuse_when_stopped();
    auto file = stream_from_js(env, arguments[2]);
    auto& delivery = begin_delivery();
    delivery.plugin = &plugin;
    message_from_js(env, arguments[1], delivery.message);
    from_js(env, arguments[3], delivery.arguments);
    delivery.file = std::move(file);
    broker().hold(env);
    const std::string problem = [&] {
      Blame blame(plugin, "Halon_deliver");
      return guarded([&] { function(&delivery); });
    }();
    if (!problem.empty()) {
      HalonMTA_deliver_setinfo(&delivery, HALONMTA_ERROR_REASON, ("the plugin " + problem).c_str(), 0);
      HalonMTA_deliver_done(&delivery);
    }
    return js::number(env, delivery.index);
  });
}

// queueHook(index, name, message, localIps): {accepted, localIps, ret}
napi_value queue_hook(napi_env env, napi_callback_info info) {
  return js::boundary(env, [&] {
    js::Arguments<4> arguments(env, info);
    Plugin& plugin = plugin_in(env, arguments[0]);
    const std::string name = js::to_text(env, arguments[1]);
    void* function = plugin.lookup(name.c_str());
    if (function == nullptr) throw js::JsError("it does not export " + name);
    HalonQueueContext context;
    message_from_js(env, arguments[2], context.message);
    context.local_ips = js::to_texts(env, arguments[3]);
    for (auto& ip : context.local_ips) context.pointers.push_back(ip.data());
    bool accepted = true;
    run_exported(plugin, name == "Halon_queue_insert_callback" ? "Halon_queue_insert_callback" : "queue hook", [&] {
      accepted = name == "Halon_queue_pickup_acquire"
                     ? reinterpret_cast<bool (*)(HalonQueueMessage*)>(function)(&context.message)
                     : reinterpret_cast<bool (*)(HalonQueueContext*)>(function)(&context);
    });
    napi_value result = js::object(env);
    js::set(env, result, "accepted", js::boolean(env, accepted));
    napi_value kept = js::null(env);
    if (context.kept.has_value()) {
      kept = js::array(env, context.kept->size());
      for (size_t i = 0; i < context.kept->size(); ++i) js::put(env, kept, i, js::text(env, (*context.kept)[i]));
    }
    js::set(env, result, "localIps", kept);
    js::set(env, result, "ret", to_js(env, context.ret));
    return result;
  });
}

// setServers(ids, longest)
napi_value set_servers(napi_env env, napi_callback_info info) {
  return js::boundary(env, [&] {
    js::Arguments<2> arguments(env, info);
    std::map<std::string, size_t> servers;
    const auto ids = js::to_texts(env, arguments[0]);
    for (uint32_t i = 0; i < ids.size(); ++i) {
      servers[ids[i]] = static_cast<size_t>(js::to_number(env, js::at(env, arguments[1], i)));
    }
    set_inject_servers(std::move(servers));
    return js::undefined(env);
  });
}

// answerInjection(token, code)
napi_value answer(napi_env env, napi_callback_info info) {
  return js::boundary(env, [&] {
    js::Arguments<2> arguments(env, info);
    answer_injection(static_cast<size_t>(js::to_number(env, arguments[0])),
                     static_cast<int>(js::to_number(env, arguments[1])));
    return js::undefined(env);
  });
}

// forget(kind, id)
napi_value forget(napi_env env, napi_callback_info info) {
  return js::boundary(env, [&] {
    js::Arguments<2> arguments(env, info);
    const std::string id = js::to_text(env, arguments[1]);
    js::to_text(env, arguments[0]) == "policy" ? forget_policy(id) : forget_suspension(id);
    return js::undefined(env);
  });
}

// figures(index)
napi_value figures(napi_env env, napi_callback_info info) {
  return js::boundary(env, [&] {
    js::Arguments<1> arguments(env, info);
    const Plugin& plugin = plugin_in(env, arguments[0]);
    napi_value result = js::object(env);
    const auto put = [&](const char* name, const std::atomic<uint64_t>& figure) {
      js::set(env, result, name, js::number(env, static_cast<double>(figure.load())));
    };
    put("calls", plugin.calls);
    put("suspended", plugin.suspended);
    put("misuses", plugin.misuses);
    put("blockedCalls", plugin.blocked_calls);
    put("longestMs", plugin.longest_ms);
    put("blockedMs", plugin.blocked_ms);
    return result;
  });
}

// keepNotes(path): whether the notes of crashes can go there
napi_value keep_notes_at(napi_env env, napi_callback_info info) {
  return js::boundary(env, [&] {
    js::Arguments<1> arguments(env, info);
    return js::boolean(env, keep_notes(js::to_text(env, arguments[0]).c_str()));
  });
}

// openFile(pieces): the FILE* for foreign functions, as a number
napi_value open_file(napi_env env, napi_callback_info info) {
  return js::boundary(env, [&] {
    js::Arguments<1> arguments(env, info);
    auto stream = stream_from_js(env, arguments[0]);
    FILE* file = stream->file();
    if (file == nullptr) throw js::JsError("no memory for a stream");
    files()[file] = std::move(stream);
    napi_value address = nullptr;
    js::check(napi_create_bigint_uint64(env, reinterpret_cast<uint64_t>(file), &address));
    return address;
  });
}

// closeFile(address): nothing when it is not open
napi_value close_file(napi_env env, napi_callback_info info) {
  return js::boundary(env, [&] {
    js::Arguments<1> arguments(env, info);
    uint64_t address = 0;
    bool lossless = false;
    js::check(napi_get_value_bigint_uint64(env, arguments[0], &address, &lossless));
    files().erase(reinterpret_cast<FILE*>(address));
    return js::undefined(env);
  });
}

// openCertificate(der): an X509* of the system's libcrypto for foreign functions, as a number; null without one
napi_value open_certificate(napi_env env, napi_callback_info info) {
  return js::boundary(env, [&] {
    js::Arguments<1> arguments(env, info);
    const std::string der = js::to_bytes(env, arguments[0]);
    openssl::X509* certificate =
        openssl::read_certificate(reinterpret_cast<const unsigned char*>(der.data()), der.size());
    if (certificate == nullptr) return js::null(env);
    napi_value address = nullptr;
    js::check(napi_create_bigint_uint64(env, reinterpret_cast<uint64_t>(certificate), &address));
    return address;
  });
}

// closeCertificate(address): of openCertificate, once
napi_value close_certificate(napi_env env, napi_callback_info info) {
  return js::boundary(env, [&] {
    js::Arguments<1> arguments(env, info);
    uint64_t address = 0;
    bool lossless = false;
    js::check(napi_get_value_bigint_uint64(env, arguments[0], &address, &lossless));
    openssl::release(reinterpret_cast<openssl::X509*>(address));
    return js::undefined(env);
  });
}

// peerUid(descriptor): whose process opened the other end of a UNIX socket; null for another kind of socket
napi_value peer_uid(napi_env env, napi_callback_info info) {
  return js::boundary(env, [&] {
    js::Arguments<1> arguments(env, info);
    ucred peer{};
    socklen_t size = sizeof peer;
    const int descriptor = static_cast<int>(js::to_number(env, arguments[0]));
    const bool is_known = getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.pid != 0;
    return is_known ? js::number(env, peer.uid) : js::null(env);
  });
}

// preload(path): opens a library for foreign functions the way plugins are opened; its libraries then bind among
// themselves before Node's binary, whoever opens it again
napi_value preload(napi_env env, napi_callback_info info) {
  return js::boundary(env, [&] {
    js::Arguments<1> arguments(env, info);
    if (dlopen(js::to_text(env, arguments[0]).c_str(), RTLD_NOW | RTLD_LOCAL | kDeepBind) == nullptr) {
      throw js::JsError(dlerror());
    }
    return js::undefined(env);
  });
}

// owns(path, address): whether the address is in this library itself, not in one that it links: looking a name up in
// a library finds those as well. False when the library is not open.
napi_value owns(napi_env env, napi_callback_info info) {
  return js::boundary(env, [&] {
    js::Arguments<2> arguments(env, info);
    uint64_t address = 0;
    bool lossless = false;
    js::check(napi_get_value_bigint_uint64(env, arguments[1], &address, &lossless));
    void* library = dlopen(js::to_text(env, arguments[0]).c_str(), RTLD_NOW | RTLD_NOLOAD);
    if (library == nullptr) return js::boolean(env, false);
    link_map* own = nullptr;
    link_map* holder = nullptr;
    Dl_info place{};
    const bool known = dlinfo(library, RTLD_DI_LINKMAP, &own) == 0 &&
                       dladdr1(reinterpret_cast<void*>(address), &place, reinterpret_cast<void**>(&holder),
                               RTLD_DL_LINKMAP) != 0;
    dlclose(library);
    return js::boolean(env, known && own == holder);
  });
}

}  // namespace mta
