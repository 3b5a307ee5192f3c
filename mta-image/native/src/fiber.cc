// Stackful calls by ucontext; see fiber.h.
#include "fiber.h"

#include <cxxabi.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <vector>

#if defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
#elif defined(MTA_SANITIZE)
#include <sanitizer/common_interface_defs.h>
#define MTA_ADDRESS
#endif

namespace mta {
namespace {

// Plugin code expects an ordinary thread's room, but pages cost only when touched.
constexpr size_t kStack = 256 * 1024;
constexpr size_t kGuard = 4096;
// Each stack takes two of the kernel's 65,530 mappings (vm.max_map_count).
constexpr size_t kMost = 20'000;
// Idle stacks kept for the next call; more than that are given back to the kernel.
constexpr size_t kIdle = 64;

std::vector<char*> idle;
size_t in_use = 0;
Fiber* running = nullptr;

char* take_stack() {
  if (!idle.empty()) {
    char* stack = idle.back();
    idle.pop_back();
    return stack;
  }
  void* memory = mmap(nullptr, kStack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  if (memory == MAP_FAILED) return nullptr;
  mprotect(memory, kGuard, PROT_NONE);
  return static_cast<char*>(memory);
}

void give_stack(char* stack) {
  if (idle.size() < kIdle) {
    idle.push_back(stack);
  } else {
    munmap(stack, kStack);
  }
}

void exchange_exceptions(ExceptionState& other) {
  ExceptionState mine;
  auto* runtime = reinterpret_cast<ExceptionState*>(abi::__cxa_get_globals());
  mine = *runtime;
  *runtime = other;
  other = mine;
}

}  // namespace

Fiber* Fiber::take(void (*body)(void*), void* argument) {
  if (in_use == kMost) return nullptr;
  char* stack = take_stack();
  if (stack == nullptr) return nullptr;
  ++in_use;
  auto* fiber = new Fiber;
  fiber->stack_ = stack;
  fiber->body_ = body;
  fiber->argument_ = argument;
  fiber->prepare();
  return fiber;
}

// By itself, because getcontext is a function that may return twice to the compiler.
void Fiber::prepare() {
  getcontext(&here_);
  here_.uc_stack.ss_sp = stack_ + kGuard;
  here_.uc_stack.ss_size = kStack - kGuard;
  here_.uc_link = nullptr;
  makecontext(&here_, &Fiber::main, 0);
#ifdef __SANITIZE_THREAD__
  shadow_ = __tsan_create_fiber(0);
#endif
}

Fiber* Fiber::current() { return running; }

bool Fiber::enter() {
  running = this;
  exchange_exceptions(exceptions_);
  switch_in();
  exchange_exceptions(exceptions_);
  running = nullptr;
  if (!ended_) return false;
#ifdef __SANITIZE_THREAD__
  __tsan_destroy_fiber(shadow_);
#endif
  give_stack(stack_);
  --in_use;
  delete this;
  return true;
}

void Fiber::leave() { switch_out(false); }

void Fiber::main() {
  Fiber& self = *running;
#ifdef MTA_ADDRESS
  __sanitizer_finish_switch_fiber(nullptr, &self.loop_stack_, &self.loop_stack_size_);
#endif
  self.body_(self.argument_);
  self.ended_ = true;
  self.switch_out(true);
}

void Fiber::switch_in() {
#ifdef MTA_ADDRESS
  __sanitizer_start_switch_fiber(&loop_shadow_, stack_ + kGuard, kStack - kGuard);
#endif
#ifdef __SANITIZE_THREAD__
  loop_shadow_ = __tsan_get_current_fiber();
  __tsan_switch_to_fiber(shadow_, 0);
#endif
  swapcontext(&loop_, &here_);
#ifdef MTA_ADDRESS
  __sanitizer_finish_switch_fiber(loop_shadow_, nullptr, nullptr);
#endif
}

void Fiber::switch_out(bool for_good) {
#ifdef MTA_ADDRESS
  __sanitizer_start_switch_fiber(for_good ? nullptr : &shadow_, loop_stack_, loop_stack_size_);
#else
  static_cast<void>(for_good);
#endif
#ifdef __SANITIZE_THREAD__
  __tsan_switch_to_fiber(loop_shadow_, 0);
#endif
  swapcontext(&here_, &loop_);
#ifdef MTA_ADDRESS
  __sanitizer_finish_switch_fiber(shadow_, &loop_stack_, &loop_stack_size_);
#endif
}

}  // namespace mta
