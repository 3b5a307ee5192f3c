// What the files of the door share: the binding to TypeScript and ways to run plugin code on its behalf. Each
// function of NativeAddon (plugins/native.ts) is one of the functions below; door.cc puts them into the exports.
#pragma once

#include "blame.h"
#include "broker.h"
#include "call.h"
#include "js.h"
#include "plugin.h"

namespace mta {

// What the script side is told after a call, in memory that both sides see.
enum Outcome : int32_t { kValue = 0, kThrown = 1, kSuspended = 2 };

struct Binding {
  int32_t* outcome = nullptr;  // [0] an Outcome, [1] the index of a suspended call
  napi_ref outcome_owner = nullptr;
  napi_ref on_resume = nullptr;
  napi_ref on_event = nullptr;
  bool stopped = false;
};
extern Binding binding;

void call_back(napi_env env, napi_ref function, size_t count, const napi_value* arguments);
void refuse_when_stopped();
Plugin& plugin_in(napi_env env, napi_value index);

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

// script.cc
napi_value call_function(napi_env env, napi_callback_info info);
napi_value call_method(napi_env env, napi_callback_info info);
void resume(napi_env env, HalonHSLContext& call);

// bound_socket.cc
napi_value bound_socket(napi_env env, napi_callback_info info);

// lifecycle.cc
napi_value provides(napi_env env, napi_callback_info info);
napi_value open(napi_env env, napi_callback_info info);
napi_value unbound(napi_env env, napi_callback_info info);
napi_value exported(napi_env env, napi_callback_info info);
napi_value version(napi_env env, napi_callback_info info);
napi_value configure(napi_env env, napi_callback_info info);
napi_value early_init(napi_env env, napi_callback_info info);
napi_value init(napi_env env, napi_callback_info info);
napi_value register_functions(napi_env env, napi_callback_info info);
napi_value ready(napi_env env, napi_callback_info info);
napi_value reload(napi_env env, napi_callback_info info);
napi_value early_cleanup(napi_env env, napi_callback_info info);
napi_value empty_all_objects(napi_env env, napi_callback_info info);
napi_value cleanup(napi_env env, napi_callback_info info);

// orders.cc
napi_value command(napi_env env, napi_callback_info info);
napi_value plain_command(napi_env env, napi_callback_info info);
napi_value deliver(napi_env env, napi_callback_info info);
napi_value queue_hook(napi_env env, napi_callback_info info);
napi_value set_servers(napi_env env, napi_callback_info info);
napi_value answer(napi_env env, napi_callback_info info);
napi_value forget(napi_env env, napi_callback_info info);
napi_value figures(napi_env env, napi_callback_info info);
napi_value keep_notes_at(napi_env env, napi_callback_info info);
napi_value open_file(napi_env env, napi_callback_info info);
napi_value open_certificate(napi_env env, napi_callback_info info);
napi_value close_certificate(napi_env env, napi_callback_info info);
napi_value peer_uid(napi_env env, napi_callback_info info);
napi_value close_file(napi_env env, napi_callback_info info);
napi_value preload(napi_env env, napi_callback_info info);
napi_value owns(napi_env env, napi_callback_info info);

}  // namespace mta
