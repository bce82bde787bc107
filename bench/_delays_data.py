"""Olist's orders as a notifications.prediction history, for bench/delays.py."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

from notifications.prediction import history
from notifications.prediction.history import NEVER, History, Lane, Parcel

KEPT_OF_DELIVERED = 0.24  # of the whole data set; of what was never delivered, all (its README)


def load(folder: Path) -> History:
    """One parcel an order, weighted so that delivered ones count for those that are not in the sample.

    Called-off orders are dropped from the last moment that their row knows, as intake/olist.py takes them. Delivered
    orders without a date are left out: when they came is not known.
    """
    states = {row["customer_id"]: row["customer_state"] for row in _rows(folder / "customers.csv")}
    sellers = {row["seller_id"]: row["seller_state"] for row in _rows(folder / "sellers.csv")}
    origin: dict[str, str] = {}
    ship_by: dict[str, int] = {}
    for row in _rows(folder / "order_items.csv"):
        order_id = row["order_id"]
        origin.setdefault(order_id, sellers.get(row["seller_id"], ""))
        ship_by[order_id] = max(ship_by.get(order_id, 0), _day(row["shipping_limit_date"]))
    parcels = []
    for row in _rows(folder / "orders.csv"):
        order_id, status = row["order_id"], row["order_status"]
        if status == "delivered" and not row["order_delivered_customer_date"]:
            continue
        delivered = _day(row["order_delivered_customer_date"])
        known = [
            _day(row[name])
            for name in ("order_purchase_timestamp", "order_approved_at", "order_delivered_carrier_date")
            if row[name]
        ]
        parcels.append(
            Parcel(
                lane=Lane("olist", f"BR-{origin.get(order_id, '')}", f"BR-{states[row['customer_id']]}"),
                placed=_day(row["order_purchase_timestamp"]),
                promised=_day(row["order_estimated_delivery_date"]),
                ship_by=ship_by.get(order_id, NEVER),
                handed_over=_day(row["order_delivered_carrier_date"]),
                delivered=delivered,
                dropped=max(known) if status in ("canceled", "unavailable") else NEVER,
                # On average 1, so that "thirty parcels" still means about thirty rows.
                weight=1 / KEPT_OF_DELIVERED if delivered < NEVER else 1.0,
            )
        )
    mean = sum(parcel.weight for parcel in parcels) / len(parcels)
    return history.of(parcel._replace(weight=parcel.weight / mean) for parcel in parcels)


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _day(text: str) -> int:
    return date.fromisoformat(text[:10]).toordinal() if text else NEVER
