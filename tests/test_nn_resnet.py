"""Residual networks: names and shapes of torchvision, hand-worked convolutions, files of weights, the query head."""

import warnings
from fractions import Fraction

import pytest

torch = pytest.importorskip("torch")

from rarelabel.nn import QueryHead, load_weights, resnet18, resnet50, resnet_small  # noqa: E402


def norm(name, n):
    vectors = ("weight", "bias", "running_mean", "running_var")
    return [*[(f"{name}.{part}", (n,)) for part in vectors], (f"{name}.num_batches_tracked", ())]


def torchvision_state(depths, expansion, n_labels=1000, width=64, stem=7):
    """Names and shapes in order, as torchvision's resnet18 (expansion 1) and resnet50 (4) have them."""
    rows = [("conv1.weight", (width, 3, stem, stem)), *norm("bn1", width)]
    n_in = width
    for stage, depth in enumerate(depths, 1):
        w = width * 2 ** (stage - 1)
        for k in range(depth):
            at, n_out = f"layer{stage}.{k}", w * expansion
            kernels = [(w, n_in, 3), (w, w, 3)] if expansion == 1 else [(w, n_in, 1), (w, w, 3), (n_out, w, 1)]
            for i, (out, into, side) in enumerate(kernels, 1):
                rows += [(f"{at}.conv{i}.weight", (out, into, side, side)), *norm(f"{at}.bn{i}", out)]
            if k == 0 and n_in != n_out:
                rows += [(f"{at}.downsample.0.weight", (n_out, n_in, 1, 1)), *norm(f"{at}.downsample.1", n_out)]
            n_in = n_out
    return [*rows, ("fc.weight", (n_labels, n_in)), ("fc.bias", (n_labels,))]


@pytest.mark.parametrize(
    ("make", "depths", "expansion", "n_weights", "n_keys"),
    [(resnet18, (2, 2, 2, 2), 1, 11_689_512, 122), (resnet50, (3, 4, 6, 3), 4, 25_557_032, 320)],
)
def test_names_shapes_and_number_of_weights_are_those_of_torchvision(make, depths, expansion, n_weights, n_keys):
    network = make(random_state=0)
    state = [(name, tuple(tensor.shape)) for name, tensor in network.state_dict().items()]
    assert state == torchvision_state(depths, expansion)
    assert len(state) == n_keys
    assert sum(weight.numel() for weight in network.parameters()) == n_weights


def test_the_stride_of_a_bottleneck_is_in_its_second_convolution():
    network = resnet50(1, random_state=0)
    assert [network.layer2[0].conv1.stride, network.layer2[0].conv2.stride] == [(1, 1), (2, 2)]
    assert network.features(torch.zeros(1, 3, 64, 96)).shape == (1, 2048, 2, 3)  # 1/32 of either side


def test_forward_is_worked_out_by_hand_where_all_blocks_are_shortcuts():
    # blocks add nothing, and so pass on what is positive; the first convolution takes the red of one pixel
    network = resnet_small(1, random_state=0).eval()
    with torch.no_grad():
        for module in network.modules():
            if hasattr(module, "conv2"):
                module.conv2.weight.zero_()
            if getattr(module, "downsample", None) is not None:
                module.downsample[0].weight.zero_()
                module.downsample[0].weight[0, 0] = 1
        network.conv1.weight.zero_()
        network.conv1.weight[0, 0, 1, 1] = 1
        network.fc.weight.zero_()
        network.fc.weight[0, 0] = 2
        network.fc.bias.fill_(-1)
        image = torch.full((1, 3, 32, 32), 255, dtype=torch.uint8)
        # red is normalised to (1 - 0.485) / 0.229; then come bn1 and two downsamplings, each with variance 1 and
        # epsilon 1e-5
        red = (1 - 0.485) / 0.229 / (1 + 1e-5) ** 1.5
        assert network(image).item() == pytest.approx(2 * red - 1, rel=1e-5)


def test_mixed_images_are_normalised_like_mixtures_of_normalised_images():
    network = resnet_small(3, random_state=0).eval()
    plain = resnet_small(3, normalize=False, random_state=0).eval()
    g = torch.Generator().manual_seed(0)
    a, b = (torch.randint(0, 256, (2, 3, 32, 32), dtype=torch.uint8, generator=g) for _ in range(2))
    mean, std = (255 * torch.tensor(v)[:, None, None] for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    with torch.no_grad():
        mixed = network(0.7 * a + 0.3 * b)
        expected = plain(0.7 * (a - mean) / std + 0.3 * (b - mean) / std)
    torch.testing.assert_close(mixed, expected, rtol=1e-4, atol=1e-4)


def test_the_seed_decides_the_weights_and_global_generators_stay():
    before = torch.get_rng_state()
    a, b, c = (resnet_small(4, head="query", random_state=seed) for seed in (0, 0, 1))
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True))
    assert not torch.equal(a.conv1.weight, c.conv1.weight)
    assert not torch.equal(a.head.queries, c.head.queries)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors", "state_dict", "module"])
def test_a_checkpoint_gives_all_weights_but_those_of_a_head_of_another_size(tmp_path, suffix):
    source = resnet_small(1000, random_state=0)
    with torch.no_grad():
        source.bn1.running_mean += 3
    state = source.state_dict()
    path = tmp_path / f"weights{suffix if suffix.startswith('.') else '.pt'}"
    if suffix == ".safetensors":
        from safetensors.torch import save_file

        save_file({key: tensor.contiguous() for key, tensor in state.items()}, path)
    else:
        wrapped = {"state_dict": state, "epoch": 3} if suffix == "state_dict" else state
        prefixed = {f"module.{key}": tensor for key, tensor in state.items()} if suffix == "module" else wrapped
        torch.save(prefixed, path)
    loaded = resnet_small(7, checkpoint=path, random_state=1)
    fresh = resnet_small(7, random_state=1)
    for key, tensor in loaded.state_dict().items():
        assert torch.equal(tensor, (fresh.state_dict() if key.startswith("fc.") else state)[key]), key
    same = resnet_small(1000, checkpoint=path, random_state=1)
    assert torch.equal(same.fc.weight, source.fc.weight)  # the head fits
    query = resnet_small(1000, checkpoint=path, head="query", random_state=1)
    assert torch.equal(query.layer3[0].conv2.weight, source.layer3[0].conv2.weight)


def test_old_checkpoints_without_num_batches_tracked_load(tmp_path):
    state = {k: v for k, v in resnet_small(2, random_state=0).state_dict().items() if "num_batches" not in k}
    torch.save(state, tmp_path / "old.pth")
    assert torch.equal(resnet_small(2, checkpoint=tmp_path / "old.pth", random_state=1).fc.weight, state["fc.weight"])


def test_weights_of_another_architecture_are_refused_by_name(tmp_path):
    torch.save(resnet18(5, random_state=0).state_dict(), tmp_path / "eighteen.pth")
    with pytest.raises(ValueError, match="eighteen") as caught:
        resnet50(5, checkpoint=tmp_path / "eighteen.pth", random_state=0)
    message = str(caught.value)
    assert "not those of resnet50: layer1.0.conv1.weight has shape (64, 64, 3, 3), expected (64, 64, 1, 1); " in message
    assert "more" in message
    del_one = resnet18(5, random_state=0).state_dict()
    del del_one["layer3.1.bn2.bias"]
    torch.save({**del_one, "extra": torch.zeros(1)}, tmp_path / "less.pth")
    with pytest.raises(ValueError, match=r"layer3\.1\.bn2\.bias \(256,\) is missing; extra is not known"):
        resnet18(5, checkpoint=tmp_path / "less.pth", random_state=0)


class Harmful:
    def __reduce__(self):
        return warnings.warn, ("code of the file was run",)


@pytest.mark.parametrize("name", ["harmful.pth", "noise.pth", "noise.safetensors", "list.pth"])
def test_files_that_are_no_weights_are_refused_and_run_no_code(tmp_path, name):
    path = tmp_path / name
    if name == "harmful.pth":
        torch.save({"conv1.weight": Harmful()}, path)
    elif name == "list.pth":
        torch.save([torch.zeros(1)], path)
    else:
        path.write_bytes(b"\x07noise" * 50)
    with pytest.raises(ValueError, match=name):
        resnet_small(2, checkpoint=path, random_state=0)
    with pytest.raises(FileNotFoundError, match=r"nowhere\.pth"):
        load_weights(resnet_small(2, random_state=0), tmp_path / "nowhere.pth")


@pytest.mark.parametrize("cut", [0, 1, 300])
def test_files_that_are_cut_short_are_refused(tmp_path, cut):
    path = tmp_path / "weights.pth"
    torch.save(resnet_small(2, random_state=0).state_dict(), path)
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(
        ValueError, match=r"weights\.pth: (cannot be read as weights alone: \w|the file holds more than tens)"
    ):
        resnet_small(2, checkpoint=path, random_state=0)


def test_nobody_is_told_to_open_what_may_run(tmp_path):
    path = tmp_path / "evil.pth"
    torch.save({"weight": Fraction(1, 2)}, path)
    with pytest.raises(
        ValueError, match="the file holds more than tensors, or is damaged; it was not opened"
    ) as caught:
        resnet_small(2, checkpoint=path, random_state=0)
    assert "weights_only" not in str(caught.value)


def test_wrong_arguments_are_named():
    with pytest.raises(ValueError, match=r"head must be one of .* got 'gap'"):
        resnet_small(2, head="gap")
    with pytest.raises(ValueError, match="n_labels must be at least 1, got 0"):
        resnet_small(0)
    with pytest.raises(ValueError, match=r"dim must be a multiple of n_heads \(8\), got 20"):
        QueryHead(4, 2, dim=20)


@pytest.mark.parametrize("start", range(3))
def test_query_head_finds_a_single_place_and_does_not_care_where(start):
    # a label is there where one of 36 places has a certain pattern; the mean over places hardly moves
    torch.manual_seed(start)
    g = torch.Generator().manual_seed(0)
    head = QueryHead(8, 2, dim=16, n_heads=2)
    patterns = torch.randn(2, 8, generator=g) * 3
    optimizer = torch.optim.Adam(head.parameters(), lr=3e-3)

    def batch(n):
        x = torch.randn(n, 8, 6, 6, generator=g)
        y = (torch.rand(n, 2, generator=g) < 0.5).float()
        place = torch.stack([torch.randperm(36, generator=g)[:2] for _ in range(n)])
        for label in range(2):
            x.flatten(2)[torch.arange(n), :, place[:, label]] += y[:, label, None] * patterns[label]
        return x, y

    for _ in range(400):  # of twenty starts one needs more than 200
        x, y = batch(64)
        loss = torch.nn.functional.binary_cross_entropy_with_logits(head(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    x, y = batch(500)
    with torch.no_grad():
        logits = head(x)
        assert ((logits > 0) == (y > 0.5)).float().mean() > 0.95
        order = torch.randperm(36, generator=g)
        shuffled = x.flatten(2)[:, :, order].reshape(x.shape)
        torch.testing.assert_close(head(shuffled), logits, rtol=1e-3, atol=1e-4)


def test_gradients_reach_every_weight():
    for head in ("linear", "query"):
        network = resnet_small(3, head=head, random_state=0)
        logits = network(torch.randint(0, 256, (4, 3, 32, 32), generator=torch.Generator().manual_seed(0)))
        (logits * torch.tensor([1.0, -2.0, 0.5])).sum().backward()
        assert all(weight.grad is not None and weight.grad.abs().sum() > 0 for weight in network.parameters())
