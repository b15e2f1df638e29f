/// SHA-256 by the processor's own instructions.
/// Source: Intel SDM vol. 2B, SHA256RNDS2, SHA256MSG1 and SHA256MSG2; AMD's are the same.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Whether `sha256_compress` can run here.
bool cpu_has_sha256(void);

/// FIPS 180-4 §6.2.2 over blocks of 64 bytes.
///
/// - Parameters:
///   - state: a to h.
///   - constants: the 64 of §4.2.2.
void sha256_compress(uint32_t *state, const void *blocks, size_t count, const uint32_t *constants);
