// Node-API in short words. All of these run on the loop's thread and throw JsError when JavaScript refuses, which
// `boundary` turns into a JavaScript exception where control goes back.
#pragma once

#include <node_api.h>

#include <exception>
#include <stdexcept>
#include <string>
#include <vector>

namespace mta::js {

// A JavaScript exception may already be pending; then it stays.
struct JsError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

inline void check(napi_status status) {
  if (status != napi_ok) throw JsError("Node-API status " + std::to_string(status));
}

inline napi_value undefined(napi_env env) {
  napi_value value = nullptr;
  check(napi_get_undefined(env, &value));
  return value;
}
inline napi_value null(napi_env env) {
  napi_value value = nullptr;
  check(napi_get_null(env, &value));
  return value;
}
inline napi_value boolean(napi_env env, bool from) {
  napi_value value = nullptr;
  check(napi_get_boolean(env, from, &value));
  return value;
}
inline napi_value number(napi_env env, double from) {
  napi_value value = nullptr;
  check(napi_create_double(env, from, &value));
  return value;
}
// One byte, one character: how scripts hold byte strings.
inline napi_value bytes(napi_env env, const std::string& from) {
  napi_value value = nullptr;
  check(napi_create_string_latin1(env, from.data(), from.size(), &value));
  return value;
}
inline napi_value text(napi_env env, const std::string& from) {
  napi_value value = nullptr;
  check(napi_create_string_utf8(env, from.data(), from.size(), &value));
  return value;
}
inline napi_value array(napi_env env, size_t length = 0) {
  napi_value value = nullptr;
  check(napi_create_array_with_length(env, length, &value));
  return value;
}
inline napi_value object(napi_env env) {
  napi_value value = nullptr;
  check(napi_create_object(env, &value));
  return value;
}
inline void set(napi_env env, napi_value target, const char* name, napi_value value) {
  check(napi_set_named_property(env, target, name, value));
}
inline void put(napi_env env, napi_value target, size_t index, napi_value value) {
  check(napi_set_element(env, target, static_cast<uint32_t>(index), value));
}
inline napi_value get(napi_env env, napi_value target, const char* name) {
  napi_value value = nullptr;
  check(napi_get_named_property(env, target, name, &value));
  return value;
}
inline napi_value behind(napi_env env, napi_ref reference) {
  napi_value value = nullptr;
  check(napi_get_reference_value(env, reference, &value));
  return value;
}
inline napi_valuetype type(napi_env env, napi_value value) {
  napi_valuetype kind = napi_undefined;
  check(napi_typeof(env, value, &kind));
  return kind;
}
inline double to_number(napi_env env, napi_value value) {
  double number = 0;
  check(napi_get_value_double(env, value, &number));
  return number;
}
inline bool to_boolean(napi_env env, napi_value value) {
  bool boolean = false;
  check(napi_get_value_bool(env, value, &boolean));
  return boolean;
}
std::string to_bytes(napi_env env, napi_value value);
std::string to_text(napi_env env, napi_value value);
uint32_t length(napi_env env, napi_value array);
napi_value at(napi_env env, napi_value array, uint32_t index);
std::vector<std::string> to_texts(napi_env env, napi_value array);

// Lets go of handles made within; loops over many values need it.
class Scope {
 public:
  explicit Scope(napi_env env) : env_(env) { check(napi_open_handle_scope(env, &scope_)); }
  ~Scope() { napi_close_handle_scope(env_, scope_); }
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

 private:
  napi_env env_;
  napi_handle_scope scope_ = nullptr;
};

// The arguments of a call from JavaScript; missing ones are undefined.
template <size_t N>
struct Arguments {
  napi_value values[N];
  void* data = nullptr;
  Arguments(napi_env env, napi_callback_info info) {
    size_t count = N;
    check(napi_get_cb_info(env, info, &count, values, nullptr, &data));
  }
  napi_value operator[](size_t index) const { return values[index]; }
};

template <typename F>
napi_value boundary(napi_env env, F&& run) {
  try {
    return run();
  } catch (const std::exception& error) {
    bool pending = false;
    napi_is_exception_pending(env, &pending);
    if (!pending) napi_throw_error(env, nullptr, error.what());
    return nullptr;
  }
}

}  // namespace mta::js
