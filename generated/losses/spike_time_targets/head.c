/* Made by `saltus emit` from spike_time_targets.toml (head; ir.json cbc7d813be14). Do not edit: change the spec or the templates and run it again.
 *
 * Half the squares of the first spike times' distances from target times
 */
#include "head.h"

#include "exponentials.h"

static double head_total(int32_t classes, const double *restrict t, const double *restrict target)
{
    double sum = 0.0; /* loss.sum */
    for (int32_t j = 0; j < classes; j++)
        sum += (t[j] - target[j]) * (t[j] - target[j]);
    return sum;
}

static double head_value(const double tau, const double total)
{
    return total / (2.0 * tau * tau); /* loss.value */
}

static double head_t(const double *restrict t, const double *restrict target, int32_t k, const double tau)
{
    return (t[k] - target[k]) / (tau * tau); /* loss.gradient */
}

void saltus_head(int32_t batch, int32_t classes, const double *parameters, const double *readouts,
                 const double *targets, const int32_t *label, double *loss, double *gradient)
{
    (void)parameters; /* perhaps only counts of spikes read them */
    (void)label;
    for (int32_t b = 0; b < batch; b++) {
        const double *restrict t = readouts + ((int64_t)b) * classes;
        double *restrict grad_t = gradient + ((int64_t)b) * classes;
        const double *restrict target = targets + ((int64_t)b) * classes;
        const double total = head_total(classes, t, target);
        loss[b] = head_value(parameters[0], total);
        for (int32_t k = 0; k < classes; k++) {
            grad_t[k] = head_t(t, target, k, parameters[0]);
        }
    }
}
