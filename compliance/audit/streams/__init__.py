"""Handing events on, in the log's order, to engines that process streams; at least once, keyed by the event's id."""
