import re
import threading

from apps.accounts import hashers
from apps.accounts.hashers import Argon2idHasher


def test_a_hash_takes_nineteen_mebibytes_and_two_passes():
    encoded = Argon2idHasher().encode("a long enough phrase", "c2FsdHNhbHRzYWx0")
    assert re.search(r"m=19456,t=2,p=1", encoded)
    assert Argon2idHasher().verify("a long enough phrase", encoded)
    assert not Argon2idHasher().verify("another phrase", encoded)


def test_a_fifth_hash_waits_for_one_of_four(monkeypatch):
    room = threading.BoundedSemaphore(1)
    monkeypatch.setattr(hashers, "_at_once", room)
    room.acquire()
    waiting = threading.Thread(target=Argon2idHasher().encode, args=("a phrase", "c2FsdHNhbHRzYWx0"))
    waiting.start()
    waiting.join(0.3)
    assert waiting.is_alive()
    room.release()
    waiting.join(5)
    assert not waiting.is_alive()
