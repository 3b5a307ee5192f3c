// The configuration functions of the ABI; see config.h.
#include "config.h"

#include "json.h"
#include "value.h"

namespace {

using Kind = HalonConfig::Kind;

// Depth is bounded where the tree is built.
bool write(const HalonConfig& config, std::string& out) {
  if (config.kind == Kind::bare) {
    out += config.text;
    return true;
  }
  if (config.kind == Kind::text) return mta::json::write_string(config.text, true, out);
  const bool object = config.kind == Kind::object;
  out += object ? '{' : '[';
  for (size_t i = 0; i < config.items.size(); ++i) {
    if (i > 0) out += ',';
    if (object) {
      if (!mta::json::write_string(config.keys[i]->text, true, out)) return false;
      out += ':';
    }
    if (!write(*config.items[i], out)) return false;
  }
  out += object ? '}' : ']';
  return true;
}

}  // namespace

extern "C" {

bool HalonMTA_init_getinfo(HalonInitContext* context, int type, const void*, size_t, void* out, size_t*) {
  if (out == nullptr) return false;
  auto*& target = *static_cast<HalonConfig**>(out);
  target = nullptr;
  if (context == nullptr) return false;
  if (type == HALONMTA_INIT_CONFIG) target = context->config;
  if (type == HALONMTA_INIT_APPCONFIG) target = context->app_config;
  return type == HALONMTA_INIT_CONFIG || type == HALONMTA_INIT_APPCONFIG;
}

HalonConfig* HalonMTA_config_object_get(HalonConfig* config, const char* key) {
  if (config == nullptr || key == nullptr || config->kind != Kind::object) return nullptr;
  for (size_t i = 0; i < config->keys.size(); ++i) {
    if (config->keys[i]->text == key) return config->items[i].get();
  }
  return nullptr;
}

HalonConfig* HalonMTA_config_object_key_get(HalonConfig* config, size_t index) {
  return config == nullptr || index >= config->keys.size() ? nullptr : config->keys[index].get();
}

HalonConfig* HalonMTA_config_array_get(HalonConfig* config, size_t index) {
  if (config == nullptr || config->kind != Kind::array || index >= config->items.size()) return nullptr;
  return config->items[index].get();
}

// "" of an object or array: plugins compare the text of a node before they ask what else it could be.
const char* HalonMTA_config_string_get(HalonConfig* config, size_t* length) {
  if (config == nullptr) return nullptr;
  if (length != nullptr) *length = config->text.size();
  return config->text.c_str();
}

bool HalonMTA_config_to_json(HalonConfig* config, char** out, size_t* length) {
  if (config == nullptr || out == nullptr) return false;
  std::string text;
  const bool written = write(*config, text);
  *out = written ? mta::duplicate(text, length) : nullptr;
  return written;
}
}
