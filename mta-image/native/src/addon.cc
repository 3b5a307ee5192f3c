// The door between TypeScript (plugins/native.ts) and the plugins. Each function here is one of NativeAddon there.
// All run on the loop's thread. One engine a process: loading it into a second environment (a worker) is refused,
// because plugins have one life per process.
#include <dlfcn.h>

#include "blame.h"
#include "broker.h"
#include "call.h"
#include "inject.h"
#include "js.h"
#include "marshal.h"
#include "queue_book.h"
#include "register.h"

namespace mta {
namespace {

// What the script side is told after a call, in memory that both sides see.
enum Outcome : int32_t { kValue = 0, kThrown = 1, kSuspended = 2 };

struct Binding {
  int32_t* outcome = nullptr;  // [0] an Outcome, [1] the index of a suspended call
  napi_ref outcome_owner = nullptr;
  napi_ref on_resume = nullptr;
  napi_ref on_event = nullptr;
  bool stopped = false;
};
Binding binding;

napi_value behind(napi_env env, napi_ref reference) {
  napi_value value = nullptr;
  js::check(napi_get_reference_value(env, reference, &value));
  return value;
}

void call_back(napi_env env, napi_ref function, size_t count, const napi_value* arguments) {
  napi_value ignored = nullptr;
  js::check(napi_call_function(env, js::undefined(env), behind(env, function), count, arguments, &ignored));
}

// Takes the result out of a call that has ended.
napi_value settle(napi_env env, HalonHSLContext& call, int32_t& outcome) {
  outcome = call.thrown.has_value() ? kThrown : kValue;
  napi_value value = to_js(env, call.thrown.has_value() ? *call.thrown : call.ret);
  end_call(call);
  return value;
}

// Runs a begun call and tells how it went.
napi_value conduct(napi_env env, HalonHSLContext& call) {
  if (run_call(call)) {
    napi_value value = settle(env, call, binding.outcome[0]);
    return value;
  }
  broker().hold(env);
  call.plugin->suspended.fetch_add(1);
  binding.outcome[0] = kSuspended;
  binding.outcome[1] = static_cast<int32_t>(call.index);
  return nullptr;
}

void fill(napi_env env, HalonHSLContext& call, const napi_value* arguments, size_t count) {
  call.args.values.resize(count);
  for (size_t i = 0; i < count; ++i) from_js(env, arguments[i], call.args.values[i]);
}

// Scripts rarely pass more; the rest costs one more look.
constexpr size_t kUsualArguments = 12;

struct CallArguments {
  std::vector<napi_value> more;
  napi_value usual[kUsualArguments];
  size_t count = kUsualArguments;
  void* data = nullptr;
  const napi_value* values = usual;

  CallArguments(napi_env env, napi_callback_info info) {
    js::check(napi_get_cb_info(env, info, &count, usual, nullptr, &data));
    if (count <= kUsualArguments) return;
    more.resize(count);
    js::check(napi_get_cb_info(env, info, &count, more.data(), nullptr, nullptr));
    values = more.data();
  }
};

void refuse_when_stopped() {
  if (binding.stopped) throw js::JsError("the plugins have been stopped");
}

napi_value call_function(napi_env env, napi_callback_info info) {
  return js::boundary(env, [&] {
    refuse_when_stopped();
    CallArguments arguments(env, info);
    const auto& function = *static_cast<const Function*>(arguments.data);
    auto& call = begin_call(*function.plugin, function.name.c_str(), function.call);
    fill(env, call, arguments.values, arguments.count);
    return conduct(env, call);
  });
}

// callMethod(handle, method index, ...arguments)
napi_value call_method(napi_env env, napi_callback_info info) {
  return js::boundary(env, [&] {
    refuse_when_stopped();
    CallArguments arguments(env, info);
    if (arguments.count < 2) throw js::JsError("callMethod needs a handle and a method");
    HalonHSLObject* object = object_from_js(env, arguments.values[0]);
    const auto method = static_cast<size_t>(js::to_number(env, arguments.values[1]));
    if (method >= object->methods.size()) throw js::JsError("no such method");
    const auto& [name, function] = object->methods[method];
    Plugin* plugin = plugin_of(reinterpret_cast<const void*>(function));
    if (plugin == nullptr) throw js::JsError("the method belongs to no plugin");
    auto& call = begin_call(*plugin, name.c_str(), function);
    call.self.emplace(object);
    fill(env, call, arguments.values + 2, arguments.count - 2);
    return conduct(env, call);
  });
}

void resume(napi_env env, HalonHSLContext& call) {
  if (!run_call(call)) return;
  Plugin* plugin = call.plugin;
  const napi_value index = js::number(env, call.index);
  int32_t outcome = kValue;
  const napi_value value = settle(env, call, outcome);
  plugin->suspended.fetch_sub(1);
  broker().drop(env);
  const napi_value arguments[] = {index, js::boolean(env, outcome == kThrown), value};
  call_back(env, binding.on_resume, 3, arguments);
}

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
  napi_handle_scope scope = nullptr;
  napi_open_handle_scope(env, &scope);
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
  napi_close_handle_scope(env, scope);
}

void drain_all(napi_env env) {
  auto batch = broker().take();
  for (auto& event : batch.events) each_in_scope(env, [&] { handle(env, event); });
  for (auto* call : batch.scheduled) each_in_scope(env, [&] { resume(env, *call); });
}

Plugin& plugin_in(napi_env env, napi_value index) {
  Plugin* plugin = plugin_at(static_cast<size_t>(js::to_number(env, index)));
  if (plugin == nullptr) throw js::JsError("no such plugin");
  return *plugin;
}

// Runs an exported function under blame; a C++ exception becomes a JavaScript one.
template <typename F>
void run_exported(Plugin& plugin, const char* name, F&& run) {
  std::string problem;
  {
    Blame blame(plugin, name);
    problem = guarded(run);
  }
  if (!problem.empty()) throw js::JsError(std::string(name) + " " + problem);
}

// bind({outcome, onResume, onEvent, blockedMs})
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
    broker().open(env, drain_all);
    start_blame(static_cast<unsigned>(js::to_number(env, js::get(env, arguments[0], "blockedMs"))));
    return js::undefined(env);
  });
}

// provides(name): whether plugins find a HalonMTA_ function here.
napi_value provides(napi_env env, napi_callback_info info) {
  return js::boundary(env, [&] {
    js::Arguments<1> arguments(env, info);
    return js::boolean(env, dlsym(RTLD_DEFAULT, js::to_text(env, arguments[0]).c_str()) != nullptr);
  });
}

// open(id, path, inPlace): the index
napi_value open(napi_env env, napi_callback_info info) {
  return js::boundary(env, [&] {
    js::Arguments<3> arguments(env, info);
    Plugin& plugin = open_plugin(js::to_text(env, arguments[0]), js::to_text(env, arguments[1]),
                                 js::to_boolean(env, arguments[2]));
    for (size_t i = 0; i < plugin_count(); ++i) {
      if (plugin_at(i) == &plugin) return js::number(env, static_cast<double>(i));
    }
    throw js::JsError("no such plugin");
  });
}

// exported(index, name)
napi_value exported(napi_env env, napi_callback_info info) {
  return js::boundary(env, [&] {
    js::Arguments<2> arguments(env, info);
    return js::boolean(env, plugin_in(env, arguments[0]).lookup(js::to_text(env, arguments[1]).c_str()) != nullptr);
  });
}

// version(index): what Halon_version returned; the number that is wanted is the second of the pair.
napi_value version(napi_env env, napi_callback_info info) {
  return js::boundary(env, [&] {
    js::Arguments<1> arguments(env, info);
    Plugin& plugin = plugin_in(env, arguments[0]);
    int got = 0;
    run_exported(plugin, "Halon_version", [&] { got = plugin.symbol<int()>("Halon_version")(); });
    napi_value pair = js::array(env, 2);
    js::put(env, pair, 0, js::number(env, got));
    js::put(env, pair, 1, js::number(env, HALONMTA_PLUGIN_VERSION));
    return pair;
  });
}

// configure(index, config, appConfig)
napi_value configure(napi_env env, napi_callback_info info) {
  return js::boundary(env, [&] {
    js::Arguments<3> arguments(env, info);
    Plugin& plugin = plugin_in(env, arguments[0]);
    plugin.config = config_from_js(env, arguments[1]);
    plugin.app_config = config_from_js(env, arguments[2]);
    return js::undefined(env);
  });
}

napi_value initialise(napi_env env, napi_callback_info info, const char* name) {
  return js::boundary(env, [&] {
    js::Arguments<1> arguments(env, info);
    Plugin& plugin = plugin_in(env, arguments[0]);
    auto* function = plugin.symbol<bool(HalonInitContext*)>(name);
    bool good = true;
    HalonInitContext context{plugin.config.get(), plugin.app_config.get()};
    if (function != nullptr) run_exported(plugin, name, [&] { good = function(&context); });
    return js::boolean(env, good);
  });
}

// The process ends without a word to the plugins: they are owed their cleanup, for their threads would meet
// destructors. Nothing can be told any more, so what they throw is dropped.
void clean_up_at_exit() {
  binding.stopped = true;
  broker().abandon();
  empty_objects();
  for (size_t i = 0; i < plugin_count(); ++i) {
    Plugin& plugin = *plugin_at(i);
    auto* function = plugin.symbol<void()>("Halon_cleanup");
    if (std::exchange(plugin.running, false) && function != nullptr) guarded([&] { function(); });
  }
}

napi_value early_init(napi_env env, napi_callback_info info) { return initialise(env, info, "Halon_early_init"); }

napi_value init(napi_env env, napi_callback_info info) {
  return js::boundary(env, [&] {
    js::Arguments<1> arguments(env, info);
    napi_value good = initialise(env, info, "Halon_init");
    if (good == nullptr || !js::to_boolean(env, good)) return good;
    plugin_in(env, arguments[0]).running = true;
    // Registered after the plugin was opened, so that it runs before the plugin's own destructors.
    atexit(clean_up_at_exit);
    return good;
  });
}

napi_value entry_to_js(napi_env env, const HalonHSLRegisterContext::Entry& entry) {
  napi_value result = js::object(env);
  napi_value call = nullptr;
  auto* function = const_cast<Function*>(entry.function);
  js::check(napi_create_function(env, function->name.c_str(), NAPI_AUTO_LENGTH, call_function, function, &call));
  js::set(env, result, "module", js::boolean(env, entry.module));
  js::set(env, result, "className",
          entry.class_name.has_value() ? js::text(env, *entry.class_name) : js::null(env));
  js::set(env, result, "name", js::text(env, function->name));
  js::set(env, result, "call", call);
  return result;
}

// register(index): the functions; throws when the plugin says false
napi_value register_functions(napi_env env, napi_callback_info info) {
  return js::boundary(env, [&] {
    js::Arguments<1> arguments(env, info);
    Plugin& plugin = plugin_in(env, arguments[0]);
    auto* function = plugin.symbol<bool(HalonHSLRegisterContext*)>("Halon_hsl_register");
    HalonHSLRegisterContext context{&plugin, {}, ""};
    bool good = true;
    if (function != nullptr) run_exported(plugin, "Halon_hsl_register", [&] { good = function(&context); });
    if (!context.problem.empty()) throw js::JsError(context.problem);
    if (!good) throw js::JsError("Halon_hsl_register returned false");
    napi_value list = js::array(env, context.entries.size());
    for (size_t i = 0; i < context.entries.size(); ++i) js::put(env, list, i, entry_to_js(env, context.entries[i]));
    return list;
  });
}

napi_value ready(napi_env env, napi_callback_info info) {
  return js::boundary(env, [&] {
    js::Arguments<1> arguments(env, info);
    Plugin& plugin = plugin_in(env, arguments[0]);
    HalonReadyContext context;
    if (auto* function = plugin.symbol<void(HalonReadyContext*)>("Halon_ready")) {
      run_exported(plugin, "Halon_ready", [&] { function(&context); });
    }
    return js::undefined(env);
  });
}

// reload(index, appConfig)
napi_value reload(napi_env env, napi_callback_info info) {
  return js::boundary(env, [&] {
    js::Arguments<2> arguments(env, info);
    Plugin& plugin = plugin_in(env, arguments[0]);
    auto fresh = config_from_js(env, arguments[1]);
    if (auto* function = plugin.symbol<void(HalonConfig*)>("Halon_config_reload")) {
      run_exported(plugin, "Halon_config_reload", [&] { function(fresh.get()); });
    }
    // The one before goes only now: a plugin may have compared the two.
    plugin.reloaded = std::move(fresh);
    return js::undefined(env);
  });
}

napi_value run_plain(napi_env env, napi_callback_info info, const char* name) {
  return js::boundary(env, [&] {
    js::Arguments<1> arguments(env, info);
    Plugin& plugin = plugin_in(env, arguments[0]);
    if (auto* function = plugin.symbol<void()>(name)) run_exported(plugin, name, [&] { function(); });
    return js::undefined(env);
  });
}

napi_value early_cleanup(napi_env env, napi_callback_info info) { return run_plain(env, info, "Halon_early_cleanup"); }

napi_value cleanup(napi_env env, napi_callback_info info) {
  return js::boundary(env, [&]() -> napi_value {
    js::Arguments<1> arguments(env, info);
    if (!std::exchange(plugin_in(env, arguments[0]).running, false)) return js::undefined(env);
    return run_plain(env, info, "Halon_cleanup");
  });
}

// emptyObjects(): before the first cleanup
napi_value empty_all_objects(napi_env env, napi_callback_info) {
  return js::boundary(env, [&] {
    binding.stopped = true;
    empty_objects();
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

napi_value answer_to_js(napi_env env, bool good, char* out, size_t length) {
  napi_value result = js::object(env);
  constexpr size_t unset = static_cast<size_t>(-1);
  const std::string text = out == nullptr ? "" : length == unset ? std::string(out) : std::string(out, length);
  free(out);
  js::set(env, result, "ok", js::boolean(env, good));
  js::set(env, result, "text", js::bytes(env, text));
  return result;
}

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
    return result;
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
  napi_add_env_cleanup_hook(env, [](void*) { broker().close(); }, nullptr);
  const napi_property_descriptor properties[] = {
#define FUNCTION(name, call) {name, nullptr, call, nullptr, nullptr, nullptr, napi_default, nullptr}
      FUNCTION("bind", bind),
      FUNCTION("provides", provides),
      FUNCTION("open", open),
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
