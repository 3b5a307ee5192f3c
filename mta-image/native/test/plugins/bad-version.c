/* Built for another host. */
#include <HalonMTA.h>

HALON_EXPORT int Halon_version(void) { return 1; }
