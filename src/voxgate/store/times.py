"""Times as they stand in the tables: whole microseconds since 1970 in UTC."""

from datetime import datetime, timedelta, timezone

from voxgate.errors import StoreCorruptError

DAMAGED = "The list of speakers in the store is damaged; restore it from a backup."

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(timezone.utc)


def now_us() -> int:
    """The time as it stands in the tables."""
    return to_us(now())


def to_us(time: datetime) -> int:
    """Microseconds since 1970 in UTC, exactly."""
    return (time - _EPOCH) // timedelta(microseconds=1)


def to_datetime(us: int) -> datetime:
    """The time that `to_us` gave this number for."""
    try:
        return _EPOCH + timedelta(microseconds=us)
    except (TypeError, OverflowError) as error:
        raise StoreCorruptError(DAMAGED) from error
