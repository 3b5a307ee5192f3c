// Records whose addresses plugins hold, in memory that is never given back: a plugin that schedules twice, or
// ends a delivery twice, then meets a record marked as over in place of freed memory. Records that a plugin's
// thread may still know go to the end of the line and are used again last. The loop's thread only.
#pragma once

#include <cstddef>
#include <deque>

namespace mta {

template <typename T>
class Shelf {
 public:
  T& take() {
    if (free_.empty() || (free_.size() < kQuarantine && !hot_)) {
      T& fresh = all_.emplace_back();
      fresh.index = static_cast<unsigned>(all_.size() - 1);
      return fresh;
    }
    T& record = *free_.front();
    free_.pop_front();
    hot_ = false;
    return record;
  }
  // `known`: a thread of the plugin has had the address.
  void give_back(T& record, bool known) {
    if (known) {
      free_.push_back(&record);
    } else {
      free_.push_front(&record);
      hot_ = true;
    }
  }
  T* at(size_t index) { return index < all_.size() ? &all_[index] : nullptr; }
  size_t taken() const { return all_.size() - free_.size(); }

 private:
  // So many records rest before the first is used again.
  static constexpr size_t kQuarantine = 256;
  std::deque<T> all_;
  std::deque<T*> free_;
  bool hot_ = false;
};

}  // namespace mta
