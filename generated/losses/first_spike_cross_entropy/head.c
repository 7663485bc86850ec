/* Made by `saltus emit` from first_spike_cross_entropy.toml (head; ir.json 8bff4984a100). Do not edit: change the spec or the templates and run it again.
 *
 * Cross-entropy of the first spike times, with a penalty on a late spike of the label's neuron
 * (Wunderlich & Pehle (2021), eq. 25 of the Yin-Yang experiment (with the alpha term inside the sum))
 */
#include "head.h"

#include "exponentials.h"

static double head_lse(int32_t classes, const double *restrict t, const double tau_0)
{
    double largest = -INFINITY, scaled = 0.0; /* loss.sum: the largest exponent is taken out, so nothing overflows */
    for (int32_t j = 0; j < classes; j++) {
        const double term = -t[j] / tau_0;
        largest = term > largest ? term : largest;
    }
    for (int32_t j = 0; j < classes; j++) {
        const double term = -t[j] / tau_0;
        scaled += saltus_exp(term - largest);
    }
    return largest + log(scaled);
}

static double head_value(const double *restrict t, int32_t label, const double tau_0, const double tau_1,
    const double alpha, const double lse)
{
    return t[label] / tau_0 + (alpha * (saltus_exp(t[label] / tau_1) - 1.0) + lse); /* loss.value */
}

static double head_t_label(const double *restrict t, int32_t label, const double tau_0, const double tau_1,
    const double alpha, const double lse)
{
    return alpha * saltus_exp(t[label] / tau_1) / tau_1 + (1.0 - saltus_exp(-t[label] / tau_0 - lse)) / tau_0;
        /* loss.gradient.label */
}

static double head_t_other(const double *restrict t, int32_t k, const double tau_0, const double lse)
{
    return -saltus_exp(-t[k] / tau_0 - lse) / tau_0; /* loss.gradient.other */
}

void saltus_head(int32_t batch, int32_t classes, const double *parameters, const double *readouts,
                 const double *targets, const int32_t *label, double *loss, double *gradient)
{
    (void)parameters; /* perhaps only counts of spikes read them */
    (void)targets;
    for (int32_t b = 0; b < batch; b++) {
        const double *restrict t = readouts + ((int64_t)b) * classes;
        double *restrict grad_t = gradient + ((int64_t)b) * classes;
        const double lse = head_lse(classes, t, parameters[0]);
        loss[b] = head_value(t, label[b], parameters[0], parameters[1], parameters[2], lse);
        for (int32_t k = 0; k < classes; k++) {
            if (k == label[b])
                grad_t[k] = head_t_label(t, label[b], parameters[0], parameters[1], parameters[2], lse);
            else
                grad_t[k] = head_t_other(t, k, parameters[0], lse);
        }
    }
}
