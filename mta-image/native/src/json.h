// JSON in and out of script values and configurations. Strict (RFC 8259), bounded in depth, without recursion
// deeper than that bound. Strings of scripts are bytes and are taken as UTF-8.
#pragma once

#include <string>
#include <string_view>

struct HalonHSLValue;

namespace mta::json {

// Levels of arrays within arrays, read or written.
constexpr int kMaxDepth = 512;

// Replaces `value`; gives "" or what is wrong and where. `unicode_bytes`: \u0000 to \u00ff are one byte each.
std::string read(std::string_view text, bool unicode_bytes, HalonHSLValue& value);
// Puts the text, or on false the reason, into `out`.
bool write(const HalonHSLValue& value, bool ascii, std::string& out);
// Appends a quoted string; false when the bytes are not UTF-8.
bool write_string(std::string_view bytes, bool ascii, std::string& out);
// Appends the shortest text that reads back as the same number.
void write_number(double number, std::string& out);

}  // namespace mta::json
