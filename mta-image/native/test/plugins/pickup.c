/* The first forms of the two queue hooks; each refuses one job. */
#include <HalonMTA.h>

HALON_EXPORT int Halon_version(void) { return HALONMTA_PLUGIN_VERSION; }

static bool is_job(HalonQueueMessage* message, const char* wanted) {
  char* job = NULL;
  return HalonMTA_message_getinfo(message, HALONMTA_MESSAGE_JOBID, NULL, 0, &job, NULL) && strcmp(job, wanted) == 0;
}

HALON_EXPORT bool Halon_queue_preadd(HalonQueueContext* context) {
  HalonQueueMessage* message = NULL;
  HalonMTA_queue_getinfo(context, HALONMTA_INFO_MESSAGE, NULL, 0, &message, NULL);
  return !is_job(message, "refused by preadd");
}

HALON_EXPORT bool Halon_queue_pickup_acquire(HalonQueueMessage* message) {
  return !is_job(message, "refused by pickup");
}
