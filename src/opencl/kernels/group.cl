/* SPDX-License-Identifier: Apache-2.0 */
/* group.cl - what the work items of a group do together */

/* The sum of a value over all of them, in each of them, and the same order whatever the device. */
ALWAYS_INLINE real group_sum(__local real *part, real value)
{
    const int lane = (int)get_local_id(0);
    barrier(CLK_LOCAL_MEM_FENCE);
    part[lane] = value;
    for (int step = GROUP / 2; step > 0; step /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (lane < step)
            part[lane] = real_add(part[lane], part[lane + step]);
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    return part[0];
}
