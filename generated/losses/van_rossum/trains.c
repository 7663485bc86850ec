/* Made by `saltus emit` from van_rossum.toml (trains; ir.json 9b5360a2e998). Do not edit: change the spec or the templates and run it again.
 *
 * Van Rossum distance of spike trains from target spike trains
 * (van Rossum (2001), A novel spike distance)
 */
#include "trains.h"

#include "exponentials.h"

static double train_kernel(const double d, const double tau)
{
    return saltus_exp(-d / tau); /* loss.kernel */
}

static double train_slope(const double d, const double tau)
{
    return -saltus_exp(-d / tau) / tau; /* loss.slope */
}

void saltus_trains(int64_t cells, const double *parameters, const int64_t *start, const double *time,
                   const int64_t *target_start, const double *target, double *distance, double *gradient)
{
    for (int64_t c = 0; c < cells; c++) {
        double sum = 0.0;
        for (int64_t i = start[c]; i < start[c + 1]; i++) {
            sum += 0.5 * train_kernel(0.0, parameters[0]);
            gradient[i] = 0.0;
            for (int64_t j = start[c]; j < i; j++) {
                const double slope = train_slope(time[i] - time[j], parameters[0]);
                sum += train_kernel(time[i] - time[j], parameters[0]);
                gradient[i] += slope;
                gradient[j] -= slope;
            }
            for (int64_t j = target_start[c]; j < target_start[c + 1]; j++) {
                const double after = time[i] - target[j];
                sum -= train_kernel(fabs(after), parameters[0]);
                if (after > 0.0)
                    gradient[i] -= train_slope(after, parameters[0]);
                else if (after < 0.0)
                    gradient[i] += train_slope(-after, parameters[0]);
            }
        }
        for (int64_t i = target_start[c]; i < target_start[c + 1]; i++) {
            sum += 0.5 * train_kernel(0.0, parameters[0]);
            for (int64_t j = target_start[c]; j < i; j++)
                sum += train_kernel(target[i] - target[j], parameters[0]);
        }
        distance[c] = sum;
    }
}
