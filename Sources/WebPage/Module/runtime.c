#include "EngineRuntime.h"

// What compilers call by name, by the instructions that WebAssembly has for it.

void *memcpy(void *restrict to, const void *restrict from, size_t count) { return __builtin_memcpy(to, from, count); }
void *memmove(void *to, const void *from, size_t count) { return __builtin_memmove(to, from, count); }
void *memset(void *to, int byte, size_t count) { return __builtin_memset(to, byte, count); }

/// Where the linker ends the module's data.
extern unsigned char __heap_base;
static size_t next;

void *engine_reserve(size_t bytes) {
    const size_t page = 65536, limit = (size_t)1 << 31;
    size_t begin = ((next ? next : (size_t)&__heap_base) + 63) & ~(size_t)63;
    if (bytes > limit - begin) return NULL;
    size_t end = begin + bytes, have = __builtin_wasm_memory_size(0) * page;
    if (end > have && __builtin_wasm_memory_grow(0, (end - have + page - 1) / page) == (size_t)-1) return NULL;
    next = end;
    return (void *)begin;
}

size_t engine_mark(void) { return next; }
void engine_release(size_t mark) { next = mark; }

/// Swift's arrays ask for memory by this name, and give it back with the mark.
int posix_memalign(void **result, size_t alignment, size_t bytes) {
    void *memory = alignment <= 64 ? engine_reserve(bytes) : NULL;
    if (!memory) return 12;
    *result = memory;
    return 0;
}
void free(void *memory) { (void)memory; }
