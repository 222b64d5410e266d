# SPDX-License-Identifier: Apache-2.0
"""Small models of Keras and TensorFlow: python make_tensorflow.py FOLDER"""
import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"

import keras
import numpy as np
import tensorflow as tf
from keras import layers

keras.utils.set_random_seed(1)
os.chdir(sys.argv[1])


def image_model():
    x = image = keras.Input((16, 16, 3), name="image")
    x = layers.Conv2D(8, 3, strides=2, padding="same", use_bias=False)(x)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    y = layers.DepthwiseConv2D(3, padding="same")(x)
    x = layers.Add()([x, layers.Activation("swish")(y)])
    x = layers.GlobalAveragePooling2D()(layers.MaxPooling2D()(x))
    return keras.Model(image, layers.Dense(10, activation="softmax", name="probabilities")(x))


def two_inputs():
    ids, values = keras.Input((6,), name="ids", dtype="int32"), keras.Input((4,), name="values")
    x = layers.Concatenate()([layers.Flatten()(layers.Embedding(2, 3)(ids)), layers.Dense(8, activation="tanh")(values)])
    return keras.Model([ids, values], [layers.Dense(2, name="first")(x), layers.Dense(3, name="second")(x)])


class Shift(layers.Layer):
    def call(self, x):
        return x + 1


image = image_model()
image.save("image.keras")
image.save("image.h5")
image.save_weights("image.weights.h5")
image.export("image_saved", verbose=False)
two_inputs().save("two_inputs.keras")
keras.Sequential([keras.Input((7, 5), name="sequence"), layers.LSTM(6)]).save("lstm.keras")
keras.Sequential([keras.Input((None, None, 3), name="image"), layers.Conv2D(4, 3)]).save("open_sizes.keras")
keras.Sequential([keras.Input((5,), name="x"), layers.Lambda(lambda x: x * 2), layers.Dense(2)]).save("lambda.keras")
keras.Sequential([keras.Input((5,), name="x"), Shift()]).save("own_layer.keras")

open("image.tflite", "wb").write(tf.lite.TFLiteConverter.from_keras_model(image).convert())
reshaped = keras.Sequential([keras.Input((8, 8, 3), name="x"), layers.Conv2D(4, 3, strides=2), layers.Flatten(), layers.Dense(6), layers.Reshape((2, 3))])
open("reshape.tflite", "wb").write(tf.lite.TFLiteConverter.from_keras_model(reshaped).convert())
converter = tf.lite.TFLiteConverter.from_keras_model(image)
converter.optimizations = [tf.lite.Optimize.DEFAULT]
converter.representative_dataset = lambda: ([np.random.default_rng(k).random((1, 16, 16, 3), np.float32)] for k in range(40))
converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
converter.inference_input_type = converter.inference_output_type = tf.int8
open("image_int8.tflite", "wb").write(converter.convert())


class Unsupported(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec([None, 4], tf.float32, name="x")])
    def __call__(self, x):
        return {"y": tf.raw_ops.Betainc(a=x, b=x, x=x)}


tf.saved_model.save(Unsupported(), "unsupported_saved")
