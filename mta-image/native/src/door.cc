// The door between TypeScript (plugins/native.ts) and the plugins. Each function here is one of NativeAddon there.
// All run on the loop's thread. One engine a process: loading it into a second environment (a worker) is refused,
// because plugins have one life per process.
#include "door.h"

#include <dlfcn.h>

#include "marshal.h"
#include "message.h"

// Of the C library: what plugins compare to know which program has loaded them, and what syslog lines begin with.
extern "C" char* __progname;

namespace mta {

Binding binding;

void call_back(napi_env env, napi_ref function, size_t count, const napi_value* arguments) {
  napi_value ignored = nullptr;
  js::check(napi_call_function(env, js::undefined(env), js::behind(env, function), count, arguments, &ignored));
}

void refuse_when_stopped() {
  if (binding.stopped) throw js::JsError("the plugins have been stopped");
}

Plugin& plugin_in(napi_env env, napi_value index) {
  Plugin* plugin = plugin_at(static_cast<size_t>(js::to_number(env, index)));
  if (plugin == nullptr) throw js::JsError("no such plugin");
  return *plugin;
}

namespace {

void handle(napi_env env, Event& event) {
  if (event.gone != nullptr) {
    empty(event.gone);
    delete event.gone;
    return;
  }
  if (strcmp(event.kind, "delivered") == 0) {
    const auto token = std::get<double>(std::get<Array>(event.payload.content)[0]->item.content);
    event.payload = end_delivery(*delivery_at(static_cast<size_t>(token)));
    broker().drop(env);
  }
  const napi_value arguments[] = {js::text(env, event.kind), to_js(env, event.payload)};
  call_back(env, binding.on_event, 2, arguments);
}

// A callback that throws must not keep the rest of the batch from being told.
template <typename F>
void each_in_scope(napi_env env, F&& run) {
  js::Scope scope(env);
  try {
    run();
  } catch (const std::exception& error) {
    napi_value problem = nullptr;
    bool pending = false;
    napi_is_exception_pending(env, &pending);
    if (pending) {
      napi_get_and_clear_last_exception(env, &problem);
    } else {
      napi_value text = nullptr;
      napi_create_string_utf8(env, error.what(), NAPI_AUTO_LENGTH, &text);
      napi_create_error(env, nullptr, text, &problem);
    }
    napi_fatal_exception(env, problem);
  }
}

void drain_all(napi_env env) {
  auto batch = broker().take();
  for (auto& event : batch.events) each_in_scope(env, [&] { handle(env, event); });
  for (auto* call : batch.scheduled) each_in_scope(env, [&] { resume(env, *call); });
}

// bind({outcome, onResume, onEvent, blockedMs, program})
napi_value bind(napi_env env, napi_callback_info info) {
  return js::boundary(env, [&] {
    js::Arguments<1> arguments(env, info);
    if (binding.on_event != nullptr) throw js::JsError("the plugin host runs once a process");
    void* data = nullptr;
    napi_value outcome = js::get(env, arguments[0], "outcome");
    js::check(napi_get_typedarray_info(env, outcome, nullptr, nullptr, &data, nullptr, nullptr));
    js::check(napi_create_reference(env, outcome, 1, &binding.outcome_owner));
    js::check(napi_create_reference(env, js::get(env, arguments[0], "onResume"), 1, &binding.on_resume));
    js::check(napi_create_reference(env, js::get(env, arguments[0], "onEvent"), 1, &binding.on_event));
    binding.outcome = static_cast<int32_t*>(data);
    static std::string program;
    program = js::to_text(env, js::get(env, arguments[0], "program"));
    __progname = program.data();
    broker().open(env, drain_all);
    js::check(napi_add_env_cleanup_hook(env, [](void*) { broker().close(); }, nullptr));
    start_blame(static_cast<unsigned>(js::to_number(env, js::get(env, arguments[0], "blockedMs"))));
    return js::undefined(env);
  });
}

// close(): nothing reaches JavaScript any more
napi_value close(napi_env env, napi_callback_info) {
  return js::boundary(env, [&] {
    drain_all(env);
    broker().close();
    return js::undefined(env);
  });
}

// drain(): tells everything that is waiting now, in place of at the next turn of the loop
napi_value drain(napi_env env, napi_callback_info) {
  return js::boundary(env, [&] {
    drain_all(env);
    return js::undefined(env);
  });
}

// echo(value): a value there and back, to be measured against a plugin's call
napi_value echo(napi_env env, napi_callback_info info) {
  return js::boundary(env, [&] {
    js::Arguments<1> arguments(env, info);
    return js::number(env, js::to_number(env, arguments[0]));
  });
}

}  // namespace

napi_value make_exports(napi_env env, napi_value exports) {
  // The process keeps the addon mapped: threads of plugins call into it as long as they live.
  Dl_info self{};
  if (dladdr(reinterpret_cast<void*>(&make_exports), &self) != 0) dlopen(self.dli_fname, RTLD_NOW | RTLD_NODELETE);
  const napi_property_descriptor properties[] = {
#define FUNCTION(name, call) {name, nullptr, call, nullptr, nullptr, nullptr, napi_default, nullptr}
      FUNCTION("bind", bind),
      FUNCTION("provides", provides),
      FUNCTION("open", open),
      FUNCTION("unbound", unbound),
      FUNCTION("exported", exported),
      FUNCTION("version", version),
      FUNCTION("configure", configure),
      FUNCTION("earlyInit", early_init),
      FUNCTION("init", init),
      FUNCTION("register", register_functions),
      FUNCTION("ready", ready),
      FUNCTION("reload", reload),
      FUNCTION("earlyCleanup", early_cleanup),
      FUNCTION("emptyObjects", empty_all_objects),
      FUNCTION("cleanup", cleanup),
      FUNCTION("close", close),
      FUNCTION("command", command),
      FUNCTION("plainCommand", plain_command),
      FUNCTION("callMethod", call_method),
      FUNCTION("deliver", deliver),
      FUNCTION("queueHook", queue_hook),
      FUNCTION("setServers", set_servers),
      FUNCTION("answerInjection", answer),
      FUNCTION("forget", forget),
      FUNCTION("figures", figures),
      FUNCTION("keepNotes", keep_notes_at),
      FUNCTION("openFile", open_file),
      FUNCTION("closeFile", close_file),
      FUNCTION("openCertificate", open_certificate),
      FUNCTION("closeCertificate", close_certificate),
      FUNCTION("peerUid", peer_uid),
      FUNCTION("boundSocket", bound_socket),
      FUNCTION("preload", preload),
      FUNCTION("owns", owns),
      FUNCTION("drain", drain),
      FUNCTION("echo", echo),
#undef FUNCTION
  };
  napi_define_properties(env, exports, std::size(properties), properties);
  return exports;
}

}  // namespace mta

extern "C" __attribute__((visibility("default"))) napi_value napi_register_module_v1(napi_env env,
                                                                                       napi_value exports) {
  return mta::make_exports(env, exports);
}

extern "C" __attribute__((visibility("default"))) int32_t node_api_module_get_api_version_v1(void) { return 8; }
