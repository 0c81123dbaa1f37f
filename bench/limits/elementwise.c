/* Sums of elementary functions with their gradients. Sine and cosine share a reduction in three parts (Cody and Waite) and
   the Cephes library's polynomials, since the C library's vector functions take 11 ns each; tanh is exact to the last bits
   of 1, not of itself, which is enough here. */
#include <math.h>
#include <stddef.h>

#define PIECE 8192

/* A loop inside of a parallel region is vectorised badly (gcc 12): each piece is a call of a function of its own. And a
   parallel region of one thread takes 25 us. */
#define IN_PIECES(CALL)                                                                                         \
    double total = 0.0;                                                                                         \
    if (threads <= 1) {                                                                                         \
        for (ptrdiff_t from = 0; from < n; from += PIECE) {                                                     \
            ptrdiff_t count = n - from < PIECE ? n - from : PIECE;                                              \
            total += CALL;                                                                                      \
        }                                                                                                       \
        return total;                                                                                           \
    }                                                                                                           \
    _Pragma("omp parallel for reduction(+:total) num_threads(threads)")                                         \
    for (ptrdiff_t from = 0; from < n; from += PIECE) {                                                         \
        ptrdiff_t count = n - from < PIECE ? n - from : PIECE;                                                  \
        total += CALL;                                                                                          \
    }                                                                                                           \
    return total;

#define FUNCTIONS(NAME, T, RINT, EXP, FABS, COPYSIGN)                                                          \
    static __attribute__((noinline)) double NAME##_piece(ptrdiff_t n, const T *restrict x, T *restrict gradient) { \
        double total = 0.0;                                                                                     \
        _Pragma("omp simd reduction(+:total)")                                                                  \
        for (ptrdiff_t i = 0; i < n; i++) {                                                                     \
            T v = x[i], square = v * v, q = RINT(v * (T)0.63661977236758134308);                                \
            T r = ((v - q * (T)0x1.921fb544p+0) - q * (T)0x1.0b4611a6p-34) - q * (T)0x1.3198a2e037073p-69;      \
            T z = r * r;                                                                                        \
            T a = r + r * z * ((T)-1.66666666666666307295e-1 + z * ((T)8.33333333332211858878e-3 +              \
                  z * ((T)-1.98412698295895385996e-4 + z * ((T)2.75573136213857245213e-6 +                      \
                  z * ((T)-2.50507477628578072866e-8 + z * (T)1.58962301576546568060e-10)))));                  \
            T b = 1 - z / 2 + z * z * ((T)4.16666666666665929218e-2 + z * ((T)-1.38888888888730564116e-3 +      \
                  z * ((T)2.48015872888517045348e-5 + z * ((T)-2.75573141792967388112e-7 +                      \
                  z * ((T)2.08757008419747316778e-9 - z * (T)1.13585365213876817300e-11)))));                   \
            T quarter = q - 4 * RINT(q * (T)0.25), odd = quarter * quarter; /* quarter: -2, -1, 0, 1 or 2 */    \
            T s = odd == 1 ? b : a, c = odd == 1 ? a : b;                                                       \
            s = (quarter == -1) | (odd == 4) ? -s : s;                                                          \
            c = (quarter == 1) | (odd == 4) ? -c : c;                                                           \
            T e = EXP(-square), f = EXP(-2 * FABS(v)), t = COPYSIGN((1 - f) / (1 + f), v), d = 1 / (1 + square); \
            total += s * e + t * d;                                                                             \
            gradient[i] = (c - 2 * v * s) * e + (1 - t * t) * d - 2 * v * t * d * d;                            \
        }                                                                                                       \
        return total;                                                                                           \
    }                                                                                                           \
    double NAME(ptrdiff_t n, const T *x, T *gradient, int threads) {                                            \
        IN_PIECES(NAME##_piece(count, x + from, gradient + from))                                               \
    }

FUNCTIONS(functions_float64, double, rint, exp, fabs, copysign)
FUNCTIONS(functions_float32, float, rintf, expf, fabsf, copysignf)

/* Price, and its derivatives by spot, strike, volatility, time and rate. */
static __attribute__((noinline)) double black_scholes_piece(
    ptrdiff_t n, const double *restrict s, const double *restrict k, const double *restrict v, const double *restrict t,
    const double *restrict r, double *restrict by_s, double *restrict by_k, double *restrict by_v,
    double *restrict by_t, double *restrict by_r) {
    const double half = sqrt(0.5), scale = 1.0 / sqrt(2.0 * acos(-1.0));
    double total = 0.0;
#pragma omp simd reduction(+ : total)
    for (ptrdiff_t i = 0; i < n; i++) {
        double root_t = sqrt(t[i]), spread = v[i] * root_t;
        double d1 = (log(s[i] / k[i]) + (r[i] + 0.5 * v[i] * v[i]) * t[i]) / spread, d2 = d1 - spread;
        double n1 = 0.5 * (1.0 + erf(d1 * half)), n2 = 0.5 * (1.0 + erf(d2 * half));
        double density = scale * exp(-0.5 * d1 * d1), discounted = k[i] * exp(-r[i] * t[i]) * n2;
        total += s[i] * n1 - discounted;
        by_s[i] = n1;
        by_k[i] = -discounted / k[i];
        by_v[i] = s[i] * density * root_t;
        by_t[i] = s[i] * density * v[i] / (2.0 * root_t) + r[i] * discounted;
        by_r[i] = t[i] * discounted;
    }
    return total;
}

double black_scholes(ptrdiff_t n, const double *s, const double *k, const double *v, const double *t, const double *r,
                     double *out, int threads) {
    IN_PIECES(black_scholes_piece(count, s + from, k + from, v + from, t + from, r + from, out + from, out + n + from,
                                  out + 2 * n + from, out + 3 * n + from, out + 4 * n + from))
}
