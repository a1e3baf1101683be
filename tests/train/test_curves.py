from matplotlib.image import imread

from voxgate.train.curves import draw_curves


def line(step, **rates):
    return {"step": step, "loss": 1.0 / step, "accuracy": 0.1, "held_out_eer": rates}


def test_a_checkpoint_that_was_not_judged_leaves_a_gap_only(tmp_path):
    draw_curves([line(1, a=30.0), line(2), line(3, a=20.0)], tmp_path / "curves.png")
    picture = imread(tmp_path / "curves.png")
    assert picture[..., :3].std() > 0.01


def test_more_lines_make_another_picture(tmp_path):
    draw_curves([line(1)], tmp_path / "one.png")
    draw_curves([line(1), line(2)], tmp_path / "two.png")
    assert (imread(tmp_path / "one.png") != imread(tmp_path / "two.png")).any()
