"""The same seed asks for the same; another seed for something else."""

from tests.chaos.scenario import waves


def test_a_seed_makes_the_same_requests_again() -> None:
    assert waves(7, 60) == waves(7, 60)
    assert waves(7, 60) != waves(8, 60)


def test_more_kills_make_more_waves_and_no_two_are_alike() -> None:
    some = waves(7, 61)
    assert len(some) == 4
    ids = [ask.request_id for wave in some for ask in wave.asks]
    words = [word for wave in some for album in wave.albums for word in album.words]
    assert len(set(ids)) == len(ids)
    assert len(set(words)) == len(words)
