"""Tape files of our own: append-only Arrow streams, one an hour, of which everything flushed survives a kill.

``tape_SYMBOL_YYYY-MM-DD_HH_NNN.arrows`` holds rows received in that hour of UTC; a writer never opens a file again, so
that a second start within the hour makes the next part. The format is docs/tape-format.md.
"""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hummingbot_extensions import __version__
from hummingbot_extensions.sim.tape_files import HOUR_NS, TapeUnreadable
from hummingbot_extensions.sim.tape_rows import Columns, GapRow, Row, Why, batch_of, checked, columns_from, columns_of

SCHEMA = 1
"""Of tape files; raised when a reader of the one before would misread them."""
BATCH_ROWS = 1024
LEVEL = 9
END_MARK = b"\xff\xff\xff\xff\x00\x00\x00\x00"
"""Last bytes of a stream that was ended on purpose."""
NEEDS_PYARROW = "tapes need pyarrow: pip install 'hummingbot-extensions[tape]'"


class TapeNotWritten(Exception):
    """A batch could not be written; its rows are lost, and the next batch begins with a gap that says so."""


@dataclass(frozen=True, slots=True)
class TapeHeader:
    """What a file says of itself. ``is_continued``: the same recorder wrote the file before, without a stop."""

    venue: str
    symbol: str
    price_decimals: int
    size_decimals: int
    source: str = "live"
    """Where the rows came from."""
    source_bytes: int = 0
    """Size of what the file was made from; 0 when nobody counted."""
    started_ns: int = 0
    """Receipt of the first row."""
    is_continued: bool = False
    tool: str = f"hummingbot-extensions {__version__}"

    def to_metadata(self) -> dict[str, str]:
        words = {name: str(getattr(self, name)) for name in self.__dataclass_fields__}
        return {"hbx_tape": str(SCHEMA), "crc32": str(_header_checksum(words))} | words

    @classmethod
    def from_metadata(cls, found: Mapping[bytes, bytes], path: Path) -> TapeHeader | None:
        """None for a header that is damaged; TapeUnreadable for one of a later version."""
        try:
            words = {key.decode(): value.decode() for key, value in found.items()}
        except UnicodeDecodeError:
            return None
        schema, checksum = words.pop("hbx_tape", ""), words.pop("crc32", "")
        if schema.isdigit() and schema != str(SCHEMA):
            raise TapeUnreadable(
                f"{path} is a tape of schema {schema}, not {SCHEMA}; update hummingbot-extensions")
        if checksum != str(_header_checksum(words)):
            return None
        return cls(
            words["venue"], words["symbol"], int(words["price_decimals"]), int(words["size_decimals"]),
            words["source"], int(words["source_bytes"]), int(words["started_ns"]), words["is_continued"] == "True",
            words["tool"])


def _header_checksum(words: Mapping[str, str]) -> int:
    return zlib.crc32(repr(sorted(words.items())).encode())


class _Sink:
    """Bytes that Arrow has made and that are not on the disk yet."""

    closed = False

    def __init__(self) -> None:
        self._made = bytearray()

    def write(self, data: Any) -> int:
        self._made += data
        return len(data)

    def flush(self) -> None:
        pass

    def close(self) -> None:
        pass

    def taken(self) -> bytes:
        made = bytes(self._made)
        self._made.clear()
        return made


class TapeWriter:
    """Adds rows in the order of their receipt. Blocks on the disk: a bot hands its rows to a thread."""

    def __init__(self, folder: Path, header: TapeHeader, batch_rows: int = BATCH_ROWS) -> None:
        """Rows reach the disk ``batch_rows`` at a time, or when flushed; a kill loses what was not."""
        self.folder = folder
        self.source_bytes: dict[int, int] = {}
        """For the header of an hour's first file, by the start of the hour; the header's own otherwise."""
        self.files: list[Path] = []
        self._header = header
        self._batch_rows = batch_rows
        self._pending: list[Row] = []
        self._fd: int | None = None
        self._hour_ns = 0
        self._sink = _Sink()
        self._stream: Any = None
        self._end_ns = 0
        """Length of the file up to the last whole batch, in bytes."""
        self._last_stamp_ns = 0
        self._is_continued = header.is_continued
        self._lost: GapRow | None = None
        folder.mkdir(parents=True, exist_ok=True)

    def add(self, row: Row) -> None:
        """Take one row; ValueError for one that no file can hold, TapeNotWritten when a full batch met a bad disk."""
        checked(row)
        hour_ns = row.local_ts_ns - row.local_ts_ns % HOUR_NS
        # A clock set back does not reopen an hour.
        if hour_ns > self._hour_ns:
            try:
                self.close()
            finally:
                self._hour_ns = hour_ns
                self._pending.append(row)
        else:
            self._pending.append(row)
        if len(self._pending) >= self._batch_rows:
            self.flush()

    def flush(self) -> None:
        """Everything added so far is with the operating system, and outlives this process."""
        if not self._pending:
            return
        rows, self._pending = self._pending, []
        lost = [] if self._lost is None else [self._lost]
        try:
            if self._fd is None:
                self._open(rows[0].local_ts_ns)
            columns = columns_of([*lost, *rows])
            self._stream.write_batch(batch_of(columns), custom_metadata={"crc32": str(columns.checksum())})
            self._append(self._sink.taken())
        except OSError as error:
            self._lose(rows)
            raise TapeNotWritten(f"{len(rows)} rows of {self._header.symbol} are lost: {error.strerror}") from error
        self._lost = None
        self._last_stamp_ns = max(self._last_stamp_ns, *(_stamp_ns(row) for row in rows))

    def close(self) -> None:
        """Flush, and end the file with its end mark."""
        self.flush()
        self._end_file()

    def _open(self, local_ts_ns: int) -> None:
        import pyarrow as pa

        day_hour = datetime.fromtimestamp(self._hour_ns // 1_000_000_000, UTC).strftime("%Y-%m-%d_%H")
        part = 0
        while True:
            path = self.folder / f"tape_{self._header.symbol}_{day_hour}_{part:03d}.arrows"
            try:
                self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)
                break
            except FileExistsError:
                part += 1
        self.files.append(path)
        fields = {name: getattr(self._header, name) for name in self._header.__dataclass_fields__}
        header = TapeHeader(**fields | {
            "started_ns": local_ts_ns, "is_continued": self._is_continued,
            "source_bytes": self.source_bytes.pop(self._hour_ns, self._header.source_bytes)})
        schema = batch_of(columns_of([])).schema.with_metadata(header.to_metadata())
        options = pa.ipc.IpcWriteOptions(compression=pa.Codec("zstd", compression_level=LEVEL))
        self._end_ns = 0
        self._sink = _Sink()
        self._stream = pa.ipc.new_stream(self._sink, schema, options=options)
        self._append(self._sink.taken())
        self._is_continued = True

    def _append(self, data: bytes) -> None:
        """Write all of it, or leave the file as it was and raise OSError."""
        assert self._fd is not None
        left = memoryview(data)
        try:
            while left:
                left = left[os.write(self._fd, left):]
        except OSError:
            try:
                os.ftruncate(self._fd, self._end_ns)
            except OSError:
                # Nothing may follow a torn batch in one file: the next batch opens another.
                os.close(self._fd)
                self._fd = None
            raise
        self._end_ns += len(data)

    def _lose(self, rows: list[Row]) -> None:
        self._sink.taken()
        if self._fd is not None and not self._end_ns:
            # Not even the header: such a file would only be torn.
            os.close(self._fd)
            self._fd = None
            self.files.pop().unlink()
        stamps = [_stamp_ns(row) for row in rows]
        start_ns = self._last_stamp_ns or min(stamps)
        if self._lost is not None:
            start_ns = min(start_ns, self._lost.start_ns)
        self._lost = GapRow(rows[-1].local_ts_ns, Why.WRITE_FAILED, start_ns, max(start_ns, *stamps))

    def _end_file(self) -> None:
        if self._fd is None:
            return
        try:
            self._stream.close()
            self._append(self._sink.taken())
            os.fsync(self._fd)
        except OSError as error:
            raise TapeNotWritten(f"{self.files[-1].name} could not be ended: {error.strerror}") from error
        finally:
            if self._fd is not None:
                os.close(self._fd)
            self._fd = None


def _stamp_ns(row: Row) -> int:
    return row.start_ns if isinstance(row, GapRow) else row.exchange_ts_ns


@dataclass(frozen=True, slots=True, eq=False)
class TapeFile:
    """What could be read of one file: whole batches, in order. ``header`` is None when not even that was whole."""

    path: Path
    header: TapeHeader | None
    batches: tuple[Columns, ...]
    is_torn: bool
    """The end mark is missing, or something before it does not fit its checksum; nothing after that was read."""

    @property
    def last_stamp_ns(self) -> int | None:
        """Latest stamp of the exchange."""
        return max((int(batch.integers["exchange_ts_ns"].max()) for batch in self.batches), default=None)

    @property
    def first_stamp_ns(self) -> int | None:
        return min((int(batch.integers["exchange_ts_ns"].min()) for batch in self.batches), default=None)


def read_tape_file(path: Path) -> TapeFile:
    """The whole batches of one file. TapeUnreadable when it is no tape or pyarrow is missing; never for a torn one."""
    try:
        import pyarrow as pa
    except ModuleNotFoundError:
        raise TapeUnreadable(NEEDS_PYARROW) from None
    try:
        data = path.read_bytes()
    except OSError as error:
        raise TapeUnreadable(f"{path} cannot be read: {error.strerror}; check its rights") from error
    source = pa.BufferReader(data)
    try:
        stream = pa.ipc.open_stream(source)
        metadata = stream.schema.metadata or {}
    except (pa.ArrowException, OSError, EOFError, ValueError):
        return TapeFile(path, None, (), True)
    if b"hbx_tape" not in metadata and data.endswith(END_MARK):
        raise TapeUnreadable(f"{path} is an Arrow stream, but no tape; name a tape of hbx")
    header = TapeHeader.from_metadata(metadata, path)
    if header is None:
        return TapeFile(path, None, (), True)
    batches: list[Columns] = []
    is_ended = False
    while True:
        try:
            batch, custom = stream.read_next_batch_with_custom_metadata()
            columns = columns_from(batch)
            if custom is None or custom[b"crc32"] != str(columns.checksum()).encode():
                break
        except StopIteration:
            is_ended = source.tell() == len(data) and data.endswith(END_MARK)
            break
        except (pa.ArrowException, OSError, EOFError, ValueError, KeyError, TypeError):
            break
        batches.append(columns)
    return TapeFile(path, header, tuple(batches), not is_ended)


def tape_hours(folder: Path, symbol: str | None = None) -> list[tuple[int, Path]]:
    """(hour of receipt in nanoseconds, file) of a folder's tapes, in the order in which they were written."""
    name = r"[^/]+?" if symbol is None else re.escape(symbol)
    pattern = re.compile(rf"tape_{name}_(\d{{4}}-\d\d-\d\d)_(\d\d)_(\d{{3}})\.arrows")
    found = []
    for path in folder.glob("tape_*.arrows"):
        match = pattern.fullmatch(path.name)
        if match is not None:
            at = datetime.fromisoformat(f"{match[1]}T{match[2]}:00:00+00:00")
            found.append((int(at.timestamp()) * 1_000_000_000, path))
    return sorted(found)


def seams(files: Iterable[TapeFile]) -> Iterator[GapRow]:
    """Gaps that no row tells of: torn ends, and starts of the recorder."""
    before: TapeFile | None = None
    last_ns: int | None = None
    for file in files:
        first_ns = file.first_stamp_ns
        if before is not None and last_ns is not None and (before.is_torn or first_ns is not None):
            is_continued = file.header is not None and file.header.is_continued
            if before.is_torn or not is_continued:
                why = Why.TORN if before.is_torn else Why.STOPPED
                end_ns = None if first_ns is None else max(first_ns, last_ns)
                yield GapRow(0 if file.header is None else file.header.started_ns, why, last_ns, end_ns)
        before = file
        stamp_ns = file.last_stamp_ns
        if stamp_ns is not None:
            last_ns = stamp_ns if last_ns is None else max(last_ns, stamp_ns)
    if before is not None and before.is_torn and last_ns is not None:
        yield GapRow(0, Why.TORN, last_ns, None)
