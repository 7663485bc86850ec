/* The yardstick: exact event-driven LIF, float64, 5 -> 120 -> 3, first-spike cross-entropy, forward and weight
 * gradients, written by hand for AVX-512 and for this one network. Sizes, the ratio tau_mem/tau_syn = 4,
 * threshold and reset are built in; times are in milliseconds.
 *
 * With x = exp(-t/tau_mem) and r = 4:  V(x) = A x - B x^r,  I(x) = (r-1) B x^r.  An event of weight w at x_e
 * adds w/((r-1) x_e) to A and w/((r-1) x_e^r) to B; between events A and B are constant, so nothing is
 * propagated.
 *
 * No crossing is missed: V is concave in x wherever I > 0, and a crossing needs I >= theta > 0. Newton's
 * iteration x <- x (I-theta)/(I-V) therefore stops at or before the first crossing at every step and converges
 * monotonically; I <= theta or x < x_end certifies that there is none. Tangents at both ends of an interval
 * reject most neurons without a search. Adjoint, in the same coefficients: lambda_V = P/x, lambda_I = r/(r-1)
 * (P/x - Q/x^r).
 */
#include <immintrin.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { NI = 5, H = 120, NV = H / 8, O = 3, MAXS = 2048 };
#define RR 4.0
#define PW(x)                                                                                                  \
    ({                                                                                                         \
        __typeof__(x) y_ = (x) * (x);                                                                          \
        y_ *y_;                                                                                                \
    })                           // x^r
#define PW1(x) ((x) * (x) * (x)) // x^(r-1)
static const double TM = 20, TS = 5, TT = 60, T0 = 0.5, T1 = 6.4, ALPHA = 3e-3;
typedef double v8 __attribute__((vector_size(64)));
typedef double v4 __attribute__((vector_size(32)));
#define S8(a) _mm512_set1_pd(a)
typedef struct {
    double x[NI];
    int ch[NI], label;
} inp; // sorted: x descending
typedef struct {
    double g1[NI * H], g2[H * 4], loss;
    long hs, os;
    char pad[64];
} acc;
static double W1[NI * H] __attribute__((aligned(64))), W2[H * 4] __attribute__((aligned(64)));
static void sample(const inp *s, acc *a, double invB) {
    double A[H] __attribute__((aligned(64))), B[H] __attribute__((aligned(64)));
    memset(A, 0, sizeof A);
    memset(B, 0, sizeof B);
    double hx[MAXS], hi[MAXS];
    uint16_t hn[MAXS];
    int nh = 0, iv[NI + 2]; // hidden spikes sorted by time; iv[k]: first one in interval k
    const double xT = exp(-TT / TM);
    const __m512d one = S8(1.0), r1 = S8(RR - 1), z = _mm512_setzero_pd();
    const __m512i lane = _mm512_set_epi64(7, 6, 5, 4, 3, 2, 1, 0);
    for (int k = 0; k < NI; k++) {
        double xs = s->x[k], xe = k + 1 < NI ? s->x[k + 1] : xT, xs4 = PW(xs), xe4 = PW(xe);
        iv[k] = nh;
        const __m512d c1 = S8(1 / ((RR - 1) * xs)), c2 = S8(1 / ((RR - 1) * xs4)), vxe = S8(xe), vxe4 = S8(xe4),
                      vxs = S8(xs), vxs4 = S8(xs4), q = S8(xs / xe - 1), p = S8(1 - xe / xs);
        double qA[H + 16], qB[H + 16], qx[H + 16];
        int64_t qn[H + 16];
        int nq = 0;
        const double *w = W1 + s->ch[k] * H;
        for (int v = 0; v < NV; v++) {
            __m512d ww = _mm512_load_pd(w + 8 * v), a_ = _mm512_fmadd_pd(ww, c1, _mm512_load_pd(A + 8 * v)),
                    b_ = _mm512_fmadd_pd(ww, c2, _mm512_load_pd(B + 8 * v));
            _mm512_store_pd(A + 8 * v, a_);
            _mm512_store_pd(B + 8 * v, b_);
            // conservative test: V is concave in x where I>0, so it lies under its tangents at both ends of the
            // interval
            __m512d be = b_ * vxe4, ve = _mm512_fmsub_pd(a_, vxe, be), d = _mm512_fnmadd_pd(r1, be, ve),
                    u = _mm512_fmadd_pd(_mm512_max_pd(d, z), q, ve);
            __m512d bs = b_ * vxs4, vs = _mm512_fmsub_pd(a_, vxs, bs), is = bs * r1,
                    u2 = _mm512_fmadd_pd(is - vs, p, vs);
            __mmask8 m = _mm512_cmp_pd_mask(u, S8(1 - 1e-12), _CMP_GE_OQ) &
                         _mm512_cmp_pd_mask(is, one, _CMP_GT_OQ) &
                         _mm512_cmp_pd_mask(u2, S8(1 - 1e-12), _CMP_GE_OQ);
            if (m) {
                _mm512_mask_compressstoreu_pd(qA + nq, m, a_);
                _mm512_mask_compressstoreu_pd(qB + nq, m, b_);
                _mm512_mask_compressstoreu_epi64(qn + nq, m, _mm512_add_epi64(lane, _mm512_set1_epi64(8 * v)));
                nq += __builtin_popcount(m);
            }
        }
        for (int i = 0; i < nq; i++)
            qx[i] = xs;
        while (nq) {
            int nn = 0; // rounds: a neuron occurs at most once per round
            for (int g0 = 0; g0 < nq; g0 += 16) {
                __mmask8 liv[2], act[2];
                __m512d ga[2], gb[2], gx[2], lo[2];
#pragma GCC unroll 2
                for (int j = 0; j < 2; j++) {
                    int n = nq - g0 - 8 * j;
                    liv[j] = act[j] = n >= 8 ? 255 : n <= 0 ? 0 : (1 << n) - 1;
                    ga[j] = _mm512_loadu_pd(qA + g0 + 8 * j);
                    gb[j] = _mm512_loadu_pd(qB + g0 + 8 * j);
                    gx[j] = _mm512_mask_loadu_pd(one, liv[j], qx + g0 + 8 * j);
                    // lower end of the search: V lies under its tangent at xe, so no crossing can lie beyond
                    // that tangent's own crossing
                    __m512d be = gb[j] * vxe4, ve = _mm512_fmsub_pd(ga[j], vxe, be),
                            d = _mm512_fnmadd_pd(r1, be, ve);
                    __mmask8 t = _mm512_cmp_pd_mask(d, z, _CMP_GT_OQ) & _mm512_cmp_pd_mask(ve, one, _CMP_LT_OQ);
                    lo[j] =
                        _mm512_mask_mov_pd(vxe, t, _mm512_fmadd_pd((one - ve) * vxe / d, S8(1 - 1e-12), vxe));
                }
                // frozen-current iteration = Newton in x: monotone from the left in time, never passes the
                // first crossing. The reciprocal is rcp14 + one refinement, and the step is shortened by 2^-25,
                // so it stays a lower bound; no division.
                for (int it = 0; it < 100 && (act[0] | act[1]); it++) {
#pragma GCC unroll 2
                    for (int j = 0; j < 2; j++) {
                        __m512d x = gx[j], bb = gb[j] * PW(x), I = r1 * bb,
                                f = _mm512_fnmadd_pd(ga[j], x, one + bb), D = I - one + f,
                                q = _mm512_rcp14_pd(D);
                        q = q * _mm512_fnmadd_pd(D, q, S8(2 - 0x1p-25));
                        __m512d st = f * q, xn = _mm512_fnmadd_pd(x, st, x);
                        __mmask8 dead = act[j] & (_mm512_cmp_pd_mask(I, one, _CMP_LE_OQ) |
                                                  _mm512_cmp_pd_mask(xn, lo[j], _CMP_LT_OQ));
                        liv[j] &= ~dead;
                        act[j] &= ~dead;
                        gx[j] = _mm512_mask_mov_pd(x, act[j], _mm512_min_pd(x, xn));
                        act[j] &= _mm512_cmp_pd_mask(st, S8(4e-16), _CMP_GT_OQ);
                    }
                }
                for (int j = 0; j < 2; j++) {
                    int g = g0 + 8 * j;
                    __mmask8 live = liv[j];
                    __m512d a_, b_ = gb[j], x = gx[j];
                    if (!live)
                        continue;
                    __m512d x4 = PW(x), im = _mm512_fmsub_pd(r1 * b_, x4, one);
                    a_ = b_ * PW1(x); // reset: V = 0 exactly
                    __m512i n_ = _mm512_loadu_si512(qn + g);
                    _mm512_mask_i64scatter_pd(A, live, n_, a_, 8);
                    _mm512_mask_compressstoreu_pd(hx + nh, live, x);
                    _mm512_mask_compressstoreu_pd(hi + nh, live, im);
                    _mm_mask_compressstoreu_epi16(hn + nh, live, _mm512_cvtepi64_epi16(n_));
                    nh += __builtin_popcount(live);
                    __m512d be = b_ * vxe4, ve = _mm512_fmsub_pd(a_, vxe, be), d = _mm512_fnmadd_pd(r1, be, ve),
                            u = _mm512_fmadd_pd(_mm512_max_pd(d, z), x / vxe - one, ve);
                    __mmask8 m = live & _mm512_cmp_pd_mask(u, S8(1 - 1e-12), _CMP_GE_OQ);
                    if (m) {
                        _mm512_mask_compressstoreu_pd(qA + nn, m, a_);
                        _mm512_mask_compressstoreu_pd(qB + nn, m, b_);
                        _mm512_mask_compressstoreu_pd(qx + nn, m, x);
                        _mm512_mask_compressstoreu_epi64(qn + nn, m, n_);
                        nn += __builtin_popcount(m);
                    }
                }
            }
            nq = nn;
        }
        // rank sort of this interval's spikes (descending x): no branches, no mispredictions
        int n = nh - iv[k];
        if (n > 1) {
            double *X = hx + iv[k], *Y = hi + iv[k];
            uint16_t *N = hn + iv[k];
            double tx[n], ti[n];
            uint16_t tn[n];
            for (int i = 0; i < n; i++) {
                __m512d xi = S8(X[i]);
                int rk = 0;
                for (int j = 0; j < n; j += 8) {
                    __mmask8 in = n - j >= 8 ? 255 : (1 << (n - j)) - 1;
                    __m512d xj = _mm512_maskz_loadu_pd(in, X + j);
                    __mmask8 gt = _mm512_mask_cmp_pd_mask(in, xj, xi, _CMP_GT_OQ),
                             eq = _mm512_mask_cmp_pd_mask(in, xj, xi, _CMP_EQ_OQ);
                    int left = i - j;
                    eq &= left <= 0 ? 0 : left >= 8 ? 255 : (1 << left) - 1;
                    rk += __builtin_popcount(gt) + __builtin_popcount(eq);
                }
                tx[rk] = X[i];
                ti[rk] = Y[i];
                tn[rk] = N[i];
            }
            memcpy(X, tx, 8 * n);
            memcpy(Y, ti, 8 * n);
            memcpy(N, tn, 2 * n);
        }
    }
    iv[NI] = nh;
    a->hs += nh;
    // ---- output layer: only the first spike of each output matters; stop when all three have fired
    double c1[MAXS], c2[MAXS];
    for (int i = 0; i < nh; i++) {
        double t = 1 / hx[i];
        c1[i] = t * (1 / (RR - 1));
        c2[i] = c1[i] * t * t * t;
    }
    double xo[4] __attribute__((aligned(32))) = {0, 0, 0, 0}, io[4] = {1, 1, 1, 1};
    int done = 8, used = nh;
    __m256d oa = _mm256_setzero_pd(), ob = oa;
    const __m256d o0 = oa, or = _mm256_set1_pd(RR - 1);
    for (int i = 0; i < nh; i++) {
        double xs = hx[i], xe = i + 1 < nh ? hx[i + 1] : xT;
        __m256d w = _mm256_load_pd(W2 + 4 * hn[i]);
        oa = _mm256_fmadd_pd(w, _mm256_set1_pd(c1[i]), oa);
        ob = _mm256_fmadd_pd(w, _mm256_set1_pd(c2[i]), ob);
        __m256d be = ob * _mm256_set1_pd(PW(xe)), ve = _mm256_fmsub_pd(oa, _mm256_set1_pd(xe), be),
                d = _mm256_fnmadd_pd(or, be, ve),
                u = _mm256_fmadd_pd(_mm256_max_pd(d, o0),
                                    _mm256_set1_pd(xs * 3 * (i + 1 < nh ? c1[i + 1] : 1 / (3 * xT)) - 1), ve);
        int m = _mm256_cmp_pd_mask(u, _mm256_set1_pd(1 - 1e-12), _CMP_GE_OQ) & ~done;
        while (__builtin_expect(m, 0)) {
            int o = __builtin_ctz(m);
            m &= m - 1;
            double x = xs, aa = oa[o], bb = ob[o];
            for (int it = 0; it < 100; it++) {
                double b4 = bb * PW(x), V = aa * x - b4, im = (RR - 1) * b4 - 1;
                if (im <= 0) {
                    x = 0;
                    break;
                }
                double xn = x * im / ((RR - 1) * b4 - V);
                if (xn < xe) {
                    x = 0;
                    break;
                }
                if (xn >= x * (1 - 4e-16))
                    break;
                x = xn;
            }
            if (x > 0) {
                xo[o] = x;
                io[o] = (RR - 1) * bb * PW(x) - 1;
                done |= 1 << o;
                a->os++;
            }
        }
        if (done == 15) {
            used = i + 1;
            break;
        }
    }
    // ---- TTFS cross entropy
    double t[O], e[O], zz = 0, dl[4] = {0, 0, 0, 0};
    int l = s->label;
    for (int o = 0; o < O; o++) {
        t[o] = xo[o] > 0 ? -TM * log(xo[o]) : TT;
    }
    double tm = t[0];
    for (int o = 1; o < O; o++)
        if (t[o] < tm)
            tm = t[o];
    for (int o = 0; o < O; o++)
        zz += e[o] = exp(-(t[o] - tm) / T0);
    double ex = exp(t[l] / T1);
    a->loss += invB * ((t[l] - tm) / T0 + log(zz) + ALPHA * (ex - 1));
    for (int o = 0; o < O; o++) {
        dl[o] = invB * ((o == l) - e[o] / zz) / T0;
        if (o == l)
            dl[o] += invB * ALPHA / T1 * ex;
        if (xo[o] <= 0)
            dl[o] = 0;
    }
    // ---- adjoint in the same coefficients: lambda_V = P/x, lambda_I = r/(r-1) (P/x - Q/x^r); a jump dP at x_s
    // changes Q by dP x_s^(r-1)
    double P4[4] __attribute__((aligned(32))), Q4[4] __attribute__((aligned(32))), ext[MAXS];
    for (int o = 0; o < 4; o++) {
        P4[o] = dl[o] / io[o] * xo[o];
        Q4[o] = P4[o] * PW1(xo[o]);
    }
    const __m256d vP = _mm256_load_pd(P4), vQ = _mm256_load_pd(Q4), vxo = _mm256_load_pd(xo);
    for (int i = 0; i < used; i++) {
        double *g = a->g2 + 4 * hn[i];
        __m256d w = _mm256_load_pd(W2 + 4 * hn[i]);
        __mmask8 m = _mm256_cmp_pd_mask(_mm256_set1_pd(hx[i]), vxo, _CMP_GT_OQ);
        __m256d lv = _mm256_maskz_mul_pd(m, vP, _mm256_set1_pd((RR - 1) * c1[i])),
                li = _mm256_maskz_mul_pd(m, _mm256_set1_pd(RR / (RR - 1)),
                                         _mm256_fnmadd_pd(vQ, _mm256_set1_pd((RR - 1) * c2[i]), lv));
        _mm256_storeu_pd(g, _mm256_fmadd_pd(li, _mm256_set1_pd(-TS), _mm256_loadu_pd(g)));
        __m256d f = w * (lv - li);
        __m128d h = _mm_add_pd(_mm256_castpd256_pd128(f), _mm256_extractf128_pd(f, 1));
        ext[i] = h[0] + h[1];
    }
    double P[H] __attribute__((aligned(64))), Q[H] __attribute__((aligned(64)));
    memset(P, 0, sizeof P);
    memset(Q, 0, sizeof Q);
    double inv[MAXS];
    for (int i = 0; i < used; i++)
        inv[i] = 1 / hi[i];
    for (int k = NI - 1; k >= 0; k--) {
        for (int i = (iv[k + 1] < used ? iv[k + 1] : used) - 1; i >= iv[k]; i--) {
            int n = hn[i];
            double d = (P[n] + ext[i] * hx[i]) * inv[i];
            P[n] += d;
            Q[n] += d * PW1(hx[i]);
        } // P I/(I-th) = P + P/(I-th)
        if (iv[k] >= used)
            continue;
        const double f = -TS * RR / (RR - 1);
        const __m512d k1 = S8(f / s->x[k]), k2 = S8(-f / PW(s->x[k]));
        double *g = a->g1 + s->ch[k] * H;
        for (int v = 0; v < NV; v++)
            _mm512_storeu_pd(g + 8 * v, _mm512_fmadd_pd(_mm512_load_pd(P + 8 * v), k1,
                                                        _mm512_fmadd_pd(_mm512_load_pd(Q + 8 * v), k2,
                                                                        _mm512_loadu_pd(g + 8 * v))));
    }
}

static inp *samples_;
static acc *acc_;

/* Takes the network and `samples` inputs: weights [pre][post], times in ms of the one spike of each input. */
void yardstick_setup(int samples, const double *w1, const double *w2, const double *times, const int *labels) {
    memcpy(W1, w1, sizeof W1);
    for (int j = 0; j < H; j++)
        for (int o = 0; o < 4; o++)
            W2[4 * j + o] = o < O ? w2[j * O + o] : 0;
    free(samples_);
    free(acc_);
    samples_ = malloc((size_t)samples * sizeof *samples_);
    acc_ = aligned_alloc(64, (sizeof *acc_ + 63) / 64 * 64);
    for (int b = 0; b < samples; b++) {
        double v[NI];
        int id[NI] = {0, 1, 2, 3, 4};
        memcpy(v, times + b * NI, sizeof v);
        for (int i = 0; i < NI; i++)
            for (int j = i + 1; j < NI; j++)
                if (v[j] < v[i]) {
                    double q = v[i];
                    v[i] = v[j];
                    v[j] = q;
                    int u = id[i];
                    id[i] = id[j];
                    id[j] = u;
                }
        for (int i = 0; i < NI; i++) {
            samples_[b].x[i] = exp(-v[i] / TM);
            samples_[b].ch[i] = id[i];
        }
        samples_[b].label = labels[b];
    }
}

/* One forward and backward pass over the first `batch` samples: returns the mean loss, writes weight gradients
 * g1 [5][120] and g2 [120][3] and the number of hidden and output spikes. */
double yardstick_step(int batch, double *g1, double *g2, long *spikes) {
    memset(acc_, 0, sizeof *acc_);
    for (int b = 0; b < batch; b++)
        sample(samples_ + b, acc_, 1.0 / batch);
    memcpy(g1, acc_->g1, sizeof acc_->g1);
    for (int j = 0; j < H; j++)
        for (int o = 0; o < O; o++)
            g2[j * O + o] = acc_->g2[4 * j + o];
    spikes[0] = acc_->hs;
    spikes[1] = acc_->os;
    return acc_->loss;
}
