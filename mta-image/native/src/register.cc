// The registering functions of the ABI: names are copied, and a function that is not given is looked up by its name
// among the plugin's exports, which is how Go registers.
#include "register.h"

#include <cctype>

namespace {

// A name as the script language writes it.
bool is_name(const char* name) {
  if (name == nullptr || *name == '\0' || isdigit(static_cast<unsigned char>(*name))) return false;
  for (; *name != '\0'; ++name) {
    if (*name != '_' && !isalnum(static_cast<unsigned char>(*name))) return false;
  }
  return true;
}

bool refuse(HalonHSLRegisterContext& context, const std::string& problem) {
  if (context.problem.empty()) context.problem = problem;
  return false;
}

bool add(HalonHSLRegisterContext* context, bool module, std::optional<std::string> class_name, const char* name,
         HalonHSLFunction* function) {
  if (context == nullptr) return false;
  if (!is_name(name) || (class_name.has_value() && !is_name(class_name->c_str()))) {
    return refuse(*context, "it registers a function under a name that scripts cannot say");
  }
  if (function == nullptr) function = context->plugin->symbol<HalonHSLFunction>(name);
  if (function == nullptr) return refuse(*context, std::string("it registers ") + name + ", which it does not export");
  const auto& kept = context->plugin->functions.emplace_back(mta::Function{context->plugin, name, function});
  context->entries.push_back({module, std::move(class_name), &kept});
  return true;
}

std::optional<std::string> class_of(const char* name) { return name == nullptr ? "" : name; }

}  // namespace

extern "C" {

bool HalonMTA_hsl_register_function(HalonHSLRegisterContext* context, const char* name, HalonHSLFunction* function) {
  return add(context, false, std::nullopt, name, function);
}

bool HalonMTA_hsl_register_static_function(HalonHSLRegisterContext* context, const char* class_name,
                                           const char* name, HalonHSLFunction* function) {
  return add(context, false, class_of(class_name), name, function);
}

bool HalonMTA_hsl_module_register_function(HalonHSLRegisterContext* context, const char* name,
                                           HalonHSLFunction* function) {
  return add(context, true, std::nullopt, name, function);
}

bool HalonMTA_hsl_module_register_static_function(HalonHSLRegisterContext* context, const char* class_name,
                                                  const char* name, HalonHSLFunction* function) {
  return add(context, true, class_of(class_name), name, function);
}
}
