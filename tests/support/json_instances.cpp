#define OTA_INSTANTIATE template
#include "tests/support/json_instances.h"
