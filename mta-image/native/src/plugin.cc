// Opening shared objects and knowing them again by address; see plugin.h.
#include "plugin.h"

#include <link.h>

#include <stdexcept>

#include "loading.h"

namespace mta {
namespace {

// Plugins are opened before their threads exist and never removed, so readers on any thread need no lock.
constexpr size_t kMost = 256;
Plugin* plugins[kMost];
std::atomic<size_t> count{0};

struct Search {
  uintptr_t base;
  Plugin* plugin;
};

int note_range(dl_phdr_info* info, size_t, void* data) {
  auto& search = *static_cast<Search*>(data);
  if (info->dlpi_addr != search.base) return 0;
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const auto& header = info->dlpi_phdr[i];
    if (header.p_type != PT_LOAD) continue;
    const uintptr_t start = info->dlpi_addr + header.p_vaddr;
    if (search.plugin->start == 0) search.plugin->start = start;
    search.plugin->end = start + header.p_memsz;
  }
  return 1;
}

}  // namespace

void* Plugin::lookup(const char* name) const {
  // dlsym also finds what the plugin's libraries export; only the plugin's own count.
  void* found = dlsym(handle, name);
  const auto address = reinterpret_cast<uintptr_t>(found);
  return address >= start && address < end ? found : nullptr;
}

Plugin& open_plugin(const std::string& id, const std::string& path, bool in_place) {
  if (count.load() == kMost) throw std::runtime_error("too many plugins");
  const Opened opened = open_object(path);
  auto* plugin = new Plugin;
  plugin->id = id;
  plugin->path = path;
  plugin->handle = opened.handle;
  plugin->unbound = opened.unbound;
  plugin->in_place = in_place;
  link_map* map = nullptr;
  dlinfo(opened.handle, RTLD_DI_LINKMAP, &map);
  Search search{map->l_addr, plugin};
  dl_iterate_phdr(note_range, &search);
  plugins[count.load()] = plugin;
  count.fetch_add(1);
  return *plugin;
}

Plugin* plugin_at(size_t index) { return index < count.load() ? plugins[index] : nullptr; }

size_t plugin_count() { return count.load(); }

Plugin* plugin_of(const void* address) {
  const auto wanted = reinterpret_cast<uintptr_t>(address);
  for (size_t i = 0, end = count.load(); i < end; ++i) {
    if (wanted >= plugins[i]->start && wanted < plugins[i]->end) return plugins[i];
  }
  return nullptr;
}

std::string name_of(const Plugin* plugin) { return plugin == nullptr ? "" : plugin->id; }

}  // namespace mta
