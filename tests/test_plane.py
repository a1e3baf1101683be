"""Voices on a plane."""

import numpy as np

from voxgate.plane import to_plane


def test_voices_of_a_plane_keep_their_distances():
    turns = np.array([0.0, 0.3, 1.1, 2.0])
    circle = np.stack([np.cos(turns), np.sin(turns), 0 * turns, 0 * turns], axis=1)
    places = to_plane(circle)
    expected = np.linalg.norm(circle[:, None] - circle[None], axis=-1)
    np.testing.assert_allclose(
        np.linalg.norm(places[:, None] - places[None], axis=-1), expected, atol=1e-12
    )


def test_distances_are_never_larger_than_between_the_embeddings():
    vectors = np.random.default_rng(1).normal(size=(12, 8))
    directions = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    places = to_plane(vectors)
    far = np.linalg.norm(places[:, None] - places[None], axis=-1)
    true = np.linalg.norm(directions[:, None] - directions[None], axis=-1)
    assert (far <= true + 1e-12).all()


def test_one_voice_and_two_voices_have_places_too():
    assert to_plane(np.eye(5)[:1]).tolist() == [[0.0, 0.0]]
    two = to_plane(np.eye(5)[:2])
    np.testing.assert_allclose(two[:, 1], 0, atol=1e-12)
    np.testing.assert_allclose(np.abs(two[:, 0]), np.sqrt(0.5))


def test_the_same_voices_have_the_same_places_whatever_the_signs():
    vectors = np.random.default_rng(2).normal(size=(6, 4))
    places = to_plane(vectors)
    assert (places.max(axis=0) >= -places.min(axis=0) - 1e-12).all()
