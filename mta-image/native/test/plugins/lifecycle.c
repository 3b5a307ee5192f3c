/* Writes down what happens to it, and says so when commanded. Configuration: {"fail": "<export that says false>"}. */
#include <HalonMTA.h>
#include <unistd.h>

static char story[4096];

static void note(const char* what) {
  if (story[0] != '\0') strncat(story, " ", sizeof story - strlen(story) - 1);
  strncat(story, what, sizeof story - strlen(story) - 1);
}

static bool outcome(HalonInitContext* context, const char* name) {
  HalonConfig *config = NULL, *app = NULL;
  HalonMTA_init_getinfo(context, HALONMTA_INIT_CONFIG, NULL, 0, &config, NULL);
  HalonMTA_init_getinfo(context, HALONMTA_INIT_APPCONFIG, NULL, 0, &app, NULL);
  note(name);
  note(app == NULL ? "no-app" : "app");
  const char* fail = HalonMTA_config_string_get(HalonMTA_config_object_get(config, "fail"), NULL);
  return fail == NULL || strcmp(fail, name) != 0;
}

HALON_EXPORT int Halon_version(void) { return HALONMTA_PLUGIN_VERSION; }
HALON_EXPORT bool Halon_early_init(HalonInitContext* context) { return outcome(context, "early_init"); }
HALON_EXPORT bool Halon_init(HalonInitContext* context) { return outcome(context, "init"); }
HALON_EXPORT bool Halon_hsl_register(HalonHSLRegisterContext* context) {
  (void)context;
  note("hsl_register");
  return true;
}
HALON_EXPORT void Halon_ready(HalonReadyContext* context) {
  (void)context;
  note("ready");
}
HALON_EXPORT void Halon_early_cleanup(void) { note("early_cleanup"); }
HALON_EXPORT void Halon_cleanup(void) {
  note("cleanup");
  fprintf(stderr, "story: %s\n", story);
}

/* Tells the whole tree: keys, items and scalars, and the same as JSON. */
static void tell(HalonConfig* config) {
  HalonConfig *child = NULL, *key = NULL;
  for (size_t i = 0; (key = HalonMTA_config_object_key_get(config, i)) != NULL; ++i) {
    const char* name = HalonMTA_config_string_get(key, NULL);
    note(name);
    tell(HalonMTA_config_object_get(config, name));
  }
  for (size_t i = 0; (child = HalonMTA_config_array_get(config, i)) != NULL; ++i) tell(child);
  size_t length = 0;
  const char* text = HalonMTA_config_string_get(config, &length);
  if (length > 0) note(text);
}

HALON_EXPORT void Halon_config_reload(HalonConfig* config) {
  char* json = NULL;
  size_t length = 0;
  note("reload");
  tell(config);
  if (HalonMTA_config_to_json(config, &json, &length)) note(json);
  free(json);
}

/* story: what happened; twice WORD: it, twice; block: holds the loop; crash: dies; anything else is refused. */
HALON_EXPORT bool Halon_command_execute(HalonCommandExecuteContext* context, size_t argc, const char* argv[],
                                        size_t argvl[], char** out, size_t* outlen) {
  (void)context;
  if (argc == 1 && strcmp(argv[0], "story") == 0) {
    *out = strdup(story);
    return true;
  }
  if (argc == 2 && strcmp(argv[0], "twice") == 0) {
    *outlen = argvl[1] * 2;
    *out = malloc(*outlen);
    memcpy(*out, argv[1], argvl[1]);
    memcpy(*out + argvl[1], argv[1], argvl[1]);
    return true;
  }
  if (argc == 1 && strcmp(argv[0], "crash") == 0) abort();
  if (argc == 1 && strcmp(argv[0], "block") == 0) {
    usleep(1100 * 1000);
    return true;
  }
  *out = strdup("unknown command");
  return false;
}
