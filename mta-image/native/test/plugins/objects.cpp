// A counter object with methods and a destructor, and one that methods make.
#include <HalonMTA.h>

static int alive = 0;

struct Counter {
  double at = 0;
};

static void destroy(void* pointer) {
  --alive;
  delete static_cast<Counter*>(pointer);
}

static void set_number(HalonHSLValue* value, double number) {
  HalonMTA_hsl_value_set(value, HALONMTA_HSL_TYPE_NUMBER, &number, 0);
}

static double number_in(HalonHSLArguments* args, size_t index, double otherwise) {
  HalonMTA_hsl_value_get(HalonMTA_hsl_argument_get(args, index), HALONMTA_HSL_TYPE_NUMBER, &otherwise, nullptr);
  return otherwise;
}

static void increase(HalonHSLContext* context, HalonHSLArguments* args, HalonHSLValue* ret) {
  auto* counter = static_cast<Counter*>(HalonMTA_hsl_object_ptr_get(context));
  counter->at += number_in(args, 0, 1);
  HalonMTA_hsl_value_set(ret, HALONMTA_HSL_TYPE_THIS, context, 0);
}

static void value(HalonHSLContext* context, HalonHSLArguments*, HalonHSLValue* ret) {
  set_number(ret, static_cast<Counter*>(HalonMTA_hsl_object_ptr_get(context))->at);
}

static HalonHSLObject* make(double at) {
  auto* counter = new Counter;
  counter->at = at;
  ++alive;
  HalonHSLObject* object = HalonMTA_hsl_object_new();
  HalonMTA_hsl_object_type_set(object, "Counter");
  HalonMTA_hsl_object_register_function(object, "increase", increase);
  HalonMTA_hsl_object_register_function(object, "value", value);
  HalonMTA_hsl_object_register_function(object, "twin", [](HalonHSLContext* context, HalonHSLArguments*,
                                                           HalonHSLValue* ret) {
    HalonHSLObject* twin = make(static_cast<Counter*>(HalonMTA_hsl_object_ptr_get(context))->at);
    HalonMTA_hsl_value_set(ret, HALONMTA_HSL_TYPE_OBJECT, twin, 0);
    HalonMTA_hsl_object_delete(twin);
  });
  HalonMTA_hsl_object_ptr_set(object, counter, destroy);
  return object;
}

HALON_EXPORT int Halon_version() { return HALONMTA_PLUGIN_VERSION; }

HALON_EXPORT bool Halon_hsl_register(HalonHSLRegisterContext* context) {
  const auto create = [](HalonHSLContext*, HalonHSLArguments*, HalonHSLValue* ret) {
    HalonHSLObject* object = make(0);
    HalonMTA_hsl_value_set(ret, HALONMTA_HSL_TYPE_OBJECT, object, 0);
    HalonMTA_hsl_object_delete(object);
  };
  HalonMTA_hsl_register_function(context, "Counter", create);
  // A class that is only to be imported.
  HalonMTA_hsl_module_register_function(context, "Tally", create);
  HalonMTA_hsl_module_register_static_function(
      context, "Tally", "add", [](HalonHSLContext*, HalonHSLArguments* args, HalonHSLValue* ret) {
        set_number(ret, number_in(args, 0, 0) + number_in(args, 1, 0));
      });
  // Made and dropped within the call: the destructor has run when it returns.
  HalonMTA_hsl_register_function(context, "drop", [](HalonHSLContext*, HalonHSLArguments*, HalonHSLValue* ret) {
    HalonMTA_hsl_object_delete(make(0));
    set_number(ret, alive);
  });
  HalonMTA_hsl_register_function(context, "alive", [](HalonHSLContext*, HalonHSLArguments*, HalonHSLValue* ret) {
    set_number(ret, alive);
  });
  return true;
}
