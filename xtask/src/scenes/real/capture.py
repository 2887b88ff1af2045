"""Capture files, as far as they have to be changed after the recording."""

import struct

HEADER = 24
RECORD = struct.Struct("<IIII")


def stretch(path, factor, pause):
    """Pauses of more than `pause` seconds become `factor` times as long. Times of the first and the last packet, in seconds."""
    data = path.read_bytes()
    out, at = [data[:HEADER]], HEADER
    before = moved = None
    first = now = 0.0
    while at + RECORD.size <= len(data):
        seconds, micros, captured, length = RECORD.unpack_from(data, at)
        end = at + RECORD.size + captured
        ts = seconds * 1_000_000 + micros
        if before is None:
            moved, first = ts, ts / 1e6
        else:
            gap = ts - before
            moved += round(gap * factor) if gap > pause * 1e6 else max(gap, 0)
        before, now = ts, moved / 1e6
        out += [RECORD.pack(moved // 1_000_000, moved % 1_000_000, captured, length), data[at + RECORD.size : end]]
        at = end
    path.write_bytes(b"".join(out))
    return first, now
