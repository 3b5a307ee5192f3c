// The configuration tree of a plugin, built from JavaScript once and never changed. Scalars keep their text, for
// that is how plugins read them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "abi.h"

struct HalonConfig {
  enum class Kind { text, bare, object, array };  // bare: a number or boolean, not quoted in JSON
  Kind kind = Kind::text;
  std::string text;
  std::vector<std::unique_ptr<HalonConfig>> keys;
  std::vector<std::unique_ptr<HalonConfig>> items;
};

struct HalonInitContext {
  HalonConfig* config;
  HalonConfig* app_config;
};

struct HalonReadyContext {};

struct HalonCommandExecuteContext {};
