/* The floor of the job `channel` between two states: two threads that wake each other in turn,
 * as in the job `resume`. */
#include "resume_eventfd.c"
