/* The command of 5.6: one string, echoed. */
#include <HalonMTA.h>

HALON_EXPORT int Halon_version(void) { return HALONMTA_PLUGIN_VERSION; }
HALON_EXPORT bool Halon_plugin_command(const char* in, size_t length, char** out, size_t* outlen) {
  *out = strndup(in, length);
  *outlen = length;
  return length > 0;
}
