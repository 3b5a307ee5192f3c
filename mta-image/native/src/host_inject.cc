// The inject functions of the ABI; see inject.h.
#include "inject.h"

#include <mutex>
#include <optional>

#include "blame.h"
#include "broker.h"
#include "plugin.h"

struct HalonInjectContext {
  std::string server;
  size_t longest = 0;
  std::optional<std::pair<std::string, std::optional<std::string>>> sender;
  HalonHSLValue recipients{mta::Array{}};
  HalonHSLValue metadata;
  std::string message;
  void (*callback)(HalonInjectResultContext*, void*) = nullptr;
  void* user = nullptr;
};

struct HalonInjectResultContext {
  short code;
};

namespace mta {
namespace {

constexpr size_t kMostRecipients = 10'000;

std::mutex lock;
std::map<std::string, size_t>& servers() {
  static auto& one = *new std::map<std::string, size_t>;
  return one;
}

struct Waiting {
  void (*callback)(HalonInjectResultContext*, void*);
  void* user;
  Plugin* plugin;
};
std::map<size_t, Waiting>& waiting() {
  static auto& one = *new std::map<size_t, Waiting>;
  return one;
}
size_t next_token = 1;

HalonHSLValue address(const char* localpart, const char* domain) {
  return Fields().maybe("localpart", localpart).maybe("domain", domain).take();
}

}  // namespace

void set_inject_servers(std::map<std::string, size_t> known) {
  std::lock_guard guard(lock);
  servers() = std::move(known);
}

void answer_injection(size_t token, int code) {
  Waiting answer{};
  {
    std::lock_guard guard(lock);
    const auto found = waiting().find(token);
    if (found == waiting().end()) return;
    answer = found->second;
    waiting().erase(found);
  }
  if (answer.callback == nullptr) return;
  HalonInjectResultContext result{static_cast<short>(code)};
  std::string problem;
  if (answer.plugin == nullptr) {
    problem = guarded([&] { answer.callback(&result, answer.user); });
  } else {
    Blame blame(*answer.plugin, "inject callback");
    problem = guarded([&] { answer.callback(&result, answer.user); });
  }
  if (!problem.empty()) broker().report(name_of(answer.plugin), "exception", "inject callback " + problem);
}

}  // namespace mta

using namespace mta;

extern "C" {

HalonInjectContext* HalonMTA_inject_new(const char* serverid) {
  if (serverid == nullptr) return nullptr;
  std::lock_guard guard(lock);
  const auto found = servers().find(serverid);
  if (found == servers().end()) return nullptr;
  auto* context = new HalonInjectContext;
  context->server = found->first;
  context->longest = found->second;
  return context;
}

bool HalonMTA_inject_sender_set(HalonInjectContext* context, const char* localpart, const char* domain) {
  if (context == nullptr || localpart == nullptr) return false;
  context->sender.emplace(localpart, domain == nullptr ? std::nullopt : std::optional<std::string>(domain));
  return true;
}

bool HalonMTA_inject_recipient_add(HalonInjectContext* context, const char* localpart, const char* domain, void*) {
  if (context == nullptr || localpart == nullptr) return false;
  auto& list = std::get<Array>(context->recipients.content);
  if (list.size() == kMostRecipients) return false;
  auto& pair = list.emplace_back(std::make_unique<Pair>());
  pair->key.content = static_cast<double>(list.size() - 1);
  pair->item = address(localpart, domain);
  return true;
}

bool HalonMTA_inject_message_append(HalonInjectContext* context, const char* data, size_t length) {
  if (context == nullptr || (data == nullptr && length > 0)) return false;
  if (length > context->longest - context->message.size()) return false;
  context->message.append(data, length);
  return true;
}

bool HalonMTA_inject_getinfo(HalonInjectContext* context, int type, const void*, size_t, void* out, size_t*) {
  if (context == nullptr || out == nullptr || type != HALONMTA_MESSAGE_METADATA) return false;
  *static_cast<HalonHSLValue**>(out) = &context->metadata;
  return true;
}

bool HalonMTA_inject_callback_set(HalonInjectContext* context,
                                  void (*callback)(HalonInjectResultContext*, void*), void* user) {
  if (context == nullptr) return false;
  context->callback = callback;
  context->user = user;
  return true;
}

bool HalonMTA_inject_commit(HalonInjectContext* context) {
  if (context == nullptr || context->message.empty()) return false;
  Plugin* plugin = plugin_of(__builtin_return_address(0));
  size_t token = 0;
  {
    std::lock_guard guard(lock);
    token = next_token++;
    waiting()[token] = {context->callback, context->user, plugin};
  }
  Fields fields;
  fields.number("token", static_cast<double>(token)).text("plugin", name_of(plugin)).text("server", context->server);
  fields.value("sender", !context->sender.has_value()
                             ? HalonHSLValue{}
                             : address(context->sender->first.c_str(), context->sender->second.has_value()
                                                                           ? context->sender->second->c_str()
                                                                           : nullptr));
  fields.value("recipients", std::move(context->recipients))
      .value("metadata", std::move(context->metadata))
      .text("message", context->message);
  broker().post("inject", fields.take());
  delete context;
  return true;
}

void HalonMTA_inject_abort(HalonInjectContext* context) { delete context; }

bool HalonMTA_inject_result_getinfo(HalonInjectResultContext* context, int type, const void*, size_t, void* out,
                                    size_t*) {
  if (context == nullptr || out == nullptr || type != HALONMTA_RESULT_CODE) return false;
  *static_cast<short*>(out) = context->code;
  return true;
}
}
