/// The module's memory beyond its own data. What is reserved stays, but for what is given up with a mark: Swift's arrays live only while
/// a picture is resized, at the end of what is reserved.
#pragma once
#include <stddef.h>

/// Zeros, aligned to 64 bytes; NULL where the browser gives no more.
void *engine_reserve(size_t bytes);
/// Where the next reservation begins.
size_t engine_mark(void);
/// Gives up what was reserved after a mark.
void engine_release(size_t mark);
