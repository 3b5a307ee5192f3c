// Specific delivery times: holds the mail that matches a rule while the rule's hours say so, by suspending it in the
// active queue. Configured in smtpd-app.yaml, plugins[].config:
//
//   suspends:
//     - ifnot: [ "* 8-17 * * 1-5" ]   # or if: held while one of the patterns matches, or while none does
//       transportid: office           # any of transportid localip remoteip remotemx recipientdomain jobid grouping
//       tag: office hours             # tenantid; none of them: all mail
//
// Times are local. Every five seconds, and at each reload, the rules are compared with the clock; a new
// configuration that cannot be understood is logged and the former stays. Scripts may ask with
//   import { is_delivery_time } from "extras://delivery-times";
//   is_delivery_time("* 8-17 * * 1-5", time())
#include <HalonMTA.h>
#include <syslog.h>

#include <array>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "cron.hpp"

namespace {

constexpr auto kPeriod = std::chrono::seconds(5);
constexpr const char* kFields[] = {"transportid",     "localip", "remoteip", "remotemx",
                                   "recipientdomain", "jobid",   "grouping", "tenantid"};
constexpr size_t kFieldCount = std::size(kFields);

struct Rule {
  std::vector<Cron> patterns;
  bool hold_inside = false;
  std::array<std::optional<std::string>, kFieldCount> match;
  std::optional<std::string> tag;
  std::string id;  // of the suspension, "" while there is none
};

std::mutex lock;
std::condition_variable wake;
std::vector<Rule> rules;
bool stopping = false;
std::thread watcher;

std::optional<std::string> text_of(HalonConfig* config, const char* key) {
  const char* text = HalonMTA_config_string_get(HalonMTA_config_object_get(config, key), nullptr);
  return text == nullptr ? std::nullopt : std::optional<std::string>(text);
}

std::vector<Cron> patterns_of(HalonConfig* list) {
  std::vector<Cron> patterns;
  HalonConfig* item = nullptr;
  for (size_t i = 0; (item = HalonMTA_config_array_get(list, i)) != nullptr; ++i) {
    patterns.emplace_back(HalonMTA_config_string_get(item, nullptr));
  }
  if (patterns.empty()) throw std::invalid_argument("a rule without patterns");
  return patterns;
}

Rule rule_of(HalonConfig* config) {
  HalonConfig* inside = HalonMTA_config_object_get(config, "if");
  HalonConfig* outside = HalonMTA_config_object_get(config, "ifnot");
  if ((inside == nullptr) == (outside == nullptr)) throw std::invalid_argument("a rule has either if or ifnot");
  Rule rule;
  rule.hold_inside = inside != nullptr;
  rule.patterns = patterns_of(rule.hold_inside ? inside : outside);
  for (size_t i = 0; i < kFieldCount; ++i) rule.match[i] = text_of(config, kFields[i]);
  rule.tag = text_of(config, "tag");
  return rule;
}

std::vector<Rule> rules_of(HalonConfig* config) {
  std::vector<Rule> read;
  HalonConfig* list = HalonMTA_config_object_get(config, "suspends");
  HalonConfig* item = nullptr;
  for (size_t i = 0; (item = HalonMTA_config_array_get(list, i)) != nullptr; ++i) read.push_back(rule_of(item));
  return read;
}

bool holds(const Rule& rule, const std::tm& now) {
  for (const auto& pattern : rule.patterns) {
    if (pattern.matches(now)) return rule.hold_inside;
  }
  return !rule.hold_inside;
}

const char* or_null(const std::optional<std::string>& text) { return text.has_value() ? text->c_str() : nullptr; }

void hold(Rule& rule) {
  const auto at = [&](size_t i) { return or_null(rule.match[i]); };
  char* id = HalonMTA_queue_suspend_add5(nullptr, at(0), at(1), at(2), at(3), at(4), at(5), at(6), at(7),
                                         or_null(rule.tag), nullptr, 0, 0);
  if (id == nullptr) {
    syslog(LOG_ERR, "delivery-times: a suspension was refused");
    return;
  }
  rule.id = id;
  free(id);
}

void release(Rule& rule) {
  HalonMTA_queue_suspend_delete(rule.id.c_str());
  rule.id.clear();
}

// With the lock held, which is safe: the functions of the queue never wait for the event loop.
void look_at_clock() {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  for (auto& rule : rules) {
    const bool wanted = holds(rule, local);
    if (wanted && rule.id.empty()) hold(rule);
    if (!wanted && !rule.id.empty()) release(rule);
  }
}

void watch() {
  pthread_setname_np(pthread_self(), "p/times");
  std::unique_lock guard(lock);
  while (!stopping) {
    look_at_clock();
    wake.wait_for(guard, kPeriod);
  }
}

// New suspensions come before the old ones go: mail must not slip out in between.
void replace(std::vector<Rule> fresh) {
  std::vector<Rule> former = std::move(rules);
  rules = std::move(fresh);
  look_at_clock();
  for (auto& rule : former) {
    if (!rule.id.empty()) release(rule);
  }
}

bool configure(HalonConfig* config) {
  try {
    auto fresh = rules_of(config);
    std::lock_guard guard(lock);
    replace(std::move(fresh));
    return true;
  } catch (const std::exception& error) {
    syslog(LOG_ERR, "delivery-times: %s", error.what());
    fprintf(stderr, "delivery-times: %s\n", error.what());
    return false;
  }
}

// is_delivery_time(pattern, unix time): throws when the pattern is none
void is_delivery_time(HalonHSLContext* context, HalonHSLArguments* args, HalonHSLValue* ret) {
  char* pattern = nullptr;
  double seconds = 0;
  const bool good = HalonMTA_hsl_value_get(HalonMTA_hsl_argument_get(args, 0), HALONMTA_HSL_TYPE_STRING, &pattern,
                                           nullptr) &&
                    HalonMTA_hsl_value_get(HalonMTA_hsl_argument_get(args, 1), HALONMTA_HSL_TYPE_NUMBER, &seconds,
                                           nullptr);
  try {
    if (!good) throw std::invalid_argument("is_delivery_time wants a pattern and a time");
    const auto moment = static_cast<std::time_t>(seconds);
    std::tm local{};
    localtime_r(&moment, &local);
    const bool matches = Cron(pattern).matches(local);
    HalonMTA_hsl_value_set(ret, HALONMTA_HSL_TYPE_BOOLEAN, &matches, 0);
  } catch (const std::exception& error) {
    HalonMTA_hsl_value_set(HalonMTA_hsl_throw(context), HALONMTA_HSL_TYPE_EXCEPTION, error.what(), 0);
  }
}

}  // namespace

HALON_EXPORT int Halon_version() { return HALONMTA_PLUGIN_VERSION; }

HALON_EXPORT bool Halon_init(HalonInitContext* context) {
  HalonConfig* config = nullptr;
  HalonMTA_init_getinfo(context, HALONMTA_INIT_APPCONFIG, nullptr, 0, &config, nullptr);
  if (!configure(config)) return false;
  watcher = std::thread(watch);
  return true;
}

HALON_EXPORT void Halon_config_reload(HalonConfig* config) { configure(config); }

HALON_EXPORT bool Halon_hsl_register(HalonHSLRegisterContext* context) {
  return HalonMTA_hsl_register_function(context, "is_delivery_time", is_delivery_time) &&
         HalonMTA_hsl_module_register_function(context, "is_delivery_time", is_delivery_time);
}

HALON_EXPORT void Halon_cleanup() {
  {
    std::lock_guard guard(lock);
    stopping = true;
  }
  wake.notify_one();
  if (watcher.joinable()) watcher.join();
}
