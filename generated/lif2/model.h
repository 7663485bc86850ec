/* Made by `saltus emit` from lif2.toml (event; ir.json 75d75b34186c). Do not edit: change the spec or the templates and run it again.
 *
 * Leaky integrate-and-fire neuron with two synapses of different time constants
 * (Wunderlich & Pehle (2021), Table 1 with one more current)
 *
 * The mathematics of one neuron: each function is one object of the derivation, each line one equation and its label.
 */
#ifndef SALTUS_MODEL_H
#define SALTUS_MODEL_H

#include "exponentials.h"

/* ---- constants */

SALTUS_INLINE void model_constants(const double tau_mem, const double tau_syn, const double tau_syn2,
    double *restrict per_tau_mem, double *restrict per_tau_syn, double *restrict per_tau_syn2)
{
    *per_tau_mem = 1.0 / tau_mem; /* constants */
    *per_tau_syn = 1.0 / tau_syn; /* constants */
    *per_tau_syn2 = 1.0 / tau_syn2; /* constants */
}

/* ---- the flow between events */

SALTUS_INLINE void model_propagator(const double dt, const double per_tau_mem, const double per_tau_syn,
    const double per_tau_syn2, double *restrict Phi_V_V, double *restrict Phi_V_I, double *restrict Phi_V_I2,
    double *restrict Phi_I_I, double *restrict Phi_I2_I2, double *restrict Psi_I_V, double *restrict Psi_I2_V)
{
    const double response_V_I = saltus_exp_dd2(-dt * per_tau_mem, -dt * per_tau_syn); /* flow.propagator */
    const double response_V_I2 = saltus_exp_dd2(-dt * per_tau_mem, -dt * per_tau_syn2); /* flow.propagator */
    *Phi_V_V = saltus_exp(-dt * per_tau_mem); /* flow.propagator */
    *Phi_V_I = dt * response_V_I * per_tau_mem; /* flow.propagator */
    *Phi_V_I2 = dt * response_V_I2 * per_tau_mem; /* flow.propagator */
    *Phi_I_I = saltus_exp(-dt * per_tau_syn); /* flow.propagator */
    *Phi_I2_I2 = saltus_exp(-dt * per_tau_syn2); /* flow.propagator */
    *Psi_I_V = dt * response_V_I * per_tau_syn; /* flow.propagator */
    *Psi_I2_V = dt * response_V_I2 * per_tau_syn2; /* flow.propagator */
}

SALTUS_INLINE void model_advance(const double V, const double I, const double I2, const double Phi_V_V,
    const double Phi_V_I, const double Phi_V_I2, const double Phi_I_I, const double Phi_I2_I2,
    double *restrict V_next, double *restrict I_next, double *restrict I2_next)
{
    *V_next = Phi_V_V * V + Phi_V_I * I + Phi_V_I2 * I2; /* flow.V */
    *I_next = Phi_I_I * I; /* flow.I */
    *I2_next = Phi_I2_I2 * I2; /* flow.I2 */
}

SALTUS_INLINE void model_adjoint(const double lambda_V, const double lambda_I, const double lambda_I2,
    const double Phi_V_V, const double Phi_I_I, const double Phi_I2_I2, const double Psi_I_V,
    const double Psi_I2_V, double *restrict lambda_V_next, double *restrict lambda_I_next,
    double *restrict lambda_I2_next)
{
    *lambda_V_next = Phi_V_V * lambda_V; /* flow.adjoint.V */
    *lambda_I_next = Psi_I_V * lambda_V + Phi_I_I * lambda_I; /* flow.adjoint.I */
    *lambda_I2_next = Psi_I2_V * lambda_V + Phi_I2_I2 * lambda_I2; /* flow.adjoint.I2 */
}

/* ---- the ends */

SALTUS_INLINE void model_terminal(const double final_V, const double final_I, const double final_I2,
    const double per_tau_mem, const double per_tau_syn, const double per_tau_syn2,
    double *restrict lambda_V_next, double *restrict lambda_I_next, double *restrict lambda_I2_next)
{
    *lambda_V_next = -final_V * per_tau_mem; /* adjoint.terminal */
    *lambda_I_next = -final_I * per_tau_syn; /* adjoint.terminal */
    *lambda_I2_next = -final_I2 * per_tau_syn2; /* adjoint.terminal */
}

SALTUS_INLINE void model_initial_gradient(const double lambda_V, const double lambda_I,
    const double lambda_I2, const double tau_mem, const double tau_syn, const double tau_syn2,
    double *restrict grad_V0, double *restrict grad_I0, double *restrict grad_I20)
{
    *grad_V0 = -tau_mem * lambda_V; /* gradient.initial */
    *grad_I0 = -tau_syn * lambda_I; /* gradient.initial */
    *grad_I20 = -tau_syn2 * lambda_I2; /* gradient.initial */
}

/* ---- the adjoints as dL/dx */

SALTUS_INLINE void model_costate(const double lambda_V, const double lambda_I, const double lambda_I2,
    const double tau_mem, const double tau_syn, const double tau_syn2, double *restrict costate_V,
    double *restrict costate_I, double *restrict costate_I2)
{
    *costate_V = -tau_mem * lambda_V; /* costate */
    *costate_I = -tau_syn * lambda_I; /* costate */
    *costate_I2 = -tau_syn2 * lambda_I2; /* costate */
}

/* ---- emission: spike */

SALTUS_INLINE void model_ladder_0(const double V, const double theta, double *restrict u_0)
{
    *u_0 = V - theta; /* guard.ladder.0 */
}

SALTUS_INLINE void model_ladder_0_rate(double *restrict u_0_rate)
{
    *u_0_rate = 0.0; /* guard.ladder.0 */
}

SALTUS_INLINE void model_ladder_1(const double V, const double I, const double I2, const double per_tau_mem,
    double *restrict u_1)
{
    *u_1 = (I + I2 - V) * per_tau_mem; /* guard.ladder.1 */
}

SALTUS_INLINE void model_ladder_1_rate(const double per_tau_mem, double *restrict u_1_rate)
{
    *u_1_rate = per_tau_mem; /* guard.ladder.1 */
}

SALTUS_INLINE void model_ladder_2(const double I, const double I2, const double tau_syn,
    const double tau_syn2, const double per_tau_mem, const double per_tau_syn, const double per_tau_syn2,
    double *restrict u_2)
{
    *u_2 = -(tau_syn2 * I + tau_syn * I2) * per_tau_mem * per_tau_syn * per_tau_syn2; /* guard.ladder.2 */
}

SALTUS_INLINE void model_ladder_2_rate(const double per_tau_syn2, double *restrict u_2_rate)
{
    *u_2_rate = per_tau_syn2; /* guard.ladder.2 */
}

SALTUS_INLINE void model_ladder_3(const double I, const double tau_syn, const double tau_syn2,
    const double per_tau_mem, const double per_tau_syn, const double per_tau_syn2, double *restrict u_3)
{
    *u_3 = I * (tau_syn2 - tau_syn) * per_tau_mem * per_tau_syn * per_tau_syn * per_tau_syn2;
        /* guard.ladder.3 */
}

SALTUS_INLINE void model_ladder_3_rate(const double per_tau_syn, double *restrict u_3_rate)
{
    *u_3_rate = per_tau_syn; /* guard.ladder.3 */
}

SALTUS_INLINE void model_guard(const double V, const double theta, double *restrict guard)
{
    *guard = V - theta; /* transition.condition */
}

SALTUS_INLINE void model_guard_slope(const double V, const double I, const double I2,
    const double per_tau_mem, double *restrict guard_slope)
{
    *guard_slope = (I + I2 - V) * per_tau_mem; /* transition.slope */
}

SALTUS_INLINE void model_reset(const double I, const double I2, const double v_reset, double *restrict V_next,
    double *restrict I_next, double *restrict I2_next)
{
    *V_next = v_reset; /* reset.V */
    *I_next = I; /* reset.I */
    *I2_next = I2; /* reset.I2 */
}

SALTUS_INLINE void model_emission_adjoint(const double V, const double I, const double I2,
    const double lambda_V, const double lambda_I, const double lambda_I2, const double external,
    const double v_reset, double *restrict sensitivity, double *restrict lambda_V_next,
    double *restrict lambda_I_next, double *restrict lambda_I2_next)
{
    *sensitivity = external + lambda_V * (I + I2 - v_reset); /* jump.sensitivity */
    *lambda_V_next = (*sensitivity) / (I + I2 - V); /* jump.emission */
    *lambda_I_next = lambda_I; /* jump.emission.I */
    *lambda_I2_next = lambda_I2; /* jump.emission.I2 */
}

SALTUS_INLINE void model_emission_parameters(const double V, const double I, const double I2,
    const double lambda_V, const double sensitivity, const double tau_mem, double *restrict grad_theta,
    double *restrict grad_v_reset)
{
    *grad_theta = tau_mem * sensitivity / (I + I2 - V); /* gradient.jump.theta */
    *grad_v_reset = -tau_mem * lambda_V; /* gradient.jump.v_reset */
}

/* ---- arrival: exc */

SALTUS_INLINE void model_exc_jump(const double V, const double I, const double I2, const double w,
    double *restrict V_next, double *restrict I_next, double *restrict I2_next)
{
    *V_next = V; /* receive.V */
    *I_next = I + w; /* receive.I */
    *I2_next = I2; /* receive.I2 */
}

SALTUS_INLINE void model_exc_adjoint(const double lambda_V, const double lambda_I, const double lambda_I2,
    double *restrict lambda_V_next, double *restrict lambda_I_next, double *restrict lambda_I2_next)
{
    *lambda_V_next = lambda_V; /* jump.arrival.V */
    *lambda_I_next = lambda_I; /* jump.arrival.I */
    *lambda_I2_next = lambda_I2; /* jump.arrival.I2 */
}

SALTUS_INLINE void model_exc_credit(const double lambda_V, const double lambda_I, double *restrict credit)
{
    *credit = lambda_V - lambda_I; /* arrival.credit */
}

SALTUS_INLINE void model_exc_weight(const double lambda_I, const double tau_syn, double *restrict grad_w)
{
    *grad_w = -tau_syn * lambda_I; /* gradient.weight */
}

/* ---- arrival: exc2 */

SALTUS_INLINE void model_exc2_jump(const double V, const double I, const double I2, const double w,
    double *restrict V_next, double *restrict I_next, double *restrict I2_next)
{
    *V_next = V; /* receive.V */
    *I_next = I; /* receive.I */
    *I2_next = I2 + w; /* receive.I2 */
}

SALTUS_INLINE void model_exc2_adjoint(const double lambda_V, const double lambda_I, const double lambda_I2,
    double *restrict lambda_V_next, double *restrict lambda_I_next, double *restrict lambda_I2_next)
{
    *lambda_V_next = lambda_V; /* jump.arrival.V */
    *lambda_I_next = lambda_I; /* jump.arrival.I */
    *lambda_I2_next = lambda_I2; /* jump.arrival.I2 */
}

SALTUS_INLINE void model_exc2_credit(const double lambda_V, const double lambda_I2, double *restrict credit)
{
    *credit = lambda_V - lambda_I2; /* arrival.credit */
}

SALTUS_INLINE void model_exc2_weight(const double lambda_I2, const double tau_syn2, double *restrict grad_w)
{
    *grad_w = -tau_syn2 * lambda_I2; /* gradient.weight */
}

/* ---- the derivatives by a neuron's own parameters */

SALTUS_INLINE void model_scale(const double per_tau_mem, const double per_tau_syn, const double per_tau_syn2,
    double *restrict scale_tau_mem, double *restrict scale_tau_syn, double *restrict scale_tau_syn2)
{
    *scale_tau_mem = per_tau_mem * per_tau_mem; /* tangent */
    *scale_tau_syn = per_tau_syn * per_tau_syn; /* tangent */
    *scale_tau_syn2 = per_tau_syn2 * per_tau_syn2; /* tangent */
}

SALTUS_INLINE void model_sensitivity(const double dt, const double tau_mem, const double per_tau_mem,
    const double per_tau_syn, const double per_tau_syn2, double *restrict Phi_V_V_tau_mem,
    double *restrict Phi_V_I_tau_mem, double *restrict Phi_V_I2_tau_mem, double *restrict Phi_V_I_tau_syn,
    double *restrict Phi_I_I_tau_syn, double *restrict Phi_V_I2_tau_syn2, double *restrict Phi_I2_I2_tau_syn2)
{
    const double decay_V = saltus_exp(-dt * per_tau_mem); /* flow.propagator */
    const double decay_I = saltus_exp(-dt * per_tau_syn); /* flow.propagator */
    const double decay_I2 = saltus_exp(-dt * per_tau_syn2); /* flow.propagator */
    const double response_V_I = saltus_exp_dd2(-dt * per_tau_mem, -dt * per_tau_syn); /* flow.propagator */
    const double response_V_I2 = saltus_exp_dd2(-dt * per_tau_mem, -dt * per_tau_syn2); /* flow.propagator */
    const double response_V_V_I = saltus_exp_dd21(-dt * per_tau_mem, -dt * per_tau_syn); /* flow.propagator */
    const double response_V_V_I2 = saltus_exp_dd21(-dt * per_tau_mem, -dt * per_tau_syn2);
        /* flow.propagator */
    const double response_V_I_I = saltus_exp_dd21(-dt * per_tau_syn, -dt * per_tau_mem); /* flow.propagator */
    const double response_V_I2_I2 = saltus_exp_dd21(-dt * per_tau_syn2, -dt * per_tau_mem);
        /* flow.propagator */
    *Phi_V_V_tau_mem = dt * decay_V; /* flow.derivative */
    *Phi_V_I_tau_mem = dt * (dt * response_V_V_I - tau_mem * response_V_I) * per_tau_mem;
        /* flow.derivative */
    *Phi_V_I2_tau_mem = dt * (dt * response_V_V_I2 - tau_mem * response_V_I2) * per_tau_mem;
        /* flow.derivative */
    *Phi_V_I_tau_syn = dt * dt * response_V_I_I * per_tau_mem; /* flow.derivative */
    *Phi_I_I_tau_syn = dt * decay_I; /* flow.derivative */
    *Phi_V_I2_tau_syn2 = dt * dt * response_V_I2_I2 * per_tau_mem; /* flow.derivative */
    *Phi_I2_I2_tau_syn2 = dt * decay_I2; /* flow.derivative */
}

SALTUS_INLINE void model_tangents(const double Phi_V_V, const double V__tau_mem, const double Phi_V_V_tau_mem,
    const double V, const double Phi_V_I_tau_mem, const double I, const double Phi_V_I2_tau_mem,
    const double I2, const double V__tau_syn, const double Phi_V_I, const double I__tau_syn,
    const double Phi_V_I_tau_syn, const double Phi_I_I, const double Phi_I_I_tau_syn,
    const double V__tau_syn2, const double Phi_V_I2, const double I2__tau_syn2,
    const double Phi_V_I2_tau_syn2, const double Phi_I2_I2, const double Phi_I2_I2_tau_syn2,
    double *restrict V__tau_mem_next, double *restrict V__tau_syn_next, double *restrict I__tau_syn_next,
    double *restrict V__tau_syn2_next, double *restrict I2__tau_syn2_next)
{
    *V__tau_mem_next = Phi_V_V * V__tau_mem + Phi_V_V_tau_mem * V + Phi_V_I_tau_mem * I + Phi_V_I2_tau_mem *
        I2; /* tangent */
    *V__tau_syn_next = Phi_V_V * V__tau_syn + Phi_V_I * I__tau_syn + I * Phi_V_I_tau_syn; /* tangent */
    *I__tau_syn_next = Phi_I_I * I__tau_syn + I * Phi_I_I_tau_syn; /* tangent */
    *V__tau_syn2_next = Phi_V_V * V__tau_syn2 + Phi_V_I2 * I2__tau_syn2 + I2 * Phi_V_I2_tau_syn2;
        /* tangent */
    *I2__tau_syn2_next = Phi_I2_I2 * I2__tau_syn2 + I2 * Phi_I2_I2_tau_syn2; /* tangent */
}

SALTUS_INLINE void model_spike_tangents(const double V__tau_mem, const double guard_slope,
    const double V__tau_syn, const double V__tau_syn2, double *restrict moved_tau_mem,
    double *restrict moved_tau_syn, double *restrict moved_tau_syn2, double *restrict V__tau_mem_next,
    double *restrict V__tau_syn_next, double *restrict V__tau_syn2_next)
{
    *moved_tau_mem = -V__tau_mem / guard_slope; /* tangent */
    *moved_tau_syn = -V__tau_syn / guard_slope; /* tangent */
    *moved_tau_syn2 = -V__tau_syn2 / guard_slope; /* tangent */
    *V__tau_mem_next = 0.0; /* tangent */
    *V__tau_syn_next = 0.0; /* tangent */
    *V__tau_syn2_next = 0.0; /* tangent */
}

SALTUS_INLINE void model_nodes(const double dt, const double per_tau_mem, const double per_tau_syn,
    const double per_tau_syn2, double *restrict saltus_node_0, double *restrict saltus_node_1,
    double *restrict saltus_node_2)
{
    *saltus_node_0 = -dt * per_tau_mem; /* flow.nodes */
    *saltus_node_1 = -dt * per_tau_syn; /* flow.nodes */
    *saltus_node_2 = -dt * per_tau_syn2; /* flow.nodes */
}

/* model_propagator where all nodes of its exponentials are near zero. */
SALTUS_INLINE void model_propagator_near(const int terms, const double dt, const double per_tau_mem,
    const double per_tau_syn, const double per_tau_syn2, double *restrict Phi_V_V, double *restrict Phi_V_I,
    double *restrict Phi_V_I2, double *restrict Phi_I_I, double *restrict Phi_I2_I2, double *restrict Psi_I_V,
    double *restrict Psi_I2_V)
{
    const double saltus_node_0 = -dt * per_tau_mem;
    const double saltus_node_1 = -dt * per_tau_syn;
    const double saltus_node_2 = -dt * per_tau_syn2;
    double saltus_exp_0_1 = 0.0, saltus_exp_0_2 = 0.0, saltus_exp_0 = SALTUS_EXP[terms + 1];
#pragma GCC unroll 32
    for (int k = terms + 1 - 1; k >= 0; k--) {
        saltus_exp_0_1 = k < terms + 0 ? saltus_exp_0_1 * saltus_node_1 + saltus_exp_0 : saltus_exp_0;
        saltus_exp_0_2 = k < terms + 0 ? saltus_exp_0_2 * saltus_node_2 + saltus_exp_0 : saltus_exp_0;
        saltus_exp_0 = saltus_exp_0 * saltus_node_0 + SALTUS_EXP[k];
    }
    const double saltus_exp_1 = saltus_exp_0 + (saltus_node_1 - saltus_node_0) * saltus_exp_0_1;
    const double saltus_exp_2 = saltus_exp_0 + (saltus_node_2 - saltus_node_0) * saltus_exp_0_2;
    const double response_V_I = saltus_exp_0_1; /* flow.propagator */
    const double response_V_I2 = saltus_exp_0_2; /* flow.propagator */
    *Phi_V_V = saltus_exp_0; /* flow.propagator */
    *Phi_V_I = dt * response_V_I * per_tau_mem; /* flow.propagator */
    *Phi_V_I2 = dt * response_V_I2 * per_tau_mem; /* flow.propagator */
    *Phi_I_I = saltus_exp_1; /* flow.propagator */
    *Phi_I2_I2 = saltus_exp_2; /* flow.propagator */
    *Psi_I_V = dt * response_V_I * per_tau_syn; /* flow.propagator */
    *Psi_I2_V = dt * response_V_I2 * per_tau_syn2; /* flow.propagator */
}

/* model_motion where all nodes of its exponentials are near zero. */
SALTUS_INLINE void model_motion_near(const int terms, const double dt, const double per_tau_mem,
    const double per_tau_syn, const double per_tau_syn2, const double tau_mem, double *restrict Phi_V_V,
    double *restrict Phi_V_I, double *restrict Phi_V_I2, double *restrict Phi_I_I, double *restrict Phi_I2_I2,
    double *restrict Psi_I_V, double *restrict Psi_I2_V, double *restrict Phi_V_V_tau_mem,
    double *restrict Phi_V_I_tau_mem, double *restrict Phi_V_I2_tau_mem, double *restrict Phi_V_I_tau_syn,
    double *restrict Phi_I_I_tau_syn, double *restrict Phi_V_I2_tau_syn2, double *restrict Phi_I2_I2_tau_syn2)
{
    const double saltus_node_0 = -dt * per_tau_mem;
    const double saltus_node_1 = -dt * per_tau_syn;
    const double saltus_node_2 = -dt * per_tau_syn2;
    double saltus_exp_0_1_0 = 0.0, saltus_exp_0_2_0 = 0.0, saltus_exp_0_1 = 0.0, saltus_exp_0_2 = 0.0, saltus_exp_0 = SALTUS_EXP[terms + 2];
#pragma GCC unroll 32
    for (int k = terms + 2 - 1; k >= 0; k--) {
        saltus_exp_0_1_0 = k < terms + 0 ? saltus_exp_0_1_0 * saltus_node_0 + saltus_exp_0_1 : saltus_exp_0_1;
        saltus_exp_0_2_0 = k < terms + 0 ? saltus_exp_0_2_0 * saltus_node_0 + saltus_exp_0_2 : saltus_exp_0_2;
        saltus_exp_0_1 = k < terms + 1 ? saltus_exp_0_1 * saltus_node_1 + saltus_exp_0 : saltus_exp_0;
        saltus_exp_0_2 = k < terms + 1 ? saltus_exp_0_2 * saltus_node_2 + saltus_exp_0 : saltus_exp_0;
        saltus_exp_0 = saltus_exp_0 * saltus_node_0 + SALTUS_EXP[k];
    }
    const double saltus_exp_0_1_1 = saltus_exp_0_1 - saltus_exp_0_1_0;
    const double saltus_exp_0_2_2 = saltus_exp_0_2 - saltus_exp_0_2_0;
    const double saltus_exp_1 = saltus_exp_0 + (saltus_node_1 - saltus_node_0) * saltus_exp_0_1;
    const double saltus_exp_2 = saltus_exp_0 + (saltus_node_2 - saltus_node_0) * saltus_exp_0_2;
    const double response_V_I = saltus_exp_0_1; /* flow.propagator */
    const double response_V_I2 = saltus_exp_0_2; /* flow.propagator */
    *Phi_V_V = saltus_exp_0; /* flow.propagator */
    *Phi_V_I = dt * response_V_I * per_tau_mem; /* flow.propagator */
    *Phi_V_I2 = dt * response_V_I2 * per_tau_mem; /* flow.propagator */
    *Phi_I_I = saltus_exp_1; /* flow.propagator */
    *Phi_I2_I2 = saltus_exp_2; /* flow.propagator */
    *Psi_I_V = dt * response_V_I * per_tau_syn; /* flow.propagator */
    *Psi_I2_V = dt * response_V_I2 * per_tau_syn2; /* flow.propagator */
    const double decay_V = saltus_exp_0; /* flow.propagator */
    const double decay_I = saltus_exp_1; /* flow.propagator */
    const double decay_I2 = saltus_exp_2; /* flow.propagator */
    const double response_V_V_I = saltus_exp_0_1_0; /* flow.propagator */
    const double response_V_V_I2 = saltus_exp_0_2_0; /* flow.propagator */
    const double response_V_I_I = saltus_exp_0_1_1; /* flow.propagator */
    const double response_V_I2_I2 = saltus_exp_0_2_2; /* flow.propagator */
    *Phi_V_V_tau_mem = dt * decay_V; /* flow.derivative */
    *Phi_V_I_tau_mem = dt * (dt * response_V_V_I - tau_mem * response_V_I) * per_tau_mem;
        /* flow.derivative */
    *Phi_V_I2_tau_mem = dt * (dt * response_V_V_I2 - tau_mem * response_V_I2) * per_tau_mem;
        /* flow.derivative */
    *Phi_V_I_tau_syn = dt * dt * response_V_I_I * per_tau_mem; /* flow.derivative */
    *Phi_I_I_tau_syn = dt * decay_I; /* flow.derivative */
    *Phi_V_I2_tau_syn2 = dt * dt * response_V_I2_I2 * per_tau_mem; /* flow.derivative */
    *Phi_I2_I2_tau_syn2 = dt * decay_I2; /* flow.derivative */
}

#endif
