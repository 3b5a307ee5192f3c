// Objects that plugins make for scripts: a type name, methods, and a pointer with its destructor. Counted by the
// plugin's own reference, by values, and by the script's handle. The destructor is plugin code, so it runs on the
// loop's thread only: a last reference dropped elsewhere is handed to the broker.
#pragma once

#include <atomic>
#include <string>
#include <utility>
#include <vector>

#include "abi.h"

struct HalonHSLObject {
  std::atomic<int> references{1};
  std::string type;
  std::vector<std::pair<std::string, HalonHSLFunction*>> methods;
  void* pointer = nullptr;
  void (*destroy)(void*) = nullptr;
};

namespace mta {

void retain(HalonHSLObject* object);
void release(HalonHSLObject* object);
// Runs the plugin's destructor now, on the loop's thread; the object stays as an empty shell.
void empty(HalonHSLObject* object);

class ObjectRef {
 public:
  explicit ObjectRef(HalonHSLObject* object) : object_(object) { retain(object_); }
  ObjectRef(const ObjectRef& other) : ObjectRef(other.object_) {}
  ObjectRef(ObjectRef&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  ObjectRef& operator=(ObjectRef other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~ObjectRef() {
    if (object_ != nullptr) release(object_);
  }
  HalonHSLObject* get() const { return object_; }

 private:
  HalonHSLObject* object_;
};

}  // namespace mta
