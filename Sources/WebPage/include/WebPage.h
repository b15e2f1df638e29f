#ifndef WEB_PAGE_H
#define WEB_PAGE_H

#include <stddef.h>

/// The page that `export --format html` fills in, UTF-8, with marks {{TITLE}}, {{FACTS}}, {{ENGINE}},
/// {{RELAXED_ENGINE}} and {{MODEL}}.
const unsigned char *web_page_bytes(void);
size_t web_page_count(void);

/// Its engine, a WebAssembly module that scripts/build-web-engine.sh makes of Swift sources.
const unsigned char *web_engine_bytes(void);
size_t web_engine_count(void);

/// The same for browsers with relaxed SIMD, where a multiplication and an addition are one instruction.
const unsigned char *web_relaxed_engine_bytes(void);
size_t web_relaxed_engine_count(void);

#endif
