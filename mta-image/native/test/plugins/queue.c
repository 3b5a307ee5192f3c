/* Gives every order to the queue that there is, from a thread that holds a lock which its hooks want too. */
#include <HalonMTA.h>
#include <pthread.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char answer[4096];

HALON_EXPORT int Halon_version(void) { return HALONMTA_PLUGIN_VERSION; }

static void tell(const char* what, bool good) {
  strncat(answer, good ? "+" : "-", sizeof answer - strlen(answer) - 1);
  strncat(answer, what, sizeof answer - strlen(answer) - 1);
  strncat(answer, " ", sizeof answer - strlen(answer) - 1);
}

static void told(const char* what, char* id) {
  tell(what, id != NULL);
  free(id);
}

static const char* properties[] = {"colour", "red", "size", "2"};

static void suspensions(void) {
  char* id = HalonMTA_queue_suspend_add("t", "10.0.0.1", NULL, NULL, "example.com", NULL, "tag", 60);
  tell("suspend", id != NULL);
  tell("delete", HalonMTA_queue_suspend_delete(id));
  tell("delete-again", HalonMTA_queue_suspend_delete(id));
  free(id);
  told("suspend2", HalonMTA_queue_suspend_add2(NULL, NULL, "192.0.2.1", "mx.example.com", NULL, "job", "&g", NULL, 0));
  told("suspend5", HalonMTA_queue_suspend_add5("own-id", NULL, NULL, NULL, NULL, NULL, NULL, NULL, "tenant", "tag",
                                               properties, 4, 0));
  told("suspend-bad-ttl", HalonMTA_queue_suspend_add(NULL, NULL, NULL, NULL, NULL, NULL, NULL, -1));
  told("suspend-odd", HalonMTA_queue_suspend_add5(NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
                                                  properties, 3, 0));
}

static void policies(void) {
  const int fields = HALONMTA_QUEUE_LOCALIP | HALONMTA_QUEUE_GROUPING;
  char* id = HalonMTA_queue_policy_add(fields, NULL, "10.0.0.1", NULL, NULL, NULL, NULL, 5, 100, 3600, "Day_1", 0);
  tell("policy", id != NULL);
  tell("update", HalonMTA_queue_policy_update(id, 6, 200, 3600, "Day_2", 0));
  tell("update2", HalonMTA_queue_policy_update2(id, 6, 200, 3600, "Day_2", properties, 2, 0));
  tell("update3", HalonMTA_queue_policy_update3(id, 6, 200, 3600, "Day_2", properties, 2, true, 0));
  tell("update4", HalonMTA_queue_policy_update4(id, 6, 200, 3600, HALONMTA_RATE_ALGORITHM_TOKENBUCKET, 0.5, "Day_2",
                                                properties, 4, true, true, 0));
  tell("policy-delete", HalonMTA_queue_policy_delete(id));
  tell("update-gone", HalonMTA_queue_policy_update(id, 6, 200, 3600, "Day_2", 0));
  free(id);
  told("policy3", HalonMTA_queue_policy_add3(fields, NULL, NULL, NULL, NULL, NULL, NULL, "&g", 0, 10, 1, NULL, NULL, 0,
                                             false, 0));
  told("policy4", HalonMTA_queue_policy_add4(fields, NULL, NULL, NULL, NULL, NULL, NULL, "&g", "tenant", 0, 10, 1,
                                             NULL, properties, 4, true, 0));
  told("policy6", HalonMTA_queue_policy_add6("own-policy", fields, HALONMTA_POLICY_TYPE_WARMUP, NULL, "10.0.0.1", NULL,
                                             NULL, NULL, NULL, NULL, NULL, 0, 10, 1,
                                             HALONMTA_RATE_ALGORITHM_FIXEDWINDOW, 0, "tag", properties, 2, false, true,
                                             0));
  told("policy-bad-fields", HalonMTA_queue_policy_add(4096, NULL, NULL, NULL, NULL, NULL, NULL, 1, 1, 1, NULL, 0));
  told("policy-no-interval", HalonMTA_queue_policy_add(fields, NULL, NULL, NULL, NULL, NULL, NULL, 0, 1, 0, NULL, 0));
  tell("divide", HalonMTA_queue_policy_divide(3));
  tell("divide-by-zero", HalonMTA_queue_policy_divide(0));
}

static void lists(void) {
  tell("item-before-list", HalonMTA_queue_list_item_add(HALONMTA_QUEUE_LOCALIP, "warm", "10.0.0.1"));
  tell("list", HalonMTA_queue_list_add(HALONMTA_QUEUE_LOCALIP, "warm"));
  tell("item", HalonMTA_queue_list_item_add(HALONMTA_QUEUE_LOCALIP, "warm", "10.0.0.1"));
  tell("item-delete", HalonMTA_queue_list_item_delete(HALONMTA_QUEUE_LOCALIP, "warm", "10.0.0.1"));
  tell("reload", HalonMTA_queue_list_reload(0, NULL));
}

static void* orders(void* unused) {
  pthread_mutex_lock(&lock);
  answer[0] = '\0';
  suspensions();
  policies();
  lists();
  pthread_mutex_unlock(&lock);
  return unused;
}

HALON_EXPORT bool Halon_command_execute(HalonCommandExecuteContext* context, size_t argc, const char* argv[],
                                        size_t argvl[], char** out, size_t* outlen) {
  (void)context, (void)argc, (void)argv, (void)argvl, (void)outlen;
  pthread_t thread;
  pthread_create(&thread, NULL, orders, NULL);
  pthread_join(thread, NULL);
  *out = strdup(answer);
  return true;
}

static void set_text(HalonHSLValue* value, const char* text) {
  HalonMTA_hsl_value_set(value, HALONMTA_HSL_TYPE_STRING, text, 0);
}

/* Keeps the first address of several; refuses mail to refuse.example with a reason. */
HALON_EXPORT bool Halon_queue_insert_callback(HalonQueueContext* context) {
  HalonQueueMessage* message = NULL;
  HalonHSLValue *ret = NULL, *key = NULL, *item = NULL;
  char **ips = NULL, *domain = NULL;
  size_t count = 0, length = 0;
  pthread_mutex_lock(&lock);
  pthread_mutex_unlock(&lock);
  HalonMTA_queue_getinfo(context, HALONMTA_INFO_MESSAGE, NULL, 0, &message, NULL);
  HalonMTA_queue_getinfo(context, HALONMTA_INFO_LOCALIPS, NULL, 0, &ips, &count);
  HalonMTA_message_getinfo(message, HALONMTA_MESSAGE_RECIPIENTDOMAIN, NULL, 0, &domain, &length);
  if (strcmp(domain, "refuse.example") == 0) {
    HalonMTA_queue_getinfo(context, HALONMTA_INFO_RETURN, NULL, 0, &ret, NULL);
    HalonMTA_hsl_value_array_add(ret, &key, &item);
    set_text(key, "error");
    set_text(item, "REFUSED");
    return false;
  }
  const char* foreign[] = {"198.51.100.99"};
  if (HalonMTA_queue_setinfo(context, HALONMTA_INFO_LOCALIPS, foreign, 1)) return false;
  if (count > 1) HalonMTA_queue_setinfo(context, HALONMTA_INFO_LOCALIPS, (const char**)ips, 1);
  return true;
}

/* Relinquishes mail of job "later" and tells every field of the message. */
HALON_EXPORT bool Halon_queue_pickup_acquire2(HalonQueueContext* context) {
  static const int kinds[] = {HALONMTA_MESSAGE_TRANSACTIONID, HALONMTA_MESSAGE_TRANSPORTID, HALONMTA_MESSAGE_LOCALIP,
                              HALONMTA_MESSAGE_REMOTEIP,      HALONMTA_MESSAGE_REMOTEMX,
                              HALONMTA_MESSAGE_RECIPIENTDOMAIN, HALONMTA_MESSAGE_JOBID, HALONMTA_MESSAGE_GROUPING,
                              HALONMTA_MESSAGE_TENANTID};
  HalonQueueMessage* message = NULL;
  HalonHSLValue *ret = NULL, *key = NULL, *item = NULL;
  size_t queueid = 0;
  HalonMTA_queue_getinfo(context, HALONMTA_INFO_MESSAGE, NULL, 0, &message, NULL);
  HalonMTA_queue_getinfo(context, HALONMTA_INFO_RETURN, NULL, 0, &ret, NULL);
  HalonMTA_message_getinfo(message, HALONMTA_MESSAGE_QUEUEID, NULL, 0, &queueid, NULL);
  bool later = false;
  for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; ++i) {
    char* text = NULL;
    size_t length = 0;
    double number = (double)i;
    HalonMTA_message_getinfo(message, kinds[i], NULL, 0, &text, &length);
    HalonMTA_hsl_value_array_add(ret, &key, &item);
    HalonMTA_hsl_value_set(key, HALONMTA_HSL_TYPE_NUMBER, &number, 0);
    HalonMTA_hsl_value_set(item, HALONMTA_HSL_TYPE_STRING, text, length);
    if (kinds[i] == HALONMTA_MESSAGE_JOBID) later = strcmp(text, "later") == 0;
  }
  return !later && queueid > 0;
}
