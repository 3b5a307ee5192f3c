/*
 * HalonMTA.h: the C interface between the mail transfer agent and its native plugins.
 *
 * A plugin is a shared object that exports functions called Halon_... and calls functions called
 * HalonMTA_..., which the running MTA provides. It is opened once and never unloaded.
 *
 *     g++ -I/opt/halon/include -fPIC -shared example.cpp -o example.so
 *     go build -buildmode c-shared -o example.so example.go
 *
 * Each declaration says who owns what, which thread may call, how long a pointer lives, and since when the
 * function has been known in public ("since 5.6" is March 2021). The numbers behind the constants are this
 * MTA's own: plugins are compatible as source, not as binaries built against another header.
 *
 * Words used below
 *   any thread    the plugin's own threads and the MTA's.
 *   during a call only inside the Halon_... or script function that was given the context.
 *   borrowed      belongs to the MTA; copy it if it must outlive the call.
 *   malloc'ed     belongs to the receiver, who calls free().
 *
 * The MTA calls a plugin from its event loop. While plugin code runs there, mail waits: work that takes long
 * belongs on a thread of the plugin, with the call suspended meanwhile (HalonMTA_hsl_suspend_return).
 * No HalonMTA_... function waits for the event loop, so each may be called with a lock held.
 */
#ifndef HALONMTA_H
#define HALONMTA_H

/* Plugins of 2021 use std::shared_ptr and std::unique_lock without these, which the compilers of their day forgave. */
#ifdef __cplusplus
#include <memory>
#include <mutex>
#endif
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Put before each exported function. */
#ifdef __cplusplus
#define HALON_EXPORT extern "C" __attribute__((visibility("default")))
#else
#define HALON_EXPORT __attribute__((visibility("default")))
#endif

/* What Halon_version() returns; any other number and the plugin is refused. */
#define HALONMTA_PLUGIN_VERSION 560001

/* The default bundle of certificate authorities. */
#define HALON_CA_FILE "/etc/ssl/certs/ca-certificates.crt"
#define HALON_CA_PATH "/etc/ssl/certs"

/*
 * What a plugin may export. Not declared here, so that generated bindings of other languages do not clash.
 *
 *   int  Halon_version(void)                              the only required one; return HALONMTA_PLUGIN_VERSION
 *   bool Halon_early_init(HalonInitContext*)              before the policies are read; false: the MTA does not start
 *   bool Halon_init(HalonInitContext*)                    before the first connection; start threads here;
 *                                                         false: the MTA does not start
 *   bool Halon_hsl_register(HalonHSLRegisterContext*)     register functions for scripts
 *   void Halon_ready(HalonReadyContext*)                  the MTA is up: injecting may start
 *   void Halon_config_reload(HalonConfig* appconfig)      the reloadable configuration changed; NULL: it has none now
 *   void Halon_early_cleanup(void)                        the MTA is going down: stop listening and injecting
 *   void Halon_cleanup(void)                              the last call: join threads, close pools
 *   bool Halon_command_execute(HalonCommandExecuteContext*, size_t argc, const char* argv[], size_t argvl[],
 *                              char** out, size_t* outlen)
 *                                                         an order from the command line; *out malloc'ed by the
 *                                                         plugin; outlen may be left alone for C strings;
 *                                                         false: *out is the error
 *   bool Halon_plugin_command(const char* in, size_t len, char** out, size_t* outlen)
 *                                                         the form of 5.6: one string, by custom "verb:argument"
 *   void Halon_deliver(HalonDeliverContext*)              one delivery attempt; return quickly, end it later with
 *                                                         HalonMTA_deliver_done from any thread
 *   bool Halon_queue_insert_callback(HalonQueueContext*)  a message enters the active queue: its local addresses may
 *   bool Halon_queue_preadd(HalonQueueContext*)           be narrowed; false: back to predelivery (the second name
 *                                                         is the older one)
 *   bool Halon_queue_pickup_acquire(HalonQueueMessage*)   a message is about to leave the active queue; false: back to
 *   bool Halon_queue_pickup_acquire2(HalonQueueContext*)  predelivery, with the return value that the plugin has set
 *
 * Order: version, early_init, init, hsl_register, ready, ..., early_cleanup, cleanup. All of them run on the
 * event loop's thread.
 */

#ifdef __cplusplus
extern "C" {
#endif

typedef struct HalonInitContext HalonInitContext;
typedef struct HalonReadyContext HalonReadyContext;
typedef struct HalonConfig HalonConfig;
typedef struct HalonCommandExecuteContext HalonCommandExecuteContext;
typedef struct HalonHSLRegisterContext HalonHSLRegisterContext;
typedef struct HalonHSLContext HalonHSLContext;
typedef struct HalonHSLArguments HalonHSLArguments;
typedef struct HalonHSLValue HalonHSLValue;
typedef struct HalonHSLObject HalonHSLObject;
typedef struct HalonQueueContext HalonQueueContext;
typedef struct HalonQueueMessage HalonQueueMessage;
typedef struct HalonDeliverContext HalonDeliverContext;
typedef struct HalonInjectContext HalonInjectContext;
typedef struct HalonInjectResultContext HalonInjectResultContext;

/* A function for scripts. args and ret live until it has returned, or, when suspended, until the schedule. */
typedef void HalonHSLFunction(HalonHSLContext* context, HalonHSLArguments* args, HalonHSLValue* ret);

/* ------------------------------------------------------------------ start and configuration */

#define HALONMTA_INIT_CONFIG 1    /* HalonConfig**: plugins[].config of the start-up file; NULL if absent */
#define HALONMTA_INIT_APPCONFIG 2 /* HalonConfig**: plugins[].config of the reloadable file; NULL if absent */

/* Reads from the context of early_init and init. During the call. in and inlen are unused: NULL, 0. Since 5.6. */
bool HalonMTA_init_getinfo(HalonInitContext* context, int type, const void* in, size_t inlen, void* out,
                           size_t* outlen);

/*
 * A configuration is a tree of objects, arrays and scalars. All of these accept NULL and pass it on, so look-ups
 * can be nested. Nodes and texts are borrowed: those of the start live as long as the plugin, those given to
 * Halon_config_reload until it returns. Any thread, as long as the node lives. Since 5.6, but for the two noted.
 */
HalonConfig* HalonMTA_config_object_get(HalonConfig* config, const char* key);   /* NULL if absent or null */
HalonConfig* HalonMTA_config_object_key_get(HalonConfig* config, size_t index);  /* the key, as a scalar; since 2023 */
HalonConfig* HalonMTA_config_array_get(HalonConfig* config, size_t index);       /* NULL past the end */
/* The text of any scalar ("true", "32"); "" of an object or array. length may be NULL. */
const char* HalonMTA_config_string_get(HalonConfig* config, size_t* length);
/* The node as JSON, malloc'ed. length may be NULL. Since 2023. */
bool HalonMTA_config_to_json(HalonConfig* config, char** out, size_t* length);

/* ------------------------------------------------------------------ registering functions for scripts */

/*
 * During Halon_hsl_register. The MTA copies the names. function may be NULL: then the exported symbol called
 * name is taken. false: no such symbol, or a name that scripts cannot say. Global functions since 5.6, static
 * ones since 2021, module functions (import ... from "extras://<plugin id>") since 2022.
 */
bool HalonMTA_hsl_register_function(HalonHSLRegisterContext* context, const char* name, HalonHSLFunction* function);
bool HalonMTA_hsl_register_static_function(HalonHSLRegisterContext* context, const char* class_name,
                                           const char* name, HalonHSLFunction* function);
bool HalonMTA_hsl_module_register_function(HalonHSLRegisterContext* context, const char* name,
                                           HalonHSLFunction* function);
bool HalonMTA_hsl_module_register_static_function(HalonHSLRegisterContext* context, const char* class_name,
                                                  const char* name, HalonHSLFunction* function);

/* ------------------------------------------------------------------ arguments and values */

#define HALONMTA_HSL_TYPE_NONE 0       /* set: NULL */
#define HALONMTA_HSL_TYPE_BOOLEAN 1    /* get, set: bool* */
#define HALONMTA_HSL_TYPE_NUMBER 2     /* get, set: double* */
#define HALONMTA_HSL_TYPE_STRING 3     /* get: char**, borrowed, zero-ended, with length; set: char*, copied */
#define HALONMTA_HSL_TYPE_ARRAY 4      /* set: NULL, an empty array */
#define HALONMTA_HSL_TYPE_FILE 5       /* get: FILE**, borrowed. Since 2021 */
#define HALONMTA_HSL_TYPE_OBJECT 6     /* set: HalonHSLObject*, counted. Since 2021 */
#define HALONMTA_HSL_TYPE_EXCEPTION 7  /* set: char*, the message, copied. Since 2021 */
#define HALONMTA_HSL_TYPE_THIS 8       /* set: HalonHSLContext*, makes a method return $this. Since 2021 */
#define HALONMTA_HSL_TYPE_X509 9       /* get: X509** of OpenSSL, borrowed; set: X509*, counted. Since 2021 */
#define HALONMTA_HSL_TYPE_PRIVATEKEY 10 /* get: EVP_PKEY** of OpenSSL, borrowed; set: EVP_PKEY*, counted. Since 2023 */

#define HALONMTA_JSON_ENCODE_NO_ENSURE_ASCII 1 /* leave UTF-8 as it is in place of \uXXXX. Since 2026 */
#define HALONMTA_JSON_DECODE_UNICODE_BYTE 1    /* \u0000 to \u00ff become one byte each. Since 2026 */

/* The index-th argument, borrowed; NULL when absent. During the call. Since 5.6; the second is another name. */
HalonHSLValue* HalonMTA_hsl_argument_get(HalonHSLArguments* args, size_t index);
HalonHSLValue* HalonMTA_hsl_argument_list(HalonHSLArguments* args, size_t index);
/* Since 2021. */
size_t HalonMTA_hsl_argument_length(HalonHSLArguments* args);

/*
 * Values. Any thread, but one at a time for one call's values; after HalonMTA_hsl_schedule no more. All accept a
 * NULL value: reading says NONE, false, NULL or 0, writing says false. Since 5.6, but for those noted.
 */
int HalonMTA_hsl_value_type(const HalonHSLValue* value);
/* false when the value is of another type (nothing is converted). length may be NULL. */
bool HalonMTA_hsl_value_get(const HalonHSLValue* value, int type, void* out, size_t* length);
/* Copies. length is for strings, 0 means strlen(). */
bool HalonMTA_hsl_value_set(HalonHSLValue* value, int type, const void* in, size_t length);
/* Appends a pair and gives two fresh values to be set; a value of type NONE becomes an array. The key is to be a
   number or a string. Both live as long as value. */
bool HalonMTA_hsl_value_array_add(HalonHSLValue* value, HalonHSLValue** key, HalonHSLValue** item);
/* By key. NULL if absent. */
HalonHSLValue* HalonMTA_hsl_value_array_find(const HalonHSLValue* value, const char* key);
/* By position, in order of insertion; NULL past the end. key may be NULL. Since 2021. */
HalonHSLValue* HalonMTA_hsl_value_array_get(const HalonHSLValue* value, size_t index, HalonHSLValue** key);
size_t HalonMTA_hsl_value_array_length(const HalonHSLValue* value); /* since 2021 */

/* JSON. *out malloc'ed in both cases: the text, or why it could not be written. length may be NULL. Since 2021,
   with flags since 2026. */
bool HalonMTA_hsl_value_to_json(const HalonHSLValue* value, char** out, size_t* length);
bool HalonMTA_hsl_value_to_json2(const HalonHSLValue* value, char** out, size_t* length, int flags);
/* On failure *error is malloc'ed, else NULL; error and errlen may be NULL. */
bool HalonMTA_hsl_value_from_json(HalonHSLValue* value, const char* json, char** error, size_t* errlen);
bool HalonMTA_hsl_value_from_json2(HalonHSLValue* value, const char* json, char** error, size_t* errlen, int flags);

/* The value to be thrown to the script when the function returns; set it, by custom to an EXCEPTION. During the
   call, or before the schedule of a suspended one. Since 2021. */
HalonHSLValue* HalonMTA_hsl_throw(HalonHSLContext* context);

/* ------------------------------------------------------------------ suspend and schedule */

/*
 * suspend_return: call it, then return. The script waits until schedule; what ret holds then is the result.
 * During the call. Since 5.6. The form for languages with stacks of their own, such as Go.
 */
void HalonMTA_hsl_suspend_return(HalonHSLContext* context);
/* suspend: comes back after schedule, and the function goes on. During the call. Since 2023. */
void HalonMTA_hsl_suspend(HalonHSLContext* context);
/*
 * Exactly once for each suspend, from any thread, also before the suspend itself is reached. The context, its
 * arguments and its ret are dead afterwards (but for suspend, whose function goes on). Since 5.6.
 */
void HalonMTA_hsl_schedule(HalonHSLContext* context);

/* ------------------------------------------------------------------ objects, since 2021 */

/* new gives one reference, delete drops it; a value that was set to the object has its own. Any thread. */
HalonHSLObject* HalonMTA_hsl_object_new(void);
void HalonMTA_hsl_object_delete(HalonHSLObject* object);
void HalonMTA_hsl_object_type_set(HalonHSLObject* object, const char* name);
void HalonMTA_hsl_object_register_function(HalonHSLObject* object, const char* method, HalonHSLFunction* function);
/* free_fn(ptr) runs on the event loop's thread when the last reference is gone. */
void HalonMTA_hsl_object_ptr_set(HalonHSLObject* object, void* ptr, void (*free_fn)(void*));
/* ptr of $this. During a method call, or while it is suspended. */
void* HalonMTA_hsl_object_ptr_get(HalonHSLContext* context);

/* ------------------------------------------------------------------ messages, queue hooks and delivery */

#define HALONMTA_INFO_MESSAGE 1   /* HalonQueueMessage** */
#define HALONMTA_INFO_FILE 2      /* FILE**, at the start; the message with all changes made to it; borrowed, read only */
#define HALONMTA_INFO_ARGUMENTS 3 /* HalonHSLValue**: the arguments given in Try() */
#define HALONMTA_INFO_RETURN 4    /* HalonHSLValue**: for the plugin to fill; scripts see it */
#define HALONMTA_INFO_LOCALIPS 5  /* get: char*** and a count; set: const char*[] and a count. Since 2025 */

#define HALONMTA_RESULT_CODE 1   /* set: an integer of 16 bits or more, of which 16 are read; 2xx 4xx 5xx as in SMTP */
#define HALONMTA_RESULT_REASON 2 /* set: text */
#define HALONMTA_ERROR_REASON 3  /* set: text of a temporary error outside any reply */

#define HALONMTA_MESSAGE_TRANSACTIONID 1 /* const char** */
#define HALONMTA_MESSAGE_QUEUEID 2       /* size_t* */
#define HALONMTA_MESSAGE_TRANSPORTID 3   /* this one and the next seven: char** and length */
#define HALONMTA_MESSAGE_LOCALIP 4
#define HALONMTA_MESSAGE_REMOTEIP 5
#define HALONMTA_MESSAGE_REMOTEMX 6
#define HALONMTA_MESSAGE_RECIPIENTDOMAIN 7
#define HALONMTA_MESSAGE_JOBID 8
#define HALONMTA_MESSAGE_GROUPING 9
#define HALONMTA_MESSAGE_TENANTID 10
#define HALONMTA_MESSAGE_METADATA 11     /* HalonHSLValue**, of an inject context */

/* What is known of a message; a field that is not known yet is "". Texts are borrowed. Any thread, as long as the
   context that gave the message lives. Since 2022. */
bool HalonMTA_message_getinfo(HalonQueueMessage* message, int type, const void* in, size_t inlen, void* out,
                              size_t* outlen);

/* MESSAGE, LOCALIPS, RETURN of a queue hook. During the call, which must not block. Since 2023. */
bool HalonMTA_queue_getinfo(HalonQueueContext* context, int type, const void* in, size_t inlen, void* out,
                            size_t* outlen);
/* LOCALIPS: keep only these; addresses that the message did not have are refused. Since 2025. */
bool HalonMTA_queue_setinfo(HalonQueueContext* context, int type, const void* value, size_t length);

/* MESSAGE, FILE, ARGUMENTS, RETURN of a delivery. Any thread, until done. Since 2021. */
bool HalonMTA_deliver_getinfo(HalonDeliverContext* context, int type, const void* in, size_t inlen, void* out,
                              size_t* outlen);
/* RESULT_CODE, RESULT_REASON, ERROR_REASON. Any thread, until done. Since 2021. */
bool HalonMTA_deliver_setinfo(HalonDeliverContext* context, int type, const void* value, size_t length);
/* A line for the trace of the attempt. type is 0; length 0 means strlen(). Any thread, until done. Since 2025. */
bool HalonMTA_deliver_trace(HalonDeliverContext* context, int type, const char* text, size_t length);
/* Ends the attempt. Exactly once, any thread, also inside Halon_deliver. The context is dead afterwards. */
void HalonMTA_deliver_done(HalonDeliverContext* context);

/* ------------------------------------------------------------------ the queue, any thread */

#define HALONMTA_QUEUE_TRANSPORTID 1
#define HALONMTA_QUEUE_LOCALIP 2
#define HALONMTA_QUEUE_REMOTEIP 4
#define HALONMTA_QUEUE_REMOTEMX 8
#define HALONMTA_QUEUE_RECIPIENTDOMAIN 16
#define HALONMTA_QUEUE_JOBID 32
#define HALONMTA_QUEUE_GROUPING 64
#define HALONMTA_QUEUE_TENANTID 128

#define HALONMTA_RATE_ALGORITHM_DEFAULT 0
#define HALONMTA_RATE_ALGORITHM_FIXEDWINDOW 1
#define HALONMTA_RATE_ALGORITHM_TOKENBUCKET 2

#define HALONMTA_POLICY_TYPE_DYNAMIC 0
#define HALONMTA_POLICY_TYPE_WARMUP 1
#define HALONMTA_POLICY_TYPE_BACKOFF 2

/*
 * A suspension stops the pick-up of messages that match all its fields; a field that is NULL matches anything, and
 * one that starts with @ names a list. ttl in seconds, 0 for no end. Each gives an id, malloc'ed, or NULL when a
 * value is refused. A given id replaces what had it; NULL makes a new one. propv are propl strings: key, value, ...
 */
char* HalonMTA_queue_suspend_add(const char* transportid, const char* localip, const char* remoteip,
                                 const char* remotemx, const char* recipientdomain, const char* jobid,
                                 const char* tag, double ttl); /* since 5.6 */
char* HalonMTA_queue_suspend_add2(const char* transportid, const char* localip, const char* remoteip,
                                  const char* remotemx, const char* recipientdomain, const char* jobid,
                                  const char* grouping, const char* tag, double ttl); /* since 2023 */
char* HalonMTA_queue_suspend_add5(const char* id, const char* transportid, const char* localip,
                                  const char* remoteip, const char* remotemx, const char* recipientdomain,
                                  const char* jobid, const char* grouping, const char* tenantid, const char* tag,
                                  const char* propv[], size_t propl, double ttl); /* since 2025 */
/* false when nothing has this id (any more). Since 5.6. */
bool HalonMTA_queue_suspend_delete(const char* id);

/*
 * A policy bounds the messages in flight (concurrency) and the rate (tokens per interval seconds) for each
 * distinct combination of its fields (HALONMTA_QUEUE_..., or-ed), among messages that match the given values.
 * 0 tokens or 0 concurrency: not bounded by this.
 */
char* HalonMTA_queue_policy_add(int fields, const char* transportid, const char* localip, const char* remoteip,
                                const char* remotemx, const char* recipientdomain, const char* jobid,
                                size_t concurrency, size_t tokens, double interval, const char* tag,
                                double ttl); /* since 5.6 */
char* HalonMTA_queue_policy_add3(int fields, const char* transportid, const char* localip, const char* remoteip,
                                 const char* remotemx, const char* recipientdomain, const char* jobid,
                                 const char* grouping, size_t concurrency, size_t tokens, double interval,
                                 const char* tag, const char* propv[], size_t propl, bool stop,
                                 double ttl); /* since 2023 */
char* HalonMTA_queue_policy_add4(int fields, const char* transportid, const char* localip, const char* remoteip,
                                 const char* remotemx, const char* recipientdomain, const char* jobid,
                                 const char* grouping, const char* tenantid, size_t concurrency, size_t tokens,
                                 double interval, const char* tag, const char* propv[], size_t propl, bool stop,
                                 double ttl); /* since 2025 */
char* HalonMTA_queue_policy_add6(const char* id, int fields, int type, const char* transportid,
                                 const char* localip, const char* remoteip, const char* remotemx,
                                 const char* recipientdomain, const char* jobid, const char* grouping,
                                 const char* tenantid, size_t concurrency, size_t tokens, double interval,
                                 int ratealgorithm, double connectinterval, const char* tag, const char* propv[],
                                 size_t propl, bool stop, bool cluster, double ttl); /* since 2025 */
bool HalonMTA_queue_policy_update(const char* id, size_t concurrency, size_t tokens, double interval,
                                  const char* tag, double ttl); /* since 5.6 */
bool HalonMTA_queue_policy_update2(const char* id, size_t concurrency, size_t tokens, double interval,
                                   const char* tag, const char* propv[], size_t propl, double ttl); /* since 2023 */
bool HalonMTA_queue_policy_update3(const char* id, size_t concurrency, size_t tokens, double interval,
                                   const char* tag, const char* propv[], size_t propl, bool stop,
                                   double ttl); /* since 2025 */
bool HalonMTA_queue_policy_update4(const char* id, size_t concurrency, size_t tokens, double interval,
                                   int ratealgorithm, double connectinterval, const char* tag,
                                   const char* propv[], size_t propl, bool stop, bool cluster,
                                   double ttl); /* since 2025 */
bool HalonMTA_queue_policy_delete(const char* id); /* since 5.6 */
/* Divides all limits shared by the cluster by n; 0 is refused. Since 2026. */
bool HalonMTA_queue_policy_divide(size_t n);

/*
 * Named lists of addresses or names, used as @name in policies and suspensions. field is one HALONMTA_QUEUE_...
 * Changes count after a reload of the list; field 0 and list NULL reload all. Since 2021.
 */
bool HalonMTA_queue_list_add(int field, const char* list);
bool HalonMTA_queue_list_item_add(int field, const char* list, const char* item);
bool HalonMTA_queue_list_item_delete(int field, const char* list, const char* item);
bool HalonMTA_queue_list_reload(int field, const char* list);

/* ------------------------------------------------------------------ injecting mail, any thread, since 2023 */

/* serverid names a server of type plugin; NULL when there is none. Ends with commit (true) or abort. */
HalonInjectContext* HalonMTA_inject_new(const char* serverid);
/* domain NULL: an address without one, or the null sender when localpart is "". reserved is NULL. */
bool HalonMTA_inject_sender_set(HalonInjectContext* context, const char* localpart, const char* domain);
bool HalonMTA_inject_recipient_add(HalonInjectContext* context, const char* localpart, const char* domain,
                                   void* reserved);
/* false when the message gets longer than the server takes. */
bool HalonMTA_inject_message_append(HalonInjectContext* context, const char* data, size_t length);
/* MESSAGE_METADATA: HalonHSLValue** to fill. */
bool HalonMTA_inject_getinfo(HalonInjectContext* context, int type, const void* in, size_t inlen, void* out,
                             size_t* outlen);
/* Called once after a commit, on the event loop's thread. */
bool HalonMTA_inject_callback_set(HalonInjectContext* context, void (*callback)(HalonInjectResultContext*, void*),
                                  void* user);
/* true: the context is gone and the callback will come. false: the caller must abort. */
bool HalonMTA_inject_commit(HalonInjectContext* context);
void HalonMTA_inject_abort(HalonInjectContext* context);
/* RESULT_CODE: short*. During the callback. */
bool HalonMTA_inject_result_getinfo(HalonInjectResultContext* context, int type, const void* in, size_t inlen,
                                    void* out, size_t* outlen);

#ifdef __cplusplus
}
#endif

#endif
