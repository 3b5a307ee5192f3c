// How shared objects are opened. DEEPBIND makes a plugin's libraries bind among themselves before Node's binary,
// which exports an OpenSSL and a zlib of its own. The sanitizers' runtimes refuse the flag, so their build goes
// without: there a plugin with libssl would meet Node's.
#pragma once

#include <dlfcn.h>

#include <string>

namespace mta {
#ifdef MTA_SANITIZE
constexpr int kDeepBind = 0;
#else
constexpr int kDeepBind = RTLD_DEEPBIND;
#endif

struct Opened {
  void* handle;
  // A function that a library of the object needs and nobody has, in the loader's words; "" when all is there.
  std::string unbound;
};

// Opens an object for good. It must find every function that it calls itself, in what it links or in libraries that public
// plugins count on without linking them: else the process would end at the first call.
// What only its libraries lack is left until they call it, since libraries are built to rest on that (libhiredis_cluster
// is made without the libhiredis_ssl that it can use). Throws std::runtime_error with the loader's words.
Opened open_object(const std::string& path);
}  // namespace mta
