"""The audit log over HTTP: static tiles and the signed checkpoint (C2SP tlog-tiles), for anybody who asks."""
