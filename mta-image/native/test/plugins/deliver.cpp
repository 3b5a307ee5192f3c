// Delivers as its arguments say: {"how": now | thread | error | throw | twice | silent | never, "code": number}. A "file" among
// them is what it read, in place of the message.
#include <HalonMTA.h>

#include <stdexcept>
#include <string>
#include <thread>

namespace {

std::string text_in(const HalonHSLValue* arguments, const char* key) {
  char* text = nullptr;
  size_t length = 0;
  const bool good = HalonMTA_hsl_value_get(HalonMTA_hsl_value_array_find(arguments, key), HALONMTA_HSL_TYPE_STRING,
                                           &text, &length);
  return good ? std::string(text, length) : "";
}

std::string read_all(FILE* file) {
  std::string all;
  char part[4096];
  for (size_t got = 0; (got = fread(part, 1, sizeof part, file)) > 0;) all.append(part, got);
  return all;
}

void fill(HalonDeliverContext* context, const HalonHSLValue* arguments) {
  FILE* file = nullptr;
  HalonQueueMessage* message = nullptr;
  HalonHSLValue *ret = nullptr, *key = nullptr, *item = nullptr;
  const char* transaction = nullptr;
  double code = 250;
  HalonMTA_deliver_getinfo(context, HALONMTA_INFO_FILE, nullptr, 0, &file, nullptr);
  HalonMTA_hsl_value_get(HalonMTA_hsl_value_array_find(arguments, "file"), HALONMTA_HSL_TYPE_FILE, &file, nullptr);
  HalonMTA_deliver_getinfo(context, HALONMTA_INFO_MESSAGE, nullptr, 0, &message, nullptr);
  HalonMTA_deliver_getinfo(context, HALONMTA_INFO_RETURN, nullptr, 0, &ret, nullptr);
  HalonMTA_message_getinfo(message, HALONMTA_MESSAGE_TRANSACTIONID, nullptr, 0, &transaction, nullptr);
  HalonMTA_hsl_value_get(HalonMTA_hsl_value_array_find(arguments, "code"), HALONMTA_HSL_TYPE_NUMBER, &code, nullptr);
  HalonMTA_hsl_value_array_add(ret, &key, &item);
  HalonMTA_hsl_value_set(key, HALONMTA_HSL_TYPE_STRING, "content", 0);
  const std::string content = read_all(file);
  HalonMTA_hsl_value_set(item, HALONMTA_HSL_TYPE_STRING, content.data(), content.size());
  const long status = static_cast<long>(code);
  HalonMTA_deliver_setinfo(context, HALONMTA_RESULT_CODE, &status, 0);
  HalonMTA_deliver_setinfo(context, HALONMTA_RESULT_REASON, transaction, 0);
  HalonMTA_deliver_trace(context, 0, "read and done", 0);
}

}  // namespace

HALON_EXPORT int Halon_version() { return HALONMTA_PLUGIN_VERSION; }

HALON_EXPORT void Halon_deliver(HalonDeliverContext* context) {
  HalonHSLValue* arguments = nullptr;
  HalonMTA_deliver_getinfo(context, HALONMTA_INFO_ARGUMENTS, nullptr, 0, &arguments, nullptr);
  const std::string how = text_in(arguments, "how");
  if (how == "never") return;
  if (how == "throw") throw std::runtime_error("no");
  if (how == "error") HalonMTA_deliver_setinfo(context, HALONMTA_ERROR_REASON, "no route", 0);
  if (how == "now" || how == "twice") fill(context, arguments);
  if (how == "thread") {
    std::thread([=] {
      fill(context, arguments);
      HalonMTA_deliver_done(context);
    }).detach();
    return;
  }
  HalonMTA_deliver_done(context);
  if (how == "twice") HalonMTA_deliver_done(context);
}
