#include "WebPage.h"

static const unsigned char page[] = {
#embed "page.html"
};
static const unsigned char engine[] = {
#embed "engine.wasm"
};
static const unsigned char relaxed_engine[] = {
#embed "engine-relaxed.wasm"
};

const unsigned char *web_page_bytes(void) { return page; }
size_t web_page_count(void) { return sizeof page; }
const unsigned char *web_engine_bytes(void) { return engine; }
size_t web_engine_count(void) { return sizeof engine; }
const unsigned char *web_relaxed_engine_bytes(void) { return relaxed_engine; }
size_t web_relaxed_engine_count(void) { return sizeof relaxed_engine; }
