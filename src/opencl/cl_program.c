/* SPDX-License-Identifier: Apache-2.0 */
#include "opencl/cl_program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "opencl/cl_cache.h"
#include "opencl/cl_engine.h"

static const struct {
    const char *program, *name;
} kernels[UN_CL_KERNELS] = {
#define UN_CL_ROW(program, kernel, name) {#program ".cl", #kernel},
    UN_CL_KERNEL_LIST(UN_CL_ROW)
#undef UN_CL_ROW
};

/* What is put together for a program: these, then its own file. */
static const char *const before[] = {"arguments.h", "common.cl", "real.cl", "group.cl",
                                     "result.cl"};
enum { BEFORE = sizeof before / sizeof *before, PARTS = BEFORE + 1 };

static const char options[] = "-cl-std=CL1.2";

const char *un_cl_kernel_name(enum un_cl_kernel kernel)
{
    return kernels[kernel].name;
}

/* real.cl is soft.cl where the device has no doubles. */
static const struct un_cl_source *source_of(const struct un_cl_engine *e, const char *name)
{
    if (!e->device.has_doubles && !strcmp(name, "real.cl"))
        name = "soft.cl";
    const struct un_cl_source *s = un_cl_sources;
    while (s->name && strcmp(s->name, name))
        s++;
    return s;
}

/* The number of a program: kernels of one file lie together in the table. */
static int program_of(enum un_cl_kernel kernel)
{
    int number = 0;
    for (int i = 1; i <= (int)kernel; i++)
        number += strcmp(kernels[i].program, kernels[i - 1].program) != 0;
    return number;
}

/* The first line of the compiler's that says "error", or its first. */
static void fail_build(struct un_cl_engine *e, cl_program program, cl_int code, const char *file)
{
    char error[64], text[200];
    size_t size = 0;
    e->cl->clGetProgramBuildInfo(program, e->id, CL_PROGRAM_BUILD_LOG, 0, NULL, &size);
    char *log = calloc(size + 1, 1);
    if (!log) {
        un_cl_went(e, code, file);
        return;
    }
    e->cl->clGetProgramBuildInfo(program, e->id, CL_PROGRAM_BUILD_LOG, size, log, NULL);
    char *line = strstr(log, "error");
    while (line && line > log && line[-1] != '\n')
        line--;
    line = line ? line : log;
    line[strcspn(line, "\n")] = 0;
    snprintf(text, sizeof text, "compiling %s", file);
    un_cl_went(e, code, text);
    if (*line)
        un_fail(&e->why, UNET_EDEVICE, "%s: compiling %s: %s: %s", e->device.name, file,
                un_cl_error_text(code, error), line);
    free(log);
}

static cl_program compile(struct un_cl_engine *e, const char *const *texts, const size_t *sizes,
                          const char *file)
{
    cl_int code;
    cl_program made =
        e->cl->clCreateProgramWithSource(e->context, PARTS, (const char **)texts, sizes, &code);
    if (!un_cl_went(e, code, "clCreateProgramWithSource"))
        return NULL;
    code = e->cl->clBuildProgram(made, 1, &e->id, options, NULL, NULL);
    if (!code)
        return made;
    fail_build(e, made, code, file);
    e->cl->clReleaseProgram(made);
    return NULL;
}

static cl_program build(struct un_cl_engine *e, const char *file)
{
    const char *texts[PARTS];
    size_t sizes[PARTS];
    for (int i = 0; i < PARTS; i++) {
        const struct un_cl_source *s = source_of(e, i < BEFORE ? before[i] : file);
        texts[i] = (const char *)s->text;
        sizes[i] = s->size;
    }
    struct un_cl_key key = un_cl_cache_key(&e->device, options, texts, sizes, PARTS);
    cl_program made = un_cl_cache_load(e, &key, options);
    if (made)
        return made;
    made = compile(e, texts, sizes, file);
    if (made)
        un_cl_cache_store(e, &key, made);
    return made;
}

bool un_cl_program_ready(struct un_cl_engine *e, enum un_cl_kernel kernel)
{
    cl_program *program = &e->programs[program_of(kernel)];
    if (!*program)
        *program = build(e, kernels[kernel].program);
    return *program != NULL;
}

cl_kernel un_cl_kernel_of(struct un_cl_engine *e, enum un_cl_kernel kernel)
{
    cl_int code;
    if (e->kernels[kernel] || !un_cl_program_ready(e, kernel))
        return e->kernels[kernel];
    cl_kernel made =
        e->cl->clCreateKernel(e->programs[program_of(kernel)], kernels[kernel].name, &code);
    if (un_cl_went(e, code, kernels[kernel].name))
        e->kernels[kernel] = made;
    return e->kernels[kernel];
}

void un_cl_programs_free(struct un_cl_engine *e)
{
    for (int i = 0; i < UN_CL_KERNELS; i++)
        if (e->kernels[i])
            e->cl->clReleaseKernel(e->kernels[i]);
    for (int i = 0; i < UN_CL_PROGRAMS; i++)
        if (e->programs[i])
            e->cl->clReleaseProgram(e->programs[i]);
}
