#include "BuildInformation.h"

const char *cartoonctl_commit(void) { return CARTOONCTL_COMMIT; }
