"""The lists of an account and who is in them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

DYNAMIC = "DYNAMIC"
PROCESSING_TYPES = ("MANUAL", DYNAMIC, "SNAPSHOT")


class Watcher(Protocol):
    """What learns of memberships."""

    def moment(self) -> str:
        """Return the time as HubSpot prints it."""

    def note_membership(self, event: str, found: RecordList, record_id: str) -> None:
        """Write a side effect to the journal."""


@dataclass(slots=True)
class RecordList:
    """One list of records of one object type; `members` holds when each record joined."""

    id: str
    name: str
    object_type: str
    processing_type: str
    created: str
    updated: str
    filter_branch: Any = None
    deleted: str | None = None
    members: dict[str, str] = field(default_factory=dict)

    @property
    def is_dynamic(self) -> bool:
        """Whether HubSpot decides who is in it."""
        return self.processing_type == DYNAMIC


class ListStore:
    """All lists by id, deleted ones too."""

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher
        self._lists: dict[str, RecordList] = {}
        self._places: dict[tuple[str, str], dict[str, None]] = {}
        self._last_id = 0

    def create(self, name: str, object_type: str, processing_type: str, filter_branch: Any = None) -> RecordList:  # noqa: ANN401 - any JSON value
        """Add a list without members."""
        self._last_id += 1
        moment = self._watcher.moment()
        made = RecordList(str(self._last_id), name, object_type, processing_type, moment, moment, filter_branch)
        self._lists[made.id] = made
        return made

    def find(self, list_id: str) -> RecordList | None:
        """Return a list, a deleted one too."""
        return self._lists.get(list_id)

    def find_by_name(self, object_type: str, name: str) -> RecordList | None:
        """Return the list of a name that is not deleted."""
        wanted = name.lower()
        return next((one for one in self.live() if one.object_type == object_type and one.name.lower() == wanted), None)

    def live(self) -> Iterator[RecordList]:
        """Yield the lists that are not deleted."""
        return (one for one in self._lists.values() if one.deleted is None)

    def add(self, found: RecordList, record_id: str) -> bool:
        """Put a record into a list; tells whether it was not there."""
        if record_id in found.members:
            return False
        found.members[record_id] = self._watcher.moment()
        self._places.setdefault((found.object_type, record_id), {})[found.id] = None
        self._watcher.note_membership("list_member_added", found, record_id)
        return True

    def remove(self, found: RecordList, record_id: str) -> bool:
        """Take a record out of a list; tells whether it was there."""
        if found.members.pop(record_id, None) is None:
            return False
        self._places[found.object_type, record_id].pop(found.id, None)
        self._watcher.note_membership("list_member_removed", found, record_id)
        return True

    def of(self, object_type: str, record_id: str) -> list[RecordList]:
        """Return the lists that a record is in."""
        return [self._lists[list_id] for list_id in self._places.get((object_type, record_id), ())]

    def end(self, object_type: str, record_id: str) -> None:
        """Take a record that has left the account out of every list."""
        for found in self.of(object_type, record_id):
            self.remove(found, record_id)

    # persistence

    def dump(self) -> list[dict[str, Any]]:
        """Return every list as JSON values."""
        return [asdict(one) for one in self._lists.values()]

    def load(self, dumped: list[dict[str, Any]]) -> None:
        """Take over what `dump` returned."""
        self._lists = {row["id"]: RecordList(**row) for row in dumped}
        self._last_id = max((int(list_id) for list_id in self._lists), default=0)
        self._places = {}
        for one in self._lists.values():
            for record_id in one.members:
                self._places.setdefault((one.object_type, record_id), {})[one.id] = None
