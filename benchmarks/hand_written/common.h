/* What the yardstick needs around its kernel: a random number generator (splitmix64, Box-Muller) and constants.
 */
#pragma once
#include <immintrin.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const double TM = 20, TS = 5; // ms

typedef struct {
    uint64_t s;
} rng;

static inline uint64_t rn(rng *r) {
    uint64_t z = (r->s += 0x9E3779B97F4A7C15ull);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
}

static inline double ru(rng *r) { return (double)(rn(r) >> 11) * 0x1p-53; }

static inline double rg(rng *r) {
    double a = ru(r) + 1e-300, b = ru(r);
    return sqrt(-2 * log(a)) * cos(6.283185307179586 * b);
}
