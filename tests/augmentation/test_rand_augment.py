"""RandAugment: every operation on pixels worked out by hand, no effect at magnitude 0, randomness as an argument."""

import pickle

import numpy as np
import pytest

Image = pytest.importorskip("PIL.Image")

from rarelabel.augmentation import ImageView, RandAugment  # noqa: E402

ALL = RandAugment().operations
GREY = [128, 128, 128]


def image_of(rows):
    """From rows of grey values or of colours."""
    array = np.array(rows, dtype=np.uint8)
    return Image.fromarray(np.repeat(array[..., None], 3, axis=2) if array.ndim == 2 else array)


def both_ways(name, image, magnitude=10):
    """Results with the level above and below 0."""
    augment = RandAugment(n_ops=1, magnitude=magnitude, operations=(name,))
    results = {}
    for seed in range(20):
        rng = np.random.default_rng(seed)
        rng.integers(1)
        negative = bool(rng.integers(2))
        results[negative] = np.asarray(augment(image, np.random.default_rng(seed)))
    return results[False], results[True]


@pytest.fixture
def noise():
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (20, 24, 3), dtype=np.uint8))


@pytest.mark.parametrize("name", ALL)
def test_magnitude_0_changes_nothing_but_where_there_is_no_magnitude(noise, name):
    image = Image.fromarray((np.asarray(noise) // 4 + 30).astype(np.uint8))
    for result in both_ways(name, image, magnitude=0):
        assert np.array_equal(result, np.asarray(image)) == (name not in ("autocontrast", "equalize"))


@pytest.mark.parametrize("name", ALL)
def test_operations_keep_the_size_and_leave_the_image_alone(noise, name):
    before = np.asarray(noise).copy()
    for result in both_ways(name, noise, magnitude=7):
        assert (result.shape, result.dtype) == (before.shape, np.uint8)
        assert np.array_equal(result, before) == (name == "identity")
    assert np.array_equal(np.asarray(noise), before)


def test_there_are_the_fourteen_operations_of_the_paper():
    assert len(set(ALL)) == 14


def test_autocontrast_stretches_each_channel():
    # 50..150 to 0..255: 100 is half way, 127.5
    (a, b) = both_ways("autocontrast", image_of([[50, 100, 150]]))
    assert a[0, :, 0].tolist() in ([0, 127, 255], [0, 128, 255])
    assert np.array_equal(a, b)


def test_equalize_gives_every_grey_value_its_share():
    # four values, each on a quarter of the pixels, go to 0, 85, 170, 255
    rows = np.repeat([[10, 11, 12, 13]], 255, axis=0)
    assert both_ways("equalize", image_of(rows))[0][0, :, 0].tolist() == [0, 85, 170, 255]


def test_rotate_by_a_third_of_a_right_angle_and_back():
    # a point 8 right of the centre goes to 8 (cos 30, -sin 30) = (6.93, -4) with y downwards: up where counterclockwise
    rows = np.zeros((33, 33))
    rows[15:18, 23:26] = 255
    for result, y in zip(both_ways("rotate", image_of(rows)), (12, 20), strict=True):
        assert result[y, 23, 0] > 200
        assert result[16, 24, 0] < 50
        assert result[0, 0].tolist() == GREY  # what comes in from outside


def test_solarize_turns_over_what_is_bright():
    image = image_of([[0, 127, 128, 200, 255]])
    # magnitude 5: a threshold of 256 (1 - 0.5) = 128
    assert both_ways("solarize", image, magnitude=5)[0][0, :, 0].tolist() == [0, 127, 127, 55, 0]
    assert both_ways("solarize", image)[1][0, :, 0].tolist() == [255, 128, 127, 55, 0]


def test_posterize_keeps_the_upper_bits():
    # magnitude 10 keeps 4 bits, multiples of 16; magnitude 5 keeps 6, multiples of 4
    image = image_of([[0, 15, 16, 203, 255]])
    assert both_ways("posterize", image)[0][0, :, 0].tolist() == [0, 0, 16, 192, 240]
    assert both_ways("posterize", image, magnitude=5)[1][0, :, 0].tolist() == [0, 12, 16, 200, 252]


def test_brightness_is_times_1_9_or_0_1():
    more, less = both_ways("brightness", image_of([[100, 130]]))
    assert (more[0, :, 0].tolist(), less[0, :, 0].tolist()) == ([190, 247], [10, 13])


def test_contrast_moves_from_the_mean():
    # mean 100: 60 goes to 100 - 1.9 * 40 = 24 and to 100 - 0.1 * 40 = 96
    more, less = both_ways("contrast", image_of([[60, 140]]))
    assert (more[0, :, 0].tolist(), less[0, :, 0].tolist()) == ([24, 176], [96, 104])


def test_color_moves_from_grey():
    # the grey of pure red 200 is 0.299 * 200 = 60 (rounded): 60 + 1.9 * (200 - 60) is cut at 255, 60 - 1.9 * 60 at 0
    more, less = both_ways("color", image_of([[[200, 0, 0]]]))
    assert more[0, 0].tolist() == [255, 0, 0]
    assert less[0, 0].tolist() == [74, 54, 54]  # 60 + 0.1 * 140, 60 - 0.1 * 60


def test_sharpness_moves_from_a_smoothed_image():
    # smoothing weighs the middle 5 of 13 and its eight neighbours 1: 130 among zeros becomes 50
    rows = np.zeros((3, 3))
    rows[1, 1] = 130
    more, less = both_ways("sharpness", image_of(rows))
    assert (more[1, 1, 0], less[1, 1, 0]) == (202, 58)  # 50 + 1.9 * 80, 50 + 0.1 * 80


def test_translate_moves_by_045_of_the_side():
    # 20 pixels: 9, and grey comes in; half the magnitude: 4.5, rounded to 4
    row = np.arange(20) + 1
    right, left = both_ways("translate_x", image_of([row]))
    assert right[0, :, 0].tolist() == [128] * 9 + list(range(1, 12))
    assert left[0, :, 0].tolist() == list(range(10, 21)) + [128] * 9
    down, up = both_ways("translate_y", image_of(row[:, None]), magnitude=5)
    assert down[:, 0, 0].tolist() == [128] * 4 + list(range(1, 17))
    assert up[:, 0, 0].tolist() == list(range(5, 21)) + [128] * 4


def test_shear_slants_about_the_centre():
    # 40 rows: at the row whose centre is dy above the middle, pixels move by 0.3 dy; an upright line in the middle
    # of rows 19.5 above is 5.85 further to one side, and 19.5 below to the other
    rows = np.zeros((40, 40))
    rows[:, 18:22] = 240
    for result, sign in zip(both_ways("shear_x", image_of(rows)), (1, -1), strict=True):
        for y in (2, 20, 37):
            where = np.flatnonzero((result[y, :, 0] > 130) & (result[y, :, 0] != 128))
            assert where.mean() == pytest.approx(19.5 - sign * 0.3 * (y + 0.5 - 20), abs=0.7)
    upright = [result.transpose(1, 0, 2) for result in both_ways("shear_y", image_of(rows.T))]
    for a, b in zip(upright, both_ways("shear_x", image_of(rows)), strict=True):
        assert np.abs(a.astype(int) - b).max() <= 1


def test_the_generator_decides_all_and_is_asked_twice_for_each_operation(noise):
    augment = RandAugment(n_ops=3, magnitude=9)
    results = [np.asarray(augment(noise, np.random.default_rng(seed))) for seed in (1, 1, 2)]
    assert np.array_equal(results[0], results[1])
    assert not np.array_equal(results[0], results[2])
    assert pickle.loads(pickle.dumps(augment)) == augment
    rng, other = np.random.default_rng(5), np.random.default_rng(5)
    augment(noise, rng)
    for _ in range(3):
        other.integers(14)
        other.integers(2)
    assert rng.random() == other.random()


def test_all_operations_are_drawn_about_equally_often():
    drawn = dict.fromkeys(ALL, 0)
    rng = np.random.default_rng(0)
    counted = tuple(ALL)

    class Counting(tuple):
        def __getitem__(self, index):
            drawn[counted[index]] += 1
            return "identity"

    augment = RandAugment(n_ops=7000, operations=Counting(counted))
    augment(image_of([[1]]), rng)
    assert min(drawn.values()) > 400  # 500 each, standard deviation 22
    assert max(drawn.values()) < 600


def test_wrong_arguments_are_named(noise):
    with pytest.raises(ValueError, match=r"magnitude must lie in \[0, 10\], got 11"):
        RandAugment(magnitude=11)
    with pytest.raises(ValueError, match="n_ops must be a whole number of at least 0, got -1"):
        RandAugment(n_ops=-1)
    with pytest.raises(ValueError, match=r"operations must be some of identity, .* got \('blur',\)"):
        RandAugment(operations=("blur",))
    with pytest.raises(ValueError, match="expected an RGB image, got mode 'L'"):
        RandAugment()(noise.convert("L"), np.random.default_rng(0))


def test_a_view_mirrors_and_flips_and_takes_arrays_tensors_and_images():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (3, 4, 5), dtype=np.uint8)
    plain = RandAugment(n_ops=0)
    for view, expected in (
        (ImageView(plain, mirror=0), pixels),
        (ImageView(plain, mirror=1), pixels[:, :, ::-1]),
        (ImageView(plain, mirror=0, flip=1), pixels[:, ::-1]),
    ):
        for image in (pixels, torch.from_numpy(pixels), Image.fromarray(pixels.transpose(1, 2, 0))):
            result = view(image, rng)
            assert result.dtype == torch.uint8
            assert np.array_equal(result.numpy(), expected)
    mirrored = [bool((ImageView(plain)(pixels, rng).numpy() != pixels).any()) for _ in range(400)]
    assert 160 < sum(mirrored) < 240  # 200, standard deviation 10
    assert pickle.loads(pickle.dumps(ImageView())) == ImageView()
    a, b = (ImageView()(pixels, np.random.default_rng(3)) for _ in range(2))
    assert torch.equal(a, b)
    with pytest.raises(ValueError, match=r"expected pixels as uint8 .*, got float64 of shape \(3, 4\)"):
        ImageView()(np.zeros((3, 4)), rng)
    with pytest.raises(ValueError, match=r"mirror must be a probability in \[0, 1\], got 2"):
        ImageView(mirror=2)
