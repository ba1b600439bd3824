"""pandas, as one would write it: all events in one frame, the JSON read line by line, then groups."""

import json
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd

_COLUMNS = ["event_type", "company_id", "verb", "route", "status", "weight", "blocked_by", "metadata"]


def totals(files: Sequence[Path], companies: int) -> dict[str, Decimal]:
    """Sum of each quantity over all subscriptions. The sample's values are whole numbers: no float comes near."""
    events = pd.concat([pd.read_parquet(path, columns=_COLUMNS) for path in files], ignore_index=True)
    subscriptions = pd.DataFrame(
        {
            "company_id": [f"company_{number}" for number in range(companies)],
            "subscription_id": [f"sub_{number}" for number in range(companies)],
        }
    )
    priced = events.merge(subscriptions, on="company_id")
    metadata = priced["metadata"].map(json.loads)
    priced["tokens"], priced["model"] = metadata.str["tokens"].astype("int64"), metadata.str["model"]
    passed = priced["blocked_by"].isna() & (priced["event_type"] == "api_call")
    posts = passed & (priced["verb"] == "POST") & priced["route"].str.startswith("/v1/")
    by_subscription = priced.groupby("subscription_id")
    quantities: dict[str, Any] = {
        "calls": priced[passed & (priced["status"] < 400)].groupby("subscription_id")["weight"].sum(),
        "tokens": by_subscription["tokens"].sum(),
        "tokens_by_model": priced.groupby(["subscription_id", "model"])["tokens"].sum(),
        "peak": by_subscription["tokens"].max(),
        "posts": priced[posts].groupby("subscription_id")["weight"].sum(),
    }
    return {name: Decimal(str(usage.sum())) for name, usage in quantities.items()}
