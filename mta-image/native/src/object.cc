// Life of objects made by plugins; see object.h.
#include "object.h"

#include "broker.h"

namespace mta {

void retain(HalonHSLObject* object) { object->references.fetch_add(1, std::memory_order_relaxed); }

void empty(HalonHSLObject* object) {
  auto destroy = std::exchange(object->destroy, nullptr);
  auto pointer = std::exchange(object->pointer, nullptr);
  if (destroy != nullptr && pointer != nullptr) destroy(pointer);
}

void release(HalonHSLObject* object) {
  if (object->references.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  if (object->destroy == nullptr || broker().on_loop()) {
    empty(object);
    delete object;
  } else {
    broker().post(ObjectGone{object});
  }
}

}  // namespace mta

using namespace mta;

extern "C" {

HalonHSLObject* HalonMTA_hsl_object_new(void) { return new HalonHSLObject; }

void HalonMTA_hsl_object_delete(HalonHSLObject* object) {
  if (object != nullptr) release(object);
}

void HalonMTA_hsl_object_type_set(HalonHSLObject* object, const char* name) {
  if (object != nullptr && name != nullptr) object->type = name;
}

void HalonMTA_hsl_object_register_function(HalonHSLObject* object, const char* method,
                                                        HalonHSLFunction* function) {
  if (object != nullptr && method != nullptr && function != nullptr) object->methods.emplace_back(method, function);
}

void HalonMTA_hsl_object_ptr_set(HalonHSLObject* object, void* pointer, void (*destroy)(void*)) {
  if (object == nullptr) return;
  object->pointer = pointer;
  object->destroy = destroy;
}
}
