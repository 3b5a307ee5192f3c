#include "loading.h"

#include <link.h>

#include <stdexcept>

namespace mta {
namespace {

constexpr int kForGood = RTLD_LOCAL | RTLD_NODELETE | kDeepBind;

// Libraries that the MTA which public plugins are written for has loaded, as their builds show: rate calls strlcpy, policyd-client
// libcurl and jsoncpp, and neither links them.
constexpr const char* kLent[] = {"libbsd.so.0", "libcurl.so.4", "libjsoncpp.so.25", "libjsoncpp.so.26"};

// Puts those that are installed where plugins look for what they lack.
void lend_libraries() {
  for (const char* name : kLent) dlopen(name, RTLD_LAZY | RTLD_GLOBAL | RTLD_NODELETE | kDeepBind);
}

// The calls that the loader binds at their first use, as they stand in the object's dynamic section (System V ABI, chapter 5).
struct LazyCalls {
  const ElfW(Rela) * first = nullptr;
  size_t count = 0;
  const ElfW(Sym) * symbols = nullptr;
  const char* names = nullptr;

  explicit LazyCalls(const link_map& map) {
    for (const ElfW(Dyn)* entry = map.l_ld; entry->d_tag != DT_NULL; ++entry) {
      const auto address = entry->d_un.d_ptr;
      if (entry->d_tag == DT_JMPREL) first = reinterpret_cast<const ElfW(Rela)*>(address);
      if (entry->d_tag == DT_PLTRELSZ) count = entry->d_un.d_val / sizeof(ElfW(Rela));
      if (entry->d_tag == DT_SYMTAB) symbols = reinterpret_cast<const ElfW(Sym)*>(address);
      if (entry->d_tag == DT_STRTAB) names = reinterpret_cast<const char*>(address);
    }
  }
};

// A function that the object itself calls and nobody has; nullptr when there is none. A weak one may be missing.
const char* missing_in(void* handle) {
  link_map* map = nullptr;
  if (dlinfo(handle, RTLD_DI_LINKMAP, &map) != 0) return nullptr;
  const LazyCalls calls(*map);
  for (size_t i = 0; i < calls.count; ++i) {
    const auto& symbol = calls.symbols[ELF64_R_SYM(calls.first[i].r_info)];
    const char* name = calls.names + symbol.st_name;
    // Without a name it is the object's own: one of several forms of a function (IRELATIVE), or data of a thread (TLSDESC).
    if (*name == 0 || symbol.st_shndx != SHN_UNDEF || ELF64_ST_BIND(symbol.st_info) == STB_WEAK) continue;
    if (dlsym(handle, name) == nullptr && dlsym(RTLD_DEFAULT, name) == nullptr) return name;
  }
  return nullptr;
}

}  // namespace

Opened open_object(const std::string& path) {
  if (void* handle = dlopen(path.c_str(), RTLD_NOW | kForGood)) return {handle, ""};
  const std::string reason = dlerror();
  if (reason.find("undefined symbol") == std::string::npos) throw std::runtime_error(reason);
  lend_libraries();
  if (void* handle = dlopen(path.c_str(), RTLD_NOW | kForGood)) return {handle, ""};
  void* handle = dlopen(path.c_str(), RTLD_LAZY | kForGood);
  if (handle == nullptr) throw std::runtime_error(reason);
  if (const char* name = missing_in(handle)) throw std::runtime_error(path + ": undefined symbol: " + name);
  return {handle, reason};
}

}  // namespace mta
