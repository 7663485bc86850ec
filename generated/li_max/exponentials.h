/* Made by `saltus emit` from li_max.toml (network; ir.json 3b302bbeb1de). Do not edit: change the spec or the templates and run it again.
 *
 * exp, log1p and divided differences of exp, as straight-line code that a compiler can put into vector lanes.
 * Accuracy: about one unit in the last place for exp and log1p, a few for the divided differences, also where
 * their nodes meet: this is what keeps a flow exact as two time constants become equal.
 */
#ifndef SALTUS_EXPONENTIALS_H
#define SALTUS_EXPONENTIALS_H

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#define SALTUS_INLINE static inline __attribute__((always_inline, unused))
#define SALTUS_APART static __attribute__((noinline, unused)) /* a loop that needs the registers for itself */

SALTUS_INLINE double saltus_from_bits(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

SALTUS_INLINE uint64_t saltus_to_bits(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* Taylor's coefficients of exp, 1/k!, for arguments near zero. */
static const double SALTUS_EXP[] = {
    1.0, 1.0, 1.0 / 2.0, 1.0 / 6.0, 1.0 / 24.0, 1.0 / 120.0, 1.0 / 720.0, 1.0 / 5040.0, 1.0 / 40320.0, 1.0 / 362880.0,
    1.0 / 3628800.0, 1.0 / 39916800.0, 1.0 / 479001600.0, 1.0 / 6227020800.0, 1.0 / 87178291200.0, 1.0 / 1307674368000.0,
    1.0 / 20922789888000.0, 1.0 / 355687428096000.0, 1.0 / 6402373705728000.0, 1.0 / 121645100408832000.0,
    1.0 / 2432902008176640000.0, 1.0 / 51090942171709440000.0, 1.0 / 1124000727777607680000.0,
};

/* The degree of the polynomial whose remainder, x^(n + 1)/(n + 1)!, stays below 5e-17 for all x that are no further from zero
 * than this; 0: no short one does. A divided difference over m + 1 nodes takes m terms more. */
SALTUS_INLINE int saltus_terms(double furthest)
{
    return furthest <= 0x1p-6 ? 6 : furthest <= 0x1p-4 ? 8 : furthest <= 0x5p-4 ? 12 : furthest <= 0x5p-3 ? 15 : 0;
}

/* Where a loop has few versions: for brief stretches, for short ones, and (0) for any. */
enum { SALTUS_BRIEF = 8, SALTUS_SHORT = 12 };

SALTUS_INLINE int saltus_version(double furthest)
{
    const int terms = saltus_terms(furthest);
    return terms == 0 || terms > SALTUS_SHORT ? 0 : terms > SALTUS_BRIEF ? SALTUS_SHORT : SALTUS_BRIEF;
}

/* No less than (exp(rate dt) - 1)/rate, rounding included, where such a polynomial does: (exp(x) - 1)/x < 1 + x/2 + x^2/5. */
SALTUS_INLINE double saltus_reach(double dt, double rate)
{
    const double x = dt * rate;
    return dt * ((1.0 + 1e-11) + x * (0.5 + 0.2 * x));
}

SALTUS_INLINE double saltus_exp_near(const int terms, double x)
{
    double p = SALTUS_EXP[terms];
#pragma GCC unroll 16
    for (int k = terms - 1; k >= 0; k--) p = p * x + SALTUS_EXP[k];
    return p;
}

/* exp(x) = 2^k exp(r), |r| <= ln(2)/2, exp(r) by its Taylor polynomial of degree 13 (remainder below 5e-18).
 * Below -708 the result is 0 (it would be subnormal), above 709 it is infinite. */
SALTUS_INLINE double saltus_exp(double x)
{
    const double shift = 0x1.8p52;
    const double clipped = x < -708.0 ? -708.0 : (x > 709.0 ? 709.0 : x);
    const double shifted = clipped * 0x1.71547652b82fep0 + shift;
    const double k = shifted - shift;
    const double r = (clipped - k * 0x1.62e42fefa3800p-1) - k * 0x1.ef35793c76730p-45;
    const double r2 = r * r, r4 = r2 * r2;
    const double low = (0.5 + r * (1.0 / 6.0)) + r2 * (1.0 / 24.0 + r * (1.0 / 120.0));
    const double middle = (1.0 / 720.0 + r * (1.0 / 5040.0)) + r2 * (1.0 / 40320.0 + r * (1.0 / 362880.0));
    const double high = (1.0 / 3628800.0 + r * (1.0 / 39916800.0)) + r2 * (1.0 / 479001600.0 + r * (1.0 / 6227020800.0));
    const double p = 1.0 + (r + r2 * (low + r4 * (middle + r4 * high)));
    const double scale = saltus_from_bits((saltus_to_bits(shifted) + 1023) << 52);
    const double value = p * scale;
    return x < -708.0 ? 0.0 : (x > 709.0 ? (double)INFINITY : value);
}

/* -log(1 - y)/y for y < 1; 1 at y = 0. log(u) = 2 atanh((u-1)/(u+1)) + k ln 2 with u in [sqrt(1/2), sqrt(2)). */
SALTUS_INLINE double saltus_log1m_ratio(double y)
{
    const double u = 1.0 - y;
    const uint64_t bits = saltus_to_bits(u);
    const int64_t k = (int64_t)(bits - 0x3fe6a09e667f3bcd) >> 52;
    const double m = saltus_from_bits(bits - ((uint64_t)k << 52));
    const double d = (m - 1.0) / (m + 1.0);
    const double q = d * d;
    const double q2 = q * q, q4 = q2 * q2;
    const double low = (1.0 + q * (1.0 / 3.0)) + q2 * (1.0 / 5.0 + q * (1.0 / 7.0));
    const double middle = (1.0 / 9.0 + q * (1.0 / 11.0)) + q2 * (1.0 / 13.0 + q * (1.0 / 15.0));
    const double high = (1.0 / 17.0 + q * (1.0 / 19.0)) + q2 * (1.0 / 21.0 + q * (1.0 / 23.0));
    const double p = low + q4 * (middle + q4 * high);
    const double log_u = 2.0 * d * p + (double)k * 0x1.62e42fefa39efp-1;
    const double rounded = 1.0 - u; /* y as it was rounded into u: log(u)/(u-1) is then accurate for small y */
    return rounded == 0.0 ? 1.0 : -log_u / rounded;
}

/* exp_dd2(a, b) = (exp a - exp b)/(a - b) = exp(b) phi(a - b), phi(z) = (exp(z) - 1)/z by its Taylor polynomial
 * for |z| < 1/2, where the difference would cancel. */
SALTUS_INLINE double saltus_exp_dd2(double a, double b)
{
    const double exp_a = saltus_exp(a), exp_b = saltus_exp(b);
    const double z = a - b;
    const int near = fabs(z) < 0.5;
    const double z2 = z * z, z4 = z2 * z2;
    const double low = (0.5 + z * (1.0 / 6.0)) + z2 * (1.0 / 24.0 + z * (1.0 / 120.0));
    const double middle = (1.0 / 720.0 + z * (1.0 / 5040.0)) + z2 * (1.0 / 40320.0 + z * (1.0 / 362880.0));
    const double high = (1.0 / 3628800.0 + z * (1.0 / 39916800.0)) + z2 * (1.0 / 479001600.0 + z * (1.0 / 6227020800.0));
    const double p = 1.0 + z * (low + z4 * (middle + z4 * (high + z4 * (1.0 / 87178291200.0))));
    const double per_z = 1.0 / (near ? 1.0 : z); /* which need not wait for exp */
    return near ? exp_b * p : (exp_a - exp_b) * per_z;
}

/* The divided difference over the nodes a, a, b: exp(a) (exp(z) - 1 - z)/z^2 with z = b - a, by the Taylor polynomial
 * for |z| < 1. */
SALTUS_INLINE double saltus_exp_dd21(double a, double b)
{
    const double exp_a = saltus_exp(a), exp_b = saltus_exp(b);
    const double z = b - a;
    const int near = fabs(z) < 1.0;
    double p = 1.0 / 2432902008176640000.0;
    p = p * z + 1.0 / 121645100408832000.0;
    p = p * z + 1.0 / 6402373705728000.0;
    p = p * z + 1.0 / 355687428096000.0;
    p = p * z + 1.0 / 20922789888000.0;
    p = p * z + 1.0 / 1307674368000.0;
    p = p * z + 1.0 / 87178291200.0;
    p = p * z + 1.0 / 6227020800.0;
    p = p * z + 1.0 / 479001600.0;
    p = p * z + 1.0 / 39916800.0;
    p = p * z + 1.0 / 3628800.0;
    p = p * z + 1.0 / 362880.0;
    p = p * z + 1.0 / 40320.0;
    p = p * z + 1.0 / 5040.0;
    p = p * z + 1.0 / 720.0;
    p = p * z + 1.0 / 120.0;
    p = p * z + 1.0 / 24.0;
    p = p * z + 1.0 / 6.0;
    p = p * z + 0.5;
    const double apart = (exp_b - exp_a - z * exp_a) / (near ? 1.0 : z * z);
    return near ? exp_a * p : apart;
}

/* The divided difference over three nodes in any order, for vector lanes: the recurrence over the outermost nodes lo and hi;
 * where these are within 1 of one another exp(c) sum_k h_k/(k + 2)! about their middle c, with the complete homogeneous
 * symmetric polynomials h_k of -d, d and m = mid - c, d = (hi - lo)/2: h_k = m h_{k-1} + (d^k for even k). */
SALTUS_INLINE double saltus_exp_dd3(double a, double b, double c)
{
    const double least = a < b ? a : b, most = a < b ? b : a;
    const double lo = c < least ? c : least, hi = c > most ? c : most;
    const double mid = c < least ? least : (c > most ? most : c);
    const double spread = hi - lo, centre = lo + 0.5 * spread;
    const int near = spread < 1.0;
    const double m = mid - centre, q = 0.25 * spread * spread;
    double h = 1.0, even = 1.0, sum = 0.5, factor = 0.5;
    for (int k = 1; k < 15; k += 2) { /* unrolled: its length is known */
        h *= m;
        factor /= k + 2;
        sum += h * factor;
        even *= q;
        h = h * m + even;
        factor /= k + 3;
        sum += h * factor;
    }
    const double apart = (saltus_exp_dd2(hi, mid) - saltus_exp_dd2(mid, lo)) / (near ? 1.0 : spread);
    return near ? saltus_exp(centre) * sum : apart;
}

/* The divided difference of exp over n nodes, in any order (McCurdy, Ng & Parlett 1984).
 * Nodes within 1 of one another: exp(c) sum_k h_k(z - c)/(n-1+k)!, h_k the complete homogeneous symmetric
 * polynomials; otherwise the recurrence over the two outermost nodes, which are then far enough apart. */
static inline __attribute__((unused)) double saltus_exp_dd(int n, const double *nodes)
{
    enum { MOST = 8, TERMS = 20 };
    double z[MOST] = {0.0};
    for (int i = 0; i < n; i++) { /* insertion sort */
        int j = i;
        for (; j > 0 && z[j - 1] > nodes[i]; j--) z[j] = z[j - 1];
        z[j] = nodes[i];
    }
    if (n == 1) return saltus_exp(z[0]);
    if (z[n - 1] - z[0] > 1.0)
        return (saltus_exp_dd(n - 1, z + 1) - saltus_exp_dd(n - 1, z)) / (z[n - 1] - z[0]);
    const double centre = 0.5 * (z[0] + z[n - 1]);
    double h[TERMS] = {1.0}; /* h_k of the nodes seen so far */
    for (int i = 0; i < n; i++)
        for (int k = 1; k < TERMS; k++) h[k] += (z[i] - centre) * h[k - 1];
    double factorial = 1.0, sum = 0.0;
    for (int k = 2; k < n; k++) factorial *= k;
    for (int k = 0; k < TERMS; k++) {
        sum += h[k] / factorial;
        factorial *= n + k;
    }
    return saltus_exp(centre) * sum;
}

#define saltus_exp_dd4(a, b, c, d) saltus_exp_dd(4, (const double[]){a, b, c, d})
#define saltus_exp_dd5(a, b, c, d, e) saltus_exp_dd(5, (const double[]){a, b, c, d, e})
#define saltus_exp_dd6(a, b, c, d, e, f) saltus_exp_dd(6, (const double[]){a, b, c, d, e, f})
#define saltus_exp_dd7(a, b, c, d, e, f, g) saltus_exp_dd(7, (const double[]){a, b, c, d, e, f, g})
#define saltus_exp_dd8(a, b, c, d, e, f, g, h) saltus_exp_dd(8, (const double[]){a, b, c, d, e, f, g, h})

#endif
