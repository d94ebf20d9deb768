"""What all claims promise."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from assetgen.cache.locks import FileClaims
from tests.cache.samples import fingerprint
from tests.memory import MemoryClaims

if TYPE_CHECKING:
    from pathlib import Path

    from assetgen.core.ports import Claims


@pytest.fixture(params=["memory", "file"])
def claims(request: pytest.FixtureRequest, tmp_path: Path) -> Claims:
    if request.param == "memory":
        return MemoryClaims()
    return FileClaims(str(tmp_path / "cache"), create=True)


def test_a_claim_excludes_a_second_one_until_it_is_left(claims: Claims) -> None:
    claim = claims.try_claim(fingerprint())
    assert claim is not None
    with claim:
        assert claims.try_claim(fingerprint()) is None
    again = claims.try_claim(fingerprint())
    assert again is not None
    with again:
        pass


def test_other_fingerprints_are_free(claims: Claims) -> None:
    one, two = claims.try_claim(fingerprint(1)), claims.try_claim(fingerprint(2))
    assert one is not None
    assert two is not None
    with one, two:
        pass


def test_a_claim_ends_with_an_error_too(claims: Claims) -> None:
    claim = claims.try_claim(fingerprint())
    assert claim is not None
    with pytest.raises(KeyError), claim:
        raise KeyError
    again = claims.try_claim(fingerprint())
    assert again is not None
    with again:
        pass


def test_a_claim_may_be_left_on_another_thread(claims: Claims) -> None:
    with ThreadPoolExecutor(1) as thread:
        claim = thread.submit(claims.try_claim, fingerprint()).result()
        assert claim is not None
        assert claims.try_claim(fingerprint()) is None
        with claim:
            pass
        again = thread.submit(claims.try_claim, fingerprint()).result()
    assert again is not None
    with again:
        pass


def test_of_many_threads_one_gets_the_claim(claims: Claims) -> None:
    with ThreadPoolExecutor(16) as threads:
        got = list(threads.map(claims.try_claim, [fingerprint()] * 16))
    winners = [claim for claim in got if claim is not None]
    assert len(winners) == 1
    with winners[0]:
        pass
