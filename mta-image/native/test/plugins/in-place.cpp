// Suspends in place: the function goes on where it was, with its own stack, also out of a catch block.
#include <HalonMTA.h>

#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>

namespace {

double number_in(HalonHSLArguments* args, size_t index) {
  double number = 0;
  HalonMTA_hsl_value_get(HalonMTA_hsl_argument_get(args, index), HALONMTA_HSL_TYPE_NUMBER, &number, nullptr);
  return number;
}

void pause(HalonHSLContext* context, double milliseconds) {
  std::thread([=] {
    std::this_thread::sleep_for(std::chrono::duration<double, std::milli>(milliseconds));
    HalonMTA_hsl_schedule(context);
  }).detach();
  HalonMTA_hsl_suspend(context);
}

// rest(milliseconds, times): the sum of what it counted on its own stack
void rest(HalonHSLContext* context, HalonHSLArguments* args, HalonHSLValue* ret) {
  double sum = 0;
  const double times = number_in(args, 1);
  for (double i = 1; i <= times; ++i) {
    pause(context, number_in(args, 0));
    sum += i;
  }
  HalonMTA_hsl_value_set(ret, HALONMTA_HSL_TYPE_NUMBER, &sum, 0);
}

// early_in_place(): scheduled before it suspends
void early_in_place(HalonHSLContext* context, HalonHSLArguments*, HalonHSLValue* ret) {
  HalonMTA_hsl_schedule(context);
  HalonMTA_hsl_suspend(context);
  HalonMTA_hsl_value_set(ret, HALONMTA_HSL_TYPE_STRING, "early", 0);
}

// rest_caught(text): suspends within a catch block, then tells what it had caught
void rest_caught(HalonHSLContext* context, HalonHSLArguments* args, HalonHSLValue* ret) {
  char* text = nullptr;
  HalonMTA_hsl_value_get(HalonMTA_hsl_argument_get(args, 0), HALONMTA_HSL_TYPE_STRING, &text, nullptr);
  try {
    throw std::runtime_error(text);
  } catch (...) {
    pause(context, 2);
    try {
      throw;
    } catch (const std::exception& error) {
      HalonMTA_hsl_value_set(ret, HALONMTA_HSL_TYPE_STRING, error.what(), 0);
    }
  }
}

// rest_return(): suspends in place and then by returning
void rest_return(HalonHSLContext* context, HalonHSLArguments*, HalonHSLValue* ret) {
  pause(context, 1);
  HalonMTA_hsl_value_set(ret, HALONMTA_HSL_TYPE_STRING, "both", 0);
  std::thread([context] { HalonMTA_hsl_schedule(context); }).detach();
  HalonMTA_hsl_suspend_return(context);
}

void explode_later(HalonHSLContext* context, HalonHSLArguments*, HalonHSLValue*) {
  pause(context, 1);
  throw std::runtime_error("boom");
}

// The context of another thread is not a place to wait.
void from_thread(HalonHSLContext* context, HalonHSLArguments*, HalonHSLValue*) {
  std::thread([context] { HalonMTA_hsl_suspend(context); }).join();
}

}  // namespace

HALON_EXPORT int Halon_version() { return HALONMTA_PLUGIN_VERSION; }

HALON_EXPORT bool Halon_hsl_register(HalonHSLRegisterContext* context) {
  HalonMTA_hsl_register_function(context, "rest", rest);
  HalonMTA_hsl_register_function(context, "early_in_place", early_in_place);
  HalonMTA_hsl_register_function(context, "rest_caught", rest_caught);
  HalonMTA_hsl_register_function(context, "rest_return", rest_return);
  HalonMTA_hsl_register_function(context, "explode_later", explode_later);
  HalonMTA_hsl_register_function(context, "from_thread", from_thread);
  return true;
}
