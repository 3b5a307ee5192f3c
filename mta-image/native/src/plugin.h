// One shared object: opened once, never closed (Go's runtime cannot be unloaded, and threads may be in it). All
// plugins are kept for the life of the process in one list; the index in it names the plugin to TypeScript.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>

#include "config.h"

namespace mta {

struct Plugin;

struct Function {
  Plugin* plugin;
  std::string name;
  HalonHSLFunction* call;
};

struct Plugin {
  std::string id;
  std::string path;
  void* handle = nullptr;
  std::string unbound;  // what its libraries lack, see Opened
  uintptr_t start = 0;  // the mapped range, to tell whose code an address is
  uintptr_t end = 0;
  bool in_place = false;  // its functions may call hsl_suspend, so they run on stacks of their own
  bool running = false;  // it was started, so its cleanup is owed
  std::unique_ptr<HalonConfig> config;
  std::unique_ptr<HalonConfig> app_config;
  std::unique_ptr<HalonConfig> reloaded;
  std::deque<Function> functions;  // a deque: addresses are kept by script functions
  std::atomic<uint64_t> calls{0};
  std::atomic<uint64_t> suspended{0};
  std::atomic<uint64_t> misuses{0};
  std::atomic<uint64_t> blocked_calls{0};
  std::atomic<uint64_t> longest_ms{0};
  std::atomic<uint64_t> blocked_ms{0};

  // The exported function, nullptr if there is none.
  template <typename F>
  F* symbol(const char* name) const {
    return reinterpret_cast<F*>(lookup(name));
  }
  void* lookup(const char* name) const;
};

// Opens and remembers it; throws std::runtime_error with the loader's words.
Plugin& open_plugin(const std::string& id, const std::string& path, bool in_place);
Plugin* plugin_at(size_t index);
size_t plugin_count();
// Whose code this address is, nullptr for nobody's.
Plugin* plugin_of(const void* address);
// For a report: the id, or "".
std::string name_of(const Plugin* plugin);

}  // namespace mta
