/* The first form of the pick-up hook. */
#include <HalonMTA.h>

HALON_EXPORT int Halon_version(void) { return HALONMTA_PLUGIN_VERSION; }
HALON_EXPORT bool Halon_queue_pickup_acquire(HalonQueueMessage* message) {
  char* job = NULL;
  HalonMTA_message_getinfo(message, HALONMTA_MESSAGE_JOBID, NULL, 0, &job, NULL);
  return strcmp(job, "later") != 0;
}
