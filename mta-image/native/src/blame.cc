// The watchdog and the crash note; see blame.h.
#include "blame.h"

#include <fcntl.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstring>
#include <thread>

#include "broker.h"

namespace mta {
namespace {

std::atomic<Plugin*> running{nullptr};
std::atomic<const char*> running_function{""};
std::atomic<int64_t> running_since{0};
std::atomic<unsigned> limit_ms{1000};

int64_t coarse_ms() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1'000'000;
}

// One line a second while the same call holds the loop.
void watch() {
  int64_t told = 0;
  for (;;) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    Plugin* plugin = running.load();
    const int64_t since = running_since.load();
    if (plugin == nullptr || since == 0) continue;
    const int64_t now = coarse_ms();
    if (now - since < limit_ms.load() || now - told < 1000) continue;
    told = now;
    fprintf(stderr, "plugin %s: %s has held the event loop for %lld ms\n", plugin->id.c_str(),
            running_function.load(), static_cast<long long>(now - since));
  }
}

constexpr int kDeadly[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};
struct sigaction previous[std::size(kDeadly)];

int notes = -1;

void say(const char* text) {
  for (const int file : {STDERR_FILENO, notes}) {
    const auto ignored = write(file, text, strlen(text));
    static_cast<void>(ignored);
  }
}

const void* code_address(void* context) {
#if defined(__x86_64__)
  return reinterpret_cast<const void*>(static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_RIP]);
#elif defined(__aarch64__)
  return reinterpret_cast<const void*>(static_cast<ucontext_t*>(context)->uc_mcontext.pc);
#else
  static_cast<void>(context);
  return nullptr;
#endif
}

// Only functions that are safe in a signal handler from here on. The previous action follows, so that a core
// dump, or the handler of a language runtime, comes to its own.
void note_crash(int signal, siginfo_t*, void* context) {
  const Plugin* owner = plugin_of(code_address(context));
  const Plugin* caller = broker().on_loop() ? running.load() : nullptr;
  if (owner != nullptr || caller != nullptr) {
    say("crash in plugin ");
    say((owner != nullptr ? owner : caller)->id.c_str());
    if (caller != nullptr) {
      say(", function ");
      say(running_function.load());
    }
    say("\n");
  }
  for (size_t i = 0; i < std::size(kDeadly); ++i) {
    if (kDeadly[i] == signal) sigaction(signal, &previous[i], nullptr);
  }
  if (signal == SIGABRT) raise(signal);
}

}  // namespace

Blame::Blame(Plugin& plugin, const char* function) : plugin_(plugin), function_(function), since_(coarse_ms()) {
  running_function.store(function, std::memory_order_relaxed);
  running_since.store(since_, std::memory_order_relaxed);
  running.store(&plugin, std::memory_order_release);
}

Blame::~Blame() {
  running.store(nullptr, std::memory_order_release);
  const int64_t took = coarse_ms() - since_;
  if (took < limit_ms.load(std::memory_order_relaxed)) return;
  plugin_.blocked_calls.fetch_add(1);
  plugin_.blocked_ms.fetch_add(static_cast<uint64_t>(took));
  if (static_cast<uint64_t>(took) > plugin_.longest_ms.load()) plugin_.longest_ms.store(static_cast<uint64_t>(took));
  broker().report(plugin_.id, "blocked",
                  std::string(function_) + " held the event loop for " + std::to_string(took) + " ms");
}

bool keep_notes(const char* path) {
  notes = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  return notes >= 0;
}

void start_blame(unsigned limit) {
  limit_ms.store(limit);
  static bool started = false;
  if (started) return;
  started = true;
  struct sigaction action {};
  action.sa_sigaction = note_crash;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  for (size_t i = 0; i < std::size(kDeadly); ++i) sigaction(kDeadly[i], &action, &previous[i]);
  // The handler needs room of its own when a stack has overflowed.
  static char room[64 * 1024];
  const stack_t stack{room, 0, sizeof room};
  sigaltstack(&stack, nullptr);
  std::thread(watch).detach();
}

}  // namespace mta
