#ifndef EMBEDDED_NETWORK_H
#define EMBEDDED_NETWORK_H

#include <stddef.h>

/// The frozen GraphDef of EfficientNet-Lite0, part of the program: it lives as long as the process does.
const unsigned char *embedded_network_bytes(void);
size_t embedded_network_count(void);

#endif
