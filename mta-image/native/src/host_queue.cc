// Suspensions, policies and lists as plugins order them. Whether an order is good, and which id it gets, is decided
// here at once, on the plugin's thread; the order itself travels to the queue as an event, in sequence. So these
// functions never wait for the loop. The book of ids answers later updates and deletes; entries with an end are
// forgotten when it has passed.
#include <sys/random.h>
#include <time.h>

#include <cmath>
#include <map>
#include <mutex>
#include <set>

#include "broker.h"
#include "plugin.h"
#include "queue_book.h"

namespace mta {
namespace {

// Longer texts than any address or domain (RFC 5321 4.5.3.1) are a plugin's mistake.
constexpr size_t kLongest = 1024;
constexpr size_t kMostProperties = 128;
constexpr int kAllFields = 255;

double now_seconds() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

class Book {
 public:
  void put(const std::string& id, double ttl) {
    std::lock_guard guard(lock_);
    ends_[id] = ttl > 0 ? now_seconds() + ttl : HUGE_VAL;
  }
  bool has(const std::string& id) {
    std::lock_guard guard(lock_);
    return find(id) != ends_.end();
  }
  bool remove(const std::string& id) {
    std::lock_guard guard(lock_);
    const auto found = find(id);
    if (found == ends_.end()) return false;
    ends_.erase(found);
    return true;
  }

 private:
  std::map<std::string, double>::iterator find(const std::string& id) {
    const auto found = ends_.find(id);
    if (found == ends_.end() || found->second > now_seconds()) return found;
    ends_.erase(found);
    return ends_.end();
  }

  std::mutex lock_;
  std::map<std::string, double> ends_;
};

Book& suspensions() {
  static auto& one = *new Book;
  return one;
}
Book& policies() {
  static auto& one = *new Book;
  return one;
}

std::mutex lists_lock;
std::set<std::pair<int, std::string>>& lists() {
  static auto& one = *new std::set<std::pair<int, std::string>>;
  return one;
}

std::string make_id() {
  unsigned char bytes[16];
  if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes) return "";
  bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0f) | 0x40);  // RFC 9562, version 4
  bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3f) | 0x80);
  static constexpr char digits[] = "0123456789abcdef";
  std::string id;
  for (size_t i = 0; i < sizeof bytes; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) id += '-';
    id += digits[bytes[i] >> 4];
    id += digits[bytes[i] & 15];
  }
  return id;
}

bool is_good(const char* text) { return text == nullptr || strnlen(text, kLongest + 1) <= kLongest; }
bool is_span(double seconds) { return std::isfinite(seconds) && seconds >= 0; }
bool is_one_field(int field) { return field > 0 && field <= kAllFields && (field & (field - 1)) == 0; }

struct Match {
  const char* transportid = nullptr;
  const char* localip = nullptr;
  const char* remoteip = nullptr;
  const char* remotemx = nullptr;
  const char* recipientdomain = nullptr;
  const char* jobid = nullptr;
  const char* grouping = nullptr;
  const char* tenantid = nullptr;

  bool good() const {
    for (const char* text : {transportid, localip, remoteip, remotemx, recipientdomain, jobid, grouping, tenantid}) {
      if (!is_good(text)) return false;
    }
    return true;
  }
  void write(Fields& fields) const {
    fields.maybe("transportid", transportid)
        .maybe("localip", localip)
        .maybe("remoteip", remoteip)
        .maybe("remotemx", remotemx)
        .maybe("recipientdomain", recipientdomain)
        .maybe("jobid", jobid)
        .maybe("grouping", grouping)
        .maybe("tenantid", tenantid);
  }
};

struct Properties {
  const char** texts = nullptr;
  size_t count = 0;

  bool good() const {
    if (count % 2 != 0 || count > 2 * kMostProperties || (count > 0 && texts == nullptr)) return false;
    for (size_t i = 0; i < count; ++i) {
      if (texts[i] == nullptr || !is_good(texts[i])) return false;
    }
    return true;
  }
  void write(Fields& fields) const {
    Fields inner;
    for (size_t i = 0; i + 1 < count; i += 2) inner.text(texts[i], texts[i + 1]);
    fields.value("properties", inner.take());
  }
};

struct Limits {
  size_t concurrency = 0;
  size_t tokens = 0;
  double interval = 0;
  int algorithm = HALONMTA_RATE_ALGORITHM_DEFAULT;
  double connect_interval = 0;
  const char* tag = nullptr;
  Properties properties;
  bool stop = false;
  bool cluster = false;
  double ttl = 0;

  bool good() const {
    return is_span(interval) && is_span(connect_interval) && is_span(ttl) && is_good(tag) && properties.good() &&
           (tokens == 0 || interval > 0) && algorithm >= 0 && algorithm <= HALONMTA_RATE_ALGORITHM_TOKENBUCKET;
  }
  void write(Fields& fields) const {
    fields.number("concurrency", static_cast<double>(concurrency))
        .number("tokens", static_cast<double>(tokens))
        .number("interval", interval)
        .number("algorithm", algorithm)
        .number("connectinterval", connect_interval)
        .maybe("tag", tag)
        .flag("stop", stop)
        .flag("cluster", cluster)
        .number("ttl", ttl);
    properties.write(fields);
  }
};

// `caller` is code of the plugin, to tell whose order it was.
char* add(Book& book, const char* kind, const char* id, double ttl, Fields fields, const void* caller) {
  const std::string name = id == nullptr || *id == '\0' ? make_id() : id;
  if (name.empty() || !is_good(name.c_str())) return nullptr;
  fields.text("id", name).text("plugin", name_of(plugin_of(caller)));
  book.put(name, ttl);
  broker().post(kind, fields.take());
  return duplicate(name, nullptr);
}

char* suspend(const char* id, const Match& match, const char* tag, const Properties& properties, double ttl,
              const void* caller) {
  if (!match.good() || !is_good(tag) || !properties.good() || !is_span(ttl)) return nullptr;
  Fields fields;
  match.write(fields);
  fields.maybe("tag", tag).number("ttl", ttl);
  properties.write(fields);
  return add(suspensions(), "suspend-add", id, ttl, std::move(fields), caller);
}

char* police(const char* id, int wanted, int type, const Match& match, const Limits& limits, const void* caller) {
  const bool known = wanted >= 0 && wanted <= kAllFields && type >= 0 && type <= HALONMTA_POLICY_TYPE_BACKOFF;
  if (!known || !match.good() || !limits.good()) return nullptr;
  Fields fields;
  fields.number("fields", wanted).number("type", type);
  match.write(fields);
  limits.write(fields);
  return add(policies(), "policy-add", id, limits.ttl, std::move(fields), caller);
}

// `known` names what this form of the call says; the rest of the policy stays.
bool update(const char* id, const Limits& limits, const char* known) {
  if (id == nullptr || !limits.good() || !policies().has(id)) return false;
  policies().put(id, limits.ttl);
  Fields fields;
  fields.text("id", id).text("known", known);
  limits.write(fields);
  broker().post("policy-update", fields.take());
  return true;
}

bool remove(Book& book, const char* kind, const char* id) {
  if (id == nullptr || !book.remove(id)) return false;
  broker().post(kind, Fields().text("id", id).take());
  return true;
}

bool change_list(const char* kind, int field, const char* list, const char* item) {
  if (!is_one_field(field) || list == nullptr || !is_good(list) || item == nullptr || !is_good(item)) return false;
  std::lock_guard guard(lists_lock);
  if (!lists().contains({field, list})) return false;
  broker().post(kind, Fields().number("field", field).text("list", list).text("item", item).take());
  return true;
}

}  // namespace

void forget_suspension(const std::string& id) { suspensions().remove(id); }
void forget_policy(const std::string& id) { policies().remove(id); }

}  // namespace mta

using namespace mta;

extern "C" {

char* HalonMTA_queue_suspend_add(const char* transportid, const char* localip, const char* remoteip,
                                 const char* remotemx, const char* recipientdomain, const char* jobid,
                                 const char* tag, double ttl) {
  return suspend(nullptr, {transportid, localip, remoteip, remotemx, recipientdomain, jobid}, tag, {}, ttl,
                 __builtin_return_address(0));
}

char* HalonMTA_queue_suspend_add2(const char* transportid, const char* localip, const char* remoteip,
                                  const char* remotemx, const char* recipientdomain, const char* jobid,
                                  const char* grouping, const char* tag, double ttl) {
  return suspend(nullptr, {transportid, localip, remoteip, remotemx, recipientdomain, jobid, grouping}, tag, {}, ttl,
                 __builtin_return_address(0));
}

char* HalonMTA_queue_suspend_add5(const char* id, const char* transportid, const char* localip,
                                  const char* remoteip, const char* remotemx, const char* recipientdomain,
                                  const char* jobid, const char* grouping, const char* tenantid, const char* tag,
                                  const char* propv[], size_t propl, double ttl) {
  return suspend(id, {transportid, localip, remoteip, remotemx, recipientdomain, jobid, grouping, tenantid}, tag,
                 {propv, propl}, ttl, __builtin_return_address(0));
}

bool HalonMTA_queue_suspend_delete(const char* id) { return remove(suspensions(), "suspend-delete", id); }

char* HalonMTA_queue_policy_add(int fields, const char* transportid, const char* localip, const char* remoteip,
                                const char* remotemx, const char* recipientdomain, const char* jobid,
                                size_t concurrency, size_t tokens, double interval, const char* tag, double ttl) {
  return police(nullptr, fields, HALONMTA_POLICY_TYPE_DYNAMIC,
                {transportid, localip, remoteip, remotemx, recipientdomain, jobid},
                {concurrency, tokens, interval, 0, 0, tag, {}, false, false, ttl}, __builtin_return_address(0));
}

char* HalonMTA_queue_policy_add3(int fields, const char* transportid, const char* localip, const char* remoteip,
                                 const char* remotemx, const char* recipientdomain, const char* jobid,
                                 const char* grouping, size_t concurrency, size_t tokens, double interval,
                                 const char* tag, const char* propv[], size_t propl, bool stop, double ttl) {
  return police(nullptr, fields, HALONMTA_POLICY_TYPE_DYNAMIC,
                {transportid, localip, remoteip, remotemx, recipientdomain, jobid, grouping},
                {concurrency, tokens, interval, 0, 0, tag, {propv, propl}, stop, false, ttl},
                __builtin_return_address(0));
}

char* HalonMTA_queue_policy_add4(int fields, const char* transportid, const char* localip, const char* remoteip,
                                 const char* remotemx, const char* recipientdomain, const char* jobid,
                                 const char* grouping, const char* tenantid, size_t concurrency, size_t tokens,
                                 double interval, const char* tag, const char* propv[], size_t propl, bool stop,
                                 double ttl) {
  return police(nullptr, fields, HALONMTA_POLICY_TYPE_DYNAMIC,
                {transportid, localip, remoteip, remotemx, recipientdomain, jobid, grouping, tenantid},
                {concurrency, tokens, interval, 0, 0, tag, {propv, propl}, stop, false, ttl},
                __builtin_return_address(0));
}

char* HalonMTA_queue_policy_add6(const char* id, int fields, int type, const char* transportid,
                                 const char* localip, const char* remoteip, const char* remotemx,
                                 const char* recipientdomain, const char* jobid, const char* grouping,
                                 const char* tenantid, size_t concurrency, size_t tokens, double interval,
                                 int ratealgorithm, double connectinterval, const char* tag, const char* propv[],
                                 size_t propl, bool stop, bool cluster, double ttl) {
  return police(id, fields, type,
                {transportid, localip, remoteip, remotemx, recipientdomain, jobid, grouping, tenantid},
                {concurrency, tokens, interval, ratealgorithm, connectinterval, tag, {propv, propl}, stop, cluster, ttl},
                __builtin_return_address(0));
}

bool HalonMTA_queue_policy_update(const char* id, size_t concurrency, size_t tokens, double interval,
                                  const char* tag, double ttl) {
  return update(id, {concurrency, tokens, interval, 0, 0, tag, {}, false, false, ttl}, "rate");
}

bool HalonMTA_queue_policy_update2(const char* id, size_t concurrency, size_t tokens, double interval,
                                   const char* tag, const char* propv[], size_t propl, double ttl) {
  return update(id, {concurrency, tokens, interval, 0, 0, tag, {propv, propl}, false, false, ttl}, "properties");
}

bool HalonMTA_queue_policy_update3(const char* id, size_t concurrency, size_t tokens, double interval,
                                   const char* tag, const char* propv[], size_t propl, bool stop, double ttl) {
  return update(id, {concurrency, tokens, interval, 0, 0, tag, {propv, propl}, stop, false, ttl}, "stop");
}

bool HalonMTA_queue_policy_update4(const char* id, size_t concurrency, size_t tokens, double interval,
                                   int ratealgorithm, double connectinterval, const char* tag,
                                   const char* propv[], size_t propl, bool stop, bool cluster, double ttl) {
  return update(id,
                {concurrency, tokens, interval, ratealgorithm, connectinterval, tag, {propv, propl}, stop, cluster, ttl},
                "all");
}

bool HalonMTA_queue_policy_delete(const char* id) { return remove(policies(), "policy-delete", id); }

bool HalonMTA_queue_policy_divide(size_t n) {
  if (n == 0) return false;
  broker().post("policy-divide", Fields().number("by", static_cast<double>(n)).take());
  return true;
}

bool HalonMTA_queue_list_add(int field, const char* list) {
  if (!is_one_field(field) || list == nullptr || *list == '\0' || !is_good(list)) return false;
  std::lock_guard guard(lists_lock);
  lists().insert({field, list});
  broker().post("list-add", Fields().number("field", field).text("list", list).take());
  return true;
}

bool HalonMTA_queue_list_item_add(int field, const char* list, const char* item) {
  return change_list("list-item-add", field, list, item);
}

bool HalonMTA_queue_list_item_delete(int field, const char* list, const char* item) {
  return change_list("list-item-delete", field, list, item);
}

bool HalonMTA_queue_list_reload(int field, const char* list) {
  if ((field != 0 && !is_one_field(field)) || !is_good(list)) return false;
  broker().post("list-reload", Fields().number("field", field).maybe("list", list).take());
  return true;
}
}
