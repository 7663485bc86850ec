/* Made by `saltus emit` from bouncing_ball.toml (event; ir.json 2c6211547970). Do not edit: change the spec or the templates and run it again.
 *
 * A ball that falls and bounces: an event at the ground, and no neuron
 * (Mechanics; landing times have a closed form)
 *
 * The mathematics of one neuron: each function is one object of the derivation, each line one equation and its label.
 */
#ifndef SALTUS_MODEL_H
#define SALTUS_MODEL_H

#include "exponentials.h"

/* ---- constants */

/* ---- the flow between events */

SALTUS_INLINE void model_propagator(const double dt, const double gravity,
    double *restrict Phi_height_velocity, double *restrict psi_height, double *restrict psi_velocity)
{
    *Phi_height_velocity = dt; /* flow.propagator */
    *psi_height = -gravity * dt * dt / 2.0; /* flow.propagator */
    *psi_velocity = -gravity * dt; /* flow.propagator */
}

SALTUS_INLINE void model_advance(const double height, const double velocity, const double Phi_height_velocity,
    const double psi_height, const double psi_velocity, double *restrict height_next,
    double *restrict velocity_next)
{
    *height_next = height + Phi_height_velocity * velocity + psi_height; /* flow.height */
    *velocity_next = velocity + psi_velocity; /* flow.velocity */
}

SALTUS_INLINE void model_adjoint(const double lambda_height, const double lambda_velocity,
    const double Phi_height_velocity, double *restrict lambda_height_next,
    double *restrict lambda_velocity_next)
{
    *lambda_height_next = lambda_height; /* flow.adjoint.height */
    *lambda_velocity_next = Phi_height_velocity * lambda_height + lambda_velocity; /* flow.adjoint.velocity */
}

SALTUS_INLINE void model_flow_parameters(const double dt, const double lambda_height,
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

SALTUS_INLINE void model_terminal(const double final_height, const double final_velocity,
    double *restrict lambda_height_next, double *restrict lambda_velocity_next)
{
    *lambda_height_next = -final_height; /* adjoint.terminal */
    *lambda_velocity_next = -final_velocity; /* adjoint.terminal */
}

SALTUS_INLINE void model_initial_gradient(const double lambda_height, const double lambda_velocity,
    double *restrict grad_height0, double *restrict grad_velocity0)
{
    *grad_height0 = -lambda_height; /* gradient.initial */
    *grad_velocity0 = -lambda_velocity; /* gradient.initial */
}

/* ---- the adjoints as dL/dx */

SALTUS_INLINE void model_costate(const double lambda_height, const double lambda_velocity,
    double *restrict costate_height, double *restrict costate_velocity)
{
    *costate_height = -lambda_height; /* costate */
    *costate_velocity = -lambda_velocity; /* costate */
}

/* ---- emission: bounce */

SALTUS_INLINE void model_ladder_0(const double height, double *restrict u_0)
{
    *u_0 = -height; /* guard.ladder.0 */
}

SALTUS_INLINE void model_ladder_0_rate(double *restrict u_0_rate)
{
    *u_0_rate = 0.0; /* guard.ladder.0 */
}

SALTUS_INLINE void model_ladder_1(const double velocity, double *restrict u_1)
{
    *u_1 = -velocity; /* guard.ladder.1 */
}

SALTUS_INLINE void model_ladder_1_rate(double *restrict u_1_rate)
{
    *u_1_rate = 0.0; /* guard.ladder.1 */
}

SALTUS_INLINE void model_ladder_2(const double gravity, double *restrict u_2)
{
    *u_2 = gravity; /* guard.ladder.2 */
}

SALTUS_INLINE void model_ladder_2_rate(double *restrict u_2_rate)
{
    *u_2_rate = 0.0; /* guard.ladder.2 */
}

SALTUS_INLINE void model_guard(const double height, double *restrict guard)
{
    *guard = -height; /* transition.condition */
}

SALTUS_INLINE void model_guard_slope(const double velocity, double *restrict guard_slope)
{
    *guard_slope = -velocity; /* transition.slope */
}

SALTUS_INLINE void model_reset(const double height, const double velocity, const double restitution,
    double *restrict height_next, double *restrict velocity_next)
{
    *height_next = height; /* reset.height */
    *velocity_next = -restitution * velocity; /* reset.velocity */
}

SALTUS_INLINE void model_emission_adjoint(const double velocity, const double lambda_height,
    const double lambda_velocity, const double external, const double gravity, const double restitution,
    double *restrict sensitivity, double *restrict lambda_height_next, double *restrict lambda_velocity_next)
{
    *sensitivity = external - lambda_height * velocity * (restitution + 1.0) - gravity * lambda_velocity *
        (restitution + 1.0); /* jump.sensitivity */
    *lambda_height_next = (*sensitivity) / velocity + lambda_height; /* jump.emission */
    *lambda_velocity_next = -restitution * lambda_velocity; /* jump.emission.velocity */
}

SALTUS_INLINE void model_emission_parameters(const double velocity, const double lambda_velocity,
    double *restrict grad_restitution)
{
    *grad_restitution = lambda_velocity * velocity; /* gradient.jump.restitution */
}

#endif
