/* What memory binds: STREAM's triad, with stores that go past the caches where the processor has them, and sums that read
   at several places at once, which is how one core gets most of the memory's speed. */
#include <stddef.h>
#ifdef __AVX__
#include <immintrin.h>
#endif

#define BLOCK 2048
#define PLACES 4

void triad(ptrdiff_t n, const double *restrict x, const double *restrict y, double *restrict out, int threads) {
#pragma omp parallel num_threads(threads)
    {
#pragma omp for schedule(static)
        for (ptrdiff_t block = 0; block < n / BLOCK; block++)
            for (ptrdiff_t i = block * BLOCK; i < (block + 1) * BLOCK; i += 4) {
#ifdef __AVX__
                __m256d product = _mm256_mul_pd(_mm256_set1_pd(3.0), _mm256_loadu_pd(y + i));
                _mm256_stream_pd(out + i, _mm256_add_pd(_mm256_loadu_pd(x + i), product));
#else
                for (int k = 0; k < 4; k++) out[i + k] = x[i + k] + 3.0 * y[i + k];
#endif
            }
#ifdef __AVX__
        _mm_sfence();
#endif
    }
    for (ptrdiff_t i = n / BLOCK * BLOCK; i < n; i++) out[i] = x[i] + 3.0 * y[i];
}

static __attribute__((noinline)) double blocks(const double *restrict x) {
    double total = 0.0;
#pragma omp simd reduction(+ : total)
    for (ptrdiff_t i = 0; i < BLOCK; i++) {
        double here = 0.0;
        for (int k = 0; k < PLACES; k++) here += x[i + k * BLOCK];
        total += here;
    }
    return total;
}

double sum(ptrdiff_t n, const double *restrict x, int threads) {
    double total = 0.0;
#pragma omp parallel for schedule(static) reduction(+ : total) num_threads(threads)
    for (ptrdiff_t block = 0; block < n / (BLOCK * PLACES); block++) total += blocks(x + block * BLOCK * PLACES);
    for (ptrdiff_t i = n / (BLOCK * PLACES) * (BLOCK * PLACES); i < n; i++) total += x[i];
    return total;
}

/* Rows of `columns` numbers, a few rows at once; each thread sums some of the rows. */
void column_sums(ptrdiff_t rows, ptrdiff_t columns, const double *restrict x, double *restrict out, int threads) {
    for (ptrdiff_t j = 0; j < columns; j++) out[j] = 0.0;
#pragma omp parallel num_threads(threads)
    {
        double mine[columns];
        for (ptrdiff_t j = 0; j < columns; j++) mine[j] = 0.0;
#pragma omp for schedule(static)
        for (ptrdiff_t group = 0; group < rows / 8; group++) {
            const double *a = x + 8 * group * columns;
#pragma omp simd
            for (ptrdiff_t j = 0; j < columns; j++) {
                double here = 0.0;
                for (int k = 0; k < 8; k++) here += a[j + k * columns];
                mine[j] += here;
            }
        }
#pragma omp critical
        for (ptrdiff_t j = 0; j < columns; j++) out[j] += mine[j];
    }
    for (ptrdiff_t i = rows / 8 * 8; i < rows; i++)
        for (ptrdiff_t j = 0; j < columns; j++) out[j] += x[i * columns + j];
}
