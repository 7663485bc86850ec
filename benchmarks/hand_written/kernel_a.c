// Kernel A: clock-driven EventProp, float32, 700 -> 256 recurrent LIF -> 20 LI, exact propagator per step.
// mode 0 "direct": one pass over time, rows added straight from the [pre][post] matrices (what a good compiler makes
// of the textbook loop) mode 1 "gather": forward as above; backward stores lambda_I(t), then sums it per presynaptic
// neuron in registers (README, tricks 2-4)
#include "speech.h"
#ifndef NCH
#define NCH 2 // time chunks of the gather: T/NCH*64*W bytes of lambda_I should fit L1
#endif
#ifndef VD
#define VD 1 // sub-step estimate of Vdot
#endif
#ifndef W
#define W 2 // tile width of the gather, in zmm registers
#endif
enum { NQ = 16, NT = NH / (16 * W), L = 16 * W, MAXC = 120 };
typedef struct {
    int ns, cap;
    uint16_t *n;
    int *t;
    float *vd;
    int *ptr;
} spk; // spikes, chronological; ptr[t]: first spike detected at grid time t
typedef struct {
    int label, n;
    uint16_t *ch;
    int *ptr; // CSR by step, chronological
    uint16_t *gt, *gp;
    int cs[NCH][MAXC + 2];
    spk s;
    float u[NH];
} samp; // transposed: presynaptic neurons grouped by event count, event times (gather)
typedef struct {
    float *gin, *gint, *grec, *grect, *gout, *buf;
    uint16_t *gt;
    double tb, tg;
    double loss;
    long spikes, badvd;
    float y[NOUT];
} work;
static int T;
static double DT;
static float em, es, cf, cb, *win, *wrec, *wout;
static float *Ht, *Kt;
#define CHB(h) ((int)((long)T * (h) / NCH)) // chunk bounds
// gt: event steps (chunk-relative) listed by neuron; neurons gp[] grouped by their number of events: cs[c]..cs[c+1]
// have c (cs[MAXC+1].. have more)
static void transpose(const uint16_t *restrict ch, const int *restrict st, int k0, int k1, int t0, int N,
                      uint16_t *restrict gt, uint16_t *restrict gp, int *restrict cs) {
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
    for (int i = k0; i < k1; i++)
        gt[pos[ch[i]]++] = st[i] - t0;
}
static samp prep(int b) {
    evs e = gen_events(b);
    samp s;
    s.label = e.label;
    s.n = e.n;
    s.ptr = calloc(T + 2, 4);
    s.ch = calloc(e.n + 64, 2);
    int *st = malloc(4 * e.n);
    for (int i = 0; i < e.n; i++) {
        s.ch[i] = e.ch[i];
        st[i] = (int)floor(e.t[i] / DT + 0.5);
        if (st[i] >= T)
            st[i] = T - 1;
        s.ptr[st[i] + 1]++;
    }
    for (int t = 0; t < T; t++)
        s.ptr[t + 1] += s.ptr[t];

    s.gp = malloc(2 * NIN * NCH);
    s.gt = malloc(2 * e.n + 64); // transpose once per data set
    for (int h = 0; h < NCH; h++)
        transpose(s.ch, st, s.ptr[CHB(h)], s.ptr[CHB(h + 1)], CHB(h), NIN, s.gt, s.gp + h * NIN, s.cs[h]);
    free(st);
    free(e.t);
    free(e.ch);
    return s;
}
static void spk_grow(spk *s, int ns) {
    if (ns + NH > s->cap) {
        s->cap = 2 * s->cap + 4096;
        s->n = realloc(s->n, 2 * s->cap);
        s->t = realloc(s->t, 4 * s->cap);
        s->vd = realloc(s->vd, 4 * s->cap);
    }
}
#define TSTR                                                                                                         \
    ((size_t)((T + NCH - 1) / NCH + 1) * L) // tile stride of buf, padded so that 16 streams fall in different L1 sets
// ---------------------------------------------------------------- loss and readout: closed form, no time stepping
static void readout(work *w, samp *s, int B, int grad) {
    float Sn[NH], *restrict u = s->u;
    for (int i = 0; i < NH; i++)
        Sn[i] = 0;
    for (int i = 0; i < s->s.ns; i++)
        Sn[s->s.n[i]] += Ht[T - s->s.t[i]];
    float y[NOUT] = {0};
    for (int n = 0; n < NH; n++)
        for (int k = 0; k < NOUT; k++)
            y[k] += Sn[n] * wout[n * NOUT + k];
    memcpy(w->y, y, sizeof y);
    double m = y[0], z = 0, p[NOUT];
    for (int k = 0; k < NOUT; k++)
        if (y[k] > m)
            m = y[k];
    for (int k = 0; k < NOUT; k++)
        z += p[k] = exp(y[k] - m);
    w->loss += -(y[s->label] - m - log(z)) / B;
    if (!grad)
        return;
    float c[NOUT];
    for (int k = 0; k < NOUT; k++)
        c[k] = (p[k] / z - (k == s->label)) / B;
    for (int n = 0; n < NH; n++) {
        float a = 0;
        for (int k = 0; k < NOUT; k++) {
            a += c[k] * wout[n * NOUT + k];
            w->gout[n * NOUT + k] += Sn[n] * c[k];
        }
        u[n] = a;
    }
}
// ---------------------------------------------------------------- the recurrent pass, shared; tiled=1 reads buf, 0
// adds input rows itself
static __attribute__((noinline)) void forward(work *w, samp *s) {
    __m512 I[NQ];
    float Im[NH] __attribute__((aligned(64))), Vm[NH] __attribute__((aligned(64)));
    memset(Im, 0, sizeof Im);
    memset(Vm, 0, sizeof Vm);
    const __m512 vem = _mm512_set1_ps(em), ves = _mm512_set1_ps(es), vc = _mm512_set1_ps(cf),
                 th = _mm512_set1_ps(THETA);
    spk *p = &s->s;
    int prev = 0, ns = 0;
    long bad = 0;
    p->ptr[0] = 0;
    const int *sp = s->ptr;
    const uint16_t *ch = s->ch;
    const float *restrict wi = win;
    const float ies = 1 / es, iem = 1 / em;
    uint16_t ls[NH + MAXC + 64];
    int nl = sp[1];
    memcpy(ls, ch, 2 * nl);
    for (int t = 0; t < T; t++) {
        if (ns + NH > p->cap)
            spk_grow(p, ns);
        uint16_t *restrict pn = p->n;
        int *restrict pt = p->t;
        float *restrict pv = p->vd;
#pragma GCC unroll 16
        for (int q = 0; q < NQ; q++)
            I[q] = _mm512_load_ps(Im + q * 16);
        for (int k = 0; k < nl; k++) {
            const float *r =
                wi + (size_t)ls[k] * NH; // input and recurrent rows in ONE list: one loop exit to mispredict
#pragma GCC unroll 16
            for (int q = 0; q < NQ; q++)
                I[q] = _mm512_add_ps(I[q], _mm512_load_ps(r + q * 16));
        }
        {
            int i0 = sp[t + 1];
            nl = sp[t + 2 > T ? T : t + 2] - i0; // next step's input list; spikes of this step are appended below
            _mm512_storeu_si512(ls, _mm512_loadu_si512(ch + i0));
            if (__builtin_expect(nl > 32, 0))
                memcpy(ls, ch + i0, 2 * nl);
        }
        prev = ns;
        __mmask16 k[NQ];
#pragma GCC unroll 16
        for (int q = 0; q < NQ; q++) {
            __m512 v = _mm512_fmadd_ps(_mm512_load_ps(Vm + q * 16), vem, _mm512_mul_ps(I[q], vc));
            k[q] = _mm512_cmp_ps_mask(v, th, _CMP_GE_OQ);
            _mm512_store_ps(Vm + q * 16, v);
            _mm512_store_ps(Im + q * 16, _mm512_mul_ps(I[q], ves));
        }
#define PK(a) _cvtmask64_u64(_mm512_kunpackd(_mm512_kunpackw(k[a + 3], k[a + 2]), _mm512_kunpackw(k[a + 1], k[a])))
        uint64_t m0 = PK(0), m1 = PK(4), m2 = PK(8), m3 = PK(12);
#define EX(m, o)                                                                                                     \
    while (m) {                                                                                                      \
        int n = o + __builtin_ctzll(m);                                                                              \
        m &= m - 1;                                                                                                  \
        /* tau_mem*Vdot^- = I - theta at the crossing, located inside the step by linear interpolation of V: I falls \
         * by 1-es per step, and taking */                                                                           \
        /* it at the grid point instead (VD=0) biases the 1/Vdot of the jump. Costs ten flops per spike. */          \
        float i1 = Im[n], v1 = Vm[n], v0 = (v1 - cf * i1 * ies) * iem, fr = (v1 - (float)THETA) / (v1 - v0);         \
        Vm[n] = 0;                                                                                                   \
        float vd = (VD ? i1 * (1 + fr * (ies - 1)) : i1) - (float)THETA;                                             \
        bad += vd < 0.05f;                                                                                           \
        vd = vd < 0.05f ? 0.05f : vd;                                                                                \
        pn[ns] = n;                                                                                                  \
        ls[nl++] = NIN + n;                                                                                          \
        pt[ns] = t + 1;                                                                                              \
        pv[ns++] = vd;                                                                                               \
    }
        EX(m0, 0) EX(m1, 64) EX(m2, 128) EX(m3, 192) p->ptr[t + 1] = prev;
    }
    p->ptr[T + 1] = ns;
    p->ns = ns;
    w->spikes += ns;
    w->badvd += bad;
}
// adjoint pass; tiled=1 only stores lambda_I(t) to buf, 0 scatters the gradient rows itself
static void gather(work *w, const samp *s, int h);
INL void backward(work *w, const samp *s, const int gath) {
    float LV[NH] __attribute__((aligned(64))), LI[NH] __attribute__((aligned(64)));
    memset(LV, 0, sizeof LV);
    memset(LI, 0, sizeof LI);
    const __m512 vem = _mm512_set1_ps(em), ves = _mm512_set1_ps(es), vb = _mm512_set1_ps(cb);
    const spk *p = &s->s;
    const float *restrict u = s->u;
    const uint16_t *restrict pn = p->n;
    const float *restrict pv = p->vd;
    const int *restrict pp = p->ptr;
    const float *restrict wr = wrec;
    float *restrict gr = w->grec, *restrict gi = w->gin;
    for (int h = NCH - 1; h >= 0; h--) {
        double q0 = 0.0;
        for (int t = CHB(h + 1) - 1, t0 = CHB(h); t >= t0; t--) {
            int a = pp[t], e = pp[t + 1];
            float *restrict b = w->buf + (size_t)(t - t0) * L;
            __m512 D[NQ];
#pragma GCC unroll 16
            for (int q = 0; q < NQ; q++) {
                __m512 v = _mm512_load_ps(LV + q * 16),
                       i = _mm512_fmadd_ps(_mm512_load_ps(LI + q * 16), ves, _mm512_mul_ps(v, vb));
                v = _mm512_mul_ps(v, vem);
                _mm512_store_ps(LV + q * 16, v);
                _mm512_store_ps(LI + q * 16, i);
                if (gath)
                    _mm512_store_ps(b + (q / W) * TSTR + (q % W) * 16, i);
                D[q] = _mm512_sub_ps(v, i);
            }
            for (int k = a; k < e; k++) {
                int n = pn[k];
                const float *r = wr + (size_t)n * NH;
                __m512 x[4] = {_mm512_setzero_ps(), _mm512_setzero_ps(), _mm512_setzero_ps(), _mm512_setzero_ps()};
#pragma GCC unroll 16
                for (int q = 0; q < NQ; q++)
                    x[q & 3] = _mm512_fmadd_ps(D[q], _mm512_load_ps(r + q * 16), x[q & 3]);
                float d = _mm512_reduce_add_ps(_mm512_add_ps(_mm512_add_ps(x[0], x[1]), _mm512_add_ps(x[2], x[3]))) -
                          Kt[T - t] * u[n];
                LV[n] += ((float)THETA * LV[n] + d) / pv[k];
                if (!gath) {
                    float *g = gr + (size_t)n * NH;
#pragma GCC unroll 16
                    for (int q = 0; q < NQ; q++)
                        _mm512_store_ps(g + q * 16,
                                        _mm512_add_ps(_mm512_load_ps(g + q * 16), _mm512_load_ps(LI + q * 16)));
                }
            }
            if (!gath) {
                __m512 i[NQ];
#pragma GCC unroll 16
                for (int q = 0; q < NQ; q++)
                    i[q] = _mm512_load_ps(LI + q * 16);
                for (int k = s->ptr[t]; k < s->ptr[t + 1]; k++) {
                    float *g = gi + (size_t)s->ch[k] * NH;
#pragma GCC unroll 16
                    for (int q = 0; q < NQ; q++)
                        _mm512_store_ps(g + q * 16, _mm512_add_ps(_mm512_load_ps(g + q * 16), i[q]));
                }
            }
        }
        double q1 = 0.0;
        w->tb += q1 - q0;
        if (gath) {
            gather(w, s, h);
            w->tg += 0.0 - q1;
        }
    }
}
// ---------------------------------------------------------------- gradient gather. Only loads and register adds per
// event; one read-modify-write of the gradient per (presynaptic neuron, sample). c is a compile-time constant in
// every instance: no unpredictable trip counts.
#define CASES(X)                                                                                                     \
    X(1)                                                                                                             \
    X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15) X(16) X(17) X(18) X(19) X(20) X(21)  \
        X(22) X(23) X(24)
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
static const uint16_t *binall(float *g, const float *o, const uint16_t *e, const uint16_t *gp0, const int *cs) {
    for (int c = 1; c <= MAXC; c++) {
        int n = cs[c + 1] - cs[c];
        const uint16_t *gp = gp0 + cs[c];
        if (n)
            switch (c) {
#define X(c)                                                                                                         \
    case c:                                                                                                          \
        e = bin(g, o, e, gp, n, c);                                                                                  \
        break;
                CASES(X)
#undef X
            default:
                e = bin(g, o, e, gp, n, c);
            }
    }
    return e;
}
static __attribute__((noinline)) void gather(work *w, const samp *s, int h) {
    const spk *p = &s->s;
    int k0 = p->ptr[CHB(h)], k1 = p->ptr[CHB(h + 1)], cs[MAXC + 2];
    uint16_t gp[NH], *gt = w->gt;
    transpose(p->n, p->t, k0, k1, CHB(h), NH, gt - k0, gp, cs); // spikes at t=T act on nothing: not in any chunk
    for (int z = 0; z < NT; z++) {
        const float *o = w->buf + z * TSTR;
        binall(w->gint + (size_t)z * NIN * L, o, s->gt + s->ptr[CHB(h)], s->gp + h * NIN, s->cs[h]);
        binall(w->grect + (size_t)z * NH * L, o, gt, gp, cs);
    }
}
static __attribute__((noinline)) void bwd0(work *w, const samp *s) { backward(w, s, 0); }
static __attribute__((noinline)) void bwd1(work *w, const samp *s) { backward(w, s, 1); }
static double tph[5];
static work *wk[64];
static double step(samp *S, int B, int nth, int mode, int grad, float *gin, float *grec, float *gout, long *sp,
                   long *bad) { // one training step; gradients in [pre][post]
    double loss = 0;
    *sp = 0;
    *bad = 0;
    {
        work *w = wk[0];
        w->loss = 0;
        w->spikes = w->badvd = 0;
        if (grad) {
            memset(w->gout, 0, 4 * NH * NOUT);
            if (mode) {
                memset(w->gint, 0, 4 * NIN * NH);
                memset(w->grect, 0, 4 * NH * NH);
            } else {
                memset(w->gin, 0, 4 * NIN * NH);
                memset(w->grec, 0, 4 * NH * NH);
            }
        }
        w->tb = w->tg = 0;
        double q0 = 0.0, tr = 0;
        int cnt = 0; // all forward passes first: the working sets of the two phases do not share L2
        for (int b = 0; b < B; b++) {
            forward(w, S + b);
            double q = 0.0;
            readout(w, S + b, B, grad);
            tr += 0.0 - q;
            cnt++;
        }
        double tf = 0.0 - q0 - tr;
        int cn2 = 0;
        if (grad) {
            for (int b = 0; b < B; b++) {
                if (mode)
                    bwd1(w, S + b);
                else
                    bwd0(w, S + b);
                cn2++;
            }
        }
        if (0 == 0 && cnt && cn2) {
            double v[4] = {tf / cnt, tr / cnt, w->tb / cn2, w->tg / cn2};
            for (int i = 0; i < 4; i++)
                if (v[i] < tph[i])
                    tph[i] = v[i];
        }
        {
            loss += w->loss;
            *sp += w->spikes;
            *bad += w->badvd;
        }
        if (grad) {
            const float ts = -TS; // reduce over threads (and untile), scaled by -tau_syn
            for (int i = 0; i < NIN + NH; i++)
                for (int q = 0; q < NQ; q++) {
                    __m512 a = _mm512_setzero_ps();
                    for (int h = 0; h < nth; h++) {
                        work *x = wk[h];
                        const float *src =
                            i < NIN ? (mode ? x->gint + ((size_t)(q / W) * NIN + i) * L + (q % W) * 16
                                            : x->gin + (size_t)i * NH + q * 16)
                                    : (mode ? x->grect + ((size_t)(q / W) * NH + i - NIN) * L + (q % W) * 16
                                            : x->grec + (size_t)(i - NIN) * NH + q * 16);
                        a = _mm512_add_ps(a, _mm512_load_ps(src));
                    }
                    _mm512_store_ps((i < NIN ? gin + (size_t)i * NH : grec + (size_t)(i - NIN) * NH) + q * 16,
                                    _mm512_mul_ps(a, _mm512_set1_ps(ts)));
                }
            for (int i = 0; i < NH * NOUT; i++) {
                float a = 0;
                for (int h = 0; h < nth; h++)
                    a += wk[h]->gout[i];
                gout[i] = a;
            }
        }
    }
    if (grad)
        for (int i = 0; i < NH; i++)
            grec[i * NH + i] = 0;
    return loss;
}

/* Takes the network and `samples` inputs: weights [pre][post], events start[b] .. start[b + 1] of sample b by time.
 */
static samp *S_;
static float *gout_;
void speech_setup(int samples, const float *w_in, const float *w_rec, const float *w_out, const double *times,
                  const int *channels, const int *start, const int *labels) {
    given(w_in, w_rec, w_out, times, channels, start, labels);
    DT = 1;
    T = (int)(TEND / DT + 0.5);
    em = exp(-DT / TM);
    es = exp(-DT / TS);
    cf = TS / (TM - TS) * (exp(-DT / TM) - exp(-DT / TS));
    cb = TM / (TM - TS) * (exp(-DT / TM) - exp(-DT / TS));
    win = big(4 * (NIN + NH) * NH);
    wrec = win + NIN * NH;
    wout = big(4 * NH * NOUT);
    gen_weights(win, wrec, wout);
    Ht = malloc(4 * (T + 2));
    Kt = malloc(4 * (T + 2));
    for (int i = 0; i <= T + 1; i++) {
        Ht[i] = Hker(i * DT);
        Kt[i] = Kker(i * DT);
    }
    work *w = wk[0] = calloc(1, sizeof *w);
    w->gin = big(4 * NIN * NH);
    w->gint = big(4 * NIN * NH);
    w->grec = big(4 * NH * NH);
    w->grect = big(4 * NH * NH);
    w->gout = big(4 * NH * NOUT);
    w->buf = big(4 * NT * TSTR);
    w->gt = malloc(1 << 20);
    gout_ = big(4 * NH * NOUT);
    S_ = malloc(samples * sizeof *S_);
    for (int b = 0; b < samples; b++) {
        S_[b] = prep(b);
        S_[b].s = (spk){0};
        S_[b].s.ptr = calloc(T + 4, 4);
        spk_grow(&S_[b].s, 0);
    }
}
/* One forward and backward pass over the first `batch` samples, one thread: returns the mean loss, writes the
 * gradient of input and recurrent weights [956][256] and the number of hidden spikes. */
double speech_step(int batch, float *gradient, long *spikes) {
    long bad;
    return step(S_, batch, 1, 1, 1, gradient, gradient + NIN * NH, gout_, spikes, &bad);
}
