# SPDX-License-Identifier: Apache-2.0
"""From an image file to a mask file, once: cold_start.py ENGINE FOLDER IMAGE MASK THREADS

What a user of each engine would write; bench/networks.py times it from the start of the process.
"""
import sys

engine, folder, image_path, mask_path, threads = sys.argv[1:6]


def main():
    import numpy
    from PIL import Image

    image = numpy.asarray(Image.open(image_path), numpy.float32)[None, None] / 255
    logits = globals()[engine](image)
    Image.fromarray((255 * logits[0].argmax(0)).astype(numpy.uint8)).save(mask_path)


def torch(image):
    import torch

    import unet_torch

    torch.set_num_threads(int(threads))
    net = unet_torch.load(f"{folder}/model.safetensors").eval()
    with torch.inference_mode():
        return net(torch.from_numpy(image)).numpy()


def onnxruntime(image):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = int(threads)
    session = onnxruntime.InferenceSession(f"{folder}/model.onnx", options)
    return session.run(None, {"image": image})[0]


def openvino(image):
    import openvino

    settings = {"INFERENCE_NUM_THREADS": int(threads), "INFERENCE_PRECISION_HINT": "f32"}
    net = openvino.Core().compile_model(f"{folder}/model.onnx", "CPU", settings)
    return net([image])[0]


def ncnn(image):
    import ncnn
    import numpy

    net = ncnn.Net()
    net.opt.num_threads = int(threads)
    net.load_param(f"{folder}/model.ncnn.param")
    net.load_model(f"{folder}/model.ncnn.bin")
    extractor = net.create_extractor()
    extractor.input("in0", ncnn.Mat(image[0]))
    return numpy.array(extractor.extract("out0")[1])[None]


main()
