/* Registers a function that it does not have. */
#include <HalonMTA.h>

HALON_EXPORT int Halon_version(void) { return HALONMTA_PLUGIN_VERSION; }
HALON_EXPORT bool Halon_hsl_register(HalonHSLRegisterContext* context) {
  return HalonMTA_hsl_register_function(context, "nothing_here", NULL);
}
