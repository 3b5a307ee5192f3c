// The way from plugin threads to the loop; see broker.h.
#include "broker.h"

namespace mta {

Broker& broker() {
  static Broker& one = *new Broker;
  return one;
}

void Broker::open(napi_env env, void (*deliver)(napi_env)) {
  napi_value name = nullptr;
  napi_create_string_utf8(env, "plugin events", NAPI_AUTO_LENGTH, &name);
  const auto on_wake = [](napi_env at, napi_value, void* context, void*) {
    if (at != nullptr) reinterpret_cast<void (*)(napi_env)>(context)(at);
  };
  std::lock_guard guard(lock_);
  loop_ = std::this_thread::get_id();
  napi_create_threadsafe_function(env, nullptr, nullptr, name, 0, 1, nullptr, nullptr,
                                  reinterpret_cast<void*>(deliver), on_wake, &waker_);
  napi_unref_threadsafe_function(env, waker_);
}

void Broker::close() {
  std::lock_guard guard(lock_);
  if (waker_ == nullptr) return;
  napi_release_threadsafe_function(waker_, napi_tsfn_abort);
  waker_ = nullptr;
}

void Broker::abandon() {
  std::lock_guard guard(lock_);
  waker_ = nullptr;
}

void Broker::hold(napi_env env) {
  if (holds_++ == 0 && waker_ != nullptr) napi_ref_threadsafe_function(env, waker_);
}

void Broker::drop(napi_env env) {
  if (--holds_ == 0 && waker_ != nullptr) napi_unref_threadsafe_function(env, waker_);
}

void Broker::wake() {
  if (waking_ || waker_ == nullptr) return;
  waking_ = napi_call_threadsafe_function(waker_, nullptr, napi_tsfn_nonblocking) == napi_ok;
}

void Broker::schedule(HalonHSLContext* context) {
  std::lock_guard guard(lock_);
  waiting_.scheduled.push_back(context);
  wake();
}

void Broker::post(ObjectGone gone) {
  std::lock_guard guard(lock_);
  waiting_.events.push_back(Event{nullptr, {}, gone.object});
  wake();
}

void Broker::post(const char* kind, HalonHSLValue payload) {
  std::lock_guard guard(lock_);
  waiting_.events.push_back(Event{kind, std::move(payload), nullptr});
  wake();
}

void Broker::report(const std::string& plugin, const char* code, const std::string& text) {
  post("report", Fields().text("plugin", plugin).text("code", code).text("text", text).take());
}

Broker::Batch Broker::take() {
  Batch batch;
  std::lock_guard guard(lock_);
  std::swap(batch, waiting_);
  waking_ = false;
  return batch;
}

}  // namespace mta
