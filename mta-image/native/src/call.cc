// Running, parking and waking calls; see call.h.
#include "call.h"

#include "blame.h"
#include "broker.h"
#include "shelf.h"

namespace mta {
namespace {

using Bit = HalonHSLContext::Bit;

Shelf<HalonHSLContext>& shelf() {
  static auto& one = *new Shelf<HalonHSLContext>;
  return one;
}

// The first schedule may have come already; then there is nothing to wait for.
bool park(HalonHSLContext& call) {
  call.known = true;
  const bool waits = (call.state.fetch_or(Bit::parked) & Bit::scheduled) == 0;
  if (!waits) call.state.store(0);
  return waits;
}

void run_function(void* argument) {
  auto& call = *static_cast<HalonHSLContext*>(argument);
  const std::string problem = guarded([&] { call.function(&call, &call.args, &call.ret); });
  if (!problem.empty()) call.thrown = HalonHSLValue{Exception{call.plugin->id + ": " + call.name + ": " + problem}};
}

bool start(HalonHSLContext& call) {
  if (!call.plugin->in_place) {
    run_function(&call);
    return true;
  }
  call.fiber = Fiber::take(run_function, &call);
  if (call.fiber == nullptr) {
    call.thrown = HalonHSLValue{Exception{call.plugin->id + ": too many calls are suspended in place"}};
    return true;
  }
  return call.fiber->enter();
}

void misuse(const Plugin* plugin, const char* code, const std::string& text) {
  if (plugin != nullptr) const_cast<Plugin*>(plugin)->misuses.fetch_add(1);
  broker().report(name_of(plugin), code, text);
}

}  // namespace

HalonHSLContext& begin_call(Plugin& plugin, const char* name, HalonHSLFunction* function) {
  auto& call = shelf().take();
  call.plugin = &plugin;
  call.name = name;
  call.function = function;
  call.suspending = false;
  call.known = false;
  call.state.store(0);
  plugin.calls.fetch_add(1, std::memory_order_relaxed);
  return call;
}

bool run_call(HalonHSLContext& call) {
  Blame blame(*call.plugin, call.name);
  bool returned = false;
  if (call.state.load() & Bit::scheduled) {  // woken
    call.state.store(0);
    returned = call.fiber == nullptr || call.fiber->enter();
  } else {
    returned = start(call);
  }
  if (!returned) return false;
  call.fiber = nullptr;
  if (!call.suspending) return true;
  call.suspending = false;
  return !park(call);
}

void end_call(HalonHSLContext& call) {
  call.state.store(Bit::over);
  call.args.values.clear();
  call.ret.content = None{};
  call.thrown.reset();
  call.self.reset();
  shelf().give_back(call, call.known);
}

size_t calls_under_way() { return shelf().taken(); }

}  // namespace mta

using namespace mta;

extern "C" {

HalonHSLValue* HalonMTA_hsl_throw(HalonHSLContext* context) {
  if (context == nullptr) return nullptr;
  return &context->thrown.emplace();
}

void HalonMTA_hsl_suspend_return(HalonHSLContext* context) {
  if (context != nullptr) context->suspending = true;
}

void HalonMTA_hsl_suspend(HalonHSLContext* context) {
  if (context == nullptr) return;
  if (!broker().on_loop()) {
    return misuse(context->plugin, "suspend-from-thread",
                  std::string(context->name) + " suspended its call from a thread of its own");
  }
  if (context->fiber != nullptr) {
    if (park(*context)) context->fiber->leave();
    return;
  }
  // A plugin that found this function by name at run time is on the loop's own stack: it can only block.
  misuse(context->plugin, "suspend-blocks",
         std::string(context->name) + " suspends in place without importing HalonMTA_hsl_suspend; the loop waits");
  for (uint32_t seen = 0; ((seen = context->state.load()) & Bit::scheduled) == 0;) context->state.wait(seen);
  context->state.store(0);
}

void HalonMTA_hsl_schedule(HalonHSLContext* context) {
  if (context == nullptr) return;
  const uint32_t before = context->state.fetch_or(Bit::scheduled);
  if (before & Bit::over) {
    return misuse(plugin_of(__builtin_return_address(0)), "schedule-after-end",
                  std::string(context->name) + " scheduled a call that was over");
  }
  if (before & Bit::scheduled) {
    return misuse(context->plugin, "schedule-twice", std::string(context->name) + " scheduled a call twice");
  }
  context->state.notify_all();
  if (before & Bit::parked) broker().schedule(context);
}

void* HalonMTA_hsl_object_ptr_get(HalonHSLContext* context) {
  return context == nullptr || !context->self.has_value() ? nullptr : context->self->get()->pointer;
}
}
