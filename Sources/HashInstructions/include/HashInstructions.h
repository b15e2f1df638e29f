/// SHA-256 by the x86 SHA extensions.
/// Source: Intel SDM vol. 2B, SHA256RNDS2, SHA256MSG1 and SHA256MSG2; AMD documents the same.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Whether the processor supports `sha256_compress`.
bool cpu_has_sha256(void);

/// Compresses `count` blocks of 64 bytes into the state (FIPS 180-4 §6.2.2).
///
/// - Parameters:
///   - state: The eight working variables a to h.
///   - constants: The 64 constants of §4.2.2.
void sha256_compress(uint32_t *state, const void *blocks, size_t count, const uint32_t *constants);
