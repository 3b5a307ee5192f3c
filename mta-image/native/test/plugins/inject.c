/* Injects one message for each command: SERVER BODY. The command "codes" tells the answers. */
#include <HalonMTA.h>

static char codes[256];

HALON_EXPORT int Halon_version(void) { return HALONMTA_PLUGIN_VERSION; }

static void answered(HalonInjectResultContext* result, void* user) {
  short code = 0;
  char text[64];
  HalonMTA_inject_result_getinfo(result, HALONMTA_RESULT_CODE, NULL, 0, &code, NULL);
  snprintf(text, sizeof text, "%s=%d ", (const char*)user, code);
  strncat(codes, text, sizeof codes - strlen(codes) - 1);
}

HALON_EXPORT bool Halon_command_execute(HalonCommandExecuteContext* context, size_t argc, const char* argv[],
                                        size_t argvl[], char** out, size_t* outlen) {
  (void)context, (void)outlen;
  if (argc == 1) {
    *out = strdup(codes);
    return true;
  }
  HalonHSLValue* metadata = NULL;
  HalonInjectContext* mail = HalonMTA_inject_new(argv[0]);
  bool good = HalonMTA_inject_sender_set(mail, "alice", "example.com") &&
              HalonMTA_inject_recipient_add(mail, "bob", "example.net", NULL) &&
              HalonMTA_inject_recipient_add(mail, "postmaster", NULL, NULL) &&
              HalonMTA_inject_message_append(mail, "Subject: x\r\n\r\n", 14) &&
              HalonMTA_inject_message_append(mail, argv[1], argvl[1]) &&
              HalonMTA_inject_getinfo(mail, HALONMTA_MESSAGE_METADATA, NULL, 0, &metadata, NULL) &&
              HalonMTA_hsl_value_from_json(metadata, "{\"source\":\"test\"}", NULL, NULL) &&
              HalonMTA_inject_callback_set(mail, answered, "code") && HalonMTA_inject_commit(mail);
  if (!good) HalonMTA_inject_abort(mail);
  *out = strdup(good ? "injected" : "refused");
  return good;
}
