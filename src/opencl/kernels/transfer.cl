/* SPDX-License-Identifier: Apache-2.0 */
/* transfer.cl - between features and plain [N][H][W][C], `count` values from value `first` on */

static inline size_t place(ulong value, int plane, int channels, int blocks)
{
    const ulong pixel = value / (ulong)channels;
    const int c = (int)(value % (ulong)channels);
    const ulong n = pixel / (ulong)plane, p = pixel % (ulong)plane;
    return ((n * (ulong)blocks + (ulong)(c / 4)) * (ulong)plane + p) * 4 + (ulong)(c % 4);
}

KERNEL void transfer_in(IN(plain), OUT(features), const ulong first, const int count,
                        const int plane, const int channels, const int blocks)
{
    const int i = (int)get_global_id(0);
    if (i < count)
        AS(float, features)[place(first + (ulong)i, plane, channels, blocks)] =
            AS(const float, plain)[i];
}

KERNEL void transfer_out(IN(features), OUT(plain), const ulong first, const int count,
                         const int plane, const int channels, const int blocks)
{
    const int i = (int)get_global_id(0);
    if (i < count)
        AS(float, plain)[i] =
            AS(const float, features)[place(first + (ulong)i, plane, channels, blocks)];
}
