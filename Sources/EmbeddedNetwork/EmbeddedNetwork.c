#include "EmbeddedNetwork.h"

// Page-aligned like a mapped file, so that weights have one alignment wherever a graph came from.
static const unsigned char network[] __attribute__((aligned(4096))) = {
#embed "efficientnet_lite0.pb"
};

const unsigned char *embedded_network_bytes(void) { return network; }
size_t embedded_network_count(void) { return sizeof network; }
