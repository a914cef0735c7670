"""`manage.py policy propose | dry-run | approve | refuse | activate | versions`: how a policy set is changed."""

from __future__ import annotations

from abc import abstractmethod
from argparse import ArgumentParser
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.management.base import CommandError

from compliance.audit.management.verbs.base import COULD_NOT, Talk, Verb
from compliance.policy.changing import services
from compliance.policy.facts import active_policies
from compliance.policy.management.verbs.sets import beside_release, of_folder
from compliance.policy.models import PolicyVersion
from compliance.policy.policy_set import shipped

MOST: Final = 50


class _Act(Verb):
    """An act that may be refused: exit status 2 then."""

    def run(self, talk: Talk, **options: Any) -> int:
        """Do it, or say why not."""
        try:
            self.act(talk, **options)
        except services.ChangeRefused as error:
            raise CommandError(str(error), returncode=COULD_NOT) from error
        return 0

    @abstractmethod
    def act(self, talk: Talk, **options: Any) -> None:
        """Do it."""


class Propose(_Act):
    """Propose the packs in a folder, or those that ship."""

    name = "propose"
    help = "propose the packs in a folder (or those that ship) as this service's policy set"

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which packs, who, and why."""
        parser.add_argument("--packs", type=Path, metavar="FOLDER", help="without it: the packs that ship")
        parser.add_argument("--by", required=True, metavar="NAME")
        parser.add_argument("--why", required=True, metavar="TEXT")
        parser.add_argument(
            "--dropping", action="append", default=[], metavar="NAME", help="a pack or rule of the release to leave out"
        )

    def act(self, talk: Talk, **options: Any) -> None:
        """Propose."""
        folder, size = options["packs"], settings.SERVICE_SIZE
        policies = shipped(size) if folder is None else of_folder(folder, size=size)
        said = {name: options[name] for name in ("by", "why", "dropping")}
        version = services.propose(service=settings.SERVICE, policies=policies, **said)
        _say(talk, version, "Next: manage.py policy dry-run")


class DryRun(_Act):
    """Try a version out."""

    name = "dry-run"
    help = "plan recent requests by a proposed version, and say what it would have changed"

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which version, and how far back."""
        parser.add_argument("version", type=int)
        parser.add_argument("--last", type=int, default=services.LAST, metavar="N", help="the last N lists served")

    def act(self, talk: Talk, **options: Any) -> None:
        """Try it out, and report."""
        if options["last"] < 1:
            raise CommandError("--last must be at least 1.", returncode=COULD_NOT)
        report = services.try_out(options["version"], last=options["last"])
        talk.say(f"{report['planned']:,} lists planned again, {report['left_out']:,} left out (erased or earlier form)")
        talk.say(f"{report['changed']:,} plans change, {report['not_planned']:,} requests would have no plan")
        for name in ("by_field", "by_tier", "feed_mode"):
            talk.say(f"{name}: {', '.join(f'{key} {count:,}' for key, count in report[name].items()) or 'nothing'}")
        for one in report["examples"]:
            talk.say(f"such as {one['who']}: {one['changed']}")
        talk.document(report)


class Approve(_Act):
    """Approve what somebody else proposed."""

    name = "approve"
    help = "approve a version that somebody else proposed and that was tried out; every state is checked first"

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which version, and who."""
        parser.add_argument("version", type=int)
        parser.add_argument("--by", required=True, metavar="NAME")
        parser.add_argument(
            "--nothing-recorded", action="store_true", help="there was no list yet that it could be tried on"
        )

    def act(self, talk: Talk, **options: Any) -> None:
        """Approve."""
        said = {name: options[name] for name in ("by", "nothing_recorded")}
        _say(talk, services.approve(options["version"], **said), "Next: manage.py policy activate")


class Refuse(_Act):
    """Refuse a version."""

    name = "refuse"
    help = "refuse a version that is proposed or approved"

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which version, who, and why."""
        parser.add_argument("version", type=int)
        parser.add_argument("--by", required=True, metavar="NAME")
        parser.add_argument("--why", required=True, metavar="TEXT")

    def act(self, talk: Talk, **options: Any) -> None:
        """Refuse."""
        _say(talk, services.refuse(options["version"], by=options["by"], why=options["why"]), "")


class Activate(_Act):
    """Put a version in force."""

    name = "activate"
    help = "put an approved version in force"

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which version, and who."""
        parser.add_argument("version", type=int)
        parser.add_argument("--by", required=True, metavar="NAME")

    def act(self, talk: Talk, **options: Any) -> None:
        """Activate."""
        _say(talk, services.activate(options["version"], by=options["by"]), "")
        if words := beside_release(active_policies()):
            talk.say(words)


class Versions(_Act):
    """List versions."""

    name = "versions"
    help = "list this service's versions, newest first"

    def act(self, talk: Talk, **_: Any) -> None:
        """List them."""
        found = PolicyVersion.objects.filter(service=settings.SERVICE).order_by("-id")[:MOST]
        for version in found:
            talk.say(_line(version))
        talk.document({"versions": [_document(version) for version in found]})


def _say(talk: Talk, version: PolicyVersion, then: str) -> None:
    talk.say(_line(version))
    if then:
        talk.say(f"{then} {version.pk}")
    talk.document(_document(version))


def _line(version: PolicyVersion) -> str:
    approved = f", approved by {version.approved_by}" if version.approved_by else ""
    return (
        f"version {version.pk}, {version.sha256[:12]}: {version.get_state_display()}, proposed by "
        f"{version.proposed_by}{approved} ({version.why})"
    )


def _document(version: PolicyVersion) -> dict[str, Any]:
    return {
        "version": version.pk,
        "sha256": version.sha256,
        "state": version.state,
        "proposed_by": version.proposed_by,
        "approved_by": version.approved_by,
        "why": version.why,
    }
