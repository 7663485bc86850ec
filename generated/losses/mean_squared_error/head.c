/* Made by `saltus emit` from mean_squared_error.toml (head; ir.json beb9e5593422). Do not edit: change the spec or the templates and run it again.
 *
 * Mean squared error of a readout, or of a state at the end, against targets
 */
#include "head.h"

#include "exponentials.h"

static double head_total(int32_t classes, const double *restrict x, const double *restrict target)
{
    double sum = 0.0; /* loss.sum */
    for (int32_t j = 0; j < classes; j++)
        sum += (x[j] - target[j]) * (x[j] - target[j]);
    return sum;
}

static double head_value(int32_t classes, const double total)
{
    return total / classes; /* loss.value */
}

static double head_x(int32_t classes, const double *restrict x, const double *restrict target, int32_t k)
{
    return 2.0 * (x[k] - target[k]) / classes; /* loss.gradient */
}

void saltus_head(int32_t batch, int32_t classes, const double *parameters, const double *readouts,
                 const double *targets, const int32_t *label, double *loss, double *gradient)
{
    (void)parameters; /* perhaps only counts of spikes read them */
    (void)label;
    for (int32_t b = 0; b < batch; b++) {
        const double *restrict x = readouts + ((int64_t)b) * classes;
        double *restrict grad_x = gradient + ((int64_t)b) * classes;
        const double *restrict target = targets + ((int64_t)b) * classes;
        const double total = head_total(classes, x, target);
        loss[b] = head_value(classes, total);
        for (int32_t k = 0; k < classes; k++) {
            grad_x[k] = head_x(classes, x, target, k);
        }
    }
}
