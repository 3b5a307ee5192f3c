// One call of a plugin's function by a script. Its states:
//   running    the function is on the stack (the loop's or a fiber's);
//   parked     it suspended, by returning or in place, and nothing has scheduled it yet;
//   scheduled  some thread asked for it to go on, maybe before it parked;
//   over       the result was taken; the record rests on its shelf until it is used again.
// The loop's thread makes every change but one: schedule, from any thread, sets a bit. Whoever sets the second of
// the bits parked and scheduled sees the first and moves the call on.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

#include "fiber.h"
#include "plugin.h"
#include "value.h"

struct HalonHSLContext {
  enum Bit : uint32_t { parked = 1, scheduled = 2, over = 4 };

  unsigned index = 0;
  std::atomic<uint32_t> state{over};
  mta::Plugin* plugin = nullptr;
  const char* name = "";
  HalonHSLFunction* function = nullptr;
  HalonHSLArguments args;
  HalonHSLValue ret;
  std::optional<HalonHSLValue> thrown;
  std::optional<mta::ObjectRef> self;
  mta::Fiber* fiber = nullptr;
  bool suspending = false;  // suspend_return was called
  bool known = false;       // it was parked once, so a thread has the address
};

namespace mta {

// A fresh call of `function`, whose arguments the caller fills.
HalonHSLContext& begin_call(Plugin& plugin, const char* name, HalonHSLFunction* function);
// Starts it, or goes on after a schedule. True when it has ended and the result stands in ret or thrown.
bool run_call(HalonHSLContext& call);
void end_call(HalonHSLContext& call);
size_t calls_under_way();

}  // namespace mta
