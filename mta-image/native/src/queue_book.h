// What the queue tells the book of plugin orders: ids that ended otherwise than by the plugin.
#pragma once

#include <string>

namespace mta {

void forget_suspension(const std::string& id);
void forget_policy(const std::string& id);

}  // namespace mta
