# SPDX-License-Identifier: Apache-2.0
"""One engine in one mode: worker.py ENGINE MODE TASK FOLDER SIDE_IN CHANNELS CLASSES THREADS

Says "ready NAME VERSION" once it is loaded, then answers each line of its standard input:
    run           milliseconds, and for training the loss
    logits FILE   writes them as raw float32 [classes][h][w], "ok"
    memory        the most memory that the process ever held, MiB (VmHWM)
    quit
Nothing but the engine of the process is imported, so that its memory is the engine's own.
"""
import os
import sys
import time


def input_image(folder, shape):
    import numpy

    return numpy.fromfile(f"{folder}/input.f32", numpy.float32).reshape(shape)


def torch_predict(mode, job):
    import torch

    import unet_torch

    torch.set_num_threads(job.threads)
    net = unet_torch.load(f"{job.folder}/model.safetensors").eval()
    x = torch.from_numpy(input_image(job.folder, job.shape))
    if "channels_last" in mode or mode in ("jit", "bf16"):
        net, x = net.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last)
    if mode.startswith("compile"):
        import torch._inductor.config

        torch._inductor.config.freezing = True
        net = torch.compile(net)
    if mode == "jit":
        with torch.no_grad():
            net = torch.jit.optimize_for_inference(torch.jit.freeze(torch.jit.trace(net, x)))

    def run():
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=mode == "bf16"):
            return net(x)

    return torch.__version__, run, lambda y: y.float().contiguous().numpy()


def torch_train(mode, job):
    import numpy
    import torch

    import unet_torch

    torch.set_num_threads(job.threads)
    net = unet_torch.load(f"{job.folder}/model.safetensors").train()
    x = torch.from_numpy(input_image(job.folder, job.shape))
    labels = numpy.fromfile(f"{job.folder}/labels.u8", numpy.uint8).astype(numpy.int64)
    side = int(len(labels) ** 0.5)
    labels = torch.from_numpy(labels.reshape(1, side, side))
    if "channels_last" in mode or mode == "bf16":
        net, x = net.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(net.parameters(), lr=job.rate, fused=True)
    call = torch.compile(net) if mode.startswith("compile") else net

    def run():
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16, enabled=mode == "bf16"):
            loss = torch.nn.functional.cross_entropy(call(x), labels)
        loss.backward()
        optimizer.step()
        return loss.item()

    return torch.__version__, run, None


def onnxruntime_predict(mode, job):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = job.threads
    options.inter_op_num_threads = 1
    # its threads spin while it runs, as by default, but stop when run() returns
    options.add_session_config_entry("session.force_spinning_stop", "1")
    session = onnxruntime.InferenceSession(f"{job.folder}/model.onnx", options,
                                           providers=["CPUExecutionProvider"])
    feed = {session.get_inputs()[0].name: input_image(job.folder, job.shape)}
    return onnxruntime.__version__, lambda: session.run(None, feed)[0], None


def openvino_predict(mode, job):
    import openvino

    settings = {"INFERENCE_NUM_THREADS": job.threads, "PERFORMANCE_HINT": "LATENCY",
                "INFERENCE_PRECISION_HINT": "bf16" if mode == "bf16" else "f32"}
    core = openvino.Core()
    net = core.compile_model(core.read_model(f"{job.folder}/model.onnx"), "CPU", settings)
    request, x = net.create_infer_request(), input_image(job.folder, job.shape)

    def run():
        return request.infer([x], share_inputs=True, share_outputs=True)[0]

    return openvino.__version__.split("-")[0], run, None


def ncnn_predict(mode, job):
    import ncnn
    import numpy

    net = ncnn.Net()
    net.opt.num_threads = job.threads
    for half in ("fp16_packed", "fp16_storage", "fp16_arithmetic", "bf16_packed", "bf16_storage"):
        if hasattr(net.opt, f"use_{half}"):
            setattr(net.opt, f"use_{half}", False)
    if mode == "bf16":
        net.opt.use_bf16_packed = net.opt.use_bf16_storage = True
    if mode == "sgemm":
        net.opt.use_winograd_convolution = False
    if net.load_param(f"{job.folder}/model.ncnn.param") or \
            net.load_model(f"{job.folder}/model.ncnn.bin"):
        raise RuntimeError("ncnn cannot read its model")
    x = input_image(job.folder, job.shape)[0]

    def run():
        extractor = net.create_extractor()
        extractor.input("in0", ncnn.Mat(x))
        return numpy.array(extractor.extract("out0")[1])

    return ncnn.__version__, run, None


def peak_memory():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM"))


class Job:
    def __init__(self, folder, channels, side, threads):
        self.folder, self.threads, self.rate = folder, int(threads), 1e-4
        self.shape = (1, int(channels), int(side), int(side))


def main():
    engine, mode, task, folder, channels, side, threads = sys.argv[1:8]
    # what an engine prints must not get between the answers
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    job = Job(folder, channels, side, threads)
    version, run, to_array = globals()[f"{engine}_{task}"](mode, job)
    result = None
    print("ready", version, file=answers, flush=True)
    for line in sys.stdin:
        words = line.split()
        if words[0] == "run":
            start = time.perf_counter()
            result = run()
            took = 1e3 * (time.perf_counter() - start)
            print(f"{took:.3f}", result if task == "train" else "", file=answers, flush=True)
        elif words[0] == "logits":
            array = to_array(result) if to_array else result
            array.astype("float32").tofile(words[1])
            print("ok", file=answers, flush=True)
        elif words[0] == "memory":
            print(f"{peak_memory():.1f}", file=answers, flush=True)
        else:
            break


if __name__ == "__main__":
    main()
