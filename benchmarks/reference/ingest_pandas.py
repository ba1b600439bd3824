"""pandas, as one would write it: all lines in one frame, nested objects flattened, the same columns to Parquet."""

import hashlib
import json
import sys

import pandas as pd

_TEXTS = ("action_name", "user_id", "company_id", "subscription_id", "session_token", "blocked_by")


def main(source: str, target: str) -> None:
    """Turn `source` (NDJSON) into `target` (Parquet)."""
    sent = pd.read_json(source, lines=True, dtype={"weight": "int64"}, convert_dates=False)
    request, response = (pd.json_normalize(sent[name].tolist()) for name in ("request", "response"))
    began, ended = (pd.to_datetime(part["time"], format="ISO8601", utc=True) for part in (request, response))
    frame = pd.DataFrame(
        {
            "event_id": sent["transaction_id"],
            "event_type": "api_call",
            "occurred_at": began.astype("datetime64[us, UTC]"),
            **{name: sent.get(name) for name in _TEXTS},
            "verb": request["verb"],
            "uri": request["uri"].str.replace(r"=[^&#]*", "=", regex=True),
            "status": response["status"].astype("int32"),
            "duration_ms": (ended - began) // pd.Timedelta(milliseconds=1),
            "weight": sent["weight"].fillna(1).astype("int64"),
            "metadata": [json.dumps(value, separators=(",", ":")) for value in sent["metadata"]],
        }
    )
    frame["occurred_on"] = frame["occurred_at"].dt.date
    frame["received_at"] = pd.Timestamp.now("UTC")
    frame["source"], frame["file"], frame["line"] = "api", source, range(1, len(frame) + 1)
    frame["identity_hash"] = [_hash("api", event_id) for event_id in frame["event_id"]]
    content = frame[["event_id", "event_type", "occurred_at", "company_id", "user_id", "verb", "uri", "metadata"]]
    frame["content_hash"] = [_hash(*row) for row in content.itertuples(index=False)]
    frame.to_parquet(target, compression="zstd")


def _hash(*values: object) -> int:
    text = "\x1f".join(map(str, values))
    return int.from_bytes(hashlib.md5(text.encode()).digest()[:8], "big") >> 1


if __name__ == "__main__":
    main(*sys.argv[1:])
