/* Made by `saltus emit` from alpha.toml (clock; ir.json cac2cd619f9e). Do not edit: change the spec or the templates and run it again.
 *
 * The clock engine: populations of alpha on a grid of steps dt. Within a step the flow is exact;
 * arrivals, resets and their adjoint jumps act at grid points; a spike is recorded at the end of the step in which its
 * guard crosses zero, with its time and its states at the crossing.
 */
#define _GNU_SOURCE /* sched.h */
#include "clock.h"

#include "exponentials.h"

#ifdef _OPENMP
#include <omp.h>
#ifdef __linux__
#include <sched.h>
#endif

/* Where the calling thread runs; negative: not known, or nobody helps. */
static int here(int threads)
{
#ifdef __linux__
    if (threads > 1) return sched_getcpu();
#endif
    (void)threads;
    return -1;
}

/* The threads that help stay off the processor of the one that calls them. On a virtual machine, Linux takes a processor that is halted
 * for one that the host has taken away, and a thread that wakes may have to wait on its caller's, for milliseconds. */
static void make_way(int caller)
{
#ifdef __linux__
    cpu_set_t may, others;
    if (omp_get_thread_num() == 0 || caller < 0 || sched_getcpu() != caller) return;
    if (sched_getaffinity(0, sizeof may, &may) != 0) return;
    others = may;
    CPU_CLR(caller, &others);
    if (sched_setaffinity(0, sizeof others, &others) == 0) sched_setaffinity(0, sizeof may, &may); /* or it may run nowhere else */
#else
    (void)caller;
#endif
}
#endif

enum { STATES = 3, TANGENTS = 4, WIDE = 4, ABI = 3 };
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

enum { HELD = 4 }; /* vectors of each state that are kept in registers through many steps, at most */

/* Keeps this address, and counts what is near from it: GCC would keep an address for each place. */
#define ANCHOR(pointer) __asm__("" : "+r"(pointer))

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

/* Bits of vectors, put together in mask registers where there are some: that takes no others from the loop that makes them. */
#ifdef __AVX512BW__
typedef __mmask16 lane_bits;
#else
typedef uint64_t lane_bits;
#endif

/* Of 64 lanes. */
SALTUS_INLINE uint64_t packed(const lane_bits *each)
{
#ifdef __AVX512BW__
    __mmask16 word[4];
    for (int i = 0; i < 4; i++) word[i] = sizeof(real) == 4 ? each[i] : _mm512_kunpackb((__mmask8)each[(2 * i + 1) % (64 / LANES)], (__mmask8)each[2 * i % (64 / LANES)]);
    return _cvtmask64_u64(_mm512_kunpackd(_mm512_kunpackw(word[3], word[2]), _mm512_kunpackw(word[1], word[0])));
#else
    uint64_t bits = 0;
    for (int i = 0; i < 64 / LANES; i++) bits |= each[i] << i * LANES;
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
    real *before, *state; /* [STATES] at the start of its step; at the end, and then at the crossing */
    real *tangent;        /* [TANGENTS] at the end; then how the crossing's time moves with each parameter; NULL: not carried */
    int64_t capacity;
    int32_t count;
} spike_log;

/* Spikes that arrive in one step of a plain group: spike k is of row[k] of these weights, and is owed what its arrival is worth. */
typedef struct {
    const real *weight;
    const int32_t *row;
    int32_t count;
    double *owed;
} senders;

enum { OWN, HEARD, KINDS }; /* spikes of its neurons, and incoming ones */

enum { STAY, GO, LOOK }; /* arrivals alone, with one step, and with a look at who ends at or above threshold */

/* What a plain group hears in a sample, and where it writes the first spike of each step. own_weight: NULL if neurons have no rows;
 * hits: room for them. */
typedef struct {
    const real *weight, *own_weight;
    const int32_t *channel, *first;
    int32_t *sent, steps;
    uint64_t *hits;
} heard_events;

/* Some lines of each row that will be read in the next step: not all rows are near, and one does not know yet which neurons spike
 * before. To ask for all lines takes longer than it saves. */
SALTUS_INLINE void fetch_rows(const real *weight, int64_t lanes, const int32_t *row, int32_t count)
{
    for (int32_t k = 0; k < count; k++)
        for (int64_t n = 0; n < lanes; n += 4 * LANES) __builtin_prefetch(weight + row[k] * lanes + n);
}

/* All spikes of one kind in a sample, and the first one of each step; weight: NULL if nothing is owed to any. */
typedef struct {
    const real *weight;
    const int32_t *row;
    double *owed;
    const int32_t *first;
} all_senders;

SALTUS_INLINE senders in_step(const all_senders *all, int32_t j)
{
    const int32_t k = all->first[j];
    return (senders){all->weight, all->row + k, all->weight == NULL ? 0 : all->first[j + 1] - k, all->owed + k};
}

/* Both kinds, and the states of the own ones at their crossings. */
typedef struct {
    all_senders kind[KINDS];
    const real *state;
} sent_spikes;

/* The states at the start of each step, and where their products with adjoints are added up; path: NULL if not wanted. */
typedef struct {
    const real *path;
    real *moments;
    int64_t apart; /* from one step to the next */
} kept_path;

/* What a unit weight that arrives at a receptor in one step gives: LANES lanes to each column; and its credit (NULL: nowhere). */
typedef struct {
    real *weight, *credit;
    int64_t column; /* from one to the next */
} receipts;

/* What arrives at a receptor in one step: dense rows by number; those of neurons of a plain group that spiked; and what sparse
 * rows came to (NULL: none). */
typedef struct {
    const real *weight, *own_weight;
    const int32_t *row, *own;
    int32_t count, owns;
    const real *scattered;
} deliveries;

/* ======== alpha: Leaky integrate-and-fire neuron with an alpha synapse: two current states in a row
 * (Wunderlich & Pehle (2021), Table 1 with another synapse) */

/* ---- constants */

SALTUS_INLINE void alpha_constants(const double tau_mem, const double tau_syn, double *restrict per_tau_mem,
    double *restrict per_tau_syn)
{
    *per_tau_mem = 1.0 / tau_mem; /* constants */
    *per_tau_syn = 1.0 / tau_syn; /* constants */
}

/* ---- the flow between events */

SALTUS_INLINE void alpha_propagator(const double dt, const double per_tau_mem, const double per_tau_syn,
    double *restrict Phi_V_V, double *restrict Phi_V_I, double *restrict Phi_V_J, double *restrict Phi_I_I,
    double *restrict Phi_I_J, double *restrict Psi_I_V, double *restrict Psi_J_V)
{
    const double response_V_I = saltus_exp_dd2(-dt * per_tau_mem, -dt * per_tau_syn); /* flow.propagator */
    const double response_V_I_I = saltus_exp_dd21(-dt * per_tau_syn, -dt * per_tau_mem); /* flow.propagator */
    *Phi_V_V = saltus_exp(-dt * per_tau_mem); /* flow.propagator */
    *Phi_V_I = dt * response_V_I * per_tau_mem; /* flow.propagator */
    *Phi_V_J = dt * dt * response_V_I_I * per_tau_mem * per_tau_syn; /* flow.propagator */
    *Phi_I_I = saltus_exp(-dt * per_tau_syn); /* flow.propagator */
    *Phi_I_J = dt * saltus_exp_dd2(-dt * per_tau_syn, -dt * per_tau_syn) * per_tau_syn; /* flow.propagator */
    *Psi_I_V = dt * response_V_I * per_tau_syn; /* flow.propagator */
    *Psi_J_V = dt * dt * response_V_I_I * per_tau_syn * per_tau_syn; /* flow.propagator */
}

SALTUS_INLINE void alpha_advance(const double V, const double I, const double J, const double Phi_V_V,
    const double Phi_V_I, const double Phi_V_J, const double Phi_I_I, const double Phi_I_J,
    double *restrict V_next, double *restrict I_next, double *restrict J_next)
{
    *V_next = Phi_V_V * V + Phi_V_I * I + Phi_V_J * J; /* flow.V */
    *I_next = Phi_I_I * I + Phi_I_J * J; /* flow.I */
    *J_next = Phi_I_I * J; /* flow.J */
}

SALTUS_INLINE void alpha_adjoint(const double lambda_V, const double lambda_I, const double lambda_J,
    const double Phi_V_V, const double Phi_I_I, const double Phi_I_J, const double Psi_I_V,
    const double Psi_J_V, double *restrict lambda_V_next, double *restrict lambda_I_next,
    double *restrict lambda_J_next)
{
    *lambda_V_next = Phi_V_V * lambda_V; /* flow.adjoint.V */
    *lambda_I_next = Psi_I_V * lambda_V + Phi_I_I * lambda_I; /* flow.adjoint.I */
    *lambda_J_next = Psi_J_V * lambda_V + Phi_I_J * lambda_I + Phi_I_I * lambda_J; /* flow.adjoint.J */
}

SALTUS_INLINE void alpha_flow_sensitivity(const double dt, const double tau_mem, const double tau_syn,
    const double per_tau_mem, const double per_tau_syn, double *restrict Phi_V_V_tau_mem,
    double *restrict Phi_V_I_tau_mem, double *restrict Phi_V_J_tau_mem, double *restrict Phi_V_I_tau_syn,
    double *restrict Phi_V_J_tau_syn, double *restrict Phi_I_I_tau_syn, double *restrict Phi_I_J_tau_syn,
    double *restrict Phi_J_J_tau_syn)
{
    const double decay_V = saltus_exp(-dt * per_tau_mem); /* flow.propagator */
    const double decay_I = saltus_exp(-dt * per_tau_syn); /* flow.propagator */
    const double response_V_I = saltus_exp_dd2(-dt * per_tau_mem, -dt * per_tau_syn); /* flow.propagator */
    const double response_I_I = saltus_exp_dd2(-dt * per_tau_syn, -dt * per_tau_syn); /* flow.propagator */
    const double response_V_V_I = saltus_exp_dd21(-dt * per_tau_mem, -dt * per_tau_syn); /* flow.propagator */
    const double response_V_I_I = saltus_exp_dd21(-dt * per_tau_syn, -dt * per_tau_mem); /* flow.propagator */
    const double response_I_I_I = saltus_exp_dd3(-dt * per_tau_syn, -dt * per_tau_syn, -dt * per_tau_syn);
        /* flow.propagator */
    const double response_V_V_I_I = saltus_exp_dd4(-dt * per_tau_mem, -dt * per_tau_mem, -dt * per_tau_syn,
        -dt * per_tau_syn); /* flow.propagator */
    const double response_V_I_I_I = saltus_exp_dd4(-dt * per_tau_mem, -dt * per_tau_syn, -dt * per_tau_syn,
        -dt * per_tau_syn); /* flow.propagator */
    *Phi_V_V_tau_mem = dt * decay_V * per_tau_mem * per_tau_mem; /* flow.derivative */
    *Phi_V_I_tau_mem = dt * (dt * response_V_V_I - tau_mem * response_V_I) * per_tau_mem * per_tau_mem *
        per_tau_mem; /* flow.derivative */
    *Phi_V_J_tau_mem = dt * dt * (dt * response_V_V_I_I - tau_mem * response_V_I_I) * per_tau_mem *
        per_tau_mem * per_tau_mem * per_tau_syn; /* flow.derivative */
    *Phi_V_I_tau_syn = dt * dt * response_V_I_I * per_tau_mem * per_tau_syn * per_tau_syn;
        /* flow.derivative */
    *Phi_V_J_tau_syn = dt * dt * (2.0 * dt * response_V_I_I_I - tau_syn * response_V_I_I) * per_tau_mem *
        per_tau_syn * per_tau_syn * per_tau_syn; /* flow.derivative */
    *Phi_I_I_tau_syn = dt * decay_I * per_tau_syn * per_tau_syn; /* flow.derivative */
    *Phi_I_J_tau_syn = dt * (2.0 * dt * response_I_I_I - tau_syn * response_I_I) * per_tau_syn * per_tau_syn *
        per_tau_syn; /* flow.derivative */
    *Phi_J_J_tau_syn = dt * decay_I * per_tau_syn * per_tau_syn; /* flow.derivative */
}

SALTUS_INLINE void alpha_flow_parameters(const double V, const double I, const double J,
    const double lambda_V, const double lambda_I, const double lambda_J, const double Phi_V_V_tau_mem,
    const double Phi_V_I_tau_mem, const double Phi_V_J_tau_mem, const double Phi_V_I_tau_syn,
    const double Phi_V_J_tau_syn, const double Phi_I_I_tau_syn, const double Phi_I_J_tau_syn,
    const double Phi_J_J_tau_syn, const double tau_mem, const double tau_syn, double *restrict grad_tau_mem,
    double *restrict grad_tau_syn)
{
    const double costate_V = -tau_mem * lambda_V; /* costate */
    const double costate_I = -tau_syn * lambda_I; /* costate */
    const double costate_J = -tau_syn * lambda_J; /* costate */
    *grad_tau_mem = costate_V * (Phi_V_V_tau_mem * V + Phi_V_I_tau_mem * I + Phi_V_J_tau_mem * J);
        /* gradient.flow.tau_mem */
    *grad_tau_syn = I * (Phi_V_I_tau_syn * costate_V + Phi_I_I_tau_syn * costate_I) + J * (Phi_V_J_tau_syn *
        costate_V + Phi_I_J_tau_syn * costate_I + Phi_J_J_tau_syn * costate_J); /* gradient.flow.tau_syn */
}

/* ---- the ends */

SALTUS_INLINE void alpha_terminal(const double final_V, const double final_I, const double final_J,
    const double per_tau_mem, const double per_tau_syn, double *restrict lambda_V_next,
    double *restrict lambda_I_next, double *restrict lambda_J_next)
{
    *lambda_V_next = -final_V * per_tau_mem; /* adjoint.terminal */
    *lambda_I_next = -final_I * per_tau_syn; /* adjoint.terminal */
    *lambda_J_next = -final_J * per_tau_syn; /* adjoint.terminal */
}

SALTUS_INLINE void alpha_initial_gradient(const double lambda_V, const double lambda_I, const double lambda_J,
    const double tau_mem, const double tau_syn, double *restrict grad_V0, double *restrict grad_I0,
    double *restrict grad_J0)
{
    *grad_V0 = -tau_mem * lambda_V; /* gradient.initial */
    *grad_I0 = -tau_syn * lambda_I; /* gradient.initial */
    *grad_J0 = -tau_syn * lambda_J; /* gradient.initial */
}

/* ---- the adjoints as dL/dx */

SALTUS_INLINE void alpha_costate(const double lambda_V, const double lambda_I, const double lambda_J,
    const double tau_mem, const double tau_syn, double *restrict costate_V, double *restrict costate_I,
    double *restrict costate_J)
{
    *costate_V = -tau_mem * lambda_V; /* costate */
    *costate_I = -tau_syn * lambda_I; /* costate */
    *costate_J = -tau_syn * lambda_J; /* costate */
}

/* ---- emission: spike */

SALTUS_INLINE void alpha_ladder_0(const double V, const double theta, double *restrict u_0)
{
    *u_0 = V - theta; /* guard.ladder.0 */
}

SALTUS_INLINE void alpha_ladder_0_rate(double *restrict u_0_rate)
{
    *u_0_rate = 0.0; /* guard.ladder.0 */
}

SALTUS_INLINE void alpha_ladder_1(const double V, const double I, const double per_tau_mem,
    double *restrict u_1)
{
    *u_1 = (I - V) * per_tau_mem; /* guard.ladder.1 */
}

SALTUS_INLINE void alpha_ladder_1_rate(const double per_tau_mem, double *restrict u_1_rate)
{
    *u_1_rate = per_tau_mem; /* guard.ladder.1 */
}

SALTUS_INLINE void alpha_ladder_2(const double I, const double J, const double per_tau_mem,
    const double per_tau_syn, double *restrict u_2)
{
    *u_2 = (J - I) * per_tau_mem * per_tau_syn; /* guard.ladder.2 */
}

SALTUS_INLINE void alpha_ladder_2_rate(const double per_tau_syn, double *restrict u_2_rate)
{
    *u_2_rate = per_tau_syn; /* guard.ladder.2 */
}

SALTUS_INLINE void alpha_ladder_3(const double J, const double per_tau_mem, const double per_tau_syn,
    double *restrict u_3)
{
    *u_3 = -J * per_tau_mem * per_tau_syn * per_tau_syn; /* guard.ladder.3 */
}

SALTUS_INLINE void alpha_ladder_3_rate(const double per_tau_syn, double *restrict u_3_rate)
{
    *u_3_rate = per_tau_syn; /* guard.ladder.3 */
}

SALTUS_INLINE void alpha_guard(const double V, const double theta, double *restrict guard)
{
    *guard = V - theta; /* transition.condition */
}

SALTUS_INLINE void alpha_guard_slope(const double V, const double I, const double per_tau_mem,
    double *restrict guard_slope)
{
    *guard_slope = (I - V) * per_tau_mem; /* transition.slope */
}

SALTUS_INLINE void alpha_reset(const double I, const double J, const double v_reset, double *restrict V_next,
    double *restrict I_next, double *restrict J_next)
{
    *V_next = v_reset; /* reset.V */
    *I_next = I; /* reset.I */
    *J_next = J; /* reset.J */
}

SALTUS_INLINE void alpha_emission_adjoint(const double V, const double I, const double lambda_V,
    const double lambda_I, const double lambda_J, const double external, const double v_reset,
    double *restrict sensitivity, double *restrict lambda_V_next, double *restrict lambda_I_next,
    double *restrict lambda_J_next)
{
    *sensitivity = external + lambda_V * (I - v_reset); /* jump.sensitivity */
    *lambda_V_next = (*sensitivity) / (I - V); /* jump.emission */
    *lambda_I_next = lambda_I; /* jump.emission.I */
    *lambda_J_next = lambda_J; /* jump.emission.J */
}

SALTUS_INLINE void alpha_emission_parameters(const double V, const double I, const double lambda_V,
    const double sensitivity, const double tau_mem, double *restrict grad_theta,
    double *restrict grad_v_reset)
{
    *grad_theta = tau_mem * sensitivity / (I - V); /* gradient.jump.theta */
    *grad_v_reset = -tau_mem * lambda_V; /* gradient.jump.v_reset */
}

/* ---- arrival: exc */

SALTUS_INLINE void alpha_exc_jump(const double V, const double I, const double J, const double w,
    double *restrict V_next, double *restrict I_next, double *restrict J_next)
{
    *V_next = V; /* receive.V */
    *I_next = I; /* receive.I */
    *J_next = J + w; /* receive.J */
}

SALTUS_INLINE void alpha_exc_adjoint(const double lambda_V, const double lambda_I, const double lambda_J,
    double *restrict lambda_V_next, double *restrict lambda_I_next, double *restrict lambda_J_next)
{
    *lambda_V_next = lambda_V; /* jump.arrival.V */
    *lambda_I_next = lambda_I; /* jump.arrival.I */
    *lambda_J_next = lambda_J; /* jump.arrival.J */
}

SALTUS_INLINE void alpha_exc_credit(const double lambda_I, const double lambda_J, double *restrict credit)
{
    *credit = lambda_I - lambda_J; /* arrival.credit */
}

SALTUS_INLINE void alpha_exc_weight(const double lambda_J, const double tau_syn, double *restrict grad_w)
{
    *grad_w = -tau_syn * lambda_J; /* gradient.weight */
}

/* ---- the derivatives by a neuron's own parameters */

SALTUS_INLINE void alpha_scale(const double per_tau_mem, const double per_tau_syn,
    double *restrict scale_tau_mem, double *restrict scale_tau_syn)
{
    *scale_tau_mem = per_tau_mem * per_tau_mem; /* tangent */
    *scale_tau_syn = per_tau_syn * per_tau_syn; /* tangent */
}

SALTUS_INLINE void alpha_sensitivity(const double dt, const double tau_mem, const double tau_syn,
    const double per_tau_mem, const double per_tau_syn, double *restrict Phi_V_V_tau_mem,
    double *restrict Phi_V_I_tau_mem, double *restrict Phi_V_J_tau_mem, double *restrict Phi_V_I_tau_syn,
    double *restrict Phi_V_J_tau_syn, double *restrict Phi_I_I_tau_syn, double *restrict Phi_I_J_tau_syn,
    double *restrict Phi_J_J_tau_syn)
{
    const double decay_V = saltus_exp(-dt * per_tau_mem); /* flow.propagator */
    const double decay_I = saltus_exp(-dt * per_tau_syn); /* flow.propagator */
    const double response_V_I = saltus_exp_dd2(-dt * per_tau_mem, -dt * per_tau_syn); /* flow.propagator */
    const double response_I_I = saltus_exp_dd2(-dt * per_tau_syn, -dt * per_tau_syn); /* flow.propagator */
    const double response_V_V_I = saltus_exp_dd21(-dt * per_tau_mem, -dt * per_tau_syn); /* flow.propagator */
    const double response_V_I_I = saltus_exp_dd21(-dt * per_tau_syn, -dt * per_tau_mem); /* flow.propagator */
    const double response_I_I_I = saltus_exp_dd3(-dt * per_tau_syn, -dt * per_tau_syn, -dt * per_tau_syn);
        /* flow.propagator */
    const double response_V_V_I_I = saltus_exp_dd4(-dt * per_tau_mem, -dt * per_tau_mem, -dt * per_tau_syn,
        -dt * per_tau_syn); /* flow.propagator */
    const double response_V_I_I_I = saltus_exp_dd4(-dt * per_tau_mem, -dt * per_tau_syn, -dt * per_tau_syn,
        -dt * per_tau_syn); /* flow.propagator */
    *Phi_V_V_tau_mem = dt * decay_V; /* flow.derivative */
    *Phi_V_I_tau_mem = dt * (dt * response_V_V_I - tau_mem * response_V_I) * per_tau_mem;
        /* flow.derivative */
    *Phi_V_J_tau_mem = dt * dt * (dt * response_V_V_I_I - tau_mem * response_V_I_I) * per_tau_mem *
        per_tau_syn; /* flow.derivative */
    *Phi_V_I_tau_syn = dt * dt * response_V_I_I * per_tau_mem; /* flow.derivative */
    *Phi_V_J_tau_syn = dt * dt * (2.0 * dt * response_V_I_I_I - tau_syn * response_V_I_I) * per_tau_mem *
        per_tau_syn; /* flow.derivative */
    *Phi_I_I_tau_syn = dt * decay_I; /* flow.derivative */
    *Phi_I_J_tau_syn = dt * (2.0 * dt * response_I_I_I - tau_syn * response_I_I) * per_tau_syn;
        /* flow.derivative */
    *Phi_J_J_tau_syn = dt * decay_I; /* flow.derivative */
}

SALTUS_INLINE void alpha_tangents(const double Phi_V_V, const double V__tau_mem, const double Phi_V_V_tau_mem,
    const double V, const double Phi_V_I_tau_mem, const double I, const double Phi_V_J_tau_mem,
    const double J, const double V__tau_syn, const double Phi_V_I, const double I__tau_syn,
    const double Phi_V_J, const double J__tau_syn, const double Phi_V_I_tau_syn, const double Phi_V_J_tau_syn,
    const double Phi_I_I, const double Phi_I_J, const double Phi_I_I_tau_syn, const double Phi_I_J_tau_syn,
    const double Phi_J_J_tau_syn, double *restrict V__tau_mem_next, double *restrict V__tau_syn_next,
    double *restrict I__tau_syn_next, double *restrict J__tau_syn_next)
{
    *V__tau_mem_next = Phi_V_V * V__tau_mem + Phi_V_V_tau_mem * V + Phi_V_I_tau_mem * I + Phi_V_J_tau_mem * J;
        /* tangent */
    *V__tau_syn_next = Phi_V_V * V__tau_syn + Phi_V_I * I__tau_syn + Phi_V_J * J__tau_syn + I *
        Phi_V_I_tau_syn + J * Phi_V_J_tau_syn; /* tangent */
    *I__tau_syn_next = Phi_I_I * I__tau_syn + Phi_I_J * J__tau_syn + I * Phi_I_I_tau_syn + J *
        Phi_I_J_tau_syn; /* tangent */
    *J__tau_syn_next = Phi_I_I * J__tau_syn + J * Phi_J_J_tau_syn; /* tangent */
}

SALTUS_INLINE void alpha_moved(const double V__tau_mem, const double guard_slope, const double V__tau_syn,
    double *restrict moved_tau_mem, double *restrict moved_tau_syn)
{
    *moved_tau_mem = -V__tau_mem / guard_slope; /* tangent */
    *moved_tau_syn = -V__tau_syn / guard_slope; /* tangent */
}

SALTUS_INLINE void alpha_reset_tangents(double *restrict V__tau_mem_next, double *restrict V__tau_syn_next)
{
    *V__tau_mem_next = 0.0; /* tangent */
    *V__tau_syn_next = 0.0; /* tangent */
}

/* ---- on vectors of neurons */

SALTUS_INLINE void alpha_advance_v(const vec V, const vec I, const vec J, const vec Phi_V_V, const vec
    Phi_V_I, const vec Phi_V_J, const vec Phi_I_I, const vec Phi_I_J, vec *restrict V_next, vec *restrict
    I_next, vec *restrict J_next)
{
    *V_next = Phi_V_V * V + Phi_V_I * I + Phi_V_J * J; /* flow.V */
    *I_next = Phi_I_I * I + Phi_I_J * J; /* flow.I */
    *J_next = Phi_I_I * J; /* flow.J */
}

SALTUS_INLINE void alpha_adjoint_v(const vec lambda_V, const vec lambda_I, const vec lambda_J, const vec
    Phi_V_V, const vec Phi_I_I, const vec Phi_I_J, const vec Psi_I_V, const vec Psi_J_V, vec *restrict
    lambda_V_next, vec *restrict lambda_I_next, vec *restrict lambda_J_next)
{
    *lambda_V_next = Phi_V_V * lambda_V; /* flow.adjoint.V */
    *lambda_I_next = Psi_I_V * lambda_V + Phi_I_I * lambda_I; /* flow.adjoint.I */
    *lambda_J_next = Psi_J_V * lambda_V + Phi_I_J * lambda_I + Phi_I_I * lambda_J; /* flow.adjoint.J */
}

SALTUS_INLINE void alpha_guard_v(const vec V, const vec theta, vec *restrict guard)
{
    *guard = V - theta; /* transition.condition */
}

SALTUS_INLINE void alpha_exc_jump_v(const vec V, const vec I, const vec J, const vec w, vec *restrict V_next,
    vec *restrict I_next, vec *restrict J_next)
{
    *V_next = V; /* receive.V */
    *I_next = I; /* receive.I */
    *J_next = J + w; /* receive.J */
}

SALTUS_INLINE void alpha_exc_weight_v(const vec lambda_J, const vec tau_syn, vec *restrict grad_w)
{
    *grad_w = -tau_syn * lambda_J; /* gradient.weight */
}

SALTUS_INLINE void alpha_exc_credit_v(const vec lambda_I, const vec lambda_J, vec *restrict credit)
{
    *credit = lambda_I - lambda_J; /* arrival.credit */
}

SALTUS_INLINE void alpha_tangents_v(const vec Phi_V_V, const vec V__tau_mem, const vec Phi_V_V_tau_mem, const
    vec V, const vec Phi_V_I_tau_mem, const vec I, const vec Phi_V_J_tau_mem, const vec J, const vec
    V__tau_syn, const vec Phi_V_I, const vec I__tau_syn, const vec Phi_V_J, const vec J__tau_syn, const vec
    Phi_V_I_tau_syn, const vec Phi_V_J_tau_syn, const vec Phi_I_I, const vec Phi_I_J, const vec
    Phi_I_I_tau_syn, const vec Phi_I_J_tau_syn, const vec Phi_J_J_tau_syn, vec *restrict V__tau_mem_next, vec
    *restrict V__tau_syn_next, vec *restrict I__tau_syn_next, vec *restrict J__tau_syn_next)
{
    *V__tau_mem_next = Phi_V_V * V__tau_mem + Phi_V_V_tau_mem * V + Phi_V_I_tau_mem * I + Phi_V_J_tau_mem * J;
        /* tangent */
    *V__tau_syn_next = Phi_V_V * V__tau_syn + Phi_V_I * I__tau_syn + Phi_V_J * J__tau_syn + I *
        Phi_V_I_tau_syn + J * Phi_V_J_tau_syn; /* tangent */
    *I__tau_syn_next = Phi_I_I * I__tau_syn + Phi_I_J * J__tau_syn + I * Phi_I_I_tau_syn + J *
        Phi_I_J_tau_syn; /* tangent */
    *J__tau_syn_next = Phi_I_I * J__tau_syn + J * Phi_J_J_tau_syn; /* tangent */
}

/* ---- one neuron as arrays */

typedef struct {
    double tau_mem, tau_syn, theta, v_reset, V0, I0, J0, per_tau_mem, per_tau_syn;
} alpha_parameters;

SALTUS_INLINE alpha_parameters alpha_read(const double *p, int64_t stride)
{
    alpha_parameters q;
    q.tau_mem = p[0 * stride];
    q.tau_syn = p[1 * stride];
    q.theta = p[2 * stride];
    q.v_reset = p[3 * stride];
    q.V0 = p[4 * stride];
    q.I0 = p[5 * stride];
    q.J0 = p[6 * stride];
    double per_tau_mem, per_tau_syn;
    alpha_constants(q.tau_mem, q.tau_syn, &per_tau_mem, &per_tau_syn);
    q.per_tau_mem = per_tau_mem;
    q.per_tau_syn = per_tau_syn;
    return q;
}

static void alpha_begin(const double *p, int64_t stride, double *x)
{
    (void)p, (void)stride;
    x[0] = p[4 * stride];
    x[1] = p[5 * stride];
    x[2] = p[6 * stride];
}

/* All neurons. */
static void alpha_begin_all(const saltus_clock_population *P, real *x)
{
    const size_t bytes = sizeof(real) * (size_t)P->lanes;
    memcpy(x + 0 * (int64_t)P->lanes, P->values + 4 * (int64_t)P->lanes, bytes);
    memcpy(x + 1 * (int64_t)P->lanes, P->values + 5 * (int64_t)P->lanes, bytes);
    memcpy(x + 2 * (int64_t)P->lanes, P->values + 6 * (int64_t)P->lanes, bytes);
}

static void alpha_begin_back(const double *p, int64_t stride, const double *y, double *grad)
{
    const alpha_parameters q = alpha_read(p, stride);
    (void)q, (void)y, (void)grad;
    double grad_V0, grad_I0, grad_J0;
    alpha_initial_gradient(y[0], y[1], y[2], q.tau_mem, q.tau_syn, &grad_V0, &grad_I0, &grad_J0);
    grad[4 * stride] += grad_V0;
    grad[5 * stride] += grad_I0;
    grad[6 * stride] += grad_J0;
}

/* dL/dx becomes the adjoint. */
static void alpha_end(const double *p, int64_t stride, const double *final, double *y)
{
    const alpha_parameters q = alpha_read(p, stride);
    (void)q;
    double lambda_V_next, lambda_I_next, lambda_J_next;
    alpha_terminal(final[0], final[1], final[2], q.per_tau_mem, q.per_tau_syn, &lambda_V_next, &lambda_I_next, &lambda_J_next);
    y[0] = lambda_V_next;
    y[1] = lambda_I_next;
    y[2] = lambda_J_next;
}

SALTUS_INLINE void alpha_entries(const alpha_parameters *q, double dt, double *entry)
{
    (void)q, (void)dt, (void)entry;
    double Phi_V_V, Phi_V_I, Phi_V_J, Phi_I_I, Phi_I_J, Psi_I_V, Psi_J_V;
    alpha_propagator(dt, q->per_tau_mem, q->per_tau_syn, &Phi_V_V, &Phi_V_I, &Phi_V_J, &Phi_I_I, &Phi_I_J, &Psi_I_V, &Psi_J_V);
    entry[0] = Phi_V_V;
    entry[1] = Phi_V_I;
    entry[2] = Phi_V_J;
    entry[3] = Phi_I_I;
    entry[4] = Phi_I_J;
    entry[5] = Psi_I_V;
    entry[6] = Psi_J_V;
}

/* grad = d(a(end) . x(dt))/dp for each parameter. */
static void alpha_flow_back(const alpha_parameters *q, double dt, const double *x, const double *y, double *grad)
{
    (void)q, (void)dt, (void)x, (void)y;
    memset(grad, 0, sizeof(double[7]));
    double Phi_V_V_tau_mem, Phi_V_I_tau_mem, Phi_V_J_tau_mem, Phi_V_I_tau_syn, Phi_V_J_tau_syn, Phi_I_I_tau_syn, Phi_I_J_tau_syn, Phi_J_J_tau_syn;
    alpha_flow_sensitivity(dt, q->tau_mem, q->tau_syn, q->per_tau_mem, q->per_tau_syn, &Phi_V_V_tau_mem, &Phi_V_I_tau_mem, &Phi_V_J_tau_mem, &Phi_V_I_tau_syn, &Phi_V_J_tau_syn, &Phi_I_I_tau_syn, &Phi_I_J_tau_syn, &Phi_J_J_tau_syn);
    double grad_tau_mem, grad_tau_syn;
    alpha_flow_parameters(x[0], x[1], x[2], y[0], y[1], y[2], Phi_V_V_tau_mem, Phi_V_I_tau_mem, Phi_V_J_tau_mem, Phi_V_I_tau_syn, Phi_V_J_tau_syn, Phi_I_I_tau_syn, Phi_I_J_tau_syn, Phi_J_J_tau_syn, q->tau_mem, q->tau_syn, &grad_tau_mem, &grad_tau_syn);
    grad[0] = grad_tau_mem;
    grad[1] = grad_tau_syn;
}

/* The states after dt. */
static __attribute__((unused)) void alpha_advance_by(const alpha_parameters *q, double dt, double *x)
{
    double entry[7];
    (void)x;
    alpha_entries(q, dt, entry);
    double V_next, I_next, J_next;
    alpha_advance(x[0], x[1], x[2], entry[0], entry[1], entry[2], entry[3], entry[4], &V_next, &I_next, &J_next);
    x[0] = V_next;
    x[1] = I_next;
    x[2] = J_next;
}

/* The adjoints dt earlier. */
static void alpha_retreat_by(const alpha_parameters *q, double dt, double *y)
{
    double entry[7];
    (void)y;
    alpha_entries(q, dt, entry);
    double lambda_V_next, lambda_I_next, lambda_J_next;
    alpha_adjoint(y[0], y[1], y[2], entry[0], entry[3], entry[4], entry[5], entry[6], &lambda_V_next, &lambda_I_next, &lambda_J_next);
    y[0] = lambda_V_next;
    y[1] = lambda_I_next;
    y[2] = lambda_J_next;
}

/* What an arrival with each number of steps to go does at the end, from a unit weight, and what the adjoints at the end say
 * of it, from unit adjoints: all is linear in them. */
static void alpha_tabulate(const double *p, int64_t stride, double dt, int32_t steps, real *rest, real *reach, real *gain, real *claim)
{
    enum { SIZE = 3 };
    const alpha_parameters q = alpha_read(p, stride);
    double x[SIZE], none[SIZE] = { 0.0 };
    alpha_begin(p, stride, x);
    alpha_advance_by(&q, steps * dt, x);
    for (int s = 0; s < SIZE; s++) rest[s] = (real)x[s];
    (void)none, (void)reach, (void)gain, (void)claim;
    for (int32_t left = 0; left <= steps; left++) {
        double drift[SIZE] = { 0.0 };
        alpha_advance_by(&q, left * dt, drift);
        {
            const int64_t at = (0 * (int64_t)(steps + 1) + left) * WIDE;
            double V_next, I_next, J_next;
            alpha_exc_jump(none[0], none[1], none[2], 1.0, &V_next, &I_next, &J_next);
            x[0] = V_next;
            x[1] = I_next;
            x[2] = J_next;
            alpha_advance_by(&q, left * dt, x);
            for (int s = 0; s < SIZE; s++) reach[at + s] = (real)(x[s] - drift[s]);
            for (int s = 0; s < SIZE; s++) {
                double y[SIZE] = { 0.0 };
                y[s] = 1.0;
                alpha_retreat_by(&q, left * dt, y);
                double grad_w;
                alpha_exc_weight(y[2], q.tau_syn, &grad_w);
                double credit;
                alpha_exc_credit(y[1], y[2], &credit);
                gain[at + s] = (real)grad_w;
                claim[at + s] = (real)credit;
            }
        }
    }
}

/* Parameters, constants and the entries of the flow over one step, for each neuron. */
static void alpha_prepare(const saltus_clock_population *P, double dt)
{
    for (int32_t n = 0; n < P->lanes; n++) {
        const int32_t cell = n < P->count ? n : P->count - 1;
        if (P->shared && n > 0) {
            for (int i = 0; i < 24; i++) P->values[i * (int64_t)P->lanes + n] = P->values[i * (int64_t)P->lanes];
            continue;
        }
        const alpha_parameters q = alpha_read(P->parameters + cell, P->stride);
        double entry[7];
        alpha_entries(&q, dt, entry);
        P->values[0 * (int64_t)P->lanes + n] = (real)q.tau_mem;
        P->values[1 * (int64_t)P->lanes + n] = (real)q.tau_syn;
        P->values[2 * (int64_t)P->lanes + n] = (real)q.theta;
        P->values[3 * (int64_t)P->lanes + n] = (real)q.v_reset;
        P->values[4 * (int64_t)P->lanes + n] = (real)q.V0;
        P->values[5 * (int64_t)P->lanes + n] = (real)q.I0;
        P->values[6 * (int64_t)P->lanes + n] = (real)q.J0;
        P->values[7 * (int64_t)P->lanes + n] = (real)q.per_tau_mem;
        P->values[8 * (int64_t)P->lanes + n] = (real)q.per_tau_syn;
        P->values[9 * (int64_t)P->lanes + n] = (real)entry[0];
        P->values[10 * (int64_t)P->lanes + n] = (real)entry[1];
        P->values[11 * (int64_t)P->lanes + n] = (real)entry[2];
        P->values[12 * (int64_t)P->lanes + n] = (real)entry[3];
        P->values[13 * (int64_t)P->lanes + n] = (real)entry[4];
        P->values[14 * (int64_t)P->lanes + n] = (real)entry[5];
        P->values[15 * (int64_t)P->lanes + n] = (real)entry[6];
        double Phi_V_V_tau_mem, Phi_V_I_tau_mem, Phi_V_J_tau_mem, Phi_V_I_tau_syn, Phi_V_J_tau_syn, Phi_I_I_tau_syn, Phi_I_J_tau_syn, Phi_J_J_tau_syn;
        alpha_sensitivity(dt, q.tau_mem, q.tau_syn, q.per_tau_mem, q.per_tau_syn, &Phi_V_V_tau_mem, &Phi_V_I_tau_mem, &Phi_V_J_tau_mem, &Phi_V_I_tau_syn, &Phi_V_J_tau_syn, &Phi_I_I_tau_syn, &Phi_I_J_tau_syn, &Phi_J_J_tau_syn);
        P->values[16 * (int64_t)P->lanes + n] = (real)Phi_V_V_tau_mem;
        P->values[17 * (int64_t)P->lanes + n] = (real)Phi_V_I_tau_mem;
        P->values[18 * (int64_t)P->lanes + n] = (real)Phi_V_J_tau_mem;
        P->values[19 * (int64_t)P->lanes + n] = (real)Phi_V_I_tau_syn;
        P->values[20 * (int64_t)P->lanes + n] = (real)Phi_V_J_tau_syn;
        P->values[21 * (int64_t)P->lanes + n] = (real)Phi_I_I_tau_syn;
        P->values[22 * (int64_t)P->lanes + n] = (real)Phi_I_J_tau_syn;
        P->values[23 * (int64_t)P->lanes + n] = (real)Phi_J_J_tau_syn;
    }
}

/* The gradient of the flow's parameters is linear in adjoint times state: its coefficients, read off at unit vectors,
 * times the sums over all steps. moments: [state, and 1][adjoint] of one neuron, `apart` from one another. */
static void alpha_flow_gradient(const double *p, int64_t stride, double dt, const double *moments, int64_t apart, double *grad)
{
    const alpha_parameters q = alpha_read(p, stride);
    double none[7], each[7];
    for (int i = 0; i < 3; i++) {
        double y[3] = { 0.0 }, x[3] = { 0.0 };
        y[i] = 1.0;
        alpha_flow_back(&q, dt, x, y, none);
        for (int k = 0; k < 7; k++) grad[k * stride] += none[k] * moments[(3 * 3 + i) * apart];
        for (int j = 0; j < 3; j++) {
            x[j] = 1.0;
            alpha_flow_back(&q, dt, x, y, each);
            x[j] = 0.0;
            for (int k = 0; k < 7; k++)
                grad[k * stride] += (each[k] - none[k]) * moments[(j * 3 + i) * apart];
        }
    }
}

/* ---- the loops */

/* What arrives now at `tile` vectors of neurons from n on; then one step if `go` says so, and if it is LOOK, bits of those that end
 * at or above threshold in hits. tangent: stepped as well, where it is not NULL. */
SALTUS_INLINE void alpha_tile(const int tile, const int shared, const int go, const int64_t n, const saltus_clock_population *P,
                              real *restrict now, real *restrict next, real *restrict tangent, const deliveries *from, uint64_t *restrict hits)
{
    (void)shared, (void)tangent;
    vec sum_0[TILE];
    {
        const deliveries f = from[0];
        const int64_t lanes = P->lanes;
#pragma GCC unroll 16
        for (int q = 0; q < tile; q++) sum_0[q] = f.scattered == NULL ? splat(0) : load(f.scattered + n + q * LANES);
        for (int32_t k = 0; k < f.count; k++) {
            const real *row = f.weight + f.row[k] * lanes + n;
            ANCHOR(row);
#pragma GCC unroll 16
            for (int q = 0; q < tile; q++) sum_0[q] += load(row + q * LANES);
        }
        for (int32_t k = 0; k < f.owns; k++) {
            const real *row = f.own_weight + f.own[k] * lanes + n;
            ANCHOR(row);
#pragma GCC unroll 16
            for (int q = 0; q < tile; q++) sum_0[q] += load(row + q * LANES);
        }
    }
    lane_bits above[TILE];
    const vec all_theta = splat(P->values[2 * (int64_t)P->lanes]);
    const real *own_theta = P->values + 2 * (int64_t)P->lanes + n;
    ANCHOR(own_theta);
    const vec all_Phi_V_V = splat(P->values[9 * (int64_t)P->lanes]);
    const real *own_Phi_V_V = P->values + 9 * (int64_t)P->lanes + n;
    ANCHOR(own_Phi_V_V);
    const vec all_Phi_V_I = splat(P->values[10 * (int64_t)P->lanes]);
    const real *own_Phi_V_I = P->values + 10 * (int64_t)P->lanes + n;
    ANCHOR(own_Phi_V_I);
    const vec all_Phi_V_J = splat(P->values[11 * (int64_t)P->lanes]);
    const real *own_Phi_V_J = P->values + 11 * (int64_t)P->lanes + n;
    ANCHOR(own_Phi_V_J);
    const vec all_Phi_I_I = splat(P->values[12 * (int64_t)P->lanes]);
    const real *own_Phi_I_I = P->values + 12 * (int64_t)P->lanes + n;
    ANCHOR(own_Phi_I_I);
    const vec all_Phi_I_J = splat(P->values[13 * (int64_t)P->lanes]);
    const real *own_Phi_I_J = P->values + 13 * (int64_t)P->lanes + n;
    ANCHOR(own_Phi_I_J);
    const vec all_Phi_V_V_tau_mem = splat(P->values[16 * (int64_t)P->lanes]);
    const real *own_Phi_V_V_tau_mem = P->values + 16 * (int64_t)P->lanes + n;
    ANCHOR(own_Phi_V_V_tau_mem);
    const vec all_Phi_V_I_tau_mem = splat(P->values[17 * (int64_t)P->lanes]);
    const real *own_Phi_V_I_tau_mem = P->values + 17 * (int64_t)P->lanes + n;
    ANCHOR(own_Phi_V_I_tau_mem);
    const vec all_Phi_V_J_tau_mem = splat(P->values[18 * (int64_t)P->lanes]);
    const real *own_Phi_V_J_tau_mem = P->values + 18 * (int64_t)P->lanes + n;
    ANCHOR(own_Phi_V_J_tau_mem);
    const vec all_Phi_V_I_tau_syn = splat(P->values[19 * (int64_t)P->lanes]);
    const real *own_Phi_V_I_tau_syn = P->values + 19 * (int64_t)P->lanes + n;
    ANCHOR(own_Phi_V_I_tau_syn);
    const vec all_Phi_V_J_tau_syn = splat(P->values[20 * (int64_t)P->lanes]);
    const real *own_Phi_V_J_tau_syn = P->values + 20 * (int64_t)P->lanes + n;
    ANCHOR(own_Phi_V_J_tau_syn);
    const vec all_Phi_I_I_tau_syn = splat(P->values[21 * (int64_t)P->lanes]);
    const real *own_Phi_I_I_tau_syn = P->values + 21 * (int64_t)P->lanes + n;
    ANCHOR(own_Phi_I_I_tau_syn);
    const vec all_Phi_I_J_tau_syn = splat(P->values[22 * (int64_t)P->lanes]);
    const real *own_Phi_I_J_tau_syn = P->values + 22 * (int64_t)P->lanes + n;
    ANCHOR(own_Phi_I_J_tau_syn);
    const vec all_Phi_J_J_tau_syn = splat(P->values[23 * (int64_t)P->lanes]);
    const real *own_Phi_J_J_tau_syn = P->values + 23 * (int64_t)P->lanes + n;
    ANCHOR(own_Phi_J_J_tau_syn);

    real *restrict now_V = now + 0 * (int64_t)P->lanes + n;
    ANCHOR(now_V);
    real *restrict now_I = now + 1 * (int64_t)P->lanes + n;
    ANCHOR(now_I);
    real *restrict now_J = now + 2 * (int64_t)P->lanes + n;
    ANCHOR(now_J);

    real *restrict next_V = next + 0 * (int64_t)P->lanes + n;
    ANCHOR(next_V);
    real *restrict next_I = next + 1 * (int64_t)P->lanes + n;
    ANCHOR(next_I);
    real *restrict next_J = next + 2 * (int64_t)P->lanes + n;
    ANCHOR(next_J);

    real *restrict tangent_V__tau_mem = tangent == NULL ? NULL : tangent + 0 * (int64_t)P->lanes + n;
    ANCHOR(tangent_V__tau_mem);
    real *restrict tangent_V__tau_syn = tangent == NULL ? NULL : tangent + 1 * (int64_t)P->lanes + n;
    ANCHOR(tangent_V__tau_syn);
    real *restrict tangent_I__tau_syn = tangent == NULL ? NULL : tangent + 2 * (int64_t)P->lanes + n;
    ANCHOR(tangent_I__tau_syn);
    real *restrict tangent_J__tau_syn = tangent == NULL ? NULL : tangent + 3 * (int64_t)P->lanes + n;
    ANCHOR(tangent_J__tau_syn);
#pragma GCC unroll 16
    for (int q = 0; q < tile; q++) {
        const vec theta = shared ? all_theta : load(own_theta + q * LANES);
        const vec Phi_V_V = shared ? all_Phi_V_V : load(own_Phi_V_V + q * LANES);
        const vec Phi_V_I = shared ? all_Phi_V_I : load(own_Phi_V_I + q * LANES);
        const vec Phi_V_J = shared ? all_Phi_V_J : load(own_Phi_V_J + q * LANES);
        const vec Phi_I_I = shared ? all_Phi_I_I : load(own_Phi_I_I + q * LANES);
        const vec Phi_I_J = shared ? all_Phi_I_J : load(own_Phi_I_J + q * LANES);
        const vec Phi_V_V_tau_mem = shared ? all_Phi_V_V_tau_mem : load(own_Phi_V_V_tau_mem + q * LANES);
        const vec Phi_V_I_tau_mem = shared ? all_Phi_V_I_tau_mem : load(own_Phi_V_I_tau_mem + q * LANES);
        const vec Phi_V_J_tau_mem = shared ? all_Phi_V_J_tau_mem : load(own_Phi_V_J_tau_mem + q * LANES);
        const vec Phi_V_I_tau_syn = shared ? all_Phi_V_I_tau_syn : load(own_Phi_V_I_tau_syn + q * LANES);
        const vec Phi_V_J_tau_syn = shared ? all_Phi_V_J_tau_syn : load(own_Phi_V_J_tau_syn + q * LANES);
        const vec Phi_I_I_tau_syn = shared ? all_Phi_I_I_tau_syn : load(own_Phi_I_I_tau_syn + q * LANES);
        const vec Phi_I_J_tau_syn = shared ? all_Phi_I_J_tau_syn : load(own_Phi_I_J_tau_syn + q * LANES);
        const vec Phi_J_J_tau_syn = shared ? all_Phi_J_J_tau_syn : load(own_Phi_J_J_tau_syn + q * LANES);

        vec V = load(now_V + q * LANES);
        vec I = load(now_I + q * LANES);
        vec J = load(now_J + q * LANES);

        {
            vec V_next, I_next, J_next;
            alpha_exc_jump_v(V, I, J, sum_0[q], &V_next, &I_next, &J_next);
            J = J_next;
            (void)V_next;
            (void)I_next;
            (void)J_next;
        }
        store(now_J + q * LANES, J);
        if (go == STAY) continue;
        if (tangent != NULL) {
            vec V__tau_mem = load(tangent_V__tau_mem + q * LANES);
            vec V__tau_syn = load(tangent_V__tau_syn + q * LANES);
            vec I__tau_syn = load(tangent_I__tau_syn + q * LANES);
            vec J__tau_syn = load(tangent_J__tau_syn + q * LANES);

            vec V__tau_mem_next, V__tau_syn_next, I__tau_syn_next, J__tau_syn_next;
            alpha_tangents_v(Phi_V_V, V__tau_mem, Phi_V_V_tau_mem, V, Phi_V_I_tau_mem, I, Phi_V_J_tau_mem, J, V__tau_syn, Phi_V_I, I__tau_syn, Phi_V_J, J__tau_syn, Phi_V_I_tau_syn, Phi_V_J_tau_syn, Phi_I_I, Phi_I_J, Phi_I_I_tau_syn, Phi_I_J_tau_syn, Phi_J_J_tau_syn, &V__tau_mem_next, &V__tau_syn_next, &I__tau_syn_next, &J__tau_syn_next);
            store(tangent_V__tau_mem + q * LANES, V__tau_mem_next);
            store(tangent_V__tau_syn + q * LANES, V__tau_syn_next);
            store(tangent_I__tau_syn + q * LANES, I__tau_syn_next);
            store(tangent_J__tau_syn + q * LANES, J__tau_syn_next);
        }
        {
            vec V_next, I_next, J_next;
            alpha_advance_v(V, I, J, Phi_V_V, Phi_V_I, Phi_V_J, Phi_I_I, Phi_I_J, &V_next, &I_next, &J_next);
            store(next_V + q * LANES, V_next);
            V = V_next;
            store(next_I + q * LANES, I_next);
            I = I_next;
            store(next_J + q * LANES, J_next);
            J = J_next;
        }
        if (go != LOOK) continue;
        vec guard;
        alpha_guard_v(V, theta, &guard);
        above[q] = (lane_bits)not_negative(guard);
        if (tile * LANES < 64)
            hits[n / 64] |= (uint64_t)above[q] << (n % 64 + q * LANES);
        else if ((q + 1) * LANES % 64 == 0)
            hits[(n + q * LANES) / 64] = packed(above + q + 1 - 64 / LANES);
    }
}

SALTUS_INLINE void alpha_tiles(const int shared, const int go, const saltus_clock_population *P, real *now, real *next,
                               real *tangent, const deliveries *from, uint64_t *hits)
{
    int64_t n = 0;
    for (; n + TILE * LANES <= P->lanes; n += TILE * LANES) alpha_tile(TILE, shared, go, n, P, now, next, tangent, from, hits);
    for (; TILE > 4 && n + 4 * LANES <= P->lanes; n += 4 * LANES) alpha_tile(4, shared, go, n, P, now, next, tangent, from, hits);
    for (; n < P->lanes; n += LANES) alpha_tile(1, shared, go, n, P, now, next, tangent, from, hits);
}

static void alpha_step(const saltus_clock_population *P, real *now, real *next, const deliveries *from, uint64_t *hits)
{
    if (P->shared)
        alpha_tiles(1, LOOK, P, now, next, NULL, from, hits);
    else
        alpha_tiles(0, LOOK, P, now, next, NULL, from, hits);
}

/* At the end, where no step follows. */
static void alpha_arrive(const saltus_clock_population *P, real *now, const deliveries *from)
{
    if (P->shared)
        alpha_tiles(1, STAY, P, now, now, NULL, from, NULL);
    else
        alpha_tiles(0, STAY, P, now, now, NULL, from, NULL);
}

/* A neuron's parameters and constants, as the loops have them. */
SALTUS_INLINE alpha_parameters alpha_at(const saltus_clock_population *P, int32_t n)
{
    alpha_parameters q;
    q.tau_mem = P->values[0 * (int64_t)P->lanes + n];
    q.tau_syn = P->values[1 * (int64_t)P->lanes + n];
    q.theta = P->values[2 * (int64_t)P->lanes + n];
    q.v_reset = P->values[3 * (int64_t)P->lanes + n];
    q.V0 = P->values[4 * (int64_t)P->lanes + n];
    q.I0 = P->values[5 * (int64_t)P->lanes + n];
    q.J0 = P->values[6 * (int64_t)P->lanes + n];
    q.per_tau_mem = P->values[7 * (int64_t)P->lanes + n];
    q.per_tau_syn = P->values[8 * (int64_t)P->lanes + n];
    return q;
}

SALTUS_INLINE double alpha_guard_at(const alpha_parameters *q, const double *x)
{
    (void)q, (void)x;
    double guard;
    alpha_guard(x[0], q->theta, &guard);
    return guard;
}

SALTUS_INLINE double alpha_slope_at(const alpha_parameters *q, const double *x)
{
    (void)q, (void)x;
    double guard_slope;
    alpha_guard_slope(x[0], x[1], q->per_tau_mem, &guard_slope);
    return guard_slope;
}

static int alpha_starts_above(const double *p, int64_t stride)
{
    const alpha_parameters q = alpha_read(p, stride);
    double x[3];
    alpha_begin(p, stride, x);
    return alpha_guard_at(&q, x) >= 0.0;
}

/* Where in a step the guard crosses zero, from the states x0 and a guess in *left: by Newton's method with the flow itself, and
 * by halving a bracket where that leaves it or its steps do not shrink. */
SALTUS_APART void alpha_search(const alpha_parameters *q, double dt, const double *x0, double *x, double *slope, double *left)
{
    double low = 0.0, high = dt, at = dt * (1.0 - *left), last = dt;
    for (int round = 0; round < 60 && high - low > 1e-12 * dt; round++) {
        memcpy(x, x0, sizeof(double[3]));
        alpha_advance_by(q, at, x);
        *slope = alpha_slope_at(q, x);
        const double guard = alpha_guard_at(q, x), step = guard / *slope, newton = at - step;
        *left = 1.0 - at / dt;
        if (fabs(guard) <= 1e-12 * fabs(*slope) * dt) break;
        if (guard < 0.0)
            low = at;
        else
            high = at;
        const int shrinks = newton > low && newton < high && fabs(step) < 0.5 * last;
        last = shrinks ? fabs(step) : 0.5 * (high - low);
        at = shrinks ? newton : 0.5 * (low + high);
    }
}

/* Where a spike has the states x and its guard this slope, what the tangents in the log say of its time takes their place. */
SALTUS_INLINE void alpha_move(const alpha_parameters *q, const double *x, double guard_slope, real *log)
{
    (void)x;
    const double V__tau_mem = log[0];
    const double V__tau_syn = log[1];
    double moved_tau_mem, moved_tau_syn;
    alpha_moved(V__tau_mem, guard_slope, V__tau_syn, &moved_tau_mem, &moved_tau_syn);
    double scale_tau_mem, scale_tau_syn;
    alpha_scale(q->per_tau_mem, q->per_tau_syn, &scale_tau_mem, &scale_tau_syn);
    log[0] = (real)(scale_tau_mem * moved_tau_mem);
    log[1] = (real)(scale_tau_syn * moved_tau_syn);
}

/* The spikes from number `first` on, of which the log has the states at both ends of their step: the time and the states at the
 * crossing inside, and the guard's slope there. All at once, as they do not wait for one another.
 *
 * The crossing is found by linear interpolation, whose error is of the second order in dt; where the guard's slope there is
 * so far from the mean over the step that this says little, it is searched for. */
SALTUS_INLINE void alpha_crossings(const int shared, const saltus_clock_population *P, double dt, const spike_log *log, int32_t first)
{
    const alpha_parameters all = alpha_at(P, 0);
    for (int32_t k = first; k < log->count; k++) {
        const int32_t n = log->neuron[k] - P->first;
        if (n < 0 || n >= P->count) continue;
        const alpha_parameters q = shared ? all : alpha_at(P, n);
        const real *before = log->before + k * (int64_t)STATES;
        real *state = log->state + k * (int64_t)STATES;
        double x0[3], x1[3], x[3];
        for (int s = 0; s < 3; s++) x0[s] = before[s], x1[s] = state[s];
        const double g0 = alpha_guard_at(&q, x0), g1 = alpha_guard_at(&q, x1);
        double left = g0 < 0.0 ? g1 / (g1 - g0) : 1.0;
        for (int s = 0; s < 3; s++) x[s] = x1[s] + left * (x0[s] - x1[s]);
        double slope = alpha_slope_at(&q, x);
        if (fabs(slope * dt - (g1 - g0)) > 0.5 * (g1 - g0) && g0 < 0.0) alpha_search(&q, dt, x0, x, &slope, &left);
        for (int s = 0; s < 3; s++) state[s] = (real)x[s];
        if (log->tangent != NULL) alpha_move(&q, x, slope, log->tangent + k * (int64_t)TANGENTS);
        log->slope[k] = slope;
        log->time[k] = (log->step[k] - left) * dt;
    }
}

static void alpha_cross(const saltus_clock_population *P, double dt, const spike_log *log, int32_t first)
{
    if (P->shared)
        alpha_crossings(1, P, dt, log, first);
    else
        alpha_crossings(0, P, dt, log, first);
}

/* A neuron is reset: x, its states just before, become those just after; next: of all neurons. */
SALTUS_INLINE void alpha_reset_cell(const saltus_clock_population *P, int32_t n, double *x, real *next)
{
    const alpha_parameters q = alpha_at(P, n);
    (void)q;
    double V_next, I_next, J_next;
    alpha_reset(x[1], x[2], q.v_reset, &V_next, &I_next, &J_next);
    x[0] = V_next;
    next[0 * (int64_t)P->lanes + n] = (real)V_next;
}

/* The log gets the tangents of a neuron, which a reset changes; x: its states just before. */
SALTUS_INLINE void alpha_log_tangents(const saltus_clock_population *P, int32_t n, const double *x, real *tangent, real *log)
{
    const alpha_parameters q = alpha_at(P, n);
    (void)q, (void)x;
    const double V__tau_mem = log[0] = tangent[0 * (int64_t)P->lanes + n];
    const double V__tau_syn = log[1] = tangent[1 * (int64_t)P->lanes + n];
    const double I__tau_syn = log[2] = tangent[2 * (int64_t)P->lanes + n];
    const double J__tau_syn = log[3] = tangent[3 * (int64_t)P->lanes + n];
    double V__tau_mem_next, V__tau_syn_next;
    alpha_reset_tangents(&V__tau_mem_next, &V__tau_syn_next);
    tangent[0 * (int64_t)P->lanes + n] = (real)V__tau_mem_next;
    tangent[1 * (int64_t)P->lanes + n] = (real)V__tau_syn_next;
    (void)V__tau_mem;
    (void)V__tau_syn;
    (void)I__tau_syn;
    (void)J__tau_syn;
}

/* The spikes of step j, by neuron, at whose end hits are their bits: the log gets the states at its ends, and they are reset;
 * tangent: NULL, or as they are then. Returns DONE, CAPACITY, or RESETS_ABOVE for the last. */
SALTUS_APART int alpha_emit(const saltus_clock_population *P, int32_t j, uint64_t *hits, const real *restrict now, real *restrict next,
                      real *restrict tangent, spike_log *log)
{
    (void)tangent;
    hits[(P->count - 1) / 64] &= ~(uint64_t)0 >> (63 - (P->count - 1) % 64);
    for (int32_t first = 0; first < P->count; first += 64 * 64) {
        uint64_t *hit = hits + first / 64, some = 0; /* bits of words that are not zero: one loop, whose end is foreseen badly */
        const int32_t rest = (P->count - first + 63) / 64, words = rest < 64 ? rest : 64;
        for (int32_t i = 0; i < words; i++) some |= (uint64_t)(hit[i] != 0) << i;
        while (some != 0) {
            const int32_t i = __builtin_ctzll(some), n = first + 64 * i + __builtin_ctzll(hit[i]), k = log->count;
            hit[i] &= hit[i] - 1;
            some &= ~((uint64_t)(hit[i] == 0) << i);
            if (k == log->capacity) return CAPACITY;
            log->neuron[k] = P->first + n;
            log->step[k] = j + 1;
            log->count = k + 1;
            double x[3];
            for (int s = 0; s < 3; s++) {
                const int64_t at = s * (int64_t)P->lanes + n;
                log->before[k * (int64_t)STATES + s] = now[at];
                x[s] = log->state[k * (int64_t)STATES + s] = next[at];
            }
            if (tangent != NULL) alpha_log_tangents(P, n, x, tangent, log->tangent + k * (int64_t)TANGENTS);
            alpha_reset_cell(P, n, x, next);
            const alpha_parameters q = alpha_at(P, n);
            if (alpha_guard_at(&q, x) >= 0.0) return RESETS_ABOVE;
        }
    }
    return DONE;
}

/* The adjoint jumps of neurons that spiked in one step, in reverse time, with the states at their crossings; owed: dL/dt by
 * what others make of a spike, and afterwards in full. */
SALTUS_INLINE void alpha_undo_each(const saltus_clock_population *P, int32_t count, const int32_t *neuron, double *restrict owed,
                     const real *restrict state, real *restrict adjoint, double *grad)
{
    for (int32_t k = 0; k < count; k++) {
        const int32_t n = neuron[k] - P->first;
        const alpha_parameters q = alpha_at(P, n);
        const double external = owed[k];
        double x[3], y[3];
        for (int s = 0; s < 3; s++) x[s] = state[k * (int64_t)STATES + s], y[s] = adjoint[s * (int64_t)P->lanes + n];
        (void)q, (void)grad;
        double sensitivity, lambda_V_next, lambda_I_next, lambda_J_next;
        alpha_emission_adjoint(x[0], x[1], y[0], y[1], y[2], external, q.v_reset, &sensitivity, &lambda_V_next, &lambda_I_next, &lambda_J_next);
        if (grad != NULL) {
            double grad_theta, grad_v_reset;
            alpha_emission_parameters(x[0], x[1], y[0], sensitivity, q.tau_mem, &grad_theta, &grad_v_reset);
            grad[2 * P->stride + n] += grad_theta;
            grad[3 * P->stride + n] += grad_v_reset;
        }
        owed[k] = sensitivity;
        adjoint[0 * (int64_t)P->lanes + n] = (real)lambda_V_next;
    }
}

static void alpha_undo(const saltus_clock_population *P, int32_t count, const int32_t *neuron, double *owed, const real *state,
                     real *adjoint, double *grad)
{
    alpha_undo_each(P, count, neuron, owed, state, adjoint, grad);
}

/* What arrives in step j: the rows of incoming spikes, and of the neurons that spiked in the step before. */
SALTUS_INLINE deliveries alpha_in_step(const heard_events *in, const int32_t *neuron, int32_t j)
{
    return (deliveries){in->weight, in->own_weight, in->channel + in->first[j], neuron + in->sent[j], in->first[j + 1] - in->first[j],
                        in->own_weight == NULL ? 0 : in->sent[j + 1] - in->sent[j], NULL};
}

/* All steps of a plain group of this one population, which is not looked at in between. Returns DONE, or what went wrong in the
 * step of the last spike. */
SALTUS_INLINE int alpha_run_steps(const int shared, const saltus_clock_population *given, real *now, real *next, real *tangent,
                                  const heard_events *heard, spike_log *log)
{
    const saltus_clock_population copy = *given, *P = &copy; /* not in memory, which each vector that is stored might change */
    const heard_events in = *heard;
    spike_log out = *log;
    int code = DONE;
    for (int32_t j = 0; j < in.steps && code == DONE; j++) {
        const deliveries from = alpha_in_step(&in, out.neuron, j);
        if (P->lanes % 64 != 0) memset(in.hits, 0, sizeof(uint64_t) * (size_t)(P->lanes / 64 + 1));
        alpha_tiles(shared, LOOK, P, now, next, tangent, &from, in.hits);
        fetch_rows(in.weight, P->lanes, in.channel + in.first[j + 1], in.first[j + 2] - in.first[j + 1]);
        code = alpha_emit(P, j, in.hits, now, next, tangent, &out);
        in.sent[j + 2] = out.count;
        real *swap = now;
        now = next, next = swap;
    }
    log->count = out.count;
    return code;
}

/* tangent: the tangents of all neurons, which go along, or NULL. */
static int alpha_run(const saltus_clock_population *P, real *now, real *next, real *tangent, const heard_events *heard, spike_log *log)
{
    if (tangent != NULL && P->shared) return alpha_run_steps(1, P, now, next, tangent, heard, log);
    if (tangent != NULL) return alpha_run_steps(0, P, now, next, tangent, heard, log);
    if (P->shared) return alpha_run_steps(1, P, now, next, NULL, heard, log);
    return alpha_run_steps(0, P, now, next, NULL, heard, log);
}

/* The same steps once more, where it is known who spikes when: the states at the start of each step after what arrives there,
 * `apart` from one another. */
SALTUS_INLINE void alpha_retrace_steps(const int shared, const saltus_clock_population *given, real *now, int64_t apart, const heard_events *heard,
                                       const int32_t *neuron)
{
    const saltus_clock_population copy = *given, *P = &copy;
    const heard_events in = *heard;
    for (int32_t j = 0; j < in.steps; j++, now += apart) {
        const deliveries from = alpha_in_step(&in, neuron, j);
        alpha_tiles(shared, GO, P, now, now + apart, NULL, &from, NULL);
        fetch_rows(in.weight, P->lanes, in.channel + in.first[j + 1], in.first[j + 2] - in.first[j + 1]);
        for (int32_t k = in.sent[j + 1]; k < in.sent[j + 2]; k++) {
            double x[3];
            for (int s = 0; s < 3; s++) x[s] = now[apart + s * (int64_t)P->lanes + neuron[k]];
            alpha_reset_cell(P, neuron[k], x, now + apart);
        }
    }
}

static void alpha_retrace(const saltus_clock_population *P, real *path, int64_t apart, const heard_events *heard, const int32_t *neuron)
{
    if (P->shared)
        alpha_retrace_steps(1, P, path, apart, heard, neuron);
    else
        alpha_retrace_steps(0, P, path, apart, heard, neuron);
}

/* What the times of spikes give to the gradient; owed: in full. */
static void alpha_move_spikes(const saltus_clock_population *P, int32_t count, const int32_t *neuron, const double *owed, const real *moved, double *grad)
{
    for (int32_t k = 0; k < count; k++, moved += TANGENTS) {
        grad[0 * P->stride + neuron[k] - P->first] += owed[k] * moved[0];
        grad[1 * P->stride + neuron[k] - P->first] += owed[k] * moved[1];
    }
}

/* What the states at the end give to the gradient; tangent: [neurons][TANGENTS] there. */
static void alpha_end_tangents(const saltus_clock_population *P, const double *final, const double *tangent, double *grad)
{
    for (int32_t n = 0; n < P->count; n++, final += STATES, tangent += TANGENTS) {
        const alpha_parameters q = alpha_read(P->parameters + n, P->stride);
        double scale_tau_mem, scale_tau_syn;
        alpha_scale(q.per_tau_mem, q.per_tau_syn, &scale_tau_mem, &scale_tau_syn);
        grad[0 * P->stride + n] += final[0] * scale_tau_mem * tangent[0];
        grad[1 * P->stride + n] += final[0] * scale_tau_syn * tangent[1];
        grad[1 * P->stride + n] += final[1] * scale_tau_syn * tangent[2];
        grad[1 * P->stride + n] += final[2] * scale_tau_syn * tangent[3];
    }
}

/* Adds the adjoints at the end of a step times the states at its start (and times 1), as far as they matter. */
static void alpha_moment(const saltus_clock_population *P, const real *restrict y, const real *restrict x, real *restrict moments)
{
    for (int64_t n = 0; n < P->lanes; n += LANES) {
        const int q = 0;
        const real * x_V = x + 0 * (int64_t)P->lanes + n;
        ANCHOR(x_V);
        const real * x_I = x + 1 * (int64_t)P->lanes + n;
        ANCHOR(x_I);
        const real * x_J = x + 2 * (int64_t)P->lanes + n;
        ANCHOR(x_J);

        const real * y_lambda_V = y + 0 * (int64_t)P->lanes + n;
        ANCHOR(y_lambda_V);
        const real * y_lambda_I = y + 1 * (int64_t)P->lanes + n;
        ANCHOR(y_lambda_I);
        const real * y_lambda_J = y + 2 * (int64_t)P->lanes + n;
        ANCHOR(y_lambda_J);

        vec V = load(x_V + q * LANES);
        vec I = load(x_I + q * LANES);
        vec J = load(x_J + q * LANES);

        vec lambda_V = load(y_lambda_V + q * LANES);
        vec lambda_I = load(y_lambda_I + q * LANES);
        vec lambda_J = load(y_lambda_J + q * LANES);

        real *m = moments + n;
        store(m, load(m) + lambda_V * V);
        m += P->lanes;
        m += P->lanes;
        m += P->lanes;
        store(m, load(m) + lambda_V * I);
        m += P->lanes;
        store(m, load(m) + lambda_I * I);
        m += P->lanes;
        m += P->lanes;
        store(m, load(m) + lambda_V * J);
        m += P->lanes;
        store(m, load(m) + lambda_I * J);
        m += P->lanes;
        store(m, load(m) + lambda_J * J);
        m += P->lanes;
        m += P->lanes;
        m += P->lanes;
        m += P->lanes;
        (void)V;
        (void)I;
        (void)J;
        (void)lambda_V;
        (void)lambda_I;
        (void)lambda_J;
        (void)m;
    }
}

/* `tile` vectors of neurons from n on, one step back if `back`; then what a unit weight that arrives here gives, and its
 * credit, at each port. The credits go to memory where there is some, and to the spikes that are sent `from` somewhere. */
SALTUS_INLINE void alpha_back_tile(const int tile, const int shared, const int back, const int64_t n, const saltus_clock_population *P,
                                   real *restrict y, const receipts *to, const senders *from)
{
    (void)shared;
    const int64_t column_0 = to[0].column;
    real *restrict weight_0 = to[0].weight + n / LANES * column_0, *restrict credit_0 = to[0].credit;
    vec claim[TILE];
    const vec all_tau_syn = splat(P->values[1 * (int64_t)P->lanes]);
    const real *own_tau_syn = P->values + 1 * (int64_t)P->lanes + n;
    ANCHOR(own_tau_syn);
    const vec all_Phi_V_V = splat(P->values[9 * (int64_t)P->lanes]);
    const real *own_Phi_V_V = P->values + 9 * (int64_t)P->lanes + n;
    ANCHOR(own_Phi_V_V);
    const vec all_Phi_I_I = splat(P->values[12 * (int64_t)P->lanes]);
    const real *own_Phi_I_I = P->values + 12 * (int64_t)P->lanes + n;
    ANCHOR(own_Phi_I_I);
    const vec all_Phi_I_J = splat(P->values[13 * (int64_t)P->lanes]);
    const real *own_Phi_I_J = P->values + 13 * (int64_t)P->lanes + n;
    ANCHOR(own_Phi_I_J);
    const vec all_Psi_I_V = splat(P->values[14 * (int64_t)P->lanes]);
    const real *own_Psi_I_V = P->values + 14 * (int64_t)P->lanes + n;
    ANCHOR(own_Psi_I_V);
    const vec all_Psi_J_V = splat(P->values[15 * (int64_t)P->lanes]);
    const real *own_Psi_J_V = P->values + 15 * (int64_t)P->lanes + n;
    ANCHOR(own_Psi_J_V);

    real *restrict y_lambda_V = y + 0 * (int64_t)P->lanes + n;
    ANCHOR(y_lambda_V);
    real *restrict y_lambda_I = y + 1 * (int64_t)P->lanes + n;
    ANCHOR(y_lambda_I);
    real *restrict y_lambda_J = y + 2 * (int64_t)P->lanes + n;
    ANCHOR(y_lambda_J);

#pragma GCC unroll 16
    for (int q = 0; q < tile; q++) {
        const vec tau_syn = shared ? all_tau_syn : load(own_tau_syn + q * LANES);
        const vec Phi_V_V = shared ? all_Phi_V_V : load(own_Phi_V_V + q * LANES);
        const vec Phi_I_I = shared ? all_Phi_I_I : load(own_Phi_I_I + q * LANES);
        const vec Phi_I_J = shared ? all_Phi_I_J : load(own_Phi_I_J + q * LANES);
        const vec Psi_I_V = shared ? all_Psi_I_V : load(own_Psi_I_V + q * LANES);
        const vec Psi_J_V = shared ? all_Psi_J_V : load(own_Psi_J_V + q * LANES);

        vec lambda_V = load(y_lambda_V + q * LANES);
        vec lambda_I = load(y_lambda_I + q * LANES);
        vec lambda_J = load(y_lambda_J + q * LANES);

        if (back) {
            vec lambda_V_next, lambda_I_next, lambda_J_next;
            alpha_adjoint_v(lambda_V, lambda_I, lambda_J, Phi_V_V, Phi_I_I, Phi_I_J, Psi_I_V, Psi_J_V, &lambda_V_next, &lambda_I_next, &lambda_J_next);
            lambda_V = lambda_V_next;
            store(y_lambda_V + q * LANES, lambda_V);
            lambda_I = lambda_I_next;
            store(y_lambda_I + q * LANES, lambda_I);
            lambda_J = lambda_J_next;
            store(y_lambda_J + q * LANES, lambda_J);
        }
        claim[q] = splat(0);
        {
            vec grad_w;
            alpha_exc_weight_v(lambda_J, tau_syn, &grad_w);
            store(weight_0, grad_w);
            weight_0 += column_0;
        }
        {
            vec credit;
            alpha_exc_credit_v(lambda_I, lambda_J, &credit);
            if (credit_0 != NULL) store(credit_0 + n + q * LANES, credit);
            claim[q] = credit;
        }
    }
#pragma GCC unroll 2
    for (int kind = 0; kind < KINDS; kind++) {
        const senders spikes = from[kind];
        for (int32_t k = 0; k < spikes.count; k++) {
            const real *row = spikes.weight + spikes.row[k] * (int64_t)P->lanes + n;
            vec sum[4] = {{0}};
            ANCHOR(row);
#pragma GCC unroll 16
            for (int q = 0; q < tile; q++) sum[q % 4] += claim[q] * load(row + q * LANES);
            spikes.owed[k] += total((sum[0] + sum[1]) + (sum[2] + sum[3]));
        }
    }
}

SALTUS_INLINE void alpha_back_tiles(const int shared, const int back, const saltus_clock_population *P, real *y,
                                    const receipts *to, const senders *from)
{
    int64_t n = 0;
    for (; n + TILE * LANES <= P->lanes; n += TILE * LANES) alpha_back_tile(TILE, shared, back, n, P, y, to, from);
    for (; TILE > 4 && n + 4 * LANES <= P->lanes; n += 4 * LANES) alpha_back_tile(4, shared, back, n, P, y, to, from);
    for (; n < P->lanes; n += LANES) alpha_back_tile(1, shared, back, n, P, y, to, from);
}

static void alpha_deliver(const saltus_clock_population *P, real *y, const receipts *to, const senders *from)
{
    if (P->shared)
        alpha_back_tiles(1, 0, P, y, to, from);
    else
        alpha_back_tiles(0, 0, P, y, to, from);
}

static void alpha_retreat(const saltus_clock_population *P, real *y, const receipts *to, const senders *from)
{
    if (P->shared)
        alpha_back_tiles(1, 1, P, y, to, from);
    else
        alpha_back_tiles(0, 1, P, y, to, from);
}

/* The steps [low, high) back of a plain group of this one population, which is not looked at in between; to: of the last of them. */
SALTUS_INLINE void alpha_sweep_steps(const int shared, const saltus_clock_population *given, real *y, receipts to, const sent_spikes *sent,
                                     const kept_path *kept, int32_t low, int32_t high, double *grad)
{
    const saltus_clock_population copy = *given, *P = &copy; /* not in memory, which each vector that is stored might change */
    const sent_spikes spikes = *sent;
    const kept_path products = *kept;
    for (int32_t j = high - 1; j >= low; j--) {
        const senders from[KINDS] = { in_step(spikes.kind + OWN, j), in_step(spikes.kind + HEARD, j) };
        if (products.path != NULL) alpha_moment(P, y, products.path + j * products.apart, products.moments);
        alpha_back_tiles(shared, 1, P, y, &to, from);
        const int32_t k = spikes.kind[OWN].first[j];
        alpha_undo_each(P, spikes.kind[OWN].first[j + 1] - k, spikes.kind[OWN].row + k, spikes.kind[OWN].owed + k, spikes.state + k * (int64_t)STATES, y, grad);
        to.weight -= LANES;
    }
}

static void alpha_sweep(const saltus_clock_population *P, real *y, receipts to, const sent_spikes *sent, const kept_path *kept, int32_t low, int32_t high, double *grad)
{
    if (P->shared)
        alpha_sweep_steps(1, P, y, to, sent, kept, low, high, grad);
    else
        alpha_sweep_steps(0, P, y, to, sent, kept, low, high, grad);
}

/* ======== what the clock knows of a model */

typedef struct {
    int32_t values, moments;
    void (*prepare)(const saltus_clock_population *P, double dt);
    void (*tabulate)(const double *p, int64_t stride, double dt, int32_t steps, real *rest, real *reach, real *gain, real *claim);
    void (*begin)(const saltus_clock_population *P, real *x);
    void (*arrive)(const saltus_clock_population *P, real *now, const deliveries *from);
    void (*step)(const saltus_clock_population *P, real *now, real *next, const deliveries *from, uint64_t *hits);
    int (*starts_above)(const double *p, int64_t stride); /* this and the next three: NULL without spikes */
    int (*emit)(const saltus_clock_population *P, int32_t j, uint64_t *hits, const real *now, real *next, real *tangent, spike_log *log);
    void (*cross)(const saltus_clock_population *P, double dt, const spike_log *log, int32_t first);
    void (*undo)(const saltus_clock_population *P, int32_t count, const int32_t *neuron, double *owed, const real *state, real *y, double *grad);
    void (*end)(const double *p, int64_t stride, const double *final, double *y);
    void (*deliver)(const saltus_clock_population *P, real *y, const receipts *to, const senders *from);
    void (*retreat)(const saltus_clock_population *P, real *y, const receipts *to, const senders *from);
    /* many steps in one call; NULL with several receptors */
    int (*run)(const saltus_clock_population *P, real *now, real *next, real *tangent, const heard_events *heard, spike_log *log);
    void (*retrace)(const saltus_clock_population *P, real *path, int64_t apart, const heard_events *heard, const int32_t *neuron);
    void (*sweep)(const saltus_clock_population *P, real *y, receipts to, const sent_spikes *sent, const kept_path *kept, int32_t low, int32_t high, double *grad);
    void (*end_tangents)(const saltus_clock_population *P, const double *final, const double *tangent, double *grad); /* NULL, and the next: none */
    void (*move_spikes)(const saltus_clock_population *P, int32_t count, const int32_t *neuron, const double *owed, const real *moved, double *grad);
    void (*moment)(const saltus_clock_population *P, const real *y, const real *x, real *moments);
    void (*flow_gradient)(const double *p, int64_t stride, double dt, const double *moments, int64_t apart, double *grad);
    void (*begin_back)(const double *p, int64_t stride, const double *y, double *grad);
} model_table;

static const model_table MODELS[] = {
    { 24, 12, alpha_prepare, alpha_tabulate, alpha_begin_all, alpha_arrive, alpha_step,
      alpha_starts_above, alpha_emit, alpha_cross, alpha_undo,
      alpha_end, alpha_deliver, alpha_retreat, alpha_run, alpha_retrace, alpha_sweep, alpha_end_tangents, alpha_move_spikes, alpha_moment, alpha_flow_gradient,
      alpha_begin_back },
};

/* ======== the spikes of a block of steps by source, and sources by how many spikes they have: what is added up for a source
 * stays in registers, in a loop whose length the compiler knows */

enum { MANY = SALTUS_CLOCK_MANY }; /* spikes, from which on the loop over them is an ordinary one */
enum { STRIDE = 8 };               /* from one step of a column to the next, in units of 8 bytes, which an address can be counted in */

/* Spikes of one kind of sources: the channels or the neurons. */
typedef struct {
    const int32_t *source, *step;
    int32_t from, to, sources;
} spike_range;

typedef struct {
    int32_t *order, *size; /* [sources] of them, and how many spikes each of these has */
    int32_t *end;          /* [MANY + 1] of the sources with 0, 1, ... spikes, and with MANY or more */
    uint16_t *at;          /* [spikes] places in a column of the steps at which they arrive, source after source */
} by_source;

/* Sources with as many spikes are together. */
static int32_t group_of(int32_t count)
{
    return count < MANY ? count : MANY;
}

/* shift: of steps; count, start: [sources], room. */
static void sort_spikes(const spike_range *in, int32_t shift, const by_source *out, int32_t *restrict count, int32_t *restrict start)
{
    const int32_t *source = in->source, *step = in->step, from = in->from, to = in->to, sources = in->sources;
    int32_t bound[MANY + 2] = {0};
    uint16_t *restrict at = out->at;
    memset(count, 0, sizeof(int32_t) * (size_t)sources);
    for (int32_t e = from; e < to; e++) count[source[e]]++;
    for (int32_t s = 0; s < sources; s++) bound[group_of(count[s]) + 1]++;
    for (int32_t k = 0; k <= MANY; k++) out->end[k] = bound[k + 1] += bound[k];
    for (int32_t s = 0; s < sources; s++) out->order[bound[group_of(count[s])]++] = s;
    for (int32_t i = 0, sum = 0; i < sources; sum += out->size[i++]) {
        const int32_t s = out->order[i];
        start[s] = sum, out->size[i] = count[s];
    }
    for (int32_t e = from; e < to; e++) at[start[source[e]]++] = (uint16_t)((step[e] + shift) * STRIDE);
}

/* ======== memory of one thread */

typedef struct {
    real *now, *next;      /* [lanes * STATES] states of all populations, one after the other: [STATES][lanes] each */
    real *tangent;         /* [TANGENTS][lanes] where steps go in one call: see saltus_clock_output */
    real *y;               /* as the states: adjoints */
    real *scattered;       /* [port_lanes] */
    deliveries *from;      /* [ports] */
    int32_t *list;         /* [ports][most] */
    real *before;          /* [capacity][STATES] states at the start of each spike's step */
    uint64_t *hits;        /* a bit for each lane of the widest population */
    real *weight;          /* of a unit weight that arrives at each step of a block: see `place_of` */
    real *credit;          /* [port_lanes] of an arrival at one step */
    real *credits;         /* as `weight`, where delays are learned */
    real *path;            /* [steps + 1][lanes * STATES] states at the start of each step, only for moments */
    real *moments;         /* one sample's */
    real *sums;            /* [rows][WIDE] where all is read at the end */
    double *owed;          /* [capacity] dL/dt of each spike */
    by_source sorted, rows; /* spikes of a block; where a group is not plain, rows of weights in the place of sources */
    int32_t *count, *first; /* [sources] for sorting */
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

/* Whether all steps do: one population is the whole group, and is not looked at on the way. */
static int in_one_call(const saltus_clock *net)
{
    return net->plain && net->populations == 1 && net->samples == 0;
}

static int32_t sources_of(const saltus_clock *net)
{
    return net->channels + net->neurons;
}

static int64_t rows_of(const saltus_clock *net)
{
    return net->row_start[net->classes * (int64_t)(sources_of(net) + 1) - 1];
}

/* The rows of the neurons of a plain group; NULL: they have none. */
static const real *own_rows(const saltus_clock *net)
{
    return net->plain == 2 ? net->port[0].weight + net->channels * (int64_t)net->port[0].lanes : NULL;
}

/* What the gradient of weights is summed up from: a column for each LANES lanes of the ports, [block][LANES], so that the sums
 * of one column read little memory; columns are set apart by an odd number of lines. */
static int64_t column_of(const saltus_clock *net)
{
    return (net->block | 1) * (int64_t)LANES;
}

/* Of a lane of the ports, from the first column's line for a step on. */
static int64_t place_of(const saltus_clock *net, int64_t lane)
{
    return lane / LANES * column_of(net) + lane % LANES;
}

/* Of one source with one delay, at most. */
static int64_t rows_at_once(const saltus_clock *net)
{
    int64_t most = 0;
    for (int64_t s = 0; s < net->classes * (int64_t)(sources_of(net) + 1) - 1; s++)
        if (net->row_start[s + 1] - net->row_start[s] > most) most = net->row_start[s + 1] - net->row_start[s];
    return most;
}

/* Where the gradient of a weight is: dense rows lie column by column, as they are added up. */
static int64_t place_in_sums(const saltus_clock *net, int64_t weight)
{
    for (int32_t p = 0; p < net->ports; p++) {
        const saltus_clock_port *port = net->port + p;
        const int64_t within = weight - (port->weight - net->weight), row = within / port->lanes, lane = within % port->lanes;
        if (within >= 0 && row < port->rows) return weight - within + lane / LANES * port->rows * LANES + row * LANES + lane % LANES;
    }
    return weight;
}

static by_source take_sorted(char *base, int64_t *used, int64_t sources, int64_t spikes)
{
    const int64_t i = sizeof(int32_t);
    int32_t *order = take(base, used, sources * i), *size = take(base, used, sources * i), *end = take(base, used, (MANY + 1) * i);
    return (by_source){order, size, end, take(base, used, spikes * (int64_t)sizeof(uint16_t))};
}

static int64_t lay_out(workspace *w, const saltus_clock *net, int64_t capacity, int64_t events,
                       const saltus_clock_gradient *gradient, char *base)
{
    const int64_t d = sizeof(double), i = sizeof(int32_t), f = sizeof(real), states = (int64_t)net->lanes * STATES;
    int64_t used = base == NULL ? 64 : (-(int64_t)(intptr_t)base) & 63;
    *w = (workspace){0};
    w->now = take(base, &used, states * f);
    w->next = take(base, &used, states * f);
    w->tangent = take(base, &used, (int64_t)net->lanes * TANGENTS * f);
    w->scattered = take(base, &used, net->port_lanes * f);
    w->from = take(base, &used, net->ports * (int64_t)sizeof(deliveries));
    w->list = take(base, &used, net->ports * (int64_t)net->most * i);
    w->before = take(base, &used, capacity * STATES * f);
    w->hits = take(base, &used, net->lanes / 8 + 16);
    if (net->at_end) w->sums = take(base, &used, rows_of(net) * WIDE * f);
    if (gradient == NULL) return used;
    const int64_t sources = sources_of(net);
    w->y = take(base, &used, states * f);
    w->weight = take(base, &used, net->port_lanes / LANES * column_of(net) * f);
    w->credit = take(base, &used, net->port_lanes * f);
    w->credits = take(base, &used, gradient->delays == NULL ? 0 : net->port_lanes / LANES * column_of(net) * f);
    w->owed = take(base, &used, capacity * d);
    w->sorted = take_sorted(base, &used, sources, capacity + events);
    if (!net->plain) w->rows = take_sorted(base, &used, rows_of(net), rows_at_once(net) * (capacity + events));
    w->count = take(base, &used, sources * i);
    w->first = take(base, &used, sources * i);
    if (gradient->moments == NULL) return used;
    w->path = take(base, &used, (net->steps + 1) * states * f);
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
        w->from[0].row = channel + in_first[j];
        w->from[0].count = in_first[j + 1] - in_first[j];
        w->from[0].own = neuron + out_first[j];
        w->from[0].owns = net->plain == 2 ? out_first[j + 1] - out_first[j] : 0;
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

/* Where spikes did not fit, or the last one left its neuron above threshold. */
static int failed(const run *r, int code, const spike_log *log)
{
    const double time = log->count == 0 ? 0.0 : log->step[log->count - 1] * r->net->dt;
    if (code == CAPACITY) return fail(r->status, CAPACITY, r->sample, -1, time, 2 * log->capacity + r->net->neurons);
    return fail(r->status, code, r->sample, log->neuron[log->count - 1], time, 0);
}

/* The tangents at the end. */
static void keep_tangents(const run *r)
{
    double *out = r->out->final_tangent + r->sample * (int64_t)r->net->neurons * TANGENTS;
    for (int32_t n = 0; n < r->net->neurons; n++)
        for (int i = 0; i < TANGENTS; i++) *out++ = r->w->tangent[i * (int64_t)r->net->lanes + n];
}

static void swap_states(workspace *w)
{
    real *swap = w->now;
    w->now = w->next, w->next = swap;
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
        w->from[k] = (deliveries){.weight = net->port[k].weight, .own_weight = own_rows(net), .row = w->list + k * (int64_t)net->most,
                                  .scattered = net->port[k].scattered ? w->scattered + net->port[k].first_lane : NULL};
    spike_log log = {out->neuron + r->sample * out->capacity, out->step + r->sample * out->capacity, out->time + r->sample * out->capacity,
                     out->slope + r->sample * out->capacity, w->before, out->state + r->sample * out->capacity * STATES,
                     out->moved == NULL ? NULL : out->moved + r->sample * out->capacity * TANGENTS, out->capacity, 0};
    for (int32_t k = 0; k < net->populations; k++)
        MODELS[net->population[k].model].begin(net->population + k, w->now + net->population[k].first_lane * (int64_t)STATES);
    out_first[0] = out_first[1] = 0;
    memset(w->hits, 0, sizeof(uint64_t) * (size_t)(net->lanes / 64 + 1)); /* each step leaves none; what was here before might */
    int32_t j = 0;
    if (in_one_call(net)) {
        const heard_events heard = {net->port[0].weight, own_rows(net), r->in->channel + r->in->start[r->sample], in_first, out_first, net->steps, w->hits};
        const model_table *model = MODELS + net->population->model;
        if (path != NULL) {
            memcpy(path, w->now, sizeof(real) * (size_t)states);
            model->retrace(net->population, path, states, &heard, log.neuron);
            return DONE;
        }
        real *tangent = out->final_tangent == NULL ? NULL : w->tangent;
        if (tangent != NULL) memset(tangent, 0, sizeof(real) * (size_t)net->lanes * TANGENTS);
        const int code = model->run(net->population, w->now, w->next, tangent, &heard, &log);
        if (code) return failed(r, code, &log);
        if (tangent != NULL) keep_tangents(r);
        j = net->steps;
        if (j % 2) swap_states(w);
    }
    for (; j <= net->steps; j++) {
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
            const int code = model->emit == NULL ? DONE : model->emit(P, j, w->hits, now, next, NULL, &log);
            if (code) return failed(r, code, &log);
        }
        if (j == net->steps) break;
        out_first[j + 2] = log.count;
        if (path != NULL) memcpy(path + j * states, w->now, sizeof(real) * (size_t)states);
        swap_states(w);
    }
    out->count[r->sample] = log.count;
    for (int32_t k = 0; k < net->populations; k++)
        if (MODELS[net->population[k].model].cross != NULL) MODELS[net->population[k].model].cross(net->population + k, net->dt, &log, 0);
    if (path == NULL) snapshot(r, w->now, out->final + r->sample * (int64_t)net->neurons * STATES);
    return DONE;
}

/* ======== gradients of weights: for each source, what a unit weight would have given at each of its arrivals
 *
 * A row of the gradient is read and written once for each block of steps, a column of it at a time, so that what is added up
 * stays in the first caches. */

/* A place of a column, later by what `at` holds. */
SALTUS_INLINE const real *at_step(const real *column, uint16_t at)
{
    return (const real *)((const char *)column + at * (size_t)8);
}

/* The spikes of channels (or of neurons) that arrive with this delay in steps [low, high), by source: kept with the input, or in
 * the workspace. */
static by_source spikes_by_source(const run *r, int neurons, int32_t low, int32_t high, int32_t delay)
{
    const saltus_clock *net = r->net;
    const workspace *w = r->w;
    const int32_t from = low < delay ? 0 : low - delay, to = high < delay ? 0 : high - delay, shift = delay - low;
    const int32_t *first = (neurons ? r->out->first : r->in->first) + r->sample * (int64_t)(net->steps + 2);
    const int64_t sent = r->sample * r->out->capacity, heard = r->in->start[r->sample];
    const spike_range spikes = neurons ? (spike_range){r->out->neuron + sent, r->out->step + sent, first[from], first[to], net->neurons}
                                       : (spike_range){r->in->channel + heard, r->in->step + heard, first[from], first[to], net->channels};
    const saltus_clock_sorted *kept = neurons || delay > 0 ? NULL : r->in->sorted;
    if (kept == NULL) {
        sort_spikes(&spikes, shift, &w->sorted, w->count, w->first);
        return w->sorted;
    }
    const int64_t blocks = (net->steps + net->block) / net->block, block = r->sample * blocks + (net->steps + 1 - high) / net->block;
    const by_source found = {kept->order + block * net->channels, kept->size + block * net->channels, kept->end + block * (MANY + 1),
                             kept->at + heard + first[from]};
    if (!kept->done[block]) sort_spikes(&spikes, shift, &found, w->count, w->first);
    kept->done[block] = 1;
    return found;
}

/* The dense rows of sources from number `offset` on that end at a port, as if they were sources: their numbers among the port's. */
static by_source rows_by_number(const run *r, int32_t c, int32_t port, int32_t offset, int32_t sources, const by_source *sorted)
{
    const by_source rows = r->w->rows;
    const int64_t *start = r->net->row_start + c * (int64_t)(sources_of(r->net) + 1) + offset;
    int32_t count = 0, group = 0;
    int64_t from = 0, to = 0;
    for (int32_t i = 0; i < sources; from += sorted->size[i++]) {
        const int32_t s = sorted->order[i], size = sorted->size[i];
        for (; group < group_of(size); group++) rows.end[group] = count;
        for (int64_t k = start[s]; k < start[s + 1]; k++) {
            const saltus_clock_row *row = r->net->row + k;
            if (row->target >= 0 || row->port != port) continue;
            rows.order[count] = row->count, rows.size[count++] = size;
            memcpy(rows.at + to, sorted->at + from, sizeof(uint16_t) * (size_t)size);
            to += size;
        }
    }
    for (; group <= MANY; group++) rows.end[group] = count;
    return rows;
}

/* A column of `rows` rows that have `count` arrivals each (MANY: as many as `size` says). Returns where the arrivals end. */
SALTUS_INLINE const uint16_t *add_column(const int count, int fresh, int32_t rows, const int32_t *row, const int32_t *size,
                                         const uint16_t *restrict at, const real *restrict column, real *restrict gradient, const real *next)
{
    for (int32_t i = 0; i < rows; i++) {
        __builtin_prefetch(next + i * (int64_t)LANES, 1, 2);
        real *to = gradient + row[i] * (int64_t)LANES;
        vec sum = fresh ? splat(0) : load(to);
        const int arrivals = count == MANY ? size[i] : count;
        int k = 0;
#pragma GCC unroll 8
        for (; k + 4 <= arrivals; k += 4) { /* four places in one load: loads are what takes long */
            uint64_t four;
            memcpy(&four, at + k, sizeof four);
#pragma GCC unroll 4
            for (int m = 0; m < 4; m++) sum += load(at_step(column, (uint16_t)(four >> 16 * m)));
        }
#pragma GCC unroll 4
        for (; k < arrivals; k++) sum += load(at_step(column, at[k]));
        store(to, sum);
        at += arrivals;
    }
    return at;
}

/* The rows of a port; gradient: of number 0. */
SALTUS_APART void add_rows(const run *r, const saltus_clock_port *port, int fresh, const by_source *rows, const real *each, real *gradient)
{
    for (int64_t lane = 0; lane < port->lanes; lane += LANES) {
        const real *column = each + place_of(r->net, port->first_lane + lane);
        const uint16_t *at = rows->at;
        for (int32_t group = fresh ? 0 : 1, first = fresh ? 0 : rows->end[0]; group <= MANY; first = rows->end[group++])
            switch (group) {
#define WITH(count) \
    case count: at = add_column(count, fresh, rows->end[group] - first, rows->order + first, rows->size + first, at, column, gradient, gradient + (port->rows + first) * (int64_t)LANES); break;
#define WITH_FOUR(count) WITH(count) WITH(count + 1) WITH(count + 2) WITH(count + 3)
                WITH_FOUR(0) WITH_FOUR(4) WITH_FOUR(8) WITH_FOUR(12) WITH_FOUR(16) WITH_FOUR(20) WITH_FOUR(24) WITH_FOUR(28) WITH(MANY)
            }
        gradient += port->rows * (int64_t)LANES;
    }
}

static void add_sparse(const run *r, const saltus_clock_row *row, int fresh, real *gradient, const real *each, const uint16_t *at, int32_t count)
{
    real *to = gradient + row->at;
    for (int32_t i = 0; i < row->count; i++) {
        const real *from = each + place_of(r->net, r->net->port[row->port].first_lane + r->net->targets[row->target + i]);
        real sum = 0;
        for (int32_t k = 0; k < count; k++) sum += *at_step(from, at[k]);
        to[i] = fresh ? sum : to[i] + sum;
    }
}

/* The arrivals of steps [low, high) with delays of class c that are of channels (or of neurons); what they give is in the workspace;
 * fresh: what is there is not yet a sum. */
static void gather_from(const run *r, int neurons, int32_t c, int32_t low, int32_t high, real *weights, real *delays, int fresh)
{
    const saltus_clock *net = r->net;
    const workspace *w = r->w;
    const int32_t offset = neurons ? net->channels : 0, sources = neurons ? net->neurons : net->channels;
    const int64_t *start = net->row_start + c * (int64_t)(sources_of(net) + 1) + offset;
    const by_source sorted = spikes_by_source(r, neurons, low, high, net->delay[c]);
    int scattered = 0;
    for (int32_t p = 0; p < net->ports; p++) {
        const saltus_clock_port *port = net->port + p;
        const by_source rows = net->plain ? sorted : rows_by_number(r, c, p, offset, sources, &sorted);
        const int64_t first = port->weight - net->weight + (net->plain ? offset * (int64_t)LANES : 0);
        scattered |= port->scattered;
        if (weights != NULL) add_rows(r, port, fresh, &rows, w->weight, weights + first);
        if (delays != NULL) add_rows(r, port, fresh, &rows, w->credits, delays + first);
    }
    const uint16_t *at = sorted.at;
    for (int32_t i = 0; scattered && i < sources; at += sorted.size[i++]) {
        const int32_t s = sorted.order[i], size = sorted.size[i];
        for (int64_t k = start[s]; (fresh || size > 0) && k < start[s + 1]; k++) {
            const saltus_clock_row *row = net->row + k;
            if (row->target < 0) continue;
            if (weights != NULL) add_sparse(r, row, fresh, weights, w->weight, at, size);
            if (delays != NULL) add_sparse(r, row, fresh, delays, w->credits, at, size);
        }
    }
}

/* All arrivals of steps [low, high). */
static void gather(const run *r, int32_t low, int32_t high, real *weights, real *delays, int fresh)
{
    for (int32_t c = 0; c < r->net->classes; c++)
        for (int neurons = 0; neurons <= (r->net->plain != 1); neurons++) gather_from(r, neurons, c, low, high, weights, delays, fresh);
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

/* Keeps the credits of one step of a block, for the gradient of delays. */
static void file_credits(const run *r, int32_t step)
{
    const workspace *w = r->w;
    for (int64_t lane = 0; lane < r->net->port_lanes; lane += LANES)
        store(w->credits + step * LANES + place_of(r->net, lane), load(w->credit + lane));
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

/* The spikes that are recorded at step j, population by population. */
static void undo_spikes(const run *r, int32_t j, double *parameters)
{
    const int32_t *first = r->out->first + r->sample * (int64_t)(r->net->steps + 2);
    const int64_t place = r->sample * r->out->capacity;
    const int32_t *neuron = r->out->neuron + place;
    for (int32_t k = first[j], end; k < first[j + 1]; k = end) {
        const saltus_clock_population *P = r->net->population + r->net->population_of[neuron[k]];
        for (end = k + 1; end < first[j + 1] && neuron[end] < P->first + P->count;) end++;
        MODELS[P->model].undo(P, end - k, neuron + k, r->w->owed + k, r->out->state + (place + k) * STATES,
                              r->w->y + P->first_lane * (int64_t)STATES, parameters == NULL ? NULL : parameters + P->first_parameter);
    }
}

/* The spikes of a plain group that are owed something; event_time: to the incoming ones (NULL: nothing). */
static sent_spikes sent_by(const run *r, double *event_time)
{
    const saltus_clock *net = r->net;
    const int64_t place = r->sample * r->out->capacity, steps = r->sample * (int64_t)(net->steps + 2);
    const all_senders own = {own_rows(net), r->out->neuron + place, r->w->owed, r->out->first + steps};
    const all_senders heard = {event_time == NULL ? NULL : net->port->weight, r->in->channel + r->in->start[r->sample], event_time, r->in->first + steps};
    return (sent_spikes){ {own, heard}, r->out->state + place * STATES};
}

/* The adjoints of all populations, one step back where there is one; what unit weights give there, and their credits,
 * to memory or (credit NULL) to the spikes of a plain group. */
static void step_back(const run *r, int32_t j, real *weight, real *credit, double *event_time)
{
    const saltus_clock *net = r->net;
    const senders nobody[KINDS] = {{0}};
    senders all[KINDS] = {{0}};
    if (credit == NULL) {
        const sent_spikes sent = sent_by(r, event_time);
        for (int kind = 0; kind < KINDS; kind++) all[kind] = in_step(sent.kind + kind, j);
    }
    for (int32_t k = 0; k < net->populations; k++) {
        const saltus_clock_population *P = net->population + k;
        const model_table *model = MODELS + P->model;
        real *y = r->w->y + P->first_lane * (int64_t)STATES;
        receipts to[32];
        const int32_t ports = (k + 1 < net->populations ? net->population[k + 1].first_port : net->ports) - P->first_port;
        for (int32_t i = 0; i < ports; i++) {
            const int32_t lane = net->port[P->first_port + i].first_lane;
            to[i] = (receipts){weight + place_of(net, lane), credit == NULL ? NULL : credit + lane, column_of(net)};
        }
        const senders *from = ports > 0 ? all : nobody;
        if (j == net->steps) {
            model->deliver(P, y, to, from);
            continue;
        }
        if (r->w->path != NULL)
            model->moment(P, y, r->w->path + (j * (int64_t)net->lanes + P->first_lane) * STATES, r->w->moments + P->first_moment);
        model->retreat(P, y, to, from);
    }
}

/* Steps [low, high) back of a plain group of one population: see the model's. */
static void sweep(const run *r, int32_t low, int32_t high, double *event_time, double *parameters)
{
    const saltus_clock *net = r->net;
    const sent_spikes sent = sent_by(r, event_time);
    const kept_path kept = {r->w->path, r->w->moments, net->lanes * (int64_t)STATES};
    const receipts to = {r->w->weight + (high - 1 - low) * (int64_t)LANES, NULL, column_of(net)};
    MODELS[net->population->model].sweep(net->population, r->w->y, to, &sent, &kept, low, high, parameters);
}

/* What parameters of the flow gain where the forward run carried tangents. */
static void gain_by_tangents(const run *r, double *parameters)
{
    const saltus_clock *net = r->net;
    const saltus_clock_output *out = r->out;
    const int64_t b = r->sample, place = b * out->capacity;
    const model_table *model = MODELS + net->population->model;
    if (r->cotangent->final != NULL)
        model->end_tangents(net->population, r->cotangent->final + b * net->neurons * STATES, out->final_tangent + b * net->neurons * TANGENTS, parameters);
    if (model->emit != NULL) model->move_spikes(net->population, out->count[b], out->neuron + place, r->w->owed, out->moved + place * TANGENTS, parameters);
}

static void finish(const run *r, double *parameters, double *moments)
{
    if (parameters != NULL && r->out->final_tangent != NULL) gain_by_tangents(r, parameters);
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
    const real *reach, *gain, *claim; /* [ports][steps + 1][WIDE] */
} end_tables;

/* A number for each state, in one load: WIDE of them, a power of two. */
typedef real each_state __attribute__((vector_size(WIDE * sizeof(real)), aligned(sizeof(real)), may_alias));

static end_tables tables_of(const saltus_clock *net)
{
    const int64_t size = net->ports * (int64_t)(net->steps + 1) * WIDE;
    const real *base = net->tables + STATES;
    return (end_tables){net->tables, base, base + size, base + 2 * size};
}

int64_t saltus_clock_tables(const saltus_clock *net)
{
    return STATES + 3 * net->ports * (int64_t)(net->steps + 1) * WIDE;
}

/* For each row, the sum of a table over its arrivals. */
static void sum_up(const run *r, const real *restrict table, real *restrict sums)
{
    const saltus_clock *net = r->net;
    const int64_t start = r->in->start[r->sample];
    const int32_t *channel = r->in->channel + start, *step = r->in->step + start, events = r->in->count[r->sample];
    memset(sums, 0, sizeof(real) * (size_t)(rows_of(net) * WIDE));
    for (int32_t e = 0; net->plain && e < events; e++) /* row s is of channel s */
        *(each_state *)(sums + channel[e] * (int64_t)WIDE) += *(const each_state *)(table + (net->steps - step[e]) * (int64_t)WIDE);
    for (int32_t c = 0; !net->plain && c < net->classes; c++) {
        const int64_t *first = net->row_start + c * (int64_t)(sources_of(net) + 1);
        for (int32_t e = 0; e < events; e++) {
            const int32_t left = net->steps - net->delay[c] - step[e];
            for (int64_t i = first[channel[e]]; left >= 0 && i < first[channel[e] + 1]; i++) {
                const int64_t at = net->row[i].port * (int64_t)(net->steps + 1) + left;
                *(each_state *)(sums + i * WIDE) += *(const each_state *)(table + at * WIDE);
            }
        }
    }
}

static void forward_to_end(const run *r)
{
    const saltus_clock *net = r->net;
    workspace *w = r->w;
    const end_tables t = tables_of(net);
    const int64_t rows = rows_of(net);
    sum_up(r, t.reach, w->sums);
    for (int32_t n = 0; n < net->lanes; n += LANES) {
        vec x[STATES];
        for (int s = 0; s < STATES; s++) x[s] = splat(t.rest[s]);
        for (int64_t i = 0; i < rows; i++) {
            const saltus_clock_row *row = net->row + i;
            for (int s = 0; s < STATES && row->target < 0; s++) x[s] += w->sums[i * WIDE + s] * load(net->weight + row->at + n);
        }
        for (int s = 0; s < STATES; s++) store(w->now + s * (int64_t)net->lanes + n, x[s]);
    }
    for (int64_t i = 0; net->port->scattered && i < rows; i++) {
        const saltus_clock_row *row = net->row + i;
        for (int s = 0; s < STATES && row->target >= 0; s++)
            for (int32_t k = 0; k < row->count; k++)
                w->now[s * (int64_t)net->lanes + net->targets[row->target + k]] += w->sums[i * WIDE + s] * net->weight[row->at + k];
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
    const int64_t rows = rows_of(net), start = r->in->start[r->sample];
    const int32_t *channel = r->in->channel + start, *step = r->in->step + start;
    int matters[STATES] = {0};
    for (int s = 0; s < STATES; s++)
        for (int32_t n = 0; n < net->lanes; n++) matters[s] |= w->y[s * (int64_t)net->lanes + n] != 0;
    if (weights != NULL) {
        sum_up(r, t.gain, w->sums);
        for (int64_t i = 0; i < rows; i++) {
            const saltus_clock_row *row = net->row + i;
            const real *sums = w->sums + i * WIDE;
            real *to = weights + place_in_sums(net, row->at);
            for (int32_t n = 0; n < net->lanes && row->target < 0; n += LANES, to += net->port[row->port].rows * (int64_t)LANES) {
                vec sum = load(to);
                for (int s = 0; s < STATES; s++)
                    if (matters[s]) sum += sums[s] * load(w->y + s * (int64_t)net->lanes + n);
                store(to, sum);
            }
            for (int32_t k = 0; k < row->count && row->target >= 0; k++)
                for (int s = 0; s < STATES; s++) to[k] += sums[s] * w->y[s * (int64_t)net->lanes + net->targets[row->target + k]];
        }
    }
    if (event_time == NULL) return;
    for (int64_t i = 0; i < rows; i++)
        for (int s = 0; s < STATES; s++)
            w->sums[i * WIDE + s] = !matters[s] ? 0 : (real)row_credit(r, net->row + i, w->y + s * (int64_t)net->lanes);
    for (int s = 0; net->plain && s < STATES; s++)
        for (int32_t e = 0; matters[s] && e < r->in->count[r->sample]; e++)
            event_time[e] += w->sums[channel[e] * WIDE + s] * t.claim[(net->steps - step[e]) * (int64_t)WIDE + s];
    for (int32_t c = 0; !net->plain && c < net->classes; c++) {
        const int64_t *first = net->row_start + c * (int64_t)(sources_of(net) + 1);
        for (int32_t e = 0; e < r->in->count[r->sample]; e++) {
            const int32_t left = net->steps - net->delay[c] - step[e];
            for (int64_t i = first[channel[e]]; left >= 0 && i < first[channel[e] + 1]; i++)
                for (int s = 0; s < STATES; s++)
                    event_time[e] += w->sums[i * WIDE + s] * t.claim[(net->row[i].port * (int64_t)(net->steps + 1) + left) * WIDE + s];
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
    const int kept = !net->plain || delays != NULL;
    int32_t sample = net->samples - 1;
    const int swift = !kept && in_one_call(net);
    for (int32_t high = net->steps + 1, low; high > 0; high = low) {
        low = high > net->block ? high - net->block : 0;
        for (int32_t j = high - 1; j >= low; j--) {
            if (swift && j < net->steps) {
                sweep(r, low, j + 1, event_time, parameters);
                break;
            }
            real *weight = w->weight + (j - low) * LANES, *credit = kept ? w->credit : NULL;
            step_back(r, j, weight, credit, event_time);
            if (kept) give_credits(r, j, credit, event_time);
            if (delays != NULL) file_credits(r, j - low);
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

int32_t saltus_clock_tangents(const saltus_clock *net)
{
    return in_one_call(net) && !net->at_end && MODELS[net->population->model].end_tangents != NULL ? TANGENTS : 0;
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
    (void)threads, (void)bytes;
#ifdef _OPENMP
    const int caller = here(threads);
#pragma omp parallel num_threads(threads)
    {
        make_way(caller);
#pragma omp for schedule(dynamic) nowait
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
#ifdef _OPENMP
    }
#endif
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

int32_t saltus_clock_same(const double *given, int64_t rows, int64_t columns, int64_t lanes, const saltus_real *mine)
{
    for (int64_t row = 0; row < rows; row++) {
        int differ = 0;
        for (int64_t n = 0; n < columns; n++) differ |= (real)given[row * columns + n] != mine[row * lanes + n];
        if (differ) return 0;
    }
    return 1;
}

int32_t saltus_clock_read(const double *given, int64_t rows, int64_t columns, int64_t lanes, saltus_real *mine)
{
    int wrong = 0;
    for (int64_t row = 0; row < rows; row++)
        for (int64_t n = 0; n < columns; n++) {
            const real value = (real)given[row * columns + n];
            mine[row * lanes + n] = value;
            wrong |= !(value - value == 0);
        }
    return !wrong;
}

enum { PIECE = 128, LEFT_OVER = 1024 }; /* rows of a column, and other weights, whose sums are added up at a time */

typedef double eight __attribute__((vector_size(64), aligned(8), may_alias));
typedef real eight_reals __attribute__((vector_size(8 * sizeof(real)), may_alias));

/* A line, of all chunks at once: memory sends several streams as soon as one. */
SALTUS_INLINE void add_line(const saltus_clock *net, const real *sums, double *total)
{
    enum { EIGHTS = LANES / 8 };
    eight sum[EIGHTS] = {{0.0}};
    for (int32_t chunk = 0; chunk < net->chunks; chunk++)
#pragma GCC unroll 2
        for (int i = 0; i < EIGHTS; i++) sum[i] += __builtin_convertvector(*(const eight_reals *)(sums + chunk * net->weights + 8 * i), eight);
    for (int i = 0; i < EIGHTS; i++) *(eight *)(total + 8 * i) = sum[i];
}

static int32_t pieces_of_column(const saltus_clock_port *port)
{
    return (port->rows + PIECE - 1) / PIECE;
}

/* The first weight that is in no dense row. */
static int64_t left_over(const saltus_clock *net)
{
    const saltus_clock_port *last = net->port + net->ports - 1;
    return net->ports == 0 ? 0 : last->weight - net->weight + last->rows * (int64_t)last->lanes;
}

int32_t saltus_clock_pieces(const saltus_clock *net)
{
    int64_t count = (net->weights - left_over(net) + LEFT_OVER - 1) / LEFT_OVER;
    for (int32_t p = 0; p < net->ports; p++) count += net->port[p].lanes / LANES * pieces_of_column(net->port + p);
    return (int32_t)count;
}

/* Column by column, as memory sends on what follows what was read. */
static void add_piece(const saltus_clock *net, const real *sums, double *total, int32_t piece)
{
    for (const saltus_clock_port *port = net->port; port < net->port + net->ports; port++) {
        const int32_t each = pieces_of_column(port), count = port->lanes / LANES * each;
        if (piece >= count) {
            piece -= count;
            continue;
        }
        const int64_t first = port->weight - net->weight, lane = piece / each * (int64_t)LANES, from = piece % each * (int64_t)PIECE;
        for (int64_t row = from; row < from + PIECE && row < port->rows; row++) {
            double *to = total + first + row * port->lanes + lane;
            __builtin_prefetch(to + 6 * (int64_t)port->lanes, 1);
            __builtin_prefetch(to + 6 * (int64_t)port->lanes + LANES - 1, 1);
            add_line(net, sums + first + lane * port->rows + row * LANES, to);
        }
        return;
    }
    const int64_t from = left_over(net) + piece * (int64_t)LEFT_OVER, to = from + LEFT_OVER < net->weights ? from + LEFT_OVER : net->weights;
    for (int64_t i = from; i < to; i += LANES) add_line(net, sums + i, total + i);
}

int32_t saltus_clock_sum(const saltus_clock *net, const real *sums, double *total, int32_t first, int32_t last, int32_t threads)
{
    (void)threads;
#ifdef _OPENMP
#pragma omp parallel for num_threads(threads)
#endif
    for (int32_t piece = first; piece < last; piece++) add_piece(net, sums, total, piece);
    return DONE;
}

void saltus_clock_reduce(const saltus_clock *net, const saltus_clock_gradient *gradient)
{
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
