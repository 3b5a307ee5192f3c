// Suspends by returning, in every order that threads allow, and breaks the rules on purpose. It never suspends in
// place, so its functions run on the loop's own stack.
#include <HalonMTA.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <stdexcept>
#include <thread>

namespace {

struct Job {
  HalonHSLContext* context;
  HalonHSLValue* ret;
  bool timed;
};

double now_ns() {
  return static_cast<double>(std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1));
}

std::mutex lock;
std::condition_variable wake;
std::deque<Job> jobs;
bool stop = false;
std::thread worker;
HalonHSLContext* last = nullptr;

void work() {
  std::unique_lock guard(lock);
  for (;;) {
    wake.wait(guard, [] { return stop || !jobs.empty(); });
    if (stop) return;
    Job job = jobs.front();
    jobs.pop_front();
    guard.unlock();
    // A timed job is scheduled when its call has long been parked, and answers when that was.
    if (job.timed) std::this_thread::sleep_for(std::chrono::microseconds(100));
    const double answer = job.timed ? now_ns() : 42;
    HalonMTA_hsl_value_set(job.ret, HALONMTA_HSL_TYPE_NUMBER, &answer, 0);
    HalonMTA_hsl_schedule(job.context);
    guard.lock();
  }
}

double number_in(HalonHSLArguments* args) {
  double number = 0;
  HalonMTA_hsl_value_get(HalonMTA_hsl_argument_get(args, 0), HALONMTA_HSL_TYPE_NUMBER, &number, nullptr);
  return number;
}

// work(timed): answered by the one worker thread
void ask_worker(HalonHSLContext* context, HalonHSLArguments* args, HalonHSLValue* ret) {
  {
    std::lock_guard guard(lock);
    jobs.push_back({context, ret, number_in(args) != 0});
  }
  wake.notify_one();
  HalonMTA_hsl_suspend_return(context);
}

// early(): scheduled before it suspends
void early(HalonHSLContext* context, HalonHSLArguments*, HalonHSLValue* ret) {
  std::thread([context] { HalonMTA_hsl_schedule(context); }).join();
  HalonMTA_hsl_value_set(ret, HALONMTA_HSL_TYPE_STRING, "early", 0);
  HalonMTA_hsl_suspend_return(context);
}

// late(milliseconds): a thread of its own, which throws when the time is negative
void late(HalonHSLContext* context, HalonHSLArguments* args, HalonHSLValue* ret) {
  const double wait = number_in(args);
  std::thread([=] {
    std::this_thread::sleep_for(std::chrono::duration<double, std::milli>(wait < 0 ? -wait : wait));
    if (wait < 0) {
      HalonMTA_hsl_value_set(HalonMTA_hsl_throw(context), HALONMTA_HSL_TYPE_EXCEPTION, "too late", 0);
    } else {
      HalonMTA_hsl_value_set(ret, HALONMTA_HSL_TYPE_STRING, "late", 0);
    }
    HalonMTA_hsl_schedule(context);
  }).detach();
  HalonMTA_hsl_suspend_return(context);
}

// twice(): scheduled twice at once
void twice(HalonHSLContext* context, HalonHSLArguments*, HalonHSLValue*) {
  HalonMTA_hsl_schedule(context);
  HalonMTA_hsl_schedule(context);
  HalonMTA_hsl_suspend_return(context);
  last = context;
}

// again(): schedules the call that twice() made, which is over
void again(HalonHSLContext*, HalonHSLArguments*, HalonHSLValue*) { HalonMTA_hsl_schedule(last); }

// never(): nobody schedules it
void never(HalonHSLContext* context, HalonHSLArguments*, HalonHSLValue*) { HalonMTA_hsl_suspend_return(context); }

// explode(): a C++ exception across the C interface
void explode(HalonHSLContext*, HalonHSLArguments*, HalonHSLValue*) { throw std::runtime_error("boom"); }

// block(milliseconds): holds the loop
void block(HalonHSLContext*, HalonHSLArguments* args, HalonHSLValue*) {
  std::this_thread::sleep_for(std::chrono::duration<double, std::milli>(number_in(args)));
}

void crash(HalonHSLContext*, HalonHSLArguments*, HalonHSLValue*) {
  volatile int* nowhere = nullptr;
  *nowhere = 1;
}

}  // namespace

HALON_EXPORT int Halon_version() { return HALONMTA_PLUGIN_VERSION; }

HALON_EXPORT bool Halon_init(HalonInitContext*) {
  worker = std::thread(work);
  return true;
}

HALON_EXPORT void Halon_cleanup() {
  {
    std::lock_guard guard(lock);
    stop = true;
  }
  wake.notify_one();
  worker.join();
}

HALON_EXPORT bool Halon_hsl_register(HalonHSLRegisterContext* context) {
  HalonMTA_hsl_register_function(context, "work", ask_worker);
  HalonMTA_hsl_register_function(context, "early", early);
  HalonMTA_hsl_register_function(context, "late", late);
  HalonMTA_hsl_register_function(context, "twice", twice);
  HalonMTA_hsl_register_function(context, "again", again);
  HalonMTA_hsl_register_function(context, "never", never);
  HalonMTA_hsl_register_function(context, "explode", explode);
  HalonMTA_hsl_register_function(context, "block", block);
  HalonMTA_hsl_register_function(context, "crash", crash);
  return true;
}
