// Mail that plugins inject: gathered on the plugin's thread, handed over whole at the commit, answered later on the
// loop's thread through the plugin's callback.
#pragma once

#include <map>
#include <string>

#include "value.h"

namespace mta {

// The servers of type plugin and the longest message that each takes. Before any plugin starts.
void set_inject_servers(std::map<std::string, size_t> servers);
// The answer to an injection; runs the plugin's callback.
void answer_injection(size_t token, int code);

}  // namespace mta
