// The reader half of JSON; see json.h. A recursive descent bounded by kMaxDepth; the first problem ends it.
#include <charconv>
#include <cstdint>

#include "json.h"
#include "utf8.h"
#include "value.h"

namespace mta::json {
namespace {

class Reader {
 public:
  Reader(std::string_view text, bool unicode_bytes) : text_(text), unicode_bytes_(unicode_bytes) {}

  std::string read(HalonHSLValue& into) {
    HalonHSLValue fresh;
    if (value(fresh, 0)) {
      skip_space();
      if (at_ != text_.size()) fail("more text after the value");
    }
    if (problem_.empty()) into = std::move(fresh);
    return problem_;
  }

 private:
  bool fail(const char* what) {
    if (problem_.empty()) problem_ = std::string(what) + " at byte " + std::to_string(at_);
    return false;
  }

  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  void skip_space() {
    while (at_ < text_.size() && (peek() == ' ' || peek() == '\t' || peek() == '\n' || peek() == '\r')) ++at_;
  }

  bool take(char wanted) {
    skip_space();
    if (peek() != wanted) return false;
    ++at_;
    return true;
  }

  bool word(std::string_view wanted) {
    if (text_.substr(at_, wanted.size()) != wanted) return fail("not a value");
    at_ += wanted.size();
    return true;
  }

  bool value(HalonHSLValue& into, int depth) {
    skip_space();
    switch (peek()) {
      case '{': return depth < kMaxDepth ? members(into, depth, '}') : fail("nested too deeply");
      case '[': return depth < kMaxDepth ? members(into, depth, ']') : fail("nested too deeply");
      case '"': return string(into.content.emplace<std::string>());
      case 't': into.content = true; return word("true");
      case 'f': into.content = false; return word("false");
      case 'n': into.content = None{}; return word("null");
      default: return number(into.content.emplace<double>());
    }
  }

  bool members(HalonHSLValue& into, int depth, char close) {
    ++at_;
    auto& array = into.content.emplace<Array>();
    if (take(close)) return true;
    do {
      Pair& pair = *array.emplace_back(std::make_unique<Pair>());
      if (close == ']') {
        pair.key.content = static_cast<double>(array.size() - 1);
      } else {
        skip_space();
        if (peek() != '"') return fail("no key");
        if (!string(pair.key.content.emplace<std::string>())) return false;
        if (!take(':')) return fail("no colon");
      }
      if (!value(pair.item, depth + 1)) return false;
    } while (take(','));
    return take(close) || fail("no comma or end");
  }

  bool number(double& into) {
    const size_t start = at_;
    if (peek() == '-') ++at_;
    const size_t whole = at_;
    while (peek() >= '0' && peek() <= '9') ++at_;
    // RFC 8259 section 6: at least one digit, and no leading zeros.
    if (at_ == whole || (text_[whole] == '0' && at_ - whole > 1)) return fail("not a value");
    if (peek() == '.' && !digits_after_mark()) return false;
    if (peek() == 'e' || peek() == 'E') {
      if (at_ + 1 < text_.size() && (text_[at_ + 1] == '+' || text_[at_ + 1] == '-')) ++at_;
      if (!digits_after_mark()) return false;
    }
    const auto outcome = std::from_chars(text_.data() + start, text_.data() + at_, into);
    return outcome.ec == std::errc() || fail("number out of range");
  }

  bool digits_after_mark() {
    const size_t first = ++at_;
    while (peek() >= '0' && peek() <= '9') ++at_;
    return at_ > first || fail("no digit");
  }

  bool string(std::string& into) {
    ++at_;
    while (at_ < text_.size() && text_[at_] != '"') {
      const auto byte = static_cast<unsigned char>(text_[at_]);
      if (byte < 0x20) return fail("control character in a string");
      if (byte == '\\') {
        if (!escape(into)) return false;
        continue;
      }
      uint32_t point = 0;
      const size_t length = utf8::decode(text_.substr(at_), point);
      if (length == 0) return fail("not UTF-8");
      into.append(text_.substr(at_, length));
      at_ += length;
    }
    if (at_ == text_.size()) return fail("string without an end");
    ++at_;
    return true;
  }

  bool escape(std::string& into) {
    ++at_;
    const char kind = peek();
    ++at_;
    switch (kind) {
      case '"': case '\\': case '/': into += kind; return true;
      case 'b': into += '\b'; return true;
      case 'f': into += '\f'; return true;
      case 'n': into += '\n'; return true;
      case 'r': into += '\r'; return true;
      case 't': into += '\t'; return true;
      case 'u': return unicode(into);
      default: return fail("unknown escape");
    }
  }

  bool unicode(std::string& into) {
    uint32_t point = 0;
    if (!unit(point)) return false;
    if (unicode_bytes_ && point < 0x100) {
      into += static_cast<char>(point);
      return true;
    }
    if (point >= 0xd800 && point < 0xdc00) {
      uint32_t low = 0;
      if (text_.substr(at_, 2) != "\\u") return fail("half a surrogate pair");
      at_ += 2;
      if (!unit(low)) return false;
      if (low < 0xdc00 || low > 0xdfff) return fail("half a surrogate pair");
      point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
    } else if (point >= 0xdc00 && point < 0xe000) {
      return fail("half a surrogate pair");
    }
    utf8::append(point, into);
    return true;
  }

  bool unit(uint32_t& point) {
    if (at_ + 4 > text_.size()) return fail("not four hex digits");
    const char* end = text_.data() + at_ + 4;
    const auto outcome = std::from_chars(text_.data() + at_, end, point, 16);
    if (outcome.ec != std::errc() || outcome.ptr != end) return fail("not four hex digits");
    at_ += 4;
    return true;
  }

  std::string_view text_;
  bool unicode_bytes_;
  size_t at_ = 0;
  std::string problem_;
};

}  // namespace

std::string read(std::string_view text, bool unicode_bytes, HalonHSLValue& value) {
  return Reader(text, unicode_bytes).read(value);
}

}  // namespace mta::json
