#!/usr/bin/env python3
"""Makes the SavedModels that the tests read (Tests/NetworkReadingTests/SavedModels), as TensorFlow 2 and TensorFlow 1 save them, and prints
what TensorFlow computes of an input whose element i is sin(i).

usage: make_test_networks.py OUT_FOLDER     needs: pip install tensorflow-cpu"""
import os, sys
os.environ["CUDA_VISIBLE_DEVICES"] = ""
import numpy as np, tensorflow as tf
out = sys.argv[1]
rng = np.random.default_rng(3)
x = np.sin(np.arange(48, dtype=np.float32)).reshape(1, 4, 4, 3)

class Tiny(tf.Module):
    def __init__(self):
        self.kernel = tf.Variable(rng.normal(size=(3, 3, 3, 4)).astype(np.float32))
        # Two variables of one name.
        self.first = tf.Variable(rng.normal(size=4).astype(np.float32), name="scale")
        self.second = tf.Variable(rng.normal(size=4).astype(np.float32), name="scale")
        self.mean = tf.Variable(rng.normal(size=4).astype(np.float32))
        self.variance = tf.Variable(rng.uniform(.5, 2, 4).astype(np.float32))
    @tf.function
    def halves(self, v):
        a, b = tf.split(v, 2, axis=-1)
        return b * 2., a
    @tf.function(input_signature=[tf.TensorSpec([None, 4, 4, 3], tf.float32, name="image")])
    def __call__(self, image):
        y = tf.nn.conv2d(image, self.kernel, 1, "SAME")
        y, _, _ = tf.compat.v1.nn.fused_batch_norm(y, self.first, self.second, self.mean, self.variance, is_training=False)
        a, b = self.halves(y)
        c, d = self.halves(tf.concat([a, b], -1))
        return {"features": tf.reduce_mean(tf.concat([c, d], -1), [1, 2]), "map": tf.nn.relu(c)}

m = Tiny()
tf.saved_model.save(m, out + "/two", signatures=m.__call__.get_concrete_function())
y = m(tf.constant(x))
print("two: features", y["features"].numpy().tolist(), "sum of map", float(np.sum(y["map"].numpy(), dtype=np.float64)))

tf.keras.utils.set_random_seed(1)
image = tf.keras.Input((4, 4, 3))
m = tf.keras.Model(image, tf.keras.layers.GlobalAveragePooling2D()(tf.keras.layers.Conv2D(2, 1)(image)))
tf.saved_model.save(m, out + "/keras3")
print("keras3:", m(x).numpy().tolist())

g = tf.Graph()
with g.as_default():
    v1 = tf.compat.v1
    p = v1.placeholder(tf.float32, [None, 4, 4, 3], name="images")
    k = v1.get_variable("module/kernel", initializer=rng.normal(size=(3, 3, 3, 2)).astype(np.float32), use_resource=False)
    b = v1.get_variable("module/bias", initializer=rng.normal(size=2).astype(np.float32), use_resource=True)
    o = tf.reduce_max(tf.nn.conv2d(p, k, 2, "VALID") + b, [1, 2], name="vector")
    with v1.Session(graph=g) as s:
        s.run(v1.global_variables_initializer())
        print("one:", s.run(o, {p: x}).tolist())
        v1.saved_model.simple_save(s, out + "/one", {"images": p}, {"default": o})
