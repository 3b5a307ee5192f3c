// What a plugin registers for scripts.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "plugin.h"

struct HalonHSLRegisterContext {
  struct Entry {
    bool module;
    std::optional<std::string> class_name;
    const mta::Function* function;
  };
  mta::Plugin* plugin;
  std::vector<Entry> entries;
  std::string problem;  // the first refusal
};
