// What plugins may know of a message, copied out of JavaScript before their code runs, so that any thread may ask.
#pragma once

#include <array>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "plugin.h"
#include "value.h"

struct HalonQueueMessage {
  std::string transaction;
  size_t queue = 0;
  // By HALONMTA_MESSAGE_TRANSPORTID and the seven numbers after it.
  std::array<std::string, 8> fields;
};

// One run of a queue hook.
struct HalonQueueContext {
  HalonQueueMessage message;
  std::vector<std::string> local_ips;
  std::vector<char*> pointers;  // into local_ips, as the ABI wants them
  std::optional<std::vector<std::string>> kept;
  HalonHSLValue ret;
};

// One delivery attempt. `state` is 0 while the plugin has it and 1 when it is over; a thread may end it.
struct HalonDeliverContext {
  unsigned index = 0;
  std::atomic<int> state{1};
  const mta::Plugin* plugin = nullptr;
  HalonQueueMessage message;
  std::shared_ptr<mta::Stream> file;
  HalonHSLValue arguments;
  HalonHSLValue ret;
  std::optional<int> code;
  std::optional<std::string> reason;
  std::optional<std::string> error;
  std::vector<std::string> trace;
};

namespace mta {

HalonDeliverContext& begin_delivery();
// The payload for TypeScript; the record rests afterwards.
HalonHSLValue end_delivery(HalonDeliverContext& delivery);
HalonDeliverContext* delivery_at(size_t index);

}  // namespace mta
