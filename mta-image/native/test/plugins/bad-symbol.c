/* Needs a function that no host has, and does not say so to the linker. */
#include <HalonMTA.h>

extern void HalonMTA_from_the_future(void);
HALON_EXPORT int Halon_version(void) { return HALONMTA_PLUGIN_VERSION; }
HALON_EXPORT void Halon_cleanup(void) { HalonMTA_from_the_future(); }
