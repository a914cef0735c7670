"""The pages about decisions: a creator's own and nobody else's, complaints with files, and the moderators' queue."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from compliance.statements.complaints import complain
from compliance.statements.evidence import accept
from compliance.statements.models import Complaint, Delivery, Evidence, Reversal, Statement
from compliance.statements.selectors import penalties
from host.statements.uploads import MOST_UPLOAD
from tests.acts import latest
from tests.conftest import World
from tests.host.statement_people import People, people

WHY = "The film shows the cure at minute 43; whoever looked stopped too early."
REASONS = "Minute 43 does show it, so that the title is not misleading."
PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 20


@pytest.fixture(name="they")
def _they(world: World, settings: Any, tmp_path: Path) -> People:
    settings.MEDIA_ROOT = tmp_path
    return people(world)


def complained(they: People) -> Complaint:
    return complain(
        statement=Statement.objects.get(pk=they.decision.pk),
        complainant=they.users["alex"].subject,  # type: ignore[arg-type]
        text=WHY,
        evidence=[accept(name="shot.png", content=PNG)],
    )


def test_a_creator_sees_what_was_decided_about_their_items_and_nobody_else_does(they: People) -> None:
    address = f"/statements/{they.decision.id}/"
    assert they.statuses("get", address) == {
        "nobody": 302, "alex": 200, "sam": 404, "rhea": 404, "ada": 404, "mona": 404, "nils": 404
    }  # fmt: skip
    assert str(they.decision.id) in they.clients["alex"].get("/statements/").content.decode()
    assert str(they.decision.id) not in they.clients["sam"].get("/statements/").content.decode()
    assert they.clients["nobody"].get("/statements/").status_code == 302


def test_the_page_says_facts_ground_and_redress_and_reading_is_noted(they: People) -> None:
    assert Delivery.objects.get(statement_id=they.decision.pk).read_at is None
    html = they.clients["alex"].get(f"/statements/{they.decision.id}/").content.decode()
    for words in ("minute 41", "Terms, section 4.2", "250 thousandths", "DSA Art. 21", "Complaints are taken until"):
        assert words in html
    assert 'enctype="multipart/form-data"' in html
    assert Delivery.objects.get(statement_id=they.decision.pk).read_at is not None


def test_a_complaint_comes_with_text_and_files(they: People) -> None:
    files = [SimpleUploadedFile("shot.png", PNG), SimpleUploadedFile("note.txt", b"See minute 43.")]
    data = {"text": WHY, "evidence": files}
    response = they.clients["alex"].post(f"/statements/{they.decision.id}/complain/", data, follow=True)
    html = response.content.decode()
    assert "Your complaint was sent." in html
    assert WHY in html
    assert "shot.png" in html
    assert "Send the complaint" not in html  # one at a time
    assert Evidence.objects.count() == 2


@pytest.mark.parametrize(
    ("data", "status", "words"),
    [
        ({"text": ""}, 400, "Your complaint was not sent"),
        ({"text": "x" * 5001}, 400, "Your complaint was not sent"),
        ({"text": WHY, "evidence": SimpleUploadedFile("a.png", b"MZ\x90\x00 program")}, 422, "neither PDF, PNG"),
        ({"text": WHY, "evidence": [SimpleUploadedFile(f"{n}.txt", b"x") for n in range(6)]}, 422, "At most 5 files"),
    ],
    ids=["empty", "long", "program", "six files"],
)
def test_a_complaint_that_is_wrong_is_refused_in_words(
    they: People, data: dict[str, Any], status: int, words: str
) -> None:
    response = they.clients["alex"].post(f"/statements/{they.decision.id}/complain/", data)
    assert response.status_code == status
    assert words in response.content.decode()
    assert not Complaint.objects.exists()


def test_an_upload_that_is_too_large_is_refused_by_its_announced_length(they: People) -> None:
    class Unread(BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise AssertionError("The body was read.")

    announced: dict[str, Any] = {"CONTENT_LENGTH": str(MOST_UPLOAD + 1), "wsgi.input": Unread()}
    address, media = f"/statements/{they.decision.id}/complain/", "multipart/form-data; boundary=x"
    response = they.clients["alex"].generic("POST", address, b"", content_type=media, **announced)
    assert response.status_code == 400
    assert not Complaint.objects.exists()


def test_nobody_else_complains_about_it(they: People) -> None:
    statuses = they.statuses("post", f"/statements/{they.decision.id}/complain/", data={"text": WHY})
    assert statuses == {
        "nobody": 302, "alex": 302, "sam": 404, "rhea": 404, "ada": 404, "mona": 404, "nils": 404
    }  # fmt: skip
    assert Complaint.objects.count() == 1


def test_files_are_downloads_for_who_sent_them_and_for_moderators(they: People) -> None:
    file = complained(they).evidence.get()
    assert they.statuses("get", f"/statements/evidence/{file.id}/") == {
        "nobody": 302, "alex": 200, "sam": 404, "rhea": 404, "ada": 404, "mona": 200, "nils": 200
    }  # fmt: skip
    response = they.clients["alex"].get(f"/statements/evidence/{file.id}/")
    assert response.content == PNG
    assert response["Content-Type"] == "application/octet-stream"
    assert response["Content-Disposition"] == 'attachment; filename="shot.png"'
    assert response["X-Content-Type-Options"] == "nosniff"


def test_the_queue_is_for_moderators_and_each_look_is_on_record(they: People) -> None:
    complaint = complained(they)
    for address in ("/moderation/", f"/moderation/{complaint.id}/"):
        assert they.statuses("get", address) == {
            "nobody": 302, "alex": 403, "sam": 403, "rhea": 403, "ada": 403, "mona": 200, "nils": 200
        }, address  # fmt: skip
    act = latest("staff_view")
    assert act is not None
    assert (act["path"], act["by"]) == (f"/moderation/{complaint.id}/", {"account": they.users["nils"].pk})
    html = they.clients["nils"].get(f"/moderation/{complaint.id}/").content.decode()
    for words in (WHY, "minute 41", "shot.png", f"account {they.users['mona'].pk}"):
        assert words in html
    assert "alex" not in html.replace("alex films", "")  # whose it is does not matter to the review


def test_another_moderator_than_the_one_who_decided_closes_it_and_the_next_list_is_free(they: People) -> None:
    complaint = complained(they)
    address, data = f"/moderation/{complaint.id}/close/", {"outcome": "upheld", "reasons": REASONS}
    for name, status in {"nobody": 302, "alex": 403, "sam": 403, "rhea": 403, "ada": 403, "mona": 409}.items():
        assert they.clients[name].post(address, data).status_code == status, name
    assert "somebody else" in they.clients["mona"].post(address, data).content.decode()
    assert they.clients["nils"].post(address, {"outcome": "upheld", "reasons": ""}).status_code == 400
    assert they.clients["nils"].post(address, {"outcome": "open", "reasons": REASONS}).status_code == 400
    assert Complaint.objects.get().outcome == ""
    assert "is closed" in they.clients["nils"].post(address, data, follow=True).content.decode()
    assert Reversal.objects.filter(decision=they.decision).exists()
    found = penalties(they.decision.service, [they.item.pk], territory="EU", audience="adult", now=timezone.now())
    assert found == {}
    html = they.clients["alex"].get(f"/statements/{they.decision.id}/").content.decode()
    assert "This decision was reversed" in html
    assert REASONS in html
    assert they.clients["nils"].post(address, data).status_code == 409


def test_a_moderator_does_not_review_their_own_complaint(they: People) -> None:
    complaint = complained(they)
    nils = they.users["nils"]
    nils.subject, they.users["alex"].subject = they.users["alex"].subject, None
    they.users["alex"].save()
    nils.save()
    data = {"outcome": "upheld", "reasons": REASONS}
    response = they.clients["nils"].post(f"/moderation/{complaint.id}/close/", data)
    assert response.status_code == 409
    assert "You made this complaint" in response.content.decode()


def test_the_footer_leads_there(they: People) -> None:
    alex, mona = (they.clients[name].get("/help/").content.decode() for name in ("alex", "mona"))
    assert 'href="/statements/"' in alex
    assert 'href="/moderation/"' not in alex
    assert 'href="/moderation/"' in mona
    assert "/statements/" not in they.clients["nobody"].get("/help/").content.decode()
