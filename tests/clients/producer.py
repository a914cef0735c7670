"""A ranker that records decisions as fast as it can, and says so once each is safe. Killed by the test that runs it."""

from __future__ import annotations

import sys

from clerestory_client import Client, Item

if __name__ == "__main__":
    url, key, spool, count = sys.argv[1:]
    client = Client(url, key, spool, batch_size=20, every_s=0.01)
    for number in range(int(count)):
        event_id = client.record(
            pseudonym="1b671a64-40d5-491e-99b0-da01ff1f3341",
            surface="home",
            feed_mode="personalised",
            tier="adult",
            jurisdiction="EU",
            model=("two towers", "ab" * 32),
            items=[Item(f"item-{number}", source="similar", scores={"like": number / 7}, propensity=0.98)],
        )
        sys.stdout.write(event_id + "\n")
        sys.stdout.flush()
