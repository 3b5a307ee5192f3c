// How shared objects are opened. DEEPBIND makes a plugin's libraries bind among themselves before Node's binary,
// which exports an OpenSSL and a zlib of its own. The sanitizers' runtimes refuse the flag, so their build goes
// without: there a plugin with libssl would meet Node's.
#pragma once

#include <dlfcn.h>

namespace mta {
#ifdef MTA_SANITIZE
constexpr int kDeepBind = 0;
#else
constexpr int kDeepBind = RTLD_DEEPBIND;
#endif
}  // namespace mta
