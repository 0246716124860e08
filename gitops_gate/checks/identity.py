"""When two findings are the same one, at the base and at the head, and from run to run.

They are when rule, application, resource (without hash suffix) and field agree, the items on the
way to the field being identified by merge key or content and never by index; without a field, the
message stands for it (contract, section 4). They are compared as multisets: of three at the head
and two at the base, one is introduced.

Used after the checks of both sides and before the verdict. An identity does not hold the
application, so that the findings of one that was renamed stay what they are; a fingerprint does.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence

from gitops_gate.checks.interface import Defect
from gitops_gate.resources.hash_names import base_name
from gitops_gate.resources.paths import IdentityMemo, identified_path
from gitops_gate.resources.values import Resource

Identity = tuple[str, ...]
"""Rule, group, kind, namespace, name, message, and then the identified path of the field.

The four in the middle are empty for a defect of no resource; so is the message where there is a
field. The version of the API is not part of it, so that moving a resource from `v1beta1` to `v1`
introduces nothing.
"""


def identity(
    resource: Resource | None,
    defect: Defect,
    names: Mapping[str, str] | None = None,
    memo: IdentityMemo | None = None,
) -> Identity:
    """What makes a defect the same as another of its application.

    `names` are generated names and what they are without their hash
    (`gitops_gate.resources.hash_names.plain_names`), for messages and items that mention them.
    A `memo`, an empty dict for one set of resources and names, makes many defects in one long list
    cost no more than one.
    """
    message = "" if defect.field else _plain_message(defect.message, names or {})
    if resource is None:
        return (defect.rule, "", "", "", "", message, *map(str, defect.field))
    key = resource.key._replace(name=base_name(resource))
    field = identified_path(resource.value, defect.field, names, memo)
    return (defect.rule, *key, message, *field)


def _plain_message(message: str, names: Mapping[str, str]) -> str:
    for name in sorted(names, key=len, reverse=True):
        message = message.replace(name, names[name])
    return message


def fingerprint(application: str | None, identity: Sequence[str]) -> str:
    """The identity within an application as 64 hexadecimal digits (SHA-256)."""
    text = json.dumps([application, *identity], ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def introduced(
    base: Sequence[tuple[Identity, str]], head: Sequence[tuple[Identity, str]]
) -> tuple[bool, ...]:
    """For each defect at the head, whether the base lacks it. Both are `(identity, message)`.

    Where the head has more of one identity than the base, those with the same message are matched
    first, and then in order, so that the new one of two at one field is the one that is named.
    """
    exact = Counter(base)
    known = Counter(identity for identity, _ in base)
    result = [True] * len(head)
    for index, sighting in enumerate(head):
        if exact[sighting] > 0:
            exact[sighting] -= 1
            known[sighting[0]] -= 1
            result[index] = False
    for index, (identity, _) in enumerate(head):
        if result[index] and known[identity] > 0:
            known[identity] -= 1
            result[index] = False
    return tuple(result)
