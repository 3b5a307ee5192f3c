// Delivers mail into files. Configured in smtpd.yaml, plugins[].config:
//
//   path: /var/spool/archive     # where files appear, whole or not at all
//   tmppath: /var/spool/archive  # where they are written first; the same file system; default: path
//   threads: 1                   # writers
//   fsync: true                  # a file is on disk before the attempt counts as delivered
//
// Pre-delivery: Try(["plugin" => ["id" => "file-delivery", "arguments" => ["filename" => "x.eml"]]]). Without a
// filename it is <transaction>_<queue>.eml. Names with a slash or a leading dot are refused for good (550); what the
// system refuses (no space, no permission) is a temporary error.
#include <HalonMTA.h>
#include <fcntl.h>
#include <syslog.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

namespace {

constexpr size_t kMostThreads = 64;

std::string path;
std::string tmppath;
bool sync_files = true;

std::mutex lock;
std::condition_variable wake;
std::deque<HalonDeliverContext*> waiting;
bool stopping = false;
std::vector<std::thread> writers;

struct Refused : std::runtime_error {
  using std::runtime_error::runtime_error;
};

[[noreturn]] void fail(const char* what, const std::string& name) {
  throw std::system_error(errno, std::generic_category(), std::string(what) + " " + name);
}

std::string name_of(HalonDeliverContext* context) {
  HalonHSLValue* arguments = nullptr;
  char* text = nullptr;
  size_t length = 0;
  HalonMTA_deliver_getinfo(context, HALONMTA_INFO_ARGUMENTS, nullptr, 0, &arguments, nullptr);
  if (HalonMTA_hsl_value_get(HalonMTA_hsl_value_array_find(arguments, "filename"), HALONMTA_HSL_TYPE_STRING, &text,
                             &length)) {
    const std::string name(text, length);
    // A name from a script may hold what a sender wrote: it must stay within the folder.
    if (name.empty() || name[0] == '.' || name.size() > 200 || name.find_first_of(std::string("/\0", 2)) != name.npos) {
      throw Refused("Bad file name");
    }
    return name;
  }
  HalonQueueMessage* message = nullptr;
  const char* transaction = nullptr;
  size_t queue = 0;
  HalonMTA_deliver_getinfo(context, HALONMTA_INFO_MESSAGE, nullptr, 0, &message, nullptr);
  HalonMTA_message_getinfo(message, HALONMTA_MESSAGE_TRANSACTIONID, nullptr, 0, &transaction, nullptr);
  HalonMTA_message_getinfo(message, HALONMTA_MESSAGE_QUEUEID, nullptr, 0, &queue, nullptr);
  return std::string(transaction) + "_" + std::to_string(queue) + ".eml";
}

class Descriptor {
 public:
  Descriptor(const std::string& name, int flags) : fd_(open(name.c_str(), flags | O_CLOEXEC, 0640)) {
    if (fd_ < 0) fail("open", name);
  }
  ~Descriptor() { close(fd_); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

void write_all(int fd, const char* data, size_t size, const std::string& name) {
  while (size > 0) {
    const ssize_t written = write(fd, data, size);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail("write", name);
    data += written;
    size -= static_cast<size_t>(written);
  }
}

void copy(FILE* from, const std::string& to) {
  Descriptor target(to, O_WRONLY | O_CREAT | O_TRUNC);
  char part[64 * 1024];
  for (size_t got = 0; (got = fread(part, 1, sizeof part, from)) > 0;) write_all(target.get(), part, got, to);
  if (ferror(from) != 0) throw std::runtime_error("the message cannot be read");
  if (sync_files && fsync(target.get()) != 0) fail("fsync", to);
}

// Temporary file, rename, sync of the folder: after a crash there is the whole file or none.
void store(HalonDeliverContext* context) {
  FILE* message = nullptr;
  const std::string name = name_of(context);
  const std::string temporary = tmppath + "/." + name + "." + std::to_string(gettid()) + ".part";
  if (!HalonMTA_deliver_getinfo(context, HALONMTA_INFO_FILE, nullptr, 0, &message, nullptr)) {
    throw std::runtime_error("the message cannot be read");
  }
  try {
    copy(message, temporary);
    if (rename(temporary.c_str(), (path + "/" + name).c_str()) != 0) fail("rename", name);
  } catch (...) {
    unlink(temporary.c_str());
    throw;
  }
  if (!sync_files) return;
  Descriptor folder(path, O_RDONLY | O_DIRECTORY);
  if (fsync(folder.get()) != 0) fail("fsync", path);
}

void answer(HalonDeliverContext* context, int code, const char* reason) {
  HalonMTA_deliver_setinfo(context, HALONMTA_RESULT_CODE, &code, 0);
  HalonMTA_deliver_setinfo(context, HALONMTA_RESULT_REASON, reason, 0);
}

void attempt(HalonDeliverContext* context) {
  try {
    store(context);
    answer(context, 250, "FILE");
  } catch (const Refused& error) {
    answer(context, 550, error.what());
  } catch (const std::exception& error) {
    HalonMTA_deliver_setinfo(context, HALONMTA_ERROR_REASON, error.what(), 0);
  }
  HalonMTA_deliver_done(context);
}

void run_writer() {
  pthread_setname_np(pthread_self(), "p/file");
  std::unique_lock guard(lock);
  for (;;) {
    wake.wait(guard, [] { return stopping || !waiting.empty(); });
    if (waiting.empty()) return;
    HalonDeliverContext* context = waiting.front();
    waiting.pop_front();
    guard.unlock();
    attempt(context);
    guard.lock();
  }
}

std::string text_of(HalonConfig* config, const char* key, const std::string& otherwise) {
  const char* text = HalonMTA_config_string_get(HalonMTA_config_object_get(config, key), nullptr);
  return text == nullptr ? otherwise : text;
}

}  // namespace

HALON_EXPORT int Halon_version() { return HALONMTA_PLUGIN_VERSION; }

HALON_EXPORT bool Halon_init(HalonInitContext* context) {
  HalonConfig* config = nullptr;
  HalonMTA_init_getinfo(context, HALONMTA_INIT_CONFIG, nullptr, 0, &config, nullptr);
  path = text_of(config, "path", "");
  tmppath = text_of(config, "tmppath", path);
  sync_files = text_of(config, "fsync", "true") == "true";
  const size_t threads = strtoul(text_of(config, "threads", "1").c_str(), nullptr, 10);
  if (path.empty() || access(path.c_str(), W_OK | X_OK) != 0 || threads < 1 || threads > kMostThreads) {
    syslog(LOG_ERR, "file-delivery: path must be a folder that can be written, threads 1 to %zu", kMostThreads);
    fprintf(stderr, "file-delivery: path must be a folder that can be written, threads 1 to %zu\n", kMostThreads);
    return false;
  }
  for (size_t i = 0; i < threads; ++i) writers.emplace_back(run_writer);
  return true;
}

HALON_EXPORT void Halon_deliver(HalonDeliverContext* context) {
  {
    std::lock_guard guard(lock);
    waiting.push_back(context);
  }
  wake.notify_one();
}

// Attempts under way are finished first.
HALON_EXPORT void Halon_cleanup() {
  {
    std::lock_guard guard(lock);
    stopping = true;
  }
  wake.notify_all();
  for (auto& writer : writers) writer.join();
}
