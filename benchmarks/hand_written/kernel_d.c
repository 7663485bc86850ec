// Kernel D: exact spike times, input binned to a grid of 1 ms: the network of kernels A and C, inputs as A sees them,
// hidden spikes at continuous times with zero delay as in C. One pass over all neurons per grid interval; everything
// inside the interval happens on a few candidates. State: V and I at the END of the current interval (look-ahead),
// plain linear updates as in A. Inside: y = exp((t_end-t)/tau_mem), V = a y - b y^4, a = V_end + I_end/3, b =
// I_end/3.
#include "speech.h"
#ifndef FF32
#define FF32 0 // 1: forward state and input sums in float32 (spike times are always solved in f64)
#endif
#ifndef BF32
#define BF32 0 // 1: adjoint state in float32
#endif
#ifndef NCH
#define NCH 2
#endif
#ifndef W
#define W 2
#endif
#ifndef NS
#define NS 2 // samples interleaved in the forward pass
#endif
#ifndef MARG
#define MARG 0.02 // filter margin: room for the recurrent input of the interval, checked at run time
#endif
enum { T = 1000, L = 16 * W, NT = NH / L, NQ = 16, MAXC = 120, MP = 64 };
#if FF32
typedef float fs;
typedef __m512 fv;
enum { FL = 16 };
#define FW(p) _mm512_load_ps(p)
#define FLD(p) _mm512_load_ps(p)
#define FST(p, v) _mm512_store_ps(p, v)
#define F1(a) _mm512_set1_ps(a)
#define FMAX _mm512_max_ps
#define FGE(a, b) _mm512_cmp_ps_mask(a, b, _CMP_GE_OQ)
typedef uint16_t fm;
#define LANES(p, i) _mm512_cvtps_pd(_mm256_i32gather_ps(p, i, 4))
#else
typedef double fs;
typedef __m512d fv;
enum { FL = 8 };
#define FW(p) _mm512_cvtps_pd(_mm256_load_ps(p))
#define FLD(p) _mm512_load_pd(p)
#define FST(p, v) _mm512_store_pd(p, v)
#define F1(a) _mm512_set1_pd(a)
#define FMAX _mm512_max_pd
#define FGE(a, b) _mm512_cmp_pd_mask(a, b, _CMP_GE_OQ)
typedef uint8_t fm;
#define LANES(p, i) _mm512_i32gather_pd(i, p, 8)
#endif
#if BF32
typedef float bs;
typedef __m512 bv;
enum { BLN = 16 };
#define BW(p) _mm512_load_ps(p)
#define BLD(p) _mm512_load_ps(p)
#define BST(p, v) _mm512_store_ps(p, v)
#define B1(a) _mm512_set1_ps(a)
#define BSUM _mm512_reduce_add_ps
#define BOUT(p, v) _mm512_store_ps(p, v)
#else
typedef double bs;
typedef __m512d bv;
enum { BLN = 8 };
#define BW(p) _mm512_cvtps_pd(_mm256_load_ps(p))
#define BLD(p) _mm512_load_pd(p)
#define BST(p, v) _mm512_store_pd(p, v)
#define B1(a) _mm512_set1_pd(a)
#define BSUM _mm512_reduce_add_pd
#define BOUT(p, v) _mm256_store_ps(p, _mm512_cvtpd_ps(v))
#endif
#define S8(a) _mm512_set1_pd(a)
typedef struct {
    int ns, cap;
    uint16_t *n;
    double *y, *im;
    int *ptr;
} spk; // spikes in time order; ptr[k]: first one in interval k (grid time k .. k+1)
typedef struct {
    int label, n;
    uint16_t *ch;
    int *ptr;
    uint16_t *gt, *gp;
    int cs[NCH][MAXC + 2];
    spk s;
    double u[NH];
} samp;
typedef struct {
    float *gint, *grect, *bufI, *bufV;
    uint16_t *gt;
    float *ge, *gk;
    double gout[NH * NOUT], loss, tf, tb, tg;
    long spikes, tests, cand, refilter, wide;
} work;
static float *win, *wrec, *wout;
static double rmax[NH], EK[T + 2];
static double em, es, cf, cb, Y0, margin = MARG;
#define CHB(h) ((int)((long)T * (h) / NCH))
#define TSTR ((size_t)((T + NCH - 1) / NCH + 2) * L + 16)
static void transpose(const uint16_t *restrict ch, const int *restrict st, int k0, int k1, int t0, int N,
                      uint16_t *restrict gt, uint16_t *restrict gp, int *restrict cs, int *restrict dst) {
    int cnt[NIN], pos[NIN], c[MAXC + 3] = {0}, q = k0;
    memset(cnt, 0, 4 * N);
    for (int i = k0; i < k1; i++)
        cnt[ch[i]]++;
    for (int i = 0; i < N; i++) {
        if (cnt[i] > MAXC)
            abort();
        c[cnt[i] + 1]++;
    }
    for (int k = 0; k <= MAXC; k++)
        c[k + 1] += c[k];
    memcpy(cs, c, 4 * (MAXC + 2));
    for (int i = 0; i < N; i++)
        gp[c[cnt[i]]++] = i;
    for (int i = 0; i < N; i++) {
        pos[gp[i]] = q;
        q += cnt[gp[i]];
    }
    for (int i = k0; i < k1; i++) {
        int p = pos[ch[i]]++;
        if (dst)
            dst[i - k0] = p;
        else
            gt[p] = st[i] - t0;
    }
}
static samp prep(int b) {
    evs e = gen_events(b);
    samp s;
    memset(&s, 0, sizeof s);
    s.label = e.label;
    s.n = e.n;
    s.ptr = calloc(T + 2, 4);
    s.ch = calloc(e.n + 64, 2);
    int *st = malloc(4 * e.n);
    for (int i = 0; i < e.n; i++) {
        s.ch[i] = e.ch[i];
        st[i] = (int)floor(e.t[i] + 0.5);
        if (st[i] >= T)
            st[i] = T - 1;
        s.ptr[st[i] + 1]++;
    }
    for (int t = 0; t < T; t++)
        s.ptr[t + 1] += s.ptr[t];
    s.gp = malloc(2 * NIN * NCH);
    s.gt = malloc(2 * e.n + 64);
    for (int h = 0; h < NCH; h++)
        transpose(s.ch, st, s.ptr[CHB(h)], s.ptr[CHB(h + 1)], CHB(h), NIN, s.gt, s.gp + h * NIN, s.cs[h], 0);
    free(st);
    free(e.t);
    free(e.ch);
    s.s.ptr = calloc(T + 4, 4);
    return s;
}
static void grow(spk *s, int ns) {
    if (ns + 4096 > s->cap) {
        s->cap = 2 * s->cap + 8192;
        s->n = realloc(s->n, 2 * s->cap);
        s->y = realloc(s->y, 8 * s->cap);
        s->im = realloc(s->im, 8 * s->cap);
    }
}
// ---------------------------------------------------------------- forward
typedef struct {
    fs V[NH], I[NH];
    float S[NH];
    fm mk[NH / FL + 8];
    double pk[MP], pe[MP];
    uint16_t pn[MP];
    int np;
} __attribute__((aligned(64))) fst;
static __attribute__((noinline)) void insum(float *restrict S, const uint16_t *restrict ch,
                                            int c) { // exact: W_in lies on a grid of 2^-21
    __m512 a[16];
#pragma GCC unroll 16
    for (int q = 0; q < 16; q++)
        a[q] = _mm512_setzero_ps();
    for (int k = 0; k < c; k++) {
        const float *r = win + (size_t)ch[k] * NH;
#pragma GCC unroll 16
        for (int q = 0; q < 16; q++)
            a[q] = _mm512_add_ps(a[q], _mm512_load_ps(r + 16 * q));
    }
#pragma GCC unroll 16
    for (int q = 0; q < 16; q++)
        _mm512_store_ps(S + 16 * q, a[q]);
}
// apply the pending recurrent rows (to the end-of-interval values), optionally the grid step with the input sum, and
// filter: V is concave in y where I>0, so max V <= max(V_end, tangent at the end evaluated at the start of the
// interval)
INL void pass(fst *restrict s, const int step) {
    const fv vm = F1(em), vs = F1(es), vc = F1(cf), q = F1(Y0 - 1), th = F1(1 - margin - (FF32 ? 1e-5 : 1e-12));
    const int np = s->np;
    for (int h = 0; h < NH / FL / 8; h++) {
        fv v[8], i[8];
        fs *Vp = s->V + h * 8 * FL, *Ip = s->I + h * 8 * FL;
        const float *Sp = s->S + h * 8 * FL;
#pragma GCC unroll 8
        for (int j = 0; j < 8; j++) {
            v[j] = FLD(Vp + FL * j);
            i[j] = FLD(Ip + FL * j);
        }
        for (int p = 0; p < np; p++) {
            const float *w = wrec + (size_t)s->pn[p] * NH + h * 8 * FL;
            const fv k = F1(s->pk[p]), e = F1(s->pe[p]);
#pragma GCC unroll 8
            for (int j = 0; j < 8; j++) {
                fv x = FW(w + FL * j);
                v[j] = x * k + v[j];
                i[j] = x * e + i[j];
            }
        }
#pragma GCC unroll 8
        for (int j = 0; j < 8; j++) {
            if (step) {
                i[j] = i[j] + FW(Sp + FL * j);
                v[j] = v[j] * vm + i[j] * vc;
                i[j] = i[j] * vs;
            }
            FST(Vp + FL * j, v[j]);
            FST(Ip + FL * j, i[j]);
            s->mk[h * 8 + j] = FGE(FMAX(v[j], (v[j] - i[j]) * q + v[j]), th);
        }
    }
    s->np = 0;
}
static __attribute__((noinline)) void pass1(fst *s) { pass(s, 1); }
static __attribute__((noinline)) void pass0(fst *s) { pass(s, 0); }
INL __m512d rcp(__m512d a) {
    __m512d r = _mm512_rcp14_pd(a);
    return r * (S8(2) - a * r);
}
// all spikes of the interval among nc candidates, exact, from y=ys on. Returns 0 when done, 1 if the margin is used
// up (the filter must be repeated).
INL int solve(fst *s, spk *p, const int *idx, const int nv, double *ysp, work *w) {
    __m512d ve[NH / 8], ie[NH / 8], Y[NH / 8];
    __m256i id[NH / 8];
    __mmask8 act[NH / 8];
    double ys = *ysp, used = 0;
    const __m512d one = S8(1);
    {
        const __m512d y = S8(ys),
                      dy = S8(ys -
                              1); // start value: two fixed-point steps on the parabola through V(ys), V'(ys), V(1)
        for (int j = 0; j < nv; j++) {
            id[j] = _mm256_loadu_si256((const void *)(idx + 8 * j));
            ve[j] = LANES(s->V, id[j]);
            ie[j] = LANES(s->I, id[j]);
            __m512d b = ie[j] * S8(1. / 3), a = ve[j] + b, c = b * y * y * y, g = one - y * (a - c),
                    D = (S8(4) * c - a) * dy, C = one - g + D - ve[j], u = g * _mm512_rcp14_pd(D - C);
            u = g * _mm512_rcp14_pd(D - C * u);
            Y[j] = _mm512_max_pd(one, y - u * dy);
        }
    }
    for (;;) {
        __m512d y0 = S8(ys);
        unsigned any = 0;
        for (int j = 0; j < nv; j++) {
            __mmask8 hi = _mm512_cmp_pd_mask(ve[j], one, _CMP_GE_OQ),
                     su = hi & _mm512_cmp_pd_mask(ie[j], ve[j], _CMP_GT_OQ);
            __mmask8 ma =
                (hi | _mm512_cmp_pd_mask((ve[j] - ie[j]) * (y0 - one) + ve[j], S8(1 - 1e-12), _CMP_GE_OQ)) & ~su;
            act[j] = su | ma;
            any |= act[j];
            Y[j] = _mm512_mask_mov_pd(_mm512_min_pd(_mm512_max_pd(Y[j], one), y0), ma, y0);
            // su: V(1) above threshold and rising: exactly one crossing, Newton converges from anywhere. ma: monotone
            // Newton from the start, certifies absence.
            if (act[j]) {
                __m512d y = Y[j], b = ie[j] * S8(1. / 3), a = ve[j] + b;
                __mmask8 run = act[j];
#define DV (a - S8(4) * c)
                if (!ma) { // common case: Newton from the last estimate until the next error, st^2 V''/2V', is below
                           // 1e-14
                    __m512d c = b * y * (y * y);
                    y = _mm512_min_pd(y - (y * (a - c) - one) * _mm512_rcp14_pd(DV), y0);
                    for (int it = 0; it < 60; it++) {
                        c = b * y * (y * y);
                        __m512d d = DV, st = (y * (a - c) - one) * rcp(d), yn = _mm512_min_pd(y - st, y0);
                        st = yn - y;
                        y = yn;
                        if (!(act[j] & _mm512_cmp_pd_mask(st * st * c, S8(-1.6e-15) * d, _CMP_GT_OQ)))
                            break;
                    }
                    y = _mm512_max_pd(y, one);
                } else
                    for (int it = 0; it < 100 && run; it++) {
                        __m512d c = b * y * (y * y), yn = y - (y * (a - c) - one) * rcp(DV);
                        __mmask8 dead = ma & (_mm512_cmp_pd_mask(c * y * S8(3), one, _CMP_LE_OQ) |
                                              _mm512_cmp_pd_mask(yn, one, _CMP_LT_OQ));
                        ma &= ~dead;
                        act[j] &= ~dead;
                        run &= ~dead;
                        yn = _mm512_min_pd(_mm512_max_pd(yn, one), y0);
                        run &= _mm512_cmp_pd_mask(_mm512_abs_pd(yn - y), S8(2e-9), _CMP_GT_OQ);
                        y = yn;
                    }
                Y[j] = _mm512_mask_mov_pd(Y[j], act[j], y);
            }
        }
        w->tests++;
        if (!any)
            return 0;
        double best = 0;
        if (nv == 1) {
            if (!act[0])
                return 0;
            best = _mm512_mask_reduce_max_pd(act[0], Y[0]);
        } else {
            for (int j = 0; j < nv; j++)
                if (act[j]) {
                    double q = _mm512_mask_reduce_max_pd(act[j], Y[j]);
                    if (q > best)
                        best = q;
                }
            if (best == 0)
                return 0;
        }
        int jb = 0;
        __mmask8 ml = 0;
        for (int j = 0; j < nv; j++) {
            ml = act[j] & _mm512_cmp_pd_mask(Y[j], S8(best), _CMP_EQ_OQ);
            if (ml) {
                jb = j;
                break;
            }
        }
        ml &= -ml;
        int n = idx[8 * jb + __builtin_ctz(ml)];
        ys = best;
        double r = 1 / ys, r2 = r * r, e = r2 * r2, k = (r - e) * (1. / 3), y4 = ys * ys;
        y4 *= y4;
        const float *wr = wrec + (size_t)n * NH;
        int m = p->ns++;
        p->n[m] = n;
        p->y[m] = ys;
        p->im[m] = _mm512_mask_reduce_add_pd(ml, ie[jb]) * y4 - 1;
        s->V[n] -= r;
        ve[jb] = _mm512_mask_sub_pd(ve[jb], ml, ve[jb], S8(r));
        int q = s->np++;
        s->pn[q] = n;
        s->pk[q] = k;
        s->pe[q] = e;
        used += rmax[n] * k;
        if (__builtin_expect(used > margin || s->np == MP, 0)) {
            *ysp = ys;
            return 1;
        }
        for (int j = 0; j < nv; j++) {
            __m512d x = _mm512_cvtps_pd(_mm256_i32gather_ps(wr, id[j], 4));
            ve[j] = x * S8(k) + ve[j];
            ie[j] = x * S8(e) + ie[j];
        }
    }
}
static __attribute__((noinline)) int solve1(fst *s, spk *p, const int *idx, double *ys, work *w) {
    return solve(s, p, idx, 1, ys, w);
}
static __attribute__((noinline)) int solven(fst *s, spk *p, const int *idx, int nv, double *ys, work *w) {
    return solve(s, p, idx, nv, ys, w);
}
// The root search is a chain of latencies: run it for two samples at once (one vector of candidates each). Returns a
// bit per sample that needs a new filter.
static __attribute__((noinline)) int solve2(fst *s0, fst *s1, spk *p0, spk *p1, const int *i0, const int *i1,
                                            double *ys, work *w) {
    __m512d ve[2], ie[2], Y[2], y0[2];
    __m256i id[2];
    const __m512d one = S8(1);
    double used[2] = {0, 0};
    int more = 0;
    unsigned live = 3;
#define EACH _Pragma("GCC unroll 2") for (int j = 0; j < 2; j++)
    EACH {
        fst *s = j ? s1 : s0;
        id[j] = _mm256_loadu_si256((const void *)(j ? i1 : i0));
        ve[j] = LANES(s->V, id[j]);
        ie[j] = LANES(s->I, id[j]);
        y0[j] = S8(ys[j]);
        __m512d y = y0[j], dy = y - one, b = ie[j] * S8(1. / 3), a = ve[j] + b, c = b * y * y * y,
                g = one - y * (a - c), D = (S8(4) * c - a) * dy, C = one - g + D - ve[j],
                u = g * _mm512_rcp14_pd(D - C);
        u = g * _mm512_rcp14_pd(D - C * u);
        Y[j] = _mm512_max_pd(one, y - u * dy);
    }
    for (;;) {
        __mmask8 su[2], ma[2], act[2];
        __m512d a[2], b[2], y[2];
        EACH {
            __mmask8 hi = _mm512_cmp_pd_mask(ve[j], one, _CMP_GE_OQ), lv = -(live >> j & 1);
            su[j] = lv & hi & _mm512_cmp_pd_mask(ie[j], ve[j], _CMP_GT_OQ);
            ma[j] = lv &
                    (hi | _mm512_cmp_pd_mask((ve[j] - ie[j]) * (y0[j] - one) + ve[j], S8(1 - 1e-12), _CMP_GE_OQ)) &
                    ~su[j];
            y[j] = _mm512_min_pd(Y[j], y0[j]);
            b[j] = ie[j] * S8(1. / 3);
            a[j] = ve[j] + b[j];
            __m512d c = b[j] * y[j] * (y[j] * y[j]);
            y[j] = _mm512_min_pd(y[j] - (y[j] * (a[j] - c) - one) * _mm512_rcp14_pd(a[j] - S8(4) * c), y0[j]);
        }
        w->tests += __builtin_popcount(live);
        if (!(su[0] | su[1] | ma[0] | ma[1]))
            return more;
        for (int it = 0; it < 60; it++) {
            __mmask8 go = 0;
            EACH {
                __m512d c = b[j] * y[j] * (y[j] * y[j]), d = a[j] - S8(4) * c,
                        yn = _mm512_min_pd(y[j] - (y[j] * (a[j] - c) - one) * rcp(d), y0[j]), st = yn - y[j];
                y[j] = yn;
                go |= su[j] & _mm512_cmp_pd_mask(st * st * c, S8(-1.6e-15) * d, _CMP_GT_OQ);
            }
            if (!go)
                break;
        }
        EACH {
            Y[j] = _mm512_mask_max_pd(one, su[j], y[j], one);
            act[j] = su[j];
        }
        if (__builtin_expect(ma[0] | ma[1], 0))
            EACH if (ma[j]) {
                __m512d x = y0[j];
                __mmask8 run = ma[j], m = ma[j];
                for (int it = 0; it < 100 && run; it++) {
                    __m512d c = b[j] * x * (x * x), xn = x - (x * (a[j] - c) - one) * rcp(a[j] - S8(4) * c);
                    __mmask8 dead = m & (_mm512_cmp_pd_mask(c * x * S8(3), one, _CMP_LE_OQ) |
                                         _mm512_cmp_pd_mask(xn, one, _CMP_LT_OQ));
                    m &= ~dead;
                    run &= ~dead;
                    xn = _mm512_min_pd(_mm512_max_pd(xn, one), y0[j]);
                    run &= _mm512_cmp_pd_mask(_mm512_abs_pd(xn - x), S8(2e-9), _CMP_GT_OQ);
                    x = xn;
                }
                Y[j] = _mm512_mask_mov_pd(Y[j], m, x);
                act[j] |= m;
            }
        EACH if (!act[j]) live &= ~(1u << j);
        else {
            fst *s = j ? s1 : s0;
            spk *p = j ? p1 : p0;
            double yb = _mm512_mask_reduce_max_pd(act[j], Y[j]);
            __mmask8 ml = act[j] & _mm512_cmp_pd_mask(Y[j], S8(yb), _CMP_EQ_OQ);
            ml &= -ml;
            int n = (j ? i1 : i0)[__builtin_ctz(ml)];
            double r = 1 / yb, r2 = r * r, e = r2 * r2, k = (r - e) * (1. / 3), y4 = yb * yb;
            y4 *= y4;
            const float *wr = wrec + (size_t)n * NH;
            int m = p->ns++;
            p->n[m] = n;
            p->y[m] = yb;
            p->im[m] = _mm512_mask_reduce_add_pd(ml, ie[j]) * y4 - 1;
            s->V[n] -= r;
            ve[j] = _mm512_mask_sub_pd(ve[j], ml, ve[j], S8(r));
            y0[j] = S8(yb);
            int q = s->np++;
            s->pn[q] = n;
            s->pk[q] = k;
            s->pe[q] = e;
            used[j] += rmax[n] * k;
            __m512d x = _mm512_cvtps_pd(_mm256_i32gather_ps(wr, id[j], 4));
            ve[j] = x * S8(k) + ve[j];
            ie[j] = x * S8(e) + ie[j];
            if (__builtin_expect(used[j] > margin || s->np == MP, 0)) {
                ys[j] = yb;
                more |= 1 << j;
                live &= ~(1u << j);
            }
        }
        if (!live)
            return more;
    }
}
typedef struct {
    int idx[NH + 16], nc;
} clist;
INL int
cands(const fst *s, clist *c,
      work *w) { // candidate list from the masks, padded with a neuron that is none; returns the number of vectors
    uint8_t c8[NH + 64], io[64] __attribute__((aligned(64)));
    for (int i = 0; i < 64; i++)
        io[i] = i;
    const __m512i iota = _mm512_load_si512(io);
    int nc = 0;
    const uint64_t *mk = (const uint64_t *)s->mk;
    for (int h = 0; h < 4; h++) {
        _mm512_storeu_si512(c8 + nc,
                            _mm512_maskz_compress_epi8(mk[h], _mm512_add_epi8(iota, _mm512_set1_epi8(64 * h))));
        nc += __builtin_popcountll(mk[h]);
    }
    w->cand += nc;
    int nv = (nc + 7) / 8, f = 0;
    uint64_t nm;
    while (!(nm = ~mk[f]) && f < 3)
        f++;
    int pad = 64 * f + (nm ? __builtin_ctzll(nm) : 0);
    _mm512_storeu_si512(c8 + nc, _mm512_set1_epi8(pad));
    for (int j = 0; j < (nv ? nv : 1); j++)
        _mm256_storeu_si256((void *)(c->idx + 8 * j),
                            _mm256_cvtepu8_epi32(_mm_loadl_epi64((const void *)(c8 + 8 * j))));
    return nv;
}
static __attribute__((noinline)) void finish(work *w, fst *s, spk *p, clist *c, int nv, double ys,
                                             int more) { // the general case, one sample
    for (;;) {
        if (more) {
            w->refilter++;
            pass0(s);
            grow(p, p->ns);
            nv = cands(s, c, w);
        }
        if (!nv)
            return;
        more = nv == 1 ? solve1(s, p, c->idx, &ys, w) : solven(s, p, c->idx, nv, &ys, w);
        w->wide += nv > 1;
        if (!more)
            return;
    }
}
static __attribute__((noinline)) void forward(work *w, samp *sm, const int ns) { // ns = 1 or 2 samples
    fst S[2] __attribute__((aligned(64)));
    memset(S, 0, sizeof S);
    clist c[2];
    double ys[2];
    for (int j = 0; j < ns; j++) {
        sm[j].s.ns = 0;
        insum(S[j].S, sm[j].ch, sm[j].ptr[1]);
    }
    for (int k = 0; k < T; k++) {
        int nv[2] = {0, 0};
        for (int j = 0; j < ns; j++) {
            spk *p = &sm[j].s;
            grow(p, p->ns);
            p->ptr[k] = p->ns;
            pass1(S + j);
            ys[j] = Y0;
            const int *sp = sm[j].ptr;
            insum(S[j].S, sm[j].ch + sp[k + 1], k + 1 < T ? sp[k + 2] - sp[k + 1] : 0);
        } // next interval's input: independent of this one's root search
        for (int j = 0; j < ns; j++)
            nv[j] = cands(S + j, c + j, w);
        if (ns == 2 && nv[0] <= 1 && nv[1] <= 1) {
            if (nv[0] + nv[1]) {
                int m = solve2(S, S + 1, &sm[0].s, &sm[1].s, c[0].idx, c[1].idx, ys, w);
                if (__builtin_expect(m, 0))
                    for (int j = 0; j < 2; j++)
                        if (m >> j & 1)
                            finish(w, S + j, &sm[j].s, c + j, 0, ys[j], 1);
            }
        } else
            for (int j = 0; j < ns; j++)
                finish(w, S + j, &sm[j].s, c + j, nv[j], ys[j], 0);
    }
    for (int j = 0; j < ns; j++) {
        sm[j].s.ptr[T] = sm[j].s.ns;
        w->spikes += sm[j].s.ns;
    }
}
// ---------------------------------------------------------------- loss and readout: closed form
static void readout(work *w, samp *s, int B, int grad) {
    double Sn[NH] = {0}, y[NOUT] = {0}, c[NOUT], z = 0, mx = -1e300;
    const spk *p = &s->s;
    for (int k = 0; k < T; k++)
        for (int i = p->ptr[k]; i < p->ptr[k + 1]; i++) {
            double e = EK[k + 1] / p->y[i], e2 = e * e;
            Sn[p->n[i]] += TS * (1 - (TM * e - TS * e2 * e2) / (TM - TS));
        }
    for (int n = 0; n < NH; n++)
        for (int k = 0; k < NOUT; k++)
            y[k] += Sn[n] * wout[n * NOUT + k];
    for (int k = 0; k < NOUT; k++)
        if (y[k] > mx)
            mx = y[k];
    for (int k = 0; k < NOUT; k++)
        z += c[k] = exp(y[k] - mx);
    w->loss += -(y[s->label] - mx - log(z)) / B;
    if (!grad)
        return;
    for (int k = 0; k < NOUT; k++)
        c[k] = (c[k] / z - (k == s->label)) / B;
    for (int n = 0; n < NH; n++) {
        double a = 0;
        for (int k = 0; k < NOUT; k++) {
            a += c[k] * wout[n * NOUT + k];
            w->gout[n * NOUT + k] += Sn[n] * c[k];
        }
        s->u[n] = a;
    }
}
// ---------------------------------------------------------------- backward. lambda at the grid times goes to bufV,
// bufI; inside an interval lambda_I(t) = e lambda_I(end) + 4k lambda_V(end), so the gradient of a spike needs the
// grid values only; jumps inside the interval are pairs, done singly
static void gather(work *w, const samp *s, int h);
static __attribute__((noinline)) void backward(work *w, const samp *s) {
    bs V[NH] __attribute__((aligned(64))), I[NH] __attribute__((aligned(64)));
    memset(V, 0, sizeof V);
    memset(I, 0, sizeof I);
    const spk *p = &s->s;
    const bv vm = B1(em), vs = B1(es), vc = B1(cb);
    for (int h = NCH - 1; h >= 0; h--) {
        double q0 = 0.0;
        int t0 = CHB(h), t1 = CHB(h + 1);
#define PUT(v, t)                                                                                                    \
    {                                                                                                                \
        int g_ = (v) * BLN;                                                                                          \
        size_t o_ = (size_t)(g_ / L) * TSTR + (size_t)((t) - t0) * L + g_ % L;                                       \
        BOUT(w->bufI + o_, BLD(I + g_));                                                                             \
        BOUT(w->bufV + o_, BLD(V + g_));                                                                             \
    }
        for (int v = 0; v < NH / BLN; v++)
            PUT(v, t1)
        for (int k = t1 - 1; k >= t0; k--) {
            int a = p->ptr[k], e = p->ptr[k + 1];
            double dd[e - a + 1],
                rr[e - a + 1]; // dot products with the values at the end of the interval: independent of each other
            for (int i = a; i < e; i++) {
                const float *wr = wrec + (size_t)p->n[i] * NH;
                bv d0 = B1(0), d1 = d0, d2 = d0, d3 = d0;
#pragma GCC unroll 8
                for (int v = 0; v < NH / BLN; v += 2) {
                    bv x = BW(wr + BLN * v), z = BW(wr + BLN * v + BLN);
                    d0 = x * BLD(V + BLN * v) + d0;
                    d1 = x * BLD(I + BLN * v) + d1;
                    d2 = z * BLD(V + BLN * v + BLN) + d2;
                    d3 = z * BLD(I + BLN * v + BLN) + d3;
                }
                double r = rr[i - a] = 1 / p->y[i], r2 = r * r, r4 = r2 * r2, k4 = 4. / 3 * (r - r4),
                       x = EK[k + 1] * r, x2 = x * x;
                dd[i - a] =
                    BSUM((d0 + d2) * B1(r - k4) - (d1 + d3) * B1(r4)) - s->u[p->n[i]] * (x - x2 * x2) * (1. / 3);
            }
            for (int i = e - 1; i >= a; i--) {
                int n = p->n[i];
                double y = p->y[i], y2 = y * y, J = (rr[i - a] * V[n] + dd[i - a]) / p->im[i];
                V[n] += y * J;
                I[n] -= 4. / 3 * (y2 * y2 - y) * J;
                float *g = w->grect + (size_t)(n / L) * NH * L + n % L;
                for (int j = a; j < i; j++) {
                    double o = y * rr[j - a], o2 = o * o, gi = 4. / 3 * (o - o2 * o2);
                    g[(size_t)p->n[j] * L] += gi * J;
                    dd[j - a] += wrec[(size_t)p->n[j] * NH + n] * (o - gi) * J;
                }
            }
#pragma GCC unroll 4
            for (int v = 0; v < NH / BLN; v++) {
                bv l = BLD(V + BLN * v), i = BLD(I + BLN * v) * vs + l * vc;
                BST(I + BLN * v, i);
                BST(V + BLN * v, l * vm);
                PUT(v, k)
            }
        }
        double q1 = 0.0;
        w->tb += q1 - q0;
        gather(w, s, h);
        w->tg += 0.0 - q1;
    }
}
#define CASES(X) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15) X(16)
INL const uint16_t *bin(float *restrict g, const float *restrict o, const uint16_t *restrict e,
                        const uint16_t *restrict gp, int n, const int c) {
    for (int i = 0; i < n; i++, e += c) {
        __m512 a[W];
        float *restrict d = g + gp[i] * L;
#pragma GCC unroll 16
        for (int q = 0; q < W; q++)
            a[q] = _mm512_load_ps(d + q * 16);
#pragma GCC unroll 40
        for (int k = 0; k < c; k++) {
#pragma GCC unroll 16
            for (int q = 0; q < W; q++)
                a[q] = _mm512_add_ps(a[q], _mm512_load_ps(o + (size_t)e[k] * L + q * 16));
        }
#pragma GCC unroll 16
        for (int q = 0; q < W; q++)
            _mm512_store_ps(d + q * 16, a[q]);
    }
    return e;
}
INL int binr(float *restrict g, const float *restrict oI, const float *restrict oV, const uint16_t *restrict e,
             const float *restrict ge, const float *restrict gk, int z, const uint16_t *restrict gp, int n,
             const int c) {
    for (int i = 0; i < n; i++, z += c) {
        __m512 a[W];
        float *restrict d = g + gp[i] * L;
#pragma GCC unroll 16
        for (int q = 0; q < W; q++)
            a[q] = _mm512_load_ps(d + q * 16);
#pragma GCC unroll 40
        for (int k = 0; k < c; k++) {
            const __m512 x = _mm512_set1_ps(ge[z + k]), y = _mm512_set1_ps(gk[z + k]);
#pragma GCC unroll 16
            for (int q = 0; q < W; q++)
                a[q] = _mm512_load_ps(oV + (size_t)e[z + k] * L + q * 16) * y +
                       (_mm512_load_ps(oI + (size_t)e[z + k] * L + q * 16) * x + a[q]);
        }
#pragma GCC unroll 16
        for (int q = 0; q < W; q++)
            _mm512_store_ps(d + q * 16, a[q]);
    }
    return z;
}
static __attribute__((noinline)) void gather(work *w, const samp *s, int h) {
    const spk *p = &s->s;
    int t0 = CHB(h), k0 = p->ptr[t0], k1 = p->ptr[CHB(h + 1)], cs[MAXC + 2], dst[k1 - k0 + 1];
    uint16_t gp[NH], *gt = w->gt;
    transpose(p->n, 0, k0, k1, t0, NH, 0, gp, cs, dst);
    for (int k = t0; k < CHB(h + 1); k++)
        for (int i = p->ptr[k]; i < p->ptr[k + 1]; i++) {
            int q = dst[i - k0] - k0;
            double r = 1 / p->y[i], r2 = r * r, r4 = r2 * r2;
            gt[q] = k + 1 - t0;
            w->ge[q] = r4;
            w->gk[q] = 4. / 3 * (r - r4);
        }
    for (int z = 0; z < NT; z++) {
        const float *o = w->bufI + z * TSTR, *ov = w->bufV + z * TSTR;
        const uint16_t *e = s->gt + s->ptr[t0];
        const int *c0 = s->cs[h];
        float *g = w->gint + (size_t)z * NIN * L;
        for (int c = 1; c <= MAXC; c++) {
            int n = c0[c + 1] - c0[c];
            const uint16_t *q = s->gp + h * NIN + c0[c];
            if (n)
                switch (c) {
#define X(c)                                                                                                         \
    case c:                                                                                                          \
        e = bin(g, o, e, q, n, c);                                                                                   \
        break;
                    CASES(X)
#undef X
                default:
                    e = bin(g, o, e, q, n, c);
                }
        }
        int y = 0;
        g = w->grect + (size_t)z * NH * L;
        for (int c = 1; c <= MAXC; c++) {
            int n = cs[c + 1] - cs[c];
            const uint16_t *q = gp + cs[c];
            if (n)
                switch (c) {
#define X(c)                                                                                                         \
    case c:                                                                                                          \
        y = binr(g, o, ov, gt, w->ge, w->gk, y, q, n, c);                                                            \
        break;
                    CASES(X)
#undef X
                default:
                    y = binr(g, o, ov, gt, w->ge, w->gk, y, q, n, c);
                }
        }
    }
}
// ---------------------------------------------------------------- step
static work *wk[8];
static double ph[4];
static long cnt[5];
static double step(samp *S, int B, int nth, int grad, double *G, long *sp) {
    double loss = 0;
    *sp = 0;
    memset(cnt, 0, sizeof cnt);
    memset(ph, 0, sizeof ph);
    {
        work *w = wk[0];
        w->loss = w->tf = w->tb = w->tg = 0;
        w->spikes = w->tests = w->cand = w->refilter = w->wide = 0;
        if (grad) {
            memset(w->gout, 0, sizeof w->gout);
            memset(w->gint, 0, 4 * NIN * NH);
            memset(w->grect, 0, 4 * NH * NH);
        }
        double q0 = 0.0;
        for (int b = 0; b < B; b += NS) {
            int m = b + NS <= B ? NS : B - b;
            forward(w, S + b, m);
            for (int j = 0; j < m; j++)
                readout(w, S + b + j, B, grad);
        }
        w->tf = 0.0 - q0;
        if (grad) {
            for (int b = 0; b < B; b++)
                backward(w, S + b);
        }
        {
            loss += w->loss;
            *sp += w->spikes;
            cnt[0] += w->tests;
            cnt[1] += w->cand;
            cnt[2] += w->refilter;
            cnt[3] += w->wide;
            ph[0] += w->tf;
            ph[1] += w->tb;
            ph[2] += w->tg;
        }
        if (grad) {
            for (int i = 0; i < NIN + NH; i++)
                for (int j = 0; j < NH; j++) {
                    float a = 0;
                    for (int h = 0; h < nth; h++)
                        a += i < NIN ? wk[h]->gint[((size_t)(j / L) * NIN + i) * L + j % L]
                                     : wk[h]->grect[((size_t)(j / L) * NH + i - NIN) * L + j % L];
                    ((float *)G)[(size_t)i * NH + j] = i - NIN == j ? 0 : (float)-TS * a;
                }
        }
    }
    return loss;
}
static void prep_w(void) {
    for (int i = 0; i < NH; i++) {
        double m = 0;
        for (int j = 0; j < NH; j++)
            if (wrec[i * NH + j] > m)
                m = wrec[i * NH + j];
        rmax[i] = m;
    }
}

/* Takes the network and `samples` inputs: weights [pre][post], events start[b] .. start[b + 1] of sample b by time.
 */
static samp *S_;
void speech_setup(int samples, const float *w_in, const float *w_rec, const float *w_out, const double *times,
                  const int *channels, const int *start, const int *labels) {
    given(w_in, w_rec, w_out, times, channels, start, labels);
    em = exp(-1 / TM);
    es = exp(-1 / TS);
    cf = TS / (TM - TS) * (em - es);
    cb = TM / (TM - TS) * (em - es);
    Y0 = exp(1 / TM);
    for (int k = 0; k <= T + 1; k++)
        EK[k] = exp(-(TEND - k) / TM);
    win = big(4 * (NIN + NH) * NH);
    wrec = win + NIN * NH;
    wout = big(4 * NH * NOUT);
    gen_weights(win, wrec, wout);
    prep_w();
    work *w = wk[0] = big(sizeof *w);
    w->gint = big(4 * NIN * NH);
    w->grect = big(4 * NH * NH);
    w->bufI = big(8 * NT * TSTR);
    w->bufV = w->bufI + NT * TSTR;
    w->gt = malloc(1 << 18);
    w->ge = malloc(1 << 19);
    w->gk = malloc(1 << 19);
    S_ = malloc(samples * sizeof *S_);
    for (int b = 0; b < samples; b++)
        S_[b] = prep(b);
}
/* One forward and backward pass over the first `batch` samples, one thread: returns the mean loss, writes the
 * gradient of input and recurrent weights [956][256] and the number of hidden spikes. */
double speech_step(int batch, float *gradient, long *spikes) {
    return step(S_, batch, 1, 1, (double *)gradient, spikes);
}
