// Stacks of their own for calls that may suspend in place (HalonMTA_hsl_suspend). The loop enters a fiber, the
// plugin's code leaves it at a suspend and the loop enters it again after the schedule. Nothing on a fiber ever
// touches JavaScript. Stacks have a guard page below them and are pooled. The loop's thread only.
#pragma once

#include <ucontext.h>

#include <cstddef>

namespace mta {

// What the C++ runtime keeps per thread for exceptions under way, laid out as in the Itanium ABI; it belongs to
// the stack, so it is exchanged with it: a plugin may suspend within a catch block.
struct ExceptionState {
  void* caught = nullptr;
  unsigned uncaught = 0;
};

class Fiber {
 public:
  // nullptr when too many are in use or there is no memory.
  static Fiber* take(void (*body)(void*), void* argument);
  // The one that runs now, nullptr on the loop's own stack.
  static Fiber* current();

  // Runs until the body ends or leaves; true when it has ended, and the fiber went back to the pool.
  bool enter();
  // Back to the loop, from within the body.
  void leave();

 private:
  static void main();
  void prepare();
  void switch_in();
  void switch_out(bool for_good);

  ucontext_t here_{};
  ucontext_t loop_{};
  char* stack_ = nullptr;
  void (*body_)(void*) = nullptr;
  void* argument_ = nullptr;
  bool ended_ = false;
  ExceptionState exceptions_;
  // For the sanitizers, which must be told of each change of stacks.
  void* shadow_ = nullptr;
  void* loop_shadow_ = nullptr;
  const void* loop_stack_ = nullptr;
  size_t loop_stack_size_ = 0;
};

}  // namespace mta
