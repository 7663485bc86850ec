// Kernel C: event-driven, exact, recurrent: the network and inputs of kernel A with exact input times and exact spike
// times, state in float64. Same coefficients as kernel B, re-based every BL ms:  V = A x - B x^4, I = 3 B x^4, x =
// exp(-(t - t_block)/tau_mem).
#include "speech.h"
#ifndef GT
#define GT float // gradient accumulators (double for the finite-difference check)
#endif
enum { NV = NH / 8, BL = 25, NB = 1000 / BL };
#define S8(a) _mm512_set1_pd(a)
#define PW(x)                                                                                                        \
    ({                                                                                                               \
        __typeof__(x) y_ = (x) * (x);                                                                                \
        y_ *y_;                                                                                                      \
    })
typedef struct {
    int n, label;
    double *x;
    uint16_t *ch;
    int bp[NB + 1];
} samp;
typedef struct {
    int n, cap;
    uint16_t *row;
    double *x, *im;
    int bp[NB + 1];
    long spikes, cand, tests;
} mlist; // merged events in time order; row>=NIN: a spike
typedef struct {
    GT *g;
    double gout[NH * NOUT], loss;
    long spikes, cand, tests;
    mlist m;
    double tf, tb;
} work;
static float *wt;
static float *wout;
static double XE, XE4, EB[NB]; // EB: exp(-(T-t_block)/tau_mem)
static samp prep(int b) {
    evs e = gen_events(b);
    samp s;
    s.n = e.n;
    s.label = e.label;
    s.x = malloc(8 * e.n);
    s.ch = e.ch;
    int k = 0;
    for (int h = 0; h < NB; h++) {
        s.bp[h] = k;
        while (k < e.n && e.t[k] < (h + 1) * BL) {
            s.x[k] = exp(-(e.t[k] - h * BL) / TM);
            k++;
        }
    }
    s.bp[NB] = k;
    free(e.t);
    return s;
}
INL double
cross(double a, double b, double xs,
      double xe) { // first crossing in (xe,xs], or 0. Newton in x = frozen current; monotone, certifies absence
    double x = xs;
    for (int i = 0; i < 200; i++) {
        double b4 = b * PW(x), I = 3 * b4;
        if (I <= 1)
            return 0;
        double f = 1 + b4 - a * x;
        if (f <= 0)
            return x;
        double st = f / (I - 1 + f), xn = x - x * st;
        if (xn < xe)
            return 0;
        x = xn;
        if (st <= 4e-16)
            return x;
    }
    return x;
}
INL void push(mlist *m, int row, double x, double im) {
    m->row[m->n] = row;
    m->x[m->n] = x;
    m->im[m->n++] = im;
}
static __attribute__((noinline)) void interval(double *restrict A, double *restrict B, int row, double xs, double xe,
                                               mlist *m) {
    static const float zero[NH] __attribute__((aligned(64))) = {0};
    const float *restrict w = row < 0 ? zero : wt + (size_t)row * NH;
    for (;;) {
        double r = 1 / xs, q = xs / xe - 1, xe4 = PW(xe);
        const __m512d c1 = S8(r * (1. / 3)), c2 = S8(PW(r) * (1. / 3)), k1 = S8(xe), k2 = S8(xe4), k3 = S8(xs),
                      k4 = S8(xe4 * (1 + 4 * q));
        __m512d m1 = S8(-1), m2 = m1, m3 = m1, m4 = m1;
// V is concave in x where I>0: max over the interval <= max(V_end, tangent at the end evaluated at the start); both
// are linear in (A,B)
#pragma GCC unroll 4
        for (int v = 0; v < NV; v += 2) {
            __m512d w0 = _mm512_cvtps_pd(_mm256_load_ps(w + 8 * v)),
                    w1 = _mm512_cvtps_pd(_mm256_load_ps(w + 8 * v + 8));
            __m512d a0 = _mm512_fmadd_pd(w0, c1, _mm512_load_pd(A + 8 * v)),
                    b0 = _mm512_fmadd_pd(w0, c2, _mm512_load_pd(B + 8 * v));
            __m512d a1 = _mm512_fmadd_pd(w1, c1, _mm512_load_pd(A + 8 * v + 8)),
                    b1 = _mm512_fmadd_pd(w1, c2, _mm512_load_pd(B + 8 * v + 8));
            _mm512_store_pd(A + 8 * v, a0);
            _mm512_store_pd(B + 8 * v, b0);
            _mm512_store_pd(A + 8 * v + 8, a1);
            _mm512_store_pd(B + 8 * v + 8, b1);
            m1 = _mm512_max_pd(m1, _mm512_fmsub_pd(a0, k1, b0 * k2));
            m2 = _mm512_max_pd(m2, _mm512_fmsub_pd(a0, k3, b0 * k4));
            m3 = _mm512_max_pd(m3, _mm512_fmsub_pd(a1, k1, b1 * k2));
            m4 = _mm512_max_pd(m4, _mm512_fmsub_pd(a1, k3, b1 * k4));
        }
        m->tests++;
        if (!_mm512_cmp_pd_mask(_mm512_max_pd(_mm512_max_pd(m1, m2), _mm512_max_pd(m3, m4)), S8(1 - 1e-12),
                                _CMP_GE_OQ))
            return;
        double best = 0;
        int bn = -1;
        for (int v = 0; v < NV; v++) {
            __m512d a = _mm512_load_pd(A + 8 * v), b = _mm512_load_pd(B + 8 * v);
            unsigned k =
                _mm512_cmp_pd_mask(_mm512_max_pd(_mm512_fmsub_pd(a, k1, b * k2), _mm512_fmsub_pd(a, k3, b * k4)),
                                   S8(1 - 1e-12), _CMP_GE_OQ);
            while (k) {
                int n = 8 * v + __builtin_ctz(k);
                k &= k - 1;
                m->cand++;
                double x = cross(A[n], B[n], xs, xe);
                if (x > best) {
                    best = x;
                    bn = n;
                }
            }
        }
        if (bn < 0)
            return;
        push(m, NIN + bn, best, 3 * B[bn] * PW(best) - 1);
        m->spikes++;
        A[bn] = B[bn] * best * best * best;
        w = wt + (size_t)(NIN + bn) * NH;
        xs = best;
    }
}
static void fwd(work *w, const samp *s) {
    double A[NH] __attribute__((aligned(64))), B[NH] __attribute__((aligned(64)));
    memset(A, 0, sizeof A);
    memset(B, 0, sizeof B);
    mlist *m = &w->m;
    m->n = 0;
    m->spikes = m->cand = m->tests = 0;
    for (int h = 0; h < NB; h++) {
        m->bp[h] = m->n;
        int e0 = s->bp[h], e1 = s->bp[h + 1];
        if (m->n + 4 * (e1 - e0) + 8192 > m->cap) {
            m->cap = 2 * m->cap + 65536;
            m->row = realloc(m->row, 2 * m->cap);
            m->x = realloc(m->x, 8 * m->cap);
            m->im = realloc(m->im, 8 * m->cap);
        }
        interval(A, B, -1, 1, e0 < e1 ? s->x[e0] : XE, m);
        for (int e = e0; e < e1; e++) {
            push(m, s->ch[e], s->x[e], 0);
            interval(A, B, s->ch[e], s->x[e], e + 1 < e1 ? s->x[e + 1] : XE, m);
        }
        for (int v = 0; v < NV; v++) {
            _mm512_store_pd(A + 8 * v, _mm512_load_pd(A + 8 * v) * XE);
            _mm512_store_pd(B + 8 * v, _mm512_load_pd(B + 8 * v) * XE4);
        }
    }
    m->bp[NB] = m->n;
    w->spikes += m->spikes;
    w->cand += m->cand;
    w->tests += m->tests;
}
static void sample(work *w, const samp *s, int NBATCH, int grad) {
    double t0 = 0.0;
    fwd(w, s);
    const mlist *m = &w->m;
    double Sn[NH] = {0}, y[NOUT] = {0}, c[NOUT], u[NH], z = 0, mx = -1e300;
    for (int h = 0; h < NB; h++)
        for (int i = m->bp[h]; i < m->bp[h + 1]; i++)
            if (m->row[i] >= NIN) {
                double e = EB[h] / m->x[i];
                Sn[m->row[i] - NIN] += TS * (1 - (TM * e - TS * PW(e)) / (TM - TS));
            }
    for (int n = 0; n < NH; n++)
        for (int k = 0; k < NOUT; k++)
            y[k] += Sn[n] * wout[n * NOUT + k];
    for (int k = 0; k < NOUT; k++)
        if (y[k] > mx)
            mx = y[k];
    for (int k = 0; k < NOUT; k++)
        z += c[k] = exp(y[k] - mx);
    w->loss += -(y[s->label] - mx - log(z)) / NBATCH;
    double t1 = 0.0;
    w->tf += t1 - t0;
    if (!grad)
        return;
    for (int k = 0; k < NOUT; k++)
        c[k] = (c[k] / z - (k == s->label)) / NBATCH;
    for (int n = 0; n < NH; n++) {
        double a = 0;
        for (int k = 0; k < NOUT; k++) {
            a += c[k] * wout[n * NOUT + k];
            w->gout[n * NOUT + k] += Sn[n] * c[k];
        }
        u[n] = a;
    }
    // adjoint: lambda_V = P/x, lambda_I = 4/3 (P/x - Q/x^4); P,Q change only at the neuron's own spikes
    double P[NH] __attribute__((aligned(64))), Q[NH] __attribute__((aligned(64)));
    memset(P, 0, sizeof P);
    memset(Q, 0, sizeof Q);
    for (int h = NB - 1; h >= 0; h--) {
        if (h < NB - 1)
            for (int v = 0; v < NV; v++) {
                _mm512_store_pd(P + 8 * v, _mm512_load_pd(P + 8 * v) * XE);
                _mm512_store_pd(Q + 8 * v, _mm512_load_pd(Q + 8 * v) * XE4);
            }
        for (int i = m->bp[h + 1] - 1; i >= m->bp[h]; i--) {
            double x = m->x[i], r = 1 / x, r4 = PW(r);
            int row = m->row[i];
            GT *restrict g = w->g + (size_t)row * NH;
            const __m512d k1 = S8(4. / 3 * r), k2 = S8(-4. / 3 * r4);
#define GR(v) _mm512_fmadd_pd(_mm512_load_pd(P + 8 * (v)), k1, _mm512_load_pd(Q + 8 * (v)) * k2)
            double d = 0;
            if (row >= NIN) {
                const float *wr = wt + (size_t)row * NH;
                __m512d d0 = S8(0), d1 = d0, d2 = d0, d3 = d0;
                for (int v = 0; v < NV; v += 2) {
                    __m512d w0 = _mm512_cvtps_pd(_mm256_load_ps(wr + 8 * v)),
                            w1 = _mm512_cvtps_pd(_mm256_load_ps(wr + 8 * v + 8));
                    d0 = _mm512_fmadd_pd(w0, _mm512_load_pd(P + 8 * v), d0);
                    d1 = _mm512_fmadd_pd(w0, _mm512_load_pd(Q + 8 * v), d1);
                    d2 = _mm512_fmadd_pd(w1, _mm512_load_pd(P + 8 * v + 8), d2);
                    d3 = _mm512_fmadd_pd(w1, _mm512_load_pd(Q + 8 * v + 8), d3);
                }
                int n = row - NIN;
                double e = EB[h] * r;
                d = 4. / 3 * r4 * _mm512_reduce_add_pd(d1 + d3) - 1. / 3 * r * _mm512_reduce_add_pd(d0 + d2) -
                    u[n] * (e - PW(e)) / 3;
            }
            if (sizeof(GT) == 4)
                for (int v = 0; v < NV; v += 2) {
                    float *q = (float *)g + 8 * v;
                    __m512 x2 = _mm512_insertf32x8(_mm512_castps256_ps512(_mm512_cvtpd_ps(GR(v))),
                                                   _mm512_cvtpd_ps(GR(v + 1)), 1);
                    _mm512_store_ps(q, _mm512_add_ps(_mm512_load_ps(q), x2));
                }
            else
                for (int v = 0; v < NV; v++) {
                    double *q = (double *)g + 8 * v;
                    _mm512_store_pd(q, _mm512_load_pd(q) + GR(v));
                }
            if (row >= NIN) {
                int n = row - NIN;
                double dp = (P[n] + d * x) / m->im[i];
                P[n] += dp;
                Q[n] += dp * x * x * x;
            }
        }
    }
    w->tb += 0.0 - t1;
}
static work *wk[8];
static double tf, tb;
static double step(samp *S, int B, int nth, int grad, double *G, long *sp, long *cd, long *te) {

    {
        work *w = wk[0];
        w->loss = 0;
        w->spikes = w->cand = w->tests = 0;
        w->tf = w->tb = 0;
        if (grad) {
            memset(w->g, 0, sizeof(GT) * (NIN + NH) * NH);
            memset(w->gout, 0, sizeof w->gout);
        }
        for (int b = 0; b < B; b++)
            sample(w, S + b, B, grad);
        if (grad) {
            for (int i = 0; i < (NIN + NH) * NH; i++) {
                double a = 0;
                for (int h = 0; h < nth; h++)
                    a += wk[h]->g[i];
                G[i] = -TS * a;
            }
        }
    }
    double l = 0;
    *sp = *cd = *te = 0;
    tf = tb = 0;
    for (int h = 0; h < nth; h++) {
        l += wk[h]->loss;
        *sp += wk[h]->spikes;
        *cd += wk[h]->cand;
        *te += wk[h]->tests;
        tf += wk[h]->tf;
        tb += wk[h]->tb;
    }
    if (grad)
        for (int i = 0; i < NH; i++)
            G[(NIN + i) * NH + i] = 0;
    return l;
}

/* Takes the network and `samples` inputs: weights [pre][post], events start[b] .. start[b + 1] of sample b by time.
 */
static samp *S_;
void speech_setup(int samples, const float *w_in, const float *w_rec, const float *w_out, const double *times,
                  const int *channels, const int *start, const int *labels) {
    given(w_in, w_rec, w_out, times, channels, start, labels);
    wt = big(4 * (NIN + NH) * NH);
    wout = big(4 * NH * NOUT);
    gen_weights(wt, wt + NIN * NH, wout);
    XE = exp(-BL / TM);
    XE4 = PW(XE);
    for (int h = 0; h < NB; h++)
        EB[h] = exp(-(TEND - h * BL) / TM);
    wk[0] = big(sizeof(work));
    wk[0]->g = big(sizeof(GT) * (NIN + NH) * NH);
    S_ = malloc(samples * sizeof *S_);
    for (int b = 0; b < samples; b++)
        S_[b] = prep(b);
}
/* One forward and backward pass over the first `batch` samples, one thread: returns the mean loss, writes the
 * gradient of input and recurrent weights [956][256] and the number of hidden spikes. */
double speech_step(int batch, double *gradient, long *spikes) {
    long cd, te;
    return step(S_, batch, 1, 1, gradient, spikes, &cd, &te);
}
