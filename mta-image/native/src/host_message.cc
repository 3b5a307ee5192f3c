// Messages, queue hooks and deliveries as the ABI shows them; see message.h. Delivering ends with an event, so
// that a thread of the plugin may say so.
#include <algorithm>

#include "broker.h"
#include "message.h"
#include "plugin.h"
#include "shelf.h"

namespace mta {
namespace {

Shelf<HalonDeliverContext>& shelf() {
  static auto& one = *new Shelf<HalonDeliverContext>;
  return one;
}

// Bounds what a plugin may keep in memory for one attempt.
constexpr size_t kMostTrace = 1000;

Content text_or_none(const std::optional<std::string>& text) {
  return text.has_value() ? Content(*text) : Content(None{});
}

Content trace_of(const std::vector<std::string>& lines) {
  Array array;
  for (const auto& line : lines) {
    auto& pair = array.emplace_back(std::make_unique<Pair>());
    pair->key.content = static_cast<double>(array.size() - 1);
    pair->item.content = line;
  }
  return array;
}

template <typename T>
bool give(void* out, T value) {
  *static_cast<T*>(out) = value;
  return true;
}

}  // namespace

HalonDeliverContext& begin_delivery() {
  auto& delivery = shelf().take();
  delivery.state.store(0);
  return delivery;
}

HalonDeliverContext* delivery_at(size_t index) { return shelf().at(index); }

HalonHSLValue end_delivery(HalonDeliverContext& delivery) {
  Fields fields;
  fields.number("token", delivery.index)
      .value("code", {delivery.code.has_value() ? Content(static_cast<double>(*delivery.code)) : Content(None{})})
      .value("reason", {text_or_none(delivery.reason)})
      .value("error", {text_or_none(delivery.error)})
      .value("trace", {trace_of(delivery.trace)})
      .value("ret", std::move(delivery.ret));
  delivery.file.reset();
  delivery.arguments.content = None{};
  delivery.ret.content = None{};
  delivery.code.reset();
  delivery.reason.reset();
  delivery.error.reset();
  delivery.trace.clear();
  shelf().give_back(delivery, true);
  return fields.take();
}

}  // namespace mta

using namespace mta;

extern "C" {

bool HalonMTA_message_getinfo(HalonQueueMessage* message, int type, const void*, size_t, void* out,
                              size_t* outlen) {
  if (message == nullptr || out == nullptr) return false;
  if (type == HALONMTA_MESSAGE_QUEUEID) return give(out, message->queue);
  const std::string* text = nullptr;
  if (type == HALONMTA_MESSAGE_TRANSACTIONID) text = &message->transaction;
  if (type >= HALONMTA_MESSAGE_TRANSPORTID && type <= HALONMTA_MESSAGE_TENANTID) {
    text = &message->fields[static_cast<size_t>(type - HALONMTA_MESSAGE_TRANSPORTID)];
  }
  if (text == nullptr) return false;
  if (outlen != nullptr) *outlen = text->size();
  return give(out, text->c_str());
}

bool HalonMTA_queue_getinfo(HalonQueueContext* context, int type, const void*, size_t, void* out, size_t* outlen) {
  if (context == nullptr || out == nullptr) return false;
  switch (type) {
    case HALONMTA_INFO_MESSAGE: return give(out, &context->message);
    case HALONMTA_INFO_RETURN: return give(out, &context->ret);
    case HALONMTA_INFO_LOCALIPS:
      if (outlen != nullptr) *outlen = context->pointers.size();
      return give(out, context->pointers.data());
    default: return false;
  }
}

bool HalonMTA_queue_setinfo(HalonQueueContext* context, int type, const void* value, size_t length) {
  if (context == nullptr || value == nullptr || type != HALONMTA_INFO_LOCALIPS) return false;
  const auto* wanted = static_cast<const char* const*>(value);
  std::vector<std::string> kept;
  for (size_t i = 0; i < length; ++i) {
    const auto& known = context->local_ips;
    if (wanted[i] == nullptr || std::find(known.begin(), known.end(), wanted[i]) == known.end()) return false;
    kept.emplace_back(wanted[i]);
  }
  context->kept = std::move(kept);
  return true;
}

bool HalonMTA_deliver_getinfo(HalonDeliverContext* context, int type, const void*, size_t, void* out, size_t*) {
  if (context == nullptr || out == nullptr || context->state.load() != 0) return false;
  switch (type) {
    case HALONMTA_INFO_MESSAGE: return give(out, &context->message);
    case HALONMTA_INFO_ARGUMENTS: return give(out, &context->arguments);
    case HALONMTA_INFO_RETURN: return give(out, &context->ret);
    case HALONMTA_INFO_FILE: {
      FILE* file = context->file == nullptr ? nullptr : context->file->file();
      return file != nullptr && give(out, file);
    }
    default: return false;
  }
}

bool HalonMTA_deliver_setinfo(HalonDeliverContext* context, int type, const void* value, size_t length) {
  if (context == nullptr || value == nullptr || context->state.load() != 0) return false;
  const auto* text = static_cast<const char*>(value);
  const auto copy = [&] { return length == 0 ? std::string(text) : std::string(text, length); };
  switch (type) {
    case HALONMTA_RESULT_CODE: {
      // Plugins pass short*, int* and long* alike; the low 16 bits are what all have in common.
      short code = 0;
      memcpy(&code, value, sizeof code);
      context->code = code;
      return true;
    }
    case HALONMTA_RESULT_REASON: context->reason = copy(); return true;
    case HALONMTA_ERROR_REASON: context->error = copy(); return true;
    default: return false;
  }
}

bool HalonMTA_deliver_trace(HalonDeliverContext* context, int, const char* text, size_t length) {
  if (context == nullptr || text == nullptr || context->state.load() != 0) return false;
  if (context->trace.size() == kMostTrace) return false;
  context->trace.push_back(length == 0 ? std::string(text) : std::string(text, length));
  return true;
}

void HalonMTA_deliver_done(HalonDeliverContext* context) {
  if (context == nullptr) return;
  if (context->state.exchange(1) != 0) {
    broker().report(name_of(plugin_of(__builtin_return_address(0))), "done-twice", "ended a delivery that was over");
    return;
  }
  broker().post("delivered", Fields().number("token", context->index).take());
}
}
