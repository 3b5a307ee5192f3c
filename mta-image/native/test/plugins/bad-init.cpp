// Throws out of its start.
#include <HalonMTA.h>

#include <stdexcept>

HALON_EXPORT int Halon_version() { return HALONMTA_PLUGIN_VERSION; }
HALON_EXPORT bool Halon_init(HalonInitContext*) { throw std::runtime_error("no database"); }
