/* What the yardsticks of the recurrent network share: its sizes, the data that the caller gives, clocks and memory. Times
 * are in milliseconds. */
#pragma once
#define _GNU_SOURCE
#include <immintrin.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#define INL static inline __attribute__((always_inline))

enum { NIN = 700, NH = 256, NOUT = 20 };
static const double TM = 20, TS = 5, TEND = 1000, THETA = 1;
typedef struct {
    int n, label;
    double *t;
    uint16_t *ch;
} evs; // sorted by time

static const float *given_in, *given_rec, *given_out;
static const double *given_times;
static const int *given_channels, *given_labels, *given_start;

static evs gen_events(int b) {
    evs e = {given_start[b + 1] - given_start[b], given_labels[b], NULL, NULL};
    e.t = malloc(sizeof(double) * (size_t)e.n);
    e.ch = malloc(sizeof(uint16_t) * (size_t)e.n);
    for (int i = 0; i < e.n; i++) {
        e.t[i] = given_times[given_start[b] + i];
        e.ch[i] = (uint16_t)given_channels[given_start[b] + i];
    }
    return e;
}

static void gen_weights(float *win, float *wrec, float *wout) {
    memcpy(win, given_in, sizeof(float) * NIN * NH);
    memcpy(wrec, given_rec, sizeof(float) * NH * NH);
    memcpy(wout, given_out, sizeof(float) * NH * NOUT);
}

static void *big(size_t n) { // 2 MiB aligned, huge pages if the kernel grants them
    void *p;
    n = (n + (2u << 20) - 1) & ~(size_t)((2u << 20) - 1);
    if (posix_memalign(&p, 2u << 20, n)) abort();
    madvise(p, n, MADV_HUGEPAGE);
    memset(p, 0, n);
    return p;
}

// Closed form of the linear readout: R = time left to T
INL double Hker(double R) { return TS * (1 - (TM * exp(-R / TM) - TS * exp(-R / TS)) / (TM - TS)); } // d(int V dt)/dw of one spike
INL double Kker(double R) { return TS / (TM - TS) * (exp(-R / TM) - exp(-R / TS)); }                 // PSP

static void given(const float *win, const float *wrec, const float *wout, const double *times, const int *channels,
                  const int *start, const int *labels) {
    given_in = win, given_rec = wrec, given_out = wout;
    given_times = times, given_channels = channels, given_start = start, given_labels = labels;
}
