"""The embedded scenes: real pixels, rare labels, and something to learn."""

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.metrics import average_precision_score

from rarelabel.datasets import load_digit_scenes
from rarelabel.imbalance import mean_ir


@pytest.fixture(scope="module")
def scenes():
    return load_digit_scenes()


def test_the_default_is_the_same_every_time(scenes):
    again = load_digit_scenes()
    assert np.array_equal(scenes.X, again.X)
    assert np.array_equal(scenes.Y, again.Y)
    assert not np.array_equal(scenes.X, load_digit_scenes(random_state=1).X)


def test_labels_are_imbalanced_and_some_are_rare(scenes):
    share = scenes.Y.mean(axis=0)
    assert mean_ir(scenes.Y) > 3
    assert (share >= 0.01).all()
    assert (share < 0.02).sum() >= 2
    assert set(scenes.Y.sum(axis=1)) == {1, 2, 3}


def test_pixels_are_brightness(scenes):
    assert scenes.schema.is_integer.all()
    assert (scenes.X.round() == scenes.X).all()
    assert scenes.X.min() == 0
    assert scenes.X.max() == 16


def test_a_scene_with_one_digit_shows_a_real_image_of_it_in_a_corner(scenes):
    digits = load_digits()
    alone = np.flatnonzero(scenes.Y.sum(axis=1) == 1)[:50]
    for row in alone:
        canvas = scenes.X[row].reshape(12, 12)
        corners = [canvas[top : top + 8, left : left + 8] for top in (0, 4) for left in (0, 4)]
        (shown,) = (
            part
            for part in corners
            if part.sum() == canvas.sum()
            and any(np.array_equal(part, image) for image in digits.images[digits.target == scenes.Y[row].argmax()])
        )
        assert shown.any()


def test_overlaid_images_never_darken_the_scene(scenes):
    images = load_digits().images
    assert scenes.X.sum(axis=1).min() >= images.sum(axis=(1, 2)).min()
    assert (
        scenes.X[scenes.Y.sum(axis=1) == 3].sum(axis=1).mean() > scenes.X[scenes.Y.sum(axis=1) == 1].sum(axis=1).mean()
    )


def test_rare_labels_can_be_learned(scenes):
    train = np.arange(len(scenes.X)) < 1400
    model = ExtraTreesClassifier(100, random_state=0).fit(scenes.X[train], scenes.Y[train])
    rare = np.flatnonzero(scenes.Y.mean(axis=0) < 0.05)
    precision = [
        average_precision_score(scenes.Y[~train, label], model.predict_proba(scenes.X[~train])[label][:, 1])
        for label in rare
    ]
    assert np.mean(precision) > 5 * scenes.Y[~train][:, rare].mean()


@pytest.mark.parametrize("n_samples", [0, -1, 2.5, True, "many"])
def test_number_of_scenes_is_checked(n_samples):
    with pytest.raises(ValueError, match="n_samples must be a positive integer, got"):
        load_digit_scenes(n_samples)
