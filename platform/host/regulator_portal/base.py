"""The base of the audit API's views: every view is on record before its answer is made."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, ClassVar, Final
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from compliance.audit.access.parameters import NoSuchPack
from compliance.audit.access.proofs import NoSuchEvent, NotSigned
from compliance.audit.access.records import DoesNotOpen, TooBroad
from compliance.audit.access.replays import Busy
from compliance.audit.access.samples import NoSuchSize
from compliance.audit.access.viewing import MOST_WHY, Reader, View, ViewNotRecorded, note_view
from compliance.audit.cold.errors import ColdDamaged, TooMuch
from compliance.audit.evidence import NotProven
from compliance.audit.keys.errors import VaultRefused
from compliance.audit.models import ServeRecord
from host.api.authentication import SignedInSession
from host.api.privacy import PRIVATE
from host.api.query import QueryParameters
from host.api.refusal import RETRY_SECONDS, SENTENCES, Refusal
from host.api.views import JSONView
from host.regulator_portal.authentication import AuditorSignIn, MayRead, reader_behind
from host.regulator_portal.queries import Reasoned

logger = logging.getLogger(__name__)

LEAST_WHY: Final = 3
NO_REASON: Final = (
    "This is somebody's record, and no reason was given, so nothing is shown. Say why you read it in the header "
    f"X-Reason or the parameter `reason`, in {LEAST_WHY} to {MOST_WHY} printable characters: it goes on record."
)
KEYS_AWAY: Final = (
    "The keys that records are sealed with cannot be read, so nothing is shown. The operator has to look; the proofs "
    "of records need no key."
)
TWO_REASONS: Final = "The header X-Reason and the parameter `reason` say different things. Give one of them."


class AuditView(JSONView):
    """A read by an auditor, for `scope` (empty: any). `of_a_person`: it takes a reason."""

    authentication_classes = (AuditorSignIn, SignedInSession)
    permission_classes = (MayRead,)
    throttle_scope = "audit"
    query_class: ClassVar[type[QueryParameters]] = Reasoned
    scope: ClassVar[str] = ""
    of_a_person: ClassVar[bool] = False

    def shown(
        self, request: Request, answer: Callable[[Reader], dict[str, Any]], *, record: UUID | None = None
    ) -> Response:
        """Put the view on record, then make the answer."""
        reader, why = reader_behind(request), self._reason(request)
        query = str(request.META.get("QUERY_STRING", ""))
        view = View(scope=self.scope, path=request.path, query=query, record=record, why=why)
        try:
            note_view(reader, view)
            content = answer(reader)
        except ViewNotRecorded as error:
            raise Refusal(str(error), status=503, retry_after=RETRY_SECONDS) from error
        except ServeRecord.DoesNotExist as error:
            raise Refusal(SENTENCES[404], status=404) from error
        except (NoSuchEvent, NoSuchPack) as error:
            raise Refusal(str(error), status=404) from error
        except (DoesNotOpen, NotProven, NotSigned) as error:
            raise Refusal(str(error), status=409) from error
        except (NoSuchSize, TooBroad) as error:
            raise Refusal(str(error), status=422) from error
        except VaultRefused as error:
            raise Refusal(KEYS_AWAY, status=503, retry_after=60) from error
        except (ColdDamaged, TooMuch) as error:
            logger.exception("The cold tier did not answer an auditor.")
            raise Refusal(str(error), status=503, retry_after=60) from error
        except Busy as error:
            raise Refusal(str(error), status=429, retry_after=1) from error
        return Response(content, headers={"Cache-Control": PRIVATE})

    def _reason(self, request: Request) -> str:
        """Why somebody looks; empty where they need not say. Raises Refusal."""
        said, header = str(self.asked.get("reason", "")), request.headers.get("X-Reason", "").strip()
        if said and header and said != header:
            raise Refusal(TWO_REASONS, status=400)
        why = said or header
        if (why or self.of_a_person) and not _is_reason(why, header):
            raise Refusal(NO_REASON, status=400)
        return why


def _is_reason(why: str, header: str) -> bool:
    return LEAST_WHY <= len(why) <= MOST_WHY and why.isprintable() and header.isascii()
