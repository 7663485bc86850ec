/* Made by `saltus emit` from bouncing_ball.toml (clock; ir.json 2bb361aa03f9). Do not edit: change the spec or the templates and run it again.
 *
 * The clock engine: populations of bouncing_ball on a grid of steps dt. Within a step the flow is exact;
 * arrivals, resets and their adjoint jumps act at grid points; a spike is recorded at the end of the step in which its
 * guard crosses zero, with its time and its states at the crossing.
 */
#include "clock.h"

#include "exponentials.h"

#ifdef _OPENMP
#include <omp.h>
#endif

enum { STATES = 2, ABI = 2 };
enum { DONE, CAPACITY, STARTS_ABOVE, RESETS_ABOVE, WORKSPACE };

/* A piece of the workspace; with base NULL it is only counted. */
static void *take(char *base, int64_t *used, int64_t bytes)
{
    char *place = base == NULL ? NULL : base + *used;
    *used += (bytes + 63) & ~(int64_t)63;
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

/* The sum of all lanes, in a fixed order. */
SALTUS_INLINE real total(vec v)
{
    real part[LANES];
    memcpy(part, &v, sizeof part);
    for (int width = LANES / 2; width > 0; width /= 2)
        for (int i = 0; i < width; i++) part[i] += part[i + width];
    return part[0];
}

SALTUS_INLINE real dot(const real *a, const real *b, int32_t lanes)
{
    vec sum[4] = {{0}};
    int32_t n = 0;
    for (; n + 4 * LANES <= lanes; n += 4 * LANES)
        for (int q = 0; q < 4; q++) sum[q] += load(a + n + q * LANES) * load(b + n + q * LANES);
    for (; n < lanes; n += LANES) sum[0] += load(a + n) * load(b + n);
    return total((sum[0] + sum[1]) + (sum[2] + sum[3]));
}

/* What arrives at a receptor in one step: dense rows by number, and what sparse rows came to (NULL: none). */
typedef struct {
    const real *weight;
    const int32_t *row;
    int32_t count;
    const real *scattered;
} deliveries;

/* ======== bouncing_ball: A ball that falls and bounces: an event at the ground, and no neuron
 * (Mechanics; landing times have a closed form) */

/* ---- constants */

/* ---- the flow between events */

SALTUS_INLINE void bouncing_ball_propagator(const double dt, const double gravity,
    double *restrict Phi_height_velocity, double *restrict psi_height, double *restrict psi_velocity)
{
    *Phi_height_velocity = dt; /* flow.propagator */
    *psi_height = -gravity * dt * dt / 2.0; /* flow.propagator */
    *psi_velocity = -gravity * dt; /* flow.propagator */
}

SALTUS_INLINE void bouncing_ball_advance(const double height, const double velocity,
    const double Phi_height_velocity, const double psi_height, const double psi_velocity,
    double *restrict height_next, double *restrict velocity_next)
{
    *height_next = height + Phi_height_velocity * velocity + psi_height; /* flow.height */
    *velocity_next = velocity + psi_velocity; /* flow.velocity */
}

SALTUS_INLINE void bouncing_ball_adjoint(const double lambda_height, const double lambda_velocity,
    const double Phi_height_velocity, double *restrict lambda_height_next,
    double *restrict lambda_velocity_next)
{
    *lambda_height_next = lambda_height; /* flow.adjoint.height */
    *lambda_velocity_next = Phi_height_velocity * lambda_height + lambda_velocity; /* flow.adjoint.velocity */
}

SALTUS_INLINE void bouncing_ball_flow_parameters(const double dt, const double lambda_height,
    const double lambda_velocity, double *restrict grad_gravity)
{
    const double costate_height = -lambda_height; /* costate */
    const double costate_velocity = -lambda_velocity; /* costate */
    const double psi_height_gravity = -dt * dt / 2.0; /* flow.derivative */
    const double psi_velocity_gravity = -dt; /* flow.derivative */
    *grad_gravity = psi_height_gravity * costate_height + psi_velocity_gravity * costate_velocity;
        /* gradient.flow.gravity */
}

/* ---- the ends */

SALTUS_INLINE void bouncing_ball_terminal(const double final_height, const double final_velocity,
    double *restrict lambda_height_next, double *restrict lambda_velocity_next)
{
    *lambda_height_next = -final_height; /* adjoint.terminal */
    *lambda_velocity_next = -final_velocity; /* adjoint.terminal */
}

SALTUS_INLINE void bouncing_ball_initial_gradient(const double lambda_height, const double lambda_velocity,
    double *restrict grad_height0, double *restrict grad_velocity0)
{
    *grad_height0 = -lambda_height; /* gradient.initial */
    *grad_velocity0 = -lambda_velocity; /* gradient.initial */
}

/* ---- the adjoints as dL/dx */

SALTUS_INLINE void bouncing_ball_costate(const double lambda_height, const double lambda_velocity,
    double *restrict costate_height, double *restrict costate_velocity)
{
    *costate_height = -lambda_height; /* costate */
    *costate_velocity = -lambda_velocity; /* costate */
}

/* ---- emission: bounce */

SALTUS_INLINE void bouncing_ball_ladder_0(const double height, double *restrict u_0)
{
    *u_0 = -height; /* guard.ladder.0 */
}

SALTUS_INLINE void bouncing_ball_ladder_0_rate(double *restrict u_0_rate)
{
    *u_0_rate = 0.0; /* guard.ladder.0 */
}

SALTUS_INLINE void bouncing_ball_ladder_1(const double velocity, double *restrict u_1)
{
    *u_1 = -velocity; /* guard.ladder.1 */
}

SALTUS_INLINE void bouncing_ball_ladder_1_rate(double *restrict u_1_rate)
{
    *u_1_rate = 0.0; /* guard.ladder.1 */
}

SALTUS_INLINE void bouncing_ball_ladder_2(const double gravity, double *restrict u_2)
{
    *u_2 = gravity; /* guard.ladder.2 */
}

SALTUS_INLINE void bouncing_ball_ladder_2_rate(double *restrict u_2_rate)
{
    *u_2_rate = 0.0; /* guard.ladder.2 */
}

SALTUS_INLINE void bouncing_ball_guard(const double height, double *restrict guard)
{
    *guard = -height; /* transition.condition */
}

SALTUS_INLINE void bouncing_ball_guard_slope(const double velocity, double *restrict guard_slope)
{
    *guard_slope = -velocity; /* transition.slope */
}

SALTUS_INLINE void bouncing_ball_reset(const double height, const double velocity, const double restitution,
    double *restrict height_next, double *restrict velocity_next)
{
    *height_next = height; /* reset.height */
    *velocity_next = -restitution * velocity; /* reset.velocity */
}

SALTUS_INLINE void bouncing_ball_emission_adjoint(const double velocity, const double lambda_height,
    const double lambda_velocity, const double external, const double gravity, const double restitution,
    double *restrict sensitivity, double *restrict lambda_height_next, double *restrict lambda_velocity_next)
{
    *sensitivity = external - lambda_height * velocity * (restitution + 1.0) - gravity * lambda_velocity *
        (restitution + 1.0); /* jump.sensitivity */
    *lambda_height_next = (*sensitivity) / velocity + lambda_height; /* jump.emission */
    *lambda_velocity_next = -restitution * lambda_velocity; /* jump.emission.velocity */
}

SALTUS_INLINE void bouncing_ball_emission_parameters(const double velocity, const double lambda_velocity,
    double *restrict grad_restitution)
{
    *grad_restitution = lambda_velocity * velocity; /* gradient.jump.restitution */
}

/* ---- on vectors of neurons */

SALTUS_INLINE void bouncing_ball_advance_v(const vec height, const vec velocity, const vec
    Phi_height_velocity, const vec psi_height, const vec psi_velocity, vec *restrict height_next, vec
    *restrict velocity_next)
{
    *height_next = height + Phi_height_velocity * velocity + psi_height; /* flow.height */
    *velocity_next = velocity + psi_velocity; /* flow.velocity */
}

SALTUS_INLINE void bouncing_ball_adjoint_v(const vec lambda_height, const vec lambda_velocity, const vec
    Phi_height_velocity, vec *restrict lambda_height_next, vec *restrict lambda_velocity_next)
{
    *lambda_height_next = lambda_height; /* flow.adjoint.height */
    *lambda_velocity_next = Phi_height_velocity * lambda_height + lambda_velocity; /* flow.adjoint.velocity */
}

SALTUS_INLINE void bouncing_ball_guard_v(const vec height, vec *restrict guard)
{
    *guard = -height; /* transition.condition */
}

/* ---- one neuron as arrays */

typedef struct {
    double gravity, restitution, height0, velocity0;
} bouncing_ball_parameters;

SALTUS_INLINE bouncing_ball_parameters bouncing_ball_read(const double *p, int64_t stride)
{
    bouncing_ball_parameters q;
    q.gravity = p[0 * stride];
    q.restitution = p[1 * stride];
    q.height0 = p[2 * stride];
    q.velocity0 = p[3 * stride];
    return q;
}

static void bouncing_ball_begin(const double *p, int64_t stride, double *x)
{
    (void)p, (void)stride;
    x[0] = p[2 * stride];
    x[1] = p[3 * stride];
}

static void bouncing_ball_begin_back(const double *p, int64_t stride, const double *y, double *grad)
{
    const bouncing_ball_parameters q = bouncing_ball_read(p, stride);
    (void)q, (void)y, (void)grad;
    double grad_height0, grad_velocity0;
    bouncing_ball_initial_gradient(y[0], y[1], &grad_height0, &grad_velocity0);
    grad[2 * stride] += grad_height0;
    grad[3 * stride] += grad_velocity0;
}

/* dL/dx becomes the adjoint. */
static void bouncing_ball_end(const double *p, int64_t stride, const double *final, double *y)
{
    const bouncing_ball_parameters q = bouncing_ball_read(p, stride);
    (void)q;
    double lambda_height_next, lambda_velocity_next;
    bouncing_ball_terminal(final[0], final[1], &lambda_height_next, &lambda_velocity_next);
    y[0] = lambda_height_next;
    y[1] = lambda_velocity_next;
}

SALTUS_INLINE void bouncing_ball_entries(const bouncing_ball_parameters *q, double dt, double *entry)
{
    (void)q, (void)dt;
    double Phi_height_velocity, psi_height, psi_velocity;
    bouncing_ball_propagator(dt, q->gravity, &Phi_height_velocity, &psi_height, &psi_velocity);
    entry[0] = Phi_height_velocity;
    entry[1] = psi_height;
    entry[2] = psi_velocity;
}

static __attribute__((unused)) void bouncing_ball_advance_by(const bouncing_ball_parameters *q, double dt, const double *x, double *x_end)
{
    (void)q, (void)dt, (void)x;
    double Phi_height_velocity, psi_height, psi_velocity;
    bouncing_ball_propagator(dt, q->gravity, &Phi_height_velocity, &psi_height, &psi_velocity);
    double height_next, velocity_next;
    bouncing_ball_advance(x[0], x[1], Phi_height_velocity, psi_height, psi_velocity, &height_next, &velocity_next);
    x_end[0] = height_next;
    x_end[1] = velocity_next;
}

/* grad = d(a(end) . x(dt))/dp for each parameter. */
static void bouncing_ball_flow_back(const bouncing_ball_parameters *q, double dt, const double *x, const double *y, double *grad)
{
    (void)q, (void)dt, (void)x, (void)y;
    memset(grad, 0, sizeof(double[4]));
    double grad_gravity;
    bouncing_ball_flow_parameters(dt, y[0], y[1], &grad_gravity);
    grad[0] = grad_gravity;
}

/* Parameters, constants and the entries of the flow over one step, for each neuron. */
static void bouncing_ball_prepare(const saltus_clock_population *P, double dt)
{
    for (int32_t n = 0; n < P->lanes; n++) {
        const int32_t cell = n < P->count ? n : P->count - 1;
        if (P->shared && n > 0) {
            for (int i = 0; i < 7; i++) P->values[i * (int64_t)P->lanes + n] = P->values[i * (int64_t)P->lanes];
            continue;
        }
        const bouncing_ball_parameters q = bouncing_ball_read(P->parameters + cell, P->stride);
        double entry[3];
        bouncing_ball_entries(&q, dt, entry);
        P->values[0 * (int64_t)P->lanes + n] = (real)q.gravity;
        P->values[1 * (int64_t)P->lanes + n] = (real)q.restitution;
        P->values[2 * (int64_t)P->lanes + n] = (real)q.height0;
        P->values[3 * (int64_t)P->lanes + n] = (real)q.velocity0;
        P->values[4 * (int64_t)P->lanes + n] = (real)entry[0];
        P->values[5 * (int64_t)P->lanes + n] = (real)entry[1];
        P->values[6 * (int64_t)P->lanes + n] = (real)entry[2];
    }
}

/* The gradient of the flow's parameters is linear in adjoint times state: its coefficients, read off at unit vectors,
 * times the sums over all steps. moments: [state, and 1][adjoint] of one neuron, `apart` from one another. */
static void bouncing_ball_flow_gradient(const double *p, int64_t stride, double dt, const double *moments, int64_t apart, double *grad)
{
    const bouncing_ball_parameters q = bouncing_ball_read(p, stride);
    double none[4], each[4];
    for (int i = 0; i < 2; i++) {
        double y[2] = { 0.0 }, x[2] = { 0.0 };
        y[i] = 1.0;
        bouncing_ball_flow_back(&q, dt, x, y, none);
        for (int k = 0; k < 4; k++) grad[k * stride] += none[k] * moments[(2 * 2 + i) * apart];
        for (int j = 0; j < 2; j++) {
            x[j] = 1.0;
            bouncing_ball_flow_back(&q, dt, x, y, each);
            x[j] = 0.0;
            for (int k = 0; k < 4; k++)
                grad[k * stride] += (each[k] - none[k]) * moments[(j * 2 + i) * apart];
        }
    }
}

/* ---- the loops */

/* What arrives now at `tile` vectors of neurons from n on, then one step; hits: bits of those that end at or above threshold. */
SALTUS_INLINE void bouncing_ball_tile(const int tile, const int shared, const int steps, const int64_t n, const saltus_clock_population *P,
                              real *restrict now, real *restrict next, const deliveries *from, uint64_t *restrict hits)
{
    (void)from;
    uint64_t hit[(TILE * LANES + 63) / 64] = {0};
    const vec all_Phi_height_velocity = splat(P->values[4 * (int64_t)P->lanes]);
    const vec all_psi_height = splat(P->values[5 * (int64_t)P->lanes]);
    const vec all_psi_velocity = splat(P->values[6 * (int64_t)P->lanes]);

#pragma GCC unroll 16
    for (int q = 0; q < tile; q++) {
        const int64_t at = n + q * LANES;
        const vec Phi_height_velocity = shared ? all_Phi_height_velocity : load(P->values + 4 * (int64_t)P->lanes + at);
        const vec psi_height = shared ? all_psi_height : load(P->values + 5 * (int64_t)P->lanes + at);
        const vec psi_velocity = shared ? all_psi_velocity : load(P->values + 6 * (int64_t)P->lanes + at);

        vec height = load(now + 0 * (int64_t)P->lanes + at);
        vec velocity = load(now + 1 * (int64_t)P->lanes + at);

        if (!steps) continue;
        {
            vec height_next, velocity_next;
            bouncing_ball_advance_v(height, velocity, Phi_height_velocity, psi_height, psi_velocity, &height_next, &velocity_next);
            store(next + 0 * (int64_t)P->lanes + at, height_next);
            height = height_next;
            store(next + 1 * (int64_t)P->lanes + at, velocity_next);
            velocity = velocity_next;
        }
        vec guard;
        bouncing_ball_guard_v(height, &guard);
        hit[q * LANES / 64] |= not_negative(guard) << (q * LANES % 64);
    }
    if (!steps) return;
    if (tile * LANES >= 64)
        for (int i = 0; i < tile * LANES / 64; i++) hits[n / 64 + i] = hit[i];
    else
        hits[n / 64] |= hit[0] << (n % 64);
}

SALTUS_INLINE void bouncing_ball_tiles(const int shared, const int steps, const saltus_clock_population *P, real *now, real *next,
                               const deliveries *from, uint64_t *hits)
{
    int64_t n = 0;
    for (; n + TILE * LANES <= P->lanes; n += TILE * LANES) bouncing_ball_tile(TILE, shared, steps, n, P, now, next, from, hits);
    for (; TILE > 4 && n + 4 * LANES <= P->lanes; n += 4 * LANES) bouncing_ball_tile(4, shared, steps, n, P, now, next, from, hits);
    for (; n < P->lanes; n += LANES) bouncing_ball_tile(1, shared, steps, n, P, now, next, from, hits);
}

static void bouncing_ball_step(const saltus_clock_population *P, real *now, real *next, const deliveries *from, uint64_t *hits)
{
    if (P->shared)
        bouncing_ball_tiles(1, 1, P, now, next, from, hits);
    else
        bouncing_ball_tiles(0, 1, P, now, next, from, hits);
}

/* At the end, where no step follows. */
static void bouncing_ball_arrive(const saltus_clock_population *P, real *now, const deliveries *from)
{
    if (P->shared)
        bouncing_ball_tiles(1, 0, P, now, now, from, NULL);
    else
        bouncing_ball_tiles(0, 0, P, now, now, from, NULL);
}

static double bouncing_ball_cell_guard(const double *p, int64_t stride, const double *x)
{
    const bouncing_ball_parameters q = bouncing_ball_read(p, stride);
    (void)q, (void)x;
    double guard;
    bouncing_ball_guard(x[0], &guard);
    return guard;
}

static double bouncing_ball_cell_slope(const double *p, int64_t stride, const double *x)
{
    const bouncing_ball_parameters q = bouncing_ball_read(p, stride);
    (void)q, (void)x;
    double guard_slope;
    bouncing_ball_guard_slope(x[1], &guard_slope);
    return guard_slope;
}

static void bouncing_ball_cell_reset(const double *p, int64_t stride, double *x)
{
    const bouncing_ball_parameters q = bouncing_ball_read(p, stride);
    (void)q;
    double height_next, velocity_next;
    bouncing_ball_reset(x[0], x[1], q.restitution, &height_next, &velocity_next);
    x[1] = velocity_next;
}

/* The crossing inside a step from x0 to x1: states x there, and the share of the step that is left after it. By linear
 * interpolation, whose error is of the second order in dt; where the guard's slope changes so much in the step that this
 * says little, by bisection with the flow itself. Returns the slope there. */
static double bouncing_ball_cross(const double *p, int64_t stride, double dt, const double *x0, const double *x1, double *x,
                                 double *left)
{
    const double g0 = bouncing_ball_cell_guard(p, stride, x0), g1 = bouncing_ball_cell_guard(p, stride, x1);
    *left = g0 < 0.0 ? g1 / (g1 - g0) : 1.0;
    for (int i = 0; i < 2; i++) x[i] = x1[i] + *left * (x0[i] - x1[i]);
    const double slope = bouncing_ball_cell_slope(p, stride, x), first = bouncing_ball_cell_slope(p, stride, x0), last = bouncing_ball_cell_slope(p, stride, x1);
    if (slope > 0.5 * fabs(last - first) || !(g0 < 0.0)) return slope;
    const bouncing_ball_parameters q = bouncing_ball_read(p, stride);
    double low = 0.0, high = dt;
    for (int round = 0; round < 40; round++) {
        const double middle = 0.5 * (low + high);
        bouncing_ball_advance_by(&q, middle, x0, x);
        if (bouncing_ball_cell_guard(p, stride, x) < 0.0)
            low = middle;
        else
            high = middle;
    }
    bouncing_ball_advance_by(&q, high, x0, x);
    *left = 1.0 - high / dt;
    return bouncing_ball_cell_slope(p, stride, x);
}

/* The spiking neuron's adjoint jump, in reverse time, with the states at the crossing. */
static void bouncing_ball_emit_back(const double *p, int64_t stride, double external, const double *x, double *y, double *grad)
{
    const bouncing_ball_parameters q = bouncing_ball_read(p, stride);
    (void)q, (void)grad;
    double sensitivity, lambda_height_next, lambda_velocity_next;
    bouncing_ball_emission_adjoint(x[1], y[0], y[1], external, q.gravity, q.restitution, &sensitivity, &lambda_height_next, &lambda_velocity_next);
    if (grad != NULL) {
        double grad_restitution;
        bouncing_ball_emission_parameters(x[1], y[1], &grad_restitution);
        grad[1 * stride] += grad_restitution;
    }
    y[0] = lambda_height_next;
    y[1] = lambda_velocity_next;
}

/* One step back if `back`; then what a unit weight that arrives here gives, and its credit, at each port. */
SALTUS_INLINE void bouncing_ball_back(const int shared, const int back, const saltus_clock_population *P, real *restrict y,
                              real *const *weight, real *const *credit)
{
    (void)weight, (void)credit;
    const vec all_Phi_height_velocity = splat(P->values[4 * (int64_t)P->lanes]);

    for (int64_t at = 0; at < P->lanes; at += LANES) {
        const vec Phi_height_velocity = shared ? all_Phi_height_velocity : load(P->values + 4 * (int64_t)P->lanes + at);

        vec lambda_height = load(y + 0 * (int64_t)P->lanes + at);
        vec lambda_velocity = load(y + 1 * (int64_t)P->lanes + at);

        if (back) {
            vec lambda_height_next, lambda_velocity_next;
            bouncing_ball_adjoint_v(lambda_height, lambda_velocity, Phi_height_velocity, &lambda_height_next, &lambda_velocity_next);
            lambda_height = lambda_height_next;
            store(y + 0 * (int64_t)P->lanes + at, lambda_height);
            lambda_velocity = lambda_velocity_next;
            store(y + 1 * (int64_t)P->lanes + at, lambda_velocity);
        }
        (void)lambda_height;
        (void)lambda_velocity;
    }
}

static void bouncing_ball_deliver(const saltus_clock_population *P, const real *y, real *const *weight, real *const *credit)
{
    if (P->shared)
        bouncing_ball_back(1, 0, P, (real *)y, weight, credit);
    else
        bouncing_ball_back(0, 0, P, (real *)y, weight, credit);
}

static void bouncing_ball_retreat(const saltus_clock_population *P, real *y, real *const *weight, real *const *credit)
{
    if (P->shared)
        bouncing_ball_back(1, 1, P, y, weight, credit);
    else
        bouncing_ball_back(0, 1, P, y, weight, credit);
}

/* Adds the adjoints at the end of a step times the states at its start (and times 1). */
static void bouncing_ball_moment(const saltus_clock_population *P, const real *restrict y, const real *restrict x, real *restrict moments)
{
    for (int64_t at = 0; at < P->lanes; at += LANES) {
        vec height = load(x + 0 * (int64_t)P->lanes + at);
        vec velocity = load(x + 1 * (int64_t)P->lanes + at);

        vec lambda_height = load(y + 0 * (int64_t)P->lanes + at);
        vec lambda_velocity = load(y + 1 * (int64_t)P->lanes + at);

        real *m = moments + at;
        store(m, load(m) + lambda_height * height);
        m += P->lanes;
        store(m, load(m) + lambda_velocity * height);
        m += P->lanes;
        store(m, load(m) + lambda_height * velocity);
        m += P->lanes;
        store(m, load(m) + lambda_velocity * velocity);
        m += P->lanes;
        store(m, load(m) + lambda_height);
        m += P->lanes;
        store(m, load(m) + lambda_velocity);
        m += P->lanes;
    }
}

/* ======== what the clock knows of a model */

typedef struct {
    int32_t values, moments;
    void (*prepare)(const saltus_clock_population *P, double dt);
    void (*begin)(const double *p, int64_t stride, double *x);
    void (*arrive)(const saltus_clock_population *P, real *now, const deliveries *from);
    void (*step)(const saltus_clock_population *P, real *now, real *next, const deliveries *from, uint64_t *hits);
    double (*guard)(const double *p, int64_t stride, const double *x); /* this and the next: NULL without spikes */
    double (*cross)(const double *p, int64_t stride, double dt, const double *x0, const double *x1, double *x, double *left);
    void (*reset)(const double *p, int64_t stride, double *x);
    void (*emit_back)(const double *p, int64_t stride, double external, const double *x, double *y, double *grad);
    void (*end)(const double *p, int64_t stride, const double *final, double *y);
    void (*deliver)(const saltus_clock_population *P, const real *y, real *const *weight, real *const *credit);
    void (*retreat)(const saltus_clock_population *P, real *y, real *const *weight, real *const *credit);
    void (*moment)(const saltus_clock_population *P, const real *y, const real *x, real *moments);
    void (*flow_gradient)(const double *p, int64_t stride, double dt, const double *moments, int64_t apart, double *grad);
    void (*begin_back)(const double *p, int64_t stride, const double *y, double *grad);
} model_table;

static const model_table MODELS[] = {
    { 7, 6, bouncing_ball_prepare, bouncing_ball_begin, bouncing_ball_arrive, bouncing_ball_step,
      bouncing_ball_cell_guard, bouncing_ball_cross, bouncing_ball_cell_reset, bouncing_ball_emit_back,
      bouncing_ball_end, bouncing_ball_deliver, bouncing_ball_retreat, bouncing_ball_moment, bouncing_ball_flow_gradient,
      bouncing_ball_begin_back },
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
        const int32_t count = in_first[j + 1] - in_first[j], own = out_first[j + 1] - out_first[j];
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

/* Neuron n's guard is not negative at the end of step j: where it crossed, and the reset. */
static int emit(const run *r, int32_t j, int32_t neuron, int32_t k)
{
    const cell c = cell_of(r->net, neuron);
    double x0[STATES], x1[STATES], x[STATES] = {0.0}, left;
    read_cell(r->w->now, &c, x0);
    read_cell(r->w->next, &c, x1);
    const int64_t place = r->sample * r->out->capacity + k;
    r->out->slope[place] = c.model->cross(c.p, c.stride, r->net->dt, x0, x1, x, &left);
    for (int s = 0; s < STATES; s++) r->out->state[place * STATES + s] = (real)x[s];
    r->out->neuron[place] = neuron;
    r->out->step[place] = j + 1;
    r->out->time[place] = (j + 1 - left) * r->net->dt;
    c.model->reset(c.p, c.stride, x1);
    if (c.model->guard(c.p, c.stride, x1) >= 0.0)
        return fail(r->status, RESETS_ABOVE, r->sample, neuron, (j + 1) * r->net->dt, 0);
    write_cell(r->w->next, &c, x1);
    return DONE;
}

static void snapshot(const run *r, const real *x, double *out)
{
    for (int32_t n = 0; n < r->net->neurons; n++) {
        const cell c = cell_of(r->net, n);
        read_cell(x, &c, out + n * (int64_t)STATES);
    }
}

static int begin(const run *r)
{
    memset(r->w->now, 0, sizeof(real) * (size_t)r->net->lanes * STATES);
    memset(r->w->next, 0, sizeof(real) * (size_t)r->net->lanes * STATES);
    for (int32_t n = 0; n < r->net->neurons; n++) {
        const cell c = cell_of(r->net, n);
        double x[STATES] = {0.0};
        c.model->begin(c.p, c.stride, x);
        if (c.model->guard != NULL && c.model->guard(c.p, c.stride, x) >= 0.0)
            return fail(r->status, STARTS_ABOVE, r->sample, n, 0.0, 0);
        write_cell(r->w->now, &c, x);
    }
    return DONE;
}

/* One sample; path: where the states at the start of each step go, or NULL. */
static int forward(const run *r, real *path)
{
    const saltus_clock *net = r->net;
    workspace *w = r->w;
    saltus_clock_output *out = r->out;
    const int64_t states = (int64_t)net->lanes * STATES;
    const int32_t *in_first = r->in->first + r->sample * (int64_t)(net->steps + 2);
    int32_t *out_first = out->first + r->sample * (int64_t)(net->steps + 2), spikes = 0, next_sample = 0;
    for (int32_t k = 0; k < net->ports; k++)
        w->from[k] = (deliveries){net->port[k].weight, w->list + k * (int64_t)net->most, 0,
                                  net->port[k].scattered ? w->scattered + net->port[k].first_lane : NULL};
    if (begin(r)) return r->status->code;
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
            if (model->guard != NULL && P->lanes % 64 != 0) memset(w->hits, 0, sizeof(uint64_t) * (size_t)(P->lanes / 64 + 1));
            model->step(P, now, next, w->from + P->first_port, w->hits);
            for (int32_t first = 0; model->guard != NULL && first < P->count; first += 64) {
                uint64_t hit = w->hits[first / 64];
                if (P->count - first < 64) hit &= ((uint64_t)1 << (P->count - first)) - 1;
                for (; hit != 0; hit &= hit - 1) {
                    if (spikes == out->capacity)
                        return fail(r->status, CAPACITY, r->sample, -1, j * net->dt, 2 * out->capacity + net->neurons);
                    if (emit(r, j, P->first + first + __builtin_ctzll(hit), spikes)) return r->status->code;
                    spikes++;
                }
            }
        }
        if (j == net->steps) break;
        out_first[j + 2] = spikes;
        if (path != NULL) memcpy(path + j * states, w->now, sizeof(real) * (size_t)states);
        real *swap = w->now;
        w->now = w->next, w->next = swap;
    }
    out->count[r->sample] = spikes;
    snapshot(r, w->now, out->final + r->sample * (int64_t)net->neurons * STATES);
    return DONE;
}

/* ======== gradients of weights: for each source, what a unit weight would have given at each of its arrivals
 *
 * Events are sorted by source first, so that a row of the gradient is read and written once for each block of steps, and
 * sources by their number of events, so that the loops over events are of even length. */

/* The events whose arrivals with this delay are in steps [low, high), by source; returns how many sources have some. */
static int32_t by_source(const run *r, int32_t low, int32_t high, int32_t delay)
{
    const saltus_clock *net = r->net;
    workspace *w = r->w;
    const int32_t sources = sources_of(net), from = low - delay < 0 ? 0 : low - delay, to = high - delay, shift = delay - low;
    if (to <= 0) return 0;
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
    for (int32_t s = 0; s < sources; s++)
        if (w->size[s] > 0) w->order[bound[w->size[s] > 63 ? 63 : w->size[s]]++ - silent] = s;
    return sources - silent;
}

SALTUS_INLINE void add_rows(const int tile, real *restrict to, const real *restrict from, int64_t apart, const int32_t *at, int32_t count)
{
    vec sum[TILE];
#pragma GCC unroll 16
    for (int q = 0; q < tile; q++) sum[q] = load(to + q * LANES);
    for (int32_t k = 0; k < count; k++) {
        const real *row = from + at[k] * apart;
#pragma GCC unroll 16
        for (int q = 0; q < tile; q++) sum[q] += load(row + q * LANES);
    }
#pragma GCC unroll 16
    for (int q = 0; q < tile; q++) store(to + q * LANES, sum[q]);
}

SALTUS_APART void add_dense(real *to, const real *from, int64_t apart, int32_t lanes, const int32_t *at, int32_t count)
{
    int32_t n = 0;
    for (; n + TILE * LANES <= lanes; n += TILE * LANES) add_rows(TILE, to + n, from + n, apart, at, count);
    for (; TILE > 4 && n + 4 * LANES <= lanes; n += 4 * LANES) add_rows(4, to + n, from + n, apart, at, count);
    for (; n < lanes; n += LANES) add_rows(1, to + n, from + n, apart, at, count);
}

static void gather_row(const run *r, const saltus_clock_row *row, real *gradient, const real *each, const int32_t *at, int32_t count)
{
    const int64_t apart = r->net->port_lanes;
    const saltus_clock_port *port = r->net->port + row->port;
    real *to = gradient + row->at;
    const real *from = each + port->first_lane;
    if (row->target < 0) {
        add_dense(to, from, apart, port->lanes, at, count);
        return;
    }
    for (int32_t i = 0; i < row->count; i++) {
        const int32_t lane = r->net->targets[row->target + i];
        real sum = 0;
        for (int32_t k = 0; k < count; k++) sum += from[at[k] * apart + lane];
        to[i] += sum;
    }
}

/* The arrivals of steps [low, high), whose values are in the workspace. */
static void gather(const run *r, int32_t low, int32_t high, real *weights, real *delays)
{
    const saltus_clock *net = r->net;
    workspace *w = r->w;
    for (int32_t c = 0; c < net->classes; c++) {
        const int64_t *start = net->row_start + c * (int64_t)(sources_of(net) + 1);
        const int32_t sources = by_source(r, low, high, net->delay[c]);
        for (int32_t i = 0; i < sources; i++) {
            const int32_t s = w->order[i], *at = w->at + w->start[s] - w->size[s];
            for (int64_t k = start[s]; k < start[s + 1]; k++) {
                if (weights != NULL) gather_row(r, net->row + k, weights, w->weight, at, w->size[s]);
                if (delays != NULL) gather_row(r, net->row + k, delays, w->credit, at, w->size[s]);
            }
        }
    }
}

/* ======== backward */

/* dL/dt of the arrivals at step j of what one source sent with one delay. */
static double credit_of(const run *r, const int64_t *start, int32_t source, const real *credit)
{
    double sum = 0.0;
    for (int64_t i = start[source]; i < start[source + 1]; i++) {
        const saltus_clock_row *row = r->net->row + i;
        const saltus_clock_port *port = r->net->port + row->port;
        const real *weight = r->net->weight + row->at, *each = credit + port->first_lane;
        if (row->target < 0) {
            sum += dot(weight, each, port->lanes);
            continue;
        }
        for (int32_t k = 0; k < row->count; k++) sum += weight[k] * each[r->net->targets[row->target + k]];
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
        const cell c = cell_of(r->net, r->out->neuron[place]);
        double x[STATES], y[STATES];
        for (int s = 0; s < STATES; s++) x[s] = r->out->state[place * STATES + s];
        read_cell(r->w->y, &c, y);
        c.model->emit_back(c.p, c.stride, r->w->owed[k], x, y, parameters == NULL ? NULL : parameters + c.gradient);
        write_cell(r->w->y, &c, y);
    }
}

/* The adjoints of all populations, one step back where there is one; what unit weights give, and their credits, there. */
static void step_back(const run *r, int32_t j, real *weight, real *credit)
{
    const saltus_clock *net = r->net;
    for (int32_t k = 0; k < net->populations; k++) {
        const saltus_clock_population *P = net->population + k;
        const model_table *model = MODELS + P->model;
        real *y = r->w->y + P->first_lane * (int64_t)STATES, *weights[32], *credits[32];
        const int32_t ports = (k + 1 < net->populations ? net->population[k + 1].first_port : net->ports) - P->first_port;
        for (int32_t i = 0; i < ports; i++) {
            weights[i] = weight + net->port[P->first_port + i].first_lane;
            credits[i] = credit + net->port[P->first_port + i].first_lane;
        }
        if (j == net->steps) {
            model->deliver(P, y, weights, credits);
            continue;
        }
        if (r->w->path != NULL)
            model->moment(P, y, r->w->path + (j * (int64_t)net->lanes + P->first_lane) * STATES, r->w->moments + P->first_moment);
        model->retreat(P, y, weights, credits);
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

/* One sample backward, after its forward run. */
static void backward(const run *r, int32_t chunk)
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
    int32_t sample = net->samples - 1;
    for (int32_t high = net->steps + 1, low; high > 0; high = low) {
        low = high > net->block ? high - net->block : 0;
        for (int32_t j = high - 1; j >= low; j--) {
            real *credit = w->credit + (delays == NULL ? 0 : (j - low) * (int64_t)net->port_lanes);
            step_back(r, j, w->weight + (j - low) * (int64_t)net->port_lanes, credit);
            give_credits(r, j, credit, event_time);
            for (; sample >= 0 && net->sample_step[sample] == j; sample--)
                kick(r, r->cotangent->sampled == NULL ? NULL : r->cotangent->sampled + (b * net->samples + sample) * net->neurons * STATES);
            undo_spikes(r, j, parameters);
        }
        if (weights != NULL || delays != NULL) gather(r, low, high, weights, delays);
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

void saltus_clock_prepare(const saltus_clock *net)
{
    for (int32_t k = 0; k < net->populations; k++) MODELS[net->population[k].model].prepare(net->population + k, net->dt);
}

void saltus_clock_bin(int32_t batch, int32_t steps, double dt, const int64_t *start, const int32_t *count,
                      const double *time, int32_t *step, int32_t *first)
{
    const double grain = 1e-6; /* of a step: what rounding does to a multiple of dt */
    for (int32_t b = 0; b < batch; b++) {
        int32_t *mine = first + b * (int64_t)(steps + 2), *at = step + start[b], reached = 0;
        const double *when = time + start[b];
        for (int32_t e = 0; e < count[b]; e++) {
            const double exact = ceil(when[e] / dt - grain);
            at[e] = exact > steps ? steps : (int32_t)exact;
            for (; reached <= at[e]; reached++) mine[reached] = e;
        }
        for (; reached <= steps + 1; reached++) mine[reached] = count[b];
    }
}

/* Every sample of the chunks [first, last), chunk by chunk; the first failure (by sample) is kept. */
static int32_t run_chunks(run job, int32_t first, int32_t last, int32_t threads, char *place, int64_t bytes, int64_t events,
                          saltus_status *status)
{
    const saltus_clock *net = job.net;
    *status = (saltus_status){DONE, net->batch, -1, 0.0, 0};
    (void)threads;
    {
        workspace w;
        const int64_t needed = lay_out(&w, net, job.out->capacity, events, job.gradient, NULL);
        if (needed > bytes) return fail(status, WORKSPACE, 0, -1, 0.0, needed);
    }
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
        const int32_t from = (int32_t)((int64_t)chunk * net->batch / net->chunks);
        const int32_t to = (int32_t)((int64_t)(chunk + 1) * net->batch / net->chunks);
        for (int32_t sample = from; sample < to; sample++) {
            saltus_status mine_status = {DONE, 0, 0, 0.0, 0};
            run r = job;
            r.w = &w, r.status = &mine_status, r.sample = sample;
            if ((job.gradient == NULL || w.path != NULL) && forward(&r, w.path)) {
#ifdef _OPENMP
#pragma omp critical
#endif
                if (sample < status->sample) *status = mine_status;
                break;
            }
            if (job.gradient != NULL) backward(&r, chunk);
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
    const struct {
        void *base;
        int64_t bytes;
    } slices[] = { {gradient->weights, net->weights * (int64_t)sizeof(real)}, {gradient->delays, net->weights * (int64_t)sizeof(real)},
                   {gradient->parameters, net->parameters * (int64_t)sizeof(double)}, {gradient->moments, net->moments * (int64_t)sizeof(double)} };
    for (int k = 0; k < 4; k++)
        if (slices[k].base != NULL)
            memset((char *)slices[k].base + first * slices[k].bytes, 0, (size_t)((last - first) * slices[k].bytes));
    return run_chunks(job, first, last, threads, place, bytes, events, status);
}

static void reduce_weights(real *base, int32_t chunks, int64_t size)
{
    for (int32_t step = 1; base != NULL && step < chunks; step *= 2)
        for (int32_t chunk = 0; chunk + step < chunks; chunk += 2 * step) {
            real *restrict into = base + chunk * size;
            const real *restrict from = base + (chunk + step) * size;
            for (int64_t i = 0; i < size; i++) into[i] += from[i];
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
