/* SPDX-License-Identifier: Apache-2.0 */
/* What a driver would bring, as far as the kernels that compute call it: check_opencl.sh reads what
 * clang makes of them for NVIDIA's processors. */
#define BUILTIN __attribute__((overloadable, always_inline))

size_t BUILTIN get_local_id(uint d)
{
    return d == 0 ? __nvvm_read_ptx_sreg_tid_x() : 0;
}
size_t BUILTIN get_group_id(uint d)
{
    return d == 0   ? __nvvm_read_ptx_sreg_ctaid_x()
           : d == 1 ? __nvvm_read_ptx_sreg_ctaid_y()
                    : __nvvm_read_ptx_sreg_ctaid_z();
}
size_t BUILTIN get_global_id(uint d)
{
    return get_group_id(d) * (d == 0 ? 64 : 1) + get_local_id(d);
}
size_t BUILTIN get_global_size(uint d)
{
    return d == 0   ? 64 * __nvvm_read_ptx_sreg_nctaid_x()
           : d == 1 ? __nvvm_read_ptx_sreg_nctaid_y()
                    : __nvvm_read_ptx_sreg_nctaid_z();
}
void BUILTIN barrier(uint fence)
{
    __nvvm_bar_sync(0);
}
float4 BUILTIN fma(float4 a, float4 b, float4 c)
{
    return (float4)(__builtin_fmaf(a.x, b.x, c.x), __builtin_fmaf(a.y, b.y, c.y),
                    __builtin_fmaf(a.z, b.z, c.z), __builtin_fmaf(a.w, b.w, c.w));
}
float4 BUILTIN mad(float4 a, float4 b, float4 c)
{
    return fma(a, b, c);
}
float4 BUILTIN select(float4 a, float4 b, int4 c)
{
    return c < 0 ? b : a;
}
int4 BUILTIN select(int4 a, int4 b, int4 c)
{
    return c < 0 ? b : a;
}
