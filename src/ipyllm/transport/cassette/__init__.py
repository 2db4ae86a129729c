"""Cassettes: answers recorded with their times, and replayed without a network."""

from ipyllm.transport.cassette.file import CassetteFile
from ipyllm.transport.cassette.form import Recording, read
from ipyllm.transport.cassette.player import Player
from ipyllm.transport.cassette.recorder import Recorder
from ipyllm.transport.cassette.tape import Send, Tape, inserted, refusing, sender, stocked, within

__all__ = (
    "CassetteFile",
    "Player",
    "Recorder",
    "Recording",
    "Send",
    "Tape",
    "inserted",
    "read",
    "refusing",
    "sender",
    "stocked",
    "within",
)
