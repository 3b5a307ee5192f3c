// The dozen functions of the system's libcrypto that values need; see openssl.h.
#include "openssl.h"

#include <dlfcn.h>

#include "loading.h"

namespace mta::openssl {
namespace {

// The library's own signatures, with its types opaque. i2d with a null target gives the length.
struct Library {
  X509* (*d2i_X509)(X509**, const unsigned char**, long);
  int (*i2d_X509)(const X509*, unsigned char**);
  int (*X509_up_ref)(X509*);
  void (*X509_free)(X509*);
  Key* (*d2i_AutoPrivateKey)(Key**, const unsigned char**, long);
  int (*EVP_PKEY_up_ref)(Key*);
  void (*EVP_PKEY_free)(Key*);
  void* (*EVP_PKEY2PKCS8)(const Key*);
  int (*i2d_PKCS8_PRIV_KEY_INFO)(const void*, unsigned char**);
  void (*PKCS8_PRIV_KEY_INFO_free)(void*);
  bool complete = false;
};

template <typename F>
bool find(void* library, const char* name, F& function) {
  function = reinterpret_cast<F>(dlsym(library, name));
  return function != nullptr;
}

Library open() {
  Library found{};
  void* library = dlopen("libcrypto.so.3", RTLD_NOW | RTLD_LOCAL | kDeepBind);
  if (library == nullptr) return found;
  found.complete = find(library, "d2i_X509", found.d2i_X509) && find(library, "i2d_X509", found.i2d_X509) &&
                   find(library, "X509_up_ref", found.X509_up_ref) && find(library, "X509_free", found.X509_free) &&
                   find(library, "d2i_AutoPrivateKey", found.d2i_AutoPrivateKey) &&
                   find(library, "EVP_PKEY_up_ref", found.EVP_PKEY_up_ref) &&
                   find(library, "EVP_PKEY_free", found.EVP_PKEY_free) &&
                   find(library, "EVP_PKEY2PKCS8", found.EVP_PKEY2PKCS8) &&
                   find(library, "i2d_PKCS8_PRIV_KEY_INFO", found.i2d_PKCS8_PRIV_KEY_INFO) &&
                   find(library, "PKCS8_PRIV_KEY_INFO_free", found.PKCS8_PRIV_KEY_INFO_free);
  return found;
}

const Library& library() {
  static const Library once = open();
  return once;
}

template <typename T>
std::string encode(int (*write)(const T*, unsigned char**), const T* value) {
  int length = write(value, nullptr);
  if (length <= 0) return "";
  std::string der(static_cast<size_t>(length), '\0');
  auto* to = reinterpret_cast<unsigned char*>(der.data());
  return write(value, &to) == length ? der : "";
}

}  // namespace

X509* read_certificate(const unsigned char* der, size_t length) {
  return library().complete ? library().d2i_X509(nullptr, &der, static_cast<long>(length)) : nullptr;
}

Key* read_key(const unsigned char* der, size_t length) {
  return library().complete ? library().d2i_AutoPrivateKey(nullptr, &der, static_cast<long>(length)) : nullptr;
}

std::string write(const X509* certificate) {
  return library().complete ? encode(library().i2d_X509, certificate) : "";
}

std::string write(const Key* key) {
  if (!library().complete) return "";
  void* wrapped = library().EVP_PKEY2PKCS8(key);
  if (wrapped == nullptr) return "";
  std::string der = encode<void>(library().i2d_PKCS8_PRIV_KEY_INFO, wrapped);
  library().PKCS8_PRIV_KEY_INFO_free(wrapped);
  return der;
}

bool retain(X509* certificate) { return library().complete && library().X509_up_ref(certificate) == 1; }
bool retain(Key* key) { return library().complete && library().EVP_PKEY_up_ref(key) == 1; }
void release(X509* certificate) { library().X509_free(certificate); }
void release(Key* key) { library().EVP_PKEY_free(key); }

}  // namespace mta::openssl
