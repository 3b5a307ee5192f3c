// Script values while native code runs: one owner each (a call's slot, a delivery, a queue hook), freed with it.
// The kinds are those of the ABI plus Opaque, a script value that the ABI cannot name; plugins see it as an object
// that they cannot get. Pointers to values inside an array stay good while the array grows. Not locked: the ABI
// lets one thread at a time at the values of a call.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "abi.h"
#include "object.h"
#include "openssl.h"
#include "stream.h"

namespace mta {

struct Pair;
struct None {};
struct Opaque {};
struct This {};
struct Exception {
  std::string message;
};
using Array = std::vector<std::unique_ptr<Pair>>;
using Content = std::variant<None, bool, double, std::string, Array, std::shared_ptr<Stream>, ObjectRef, Exception,
                             This, X509Ref, PrivateKeyRef, Opaque>;

// A value's type as the ABI numbers it.
int type_of(const HalonHSLValue& value);
// A malloc'ed, zero-ended copy, as the ABI hands out texts.
char* duplicate(const std::string& text, size_t* length);

}  // namespace mta

struct HalonHSLValue {
  mta::Content content;
};

namespace mta {
struct Pair {
  HalonHSLValue key;
  HalonHSLValue item;
};
}  // namespace mta

struct HalonHSLArguments {
  std::vector<HalonHSLValue> values;
};
