// Calls of plugin functions by scripts, from the arguments in JavaScript to the result; call.h runs them.
#include "door.h"
#include "marshal.h"

namespace mta {
namespace {

// Ends a call on the way out, also when JavaScript refuses a value; unless it is to wait.
class Ending {
 public:
  explicit Ending(HalonHSLContext& call) : call_(&call) {}
  ~Ending() {
    if (call_ != nullptr) end_call(*call_);
  }
  Ending(const Ending&) = delete;
  Ending& operator=(const Ending&) = delete;
  void waits() { call_ = nullptr; }

 private:
  HalonHSLContext* call_;
};

// The result of a call that has ended.
napi_value result_of(napi_env env, HalonHSLContext& call, int32_t& outcome) {
  outcome = call.thrown.has_value() ? kThrown : kValue;
  return to_js(env, call.thrown.has_value() ? *call.thrown : call.ret);
}

// Fills and runs a begun call and tells how it went.
napi_value conduct(napi_env env, HalonHSLContext& call, const napi_value* arguments, size_t count) {
  Ending ending(call);
  call.args.values.resize(count);
  for (size_t i = 0; i < count; ++i) from_js(env, arguments[i], call.args.values[i]);
  if (run_call(call)) return result_of(env, call, binding.outcome[0]);
  ending.waits();
  broker().hold(env);
  call.plugin->suspended.fetch_add(1);
  binding.outcome[0] = kSuspended;
  binding.outcome[1] = static_cast<int32_t>(call.index);
  return nullptr;
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

}  // namespace

napi_value call_function(napi_env env, napi_callback_info info) {
  return js::boundary(env, [&] {
    refuse_when_stopped();
    CallArguments arguments(env, info);
    const auto& function = *static_cast<const Function*>(arguments.data);
    auto& call = begin_call(*function.plugin, function.name.c_str(), function.call);
    return conduct(env, call, arguments.values, arguments.count);
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
    return conduct(env, call, arguments.values + 2, arguments.count - 2);
  });
}

void resume(napi_env env, HalonHSLContext& call) {
  if (!run_call(call)) return;
  call.plugin->suspended.fetch_sub(1);
  broker().drop(env);
  const napi_value index = js::number(env, call.index);
  int32_t outcome = kValue;
  napi_value value = nullptr;
  {
    Ending ending(call);
    try {
      value = result_of(env, call, outcome);
    } catch (const js::JsError& error) {
      HalonHSLValue refused{Exception{error.what()}};
      outcome = kThrown;
      value = to_js(env, refused);
    }
  }
  const napi_value arguments[] = {index, js::boolean(env, outcome == kThrown), value};
  call_back(env, binding.on_resume, 3, arguments);
}

}  // namespace mta
