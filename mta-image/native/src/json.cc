// The writer half of JSON; the reader is json_read.cc. See json.h.
#include "json.h"

#include <charconv>
#include <cmath>
#include <cstdint>

#include "utf8.h"
#include "value.h"

namespace mta::json {
namespace {

void write_unit(uint32_t unit, std::string& out) {
  static constexpr char digits[] = "0123456789abcdef";
  out += "\\u";
  for (int shift = 12; shift >= 0; shift -= 4) out += digits[(unit >> shift) & 15];
}

void write_escaped(uint32_t point, std::string& out) {
  if (point < 0x10000) return write_unit(point, out);
  write_unit(0xd800 + ((point - 0x10000) >> 10), out);
  write_unit(0xdc00 + ((point - 0x10000) & 0x3ff), out);
}

bool write_control(uint32_t point, std::string& out) {
  switch (point) {
    case '"': out += "\\\""; return true;
    case '\\': out += "\\\\"; return true;
    case '\b': out += "\\b"; return true;
    case '\f': out += "\\f"; return true;
    case '\n': out += "\\n"; return true;
    case '\r': out += "\\r"; return true;
    case '\t': out += "\\t"; return true;
    default:
      if (point >= 0x20) return false;
      write_unit(point, out);
      return true;
  }
}

// An array whose keys are 0, 1, 2, ... is a list; so is the empty one.
bool is_list(const Array& array) {
  double expected = 0;
  for (const auto& pair : array) {
    const auto* key = std::get_if<double>(&pair->key.content);
    if (key == nullptr || *key != expected) return false;
    expected += 1;
  }
  return true;
}

struct Writer {
  bool ascii;
  std::string& out;

  bool fail(const char* reason) {
    out = reason;
    return false;
  }

  bool key(const HalonHSLValue& value) {
    if (const auto* text = std::get_if<std::string>(&value.content)) {
      return write_string(*text, ascii, out) || fail("a key is not UTF-8");
    }
    const auto* number = std::get_if<double>(&value.content);
    if (number == nullptr) return fail("a key is neither a string nor a number");
    out += '"';
    write_number(*number, out);
    out += '"';
    return true;
  }

  bool array(const Array& pairs, int depth) {
    if (depth >= kMaxDepth) return fail("arrays are nested too deeply");
    const bool list = is_list(pairs);
    out += list ? '[' : '{';
    bool first = true;
    for (const auto& pair : pairs) {
      if (!first) out += ',';
      first = false;
      if (!list) {
        if (!key(pair->key)) return false;
        out += ':';
      }
      if (!value(pair->item, depth + 1)) return false;
    }
    out += list ? ']' : '}';
    return true;
  }

  bool value(const HalonHSLValue& from, int depth) {
    const Content& content = from.content;
    if (std::holds_alternative<None>(content)) {
      out += "null";
      return true;
    }
    if (const auto* boolean = std::get_if<bool>(&content)) {
      out += *boolean ? "true" : "false";
      return true;
    }
    if (const auto* number = std::get_if<double>(&content)) {
      if (!std::isfinite(*number)) return fail("a number is not finite");
      write_number(*number, out);
      return true;
    }
    if (const auto* text = std::get_if<std::string>(&content)) {
      return write_string(*text, ascii, out) || fail("a string is not UTF-8");
    }
    if (const auto* pairs = std::get_if<Array>(&content)) return array(*pairs, depth);
    return fail("a value of this type has no JSON form");
  }
};

}  // namespace

void write_number(double number, std::string& out) {
  char text[32];
  // Whole numbers without an exponent up to 2^53, beyond which they are not exact anyway.
  auto [end, error] = std::fabs(number) < 9007199254740992.0 && number == std::floor(number)
                          ? std::to_chars(text, text + sizeof text, static_cast<int64_t>(number))
                          : std::to_chars(text, text + sizeof text, number);
  if (error == std::errc()) out.append(text, end);
}

bool write_string(std::string_view bytes, bool ascii, std::string& out) {
  out += '"';
  while (!bytes.empty()) {
    uint32_t point = 0;
    size_t length = utf8::decode(bytes, point);
    if (length == 0) return false;
    if (!write_control(point, out)) {
      if (ascii && point >= 0x7f) {
        write_escaped(point, out);
      } else {
        out.append(bytes.substr(0, length));
      }
    }
    bytes.remove_prefix(length);
  }
  out += '"';
  return true;
}

bool write(const HalonHSLValue& value, bool ascii, std::string& out) { return Writer{ascii, out}.value(value, 0); }

}  // namespace mta::json
