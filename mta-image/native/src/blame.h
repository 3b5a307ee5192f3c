// Who is running: the plugin and function on the loop right now. A watchdog thread says so on standard error while
// one holds the loop for too long, a report follows when it has come back, and the note of a crash (a signal
// handler) names the plugin whose code failed, or else the one whose function was running.
#pragma once

#include <cstdint>
#include <exception>
#include <string>

#include "plugin.h"

namespace mta {

class Blame {
 public:
  Blame(Plugin& plugin, const char* function);
  ~Blame();
  Blame(const Blame&) = delete;
  Blame& operator=(const Blame&) = delete;

 private:
  Plugin& plugin_;
  const char* function_;
  int64_t since_;
};

// Once, on the loop's thread. A call that takes longer than `limit_ms` is reported.
void start_blame(unsigned limit_ms);

// The note of a crash also goes to the end of this file, which the next process reads.
bool keep_notes(const char* path);

// Runs plugin code; C++ exceptions end here, for C and JavaScript have none. Gives "" or what was thrown.
template <typename F>
std::string guarded(F&& run) {
  try {
    run();
    return "";
  } catch (const std::exception& error) {
    return std::string("threw a C++ exception: ") + error.what();
  } catch (...) {
    return "threw a C++ exception";
  }
}

}  // namespace mta
