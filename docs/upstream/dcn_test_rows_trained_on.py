"""The DCN tutorial of KerasRS tests on ratings of which four in five were trained on.

    python docs/upstream/dcn_test_rows_trained_on.py    (needs TensorFlow, for tf.data)

Seen in keras-rs' ``examples/dcn.py`` at commit 2ae9650. It calls ``shuffle(100_000)``, then makes a
training set by ``take(80_000)`` and a test set by ``skip(80_000)``. A ``shuffle`` draws a new order
for each iteration, and these are two, so that the test set is cut from another order.
``reshuffle_each_iteration=False``, as in the tutorial on basic ranking, keeps one order for both.

Expected: 0%. The tutorial's lines give 80%.
"""

import tensorflow as tf

for options in ({}, {"reshuffle_each_iteration": False}):
    ratings = tf.data.Dataset.range(100_000).shuffle(100_000, **options)
    train = set(ratings.take(80_000).as_numpy_iterator())
    test = set(ratings.skip(80_000).as_numpy_iterator())
    share = len(train & test) / len(test)
    print(f"{options or 'as in the tutorial'}: {share:.0%} of {len(test):,} test rows trained on")
