#include "cron.hpp"

#include <sstream>
#include <stdexcept>
#include <vector>

namespace {

struct Bounds {
  const char* name;
  int least;
  int most;
};
constexpr Bounds kBounds[] = {{"minute", 0, 59}, {"hour", 0, 23}, {"day", 1, 31}, {"month", 1, 12}, {"weekday", 0, 6}};

std::vector<std::string> split(const std::string& text, char at) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (c == at) {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

int number(const std::string& text, const Bounds& bounds) {
  const bool digits = !text.empty() && text.size() < 4 && text.find_first_not_of("0123456789") == std::string::npos;
  const int value = digits ? std::stoi(text) : -1;
  if (value < bounds.least || value > bounds.most) {
    throw std::invalid_argument("\"" + text + "\" is no " + bounds.name);
  }
  return value;
}

void add_item(const std::string& item, const Bounds& bounds, std::bitset<60>& field) {
  const auto step_parts = split(item, '/');
  const auto range = split(step_parts[0], '-');
  const bool any = step_parts[0] == "*";
  if (step_parts.size() > 2 || range.size() > 2) throw std::invalid_argument("\"" + item + "\" is no " + bounds.name);
  if (step_parts.size() == 2 && !any && range.size() == 1) throw std::invalid_argument("a step needs * or a range");
  const int first = any ? bounds.least : number(range[0], bounds);
  const int last = any ? bounds.most : range.size() == 2 ? number(range[1], bounds) : first;
  const int step = step_parts.size() == 2 ? number(step_parts[1], {"step", 1, bounds.most}) : 1;
  if (first > last) throw std::invalid_argument("\"" + item + "\" ends before it starts");
  for (int i = first; i <= last; ++i) {
    if (i % step == 0) field.set(static_cast<size_t>(i));
  }
}

}  // namespace

Cron::Cron(const std::string& text) {
  std::istringstream words(text);
  std::string word;
  size_t count = 0;
  for (; words >> word; ++count) {
    if (count >= fields_.size()) continue;
    for (const auto& item : split(word, ',')) add_item(item, kBounds[count], fields_[count]);
  }
  if (count != fields_.size()) throw std::invalid_argument("\"" + text + "\" has not five fields");
}

bool Cron::matches(const std::tm& moment) const {
  const int values[] = {moment.tm_min, moment.tm_hour, moment.tm_mday, moment.tm_mon + 1, moment.tm_wday};
  for (size_t i = 0; i < fields_.size(); ++i) {
    if (values[i] < 0 || values[i] > 59 || !fields_[i].test(static_cast<size_t>(values[i]))) return false;
  }
  return true;
}
