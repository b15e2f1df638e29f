// Prints hashes of what exact kernels compute; then runs a portable program (the model of `export --format html`) on
// a picture of noise and prints what it answers.
//
//   engine PROGRAM WIDTH HEIGHT

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include "CPUFeatures.h"

int32_t engine_open(const void *program, int32_t count);
int32_t engine_labels(void);
int32_t engine_knows_strangers(void);
uint8_t *engine_picture(int32_t width, int32_t height);
const float *engine_run(int32_t width, int32_t height);
float engine_familiarity(void);
void trace_kernels(int32_t level);

void print_hash(const char *name, uint32_t value) { printf("hash %s %08x\n", name, value); }

// The memory that the engine asks for; the marks by which a page gives some of it back are not needed here.
void *engine_reserve(size_t bytes) { return aligned_alloc(64, (bytes + 63) & ~(size_t)63); }
size_t engine_mark(void) { return 0; }
void engine_release(size_t mark) { (void)mark; }

int main(int count, char **words) {
    if (count != 4) return 2;
#if defined(__aarch64__)
    int level = cpu_has_i8mm() ? 2 : cpu_has_dotprod() ? 1 : 0;
#else
    int level = 0;
#endif
    fprintf(stderr, "%s\n", (const char *[]){"baseline", "neondotprod", "neoni8mm"}[level]);
    trace_kernels(level);

    FILE *file = fopen(words[1], "rb");
    if (!file) return perror(words[1]), 1;
    fseek(file, 0, SEEK_END);
    long size = ftell(file);
    rewind(file);
    char *program = malloc(size);
    if (fread(program, 1, size, file) != (size_t)size || !engine_open(program, size)) return puts("no program"), 1;

    int width = atoi(words[2]), height = atoi(words[3]);
    uint8_t *pixels = engine_picture(width, height);
    uint64_t state = 1;
    for (int i = 0; i < width * height * 4; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        // Noise around a gradient, so that resizing leaves something of it.
        pixels[i] = ((state >> 57) + i / 4 % width * 128 / width) & 255;
    }
    const float *scores = engine_run(width, height);
    for (int i = 0; i < engine_labels(); i++) printf("score %.9g\n", scores[i]);
    if (engine_knows_strangers()) printf("familiarity %.9g\n", engine_familiarity());
}
