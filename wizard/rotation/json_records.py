"""What commands print as JSON, with one record for each kind of thing: a key, an item, a rotation, a finding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from wizard.core.credentials import KeyName
from wizard.custody.records import KeyRecord
from wizard.rotation.model import Finding, RotationRecord

if TYPE_CHECKING:  # `status` starts without the HTTP library
    from wizard.rotation.report import Report
    from wizard.rotation.unknown_items import UnknownItem

Record = Mapping[str, Any]


def describe_name(name: KeyName | None) -> Record:
    """How every record names a key; null where it has no API key yet."""
    return {"fingerprint": name and name.fingerprint, "last_four": name and name.last_four}


def describe_key(key: KeyRecord | None, now: float) -> Record | None:
    """Return a stored key; `now` is the time, for its age."""
    if key is None:
        return None
    return {
        **describe_name(key.name),
        "kind": key.kind,
        "item": key.item,
        "stored_at": key.stored_at,
        "age_seconds": round(now - key.stored_at),
        "proven_at": key.proven_at,
        "proven_from": key.proven_from,
        "whitelist": key.whitelist,
    }


def describe_item(item: UnknownItem) -> Record:
    """Return an item that the journal does not know."""
    return {
        **describe_name(item.name),
        "kind": item.kind,
        "item": item.item,
        "created": item.created or None,
        "can_be_adopted": item.name is not None,
    }


def describe_rotation(rotation: RotationRecord, report: Report | None) -> Record:
    """Return a rotation, with its report where it has one."""
    return {**asdict(rotation), "certificate": report and asdict(report)}


def describe_finding(finding: Finding) -> Record:
    """Return one check with its evidence."""
    fields = asdict(finding)
    return {**fields, "from": fields.pop("from_address")}
