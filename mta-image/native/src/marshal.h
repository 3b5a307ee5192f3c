// Values across the bridge. The JavaScript side, as plugins/native.ts types it: null, booleans, numbers, strings of
// bytes; an array is [key, item, key, item, ...]; the rest are objects with a `kind`. Depth is bounded, for scripts
// may nest without end.
#pragma once

#include <node_api.h>

#include <memory>

#include "config.h"
#include "message.h"
#include "value.h"

namespace mta {

void from_js(napi_env env, napi_value from, HalonHSLValue& into, int depth = 0);
// `value` may be taken apart.
napi_value to_js(napi_env env, HalonHSLValue& value, int depth = 0);
// nullptr for null and undefined.
std::unique_ptr<HalonConfig> config_from_js(napi_env env, napi_value from, int depth = 0);
void message_from_js(napi_env env, napi_value from, HalonQueueMessage& into);
std::shared_ptr<Stream> stream_from_js(napi_env env, napi_value pieces);
// The object behind a handle that to_js made; nullptr once all objects were emptied.
HalonHSLObject* object_from_js(napi_env env, napi_value handle);
// Runs the destructors of all objects that scripts still hold.
void empty_objects();

}  // namespace mta
