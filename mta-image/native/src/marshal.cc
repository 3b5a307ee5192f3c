// Values to and from JavaScript; see marshal.h.
#include "marshal.h"

#include <fcntl.h>
#include <unistd.h>

#include <set>

#include "js.h"

namespace mta {
namespace {

constexpr int kMaxDepth = 256;

// One entry for each handle in JavaScript, which owns one reference.
std::multiset<HalonHSLObject*>& held() {
  static auto& one = *new std::multiset<HalonHSLObject*>;
  return one;
}

void array_from_js(napi_env env, napi_value from, HalonHSLValue& into, int depth) {
  if (depth >= kMaxDepth) throw js::JsError("arrays are nested too deeply for a plugin");
  auto& array = into.content.emplace<Array>();
  const uint32_t count = js::length(env, from);
  array.reserve(count / 2);
  for (uint32_t i = 0; i + 1 < count; i += 2) {
    js::Scope scope(env);
    auto& pair = array.emplace_back(std::make_unique<Pair>());
    from_js(env, js::at(env, from, i), pair->key, depth + 1);
    from_js(env, js::at(env, from, i + 1), pair->item, depth + 1);
  }
}

std::pair<const unsigned char*, size_t> bytes_of(napi_env env, napi_value buffer) {
  void* data = nullptr;
  size_t size = 0;
  js::check(napi_get_buffer_info(env, buffer, &data, &size));
  return {static_cast<const unsigned char*>(data), size};
}

void tagged_from_js(napi_env env, napi_value from, HalonHSLValue& into) {
  const std::string kind = js::to_text(env, js::get(env, from, "kind"));
  into.content = Opaque{};
  if (kind == "object") {
    if (auto* object = object_from_js(env, js::get(env, from, "handle"))) into.content = ObjectRef(object);
  } else if (kind == "file") {
    into.content = stream_from_js(env, js::get(env, from, "pieces"));
  } else if (kind == "x509") {
    const auto [data, size] = bytes_of(env, js::get(env, from, "der"));
    if (auto* certificate = openssl::read_certificate(data, size)) into.content = X509Ref(certificate);
  } else if (kind == "privatekey") {
    const auto [data, size] = bytes_of(env, js::get(env, from, "der"));
    if (auto* key = openssl::read_key(data, size)) into.content = PrivateKeyRef(key);
  } else if (kind == "exception") {
    into.content = Exception{js::to_bytes(env, js::get(env, from, "message"))};
  }
}

napi_value tagged(napi_env env, const char* kind) {
  napi_value result = js::object(env);
  js::set(env, result, "kind", js::text(env, kind));
  return result;
}

napi_value der_to_js(napi_env env, const char* kind, const std::string& der) {
  napi_value result = tagged(env, kind);
  napi_value buffer = nullptr;
  js::check(napi_create_buffer_copy(env, der.size(), der.data(), nullptr, &buffer));
  js::set(env, result, "der", buffer);
  return result;
}

void drop_handle(napi_env, void* data, void*) {
  auto* object = static_cast<HalonHSLObject*>(data);
  held().extract(object);
  release(object);
}

napi_value object_to_js(napi_env env, HalonHSLObject* object) {
  napi_value result = tagged(env, "object");
  napi_value handle = nullptr;
  js::check(napi_create_external(env, object, drop_handle, nullptr, &handle));
  retain(object);
  held().insert(object);
  napi_value methods = js::array(env, object->methods.size());
  for (size_t i = 0; i < object->methods.size(); ++i) js::put(env, methods, i, js::text(env, object->methods[i].first));
  js::set(env, result, "type", js::text(env, object->type));
  js::set(env, result, "methods", methods);
  js::set(env, result, "handle", handle);
  return result;
}

napi_value array_to_js(napi_env env, Array& array, int depth) {
  if (depth >= kMaxDepth) throw js::JsError("a plugin's array is nested too deeply");
  napi_value result = js::array(env, array.size() * 2);
  for (size_t i = 0; i < array.size(); ++i) {
    js::Scope scope(env);
    js::put(env, result, 2 * i, to_js(env, array[i]->key, depth + 1));
    js::put(env, result, 2 * i + 1, to_js(env, array[i]->item, depth + 1));
  }
  return result;
}

}  // namespace

HalonHSLObject* object_from_js(napi_env env, napi_value handle) {
  void* data = nullptr;
  js::check(napi_get_value_external(env, handle, &data));
  return static_cast<HalonHSLObject*>(data);
}

void empty_objects() {
  for (auto* object : held()) empty(object);
}

void from_js(napi_env env, napi_value from, HalonHSLValue& into, int depth) {
  switch (js::type(env, from)) {
    case napi_undefined:
    case napi_null: into.content = None{}; return;
    case napi_boolean: into.content = js::to_boolean(env, from); return;
    case napi_number: into.content = js::to_number(env, from); return;
    case napi_string: into.content = js::to_bytes(env, from); return;
    case napi_object: break;
    default: into.content = Opaque{}; return;
  }
  bool is_array = false;
  js::check(napi_is_array(env, from, &is_array));
  if (is_array) return array_from_js(env, from, into, depth);
  tagged_from_js(env, from, into);
}

napi_value to_js(napi_env env, HalonHSLValue& value, int depth) {
  Content& content = value.content;
  if (const auto* boolean = std::get_if<bool>(&content)) return js::boolean(env, *boolean);
  if (const auto* number = std::get_if<double>(&content)) return js::number(env, *number);
  if (const auto* text = std::get_if<std::string>(&content)) return js::bytes(env, *text);
  if (auto* array = std::get_if<Array>(&content)) return array_to_js(env, *array, depth);
  if (const auto* object = std::get_if<ObjectRef>(&content)) return object_to_js(env, object->get());
  if (const auto* certificate = std::get_if<X509Ref>(&content)) {
    return der_to_js(env, "x509", openssl::write(certificate->get()));
  }
  if (const auto* key = std::get_if<PrivateKeyRef>(&content)) {
    return der_to_js(env, "privatekey", openssl::write(key->get()));
  }
  if (std::holds_alternative<This>(content)) return tagged(env, "this");
  if (const auto* exception = std::get_if<Exception>(&content)) {
    napi_value result = tagged(env, "exception");
    js::set(env, result, "message", js::bytes(env, exception->message));
    return result;
  }
  return js::null(env);
}

std::unique_ptr<HalonConfig> config_from_js(napi_env env, napi_value from, int depth) {
  if (depth >= kMaxDepth) throw js::JsError("the configuration is nested too deeply");
  auto config = std::make_unique<HalonConfig>();
  const napi_valuetype type = js::type(env, from);
  if (type == napi_null || type == napi_undefined) return nullptr;
  if (type == napi_string) {
    config->text = js::to_text(env, from);
    return config;
  }
  if (type == napi_boolean || type == napi_number) {
    napi_value text = nullptr;
    js::check(napi_coerce_to_string(env, from, &text));
    config->kind = HalonConfig::Kind::bare;
    config->text = js::to_text(env, text);
    return config;
  }
  bool is_array = false;
  js::check(napi_is_array(env, from, &is_array));
  config->kind = is_array ? HalonConfig::Kind::array : HalonConfig::Kind::object;
  napi_value names = from;
  if (!is_array) js::check(napi_get_property_names(env, from, &names));
  for (uint32_t i = 0, end = js::length(env, names); i < end; ++i) {
    napi_value name = js::at(env, names, i);
    napi_value item = name;
    if (!is_array) js::check(napi_get_property(env, from, name, &item));
    auto child = config_from_js(env, item, depth + 1);
    if (child == nullptr) continue;
    if (!is_array) {
      auto key = std::make_unique<HalonConfig>();
      key->text = js::to_text(env, name);
      config->keys.push_back(std::move(key));
    }
    config->items.push_back(std::move(child));
  }
  return config;
}

void message_from_js(napi_env env, napi_value from, HalonQueueMessage& into) {
  static constexpr const char* names[] = {"transportid",     "localip", "remoteip", "remotemx",
                                          "recipientdomain", "jobid",   "grouping", "tenantid"};
  into.transaction = js::to_text(env, js::get(env, from, "transactionid"));
  into.queue = static_cast<size_t>(js::to_number(env, js::get(env, from, "queueid")));
  for (size_t i = 0; i < std::size(names); ++i) into.fields[i] = js::to_text(env, js::get(env, from, names[i]));
}

std::shared_ptr<Stream> stream_from_js(napi_env env, napi_value pieces) {
  std::vector<Piece> made;
  for (uint32_t i = 0, end = js::length(env, pieces); i < end; ++i) {
    napi_value from = js::at(env, pieces, i);
    Piece piece;
    bool is_buffer = false;
    js::check(napi_is_buffer(env, from, &is_buffer));
    if (is_buffer) {
      const auto [data, size] = bytes_of(env, from);
      piece.bytes.assign(reinterpret_cast<const char*>(data), size);
    } else {
      const int fd = static_cast<int>(js::to_number(env, js::get(env, from, "fd")));
      piece.offset = static_cast<int64_t>(js::to_number(env, js::get(env, from, "offset")));
      piece.length = static_cast<int64_t>(js::to_number(env, js::get(env, from, "length")));
      piece.fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
      if (piece.fd < 0) {
        for (auto& other : made) {
          if (other.fd >= 0) close(other.fd);
        }
        throw js::JsError("a file for a plugin is not open");
      }
    }
    made.push_back(std::move(piece));
  }
  return std::make_shared<Stream>(std::move(made));
}

}  // namespace mta
