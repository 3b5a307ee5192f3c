// The steps of a plugin's life, each as TypeScript orders it; plugins/host.ts keeps their sequence.
#include <dlfcn.h>

#include <cstdlib>

#include "door.h"
#include "marshal.h"
#include "register.h"

namespace mta {
namespace {

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

napi_value run_plain(napi_env env, napi_callback_info info, const char* name) {
  return js::boundary(env, [&] {
    js::Arguments<1> arguments(env, info);
    Plugin& plugin = plugin_in(env, arguments[0]);
    if (auto* function = plugin.symbol<void()>(name)) run_exported(plugin, name, [&] { function(); });
    return js::undefined(env);
  });
}

}  // namespace

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

// unbound(index): what the plugin's libraries lack, "" when nothing
napi_value unbound(napi_env env, napi_callback_info info) {
  return js::boundary(env, [&] {
    js::Arguments<1> arguments(env, info);
    return js::text(env, plugin_in(env, arguments[0]).unbound);
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

}  // namespace mta
