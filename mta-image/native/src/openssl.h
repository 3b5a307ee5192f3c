// X509 and private keys as objects of the system's libcrypto, the one that plugins link. It is opened by name
// and its functions are looked up in it, for a plain link would bind to the OpenSSL inside Node's binary. Where
// the library is missing, certificates and keys are opaque to plugins; nothing else changes.
#pragma once

#include <cstddef>
#include <string>
#include <utility>

namespace mta::openssl {

struct X509;
struct Key;

// nullptr when there is no library or the bytes are not what they should be.
X509* read_certificate(const unsigned char* der, size_t length);
Key* read_key(const unsigned char* der, size_t length);
// DER; "" on failure. A key is written as PKCS 8.
std::string write(const X509* certificate);
std::string write(const Key* key);
bool retain(X509* certificate);
bool retain(Key* key);
void release(X509* certificate);
void release(Key* key);

}  // namespace mta::openssl

namespace mta {

// One counted reference.
template <typename T>
class OpensslRef {
 public:
  explicit OpensslRef(T* adopted) : handle_(adopted) {}
  OpensslRef(OpensslRef&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  OpensslRef& operator=(OpensslRef&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~OpensslRef() {
    if (handle_ != nullptr) openssl::release(handle_);
  }
  T* get() const { return handle_; }

 private:
  T* handle_;
};

using X509Ref = OpensslRef<openssl::X509>;
using PrivateKeyRef = OpensslRef<openssl::Key>;

}  // namespace mta
