/* Made by `saltus emit` from lif.toml (clock; ir.json e6ef9f929843). Do not edit: change the spec or the templates and run it again.
 *
 * The clock engine: populations of lif on a grid of steps dt. Within a step the flow is exact;
 * arrivals, resets and their adjoint jumps act at grid points; a spike is recorded at the end of the step in which its
 * guard crosses zero, with its time and its states at the crossing.
 */
#include "clock.h"

#include "exponentials.h"

#ifdef _OPENMP
#include <omp.h>
#endif

enum { STATES = 2, ABI = 3 };
enum { DONE, CAPACITY, STARTS_ABOVE, RESETS_ABOVE, WORKSPACE };

/* A piece of the workspace; with base NULL it is only counted. Pieces are set apart by an odd number of lines: where arrays
 * lie a multiple of 4 KB from one another, a processor takes a load from one for a load of what was just stored in
 * another, and waits. */
static void *take(char *base, int64_t *used, int64_t bytes)
{
    char *place = base == NULL ? NULL : base + *used;
    *used += ((bytes + 63) & ~(int64_t)63) + 9 * 64;
    return place;
}

static int fail(saltus_status *status, int code, int32_t sample, int32_t neuron, double time, int64_t needed)
{
    *status = (saltus_status){code, sample, neuron, time, needed};
    return code;
}

/* Adds the chunks into the first one, in a tree whose shape depends on nothing but their number; base NULL: not wanted. */
static void reduce(double *restrict base, int32_t chunks, int64_t size)
{
    for (int32_t step = 1; base != NULL && step < chunks; step *= 2)
        for (int32_t chunk = 0; chunk + step < chunks; chunk += 2 * step) {
            double *restrict into = base + chunk * size;
            const double *restrict from = base + (chunk + step) * size;
            for (int64_t i = 0; i < size; i++) into[i] += from[i];
        }
}

/* ======== vectors of neurons: 64 bytes each; compilers cut them to what the machine has */

typedef saltus_real real;
typedef real vec __attribute__((vector_size(64), may_alias));

enum { LANES = 64 / sizeof(real) };

#ifdef __AVX512F__
#include <immintrin.h>
enum { TILE = 16 }; /* vectors that are summed at once: as many as leave registers for the rest */
#else
enum { TILE = 4 };
#endif

SALTUS_INLINE vec load(const real *p)
{
    return *(const vec *)p;
}

SALTUS_INLINE void store(real *p, vec v)
{
    *(vec *)p = v;
}

SALTUS_INLINE vec splat(real value)
{
    return value - (vec){(real)0.0};
}

/* A bit for each lane that is not negative. */
SALTUS_INLINE uint64_t not_negative(vec v)
{
#ifdef __AVX512F__
    return sizeof(real) == 4 ? _mm512_cmp_ps_mask((__m512)v, _mm512_setzero_ps(), _CMP_GE_OQ)
                             : _mm512_cmp_pd_mask((__m512d)v, _mm512_setzero_pd(), _CMP_GE_OQ);
#else
    uint64_t bits = 0;
    for (int i = 0; i < LANES; i++) bits |= (uint64_t)(v[i] >= 0) << i;
    return bits;
#endif
}

/* The sum of all lanes, in an order that is fixed on one machine. */
SALTUS_INLINE real total(vec v)
{
#ifdef __AVX512F__
    return sizeof(real) == 4 ? (real)_mm512_reduce_add_ps((__m512)v) : (real)_mm512_reduce_add_pd((__m512d)v);
#else
    real part[LANES];
    memcpy(part, &v, sizeof part);
    for (int width = LANES / 2; width > 0; width /= 2)
        for (int i = 0; i < width; i++) part[i] += part[i + width];
    return part[0];
#endif
}

SALTUS_INLINE real dot(const real *a, const real *b, int32_t lanes)
{
    vec sum[4] = {{0}};
    int32_t n = 0;
    for (; n + 4 * LANES <= lanes; n += 4 * LANES)
#pragma GCC unroll 4
        for (int q = 0; q < 4; q++) sum[q] += load(a + n + q * LANES) * load(b + n + q * LANES);
    for (; n < lanes; n += LANES) sum[0] += load(a + n) * load(b + n);
    return total((sum[0] + sum[1]) + (sum[2] + sum[3]));
}

/* Where a sample's spikes are written, and how many there are. */
typedef struct {
    int32_t *neuron, *step;
    double *time, *slope;
    real *state;
    int64_t capacity;
    int32_t count;
} spike_log;

/* Spikes of the neurons of a plain group that arrive in one step: neuron k's row, and what its arrival is owed. */
typedef struct {
    const real *weight;
    const int32_t *neuron;
    int32_t count;
    double *owed;
} senders;

/* What arrives at a receptor in one step: dense rows by number, and what sparse rows came to (NULL: none). */
typedef struct {
    const real *weight;
    const int32_t *row;
    int32_t count;
    const real *scattered;
} deliveries;

/* ======== lif: Leaky integrate-and-fire neuron with an exponential current synapse
 * (Wunderlich & Pehle (2021), Table 1) */

/* ---- constants */

SALTUS_INLINE void lif_constants(const double tau_mem, const double tau_syn, double *restrict per_tau_mem,
    double *restrict per_tau_syn)
{
    *per_tau_mem = 1.0 / tau_mem; /* constants */
    *per_tau_syn = 1.0 / tau_syn; /* constants */
}

/* ---- the flow between events */

SALTUS_INLINE void lif_propagator(const double dt, const double tau_mem, const double per_tau_mem,
    const double per_tau_syn, double *restrict Phi_V_V, double *restrict Phi_V_I, double *restrict Phi_I_I,
    double *restrict Psi_I_V)
{
    *Phi_V_V = saltus_exp(-dt * per_tau_mem); /* flow.propagator */
    *Phi_V_I = dt * saltus_exp_dd2(-dt * per_tau_mem, -dt * per_tau_syn) * per_tau_mem; /* flow.propagator */
    *Phi_I_I = saltus_exp(-dt * per_tau_syn); /* flow.propagator */
    *Psi_I_V = tau_mem * (*Phi_V_I) * per_tau_syn; /* flow.propagator */
}

SALTUS_INLINE void lif_advance(const double V, const double I, const double Phi_V_V, const double Phi_V_I,
    const double Phi_I_I, double *restrict V_next, double *restrict I_next)
{
    *V_next = Phi_V_V * V + Phi_V_I * I; /* flow.V */
    *I_next = Phi_I_I * I; /* flow.I */
}

SALTUS_INLINE void lif_adjoint(const double lambda_V, const double lambda_I, const double Phi_V_V,
    const double Phi_I_I, const double Psi_I_V, double *restrict lambda_V_next,
    double *restrict lambda_I_next)
{
    *lambda_V_next = Phi_V_V * lambda_V; /* flow.adjoint.V */
    *lambda_I_next = Psi_I_V * lambda_V + Phi_I_I * lambda_I; /* flow.adjoint.I */
}

SALTUS_INLINE void lif_flow_sensitivity(const double dt, const double tau_mem, const double per_tau_mem,
    const double per_tau_syn, double *restrict Phi_V_V_tau_mem, double *restrict Phi_V_I_tau_mem,
    double *restrict Phi_V_I_tau_syn, double *restrict Phi_I_I_tau_syn)
{
    const double decay_V = saltus_exp(-dt * per_tau_mem); /* flow.propagator */
    const double decay_I = saltus_exp(-dt * per_tau_syn); /* flow.propagator */
    const double response_V_I = saltus_exp_dd2(-dt * per_tau_mem, -dt * per_tau_syn); /* flow.propagator */
    const double response_V_V_I = saltus_exp_dd21(-dt * per_tau_mem, -dt * per_tau_syn); /* flow.propagator */
    const double response_V_I_I = saltus_exp_dd21(-dt * per_tau_syn, -dt * per_tau_mem); /* flow.propagator */
    *Phi_V_V_tau_mem = dt * decay_V * per_tau_mem * per_tau_mem; /* flow.derivative */
    *Phi_V_I_tau_mem = dt * (dt * response_V_V_I - tau_mem * response_V_I) * per_tau_mem * per_tau_mem *
        per_tau_mem; /* flow.derivative */
    *Phi_V_I_tau_syn = dt * dt * response_V_I_I * per_tau_mem * per_tau_syn * per_tau_syn;
        /* flow.derivative */
    *Phi_I_I_tau_syn = dt * decay_I * per_tau_syn * per_tau_syn; /* flow.derivative */
}

SALTUS_INLINE void lif_flow_parameters(const double V, const double I, const double lambda_V,
    const double lambda_I, const double Phi_V_V_tau_mem, const double Phi_V_I_tau_mem,
    const double Phi_V_I_tau_syn, const double Phi_I_I_tau_syn, const double tau_mem, const double tau_syn,
    double *restrict grad_tau_mem, double *restrict grad_tau_syn)
{
    const double costate_V = -tau_mem * lambda_V; /* costate */
    const double costate_I = -tau_syn * lambda_I; /* costate */
    *grad_tau_mem = costate_V * (Phi_V_V_tau_mem * V + Phi_V_I_tau_mem * I); /* gradient.flow.tau_mem */
    *grad_tau_syn = I * (Phi_V_I_tau_syn * costate_V + Phi_I_I_tau_syn * costate_I);
        /* gradient.flow.tau_syn */
}

/* ---- the ends */

SALTUS_INLINE void lif_terminal(const double final_V, const double final_I, const double per_tau_mem,
    const double per_tau_syn, double *restrict lambda_V_next, double *restrict lambda_I_next)
{
    *lambda_V_next = -final_V * per_tau_mem; /* adjoint.terminal */
    *lambda_I_next = -final_I * per_tau_syn; /* adjoint.terminal */
}

SALTUS_INLINE void lif_initial_gradient(const double lambda_V, const double lambda_I, const double tau_mem,
    const double tau_syn, double *restrict grad_V0, double *restrict grad_I0)
{
    *grad_V0 = -tau_mem * lambda_V; /* gradient.initial */
    *grad_I0 = -tau_syn * lambda_I; /* gradient.initial */
}

/* ---- the adjoints as dL/dx */

SALTUS_INLINE void lif_costate(const double lambda_V, const double lambda_I, const double tau_mem,
    const double tau_syn, double *restrict costate_V, double *restrict costate_I)
{
    *costate_V = -tau_mem * lambda_V; /* costate */
    *costate_I = -tau_syn * lambda_I; /* costate */
}

/* ---- emission: spike */

SALTUS_INLINE void lif_ladder_0(const double V, const double theta, double *restrict u_0)
{
    *u_0 = V - theta; /* guard.ladder.0 */
}

SALTUS_INLINE void lif_ladder_0_rate(double *restrict u_0_rate)
{
    *u_0_rate = 0.0; /* guard.ladder.0 */
}

SALTUS_INLINE void lif_ladder_1(const double V, const double I, const double per_tau_mem,
    double *restrict u_1)
{
    *u_1 = (I - V) * per_tau_mem; /* guard.ladder.1 */
}

SALTUS_INLINE void lif_ladder_1_rate(const double per_tau_mem, double *restrict u_1_rate)
{
    *u_1_rate = per_tau_mem; /* guard.ladder.1 */
}

SALTUS_INLINE void lif_ladder_2(const double I, const double per_tau_mem, const double per_tau_syn,
    double *restrict u_2)
{
    *u_2 = -I * per_tau_mem * per_tau_syn; /* guard.ladder.2 */
}

SALTUS_INLINE void lif_ladder_2_rate(const double per_tau_syn, double *restrict u_2_rate)
{
    *u_2_rate = per_tau_syn; /* guard.ladder.2 */
}

SALTUS_INLINE void lif_guard(const double V, const double theta, double *restrict guard)
{
    *guard = V - theta; /* transition.condition, 3:35 */
}

SALTUS_INLINE void lif_guard_slope(const double V, const double I, const double per_tau_mem,
    double *restrict guard_slope)
{
    *guard_slope = (I - V) * per_tau_mem; /* transition.slope */
}

SALTUS_INLINE void lif_reset(const double I, const double v_reset, double *restrict V_next,
    double *restrict I_next)
{
    *V_next = v_reset; /* reset.V, 3:38 */
    *I_next = I; /* reset.I */
}

SALTUS_INLINE void lif_emission_adjoint(const double V, const double I, const double lambda_V,
    const double lambda_I, const double external, const double v_reset, double *restrict sensitivity,
    double *restrict lambda_V_next, double *restrict lambda_I_next)
{
    *sensitivity = external + lambda_V * (I - v_reset); /* jump.sensitivity */
    *lambda_V_next = (*sensitivity) / (I - V); /* jump.emission, 3:52a */
    *lambda_I_next = lambda_I; /* jump.emission.I, 3:52c */
}

SALTUS_INLINE void lif_emission_parameters(const double V, const double I, const double lambda_V,
    const double sensitivity, const double tau_mem, double *restrict grad_theta,
    double *restrict grad_v_reset)
{
    *grad_theta = tau_mem * sensitivity / (I - V); /* gradient.jump.theta */
    *grad_v_reset = -tau_mem * lambda_V; /* gradient.jump.v_reset */
}

/* ---- arrival: exc */

SALTUS_INLINE void lif_exc_jump(const double V, const double I, const double w, double *restrict V_next,
    double *restrict I_next)
{
    *V_next = V; /* receive.V */
    *I_next = I + w; /* receive.I, 3:45 */
}

SALTUS_INLINE void lif_exc_adjoint(const double lambda_V, const double lambda_I,
    double *restrict lambda_V_next, double *restrict lambda_I_next)
{
    *lambda_V_next = lambda_V; /* jump.arrival.V, 3:52b */
    *lambda_I_next = lambda_I; /* jump.arrival.I, 3:52c */
}

SALTUS_INLINE void lif_exc_credit(const double lambda_V, const double lambda_I, double *restrict credit)
{
    *credit = lambda_V - lambda_I; /* arrival.credit */
}

SALTUS_INLINE void lif_exc_weight(const double lambda_I, const double tau_syn, double *restrict grad_w)
{
    *grad_w = -tau_syn * lambda_I; /* gradient.weight, 3:53 */
}

/* ---- on vectors of neurons */

SALTUS_INLINE void lif_advance_v(const vec V, const vec I, const vec Phi_V_V, const vec Phi_V_I, const vec
    Phi_I_I, vec *restrict V_next, vec *restrict I_next)
{
    *V_next = Phi_V_V * V + Phi_V_I * I; /* flow.V */
    *I_next = Phi_I_I * I; /* flow.I */
}

SALTUS_INLINE void lif_adjoint_v(const vec lambda_V, const vec lambda_I, const vec Phi_V_V, const vec Phi_I_I,
    const vec Psi_I_V, vec *restrict lambda_V_next, vec *restrict lambda_I_next)
{
    *lambda_V_next = Phi_V_V * lambda_V; /* flow.adjoint.V */
    *lambda_I_next = Psi_I_V * lambda_V + Phi_I_I * lambda_I; /* flow.adjoint.I */
}

SALTUS_INLINE void lif_guard_v(const vec V, const vec theta, vec *restrict guard)
{
    *guard = V - theta; /* transition.condition, 3:35 */
}

SALTUS_INLINE void lif_exc_jump_v(const vec V, const vec I, const vec w, vec *restrict V_next, vec *restrict
    I_next)
{
    *V_next = V; /* receive.V */
    *I_next = I + w; /* receive.I, 3:45 */
}

SALTUS_INLINE void lif_exc_weight_v(const vec lambda_I, const vec tau_syn, vec *restrict grad_w)
{
    *grad_w = -tau_syn * lambda_I; /* gradient.weight, 3:53 */
}

SALTUS_INLINE void lif_exc_credit_v(const vec lambda_V, const vec lambda_I, vec *restrict credit)
{
    *credit = lambda_V - lambda_I; /* arrival.credit */
}

/* ---- one neuron as arrays */

typedef struct {
    double tau_mem, tau_syn, theta, v_reset, V0, I0, per_tau_mem, per_tau_syn;
} lif_parameters;

SALTUS_INLINE lif_parameters lif_read(const double *p, int64_t stride)
{
    lif_parameters q;
    q.tau_mem = p[0 * stride];
    q.tau_syn = p[1 * stride];
    q.theta = p[2 * stride];
    q.v_reset = p[3 * stride];
    q.V0 = p[4 * stride];
    q.I0 = p[5 * stride];
    double per_tau_mem, per_tau_syn;
    lif_constants(q.tau_mem, q.tau_syn, &per_tau_mem, &per_tau_syn);
    q.per_tau_mem = per_tau_mem;
    q.per_tau_syn = per_tau_syn;
    return q;
}

static void lif_begin(const double *p, int64_t stride, double *x)
{
    (void)p, (void)stride;
    x[0] = p[4 * stride];
    x[1] = p[5 * stride];
}

/* All neurons. */
static void lif_begin_all(const saltus_clock_population *P, real *x)
{
    const size_t bytes = sizeof(real) * (size_t)P->lanes;
    memcpy(x + 0 * (int64_t)P->lanes, P->values + 4 * (int64_t)P->lanes, bytes);
    memcpy(x + 1 * (int64_t)P->lanes, P->values + 5 * (int64_t)P->lanes, bytes);
}

static void lif_begin_back(const double *p, int64_t stride, const double *y, double *grad)
{
    const lif_parameters q = lif_read(p, stride);
    (void)q, (void)y, (void)grad;
    double grad_V0, grad_I0;
    lif_initial_gradient(y[0], y[1], q.tau_mem, q.tau_syn, &grad_V0, &grad_I0);
    grad[4 * stride] += grad_V0;
    grad[5 * stride] += grad_I0;
}

/* dL/dx becomes the adjoint. */
static void lif_end(const double *p, int64_t stride, const double *final, double *y)
{
    const lif_parameters q = lif_read(p, stride);
    (void)q;
    double lambda_V_next, lambda_I_next;
    lif_terminal(final[0], final[1], q.per_tau_mem, q.per_tau_syn, &lambda_V_next, &lambda_I_next);
    y[0] = lambda_V_next;
    y[1] = lambda_I_next;
}

SALTUS_INLINE void lif_entries(const lif_parameters *q, double dt, double *entry)
{
    (void)q, (void)dt;
    double Phi_V_V, Phi_V_I, Phi_I_I, Psi_I_V;
    lif_propagator(dt, q->tau_mem, q->per_tau_mem, q->per_tau_syn, &Phi_V_V, &Phi_V_I, &Phi_I_I, &Psi_I_V);
    entry[0] = Phi_V_V;
    entry[1] = Phi_V_I;
    entry[2] = Phi_I_I;
    entry[3] = Psi_I_V;
}

/* grad = d(a(end) . x(dt))/dp for each parameter. */
static void lif_flow_back(const lif_parameters *q, double dt, const double *x, const double *y, double *grad)
{
    (void)q, (void)dt, (void)x, (void)y;
    memset(grad, 0, sizeof(double[6]));
    double Phi_V_V_tau_mem, Phi_V_I_tau_mem, Phi_V_I_tau_syn, Phi_I_I_tau_syn;
    lif_flow_sensitivity(dt, q->tau_mem, q->per_tau_mem, q->per_tau_syn, &Phi_V_V_tau_mem, &Phi_V_I_tau_mem, &Phi_V_I_tau_syn, &Phi_I_I_tau_syn);
    double grad_tau_mem, grad_tau_syn;
    lif_flow_parameters(x[0], x[1], y[0], y[1], Phi_V_V_tau_mem, Phi_V_I_tau_mem, Phi_V_I_tau_syn, Phi_I_I_tau_syn, q->tau_mem, q->tau_syn, &grad_tau_mem, &grad_tau_syn);
    grad[0] = grad_tau_mem;
    grad[1] = grad_tau_syn;
}

/* The states after dt. */
static __attribute__((unused)) void lif_advance_by(const lif_parameters *q, double dt, double *x)
{
    double entry[4];
    (void)x;
    lif_entries(q, dt, entry);
    double V_next, I_next;
    lif_advance(x[0], x[1], entry[0], entry[1], entry[2], &V_next, &I_next);
    x[0] = V_next;
    x[1] = I_next;
}

/* The adjoints dt earlier. */
static void lif_retreat_by(const lif_parameters *q, double dt, double *y)
{
    double entry[4];
    (void)y;
    lif_entries(q, dt, entry);
    double lambda_V_next, lambda_I_next;
    lif_adjoint(y[0], y[1], entry[0], entry[2], entry[3], &lambda_V_next, &lambda_I_next);
    y[0] = lambda_V_next;
    y[1] = lambda_I_next;
}

/* What an arrival with each number of steps to go does at the end, from a unit weight, and what the adjoints at the end say
 * of it, from unit adjoints: all is linear in them. */
static void lif_tabulate(const double *p, int64_t stride, double dt, int32_t steps, real *rest, real *reach, real *gain, real *claim)
{
    enum { SIZE = 2 };
    const lif_parameters q = lif_read(p, stride);
    double x[SIZE], none[SIZE] = { 0.0 };
    lif_begin(p, stride, x);
    lif_advance_by(&q, steps * dt, x);
    for (int s = 0; s < SIZE; s++) rest[s] = (real)x[s];
    (void)none, (void)reach, (void)gain, (void)claim;
    for (int32_t left = 0; left <= steps; left++) {
        double drift[SIZE] = { 0.0 };
        lif_advance_by(&q, left * dt, drift);
        {
            const int64_t at = (0 * (int64_t)(steps + 1) + left) * SIZE;
            double V_next, I_next;
            lif_exc_jump(none[0], none[1], 1.0, &V_next, &I_next);
            x[0] = V_next;
            x[1] = I_next;
            lif_advance_by(&q, left * dt, x);
            for (int s = 0; s < SIZE; s++) reach[at + s] = (real)(x[s] - drift[s]);
            for (int s = 0; s < SIZE; s++) {
                double y[SIZE] = { 0.0 };
                y[s] = 1.0;
                lif_retreat_by(&q, left * dt, y);
                double grad_w;
                lif_exc_weight(y[1], q.tau_syn, &grad_w);
                double credit;
                lif_exc_credit(y[0], y[1], &credit);
                gain[at + s] = (real)grad_w;
                claim[at + s] = (real)credit;
            }
        }
    }
}

/* Parameters, constants and the entries of the flow over one step, for each neuron. */
static void lif_prepare(const saltus_clock_population *P, double dt)
{
    for (int32_t n = 0; n < P->lanes; n++) {
        const int32_t cell = n < P->count ? n : P->count - 1;
        if (P->shared && n > 0) {
            for (int i = 0; i < 12; i++) P->values[i * (int64_t)P->lanes + n] = P->values[i * (int64_t)P->lanes];
            continue;
        }
        const lif_parameters q = lif_read(P->parameters + cell, P->stride);
        double entry[4];
        lif_entries(&q, dt, entry);
        P->values[0 * (int64_t)P->lanes + n] = (real)q.tau_mem;
        P->values[1 * (int64_t)P->lanes + n] = (real)q.tau_syn;
        P->values[2 * (int64_t)P->lanes + n] = (real)q.theta;
        P->values[3 * (int64_t)P->lanes + n] = (real)q.v_reset;
        P->values[4 * (int64_t)P->lanes + n] = (real)q.V0;
        P->values[5 * (int64_t)P->lanes + n] = (real)q.I0;
        P->values[6 * (int64_t)P->lanes + n] = (real)q.per_tau_mem;
        P->values[7 * (int64_t)P->lanes + n] = (real)q.per_tau_syn;
        P->values[8 * (int64_t)P->lanes + n] = (real)entry[0];
        P->values[9 * (int64_t)P->lanes + n] = (real)entry[1];
        P->values[10 * (int64_t)P->lanes + n] = (real)entry[2];
        P->values[11 * (int64_t)P->lanes + n] = (real)entry[3];
    }
}

/* The gradient of the flow's parameters is linear in adjoint times state: its coefficients, read off at unit vectors,
 * times the sums over all steps. moments: [state, and 1][adjoint] of one neuron, `apart` from one another. */
static void lif_flow_gradient(const double *p, int64_t stride, double dt, const double *moments, int64_t apart, double *grad)
{
    const lif_parameters q = lif_read(p, stride);
    double none[6], each[6];
    for (int i = 0; i < 2; i++) {
        double y[2] = { 0.0 }, x[2] = { 0.0 };
        y[i] = 1.0;
        lif_flow_back(&q, dt, x, y, none);
        for (int k = 0; k < 6; k++) grad[k * stride] += none[k] * moments[(2 * 2 + i) * apart];
        for (int j = 0; j < 2; j++) {
            x[j] = 1.0;
            lif_flow_back(&q, dt, x, y, each);
            x[j] = 0.0;
            for (int k = 0; k < 6; k++)
                grad[k * stride] += (each[k] - none[k]) * moments[(j * 2 + i) * apart];
        }
    }
}

/* ---- the loops */

/* What arrives now at `tile` vectors of neurons from n on, then one step; hits: bits of those that end at or above threshold. */
SALTUS_INLINE void lif_tile(const int tile, const int shared, const int steps, const int64_t n, const saltus_clock_population *P,
                              real *restrict now, real *restrict next, const deliveries *from, uint64_t *restrict hits)
{
    vec sum_0[TILE];
    {
        const deliveries f = from[0];
        const int64_t lanes = P->lanes;
#pragma GCC unroll 16
        for (int q = 0; q < tile; q++) sum_0[q] = f.scattered == NULL ? splat(0) : load(f.scattered + n + q * LANES);
        for (int32_t k = 0; k < f.count; k++) {
            const real *row = f.weight + f.row[k] * lanes + n;
#pragma GCC unroll 16
            for (int q = 0; q < tile; q++) sum_0[q] += load(row + q * LANES);
        }
    }
    uint64_t hit[(TILE * LANES + 63) / 64] = {0};
    const vec all_theta = splat(P->values[2 * (int64_t)P->lanes]);
    const vec all_Phi_V_V = splat(P->values[8 * (int64_t)P->lanes]);
    const vec all_Phi_V_I = splat(P->values[9 * (int64_t)P->lanes]);
    const vec all_Phi_I_I = splat(P->values[10 * (int64_t)P->lanes]);

#pragma GCC unroll 16
    for (int q = 0; q < tile; q++) {
        const int64_t at = n + q * LANES;
        const vec theta = shared ? all_theta : load(P->values + 2 * (int64_t)P->lanes + at);
        const vec Phi_V_V = shared ? all_Phi_V_V : load(P->values + 8 * (int64_t)P->lanes + at);
        const vec Phi_V_I = shared ? all_Phi_V_I : load(P->values + 9 * (int64_t)P->lanes + at);
        const vec Phi_I_I = shared ? all_Phi_I_I : load(P->values + 10 * (int64_t)P->lanes + at);

        vec V = load(now + 0 * (int64_t)P->lanes + at);
        vec I = load(now + 1 * (int64_t)P->lanes + at);

        {
            vec V_next, I_next;
            lif_exc_jump_v(V, I, sum_0[q], &V_next, &I_next);
            I = I_next;
            (void)V_next;
            (void)I_next;
        }
        store(now + 1 * (int64_t)P->lanes + at, I);
        if (!steps) continue;
        {
            vec V_next, I_next;
            lif_advance_v(V, I, Phi_V_V, Phi_V_I, Phi_I_I, &V_next, &I_next);
            store(next + 0 * (int64_t)P->lanes + at, V_next);
            V = V_next;
            store(next + 1 * (int64_t)P->lanes + at, I_next);
            I = I_next;
        }
        vec guard;
        lif_guard_v(V, theta, &guard);
        hit[q * LANES / 64] |= not_negative(guard) << (q * LANES % 64);
    }
    if (!steps) return;
    if (tile * LANES >= 64)
        for (int i = 0; i < tile * LANES / 64; i++) hits[n / 64 + i] = hit[i];
    else
        hits[n / 64] |= hit[0] << (n % 64);
}

SALTUS_INLINE void lif_tiles(const int shared, const int steps, const saltus_clock_population *P, real *now, real *next,
                               const deliveries *from, uint64_t *hits)
{
    int64_t n = 0;
    for (; n + TILE * LANES <= P->lanes; n += TILE * LANES) lif_tile(TILE, shared, steps, n, P, now, next, from, hits);
    for (; TILE > 4 && n + 4 * LANES <= P->lanes; n += 4 * LANES) lif_tile(4, shared, steps, n, P, now, next, from, hits);
    for (; n < P->lanes; n += LANES) lif_tile(1, shared, steps, n, P, now, next, from, hits);
}

static void lif_step(const saltus_clock_population *P, real *now, real *next, const deliveries *from, uint64_t *hits)
{
    if (P->shared)
        lif_tiles(1, 1, P, now, next, from, hits);
    else
        lif_tiles(0, 1, P, now, next, from, hits);
}

/* At the end, where no step follows. */
static void lif_arrive(const saltus_clock_population *P, real *now, const deliveries *from)
{
    if (P->shared)
        lif_tiles(1, 0, P, now, now, from, NULL);
    else
        lif_tiles(0, 0, P, now, now, from, NULL);
}

/* A neuron's parameters and constants, as the loops have them. */
SALTUS_INLINE lif_parameters lif_at(const saltus_clock_population *P, int32_t n)
{
    lif_parameters q;
    q.tau_mem = P->values[0 * (int64_t)P->lanes + n];
    q.tau_syn = P->values[1 * (int64_t)P->lanes + n];
    q.theta = P->values[2 * (int64_t)P->lanes + n];
    q.v_reset = P->values[3 * (int64_t)P->lanes + n];
    q.V0 = P->values[4 * (int64_t)P->lanes + n];
    q.I0 = P->values[5 * (int64_t)P->lanes + n];
    q.per_tau_mem = P->values[6 * (int64_t)P->lanes + n];
    q.per_tau_syn = P->values[7 * (int64_t)P->lanes + n];
    return q;
}

SALTUS_INLINE double lif_guard_at(const lif_parameters *q, const double *x)
{
    (void)q, (void)x;
    double guard;
    lif_guard(x[0], q->theta, &guard);
    return guard;
}

SALTUS_INLINE double lif_slope_at(const lif_parameters *q, const double *x)
{
    (void)q, (void)x;
    double guard_slope;
    lif_guard_slope(x[0], x[1], q->per_tau_mem, &guard_slope);
    return guard_slope;
}

static int lif_starts_above(const double *p, int64_t stride)
{
    const lif_parameters q = lif_read(p, stride);
    double x[2];
    lif_begin(p, stride, x);
    return lif_guard_at(&q, x) >= 0.0;
}

/* Neuron n's guard is not negative at the end of a step: its states at the crossing inside the step, the guard's slope
 * there, the share of the step that is left after it, and the reset at the step's end; returns whether that leaves it above.
 *
 * The crossing is found by linear interpolation, whose error is of the second order in dt; where the guard's slope there is
 * so far from the mean over the step that this says little, by Newton's method with the flow itself, kept in a bracket. */
SALTUS_INLINE int lif_emit_one(const saltus_clock_population *P, int32_t n, double dt, const real *restrict now, real *restrict next,
                                 real *restrict state, double *slope, double *left)
{
    const lif_parameters q = lif_at(P, n);
    double x0[2], x1[2], x[2];
    for (int s = 0; s < 2; s++) x0[s] = now[s * (int64_t)P->lanes + n], x1[s] = next[s * (int64_t)P->lanes + n];
    const double g0 = lif_guard_at(&q, x0), g1 = lif_guard_at(&q, x1);
    *left = g0 < 0.0 ? g1 / (g1 - g0) : 1.0;
    for (int s = 0; s < 2; s++) x[s] = x1[s] + *left * (x0[s] - x1[s]);
    *slope = lif_slope_at(&q, x);
    if (fabs(*slope * dt - (g1 - g0)) > 0.5 * (g1 - g0) && g0 < 0.0) {
        double low = 0.0, high = dt, at = dt * (1.0 - *left);
        for (int round = 0; round < 60 && high - low > 1e-12 * dt; round++) {
            memcpy(x, x0, sizeof x);
            lif_advance_by(&q, at, x);
            *slope = lif_slope_at(&q, x);
            const double guard = lif_guard_at(&q, x), newton = at - guard / *slope;
            *left = 1.0 - at / dt;
            if (fabs(guard) <= 1e-12 * fabs(*slope) * dt) break;
            if (guard < 0.0)
                low = at;
            else
                high = at;
            at = newton > low && newton < high && round % 4 != 3 ? newton : 0.5 * (low + high);
        }
    }
    for (int s = 0; s < 2; s++) state[s] = (real)x[s];
    double V_next, I_next;
    lif_reset(x1[1], q.v_reset, &V_next, &I_next);
    x1[0] = V_next;
    next[0 * (int64_t)P->lanes + n] = (real)V_next;
    return lif_guard_at(&q, x1) >= 0.0;
}

/* The spikes of one step, by neuron, at whose end hits are their bits; returns DONE, CAPACITY, or RESETS_ABOVE for the last. */
static int lif_emit(const saltus_clock_population *P, int32_t j, double dt, const uint64_t *hits, const real *now, real *next,
                      spike_log *log)
{
    for (int32_t first = 0; first < P->count; first += 64) {
        uint64_t hit = hits[first / 64];
        if (P->count - first < 64) hit &= ((uint64_t)1 << (P->count - first)) - 1;
        for (; hit != 0; hit &= hit - 1) {
            const int32_t n = first + __builtin_ctzll(hit), k = log->count;
            double left;
            if (k == log->capacity) return CAPACITY;
            log->neuron[k] = P->first + n;
            log->step[k] = j + 1;
            log->count = k + 1;
            if (lif_emit_one(P, n, dt, now, next, log->state + k * (int64_t)STATES, log->slope + k, &left)) return RESETS_ABOVE;
            log->time[k] = (j + 1 - left) * dt;
        }
    }
    return DONE;
}

/* The spiking neuron's adjoint jump, in reverse time, with the states at the crossing. */
static void lif_undo(const saltus_clock_population *P, int32_t n, double external, const real *state, real *adjoint, double *grad)
{
    const lif_parameters q = lif_at(P, n);
    double x[2], y[2];
    for (int s = 0; s < 2; s++) x[s] = state[s], y[s] = adjoint[s * (int64_t)P->lanes + n];
    (void)q, (void)grad;
    double sensitivity, lambda_V_next, lambda_I_next;
    lif_emission_adjoint(x[0], x[1], y[0], y[1], external, q.v_reset, &sensitivity, &lambda_V_next, &lambda_I_next);
    if (grad != NULL) {
        double grad_theta, grad_v_reset;
        lif_emission_parameters(x[0], x[1], y[0], sensitivity, q.tau_mem, &grad_theta, &grad_v_reset);
        grad[2 * P->stride] += grad_theta;
        grad[3 * P->stride] += grad_v_reset;
    }
    adjoint[0 * (int64_t)P->lanes + n] = (real)lambda_V_next;
}

/* `tile` vectors of neurons from n on, one step back if `back`; then what a unit weight that arrives here gives, and its
 * credit, at each port. The credits go to memory if `kept`, and to the spikes whose rows are `own`. */
SALTUS_INLINE void lif_back_tile(const int tile, const int shared, const int back, const int64_t n, const saltus_clock_population *P,
                                   real *restrict y, real *const *weight, real *const *credit, const senders own)
{
    real *restrict weight_0 = weight[0], *restrict credit_0 = credit[0];
    vec claim[TILE];
    const vec all_tau_syn = splat(P->values[1 * (int64_t)P->lanes]);
    const vec all_Phi_V_V = splat(P->values[8 * (int64_t)P->lanes]);
    const vec all_Phi_I_I = splat(P->values[10 * (int64_t)P->lanes]);
    const vec all_Psi_I_V = splat(P->values[11 * (int64_t)P->lanes]);

#pragma GCC unroll 16
    for (int q = 0; q < tile; q++) {
        const int64_t at = n + q * LANES;
        const vec tau_syn = shared ? all_tau_syn : load(P->values + 1 * (int64_t)P->lanes + at);
        const vec Phi_V_V = shared ? all_Phi_V_V : load(P->values + 8 * (int64_t)P->lanes + at);
        const vec Phi_I_I = shared ? all_Phi_I_I : load(P->values + 10 * (int64_t)P->lanes + at);
        const vec Psi_I_V = shared ? all_Psi_I_V : load(P->values + 11 * (int64_t)P->lanes + at);

        vec lambda_V = load(y + 0 * (int64_t)P->lanes + at);
        vec lambda_I = load(y + 1 * (int64_t)P->lanes + at);

        if (back) {
            vec lambda_V_next, lambda_I_next;
            lif_adjoint_v(lambda_V, lambda_I, Phi_V_V, Phi_I_I, Psi_I_V, &lambda_V_next, &lambda_I_next);
            lambda_V = lambda_V_next;
            store(y + 0 * (int64_t)P->lanes + at, lambda_V);
            lambda_I = lambda_I_next;
            store(y + 1 * (int64_t)P->lanes + at, lambda_I);
        }
        claim[q] = splat(0);
        {
            vec grad_w;
            lif_exc_weight_v(lambda_I, tau_syn, &grad_w);
            store(weight_0 + at, grad_w);
        }
        {
            vec credit;
            lif_exc_credit_v(lambda_V, lambda_I, &credit);
            if (credit_0 != NULL) store(credit_0 + at, credit);
            claim[q] = credit;
        }
    }
    for (int32_t k = 0; k < own.count; k++) {
        const real *row = own.weight + own.neuron[k] * (int64_t)P->lanes + n;
        vec sum[4] = {{0}};
        __asm__("" : "+r"(row));
#pragma GCC unroll 16
        for (int q = 0; q < tile; q++) sum[q % 4] += claim[q] * load(row + q * LANES);
        own.owed[k] += total((sum[0] + sum[1]) + (sum[2] + sum[3]));
    }
}

SALTUS_INLINE void lif_back_tiles(const int shared, const int back, const saltus_clock_population *P, real *y,
                                    real *const *weight, real *const *credit, const senders own)
{
    int64_t n = 0;
    for (; n + TILE * LANES <= P->lanes; n += TILE * LANES) lif_back_tile(TILE, shared, back, n, P, y, weight, credit, own);
    for (; TILE > 4 && n + 4 * LANES <= P->lanes; n += 4 * LANES) lif_back_tile(4, shared, back, n, P, y, weight, credit, own);
    for (; n < P->lanes; n += LANES) lif_back_tile(1, shared, back, n, P, y, weight, credit, own);
}

static void lif_deliver(const saltus_clock_population *P, real *y, real *const *weight, real *const *credit, senders own)
{
    if (P->shared)
        lif_back_tiles(1, 0, P, y, weight, credit, own);
    else
        lif_back_tiles(0, 0, P, y, weight, credit, own);
}

static void lif_retreat(const saltus_clock_population *P, real *y, real *const *weight, real *const *credit, senders own)
{
    if (P->shared)
        lif_back_tiles(1, 1, P, y, weight, credit, own);
    else
        lif_back_tiles(0, 1, P, y, weight, credit, own);
}

/* Adds the adjoints at the end of a step times the states at its start (and times 1). */
static void lif_moment(const saltus_clock_population *P, const real *restrict y, const real *restrict x, real *restrict moments)
{
    for (int64_t at = 0; at < P->lanes; at += LANES) {
        vec V = load(x + 0 * (int64_t)P->lanes + at);
        vec I = load(x + 1 * (int64_t)P->lanes + at);

        vec lambda_V = load(y + 0 * (int64_t)P->lanes + at);
        vec lambda_I = load(y + 1 * (int64_t)P->lanes + at);

        real *m = moments + at;
        store(m, load(m) + lambda_V * V);
        m += P->lanes;
        store(m, load(m) + lambda_I * V);
        m += P->lanes;
        store(m, load(m) + lambda_V * I);
        m += P->lanes;
        store(m, load(m) + lambda_I * I);
        m += P->lanes;
        store(m, load(m) + lambda_V);
        m += P->lanes;
        store(m, load(m) + lambda_I);
        m += P->lanes;
    }
}

/* ======== what the clock knows of a model */

typedef struct {
    int32_t values, moments;
    void (*prepare)(const saltus_clock_population *P, double dt);
    void (*tabulate)(const double *p, int64_t stride, double dt, int32_t steps, real *rest, real *reach, real *gain, real *claim);
    void (*begin)(const saltus_clock_population *P, real *x);
    void (*arrive)(const saltus_clock_population *P, real *now, const deliveries *from);
    void (*step)(const saltus_clock_population *P, real *now, real *next, const deliveries *from, uint64_t *hits);
    int (*starts_above)(const double *p, int64_t stride); /* this and the next: NULL without spikes */
    int (*emit)(const saltus_clock_population *P, int32_t j, double dt, const uint64_t *hits, const real *now, real *next, spike_log *log);
    void (*undo)(const saltus_clock_population *P, int32_t n, double external, const real *state, real *y, double *grad);
    void (*end)(const double *p, int64_t stride, const double *final, double *y);
    void (*deliver)(const saltus_clock_population *P, real *y, real *const *weight, real *const *credit, senders own);
    void (*retreat)(const saltus_clock_population *P, real *y, real *const *weight, real *const *credit, senders own);
    void (*moment)(const saltus_clock_population *P, const real *y, const real *x, real *moments);
    void (*flow_gradient)(const double *p, int64_t stride, double dt, const double *moments, int64_t apart, double *grad);
    void (*begin_back)(const double *p, int64_t stride, const double *y, double *grad);
} model_table;

static const model_table MODELS[] = {
    { 12, 6, lif_prepare, lif_tabulate, lif_begin_all, lif_arrive, lif_step,
      lif_starts_above, lif_emit, lif_undo,
      lif_end, lif_deliver, lif_retreat, lif_moment, lif_flow_gradient,
      lif_begin_back },
};

/* ======== memory of one thread */

typedef struct {
    real *now, *next;      /* [lanes * STATES] states of all populations, one after the other: [STATES][lanes] each */
    real *y;               /* the same: adjoints */
    real *scattered;       /* [port_lanes] */
    deliveries *from;      /* [ports] */
    int32_t *list;         /* [ports][most] */
    uint64_t *hits;        /* a bit for each lane of the widest population */
    real *weight, *credit; /* [block][port_lanes] of a unit weight that arrives at each step; credit: [1] without delays */
    real *path;            /* [steps][lanes * STATES] states at the start of each step, only for moments */
    real *moments;         /* one sample's */
    real *sums;            /* [rows][STATES] where all is read at the end */
    double *owed;          /* [capacity] dL/dt of each spike */
    int32_t *at, *start, *order, *size; /* events by source: [events], [sources + 1], [sources], [sources] */
} workspace;

/* What a run reads and writes. */
typedef struct {
    const saltus_clock *net;
    const saltus_clock_input *in;
    saltus_clock_output *out;
    const saltus_clock_cotangent *cotangent; /* this and the next: NULL forward */
    const saltus_clock_gradient *gradient;
    workspace *w;
    saltus_status *status;
    int32_t sample;
} run;

static int32_t sources_of(const saltus_clock *net)
{
    return net->channels + net->neurons;
}

static int64_t lay_out(workspace *w, const saltus_clock *net, int64_t capacity, int64_t events,
                       const saltus_clock_gradient *gradient, char *base)
{
    const int64_t d = sizeof(double), i = sizeof(int32_t), f = sizeof(real), states = (int64_t)net->lanes * STATES;
    int64_t used = base == NULL ? 64 : (-(int64_t)(intptr_t)base) & 63;
    *w = (workspace){0};
    w->now = take(base, &used, states * f);
    w->next = take(base, &used, states * f);
    w->scattered = take(base, &used, net->port_lanes * f);
    w->from = take(base, &used, net->ports * (int64_t)sizeof(deliveries));
    w->list = take(base, &used, net->ports * (int64_t)net->most * i);
    w->hits = take(base, &used, net->lanes / 8 + 16);
    if (net->at_end) w->sums = take(base, &used, net->row_start[net->classes * (int64_t)(sources_of(net) + 1) - 1] * STATES * f);
    if (gradient == NULL) return used;
    const int64_t sources = sources_of(net);
    w->y = take(base, &used, states * f);
    w->weight = take(base, &used, net->block * (int64_t)net->port_lanes * f);
    w->credit = take(base, &used, (gradient->delays == NULL ? 1 : net->block) * (int64_t)net->port_lanes * f);
    w->owed = take(base, &used, capacity * d);
    w->at = take(base, &used, (capacity + events) * i);
    w->start = take(base, &used, (sources + 1) * i);
    w->order = take(base, &used, sources * i);
    w->size = take(base, &used, sources * i);
    if (gradient->moments == NULL) return used;
    w->path = take(base, &used, net->steps * states * f);
    w->moments = take(base, &used, net->moments * f);
    return used;
}

int64_t saltus_clock_workspace(const saltus_clock *net, int64_t capacity, int64_t events,
                               const saltus_clock_gradient *gradient)
{
    workspace w;
    return lay_out(&w, net, capacity, events, gradient, NULL);
}

/* A neuron: its population, parameters and lane. */
typedef struct {
    const saltus_clock_population *population;
    const model_table *model;
    const double *p;
    int64_t stride, place, gradient; /* place: of its first state */
} cell;

static cell cell_of(const saltus_clock *net, int32_t neuron)
{
    const saltus_clock_population *P = net->population + net->population_of[neuron];
    const int64_t local = neuron - P->first;
    return (cell){P, MODELS + P->model, P->parameters + local, P->stride, P->first_lane * (int64_t)STATES + local,
                  P->first_parameter + local};
}

static void read_cell(const real *x, const cell *c, double *out)
{
    for (int s = 0; s < STATES; s++) out[s] = x[c->place + s * (int64_t)c->population->lanes];
}

static void write_cell(real *x, const cell *c, const double *in)
{
    for (int s = 0; s < STATES; s++) x[c->place + s * (int64_t)c->population->lanes] = (real)in[s];
}

/* ======== forward */

static void add_row(const run *r, const saltus_clock_row *row)
{
    const saltus_clock_port *port = r->net->port + row->port;
    workspace *w = r->w;
    if (row->target < 0) {
        w->list[row->port * (int64_t)r->net->most + w->from[row->port].count++] = row->count;
        return;
    }
    real *to = w->scattered + port->first_lane;
    for (int32_t i = 0; i < row->count; i++) to[r->net->targets[row->target + i]] += r->net->weight[row->at + i];
}

/* What arrives at step j: what was sent `delay` steps before. */
static void collect(const run *r, int32_t j, const int32_t *in_first, const int32_t *out_first)
{
    const saltus_clock *net = r->net;
    workspace *w = r->w;
    const int32_t *channel = r->in->channel + r->in->start[r->sample], *neuron = r->out->neuron + r->sample * r->out->capacity;
    if (net->plain) {
        const int32_t count = in_first[j + 1] - in_first[j], own = net->plain == 2 ? out_first[j + 1] - out_first[j] : 0;
        memcpy(w->list, channel + in_first[j], sizeof(int32_t) * (size_t)count);
        for (int32_t i = 0; i < own; i++) w->list[count + i] = net->channels + neuron[out_first[j] + i];
        w->from[0].count = count + own;
        return;
    }
    for (int32_t k = 0; k < net->ports; k++) {
        w->from[k].count = 0;
        if (net->port[k].scattered) memset(w->scattered + net->port[k].first_lane, 0, sizeof(real) * (size_t)net->port[k].lanes);
    }
    for (int32_t c = 0; c < net->classes; c++) {
        const int64_t *start = net->row_start + c * (int64_t)(sources_of(net) + 1);
        const int32_t s = j - net->delay[c];
        if (s < 0) continue;
        for (int32_t e = in_first[s]; e < in_first[s + 1]; e++)
            for (int64_t i = start[channel[e]]; i < start[channel[e] + 1]; i++) add_row(r, net->row + i);
        for (int32_t k = out_first[s]; k < out_first[s + 1]; k++) {
            const int32_t source = net->channels + neuron[k];
            for (int64_t i = start[source]; i < start[source + 1]; i++) add_row(r, net->row + i);
        }
    }
}

static void snapshot(const run *r, const real *x, double *out)
{
    for (int32_t n = 0; n < r->net->neurons; n++) {
        const cell c = cell_of(r->net, n);
        read_cell(x, &c, out + n * (int64_t)STATES);
    }
}

/* One sample; path: where the states at the start of each step go, or NULL. */
static int forward(const run *r, real *path)
{
    const saltus_clock *net = r->net;
    workspace *w = r->w;
    saltus_clock_output *out = r->out;
    const int64_t states = (int64_t)net->lanes * STATES;
    const int32_t *in_first = r->in->first + r->sample * (int64_t)(net->steps + 2);
    int32_t *out_first = out->first + r->sample * (int64_t)(net->steps + 2), next_sample = 0;
    for (int32_t k = 0; k < net->ports; k++)
        w->from[k] = (deliveries){net->port[k].weight, w->list + k * (int64_t)net->most, 0,
                                  net->port[k].scattered ? w->scattered + net->port[k].first_lane : NULL};
    spike_log log = {out->neuron + r->sample * out->capacity, out->step + r->sample * out->capacity, out->time + r->sample * out->capacity,
                     out->slope + r->sample * out->capacity, out->state + r->sample * out->capacity * STATES, out->capacity, 0};
    for (int32_t k = 0; k < net->populations; k++)
        MODELS[net->population[k].model].begin(net->population + k, w->now + net->population[k].first_lane * (int64_t)STATES);
    out_first[0] = out_first[1] = 0;
    for (int32_t j = 0; j <= net->steps; j++) {
        for (; next_sample < net->samples && net->sample_step[next_sample] == j; next_sample++)
            snapshot(r, w->now, out->sampled + (r->sample * (int64_t)net->samples + next_sample) * net->neurons * STATES);
        if (net->ports > 0) collect(r, j, in_first, out_first);
        for (int32_t k = 0; k < net->populations; k++) {
            const saltus_clock_population *P = net->population + k;
            const model_table *model = MODELS + P->model;
            real *now = w->now + P->first_lane * (int64_t)STATES, *next = w->next + P->first_lane * (int64_t)STATES;
            if (j == net->steps) {
                model->arrive(P, now, w->from + P->first_port);
                continue;
            }
            if (model->emit != NULL && P->lanes % 64 != 0) memset(w->hits, 0, sizeof(uint64_t) * (size_t)(P->lanes / 64 + 1));
            model->step(P, now, next, w->from + P->first_port, w->hits);
            const int code = model->emit == NULL ? DONE : model->emit(P, j, net->dt, w->hits, now, next, &log);
            if (code == CAPACITY) return fail(r->status, CAPACITY, r->sample, -1, j * net->dt, 2 * out->capacity + net->neurons);
            if (code) return fail(r->status, code, r->sample, log.neuron[log.count - 1], (j + 1) * net->dt, 0);
        }
        if (j == net->steps) break;
        out_first[j + 2] = log.count;
        if (path != NULL) memcpy(path + j * states, w->now, sizeof(real) * (size_t)states);
        real *swap = w->now;
        w->now = w->next, w->next = swap;
    }
    out->count[r->sample] = log.count;
    if (path == NULL) snapshot(r, w->now, out->final + r->sample * (int64_t)net->neurons * STATES);
    return DONE;
}

/* ======== gradients of weights: for each source, what a unit weight would have given at each of its arrivals
 *
 * Events are sorted by source first, so that a row of the gradient is read and written once for each block of steps, and
 * sources by their number of events, so that the loops over events are of even length. */

/* The events whose arrivals with this delay are in steps [low, high), by source, the sources without any first; returns how
 * many those are. */
static int32_t by_source(const run *r, int32_t low, int32_t high, int32_t delay)
{
    const saltus_clock *net = r->net;
    workspace *w = r->w;
    const int32_t sources = sources_of(net), from = low < delay ? 0 : low - delay, to = high < delay ? 0 : high - delay, shift = delay - low;
    const int32_t *in_first = r->in->first + r->sample * (int64_t)(net->steps + 2);
    const int32_t *out_first = r->out->first + r->sample * (int64_t)(net->steps + 2);
    const int32_t *channel = r->in->channel + r->in->start[r->sample], *in_step = r->in->step + r->in->start[r->sample];
    const int32_t *neuron = r->out->neuron + r->sample * r->out->capacity, *out_step = r->out->step + r->sample * r->out->capacity;
    int32_t *start = w->start, most = 0;
    memset(start, 0, sizeof(int32_t) * (size_t)(sources + 1));
    for (int32_t e = in_first[from]; e < in_first[to]; e++) start[channel[e]]++;
    for (int32_t k = out_first[from]; k < out_first[to]; k++) start[net->channels + neuron[k]]++;
    for (int32_t s = 0, sum = 0; s <= sources; s++) {
        const int32_t count = start[s];
        most = count > most ? count : most;
        start[s] = sum;
        sum += count;
    }
    for (int32_t e = in_first[from]; e < in_first[to]; e++) w->at[start[channel[e]]++] = in_step[e] + shift;
    for (int32_t k = out_first[from]; k < out_first[to]; k++) w->at[start[net->channels + neuron[k]]++] = out_step[k] + shift;
    int32_t bound[65] = {0}; /* start[s] is now where the events of s end */
    most = most > 63 ? 63 : most;
    for (int32_t s = 0; s < sources; s++) {
        const int32_t count = start[s] - (s ? start[s - 1] : 0);
        w->size[s] = count;
        bound[(count > 63 ? 63 : count) + 1]++;
    }
    for (int32_t k = 0; k < 64; k++) bound[k + 1] += bound[k];
    const int32_t silent = bound[1];
    for (int32_t s = 0; s < sources; s++) w->order[bound[w->size[s] > 63 ? 63 : w->size[s]]++] = s;
    return silent;
}

SALTUS_INLINE void add_rows(const int tile, int fresh, real *restrict to, const real *restrict from, int64_t apart, const int32_t *at, int32_t count)
{
    vec sum[TILE];
#pragma GCC unroll 16
    for (int q = 0; q < tile; q++) sum[q] = fresh ? splat(0) : load(to + q * LANES);
    for (int32_t k = 0; k < count; k++) {
        const real *row = from + at[k] * apart;
        __asm__("" : "+r"(row)); /* one address a row, where GCC would keep one for each vector */
#pragma GCC unroll 16
        for (int q = 0; q < tile; q++) sum[q] += load(row + q * LANES);
    }
#pragma GCC unroll 16
    for (int q = 0; q < tile; q++) store(to + q * LANES, sum[q]);
}

SALTUS_INLINE void add_dense(int fresh, real *to, const real *from, int64_t apart, int32_t lanes, const int32_t *at, int32_t count)
{
    int32_t n = 0;
    for (; n + TILE * LANES <= lanes; n += TILE * LANES) add_rows(TILE, fresh, to + n, from + n, apart, at, count);
    for (; TILE > 4 && n + 4 * LANES <= lanes; n += 4 * LANES) add_rows(4, fresh, to + n, from + n, apart, at, count);
    for (; n < lanes; n += LANES) add_rows(1, fresh, to + n, from + n, apart, at, count);
}

/* Of a plain group, where source s has row s. */
SALTUS_APART void gather_plain(const run *r, int32_t silent, real *gradient, const real *each, int fresh)
{
    const workspace *w = r->w;
    const int32_t lanes = r->net->port[0].lanes, sources = sources_of(r->net), *start = w->start, *size = w->size;
    const int64_t rows = r->net->row_start[sources];
    for (int32_t i = fresh ? 0 : silent; i < sources; i++) {
        const int32_t s = w->order[i];
        if (s < rows) add_dense(fresh, gradient + s * (int64_t)lanes, each, lanes, lanes, w->at + start[s] - size[s], size[s]);
    }
}

static void gather_row(const run *r, const saltus_clock_row *row, int fresh, real *gradient, const real *each, const int32_t *at, int32_t count)
{
    const int64_t apart = r->net->port_lanes;
    const saltus_clock_port *port = r->net->port + row->port;
    real *to = gradient + row->at;
    const real *from = each + port->first_lane;
    if (row->target < 0) {
        add_dense(fresh, to, from, apart, port->lanes, at, count);
        return;
    }
    for (int32_t i = 0; i < row->count; i++) {
        const int32_t lane = r->net->targets[row->target + i];
        real sum = 0;
        for (int32_t k = 0; k < count; k++) sum += from[at[k] * apart + lane];
        to[i] = fresh ? sum : to[i] + sum;
    }
}

/* The arrivals of steps [low, high), whose values are in the workspace; fresh: what is there is not yet a sum. */
static void gather(const run *r, int32_t low, int32_t high, real *weights, real *delays, int fresh)
{
    const saltus_clock *net = r->net;
    workspace *w = r->w;
    for (int32_t c = 0; c < net->classes; c++) {
        const int64_t *start = net->row_start + c * (int64_t)(sources_of(net) + 1);
        const int32_t silent = by_source(r, low, high, net->delay[c]);
        if (net->plain) {
            if (weights != NULL) gather_plain(r, silent, weights, w->weight, fresh);
            if (delays != NULL) gather_plain(r, silent, delays, w->credit, fresh);
            continue;
        }
        for (int32_t i = fresh ? 0 : silent; i < sources_of(net); i++) {
            const int32_t s = w->order[i], *at = w->at + w->start[s] - w->size[s];
            for (int64_t k = start[s]; k < start[s + 1]; k++) {
                if (weights != NULL) gather_row(r, net->row + k, fresh, weights, w->weight, at, w->size[s]);
                if (delays != NULL) gather_row(r, net->row + k, fresh, delays, w->credit, at, w->size[s]);
            }
        }
    }
}

/* ======== backward */

/* Weights times what is there for each lane of their port. */
static double row_credit(const run *r, const saltus_clock_row *row, const real *each)
{
    const real *weight = r->net->weight + row->at;
    double sum = 0.0;
    if (row->target < 0) return dot(weight, each, r->net->port[row->port].lanes);
    for (int32_t k = 0; k < row->count; k++) sum += weight[k] * each[r->net->targets[row->target + k]];
    return sum;
}

/* dL/dt of the arrivals at step j of what one source sent with one delay. */
static double credit_of(const run *r, const int64_t *start, int32_t source, const real *credit)
{
    double sum = 0.0;
    for (int64_t i = start[source]; i < start[source + 1]; i++) {
        const saltus_clock_row *row = r->net->row + i;
        sum += row_credit(r, row, credit + r->net->port[row->port].first_lane);
    }
    return sum;
}

/* All arrivals at step j give their credits to the spikes that they are of. */
static void give_credits(const run *r, int32_t j, const real *credit, double *event_time)
{
    const saltus_clock *net = r->net;
    const int32_t *in_first = r->in->first + r->sample * (int64_t)(net->steps + 2);
    const int32_t *out_first = r->out->first + r->sample * (int64_t)(net->steps + 2);
    const int32_t *channel = r->in->channel + r->in->start[r->sample], *neuron = r->out->neuron + r->sample * r->out->capacity;
    for (int32_t c = 0; c < net->classes; c++) {
        const int64_t *start = net->row_start + c * (int64_t)(sources_of(net) + 1);
        const int32_t s = j - net->delay[c];
        if (s < 0) continue;
        for (int32_t k = out_first[s]; k < out_first[s + 1]; k++)
            r->w->owed[k] += credit_of(r, start, net->channels + neuron[k], credit);
        if (event_time == NULL) continue;
        for (int32_t e = in_first[s]; e < in_first[s + 1]; e++) event_time[e] += credit_of(r, start, channel[e], credit);
    }
}

/* Adds dL/dx, [neurons][STATES], to the adjoints. */
static void kick(const run *r, const double *slope)
{
    for (int32_t n = 0; slope != NULL && n < r->net->neurons; n++) {
        const cell c = cell_of(r->net, n);
        double y[STATES], added[STATES] = {0.0};
        read_cell(r->w->y, &c, y);
        c.model->end(c.p, c.stride, slope + n * (int64_t)STATES, added);
        for (int s = 0; s < STATES; s++) y[s] += added[s];
        write_cell(r->w->y, &c, y);
    }
}

/* The spikes that are recorded at step j, the last first. */
static void undo_spikes(const run *r, int32_t j, double *parameters)
{
    const int32_t *first = r->out->first + r->sample * (int64_t)(r->net->steps + 2);
    for (int32_t k = first[j + 1] - 1; k >= first[j]; k--) {
        const int64_t place = r->sample * r->out->capacity + k;
        const int32_t neuron = r->out->neuron[place];
        const saltus_clock_population *P = r->net->population + r->net->population_of[neuron];
        const int32_t n = neuron - P->first;
        MODELS[P->model].undo(P, n, r->w->owed[k], r->out->state + place * STATES, r->w->y + P->first_lane * (int64_t)STATES,
                              parameters == NULL ? NULL : parameters + P->first_parameter + n);
    }
}

/* The adjoints of all populations, one step back where there is one; what unit weights give there, and their credits,
 * to memory or (credit NULL) to the spikes of a plain group. */
static void step_back(const run *r, int32_t j, real *weight, real *credit)
{
    const saltus_clock *net = r->net;
    senders own = {0};
    if (credit == NULL && net->plain == 2) {
        const int32_t *first = r->out->first + r->sample * (int64_t)(net->steps + 2);
        own = (senders){net->port[0].weight + net->channels * (int64_t)net->port[0].lanes,
                        r->out->neuron + r->sample * r->out->capacity + first[j], first[j + 1] - first[j], r->w->owed + first[j]};
    }
    for (int32_t k = 0; k < net->populations; k++) {
        const saltus_clock_population *P = net->population + k;
        const model_table *model = MODELS + P->model;
        real *y = r->w->y + P->first_lane * (int64_t)STATES, *weights[32], *credits[32];
        const int32_t ports = (k + 1 < net->populations ? net->population[k + 1].first_port : net->ports) - P->first_port;
        for (int32_t i = 0; i < ports; i++) {
            weights[i] = weight + net->port[P->first_port + i].first_lane;
            credits[i] = credit == NULL ? NULL : credit + net->port[P->first_port + i].first_lane;
        }
        if (j == net->steps) {
            model->deliver(P, y, weights, credits, own);
            continue;
        }
        if (r->w->path != NULL)
            model->moment(P, y, r->w->path + (j * (int64_t)net->lanes + P->first_lane) * STATES, r->w->moments + P->first_moment);
        model->retreat(P, y, weights, credits, own);
    }
}

static void finish(const run *r, double *parameters, double *moments)
{
    for (int32_t n = 0; parameters != NULL && n < r->net->neurons; n++) {
        const cell c = cell_of(r->net, n);
        double y[STATES];
        read_cell(r->w->y, &c, y);
        c.model->begin_back(c.p, c.stride, y, parameters + c.gradient);
    }
    for (int64_t i = 0; moments != NULL && i < r->net->moments; i++) moments[i] += r->w->moments[i];
}

/* ======== populations that send no spikes and are read at the end alone
 *
 * All is linear in what arrives, so no step is taken: an arrival with m steps to go moves the states at the end by its weight
 * times `reach`; dL/dx(T), as an adjoint, gives its weight `gain` and its time `claim`, all of them tabulated once. */

typedef struct {
    const real *rest;                 /* [STATES] at the end if nothing arrives */
    const real *reach, *gain, *claim; /* [ports][steps + 1][STATES] */
} end_tables;

static end_tables tables_of(const saltus_clock *net)
{
    const int64_t size = net->ports * (int64_t)(net->steps + 1) * STATES;
    const real *base = net->tables + STATES;
    return (end_tables){net->tables, base, base + size, base + 2 * size};
}

int64_t saltus_clock_tables(const saltus_clock *net)
{
    return STATES + 3 * net->ports * (int64_t)(net->steps + 1) * STATES;
}

/* For each row, the sum of a table over its arrivals; matters: which states it is wanted for. */
static void sum_up(const run *r, const real *table, const int *matters, real *sums)
{
    const saltus_clock *net = r->net;
    int32_t wanted[STATES], count = 0;
    for (int s = 0; s < STATES; s++)
        if (matters[s]) wanted[count++] = s;
    const int64_t start = r->in->start[r->sample];
    const int32_t *channel = r->in->channel + start, *step = r->in->step + start;
    for (int32_t k = 0; net->plain && k < count; k++) /* row s is of channel s */
        for (int32_t e = 0; e < r->in->count[r->sample]; e++)
            sums[channel[e] * STATES + wanted[k]] += table[(net->steps - step[e]) * STATES + wanted[k]];
    for (int32_t c = 0; !net->plain && c < net->classes; c++) {
        const int64_t *first = net->row_start + c * (int64_t)(sources_of(net) + 1);
        for (int32_t e = 0; e < r->in->count[r->sample]; e++) {
            const int32_t left = net->steps - net->delay[c] - step[e];
            for (int64_t i = first[channel[e]]; left >= 0 && i < first[channel[e] + 1]; i++)
                for (int32_t k = 0; k < count; k++)
                    sums[i * STATES + wanted[k]] += table[(net->row[i].port * (int64_t)(net->steps + 1) + left) * STATES + wanted[k]];
        }
    }
}

static void forward_to_end(const run *r)
{
    const saltus_clock *net = r->net;
    workspace *w = r->w;
    const end_tables t = tables_of(net);
    const int64_t rows = net->row_start[net->classes * (int64_t)(sources_of(net) + 1) - 1];
    memset(w->sums, 0, sizeof(real) * (size_t)(rows * STATES));
    int all[STATES];
    for (int s = 0; s < STATES; s++) all[s] = 1;
    sum_up(r, t.reach, all, w->sums);
    for (int s = 0; s < STATES; s++) {
        real *x = w->now + s * (int64_t)net->lanes;
        for (int32_t n = 0; n < net->lanes; n++) x[n] = t.rest[s];
        for (int64_t i = 0; i < rows; i++) {
            const saltus_clock_row *row = net->row + i;
            const real sum = w->sums[i * STATES + s], *weight = net->weight + row->at;
            if (row->target < 0)
                for (int32_t n = 0; n < net->lanes; n++) x[n] += sum * weight[n];
            else
                for (int32_t k = 0; k < row->count; k++) x[net->targets[row->target + k]] += sum * weight[k];
        }
    }
    r->out->count[r->sample] = 0;
    memset(r->out->first + r->sample * (int64_t)(net->steps + 2), 0, sizeof(int32_t) * (size_t)(net->steps + 2));
    snapshot(r, w->now, r->out->final + r->sample * (int64_t)net->neurons * STATES);
}

/* The adjoints at the end are in the workspace. */
static void backward_from_end(const run *r, real *weights, double *event_time)
{
    const saltus_clock *net = r->net;
    workspace *w = r->w;
    const end_tables t = tables_of(net);
    const int64_t rows = net->row_start[net->classes * (int64_t)(sources_of(net) + 1) - 1], start = r->in->start[r->sample];
    const int32_t *channel = r->in->channel + start, *step = r->in->step + start;
    int matters[STATES] = {0};
    for (int s = 0; s < STATES; s++)
        for (int32_t n = 0; n < net->lanes; n++) matters[s] |= w->y[s * (int64_t)net->lanes + n] != 0;
    if (weights != NULL) {
        memset(w->sums, 0, sizeof(real) * (size_t)(rows * STATES));
        sum_up(r, t.gain, matters, w->sums);
        for (int64_t i = 0; i < rows; i++) {
            const saltus_clock_row *row = net->row + i;
            for (int s = 0; s < STATES; s++) {
                const real sum = w->sums[i * STATES + s], *y = w->y + s * (int64_t)net->lanes;
                if (!matters[s]) continue;
                real *to = weights + row->at;
                if (row->target < 0)
                    for (int32_t n = 0; n < net->lanes; n++) to[n] += sum * y[n];
                else
                    for (int32_t k = 0; k < row->count; k++) to[k] += sum * y[net->targets[row->target + k]];
            }
        }
    }
    if (event_time == NULL) return;
    for (int64_t i = 0; i < rows; i++)
        for (int s = 0; s < STATES; s++)
            w->sums[i * STATES + s] = !matters[s] ? 0 : (real)row_credit(r, net->row + i, w->y + s * (int64_t)net->lanes);
    for (int s = 0; net->plain && s < STATES; s++)
        for (int32_t e = 0; matters[s] && e < r->in->count[r->sample]; e++)
            event_time[e] += w->sums[channel[e] * STATES + s] * t.claim[(net->steps - step[e]) * STATES + s];
    for (int32_t c = 0; !net->plain && c < net->classes; c++) {
        const int64_t *first = net->row_start + c * (int64_t)(sources_of(net) + 1);
        for (int32_t e = 0; e < r->in->count[r->sample]; e++) {
            const int32_t left = net->steps - net->delay[c] - step[e];
            for (int64_t i = first[channel[e]]; left >= 0 && i < first[channel[e] + 1]; i++)
                for (int s = 0; s < STATES; s++)
                    if (matters[s])
                        event_time[e] += w->sums[i * STATES + s] * t.claim[(net->row[i].port * (int64_t)(net->steps + 1) + left) * STATES + s];
        }
    }
}

/* One sample backward, after its forward run; fresh: the first of its chunk, with which the sums of weights begin. */
static void backward(const run *r, int32_t chunk, int fresh)
{
    const saltus_clock *net = r->net;
    const saltus_clock_gradient *gradient = r->gradient;
    const int64_t spikes = r->sample * r->out->capacity, b = r->sample;
    workspace *w = r->w;
    real *weights = gradient->weights == NULL ? NULL : gradient->weights + chunk * net->weights;
    real *delays = gradient->delays == NULL ? NULL : gradient->delays + chunk * net->weights;
    double *parameters = gradient->parameters == NULL ? NULL : gradient->parameters + chunk * net->parameters;
    double *event_time = gradient->event_time == NULL ? NULL : gradient->event_time + r->in->start[b];
    if (w->path != NULL) memset(w->moments, 0, sizeof(real) * (size_t)net->moments);
    memset(w->y, 0, sizeof(real) * (size_t)net->lanes * STATES);
    for (int32_t k = 0; k < r->out->count[b]; k++) w->owed[k] = r->cotangent->time == NULL ? 0.0 : r->cotangent->time[spikes + k];
    for (int32_t e = 0; event_time != NULL && e < r->in->count[b]; e++) event_time[e] = 0.0;
    kick(r, r->cotangent->final == NULL ? NULL : r->cotangent->final + b * net->neurons * STATES);
    if (net->at_end && parameters == NULL && delays == NULL) {
        if (fresh && weights != NULL) memset(weights, 0, sizeof(real) * (size_t)net->weights);
        backward_from_end(r, weights, event_time);
        return;
    }
    const int kept = !net->plain || delays != NULL || event_time != NULL;
    int32_t sample = net->samples - 1;
    for (int32_t high = net->steps + 1, low; high > 0; high = low) {
        low = high > net->block ? high - net->block : 0;
        for (int32_t j = high - 1; j >= low; j--) {
            real *credit = kept ? w->credit + (delays == NULL ? 0 : (j - low) * (int64_t)net->port_lanes) : NULL;
            step_back(r, j, w->weight + (j - low) * (int64_t)net->port_lanes, credit);
            if (kept) give_credits(r, j, credit, event_time);
            for (; sample >= 0 && net->sample_step[sample] == j; sample--)
                kick(r, r->cotangent->sampled == NULL ? NULL : r->cotangent->sampled + (b * net->samples + sample) * net->neurons * STATES);
            undo_spikes(r, j, parameters);
        }
        if (weights != NULL || delays != NULL) gather(r, low, high, weights, delays, fresh && high == net->steps + 1);
    }
    finish(r, parameters, gradient->moments == NULL ? NULL : gradient->moments + chunk * net->moments);
}

/* ======== the calls */

int32_t saltus_clock_values(int32_t model)
{
    return MODELS[model].values;
}

int32_t saltus_clock_moments(int32_t model)
{
    return MODELS[model].moments;
}

int32_t saltus_clock_prepare(const saltus_clock *net)
{
    for (int32_t k = 0; k < net->populations; k++) MODELS[net->population[k].model].prepare(net->population + k, net->dt);
    const end_tables t = tables_of(net);
    const saltus_clock_population *P = net->population;
    if (net->at_end)
        MODELS[P->model].tabulate(P->parameters, P->stride, net->dt, net->steps, (real *)t.rest, (real *)t.reach, (real *)t.gain, (real *)t.claim);
    for (int32_t n = 0; n < net->neurons; n++) {
        const cell c = cell_of(net, n);
        if (c.model->starts_above != NULL && c.model->starts_above(c.p, c.stride)) return n;
    }
    return -1;
}

void saltus_clock_bin(int32_t batch, int32_t steps, double dt, const int64_t *start, const int32_t *count,
                      const double *time, int32_t *step, int32_t *first)
{
    const double per_dt = 1.0 / dt, grain = 1e-6; /* of a step: what rounding does to a multiple of dt */
    for (int32_t b = 0; b < batch; b++) {
        int32_t *mine = first + b * (int64_t)(steps + 2), *at = step + start[b], reached = 0;
        const double *when = time + start[b];
        for (int32_t e = 0; e < count[b]; e++) {
            const double exact = ceil(when[e] * per_dt - grain);
            at[e] = exact > steps ? steps : (int32_t)exact;
            for (; reached <= at[e]; reached++) mine[reached] = e;
        }
        for (; reached <= steps + 1; reached++) mine[reached] = count[b];
    }
}

/* Sets the sums of a chunk to zero; those of weights and delays begin with the chunk's first sample. */
static void clear(const saltus_clock *net, const saltus_clock_gradient *gradient, int32_t chunk)
{
    const size_t parameters = sizeof(double) * (size_t)net->parameters, moments = sizeof(double) * (size_t)net->moments;
    if (gradient->parameters != NULL) memset(gradient->parameters + chunk * net->parameters, 0, parameters);
    if (gradient->moments != NULL) memset(gradient->moments + chunk * net->moments, 0, moments);
}

/* One sample; fresh: the first of its chunk. */
static int run_sample(run r, workspace *w, int32_t chunk, int32_t sample, int fresh, saltus_status *status)
{
    r.w = w, r.status = status, r.sample = sample;
    if (r.gradient == NULL && r.net->at_end) return forward_to_end(&r), DONE;
    if ((r.gradient == NULL || w->path != NULL) && forward(&r, w->path)) return status->code;
    if (r.gradient != NULL) backward(&r, chunk, fresh);
    return DONE;
}

/* Every sample of the chunks [first, last), chunk by chunk; the first failure (by sample) is kept. */
static int32_t run_chunks(run job, int32_t first, int32_t last, int32_t threads, char *place, int64_t bytes, int64_t events,
                          saltus_status *status)
{
    const saltus_clock *net = job.net;
    *status = (saltus_status){DONE, net->batch, -1, 0.0, 0};
    {
        workspace w;
        const int64_t needed = lay_out(&w, net, job.out->capacity, events, job.gradient, NULL);
        if (needed > bytes) return fail(status, WORKSPACE, 0, -1, 0.0, needed);
    }
    (void)threads;
#ifdef _OPENMP
#pragma omp parallel for schedule(dynamic) num_threads(threads)
#endif
    for (int32_t chunk = first; chunk < last; chunk++) {
#ifdef _OPENMP
        char *mine = place + omp_get_thread_num() * bytes;
#else
        char *mine = place;
#endif
        workspace w;
        lay_out(&w, net, job.out->capacity, events, job.gradient, mine);
        if (job.gradient != NULL) clear(net, job.gradient, chunk);
        const int32_t from = (int32_t)((int64_t)chunk * net->batch / net->chunks);
        const int32_t to = (int32_t)((int64_t)(chunk + 1) * net->batch / net->chunks);
        for (int32_t sample = from; sample < to; sample++) {
            saltus_status mine_status = {DONE, 0, 0, 0.0, 0};
            if (run_sample(job, &w, chunk, sample, sample == from, &mine_status) == DONE) continue;
#ifdef _OPENMP
#pragma omp critical
#endif
            if (sample < status->sample) *status = mine_status;
            break;
        }
    }
    return status->code;
}

int32_t saltus_clock_forward(const saltus_clock *net, const saltus_clock_input *in, saltus_clock_output *out,
                             int32_t first, int32_t last, int32_t threads, char *place, int64_t bytes, int64_t events,
                             saltus_status *status)
{
    const run job = {.net = net, .in = in, .out = out};
    return run_chunks(job, first, last, threads, place, bytes, events, status);
}

int32_t saltus_clock_backward(const saltus_clock *net, const saltus_clock_input *in, saltus_clock_output *out,
                              const saltus_clock_cotangent *cotangent, const saltus_clock_gradient *gradient,
                              int32_t first, int32_t last, int32_t threads, char *place, int64_t bytes, int64_t events,
                              saltus_status *status)
{
    const run job = {.net = net, .in = in, .out = out, .cotangent = cotangent, .gradient = gradient};
    return run_chunks(job, first, last, threads, place, bytes, events, status);
}

/* As `reduce`, a piece after the other, so that each chunk is read from far away once. */
static void reduce_weights(real *base, int32_t chunks, int64_t size)
{
    enum { PIECE = 1024 };
    for (int64_t first = 0; base != NULL && first < size; first += PIECE) {
        const int64_t last = first + PIECE < size ? first + PIECE : size;
        for (int32_t step = 1; step < chunks; step *= 2)
            for (int32_t chunk = 0; chunk + step < chunks; chunk += 2 * step) {
                real *restrict into = base + chunk * size;
                const real *restrict from = base + (chunk + step) * size;
                for (int64_t i = first; i < last; i++) into[i] += from[i];
            }
    }
}

void saltus_clock_reduce(const saltus_clock *net, const saltus_clock_gradient *gradient)
{
    reduce_weights(gradient->weights, net->chunks, net->weights);
    reduce_weights(gradient->delays, net->chunks, net->weights);
    reduce(gradient->parameters, net->chunks, net->parameters);
    reduce(gradient->moments, net->chunks, net->moments);
    for (int32_t n = 0; gradient->parameters != NULL && gradient->moments != NULL && n < net->neurons; n++) {
        const cell c = cell_of(net, n);
        c.model->flow_gradient(c.p, c.stride, net->dt, gradient->moments + c.population->first_moment + (n - c.population->first),
                               c.population->lanes, gradient->parameters + c.gradient);
    }
}

int32_t saltus_abi(void)
{
    return ABI;
}
