// From plugin threads to the loop. A thread leaves an event or a scheduled call here and goes on at once; the loop
// is woken and takes all that has gathered. No thread ever waits for the loop, so plugins may hold locks that
// their functions on the loop also want. After close(), what threads leave is dropped. Never destroyed: threads of
// plugins may outlive everything else.
#pragma once

#include <node_api.h>

#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "value.h"

struct HalonHSLContext;

namespace mta {

struct ObjectGone {
  HalonHSLObject* object;
};

// What TypeScript hears: a kind from the closed list in plugins/native.ts and a value.
struct Event {
  const char* kind = nullptr;
  HalonHSLValue payload;
  HalonHSLObject* gone = nullptr;
};

// Builds the payload of an event, an array with names.
class Fields {
 public:
  Fields& text(const char* name, const std::string& value) { return put(name, value); }
  // An absent C string is none.
  Fields& maybe(const char* name, const char* value) {
    return value == nullptr ? put(name, None{}) : put(name, std::string(value));
  }
  Fields& number(const char* name, double value) { return put(name, value); }
  Fields& flag(const char* name, bool value) { return put(name, value); }
  Fields& value(const char* name, HalonHSLValue value) { return put(name, std::move(value.content)); }
  HalonHSLValue take() { return HalonHSLValue{std::move(array_)}; }

 private:
  Fields& put(const char* name, Content content) {
    auto& pair = array_.emplace_back(std::make_unique<Pair>());
    pair->key.content = std::string(name);
    pair->item.content = std::move(content);
    return *this;
  }
  Array array_;
};

class Broker {
 public:
  struct Batch {
    std::vector<HalonHSLContext*> scheduled;
    std::vector<Event> events;
  };

  // `deliver` runs on the loop whenever something is waiting.
  void open(napi_env env, void (*deliver)(napi_env));
  void close();
  // The same when the process is past calling Node.
  void abandon();
  bool on_loop() const { return std::this_thread::get_id() == loop_; }
  // The loop stays alive while something is held, one hold for each suspended call and delivery. Loop only.
  void hold(napi_env env);
  void drop(napi_env env);

  void schedule(HalonHSLContext* context);
  void post(ObjectGone gone);
  void post(const char* kind, HalonHSLValue payload);
  // A plugin misused the ABI, blocked the loop or the like; `plugin` may be "".
  void report(const std::string& plugin, const char* code, const std::string& text);
  Batch take();

 private:
  void wake();

  std::mutex lock_;
  napi_threadsafe_function waker_ = nullptr;
  bool waking_ = false;
  Batch waiting_;
  std::thread::id loop_;
  size_t holds_ = 0;
};

Broker& broker();

}  // namespace mta
