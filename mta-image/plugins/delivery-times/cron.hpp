// A time pattern of five fields: minute, hour, day of month, month, day of week (0 is Sunday). Each field is a list,
// by commas, of *, a number or a range a-b, the first and last with an optional /step. A moment matches when all
// five fields do. With a step, the numbers that it divides match: 8-17/3 is 9, 12 and 15.
#pragma once

#include <array>
#include <bitset>
#include <ctime>
#include <string>

class Cron {
 public:
  // Throws std::invalid_argument with a sentence.
  explicit Cron(const std::string& text);
  bool matches(const std::tm& moment) const;

 private:
  std::array<std::bitset<60>, 5> fields_;
};
