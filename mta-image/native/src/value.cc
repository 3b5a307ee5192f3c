// The value functions of the ABI; see value.h for ownership and threads.
#include "value.h"

#include <charconv>
#include <cmath>

#include "call.h"
#include "json.h"

namespace mta {

int type_of(const HalonHSLValue& value) {
  // In the order of Content's alternatives.
  static constexpr int types[] = {
      HALONMTA_HSL_TYPE_NONE,   HALONMTA_HSL_TYPE_BOOLEAN,   HALONMTA_HSL_TYPE_NUMBER, HALONMTA_HSL_TYPE_STRING,
      HALONMTA_HSL_TYPE_ARRAY,  HALONMTA_HSL_TYPE_FILE,      HALONMTA_HSL_TYPE_OBJECT, HALONMTA_HSL_TYPE_EXCEPTION,
      HALONMTA_HSL_TYPE_THIS,   HALONMTA_HSL_TYPE_X509,      HALONMTA_HSL_TYPE_PRIVATEKEY, HALONMTA_HSL_TYPE_OBJECT};
  static_assert(std::size(types) == std::variant_size_v<Content>);
  return types[value.content.index()];
}

char* duplicate(const std::string& text, size_t* length) {
  if (length != nullptr) *length = text.size();
  auto* copy = static_cast<char*>(malloc(text.size() + 1));
  if (copy != nullptr) memcpy(copy, text.c_str(), text.size() + 1);
  return copy;
}

namespace {

template <typename T>
bool give(const T& value, void* out) {
  *static_cast<T*>(out) = value;
  return true;
}

bool give_text(const std::string& text, void* out, size_t* length) {
  if (length != nullptr) *length = text.size();
  return give(const_cast<char*>(text.c_str()), out);
}

std::string text_in(const void* in, size_t length) {
  const auto* text = static_cast<const char*>(in);
  if (text == nullptr) return "";
  return length == 0 ? std::string(text) : std::string(text, length);
}

// References are counted up before they are adopted, so that setting a value to itself is safe.
template <typename Handle>
bool set_counted(HalonHSLValue& value, const void* in) {
  auto* handle = static_cast<Handle*>(const_cast<void*>(in));
  if (handle == nullptr || !openssl::retain(handle)) return false;
  value.content = OpensslRef<Handle>(handle);
  return true;
}

bool key_is(const HalonHSLValue& key, std::string_view wanted) {
  if (const auto* text = std::get_if<std::string>(&key.content)) return *text == wanted;
  const auto* number = std::get_if<double>(&key.content);
  double asked = 0;
  if (number == nullptr) return false;
  auto [end, error] = std::from_chars(wanted.data(), wanted.data() + wanted.size(), asked);
  return error == std::errc() && end == wanted.data() + wanted.size() && asked == *number;
}

}  // namespace
}  // namespace mta

using namespace mta;

extern "C" {

HalonHSLValue* HalonMTA_hsl_argument_get(HalonHSLArguments* args, size_t index) {
  return args == nullptr || index >= args->values.size() ? nullptr : &args->values[index];
}

HalonHSLValue* HalonMTA_hsl_argument_list(HalonHSLArguments* args, size_t index) {
  return HalonMTA_hsl_argument_get(args, index);
}

size_t HalonMTA_hsl_argument_length(HalonHSLArguments* args) {
  return args == nullptr ? 0 : args->values.size();
}

int HalonMTA_hsl_value_type(const HalonHSLValue* value) {
  return value == nullptr ? HALONMTA_HSL_TYPE_NONE : type_of(*value);
}

bool HalonMTA_hsl_value_get(const HalonHSLValue* value, int type, void* out, size_t* length) {
  if (value == nullptr || out == nullptr || type_of(*value) != type) return false;
  const Content& content = value->content;
  if (const auto* boolean = std::get_if<bool>(&content)) return give(*boolean, out);
  if (const auto* number = std::get_if<double>(&content)) return give(*number, out);
  if (const auto* text = std::get_if<std::string>(&content)) return give_text(*text, out, length);
  if (const auto* thrown = std::get_if<Exception>(&content)) return give_text(thrown->message, out, length);
  if (const auto* stream = std::get_if<std::shared_ptr<Stream>>(&content)) return give((*stream)->file(), out);
  if (const auto* object = std::get_if<ObjectRef>(&content)) return give(object->get(), out);
  if (const auto* certificate = std::get_if<X509Ref>(&content)) return give(certificate->get(), out);
  if (const auto* key = std::get_if<PrivateKeyRef>(&content)) return give(key->get(), out);
  return false;
}

bool HalonMTA_hsl_value_set(HalonHSLValue* value, int type, const void* in, size_t length) {
  if (value == nullptr) return false;
  switch (type) {
    case HALONMTA_HSL_TYPE_NONE:
      value->content = None{};
      return true;
    case HALONMTA_HSL_TYPE_BOOLEAN:
      if (in == nullptr) return false;
      value->content = *static_cast<const bool*>(in);
      return true;
    case HALONMTA_HSL_TYPE_NUMBER:
      if (in == nullptr) return false;
      value->content = *static_cast<const double*>(in);
      return true;
    case HALONMTA_HSL_TYPE_STRING:
      value->content = text_in(in, length);
      return true;
    case HALONMTA_HSL_TYPE_ARRAY:
      value->content = Array{};
      return true;
    case HALONMTA_HSL_TYPE_EXCEPTION:
      value->content = Exception{text_in(in, length)};
      return true;
    case HALONMTA_HSL_TYPE_THIS:
      value->content = This{};
      return true;
    case HALONMTA_HSL_TYPE_OBJECT:
      if (in == nullptr) return false;
      value->content = ObjectRef(static_cast<HalonHSLObject*>(const_cast<void*>(in)));
      return true;
    case HALONMTA_HSL_TYPE_X509:
      return set_counted<openssl::X509>(*value, in);
    case HALONMTA_HSL_TYPE_PRIVATEKEY:
      return set_counted<openssl::Key>(*value, in);
    default:
      return false;
  }
}

bool HalonMTA_hsl_value_array_add(HalonHSLValue* value, HalonHSLValue** key, HalonHSLValue** item) {
  if (value == nullptr || key == nullptr || item == nullptr) return false;
  if (std::holds_alternative<None>(value->content)) value->content = Array{};
  auto* array = std::get_if<Array>(&value->content);
  if (array == nullptr) return false;
  Pair& pair = *array->emplace_back(std::make_unique<Pair>());
  *key = &pair.key;
  *item = &pair.item;
  return true;
}

HalonHSLValue* HalonMTA_hsl_value_array_find(const HalonHSLValue* value, const char* key) {
  const auto* array = value == nullptr ? nullptr : std::get_if<Array>(&value->content);
  if (array == nullptr || key == nullptr) return nullptr;
  for (const auto& pair : *array) {
    if (key_is(pair->key, key)) return &pair->item;
  }
  return nullptr;
}

HalonHSLValue* HalonMTA_hsl_value_array_get(const HalonHSLValue* value, size_t index,
                                                         HalonHSLValue** key) {
  const auto* array = value == nullptr ? nullptr : std::get_if<Array>(&value->content);
  if (array == nullptr || index >= array->size()) return nullptr;
  if (key != nullptr) *key = &(*array)[index]->key;
  return &(*array)[index]->item;
}

size_t HalonMTA_hsl_value_array_length(const HalonHSLValue* value) {
  const auto* array = value == nullptr ? nullptr : std::get_if<Array>(&value->content);
  return array == nullptr ? 0 : array->size();
}

bool HalonMTA_hsl_value_to_json2(const HalonHSLValue* value, char** out, size_t* length, int flags) {
  if (out == nullptr) return false;
  std::string text;
  bool written = value == nullptr ? (text = "null", true)
                                  : json::write(*value, (flags & HALONMTA_JSON_ENCODE_NO_ENSURE_ASCII) == 0, text);
  *out = duplicate(text, length);
  return written && *out != nullptr;
}

bool HalonMTA_hsl_value_to_json(const HalonHSLValue* value, char** out, size_t* length) {
  return HalonMTA_hsl_value_to_json2(value, out, length, 0);
}

bool HalonMTA_hsl_value_from_json2(HalonHSLValue* value, const char* text, char** error,
                                                size_t* errlen, int flags) {
  if (error != nullptr) *error = nullptr;
  std::string problem = "nothing to read or nowhere to put it";
  if (value != nullptr && text != nullptr) {
    problem = json::read(text, (flags & HALONMTA_JSON_DECODE_UNICODE_BYTE) != 0, *value);
    if (problem.empty()) return true;
  }
  if (error != nullptr) *error = duplicate(problem, errlen);
  return false;
}

bool HalonMTA_hsl_value_from_json(HalonHSLValue* value, const char* text, char** error,
                                               size_t* errlen) {
  return HalonMTA_hsl_value_from_json2(value, text, error, errlen, 0);
}
}
