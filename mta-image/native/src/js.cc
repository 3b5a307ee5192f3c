// The longer words of js.h.
#include "js.h"

namespace mta::js {
namespace {

using Reader = napi_status (*)(napi_env, napi_value, char*, size_t, size_t*);

std::string read(napi_env env, napi_value value, Reader reader) {
  size_t length = 0;
  check(reader(env, value, nullptr, 0, &length));
  std::string result(length, '\0');
  check(reader(env, value, result.data(), length + 1, &length));
  return result;
}

}  // namespace

// Most strings are short: one crossing with room on the stack saves asking for the length first.
std::string to_bytes(napi_env env, napi_value value) {
  char room[256];
  size_t length = 0;
  check(napi_get_value_string_latin1(env, value, room, sizeof room, &length));
  return length < sizeof room - 1 ? std::string(room, length) : read(env, value, napi_get_value_string_latin1);
}

std::string to_text(napi_env env, napi_value value) { return read(env, value, napi_get_value_string_utf8); }

uint32_t length(napi_env env, napi_value array) {
  uint32_t count = 0;
  check(napi_get_array_length(env, array, &count));
  return count;
}

napi_value at(napi_env env, napi_value array, uint32_t index) {
  napi_value value = nullptr;
  check(napi_get_element(env, array, index, &value));
  return value;
}

std::vector<std::string> to_texts(napi_env env, napi_value array) {
  std::vector<std::string> texts;
  for (uint32_t i = 0, end = length(env, array); i < end; ++i) texts.push_back(to_text(env, at(env, array, i)));
  return texts;
}

}  // namespace mta::js
