/* Reads and writes values of every type. */
#include <HalonMTA.h>

HALON_EXPORT int Halon_version(void) { return HALONMTA_PLUGIN_VERSION; }

static void set_text(HalonHSLValue* value, const char* text) {
  HalonMTA_hsl_value_set(value, HALONMTA_HSL_TYPE_STRING, text, 0);
}

static void set_number(HalonHSLValue* value, double number) {
  HalonMTA_hsl_value_set(value, HALONMTA_HSL_TYPE_NUMBER, &number, 0);
}

static HalonHSLValue* append(HalonHSLValue* array, double key) {
  HalonHSLValue *k = NULL, *v = NULL;
  HalonMTA_hsl_value_array_add(array, &k, &v);
  set_number(k, key);
  return v;
}

static void refuse(HalonHSLContext* context, const char* why) {
  HalonMTA_hsl_value_set(HalonMTA_hsl_throw(context), HALONMTA_HSL_TYPE_EXCEPTION, why, 0);
}

/* add(a, b): both through the two names of argument access */
HALON_EXPORT void add(HalonHSLContext* context, HalonHSLArguments* args, HalonHSLValue* ret) {
  double a = 0, b = 0;
  if (!HalonMTA_hsl_value_get(HalonMTA_hsl_argument_get(args, 0), HALONMTA_HSL_TYPE_NUMBER, &a, NULL) ||
      !HalonMTA_hsl_value_get(HalonMTA_hsl_argument_list(args, 1), HALONMTA_HSL_TYPE_NUMBER, &b, NULL)) {
    refuse(context, "add wants two numbers");
    return;
  }
  set_number(ret, a + b);
}

/* types(...): the type numbers of the arguments */
static void types(HalonHSLContext* context, HalonHSLArguments* args, HalonHSLValue* ret) {
  (void)context;
  HalonMTA_hsl_value_set(ret, HALONMTA_HSL_TYPE_ARRAY, NULL, 0);
  for (size_t i = 0; i < HalonMTA_hsl_argument_length(args); ++i) {
    set_number(append(ret, (double)i), HalonMTA_hsl_value_type(HalonMTA_hsl_argument_get(args, i)));
  }
}

/* copy(value): rebuilt from what can be read of it */
static void copy_value(const HalonHSLValue* from, HalonHSLValue* to) {
  bool boolean = false;
  double number = 0;
  char* text = NULL;
  size_t length = 0;
  void* handle = NULL;
  switch (HalonMTA_hsl_value_type(from)) {
    case HALONMTA_HSL_TYPE_BOOLEAN:
      HalonMTA_hsl_value_get(from, HALONMTA_HSL_TYPE_BOOLEAN, &boolean, NULL);
      HalonMTA_hsl_value_set(to, HALONMTA_HSL_TYPE_BOOLEAN, &boolean, 0);
      break;
    case HALONMTA_HSL_TYPE_NUMBER:
      HalonMTA_hsl_value_get(from, HALONMTA_HSL_TYPE_NUMBER, &number, NULL);
      set_number(to, number);
      break;
    case HALONMTA_HSL_TYPE_STRING:
      HalonMTA_hsl_value_get(from, HALONMTA_HSL_TYPE_STRING, &text, &length);
      HalonMTA_hsl_value_set(to, HALONMTA_HSL_TYPE_STRING, text, length);
      break;
    case HALONMTA_HSL_TYPE_ARRAY: {
      HalonHSLValue *key = NULL, *item = NULL;
      HalonMTA_hsl_value_set(to, HALONMTA_HSL_TYPE_ARRAY, NULL, 0);
      for (size_t i = 0; (item = HalonMTA_hsl_value_array_get(from, i, &key)) != NULL; ++i) {
        HalonHSLValue *k = NULL, *v = NULL;
        HalonMTA_hsl_value_array_add(to, &k, &v);
        copy_value(key, k);
        copy_value(item, v);
      }
      break;
    }
    case HALONMTA_HSL_TYPE_X509:
      HalonMTA_hsl_value_get(from, HALONMTA_HSL_TYPE_X509, &handle, NULL);
      HalonMTA_hsl_value_set(to, HALONMTA_HSL_TYPE_X509, handle, 0);
      break;
    case HALONMTA_HSL_TYPE_PRIVATEKEY:
      HalonMTA_hsl_value_get(from, HALONMTA_HSL_TYPE_PRIVATEKEY, &handle, NULL);
      HalonMTA_hsl_value_set(to, HALONMTA_HSL_TYPE_PRIVATEKEY, handle, 0);
      break;
    default:
      HalonMTA_hsl_value_set(to, HALONMTA_HSL_TYPE_NONE, NULL, 0);
  }
}

static void copy(HalonHSLContext* context, HalonHSLArguments* args, HalonHSLValue* ret) {
  (void)context;
  copy_value(HalonMTA_hsl_argument_get(args, 0), ret);
}

/* look(array, key): [length, the item by key] */
static void look(HalonHSLContext* context, HalonHSLArguments* args, HalonHSLValue* ret) {
  (void)context;
  char* key = NULL;
  const HalonHSLValue* array = HalonMTA_hsl_argument_get(args, 0);
  HalonMTA_hsl_value_get(HalonMTA_hsl_argument_get(args, 1), HALONMTA_HSL_TYPE_STRING, &key, NULL);
  set_number(append(ret, 0), (double)HalonMTA_hsl_value_array_length(array));
  copy_value(HalonMTA_hsl_value_array_find(array, key), append(ret, 1));
}

/* to_json(value, unicode) */
static void to_json(HalonHSLContext* context, HalonHSLArguments* args, HalonHSLValue* ret) {
  char* text = NULL;
  size_t length = 0;
  bool unicode = false;
  const HalonHSLValue* value = HalonMTA_hsl_argument_get(args, 0);
  HalonMTA_hsl_value_get(HalonMTA_hsl_argument_get(args, 1), HALONMTA_HSL_TYPE_BOOLEAN, &unicode, NULL);
  bool good = unicode ? HalonMTA_hsl_value_to_json2(value, &text, &length, HALONMTA_JSON_ENCODE_NO_ENSURE_ASCII)
                      : HalonMTA_hsl_value_to_json(value, &text, &length);
  if (good) {
    HalonMTA_hsl_value_set(ret, HALONMTA_HSL_TYPE_STRING, text, length);
  } else {
    refuse(context, text);
  }
  free(text);
}

/* from_json(text, bytes) */
static void from_json(HalonHSLContext* context, HalonHSLArguments* args, HalonHSLValue* ret) {
  char *text = NULL, *error = NULL;
  size_t length = 0;
  bool bytes = false;
  HalonMTA_hsl_value_get(HalonMTA_hsl_argument_get(args, 0), HALONMTA_HSL_TYPE_STRING, &text, NULL);
  HalonMTA_hsl_value_get(HalonMTA_hsl_argument_get(args, 1), HALONMTA_HSL_TYPE_BOOLEAN, &bytes, NULL);
  bool good = bytes ? HalonMTA_hsl_value_from_json2(ret, text, &error, &length, HALONMTA_JSON_DECODE_UNICODE_BYTE)
                    : HalonMTA_hsl_value_from_json(ret, text, &error, &length);
  if (!good) refuse(context, error);
  free(error);
}

/* read_file(file, offset): what stands from there on, at most 1000 bytes */
static void read_file(HalonHSLContext* context, HalonHSLArguments* args, HalonHSLValue* ret) {
  FILE* file = NULL;
  double offset = 0;
  char text[1001];
  if (!HalonMTA_hsl_value_get(HalonMTA_hsl_argument_get(args, 0), HALONMTA_HSL_TYPE_FILE, &file, NULL)) {
    refuse(context, "read_file wants a file");
    return;
  }
  HalonMTA_hsl_value_get(HalonMTA_hsl_argument_get(args, 1), HALONMTA_HSL_TYPE_NUMBER, &offset, NULL);
  fseek(file, (long)offset, offset < 0 ? SEEK_END : SEEK_SET);
  size_t got = fread(text, 1, sizeof text - 1, file);
  text[got] = '\0';
  HalonMTA_hsl_value_set(ret, HALONMTA_HSL_TYPE_STRING, text, got);
}

extern char* __progname;

/* program(): the name of the program, as plugins ask for it */
static void program(HalonHSLContext* context, HalonHSLArguments* args, HalonHSLValue* ret) {
  (void)context, (void)args;
  set_text(ret, __progname);
}

static HalonHSLValue* kept = NULL;

/* keep(): a pointer to its result, used by use_kept() when the call is over */
static void keep(HalonHSLContext* context, HalonHSLArguments* args, HalonHSLValue* ret) {
  (void)context, (void)args;
  kept = ret;
  set_text(ret, "kept");
}

static void use_kept(HalonHSLContext* context, HalonHSLArguments* args, HalonHSLValue* ret) {
  (void)context, (void)args;
  set_number(ret, HalonMTA_hsl_value_type(kept));
}

HALON_EXPORT bool Halon_hsl_register(HalonHSLRegisterContext* context) {
  HalonMTA_hsl_register_function(context, "add", NULL);
  HalonMTA_hsl_register_function(context, "types", types);
  HalonMTA_hsl_register_function(context, "copy", copy);
  HalonMTA_hsl_register_function(context, "look", look);
  HalonMTA_hsl_register_function(context, "to_json", to_json);
  HalonMTA_hsl_register_function(context, "from_json", from_json);
  HalonMTA_hsl_register_function(context, "read_file", read_file);
  HalonMTA_hsl_register_function(context, "program", program);
  HalonMTA_hsl_register_function(context, "keep", keep);
  HalonMTA_hsl_register_function(context, "use_kept", use_kept);
  HalonMTA_hsl_module_register_function(context, "add", NULL);
  HalonMTA_hsl_register_static_function(context, "Sum", "add", add);
  HalonMTA_hsl_module_register_static_function(context, "Sum", "add", add);
  return true;
}
